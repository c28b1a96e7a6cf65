public import Market

/// When a delivery is tried again: exponential back-off with full jitter, and a hard stop.
///
/// Sources: Standard Webhooks specification 1.0, "Webhook delivery"; M. Brooker, "Exponential Backoff and
/// Jitter", AWS Architecture Blog, for the full jitter.
public struct RetryPolicy: Hashable, Sendable {
    /// What becomes of a delivery that failed for now.
    public enum Decision: Hashable, Sendable {
        /// It is tried again after this time.
        case retry(after: Duration)
        /// It would be worthless by then.
        case expire
    }

    /// The longest pause after the first attempt; each further attempt doubles it.
    public var base: Duration
    /// The longest pause of all.
    public var longest: Duration
    /// The pauses after the first attempts, to the second, before the back-off begins.
    public var first: [Duration]
    /// How long after its creation a delivery may still be tried that does not say itself when it is worthless.
    public var expiry: Duration

    /// Makes a policy; what is not given is that of webhooks.
    public init(
        base: Duration = .seconds(5), longest: Duration = .seconds(6 * 3_600), expiry: Duration = .seconds(3 * 86_400),
        first: [Duration] = []
    ) {
        self.first = first
        self.base = base
        self.longest = longest
        self.expiry = expiry
    }

    /// Decides when to try again.
    ///
    /// What the service asked for wins over the back-off, the end of its worth over both.
    ///
    /// - Parameters:
    ///   - wanted: What the service asked for.
    ///   - tries: How often it was tried.
    ///   - createdAt: When the delivery was put into the queue.
    ///   - expiresAt: When it is worthless, if it says so.
    ///   - now: The time of the decision.
    ///   - random: Any number, evenly distributed: the jitter.
    /// - Returns: What becomes of it.
    public func decide(
        wanted: Duration?, tries: Int, createdAt: Timestamp, expiresAt: Timestamp?, now: Timestamp, random: UInt64
    ) -> Decision {
        let pause = wanted.map { max($0, .seconds(1)) } ?? self.pause(tries: tries, random: random)
        let end = expiresAt ?? createdAt.advanced(byNanoseconds: Int64(self.expiry / .nanoseconds(1)))
        let left = Duration.nanoseconds(end.nanoseconds - now.nanoseconds)
        return pause < left ? .retry(after: pause) : .expire
    }

    /// Evenly from one second to the bound, which doubles with every try.
    private func pause(tries: Int, random: UInt64) -> Duration {
        if tries >= 1, tries <= self.first.count { return self.first[tries - 1] }
        var bound = self.base
        for _ in 1..<max(1, min(tries, 40)) where bound < self.longest { bound = bound * 2 }
        bound = min(bound, self.longest)
        let milliseconds = UInt64(max(1, bound / .milliseconds(1)))
        return max(.seconds(1), .milliseconds(Int64(random % (milliseconds + 1))))
    }
}
