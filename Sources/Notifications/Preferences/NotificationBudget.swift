public import Market

/// How many notifications a user may get: a token bucket that is full at first.
public struct NotificationBudget: Hashable, Sendable {
    /// How many may come at once.
    public let burst: Int
    /// The time in which one more is earned.
    public let interval: Duration

    /// Ten at once, and one every half minute.
    public static let standard = NotificationBudget(burst: 10, interval: .seconds(30))

    /// Makes a budget; at least one notification, and at least a millisecond between two for long.
    public init(burst: Int, interval: Duration) {
        self.burst = max(1, burst)
        self.interval = max(.milliseconds(1), interval)
    }

    /// What is left of a budget.
    public struct Level: Hashable, Sendable {
        /// When the bucket will be, or was, full again: all that there is to remember.
        public var fullAt: Timestamp

        /// A level whose bucket is full from `fullAt` on.
        public init(fullAt: Timestamp) { self.fullAt = fullAt }
    }

    /// Takes one notification out of the budget, or reserves the next.
    ///
    /// Whoever asks before a reserved one has been earned gets the same one: what comes meanwhile is to be told with it.
    ///
    /// - Parameters:
    ///   - level: What is left.
    ///   - now: The time. A clock that went back costs little: the level never counts for more than one beyond an empty bucket.
    /// - Returns: `nil` when there was one, otherwise how long until there will be.
    public func take(from level: inout Level, now: Timestamp) -> Duration? {
        let interval = self.interval.nanosecondCount
        let empty = now.advanced(
            byNanoseconds: interval.multipliedReportingOverflow(by: Int64(self.burst)).partialValue)
        let full = min(max(level.fullAt, now), empty.advanced(byNanoseconds: interval))
        // The next one is reserved already.
        guard full <= empty else { return .nanoseconds(full.nanoseconds - empty.nanoseconds) }
        let after = full.advanced(byNanoseconds: interval)
        level.fullAt = after
        return after <= empty ? nil : .nanoseconds(after.nanoseconds - empty.nanoseconds)
    }
}

extension Duration {
    /// Whole nanoseconds, at most an hour's worth.
    fileprivate var nanosecondCount: Int64 {
        Int64(min(self, .seconds(3_600)) / .nanoseconds(1))
    }
}
