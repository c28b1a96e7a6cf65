public import Market

/// Decides when a live price is worth a push, for one broadcast channel or one activity.
///
/// Silent updates come at most once a cadence and only when something that is shown has changed; a crossing goes at once; the
/// close ends the activity. Source: Apple, "Starting and updating Live Activities with ActivityKit push notifications", whose
/// budget counts pushes of priority 10 but not those of priority 5. Time is an argument.
public struct LivePriceGovernor: Hashable, Sendable {
    /// Whether the market goes on.
    public enum Market: Hashable, Sendable {
        /// It trades, or is about to.
        case open
        /// Its session ended at this time; crypto never does.
        case closed(since: Timestamp)
    }

    /// What to do.
    public enum Decision: Hashable, Sendable {
        /// Nothing that is shown has changed.
        case unchanged
        /// Something has, but it is too soon after the last push.
        case heldBack
        /// The market has closed, and the activity with it.
        case ended
        /// Send this.
        case send(LiveActivityPush)
    }

    /// What the lock screens show.
    private struct Shown: Hashable, Sendable {
        var price: Decimal64
        var marketState: String
        var isDelayed: Bool
    }

    /// What lies between two silent updates at least.
    public let cadence: Duration
    private var shown: Shown?
    private var sentAt: Timestamp?
    private let since: Timestamp?
    private var alertedAt: Timestamp?
    private var clock: LiveActivityClock

    /// Cadences without a push after which an activity calls its price outdated.
    private static let staleCadences = 3

    /// Makes a governor.
    ///
    /// - Parameters:
    ///   - cadence: What lies between two silent updates at least.
    ///   - since: When there was first somebody to push to: an activity of before the close ends with it.
    ///   - sentAt: When the last push went, perhaps by another process.
    ///   - lastTimestamp: The newest timestamp that was sent.
    public init(
        cadence: Duration, since: Timestamp? = nil, sentAt: Timestamp? = nil, lastTimestamp: Int64? = nil
    ) {
        self.cadence = cadence
        self.since = since
        self.sentAt = sentAt
        self.clock = LiveActivityClock(last: lastTimestamp)
    }

    /// The time to look at the price.
    ///
    /// - Parameters:
    ///   - price: The newest state.
    ///   - tick: The smallest step of the price that is shown.
    ///   - market: Whether the market goes on.
    ///   - relevance: How the activity ranks; `nil` for broadcasts, which everybody gets.
    ///   - now: The time.
    /// - Returns: What to do; what is to be sent counts as sent.
    public mutating func looked(
        at price: LivePrice, tick: Decimal64, market: Market, relevance: Double? = nil, now: Timestamp
    ) -> Decision {
        if case .closed(let since) = market {
            guard let last = self.sentAt ?? self.since, last < since else { return .ended }
            return .send(self.push(.end(dismissedAt: nil, alert: nil), price, relevance, now))
        }
        guard self.hasChanged(price, tick) else { return .unchanged }
        guard self.mayUpdate(now) else { return .heldBack }
        return .send(self.push(.update(alert: nil), price, relevance, now))
    }

    /// The price crossed somebody's threshold.
    ///
    /// - Parameters:
    ///   - alert: What lights up the screen.
    ///   - price: The newest state.
    ///   - market: Whether the market goes on.
    ///   - relevance: How the activity ranks; `nil` for broadcasts.
    ///   - now: The time.
    /// - Returns: What to do: at once, but no two alerts within a cadence, because the system's budget counts them.
    public mutating func crossed(
        _ alert: LiveActivityAlert, at price: LivePrice, market: Market, relevance: Double? = nil, now: Timestamp
    ) -> Decision {
        if case .closed = market { return .ended }
        if let alertedAt, now < alertedAt.advanced(by: self.cadence), now >= alertedAt { return .heldBack }
        self.alertedAt = now
        return .send(self.push(.update(alert: alert), price, relevance, now))
    }

    /// The last push was not taken: what it showed is not shown, so the next look may send it again, a cadence later.
    public mutating func missed() { self.shown = nil }

    private func hasChanged(_ price: LivePrice, _ tick: Decimal64) -> Bool {
        guard let shown else { return true }
        if shown.marketState != price.marketState || shown.isDelayed != price.isDelayed { return true }
        // Prices 10^18 apart have no exact difference, and have moved.
        guard let move = try? price.price.subtracting(shown.price) else { return true }
        return !move.isZero && !(move.magnitude < tick)
    }

    private func mayUpdate(_ now: Timestamp) -> Bool {
        guard let sentAt else { return true }
        // A clock that was set back must not silence it.
        return now >= sentAt.advanced(by: self.cadence) || now < sentAt
    }

    private mutating func push(
        _ event: LiveActivityPush.Event, _ price: LivePrice, _ relevance: Double?, _ now: Timestamp
    ) -> LiveActivityPush {
        self.sentAt = now
        self.shown = Shown(price: price.price, marketState: price.marketState, isDelayed: price.isDelayed)
        return LiveActivityPush(
            event: event, state: price, timestamp: self.clock.stamp(price.time),
            staleAt: Self.isEnd(event) ? nil : now.advanced(by: self.cadence * Self.staleCadences),
            relevance: relevance)
    }

    private static func isEnd(_ event: LiveActivityPush.Event) -> Bool {
        if case .end = event { true } else { false }
    }
}
