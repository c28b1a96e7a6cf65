/// Keeps ``BudgetRules`` by construction: remembers when requests were sent and says when the next one may be.
///
/// A window slides: in no stretch of its length are there more requests than its limit, whenever the provider's own
/// count begins. Requests before a restart of the process are not known.
package struct RequestBudget: Sendable {
    package private(set) var rules: BudgetRules
    /// The newest instants, as many as the largest limit; a ring once it is full.
    private var sent: [ContinuousClock.Instant] = []
    /// Where the oldest stands when the ring is full.
    private var oldest = 0
    private var lastWeight: (used: Int, at: ContinuousClock.Instant)?
    /// What one request has cost at most.
    private var weightCost = 1
    private var weightPause: ContinuousClock.Instant?

    /// How long the provider's count of weights lasts at most.
    private static let weightWindow = Duration.seconds(60)

    /// Nothing was sent yet.
    package init(rules: BudgetRules) { self.rules = rules }

    private var capacity: Int { self.rules.windows.map(\.limit).max() ?? 0 }

    /// The requests in the order they were sent, the newest of them first.
    private func instant(newest index: Int) -> ContinuousClock.Instant {
        self.sent[(self.oldest + self.sent.count - 1 - index) % self.sent.count]
    }

    /// Requests take different times on their way: a little longer than the window here is the whole window there.
    private static func guarded(_ length: Duration) -> Duration { length + min(.seconds(1), length / 20) }

    /// The earliest instant from `now` on at which a request may be sent.
    package func nextPermit(now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        var permit = self.rules.windows.reduce(now) { permit, window in
            guard self.sent.count >= window.limit else { return permit }
            return max(permit, self.instant(newest: window.limit - 1) + Self.guarded(window.length))
        }
        if let pause = self.weightPause { permit = max(permit, pause) }
        return permit
    }

    /// Notes a request; ask ``nextPermit(now:)`` first.
    package mutating func take(now: ContinuousClock.Instant) {
        if let pause = self.weightPause, now >= pause {
            self.weightPause = nil
            self.lastWeight = nil
        }
        guard self.capacity > 0 else { return }
        if self.sent.count < self.capacity {
            self.sent.append(now)
        } else {
            self.sent[self.oldest] = now
            self.oldest = (self.oldest + 1) % self.sent.count
        }
    }

    /// The provider told what has been used; stops asking when one more request could exceed the limit.
    package mutating func told(used: Int, now: ContinuousClock.Instant) {
        guard let weight = self.rules.weight else { return }
        if let last = self.lastWeight, now - last.at < Self.weightWindow, used > last.used {
            self.weightCost = max(self.weightCost, used - last.used)
        }
        self.lastWeight = (used, now)
        if used + self.weightCost > weight.max { self.weightPause = now + Self.weightWindow }
    }

    /// How many requests each window still allows.
    func left(now: ContinuousClock.Instant) -> [(window: BudgetRules.Window, left: Int)] {
        self.rules.windows.map { window in
            // Instants fall as the index grows: the first that lies outside of the window ends the count.
            var low = 0
            var high = min(self.sent.count, window.limit)
            while low < high {
                let middle = (low + high) / 2
                if self.instant(newest: middle) + Self.guarded(window.length) > now {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            return (window, window.limit - low)
        }
    }

    /// What the provider says is used of ``BudgetRules/Weight/max``.
    var weightUsed: Int? { self.lastWeight?.used }

    /// Takes over other rules; what was sent stays counted.
    mutating func replaceRules(_ rules: BudgetRules) {
        let known = (0..<self.sent.count).map { self.instant(newest: $0) }
        self.rules = rules
        self.sent = known.prefix(self.capacity).reversed()
        self.oldest = 0
        if rules.weight == nil {
            self.weightPause = nil
            self.lastWeight = nil
        }
    }
}
