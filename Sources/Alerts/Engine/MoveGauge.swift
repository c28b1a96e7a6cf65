import Market

/// What alerts of one stream measure over one span: how far the last price is from the span's extremes.
struct MoveGauge: Sendable {
    /// The window's length in nanoseconds; 0 for the day.
    let length: Int64
    var alertCount = 0
    /// Whether time went on without comparing: what has changed by that is found with the next tick.
    var isUnmeasured = false
    var rise = SignalBook()
    var risePercent = SignalBook()
    var fall = SignalBook()
    var fallPercent = SignalBook()
    /// The alerts that the next new high, or low, can fire.
    var armedHighs = ThresholdBook()
    var armedLows = ThresholdBook()
    /// The extremes before the newest trade.
    private(set) var highBefore: PricePoint?
    private(set) var lowBefore: PricePoint?
    /// The prices between which no threshold is passed, as they were found for these extremes and thresholds.
    private struct Bounds: Sendable {
        var low: Decimal64
        var high: Decimal64
        var version: UInt32
        var lower: Decimal64?
        var upper: Decimal64?
        var isCalm: Bool

        func isOf(_ low: Decimal64, _ high: Decimal64, _ version: UInt32) -> Bool {
            self.low == low && self.high == high && self.version == version
        }
    }

    private var bounds: Bounds?
    /// Where the extremes come from: of a day the reference, else the window.
    private var window: ExtremeWindow
    private var day: DayReference?

    init(length: Int64, calendar: TradingCalendar?) {
        self.length = length
        self.window = ExtremeWindow(length: length)
        self.day = length == 0 ? DayReference(calendar: calendar) : nil
    }

    /// The highest price before `last`, and `last` counts too; `nil` when there is no reference.
    var high: PricePoint? {
        if let day = self.day { return day.reference }
        return self.window.high
    }

    /// The lowest price; see ``high``.
    var low: PricePoint? {
        if let day = self.day { return day.reference }
        return self.window.low
    }

    /// Whether the last price is a reference of its own when there is no other.
    var includesLast: Bool { self.length != 0 }

    /// When time alone changes the extremes.
    var nextChange: Int64 {
        if self.isUnmeasured { return .min }
        if let day = self.day { return day.nextChange }
        return self.window.nextLeaving
    }

    func isCovered(at now: Int64) -> Bool {
        if let day = self.day { return day.reference != nil }
        return self.window.isCovered(at: now)
    }

    /// Since when everything is known.
    var since: Int64? {
        if let day = self.day { return day.reference?.time }
        return self.window.since
    }

    /// How many prices are held.
    var pointCount: Int {
        if let day = self.day { return day.reference == nil ? 0 : 1 }
        return self.window.highs.count + self.window.lows.count
    }

    mutating func advance(to now: Int64) {
        if self.length == 0 { self.day?.advance(to: now) } else { self.window.advance(to: now) }
    }

    /// Adds the newest trade, after ``advance(to:)`` with its time.
    mutating func add(_ point: PricePoint) {
        self.highBefore = self.high
        self.lowBefore = self.low
        if self.length == 0 { self.day?.add(point) } else { self.window.add(point) }
    }

    mutating func insert(_ point: PricePoint, now: Int64) {
        if self.length != 0 { self.window.insert(point, now: now) }
    }

    mutating func seed(_ history: AlertHistory) {
        if self.length == 0 { self.day?.seed(history) } else { self.window.seed(history) }
    }

    /// Takes what another gauge held before `time`.
    mutating func takeContents(of other: MoveGauge, before time: Int64) {
        self.window = other.window
        self.day = other.day
        self.window.forget(from: time)
    }

    /// All alerts that wait here.
    var slots: [Int32] {
        self.rise.slots + self.risePercent.slots + self.fall.slots + self.fallPercent.slots + self.armedHighs.slots
            + self.armedLows.slots
    }

    /// How far `last` is above the span's lowest price, and below its highest.
    func moves(of last: Decimal64) -> (rise: Measure, fall: Measure)? {
        guard let (low, high) = self.extremes(with: last) else { return nil }
        return (Measure(last, minus: low.price), Measure(high.price, minus: last))
    }

    /// The same in percent; `nil` also where a price is not above zero.
    func percentMoves(of last: Decimal64) -> (rise: Measure, fall: Measure)? {
        guard let (low, high) = self.extremes(with: last), low.price.mantissa > 0 else { return nil }
        return (
            Measure(last, minus: low.price, percentOf: low.price),
            Measure(high.price, minus: last, percentOf: high.price)
        )
    }

    /// The span's lowest and highest price, `last` included; only of a day `last` does not count.
    func extremes(with last: Decimal64) -> (low: PricePoint, high: PricePoint)? {
        let own = PricePoint(price: last, time: .min)
        guard self.includesLast else { return self.low.map { ($0, $0) } }
        var low = self.low ?? own
        var high = self.high ?? own
        if last < low.price { low = own }
        if last > high.price { high = own }
        return (low, high)
    }

    /// Compares anew and appends the slots of the thresholds that were passed.
    mutating func measure(_ last: Decimal64, passed slots: inout [Int32]) {
        self.isUnmeasured = false
        if !self.rise.isEmpty || !self.fall.isEmpty {
            let moves = self.moves(of: last)
            self.rise.move(to: moves?.rise, passed: &slots)
            self.fall.move(to: moves?.fall, passed: &slots)
        }
        if !self.risePercent.isEmpty || !self.fallPercent.isEmpty {
            let moves = self.percentMoves(of: last)
            self.risePercent.move(to: moves?.rise, passed: &slots)
            self.fallPercent.move(to: moves?.fall, passed: &slots)
        }
    }

    /// Narrows a stretch of prices and time to that in which no trade passes anything here; false when there is none.
    ///
    /// Inside it a trade is neither a new extreme nor does it bring a measure to a threshold, and all trades are of one step.
    mutating func narrow(_ calm: inout CalmStretch) -> Bool {
        guard let low = self.low?.price, let high = self.high?.price, low.mantissa > 0 else { return false }
        if self.length == 0 {
            calm.end = min(calm.end, self.nextChange)
        } else {
            calm.end = min(calm.end, self.nextChange, self.window.steps.end(of: calm.start))
            calm.raise(to: low)
            calm.lower(to: high)
        }
        let version = self.rise.version &+ self.risePercent.version &+ self.fall.version &+ self.fallPercent.version
        if self.bounds?.isOf(low, high, version) != true {
            // Worth keeping: extremes and thresholds around seldom change.
            var prices = CalmStretch(start: 0, exponent: nil)
            let isCalm =
                prices.narrow(self.rise, from: low, .above) { .absolute($0) }
                && prices.narrow(self.risePercent, from: low, .above) { .percent($0) }
                && prices.narrow(self.fall, from: high, .below) { .absolute($0) }
                && prices.narrow(self.fallPercent, from: high, .below) { .percent($0) }
            self.bounds = Bounds(
                low: low, high: high, version: version, lower: prices.low, upper: prices.high, isCalm: isCalm)
        }
        guard let bounds = self.bounds, bounds.isCalm else { return false }
        if let lower = bounds.lower { calm.raise(to: lower) }
        if let upper = bounds.upper { calm.lower(to: upper) }
        return true
    }

    /// Appends the slots that a new extreme can fire.
    func appendNewExtremes(_ last: Decimal64, now: Int64, to slots: inout [Int32]) {
        if !self.armedHighs.isEmpty, let high = self.highBefore, last > high.price, self.isCovered(at: now) {
            self.armedHighs.appendSlots(notBelow: { _ in false }, notAbove: { _ in false }, to: &slots)
        }
        if !self.armedLows.isEmpty, let low = self.lowBefore, last < low.price, self.isCovered(at: now) {
            self.armedLows.appendSlots(notBelow: { _ in false }, notAbove: { _ in false }, to: &slots)
        }
    }
}
