/// A bucket of tokens that fills up by itself.
struct RateLimit: Sendable {
    private let burst: Double
    private let perSecond: Double
    private var tokens: Double
    private var updatedAt: ContinuousClock.Instant?

    /// A full bucket.
    init(burst: Int, perSecond: Int) {
        self.burst = Double(burst)
        self.perSecond = Double(perSecond)
        self.tokens = Double(burst)
    }

    /// Whether there is something in it.
    mutating func isOpen(now: ContinuousClock.Instant) -> Bool {
        if let updatedAt {
            self.tokens = min(self.burst, self.tokens + self.perSecond * max(0, (now - updatedAt) / .seconds(1)))
        }
        self.updatedAt = now
        return self.tokens >= 1
    }

    /// Takes one out; `false` when there is none.
    mutating func take(now: ContinuousClock.Instant) -> Bool {
        guard self.isOpen(now: now) else { return false }
        self.tokens -= 1
        return true
    }

    /// Puts back one that was taken.
    mutating func giveBack() { self.tokens = min(self.burst, self.tokens + 1) }

    /// Whether it is as full as a new one.
    func isFull(now: ContinuousClock.Instant) -> Bool {
        var copy = self
        _ = copy.isOpen(now: now)
        return copy.tokens >= copy.burst
    }
}
