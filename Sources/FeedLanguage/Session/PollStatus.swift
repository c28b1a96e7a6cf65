/// What people see of a polled feed.
public enum PollStatus: Equatable, Sendable {
    /// Not started, or nothing to ask for.
    case idle
    /// Asking, and nothing has been answered yet.
    case starting
    /// Answers come.
    case live
    /// The market is closed.
    case closed
    /// The budget is used up; the next request is sent at that instant.
    case exhausted(until: ContinuousClock.Instant)
    /// The provider has trouble, or wants us to wait; the next request is sent at that instant.
    case waiting(reason: String, until: ContinuousClock.Instant)
    /// The provider refuses us; rarely tried again.
    case failed(reason: String, retryAt: ContinuousClock.Instant)
    /// Ended for good.
    case stopped
}
