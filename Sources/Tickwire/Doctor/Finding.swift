/// What the doctor found out about one thing.
public struct Finding: Hashable, Sendable {
    /// How it is.
    public enum State: String, Hashable, Sendable {
        /// It is as it should be.
        case ok
        /// It works, but should be changed.
        case warn
        /// It keeps the service, or a part of it, from working.
        case fail
        /// It is not set up, or could not be looked at.
        case skip
    }

    /// What was looked at: `settings`, `database`, `feeds`.
    public let name: String
    /// How it is.
    public let state: State
    /// One line for an operator; never a secret.
    public let detail: String
    /// What to do about it.
    public let fix: String?

    /// Makes a finding.
    public init(_ name: String, _ state: State, _ detail: String, fix: String? = nil) {
        self.name = name
        self.state = state
        self.detail = detail
        self.fix = fix
    }
}
