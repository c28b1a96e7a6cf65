/// Counts how often something happens, and says when that is too often.
///
/// A bucket of tokens that fills at a steady rate: what is not used is saved for a burst.
package struct TokenBucket: Equatable, Sendable {
    /// A point on the monotonic clock.
    package typealias Instant = ContinuousClock.Instant

    private let perSecond: Int
    private let burst: Int
    /// In millionths, so that slow rates fill at every look.
    private var micros: Int
    private var filledAt: Instant

    /// A full bucket.
    package init(perSecond: Int, burst: Int, now: Instant) {
        self.perSecond = perSecond
        self.burst = burst
        self.micros = burst * 1_000_000
        self.filledAt = now
    }

    /// Takes one token.
    ///
    /// - Returns: `false` when there is none.
    package mutating func take(now: Instant) -> Bool {
        self.fill(now: now)
        guard self.micros >= 1_000_000 else { return false }
        self.micros -= 1_000_000
        return true
    }

    /// Puts back one that was taken.
    package mutating func giveBack() { self.micros = min(self.burst * 1_000_000, self.micros + 1_000_000) }

    /// Whether it is as full as a new one.
    package func isFull(now: Instant) -> Bool {
        var copy = self
        copy.fill(now: now)
        return copy.micros == copy.burst * 1_000_000
    }

    private mutating func fill(now: Instant) {
        let passed = (now - self.filledAt).components
        // An hour fills any bucket: no overflow after a long sleep.
        let micros =
            passed.seconds >= 3600
            ? 3_600_000_000 : passed.seconds * 1_000_000 + passed.attoseconds / 1_000_000_000_000
        guard micros > 0 else { return }
        self.micros = min(self.burst * 1_000_000, self.micros + Int(micros) * self.perSecond)
        self.filledAt = now
    }
}
