/// What an alert remembers, and of which condition.
public struct AlertMemory: Sendable, Hashable {
    /// The alert.
    public let id: Int64
    /// The revision of its condition that the state belongs to.
    public var revision: Int64
    /// What it remembers.
    public let state: AlertState
    /// Whether the storm guard has paused it.
    public var isStorm: Bool

    /// Makes it from its parts.
    public init(id: Int64, revision: Int64, state: AlertState, isStorm: Bool = false) {
        self.id = id
        self.revision = revision
        self.state = state
        self.isStorm = isStorm
    }
}
