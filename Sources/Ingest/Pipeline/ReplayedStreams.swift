import Alerts
import Market

/// Tells for ticks that are read from the journal what the shard knew of live ones: whether a trade is news, and whether its
/// venue drives the symbol.
struct ReplayedStreams {
    private struct Stream {
        var venue: Venue
        var rank: Int
        var lastTradeTime: Timestamp?
        var lastSeen: Timestamp
    }

    private struct Entry {
        var streams: [Stream]
        /// The venue that drives the symbol.
        var primary: Venue
    }

    /// How long a venue that drives a symbol may be silent, as in a live market.
    private static let failoverAfter: Int64 = 30_000_000_000

    private let ranks: [Venue: Int]
    private var entries: [Symbol: Entry] = [:]

    init() { self.ranks = [:] }

    /// Begins where the streams were.
    init(_ streams: [EvaluatedStream], ranks: [Venue: Int]) {
        self.ranks = ranks
        for stream in streams {
            let added = Stream(
                venue: stream.venue, rank: ranks[stream.venue] ?? .max, lastTradeTime: stream.eventTime,
                lastSeen: stream.receivedTime)
            if self.entries[stream.symbol] == nil {
                self.entries[stream.symbol] = Entry(streams: [added], primary: stream.venue)
            } else {
                self.entries[stream.symbol]?.streams.append(added)
                if stream.isPrimary { self.entries[stream.symbol]?.primary = stream.venue }
            }
        }
    }

    /// Every stream, and when its newest tick was received.
    var ends: [(symbol: Symbol, venue: Venue, time: Timestamp)] {
        self.entries.flatMap { symbol, entry in entry.streams.map { (symbol, $0.venue, $0.lastSeen) } }
    }

    /// Whether a trade of the stream has been evaluated.
    func knows(_ symbol: Symbol, _ venue: Venue) -> Bool {
        self.entries[symbol]?.streams.contains { $0.venue == venue && $0.lastTradeTime != nil } ?? false
    }

    /// The venue that drives a symbol.
    func primary(of symbol: Symbol) -> Venue? { self.entries[symbol]?.primary }

    /// What the evaluator is to be told of a trade; `nil` for one that is no news.
    mutating func input(_ trade: Trade) -> ShardAlerts.Input? {
        let isNews = self.withStream(trade.symbol, trade.venue, trade.receivedTime) { stream in
            if let last = stream.lastTradeTime, trade.eventTime < last { return false }
            stream.lastTradeTime = trade.eventTime
            return true
        }
        if trade.flags.contains(.backfilled) {
            let lateness = AlertLateness(reason: .gap, since: trade.eventTime)
            return .missed([trade], isPrimary: self.isPrimary(trade.symbol, trade.venue), lateness)
        }
        guard !trade.flags.contains(.snapshot), isNews else { return nil }
        let isPrimary = self.speaks(trade.symbol, trade.venue, trade.receivedTime)
        return .trade(trade, isPrimary: isPrimary)
    }

    /// The same of a quote.
    mutating func input(_ quote: Quote) -> ShardAlerts.Input? {
        self.withStream(quote.symbol, quote.venue, quote.receivedTime) { _ in }
        guard quote.flags.isDisjoint(with: [.snapshot, .backfilled, .outOfOrder]) else { return nil }
        let isPrimary = self.speaks(quote.symbol, quote.venue, quote.receivedTime)
        return .quote(quote, isPrimary: isPrimary)
    }

    @discardableResult
    private mutating func withStream<Result>(
        _ symbol: Symbol, _ venue: Venue, _ time: Timestamp, _ body: (inout Stream) -> Result
    ) -> Result {
        var entry = self.entries.removeValue(forKey: symbol) ?? Entry(streams: [], primary: venue)
        defer { self.entries[symbol] = entry }
        if let index = entry.streams.firstIndex(where: { $0.venue == venue }) { return body(&entry.streams[index]) }
        var stream = Stream(venue: venue, rank: self.ranks[venue] ?? .max, lastTradeTime: nil, lastSeen: time)
        let result = body(&stream)
        entry.streams.append(stream)
        return result
    }

    private func isPrimary(_ symbol: Symbol, _ venue: Venue) -> Bool { self.entries[symbol]?.primary == venue }

    /// A venue speaks; tells whether it drives the symbol, by the rule of `MarketShard.choosePrimary(of:now:)`.
    private mutating func speaks(_ symbol: Symbol, _ venue: Venue, _ time: Timestamp) -> Bool {
        guard var entry = self.entries.removeValue(forKey: symbol) else { return true }
        defer { self.entries[symbol] = entry }
        for index in entry.streams.indices where entry.streams[index].venue == venue {
            entry.streams[index].lastSeen = max(entry.streams[index].lastSeen, time)
        }
        if entry.primary == venue { return true }
        let alive = entry.streams.filter { time.nanoseconds - $0.lastSeen.nanoseconds <= Self.failoverAfter }
        if let best = alive.min(by: { $0.rank < $1.rank }) { entry.primary = best.venue }
        return entry.primary == venue
    }
}
