/// Spreads the connections of one feed so that a venue's limit for a minute is kept, all connections together.
///
/// A window slides: in no stretch of a minute there are more attempts than the limit.
public struct ConnectLimiter: Sendable {
    private static let minute = Duration.seconds(60)

    private let perMinute: Int?
    /// When the last attempts were, or will be, oldest first.
    private var attempts: [ContinuousClock.Instant] = []

    /// Makes a limiter that has seen no attempt.
    public init(limits: FeedLimits) { self.perMinute = limits.connectsPerMinute }

    /// Reserves the next attempt.
    ///
    /// - Parameter now: The present instant.
    /// - Returns: When it may be made: `now`, or later.
    public mutating func reserve(now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard let perMinute else { return now }
        var instant = max(now, self.attempts.last ?? now)
        if self.attempts.count >= perMinute {
            instant = max(instant, self.attempts[self.attempts.count - perMinute] + Self.minute)
        }
        self.attempts.append(instant)
        if self.attempts.count > perMinute { self.attempts.removeFirst(self.attempts.count - perMinute) }
        return instant
    }
}
