public import Market

/// Every alert that can fire, by what it waits for, and the decision which of them a tick or the time fires.
///
/// What alerts compare with (prices, moves, volumes, spreads) is kept once for each stream, and the values they wait for in sorted
/// books: a tick costs constant time while it passes none of them, else O(log *n* + passed). Whoever is passed is evaluated from
/// its condition alone, see ``AlertReading``. Edge-triggered: a suppressed or fired edge counts as used until the condition was
/// false again. The same calls in the same order always give the same firings; nothing reads a clock.
///
/// Not shared between threads: each shard owns one.
public struct AlertEvaluator: Sendable {
    var symbolIndices: [Symbol: Int32] = [:]
    var symbols: ContiguousArray<AlertSymbol> = []
    var streams: ContiguousArray<AlertStream> = []
    /// `nil` slots are free and listed in ``freeSlots``.
    var slots: ContiguousArray<AlertSlot?> = []
    var freeSlots: [Int32] = []
    var slotOfID: [Int64: Int32] = [:]
    /// `nil` memories are free and listed in ``freeMemories``.
    var memories: ContiguousArray<AlertState?> = []
    var freeMemories: [Int32] = []
    var users = AlertPool<String>()
    var options = AlertPool<AlertOptions>()
    var extras: [Int32: AlertExtra] = [:]
    /// Alerts that ended here, until the database says so too.
    var retired: [Int64: Retirement] = [:]
    /// The symbols that have something to do, by time.
    var deadlines = AlertTimers()
    var changed: [Int32] = []
    var expired: [Int64] = []
    /// Silences that wait for the first time anything is known.
    var unstarted: [Int32] = []
    /// Scratch: the slots that a tick passes.
    var touched: [Int32] = []
    var stamp: UInt32 = 0
    /// Set while missed trades are evaluated.
    var missed: Missed?
    /// The newest time of any call, in nanoseconds.
    var clock: Int64?

    /// An alert that ended here.
    struct Retirement: Sendable {
        var crossing: Int64
        var isStorm: Bool
    }

    /// When an alert fires too often.
    public var stormGuard: StormGuard
    /// How often a cooldown has kept an alert from firing.
    public internal(set) var suppressedCount: Int64 = 0
    /// How many alerts can fire.
    public var count: Int { self.slotOfID.count }
    /// The ids of the alerts that can fire, in no order.
    public var ids: [Int64] { Array(self.slotOfID.keys) }

    /// Makes an empty index.
    public init(stormGuard: StormGuard = StormGuard()) { self.stormGuard = stormGuard }

    /// Adds an alert, or takes over the changes of one that is there.
    ///
    /// A known alert with the same symbol, venue and condition keeps what it remembers here, because the stored row may be behind.
    /// A spent or paused alert is not added, and removed if it is there; nor is one that was spent or paused by the storm guard
    /// here and whose row does not say so yet. O(log *n*).
    ///
    /// - Parameters:
    ///   - alert: The alert as it is stored.
    ///   - now: The time since when it is armed; without it the newest time that is known here. Only silences need it.
    public mutating func insert(_ alert: Alert, now: Timestamp? = nil) {
        var alert = alert
        var kept: AlertSlot?
        if let slot = self.slotOfID[alert.id], let known = self.slots[Int(slot)] {
            let isSame =
                self.symbols[Int(known.symbol)].symbol == alert.symbol
                && self.streams[Int(known.stream)].venue == alert.venue
                && known.condition == alert.expression.condition
            let state = self.state(at: slot)
            let crossingCount = max(state.crossingCount, alert.state.crossingCount)
            let isUsable = !alert.isSpent || state.crossingCount > alert.state.crossingCount
            if isSame, isUsable, alert.pause == nil {
                if alert.state.crossingCount <= state.crossingCount { alert.state = state }
                if self.update(slot, to: alert) { return }
                alert.state = state
                kept = known
            }
            alert.state.crossingCount = crossingCount
            self.remove(at: slot)
        }
        if let retirement = self.retired[alert.id] {
            if alert.state.crossingCount < retirement.crossing, alert.pause == nil,
                retirement.isStorm || alert.expression.options.mode == .once
            {
                return
            }
            self.retired[alert.id] = nil
            alert.state.crossingCount = max(alert.state.crossingCount, retirement.crossing)
        }
        guard !alert.isSpent, alert.pause == nil else { return }
        self.add(alert, now: now?.nanoseconds, keeping: kept)
    }

    /// Removes an alert.
    ///
    /// Nothing happens when it is not there. O(log *n*).
    public mutating func remove(id: Int64) {
        if let index = self.slotOfID[id] { self.remove(at: index) }
    }

    /// Makes the index hold exactly `alerts`: adds, updates as ``insert(_:now:)`` does, and removes all others.
    public mutating func reload(_ alerts: [Alert]) {
        let ids = Set(alerts.map(\.id))
        for id in self.slotOfID.keys.filter({ !ids.contains($0) }) { self.remove(id: id) }
        for id in self.retired.keys.filter({ !ids.contains($0) }) { self.retired[id] = nil }
        for alert in alerts { self.insert(alert) }
    }

    /// Tells the last price from before a restart, so that the edge is judged against it.
    ///
    /// Nothing happens when a price is known already.
    ///
    /// - Parameters:
    ///   - price: The stored last price.
    ///   - symbol: The instrument.
    ///   - venue: Where it traded.
    ///   - isPrimary: Whether `venue` is the symbol's primary venue.
    public mutating func seed(lastPrice price: Decimal64, symbol: Symbol, venue: Venue, isPrimary: Bool = true) {
        let index = self.symbolIndex(symbol)
        if isPrimary { self.seed(price, stream: self.symbols[index].primary) }
        self.seed(price, stream: self.streamIndex(of: venue, symbol: index))
    }

    /// Evaluates a trade and appends what it fires to `fired`, in order of the alerts' ids, behind what became due before it.
    ///
    /// A trade marked as snapshot, replayed, backfilled or out of order neither fires nor becomes the last price.
    ///
    /// - Parameters:
    ///   - trade: The next trade of its symbol and venue.
    ///   - isPrimary: Whether the venue drives the symbol; alerts without a venue ignore other trades.
    ///   - now: The time of the evaluation. A symbol's time never goes back, but by more than a minute: then the clock was set.
    ///   - fired: Where firings are appended.
    public mutating func evaluate(
        _ trade: Trade, isPrimary: Bool = true, now: Timestamp, into fired: inout [FiredAlert]
    ) {
        guard trade.flags.isDisjoint(with: Self.ignored) else { return }
        let symbol = self.symbolIndex(trade.symbol)
        let venue = self.streamIndex(of: trade.venue, symbol: symbol)
        let now = self.begin(symbol, now: now.nanoseconds, into: &fired)
        let occasion = Occasion(phase: .tick, now: now, firedAt: Timestamp(nanoseconds: now))
        let start = fired.count
        let hasPairs = self.symbols[symbol].hasPairs
        let lateness = hasPairs ? self.streams[Int(venue)].tradeLateness : nil
        if isPrimary {
            if self.symbols[symbol].primaryVenue != trade.venue { self.symbols[symbol].primaryVenue = trade.venue }
            self.take(trade, stream: Int(self.symbols[symbol].primary), occasion, into: &fired)
        }
        self.take(trade, stream: Int(venue), occasion, into: &fired)
        if hasPairs {
            var pairOccasion = occasion
            pairOccasion.lateness = lateness
            self.comparePairs(trade, symbol: symbol, stream: Int(venue), pairOccasion, into: &fired)
        }
        if fired.count > start + 1 { fired[start...].sort { $0.alert.id < $1.alert.id } }
    }

    /// Evaluates a quote: spreads, and that a symbol is not silent.
    ///
    /// - Parameters:
    ///   - quote: The next quote of its symbol and venue.
    ///   - isPrimary: Whether the venue drives the symbol; alerts without a venue ignore other quotes.
    ///   - now: The time of the evaluation; see ``evaluate(_:isPrimary:now:into:)-(Trade,_,_,_)``.
    ///   - fired: Where firings are appended.
    public mutating func evaluate(
        _ quote: Quote, isPrimary: Bool = true, now: Timestamp, into fired: inout [FiredAlert]
    ) {
        guard quote.flags.isDisjoint(with: Self.ignored) else { return }
        let symbol = self.symbolIndex(quote.symbol)
        let venue = self.streamIndex(of: quote.venue, symbol: symbol)
        let now = self.begin(symbol, now: now.nanoseconds, into: &fired)
        let occasion = Occasion(phase: .tick, now: now, firedAt: Timestamp(nanoseconds: now))
        let start = fired.count
        if isPrimary { self.take(quote, stream: Int(self.symbols[symbol].primary), occasion, into: &fired) }
        self.take(quote, stream: Int(venue), occasion, into: &fired)
        if fired.count > start + 1 { fired[start...].sort { $0.alert.id < $1.alert.id } }
    }

    /// Does what has become due by `now`: silences, confirmations by time, expiries.
    ///
    /// What fires says when it was due, not when this was called.
    public mutating func advance(to now: Timestamp, into fired: inout [FiredAlert]) {
        let start = fired.count
        self.keepTime(now.nanoseconds)
        while let entry = self.deadlines.take(through: now.nanoseconds) {
            let symbol = Int(entry.slot)
            guard self.symbols[symbol].announcedDue == entry.due else { continue }
            self.symbols[symbol].announcedDue = .max
            self.runTimers(of: symbol, through: now.nanoseconds, into: &fired)
            self.announce(symbol)
        }
        Self.sortByTime(&fired, from: start)
    }

    /// When ``advance(to:into:)`` has something to do at the earliest; `nil` when nothing waits for time.
    ///
    /// Not later than the first thing that is due, but possibly earlier: what waits for silence is moved on only then.
    public var nextDeadline: Timestamp? { self.deadlines.first.map { Timestamp(nanoseconds: $0.due) } }

    /// The states of the alerts that changed since the last call, by id, without those that were removed.
    public mutating func takeChanges() -> [Int64: AlertState] {
        var states: [Int64: AlertState] = [:]
        for index in self.changed where self.slots[Int(index)]?.flags.contains(.changed) == true {
            guard let id = self.slots[Int(index)]?.id else { continue }
            self.slots[Int(index)]?.flags.remove(.changed)
            states[id] = self.state(at: index)
        }
        self.changed.removeAll(keepingCapacity: true)
        return states
    }

    /// The ids of the alerts that expired since the last call: they are not in the index any more.
    public mutating func takeExpired() -> [Int64] {
        defer { self.expired.removeAll() }
        return self.expired
    }

    /// All alerts with what they would have to remember if the process ended now, in order of their ids.
    public var alerts: [Alert] {
        self.slotOfID.keys.sorted().compactMap { id in self.slotOfID[id].flatMap { self.alert(at: $0) } }
    }

    /// What an alert would have to remember if the process ended now; `nil` when it is not in the index.
    public func state(of id: Int64) -> AlertState? { self.slotOfID[id].map { self.state(at: $0) } }

    /// How many prices and sums all windows hold: at most 602 of each kind for each window, whatever is traded.
    package var heldCount: Int {
        self.streams.reduce(0) { total, stream in
            total + stream.moves.reduce(0) { $0 + $1.pointCount }
                + stream.volumes.reduce(0) { $0 + $1.window.stepCount + ($1.whole?.stepCount ?? 0) }
        }
    }

    static let ignored: TickFlags = [.snapshot, .replayed, .backfilled, .outOfOrder]
}
