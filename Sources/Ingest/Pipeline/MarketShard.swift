import Alerts
import Atomics
import Channels
import Market
import NIOCore

/// The symbols of one event loop: guard, state, alerts and event encoding, without locks or hops between them.
///
/// SAFETY: every stored `var` is touched on `eventLoop` only; the methods marked "any thread" hop there first.
final class MarketShard: @unchecked Sendable {
    /// What all shards of a pipeline share.
    struct Shared: Sendable {
        let priority: [Venue: Int]
        let failoverAfter: TimeAmount
        let sequenceStart: UInt64
        let settings: GuardSettings
        let tellsCandles: Bool
        let stormGuard: StormGuard
        let outputs: PipelineOutputs
        let registry: GuardRegistry
        let board: FeedStatusBoard
        /// When the process was started: what happened before was missed for that reason.
        let startedAt = Timestamp.now
        /// Counts gaps and held trades.
        let numbers = ManagedAtomic<UInt64>(0)
    }

    /// What a batch of ticks gives.
    struct Results {
        var accepted: [Tick] = []
        var events: [Channels.ChannelEvent] = []
        var fired: [FiredAlert] = []
        var gaps: [GapChange] = []
        var quarantine: [QuarantineChange] = []
        /// Trades that were asked for afterwards.
        var missed: [VenueSymbol: [Trade]] = [:]
    }

    let tickCount = ManagedAtomic(0)
    let duplicateCount = ManagedAtomic(0)
    let alertCount = ManagedAtomic(0)
    /// Counts of the alerts, for who asks from another thread.
    let alertCounts = AlertCounts()
    let eventLoop: any EventLoop
    let shared: Shared
    var symbols: [Symbol: SymbolEntry] = [:]
    var alerts: ShardAlerts
    /// Symbols with alerts that no tick has come of.
    var watchedSymbols: Set<Symbol> = []
    /// Streams whose evaluation is to be stored.
    var evaluatedEntries: [(SymbolEntry, VenueEntry)] = []
    var isTimerSet = false
    var candleTurns = CandleTurns()
    private var dirtyEntries: [VenueEntry] = []
    private var isSaveScheduled = false
    private var isWatching = false

    init(eventLoop: any EventLoop, shared: Shared) {
        self.eventLoop = eventLoop
        self.shared = shared
        self.alerts = ShardAlerts(shared.stormGuard)
    }

    // MARK: Any thread

    func enqueue(_ ticks: [Tick]) { self.onLoop { self.process(ticks) } }

    /// Takes trades that were asked for afterwards; gives how many were new.
    func backfill(_ ticks: [Tick]) -> EventLoopFuture<Int> { self.eventLoop.submit { self.process(ticks) } }

    func restore(_ states: [MarketState]) {
        self.eventLoop.execute {
            var results = Results()
            for state in states { self.restore(state, into: &results) }
            self.handOver(results)
        }
    }

    func resume(after trades: [Trade]) {
        self.eventLoop.execute {
            for trade in trades {
                let (_, venue) = self.entries(trade.symbol, trade.venue, now: self.eventLoop.now)
                venue.tickGuard.resume(after: trade)
            }
        }
    }

    func reload(_ alerts: [Alert]) {
        self.eventLoop.execute {
            self.alerts.reload(alerts)
            for alert in alerts { self.follow(alert) }
            self.alertsChanged()
        }
    }

    func flush() -> EventLoopFuture<Void> { self.eventLoop.submit { self.saveDirtyStates() } }

    /// Runs `body` on the event loop, at once when this is it.
    func onLoop(_ body: @escaping @Sendable () -> Void) {
        if self.eventLoop.inEventLoop { body() } else { self.eventLoop.execute(body) }
    }

    // MARK: On the event loop

    @discardableResult
    private func process(_ ticks: [Tick]) -> Int {
        self.eventLoop.preconditionInEventLoop()
        let now = self.eventLoop.now
        var results = Results()
        results.accepted.reserveCapacity(ticks.count)
        results.events.reserveCapacity(ticks.count * 4)
        for tick in ticks {
            switch tick {
            case .trade(let trade): self.take(trade, now: now, into: &results)
            case .quote(let quote): self.take(quote, now: now, into: &results)
            }
        }
        if !results.missed.isEmpty { self.takeMissed(&results) }
        self.tickCount.wrappingIncrement(by: results.accepted.count, ordering: .relaxed)
        self.handOver(results)
        self.scheduleSave()
        if !self.isWatching { self.startWatching() }
        return results.accepted.count
    }

    func handOver(_ results: Results) {
        if !results.accepted.isEmpty { self.shared.outputs.record(results.accepted) }
        if !results.events.isEmpty { self.shared.outputs.publisher.publish(results.events) }
        if !results.fired.isEmpty {
            self.alertCount.wrappingIncrement(by: results.fired.count, ordering: .relaxed)
            self.alerts.fired(results.fired)
            self.alertCounts.update(self.alerts)
            self.shared.outputs.alertsFired(results.fired)
        }
        if !results.gaps.isEmpty { self.shared.outputs.gaps(results.gaps) }
        if !results.quarantine.isEmpty { self.shared.outputs.quarantine(results.quarantine) }
    }

    /// Takes a trade past the guard.
    private func take(_ trade: Trade, now: NIODeadline, into results: inout Results) {
        let (entry, venue) = self.entries(trade.symbol, trade.venue, now: now)
        var report = GuardReport()
        var added: TickFlags = []
        switch venue.tickGuard.examine(trade, into: &report) {
        case .duplicate:
            self.duplicateCount.wrappingIncrement(ordering: .relaxed)
            venue.tally.count(.duplicate)
            return
        case .accepted(let flags): added = flags
        case .outlier(let flags):
            added = flags
            if !self.settle(trade, entry, venue, flags, &report, &results) {
                self.act(on: report, trade.receivedTime, entry, venue, now: now, into: &results)
                return
            }
        }
        if !report.isEmpty { self.act(on: report, trade.receivedTime, entry, venue, now: now, into: &results) }
        if added.isEmpty {
            self.admit(trade, entry, venue, now: now, into: &results)
        } else {
            var marked = trade
            marked.flags.formUnion(added)
            self.admit(marked, entry, venue, now: now, into: &results)
        }
        if entry.heldCount > 0 { self.confirm(with: trade, entry, venue, now: now, into: &results) }
    }

    /// Takes a trade that passed the guard into state, alerts and channels.
    func admit(
        _ trade: Trade, _ entry: SymbolEntry, _ venue: VenueEntry, now: NIODeadline, into results: inout Results
    ) {
        let isVisible = venue.state.apply(trade)
        let isPrimary = self.noticed(entry, venue, trade.flags, trade.receivedTime, now: now)
        results.accepted.append(.trade(trade))
        if self.shared.tellsCandles {
            venue.candles.add(trade)
            if !entry.areCandlesListed { self.listCandles(entry) }
        }
        if isVisible { self.publishState(entry, venue, isPrimary: isPrimary, into: &results) }
        self.evaluated(entry, venue)
        // A snapshot's trades are history, and backfilled ones are late: neither is news.
        if trade.flags.contains(.backfilled) {
            results.missed[VenueSymbol(trade.symbol, trade.venue), default: []].append(trade)
        }
        guard trade.flags.isDisjoint(with: [.snapshot, .backfilled]) else { return }
        if venue.haltDoubtedSince != nil { self.endDoubtedHalt(trade, entry, venue, into: &results) }
        venue.tradeSequence += 1
        results.events.append(MarketEvents.trade(trade, venue.tradesChannel, venue.tradeSequence))
        if isPrimary {
            entry.tradeSequence += 1
            results.events.append(MarketEvents.trade(trade, entry.tradesChannel, entry.tradeSequence))
        }
        // A price that is older than the last one crosses nothing now.
        if isVisible { self.alerts.take(trade, isPrimary: isPrimary, into: &results.fired) }
    }

    private func take(_ quote: Quote, now: NIODeadline, into results: inout Results) {
        let (entry, venue) = self.entries(quote.symbol, quote.venue, now: now)
        var report = GuardReport()
        var quote = quote
        switch venue.tickGuard.examine(quote, into: &report) {
        case .duplicate:
            self.duplicateCount.wrappingIncrement(ordering: .relaxed)
            venue.tally.count(.duplicate)
            return
        case .outlier: preconditionFailure("a quote was called an outlier")
        case .accepted(let flags): quote.flags.formUnion(flags)
        }
        if !report.isEmpty { self.act(on: report, quote.receivedTime, entry, venue, now: now, into: &results) }
        results.accepted.append(.quote(quote))
        let isPrimary = self.noticed(entry, venue, quote.flags, quote.receivedTime, now: now)
        // Older offers must not replace newer ones.
        if quote.flags.contains(.outOfOrder) { return }
        venue.state.apply(quote)
        self.publishState(entry, venue, isPrimary: isPrimary, into: &results)
        self.evaluated(entry, venue)
        if quote.flags.isDisjoint(with: [.snapshot, .backfilled]) {
            self.alerts.take(quote, isPrimary: isPrimary, into: &results.fired)
        }
    }

    /// Notes that a venue speaks; tells whether it drives the symbol.
    @inline(__always)
    private func noticed(
        _ entry: SymbolEntry, _ venue: VenueEntry, _ flags: TickFlags, _ time: Timestamp, now: NIODeadline
    ) -> Bool {
        if !venue.isDirty {
            venue.isDirty = true
            self.dirtyEntries.append(venue)
        }
        if flags.contains(.backfilled) { return entry.primary === venue }
        venue.saw(now: now)
        venue.isStale = false
        if !venue.isConnected {
            venue.isConnected = true
            self.shared.board.returned(venue.venue, CollectionOfOne(venue.state.symbol), at: time)
        }
        if entry.primary !== venue { _ = self.choosePrimary(of: entry, now: now) }
        let isPrimary = entry.primary === venue
        if isPrimary { entry.isStale = false }
        return isPrimary
    }

    func publishState(_ entry: SymbolEntry, _ venue: VenueEntry, isPrimary: Bool, into results: inout Results) {
        venue.sequence += 1
        results.events.append(MarketEvents.tick(venue.state, venue.tickerChannel, venue.sequence))
        if isPrimary { self.publishPrimary(entry, into: &results) }
    }

    func publishPrimary(_ entry: SymbolEntry, into results: inout Results) {
        entry.sequence += 1
        results.events.append(MarketEvents.tick(entry.primary.state, entry.tickerChannel, entry.sequence))
    }

    func entries(_ symbol: Symbol, _ venue: Venue, now: NIODeadline) -> (SymbolEntry, VenueEntry) {
        if let entry = self.symbols[symbol], let known = entry.entry(of: venue) { return (entry, known) }
        return self.addEntries(symbol, venue, now: now)
    }

    @inline(never)
    private func addEntries(_ symbol: Symbol, _ venue: Venue, now: NIODeadline) -> (SymbolEntry, VenueEntry) {
        let added = VenueEntry(
            symbol: symbol, venue: venue, rank: self.shared.priority[venue] ?? .max,
            sequenceStart: self.shared.sequenceStart,
            tickGuard: TickGuard(
                sequencing: self.shared.registry.sequencing(of: venue), band: self.shared.settings.band(of: symbol)),
            tally: self.shared.registry.tally(of: venue), now: now
        )
        if let entry = self.symbols[symbol] {
            entry.add(added)
            return (entry, added)
        }
        let entry = SymbolEntry(symbol: symbol, first: added, sequenceStart: self.shared.sequenceStart)
        entry.hasAlerts = self.watchedSymbols.remove(symbol) != nil
        self.symbols[symbol] = entry
        return (entry, added)
    }

    private func restore(_ state: MarketState, into results: inout Results) {
        let (entry, venue) = self.entries(state.symbol, state.venue, now: self.eventLoop.now)
        venue.state = state
        if let price = state.lastPrice, let time = state.receivedTime { venue.tickGuard.prices.seed(price, at: time) }
        if venue.rank < entry.primary.rank { entry.primary = venue }
        if let lastPrice = state.lastPrice {
            self.alerts.restore(lastPrice, state.symbol, state.venue, isPrimary: entry.primary === venue)
        }
        var event = MarketEvents.tick(state, venue.tickerChannel, venue.sequence)
        event.retention = .keepOnly
        results.events.append(event)
        if entry.primary === venue {
            event = MarketEvents.tick(state, entry.tickerChannel, entry.sequence)
            event.retention = .keepOnly
            results.events.append(event)
        }
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
        self.shared.outputs.saveStates(states)
    }

    /// Looks for silent venues once a second, as long as the shard is used.
    private func startWatching() {
        self.isWatching = true
        self.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { [weak self] task in
            if let self { self.watch() } else { task.cancel() }
        }
    }
}
