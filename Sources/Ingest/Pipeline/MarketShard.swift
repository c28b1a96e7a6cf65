import Alerts
import Atomics
import Channels
import Market
import NIOCore

/// The symbols of one event loop: guard, state, alerts and event encoding, without locks or hops between them.
///
/// SAFETY: every stored `var` is touched on `eventLoop` only; the methods marked "any thread" hop there first.
final class MarketShard: @unchecked Sendable {
    /// One venue of one symbol.
    private final class VenueEntry {
        let venue: Venue
        var state: MarketState
        var seenIDs = TradeIDWindow()
        var sequence: UInt64
        var tradeSequence: UInt64
        var lastSeen = NIODeadline.now()
        var isDirty = false
        let tickerChannel: String
        let tradesChannel: String

        init(symbol: Symbol, venue: Venue, sequenceStart: UInt64) {
            self.venue = venue
            self.state = MarketState(
                symbol: symbol, venue: venue, asset: symbol.quoteCurrency == nil ? .stock : .crypto
            )
            self.sequence = sequenceStart
            self.tradeSequence = sequenceStart
            self.tickerChannel = "ticker-\(symbol)@\(venue)"
            self.tradesChannel = "trades-\(symbol)@\(venue)"
        }
    }

    /// One symbol with its venues; the primary one drives the plain channels.
    private final class SymbolEntry {
        var venues: [Venue: VenueEntry]
        var primary: VenueEntry
        var sequence: UInt64
        var tradeSequence: UInt64
        let tickerChannel: String
        let tradesChannel: String

        init(symbol: Symbol, first: VenueEntry, sequenceStart: UInt64) {
            self.venues = [first.venue: first]
            self.primary = first
            self.sequence = sequenceStart
            self.tradeSequence = sequenceStart
            self.tickerChannel = "ticker-\(symbol)"
            self.tradesChannel = "trades-\(symbol)"
        }
    }

    let tickCount = ManagedAtomic(0)
    let duplicateCount = ManagedAtomic(0)
    let alertCount = ManagedAtomic(0)
    let armedCount = ManagedAtomic(0)
    private let eventLoop: any EventLoop
    private let priority: [Venue: Int]
    private let failoverAfter: TimeAmount
    private let sequenceStart: UInt64
    private let outputs: PipelineOutputs
    private var symbols: [Symbol: SymbolEntry] = [:]
    private var alerts = AlertIndex()
    private var dirtyEntries: [VenueEntry] = []
    private var isSaveScheduled = false

    init(
        eventLoop: any EventLoop, venuePriority: [Venue], failoverAfter: Duration, sequenceStart: UInt64,
        outputs: PipelineOutputs
    ) {
        self.eventLoop = eventLoop
        self.priority = Dictionary(
            venuePriority.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first }
        )
        self.failoverAfter = TimeAmount(failoverAfter)
        self.sequenceStart = sequenceStart
        self.outputs = outputs
    }

    // MARK: Any thread

    func enqueue(_ ticks: [Tick]) {
        if self.eventLoop.inEventLoop {
            self.process(ticks)
        } else {
            self.eventLoop.execute { self.process(ticks) }
        }
    }

    func restore(_ states: [MarketState]) {
        self.eventLoop.execute {
            var events: [Channels.ChannelEvent] = []
            for state in states { self.restore(state, events: &events) }
            if !events.isEmpty { self.outputs.publisher.publish(events) }
        }
    }

    func reload(_ alerts: [Alert]) {
        self.eventLoop.execute {
            self.alerts.reload(alerts)
            self.armedCount.store(self.alerts.count, ordering: .relaxed)
        }
    }

    func flush() -> EventLoopFuture<Void> {
        self.eventLoop.submit { self.saveDirtyStates() }
    }

    // MARK: On the event loop

    private func process(_ ticks: [Tick]) {
        self.eventLoop.preconditionInEventLoop()
        let now = NIODeadline.now()
        var accepted: [Tick] = []
        accepted.reserveCapacity(ticks.count)
        var events: [Channels.ChannelEvent] = []
        events.reserveCapacity(ticks.count * 4)
        var fired: [FiredAlert] = []
        for tick in ticks {
            switch self.apply(tick, now: now, events: &events) {
            case .duplicate:
                self.duplicateCount.wrappingIncrement(ordering: .relaxed)
                continue
            case .accepted(let isPrimary):
                accepted.append(tick)
                if case .trade(let trade) = tick {
                    self.alerts.evaluate(trade, isPrimary: isPrimary, now: trade.receivedTime, into: &fired)
                }
            }
        }
        self.tickCount.wrappingIncrement(by: accepted.count, ordering: .relaxed)
        if !accepted.isEmpty { self.outputs.record(accepted) }
        if !events.isEmpty { self.outputs.publisher.publish(events) }
        if !fired.isEmpty {
            self.alertCount.wrappingIncrement(by: fired.count, ordering: .relaxed)
            self.outputs.alertsFired(fired)
        }
        self.scheduleSave()
    }

    /// What became of a tick.
    private enum Outcome {
        case duplicate
        case accepted(isPrimary: Bool)
    }

    /// Takes one tick into its symbol's state and encodes its events.
    private func apply(_ tick: Tick, now: NIODeadline, events: inout [Channels.ChannelEvent]) -> Outcome {
        let (entry, venue) = self.entries(tick.symbol, tick.venue)
        var isVisible = true
        switch tick {
        case .trade(let trade):
            if let id = trade.id, !venue.seenIDs.insert(id) { return .duplicate }
            isVisible = venue.state.apply(trade)
        case .quote(let quote):
            venue.state.apply(quote)
        }
        venue.lastSeen = now
        if !venue.isDirty {
            venue.isDirty = true
            self.dirtyEntries.append(venue)
        }
        self.choosePrimary(of: entry, candidate: venue, now: now)
        let isPrimary = entry.primary === venue
        if isVisible {
            venue.sequence += 1
            events.append(self.tickEvent(venue.state, venue.tickerChannel, venue.sequence))
            if isPrimary {
                entry.sequence += 1
                events.append(self.tickEvent(venue.state, entry.tickerChannel, entry.sequence))
            }
        }
        // A snapshot's trades are history, not news.
        if case .trade(let trade) = tick, !trade.flags.contains(.snapshot) {
            venue.tradeSequence += 1
            events.append(self.tradeEvent(trade, venue.tradesChannel, venue.tradeSequence))
            if isPrimary {
                entry.tradeSequence += 1
                events.append(self.tradeEvent(trade, entry.tradesChannel, entry.tradeSequence))
            }
        }
        return .accepted(isPrimary: isPrimary)
    }

    private func entries(_ symbol: Symbol, _ venue: Venue) -> (SymbolEntry, VenueEntry) {
        if let entry = self.symbols[symbol] {
            if let known = entry.venues[venue] { return (entry, known) }
            let added = VenueEntry(symbol: symbol, venue: venue, sequenceStart: self.sequenceStart)
            entry.venues[venue] = added
            return (entry, added)
        }
        let first = VenueEntry(symbol: symbol, venue: venue, sequenceStart: self.sequenceStart)
        let entry = SymbolEntry(symbol: symbol, first: first, sequenceStart: self.sequenceStart)
        self.symbols[symbol] = entry
        return (entry, first)
    }

    /// The plain channels follow the best venue of the priority list; another takes over when that one is silent.
    private func choosePrimary(of entry: SymbolEntry, candidate: VenueEntry, now: NIODeadline) {
        guard entry.primary !== candidate else { return }
        let isPrimarySilent = now - entry.primary.lastSeen > self.failoverAfter
        if isPrimarySilent || self.rank(candidate.venue) < self.rank(entry.primary.venue) { entry.primary = candidate }
    }

    private func rank(_ venue: Venue) -> Int { self.priority[venue] ?? .max }

    private func restore(_ state: MarketState, events: inout [Channels.ChannelEvent]) {
        let (entry, venue) = self.entries(state.symbol, state.venue)
        venue.state = state
        if self.rank(state.venue) < self.rank(entry.primary.venue) { entry.primary = venue }
        if let lastPrice = state.lastPrice {
            self.alerts.seed(
                lastPrice: lastPrice, symbol: state.symbol, venue: state.venue, isPrimary: entry.primary === venue
            )
        }
        var event = self.tickEvent(state, venue.tickerChannel, venue.sequence)
        event.retention = .keepOnly
        events.append(event)
        if entry.primary === venue {
            event = self.tickEvent(state, entry.tickerChannel, entry.sequence)
            event.retention = .keepOnly
            events.append(event)
        }
    }

    private func tickEvent(_ state: MarketState, _ channel: String, _ sequence: UInt64) -> Channels.ChannelEvent {
        var payload: [UInt8] = []
        payload.reserveCapacity(512)
        state.writeTickerJSON(to: &payload, sequence: sequence)
        return Channels.ChannelEvent(
            channel: channel, name: "tick", data: payload, retention: .deliverAndKeepAsSnapshot)
    }

    private func tradeEvent(_ trade: Trade, _ channel: String, _ sequence: UInt64) -> Channels.ChannelEvent {
        var payload: [UInt8] = []
        payload.reserveCapacity(320)
        trade.writeJSON(to: &payload, sequence: sequence)
        return Channels.ChannelEvent(channel: channel, name: "trade", data: payload)
    }

    private func scheduleSave() {
        guard !self.isSaveScheduled, !self.dirtyEntries.isEmpty else { return }
        self.isSaveScheduled = true
        self.eventLoop.scheduleTask(in: .milliseconds(250)) {
            self.isSaveScheduled = false
            self.saveDirtyStates()
        }
    }

    private func saveDirtyStates() {
        guard !self.dirtyEntries.isEmpty else { return }
        let states = self.dirtyEntries.map { entry in
            entry.isDirty = false
            return PublishedState(state: entry.state, sequence: entry.sequence)
        }
        self.dirtyEntries.removeAll(keepingCapacity: true)
        self.outputs.saveStates(states)
    }
}
