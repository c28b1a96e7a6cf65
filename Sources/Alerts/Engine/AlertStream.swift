import Market

/// One sequence of ticks, of a symbol's primary venue or of one venue, with what alerts measure on it.
struct AlertStream: Sendable {
    // What every tick looks at comes first, so that it shares few cache lines.
    /// How many alerts follow the stream.
    var alertCount = 0
    /// Whether alerts measure anything over windows; see ``windowsChanged()``.
    private(set) var isMeasured = false
    /// Whether there are alerts that are looked at with every trade.
    private(set) var hasAttention = false
    /// Whether the next tick must look at ``silences``: one of them has ended, or has no timer yet.
    var mustRestartSilences = false
    /// Why what the next trade fires is late: a hole ends with it.
    var tradeLateness: AlertLateness?
    /// The newest price.
    private(set) var last: Decimal64?
    /// The newest price that differs from ``last``: tells from where the price came to a threshold it is on.
    private(set) var beforeLast: Decimal64?
    /// The price before the newest one, be it the same.
    private(set) var previous: Decimal64?
    /// When the newest trade or quote came, in nanoseconds.
    var heardAt: Int64?
    /// When the newest trade came, in nanoseconds.
    var tradedAt: Int64?
    var book = PriceBook()
    /// Trades that wait to be put into the windows.
    var waiting = WaitingTrades()
    /// The newest tick; known only from the first alert on.
    var cause: FiredAlert.Cause?
    /// Alerts that are looked at with every trade.
    var attention: [Int32] = [] { didSet { self.hasAttention = !self.attention.isEmpty } }
    /// Alerts that are looked at with every quote.
    var quoteAttention: [Int32] = []
    var moves: ContiguousArray<MoveGauge> = []
    var volumes: ContiguousArray<VolumeGauge> = []
    var spread = SpreadGauge()
    var silences: ContiguousArray<SilenceGroup> = []
    /// The same of the next quote.
    var quoteLateness: AlertLateness?
    /// The last holes, oldest first; at most ``holesMax``.
    var holes: [AlertHole] = []
    let symbol: Int32
    /// `nil` for the primary stream.
    let venue: Venue?

    /// How many holes are remembered: trades missed in older ones are judged against the price before the oldest of these.
    static let holesMax = 4

    init(symbol: Int32, venue: Venue?) {
        self.symbol = symbol
        self.venue = venue
    }

    /// Takes `price` as the last one if none is known yet.
    mutating func seed(_ price: Decimal64) {
        if self.last == nil { self.last = price }
    }

    @inline(__always)
    mutating func move(to price: Decimal64, at now: Int64) {
        self.tradedAt = now
        if let last = self.last, last != price { self.beforeLast = last }
        self.previous = self.last
        self.last = price
    }

    /// Windows came or went.
    mutating func windowsChanged() {
        self.isMeasured = !self.moves.isEmpty || !self.volumes.isEmpty
        let steps = self.moves.compactMap(\.stepLength) + self.volumes.flatMap(\.stepLengths)
        self.waiting.setSteps(steps)
    }

    /// The last alert is gone: what was kept for alerts ends, so that it is not taken for new later.
    mutating func endOfAlerts() {
        self.cause = nil
        self.attention = []
        self.quoteAttention = []
    }

    /// The newest price on one side of `threshold`; the threshold itself when nothing else is known.
    func side(of threshold: Decimal64) -> Decimal64? {
        self.last == threshold ? self.beforeLast ?? threshold : self.last
    }
}

/// A time in which ticks of a stream may have been missed.
struct AlertHole: Sendable {
    /// When all was known to be well, in nanoseconds.
    var since: Int64
    /// The last price before.
    let price: Decimal64?
}

/// A venue's spread, and the thresholds that wait on it.
struct SpreadGauge: Sendable {
    var bid: Decimal64?
    var ask: Decimal64?
    var absolute = SignalBook()
    var percent = SignalBook()

    /// Ask − bid; `nil` until both are known.
    var value: Measure? {
        guard let bid = self.bid, let ask = self.ask else { return nil }
        return Measure(ask, minus: bid)
    }

    /// The same in percent of the middle.
    var percentValue: Measure? {
        guard let bid = self.bid, let ask = self.ask else { return nil }
        return Measure(ask, minus: bid, percentOfMiddle: ())
    }

    mutating func take(_ quote: Quote) {
        if let bid = quote.bid { self.bid = bid }
        if let ask = quote.ask { self.ask = ask }
    }

    mutating func measure(passed slots: inout [Int32]) {
        if !self.absolute.isEmpty { self.absolute.move(to: self.value, passed: &slots) }
        if !self.percent.isEmpty { self.percent.move(to: self.percentValue, passed: &slots) }
    }
}

/// The alerts of a stream that wait for the same silence: they share one timer.
struct SilenceGroup: Sendable {
    /// What tells groups apart.
    struct Key: Sendable, Hashable {
        var duration: Int64
        var hours: AlertHours

        /// The key as a timer's id.
        var id: Int64 { self.duration &* 2 &+ (self.hours == .extended ? 1 : 0) }
    }

    let key: Key
    /// The alerts with when they were armed, in nanoseconds.
    var members: [Int32: Int64] = [:]
    /// Whether some of them have fired since the last tick.
    var isSilent = false
    /// When its timer is due; `nil` while none runs.
    var timedDue: Int64?
}

/// Two venues of a symbol whose last prices are compared.
struct VenuePair: Sendable {
    /// How old a price may be to be compared, in nanoseconds.
    static let age: Int64 = 60_000_000_000

    let first: Venue
    let second: Venue
    var alertCount = 0
    var firstPoint: PricePoint?
    var secondPoint: PricePoint?
    var absolute = SignalBook()
    var percent = SignalBook()
    /// Whether the newest trade is the first venue's.
    var isFirstNewest = true
    /// Alerts that are looked at with every trade of either.
    var attention: [Int32] = []

    init(first: Venue, second: Venue) {
        self.first = first
        self.second = second
    }

    private func points(at now: Int64) -> (low: PricePoint, high: PricePoint)? {
        guard let first = self.firstPoint, let second = self.secondPoint, now - first.time <= Self.age,
            now - second.time <= Self.age
        else { return nil }
        return first.price < second.price ? (first, second) : (second, first)
    }

    func value(at now: Int64) -> Measure? {
        self.points(at: now).map { Measure($0.high.price, minus: $0.low.price) }
    }

    func percentValue(at now: Int64) -> Measure? {
        guard let points = self.points(at: now), points.low.price.mantissa > 0 else { return nil }
        return Measure(points.high.price, minus: points.low.price, percentOf: points.low.price)
    }

    mutating func measure(now: Int64, passed slots: inout [Int32]) {
        if !self.absolute.isEmpty { self.absolute.move(to: self.value(at: now), passed: &slots) }
        if !self.percent.isEmpty { self.percent.move(to: self.percentValue(at: now), passed: &slots) }
    }
}

/// A symbol with its streams, and what becomes due on them.
struct AlertSymbol: Sendable {
    // What every tick looks at comes first, so that it shares few cache lines.
    /// The newest time at which something of it was evaluated, in nanoseconds.
    var now = Int64.min
    /// When its first timer is due.
    private(set) var nextDue = Int64.max
    /// The primary stream's index.
    let primary: Int32
    var firstStream: Int32 = -1
    /// The first of ``venues``, which mostly is the only one: here a tick finds it without another look-up.
    var firstVenue: Venue?
    /// The venue that drove the symbol last.
    var primaryVenue: Venue?
    private(set) var hasPairs = false
    /// What the evaluator's own heap says about ``nextDue``.
    var announcedDue = Int64.max
    let symbol: Symbol
    /// The venues with their streams' indices.
    var venues: ContiguousArray<(venue: Venue, stream: Int32)> = []
    var pairs: ContiguousArray<VenuePair> = [] { didSet { self.hasPairs = !self.pairs.isEmpty } }
    var timers = AlertTimers() { didSet { self.nextDue = self.timers.first?.due ?? .max } }
    var calendar: TradingCalendar?
    /// How many alerts there are.
    var alertCount = 0

    init(symbol: Symbol, primary: Int32) {
        self.symbol = symbol
        self.primary = primary
    }
}
