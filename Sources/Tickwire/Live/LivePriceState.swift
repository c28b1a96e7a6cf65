import Market
import Notifications
import Store

/// Who is shown which prices, and what goes to them next: decisions only, the sending is ``LivePriceService``'s.
struct LivePriceState: Sendable {
    /// A push that has been decided.
    struct Work: Sendable {
        enum Target: Sendable {
            case channel(LiveChannel)
            case activity(LiveActivity)
        }

        let target: Target
        var push: LiveActivityPush
        /// Whether it goes whatever was sent just now.
        let isUrgent: Bool
    }

    /// A crossing as screens are told of it.
    struct Crossing: Sendable {
        let symbol: Symbol
        let user: String
        let price: Decimal64
        let time: Timestamp
        /// For the user's own activities.
        let text: LiveActivityAlert
        /// Whether everybody who watches the symbol is told, without the user's words.
        let isForAll: Bool
    }

    /// What decisions depend on.
    struct Market {
        let prices: LatestPrices
        /// Feeds that are not connected.
        let deadFeeds: Set<String>
        let now: Timestamp
    }

    private struct Entry<Target: Sendable>: Sendable {
        var target: Target
        var governor: LivePriceGovernor
        var isSending = false
        var thresholds: [Decimal64] = []
    }

    /// Pushes on their way at most; what is beyond waits for the next look.
    private static let inFlightMax = 2_000
    /// Activities begun at one look at most: at an open all want to be.
    private static let startsMax = 500
    /// A channel that no app has asked for in so long is sent to no more: activities live half a day at most.
    static let unusedNanoseconds: Int64 = 12 * 3_600 * 1_000_000_000

    let cadence: Duration
    var counters = LivePriceCounters()
    private var channels: [LiveChannel.Key: Entry<LiveChannel>] = [:]
    private var activities: [LiveActivity.Key: Entry<LiveActivity>] = [:]
    private var starts: [LiveActivity.Key: LiveActivity] = [:]
    private var startsHeld: [LiveActivity.Key: Timestamp] = [:]
    private var sparklines: [Symbol: LiveSparkline] = [:]
    private var inFlight = 0

    init(cadence: Duration) { self.cadence = cadence }

    // MARK: Who

    /// Takes what the tables say now; what goes on keeps its governor.
    mutating func replace(channels: [LiveChannel]) {
        var entries: [LiveChannel.Key: Entry<LiveChannel>] = [:]
        for channel in channels where channel.id != nil {
            let key = channel.key
            var entry = self.channels[key].flatMap { $0.target.id == channel.id ? $0 : nil }
            entry?.target = channel
            entries[key] =
                entry
                ?? Entry(
                    target: channel,
                    governor: LivePriceGovernor(
                        cadence: self.cadence, since: channel.createdAt, sentAt: channel.sentAt,
                        lastTimestamp: channel.lastTimestamp))
        }
        self.channels = entries
        self.counters.channels = entries.count
    }

    /// Takes what the tables say now.
    mutating func replace(activities: [LiveActivity], thresholds: [String: [Symbol: [Decimal64]]]) {
        var entries: [LiveActivity.Key: Entry<LiveActivity>] = [:]
        self.starts = [:]
        for activity in activities {
            let key = activity.key
            guard case .update = activity.kind else {
                self.starts[key] = activity
                continue
            }
            var entry =
                self.activities[key]
                ?? Entry(
                    target: activity,
                    governor: LivePriceGovernor(
                        cadence: self.cadence, since: activity.askedAt, sentAt: activity.sentAt,
                        lastTimestamp: activity.lastTimestamp))
            entry.target = activity
            entry.thresholds = thresholds[activity.user]?[activity.symbol] ?? []
            entries[key] = entry
        }
        self.activities = entries
        self.startsHeld = self.startsHeld.filter { self.starts[$0.key] != nil }
        self.counters.activities = entries.count
    }

    // MARK: What

    /// The time to look at all prices.
    mutating func looked(_ market: Market) -> [Work] {
        var work: [Work] = []
        var states: [Symbol: (price: LivePrice, tick: Decimal64, schedule: LiveActivitySchedule)] = [:]
        for symbol in Set(self.channels.keys.map(\.symbol)).union(self.activities.keys.map(\.symbol)) {
            guard let (latest, decimals) = market.prices.latest(symbol) else { continue }
            self.sparklines[symbol, default: LiveSparkline()].take(latest.price, now: market.now)
            states[symbol] = (
                self.price(latest, decimals, market), Self.tick(decimals), LiveActivitySchedule(asset: latest.asset)
            )
        }
        for (key, entry) in self.channels where !entry.isSending && self.inFlight < Self.inFlightMax {
            guard let state = states[key.symbol] else { continue }
            let decision = self.channels[key]?.governor.looked(
                at: state.price, tick: state.tick, market: state.schedule.market(at: market.now), now: market.now)
            if let push = self.count(decision) {
                self.channels[key]?.isSending = true
                work.append(Work(target: .channel(entry.target), push: push, isUrgent: push.isEnd))
            }
        }
        for (key, entry) in self.activities where !entry.isSending && self.inFlight < Self.inFlightMax {
            guard let state = states[key.symbol] else { continue }
            let relevance = LiveRelevance.score(price: state.price.price, thresholds: entry.thresholds)
            var place = state.schedule.market(at: market.now)
            // Crypto's activities are begun anew after eight hours: the old one goes from the screen.
            if case .open = place, state.schedule.isOver(startedAt: entry.target.askedAt, now: market.now) {
                place = .closed(since: Self.later(entry.target.askedAt, LiveActivitySchedule.lifetime))
            }
            let decision = self.activities[key]?.governor.looked(
                at: state.price, tick: state.tick, market: place, relevance: relevance, now: market.now)
            if let push = self.count(decision) {
                self.activities[key]?.isSending = true
                work.append(Work(target: .activity(entry.target), push: push, isUrgent: push.isEnd))
            }
        }
        return work
    }

    /// Somebody's threshold was crossed.
    mutating func crossed(_ crossing: Crossing, _ market: Market) -> [Work] {
        let known = market.prices.latest(crossing.symbol)
        let asset = known?.price.asset ?? (crossing.symbol.quoteCurrency == nil ? .stock : .crypto)
        let schedule = LiveActivitySchedule(asset: asset)
        let place = schedule.market(at: market.now)
        var price = LivePrice(
            price: crossing.price, decimals: known?.decimals, change: known?.price.change,
            percentChange: known?.price.percentChange, marketState: schedule.marketState(at: market.now),
            time: crossing.time, sparkline: self.sparklines[crossing.symbol]?.points ?? [])
        if let known { price.isDelayed = market.deadFeeds.contains(known.price.venue.name) }
        var work: [Work] = []
        if crossing.isForAll {
            let text = PriceFormat(decimals: known?.decimals).text(crossing.price)
            let alert = LiveActivityAlert(title: "\(crossing.symbol) \(text)", body: "The price crossed an alert")
            for (key, entry) in self.channels where key.symbol == crossing.symbol {
                let decision = self.channels[key]?.governor.crossed(alert, at: price, market: place, now: market.now)
                guard let push = self.count(decision) else { continue }
                self.channels[key]?.isSending = true
                work.append(Work(target: .channel(entry.target), push: push, isUrgent: true))
            }
        }
        for (key, entry) in self.activities
        where key.symbol == crossing.symbol && entry.target.user == crossing.user {
            let decision = self.activities[key]?.governor.crossed(
                crossing.text, at: price, market: place,
                relevance: LiveRelevance.score(price: crossing.price, thresholds: entry.thresholds),
                now: market.now)
            guard let push = self.count(decision) else { continue }
            self.activities[key]?.isSending = true
            work.append(Work(target: .activity(entry.target), push: push, isUrgent: true))
        }
        return work
    }

    /// The activities that are to be begun now, with what they show first; each is left out for a cadence from here on.
    mutating func startsDue(_ market: Market) -> [(activity: LiveActivity, push: LiveActivityPush)] {
        var due: [(activity: LiveActivity, push: LiveActivityPush)] = []
        // What is beyond is begun at the next look.
        for (key, activity) in self.starts where due.count < Self.startsMax {
            if let until = self.startsHeld[key], market.now < until { continue }
            guard case .start(let type) = activity.kind,
                let (latest, decimals) = market.prices.latest(key.symbol),
                LiveActivitySchedule(asset: latest.asset).isStartDue(
                    startedAt: activity.startedAt, askedAt: activity.askedAt, now: market.now)
            else { continue }
            self.startsHeld[key] = Self.later(market.now, self.cadence)
            let price = self.price(latest, decimals, market)
            let text = PriceFormat(decimals: decimals).text(latest.price)
            let start = LiveActivityStart(
                attributesType: type, attributes: [PushField("symbol", key.symbol.name)],
                updates: self.channelID(of: activity).map { .channel(id: $0) } ?? .token)
            due.append(
                (
                    activity,
                    LiveActivityPush(
                        event: .start(start, alert: LiveActivityAlert(title: key.symbol.name, body: text)),
                        state: price, timestamp: market.now.microseconds / 1_000_000,
                        staleAt: Self.later(market.now, self.cadence * 3))
                ))
        }
        return due
    }

    private func channelID(of activity: LiveActivity) -> String? {
        let key = LiveChannel.Key(symbol: activity.symbol, environment: activity.device.environment)
        guard let channel = self.channels[key]?.target, channel.topic == activity.device.topic else { return nil }
        return channel.id
    }

    // MARK: What came of it

    /// A push has ended.
    mutating func ended(_ target: Work.Target, isTaken: Bool) {
        self.inFlight = max(0, self.inFlight - 1)
        switch target {
        case .channel(let channel):
            self.channels[channel.key]?.isSending = false
            if !isTaken { self.channels[channel.key]?.governor.missed() }
        case .activity(let activity):
            self.activities[activity.key]?.isSending = false
            if !isTaken { self.activities[activity.key]?.governor.missed() }
        }
    }

    /// Nobody is there any more.
    mutating func gone(_ target: Work.Target) {
        switch target {
        case .channel(let channel):
            self.channels[channel.key] = nil
        case .activity(let activity):
            self.activities[activity.key] = nil
            self.starts[activity.key] = nil
        }
    }

    private mutating func count(_ decision: LivePriceGovernor.Decision?) -> LiveActivityPush? {
        switch decision {
        case .send(let push):
            self.inFlight += 1
            return push
        case .heldBack:
            self.counters.heldBack += 1
            return nil
        case .unchanged, .ended, nil: return nil
        }
    }

    private func price(_ latest: LatestPrice, _ decimals: Int, _ market: Market) -> LivePrice {
        LivePrice(
            price: latest.price, decimals: decimals, change: latest.change, percentChange: latest.percentChange,
            marketState: LiveActivitySchedule(asset: latest.asset).marketState(at: market.now),
            time: latest.eventTime, isDelayed: market.deadFeeds.contains(latest.venue.name),
            sparkline: self.sparklines[latest.symbol]?.points ?? [])
    }

    /// The smallest step that is shown: a unit of the last decimal.
    private static func tick(_ decimals: Int) -> Decimal64 {
        // Twelve decimals at most, which always fit.
        (try? Decimal64(mantissa: 1, exponent: -decimals)) ?? .zero
    }

    private static func later(_ time: Timestamp, _ duration: Duration) -> Timestamp {
        time.advanced(byNanoseconds: Int64(duration / .nanoseconds(1)))
    }
}

extension LiveActivityPush {
    /// Whether it ends what it goes to.
    var isEnd: Bool {
        if case .end = self.event { true } else { false }
    }
}
