/// A bucket of tokens: `rate` of them come back each second, at most `rate` are there.
struct RateLimiter: Sendable {
    typealias Instant = ContinuousClock.Instant

    private let rate: Int
    /// When the bucket would have been empty if all that is in it had come in since.
    private var emptyAt: Instant

    /// A full bucket.
    init(rate: Int, now: Instant) {
        self.rate = rate
        self.emptyAt = now.advanced(by: .seconds(-1))
    }

    /// Takes one token.
    ///
    /// - Returns: `false` when there is none.
    mutating func take(now: Instant) -> Bool {
        let start = max(self.emptyAt, now.advanced(by: .seconds(-1)))
        let next = start.advanced(by: .seconds(1) / self.rate)
        guard next <= now else { return false }
        self.emptyAt = next
        return true
    }
}
