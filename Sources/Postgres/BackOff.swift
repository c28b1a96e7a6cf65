/// The waits between attempts: 0.25 s, doubling up to 30 s, each shortened by up to a half at random so that many
/// clients of one server do not come back in step.
public struct BackOff: Sendable {
    private let first: Duration
    private let longest: Duration
    private var current: Duration

    /// Starts at `first`, ends at `longest`.
    public init(first: Duration = .milliseconds(250), longest: Duration = .seconds(30)) {
        self.first = first
        self.longest = longest
        self.current = first
    }

    /// The next wait.
    public mutating func next() -> Duration {
        let wait = self.current
        self.current = min(self.current * 2, self.longest)
        return wait * Double.random(in: 0.5...1)
    }

    /// An attempt succeeded: the next wait is the first one again.
    public mutating func reset() { self.current = self.first }
}
