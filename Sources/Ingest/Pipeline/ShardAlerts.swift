import Alerts
import Market

/// The alerts of a shard: their evaluator, what it has found and nobody has stored yet, and what waits while it catches up.
///
/// Belongs to one shard and is touched on its event loop only.
struct ShardAlerts {
    /// Something that the evaluator is to be told, in order.
    enum Input {
        case trade(Trade, isPrimary: Bool)
        case quote(Quote, isPrimary: Bool)
        case missed([Trade], isPrimary: Bool, AlertLateness)
        case hole(Symbol, Venue, AlertLateness)
    }

    private enum Mode {
        case live
        /// What comes is in the journal and read from there later.
        case waiting
        /// What comes waits here for what is read from the journal; `nil` when it was too much.
        case buffering([Input]?)
    }

    /// A symbol's primary stream, or that of one venue.
    private struct StreamKey: Hashable {
        let symbol: Symbol
        let venue: Venue?
    }

    /// Ticks that may wait: some seconds of a busy market.
    var bufferMax = 200_000
    var evaluator: AlertEvaluator
    var replay = ReplayedStreams()
    private var mode = Mode.live
    /// Ticks from here on wait or were evaluated live.
    private var bufferedFrom = TickPlace(trades: .max, quotes: .max)
    /// Ticks before were replayed already.
    private var replayFrom = TickPlace()
    /// What fired and was not taken by ``takeFired()``.
    private var unsaved: [FiredAlert] = []
    /// Revisions of conditions that were changed since the alert was made.
    private var revisions: [Int64: Int64] = [:]
    /// What became of alerts that are gone from the index, and of firings.
    private var finals: [AlertMemory] = []
    /// Alerts that were added or changed while the past was not evaluated yet.
    private var deferred: [Int64: Alert] = [:]
    /// Symbols whose calendar the evaluator knows.
    private var stocks: Set<Symbol> = []
    /// Streams that have got windows and no history for them.
    private var unseeded: Set<StreamKey> = []
    /// Prices from before the start, for streams that were never evaluated.
    private var restored: [(symbol: Symbol, venue: Venue, price: Decimal64, isPrimary: Bool)] = []
    /// Evaluations since the start.
    private(set) var evaluationCount = 0
    /// Firings since the start that came late, and those that ended in a storm.
    private(set) var lateCount = 0
    private(set) var stormCount = 0

    /// Whether ticks are evaluated as they come.
    var isLive: Bool { if case .live = self.mode { true } else { false } }

    private let stormGuard: StormGuard

    init(_ stormGuard: StormGuard) {
        self.stormGuard = stormGuard
        self.evaluator = Self.makeEvaluator(stormGuard)
    }

    private static func makeEvaluator(_ stormGuard: StormGuard) -> AlertEvaluator {
        AlertEvaluator(stormGuard: stormGuard)
    }

    /// Nothing is evaluated before ``hold(_:ranks:)`` and what follows it.
    mutating func wait() { self.mode = .waiting }

    /// Tells a price from before the start.
    mutating func restore(_ price: Decimal64, _ symbol: Symbol, _ venue: Venue, isPrimary: Bool) {
        if self.isLive {
            self.evaluator.seed(lastPrice: price, symbol: symbol, venue: venue, isPrimary: isPrimary)
        } else {
            self.restored.append((symbol, venue, price, isPrimary))
        }
    }

    // MARK: Ticks

    @inline(__always)
    mutating func take(_ trade: Trade, isPrimary: Bool, into fired: inout [FiredAlert]) {
        if self.isLive {
            self.evaluationCount += 1
            self.evaluator.evaluate(trade, isPrimary: isPrimary, now: trade.receivedTime, into: &fired)
        } else {
            self.keep(.trade(trade, isPrimary: isPrimary))
        }
    }

    @inline(__always)
    mutating func take(_ quote: Quote, isPrimary: Bool, into fired: inout [FiredAlert]) {
        if self.isLive {
            self.evaluationCount += 1
            self.evaluator.evaluate(quote, isPrimary: isPrimary, now: quote.receivedTime, into: &fired)
        } else {
            self.keep(.quote(quote, isPrimary: isPrimary))
        }
    }

    /// Takes something rare.
    mutating func take(_ input: Input, into fired: inout [FiredAlert]) {
        if self.isLive { self.evaluate(input, into: &fired) } else { self.keep(input) }
    }

    private mutating func keep(_ input: Input) {
        guard case .buffering(var inputs?) = self.mode else { return }
        self.mode = .waiting
        inputs.append(input)
        self.mode = .buffering(inputs.count > self.bufferMax ? nil : inputs)
    }

    mutating func evaluate(_ input: Input, into fired: inout [FiredAlert]) {
        self.evaluationCount += 1
        switch input {
        case .trade(let trade, let isPrimary):
            self.evaluator.evaluate(trade, isPrimary: isPrimary, now: trade.receivedTime, into: &fired)
        case .quote(let quote, let isPrimary):
            self.evaluator.evaluate(quote, isPrimary: isPrimary, now: quote.receivedTime, into: &fired)
        case .missed(let trades, let isPrimary, let lateness):
            guard let now = trades.map(\.receivedTime).max() else { return }
            self.evaluator.evaluateMissed(trades, isPrimary: isPrimary, lateness: lateness, now: now, into: &fired)
        case .hole(let symbol, let venue, let lateness):
            self.evaluator.noteHole(symbol: symbol, venue: venue, lateness: lateness)
        }
    }

    // MARK: Alerts

    /// Adds alerts or takes their changes over; removes those that are paused.
    ///
    /// - Parameters:
    ///   - alerts: As they are stored now.
    ///   - now: Since when they are armed.
    mutating func insert(_ alerts: [Alert], now: Timestamp) {
        for alert in alerts {
            guard alert.pause == nil else {
                self.remove(alert.id)
                continue
            }
            if self.isLive { self.add(alert, now: now) } else { self.deferred[alert.id] = alert }
        }
    }

    /// Adds an alert; without `now` one of the past, for ticks that are evaluated again.
    mutating func add(_ alert: Alert, now: Timestamp? = nil) {
        self.revisions[alert.id] = alert.revision == 0 ? nil : alert.revision
        self.prepare(alert)
        self.evaluator.insert(alert, now: now)
    }

    private mutating func prepare(_ alert: Alert) {
        if alert.symbol.quoteCurrency == nil, self.stocks.insert(alert.symbol).inserted {
            self.evaluator.setCalendar(.xnys, of: alert.symbol)
        }
        if alert.expression.condition.hasWindow {
            let key = StreamKey(symbol: alert.symbol, venue: alert.venue)
            // Another window may be longer than those that were there.
            self.unseeded.insert(key)
        }
    }

    /// Removes alerts; what they remember is stored all the same.
    mutating func remove(_ ids: some Sequence<Int64>) { for id in ids { self.remove(id) } }

    /// Removes all alerts but those with the ids.
    mutating func keep(only ids: Set<Int64>) {
        for id in self.deferred.keys where !ids.contains(id) { self.deferred[id] = nil }
        for id in self.evaluator.ids where !ids.contains(id) { self.remove(id) }
    }

    private mutating func remove(_ id: Int64) {
        self.deferred[id] = nil
        if let state = self.evaluator.state(of: id) { self.finals.append(self.change(id, state)) }
        self.evaluator.remove(id: id)
        self.revisions[id] = nil
    }

    /// Makes the alerts exactly these.
    mutating func reload(_ alerts: [Alert]) {
        for alert in alerts { self.prepare(alert) }
        self.evaluator.reload(alerts)
        self.revisions = [:]
        for alert in alerts where alert.revision > 0 { self.revisions[alert.id] = alert.revision }
    }

    // MARK: History

    /// Takes out which history the windows lack.
    ///
    /// - Parameter primary: Gives the venue that drives a symbol; `nil` when none is known.
    /// - Returns: One need for each symbol and venue, the longest.
    mutating func takeHistoryNeeds(primary: (Symbol) -> Venue?) -> [AlertHistoryNeed] {
        var needs: [VenueSymbol: AlertHistoryNeed] = [:]
        for key in self.unseeded {
            guard let length = self.evaluator.historyNeeded(for: key.symbol, venue: key.venue),
                let venue = key.venue ?? primary(key.symbol)
            else { continue }
            let isPrimary = primary(key.symbol) == venue
            let need = AlertHistoryNeed(symbol: key.symbol, venue: venue, isPrimary: isPrimary, length: length)
            let known = needs[VenueSymbol(key.symbol, venue)]
            needs[VenueSymbol(key.symbol, venue)] = known.map { $0.length >= length ? $0 : need } ?? need
        }
        self.unseeded = []
        return needs.values.sorted { ($0.symbol, $0.venue) < ($1.symbol, $1.venue) }
    }

    // MARK: What was found

    /// Notes what fired, to be stored.
    mutating func fired(_ alerts: [FiredAlert]) {
        self.unsaved += alerts
        for fired in alerts {
            self.lateCount += fired.lateness == nil ? 0 : 1
            self.stormCount += fired.isStorm ? 1 : 0
            var change = self.change(fired.alert.id, fired.alert.state)
            change.revision = fired.alert.revision
            change.isStorm = fired.isStorm
            self.finals.append(change)
        }
    }

    /// Takes out what was found since the last time.
    mutating func take(at place: TickPlace) -> AlertCut {
        var cut = AlertCut(place: place)
        swap(&cut.fired, &self.unsaved)
        swap(&cut.changes, &self.finals)
        for (id, state) in self.evaluator.takeChanges() { cut.changes.append(self.change(id, state)) }
        return cut
    }

    private func change(_ id: Int64, _ state: AlertState) -> AlertMemory {
        AlertMemory(id: id, revision: self.revisions[id] ?? 0, state: state)
    }

    // MARK: Catching up

    /// Forgets everything and waits for what is read from the journal.
    mutating func hold(_ streams: [EvaluatedStream], ranks: [Venue: Int]) {
        self.evaluator = Self.makeEvaluator(self.stormGuard)
        self.unsaved = []
        self.finals = []
        self.revisions = [:]
        self.deferred = [:]
        self.stocks = []
        self.unseeded = []
        self.mode = .waiting
        self.bufferedFrom = TickPlace(trades: .max, quotes: .max)
        self.replayFrom = TickPlace()
        self.replay = ReplayedStreams(streams, ranks: ranks)
        for stream in streams {
            if let price = stream.lastPrice {
                self.evaluator.seed(
                    lastPrice: price, symbol: stream.symbol, venue: stream.venue, isPrimary: stream.isPrimary)
            }
        }
    }

    /// Evaluates a tick that is read from the journal, unless it waits here.
    mutating func replay(_ tick: NumberedTick, into fired: inout [FiredAlert]) {
        if self.isLive { return }
        let input: Input?
        switch tick.tick {
        case .trade(let trade):
            guard tick.number >= self.replayFrom.trades, tick.number < self.bufferedFrom.trades else { return }
            input = self.replay.input(trade)
        case .quote(let quote):
            guard tick.number >= self.replayFrom.quotes, tick.number < self.bufferedFrom.quotes else { return }
            input = self.replay.input(quote)
        }
        if let input { self.evaluate(input, into: &fired) }
    }

    /// From now on keeps what comes: all ticks behind `place`.
    mutating func beginBuffering(at place: TickPlace) {
        guard !self.isLive else { return }
        self.mode = .buffering([])
        self.bufferedFrom = place
    }

    /// Evaluates what has come since ``beginBuffering()`` and goes live.
    ///
    /// - Returns: `false` when that was too much: it must be read from the journal.
    mutating func goLive(now: Timestamp, into fired: inout [FiredAlert]) -> Bool {
        switch self.mode {
        case .live: return true
        case .waiting: return false
        case .buffering(nil):
            self.mode = .waiting
            self.replayFrom = self.bufferedFrom
            self.bufferedFrom = TickPlace(trades: .max, quotes: .max)
            return false
        case .buffering(let inputs?):
            self.mode = .live
            for (symbol, venue, price, isPrimary) in self.restored where !self.replay.knows(symbol, venue) {
                self.evaluator.seed(lastPrice: price, symbol: symbol, venue: venue, isPrimary: isPrimary)
            }
            self.restored = []
            self.replay = ReplayedStreams()
            let deferred = self.deferred.values.sorted { $0.id < $1.id }
            self.deferred = [:]
            for alert in deferred { self.add(alert, now: now) }
            for input in inputs { self.evaluate(input, into: &fired) }
            return true
        }
    }
}

extension AlertCondition {
    /// Whether it looks back over a stretch of time.
    fileprivate var hasWindow: Bool {
        switch self {
        case .move, .newHigh, .newLow, .volume: true
        case .level, .crossing, .inside, .enters, .leaves, .spread, .silence, .divergence: false
        }
    }
}
