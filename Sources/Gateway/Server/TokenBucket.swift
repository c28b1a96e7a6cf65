/// Counts how often something happens, and says when that is too often.
///
/// A bucket of tokens that fills at a steady rate: what is not used is saved for a burst.
struct TokenBucket: Equatable {
    private let perSecond: Int
    private let burst: Int
    /// In millionths, so that slow rates fill at every look.
    private var micros: Int
    private var filledAt: ContinuousClock.Instant

    /// A full bucket.
    init(perSecond: Int, burst: Int, now: ContinuousClock.Instant) {
        self.perSecond = perSecond
        self.burst = burst
        self.micros = burst * 1_000_000
        self.filledAt = now
    }

    /// Takes one token.
    ///
    /// - Returns: `false` when there is none.
    mutating func take(now: ContinuousClock.Instant) -> Bool {
        let passed = (now - self.filledAt).components
        // An hour fills any bucket: no overflow after a long sleep.
        let micros =
            passed.seconds >= 3600
            ? 3_600_000_000 : passed.seconds * 1_000_000 + passed.attoseconds / 1_000_000_000_000
        if micros > 0 {
            self.micros = min(self.burst * 1_000_000, self.micros + Int(micros) * self.perSecond)
            self.filledAt = now
        }
        guard self.micros >= 1_000_000 else { return false }
        self.micros -= 1_000_000
        return true
    }
}
