/// Why and until when nothing is asked of a provider, and how that grows when it goes on.
package struct FeedPause: Sendable {
    package enum Kind: Sendable {
        /// Told to wait: 429, `Retry-After`.
        case busy
        /// The provider or the way to it has trouble.
        case failing
        /// The provider does not want us: rarely tried again.
        case denied
    }

    package private(set) var kind: Kind?
    package private(set) var until: ContinuousClock.Instant?
    package private(set) var reason = ""
    /// Counts pauses: a request that was sent before the present one says nothing about it.
    package private(set) var epoch = 0
    private var steps = 0

    /// No pause.
    package init() {}

    /// The pause after the first refusal; doubles up to ``denialMax``.
    static let denial = Duration.seconds(600)
    static let denialMax = Duration.seconds(3600)
    static let failingMax = Duration.seconds(600)

    /// A request failed.
    ///
    /// - Parameters:
    ///   - kind: How.
    ///   - reason: For people.
    ///   - retryAfter: How long the provider wants us to wait.
    ///   - sentIn: The epoch in which the request was sent.
    ///   - base: The pause after the first failure of the provider.
    ///   - now: When.
    ///   - random: Spreads the tries of many clients.
    package mutating func fail(
        _ kind: Kind, reason: String, retryAfter: Duration?, sentIn: Int, base: Duration, now: ContinuousClock.Instant,
        random: UInt64
    ) {
        if sentIn == self.epoch || self.kind == nil {
            self.steps = self.kind == kind ? self.steps + 1 : 1
            self.epoch += 1
        } else if self.kind != kind, kind != .denied {
            // Sent before the pause began: at most it makes the pause longer.
            if let retryAfter { self.until = max(self.until ?? now, now + retryAfter) }
            return
        }
        let delay = Self.delay(kind, step: self.steps, retryAfter: retryAfter, base: base)
        let spread = min(delay / 4, .seconds(30)) * Double(random >> 32) / Double(UInt32.max)
        self.kind = kind
        self.reason = reason
        self.until = max(self.until ?? now, now + delay + spread)
    }

    /// A request succeeded; one that was sent before the pause began does not end it.
    package mutating func succeed(sentIn: Int) {
        guard sentIn == self.epoch else { return }
        self.kind = nil
        self.until = nil
        self.steps = 0
    }

    /// The feed file was replaced: what it got wrong may be right now, but a wait that was asked for stays.
    mutating func forget() {
        self.epoch += 1
        self.steps = 0
        if self.kind != .busy {
            self.kind = nil
            self.until = nil
        }
    }

    private static func delay(_ kind: Kind, step: Int, retryAfter: Duration?, base: Duration) -> Duration {
        let factor = 1 << min(max(step - 1, 0), 12)
        switch kind {
        case .busy:
            // A provider that says 0 again and again must not be asked again and again.
            return retryAfter.map { max($0, min(.seconds(1) * factor, .seconds(60))) }
                ?? min(.seconds(60) * factor, .seconds(3600))
        case .failing: return min(base * factor, Self.failingMax)
        case .denied: return max(retryAfter ?? .zero, min(Self.denial * factor, Self.denialMax))
        }
    }
}
