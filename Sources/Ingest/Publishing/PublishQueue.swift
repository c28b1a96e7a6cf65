import Channels
import DequeModule
import Market

/// Events that wait to be published, in three lanes: ticker channels, trades channels, all others.
///
/// Without a budget they leave in the order they came. With one, the others go first, then ticks and trades take turns.
/// Ticks of one channel collapse to the newest, in the place of the oldest, so that no channel waits for ever; a trade is
/// never merged. At the bound the oldest ticks go first, then the oldest trades, then the rest.
struct PublishQueue {
    /// What became of events, in counts.
    struct Losses: Equatable {
        /// Ticks that a newer one of their channel stands for.
        var merged = 0
        /// Ticks, and what else is on their channels, that went at the bound.
        var ticks = 0
        /// Trades that went at the bound or grew too old.
        var trades = 0
        /// Other events that went at the bound.
        var others = 0
    }

    private enum Lane: Int, CaseIterable {
        case ticks, trades, others

        /// The lane of a channel, by what follows `private-`, `presence-` and `private-encrypted-`.
        init(channel: String) {
            var name = channel[...]
            for prefix in ["private-encrypted-", "private-", "presence-"] where name.hasPrefix(prefix) {
                name = name.dropFirst(prefix.count)
                break
            }
            self = name.hasPrefix("ticker-") ? .ticks : name.hasPrefix("trades-") ? .trades : .others
        }
    }

    private struct Entry {
        /// Its place in the order of arrival.
        let number: Int
        var event: Channels.ChannelEvent
        /// How many ticks it stands for.
        var weight: Int
        /// Whether `weight` is not what the data says.
        var isMerged = false
        let since: ContinuousClock.Instant
    }

    private struct Line {
        var entries: Deque<Entry> = []
        /// How many have left: the place of `entries[0]` in the lane.
        var gone = 0
    }

    private let bound: Int
    private let isRationed: Bool
    private let tradeAgeMax: Duration
    private var lines = Lane.allCases.map { _ in Line() }
    /// Where in the lane of ticks the newest event of a channel waits, when that is a tick.
    private var newestTicks: [String: Int] = [:]
    private var isTradesTurn = false
    /// Numbers of entries from here on are not given out yet.
    private(set) var nextNumber = 0
    private(set) var losses = Losses()

    init(bound: Int, isRationed: Bool, tradeAgeMax: Duration = .seconds(30)) {
        self.bound = max(1, bound)
        self.isRationed = isRationed
        self.tradeAgeMax = tradeAgeMax
    }

    /// How many events wait.
    var count: Int { self.lines.reduce(0) { $0 + $1.entries.count } }

    /// An event came.
    ///
    /// - Parameters:
    ///   - event: The event.
    ///   - mayMerge: Whether a tick may take the place of one that waits.
    ///   - now: The time.
    mutating func append(_ event: Channels.ChannelEvent, mayMerge: Bool, now: ContinuousClock.Instant) {
        let lane = Lane(channel: event.channel)
        let isTick = lane == .ticks && event.name == "tick"
        let weight = isTick ? event.data.withUnsafeBytes { TickText.plain.weight($0) } : 1
        if isTick, mayMerge, let place = self.newestTicks[event.channel] {
            let index = place - self.lines[lane.rawValue].gone
            self.lines[lane.rawValue].entries[index].event = event
            self.lines[lane.rawValue].entries[index].weight += weight
            self.lines[lane.rawValue].entries[index].isMerged = true
            self.losses.merged += 1
            return
        }
        let entry = Entry(number: self.nextNumber, event: event, weight: weight, since: now)
        self.nextNumber += 1
        self.lines[lane.rawValue].entries.append(entry)
        if lane == .ticks {
            let place = self.lines[lane.rawValue].gone + self.lines[lane.rawValue].entries.count - 1
            // A tick must not overtake what came after it on its channel: a `stale` would then be the last word.
            self.newestTicks[event.channel] = isTick ? place : nil
        }
        if self.count > self.bound { self.dropOldest() }
    }

    /// Takes events out.
    ///
    /// - Parameters:
    ///   - count: At most so many.
    ///   - end: Only those whose number is below; see ``nextNumber``.
    ///   - now: The time.
    /// - Returns: The events; ticks say in `merged` how many they stand for.
    mutating func take(_ count: Int, before end: Int, now: ContinuousClock.Instant) -> [Channels.ChannelEvent] {
        if self.isRationed { self.dropOldTrades(now) }
        var events: [Channels.ChannelEvent] = []
        while events.count < count, let lane = self.nextLane(before: end), let entry = self.removeFirst(of: lane) {
            var event = entry.event
            if entry.isMerged {
                var data: [UInt8] = []
                event.data.withUnsafeBytes { TickText.plain.append($0, merged: entry.weight, to: &data) }
                event.data = data
            }
            events.append(event)
        }
        return events
    }

    private mutating func nextLane(before end: Int) -> Lane? {
        let ready = Lane.allCases.filter { (self.lines[$0.rawValue].entries.first?.number ?? end) < end }
        guard self.isRationed else {
            return ready.min {
                (self.lines[$0.rawValue].entries.first?.number ?? 0)
                    < (self.lines[$1.rawValue].entries.first?.number ?? 0)
            }
        }
        if ready.contains(.others) { return .others }
        guard ready.count == 2 else { return ready.first }
        self.isTradesTurn.toggle()
        return self.isTradesTurn ? .trades : .ticks
    }

    private mutating func removeFirst(of lane: Lane) -> Entry? {
        guard let entry = self.lines[lane.rawValue].entries.popFirst() else { return nil }
        let place = self.lines[lane.rawValue].gone
        self.lines[lane.rawValue].gone += 1
        if lane == .ticks, self.newestTicks[entry.event.channel] == place {
            self.newestTicks[entry.event.channel] = nil
        }
        return entry
    }

    private mutating func dropOldest() {
        for lane in Lane.allCases where self.removeFirst(of: lane) != nil {
            switch lane {
            case .ticks: self.losses.ticks += 1
            case .trades: self.losses.trades += 1
            case .others: self.losses.others += 1
            }
            return
        }
    }

    private mutating func dropOldTrades(_ now: ContinuousClock.Instant) {
        while let first = self.lines[Lane.trades.rawValue].entries.first, now - first.since > self.tradeAgeMax {
            _ = self.removeFirst(of: .trades)
            self.losses.trades += 1
        }
    }
}
