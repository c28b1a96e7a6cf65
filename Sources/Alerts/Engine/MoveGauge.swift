import Market

/// What alerts of one stream measure over one span: how far the last price is from the span's extremes.
struct MoveGauge: Sendable {
    /// The window's length in nanoseconds; 0 for the day.
    let length: Int64
    /// Until when trades only wait here, as long as they are calm; the far past while none may.
    private(set) var calmEnd = Int64.min
    /// The prices that are calm: those between the two, where `nil` is no limit.
    private(set) var calmLow: Decimal64?
    private(set) var calmHigh: Decimal64?
    /// When the step ends whose trades wait.
    private var waitingEnd = Int64.min
    /// The highest and the lowest of the trades that wait, all of one step.
    private var waitingHigh: PricePoint?
    private var waitingLow: PricePoint?
    /// The newest of them, which a day may be measured from tomorrow.
    private var waitingNewest: PricePoint?
    var alertCount = 0
    /// How many of the alerts wait for a new high or low, armed or not.
    var extremeCount = 0
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
    /// Between which prices no threshold is passed; `nil` when that is to be found anew.
    private var bounds: MoveBounds?
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

    /// The length of the steps into which the window cuts time; `nil` for the day.
    var stepLength: Int64? { self.length == 0 ? nil : self.window.steps.step }

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
        self.bounds = nil
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

    /// The thresholds are others now.
    mutating func thresholdsChanged() { self.bounds = nil }

    /// Lets leave what is too old, and compares anew if that can have passed something.
    mutating func advance(to now: Int64, last: Decimal64, passed slots: inout [Int32]) {
        guard self.nextChange <= now else { return }
        self.advance(to: now)
        if !self.isQuiet(last) { self.measure(last, passed: &slots) }
    }

    /// Takes in the newest trade, after ``advance(to:)`` with its time, and appends the slots of what it passed.
    mutating func take(_ point: PricePoint, passed slots: inout [Int32]) {
        if self.nextChange <= point.time { self.advance(to: point.time) }
        self.add(point)
        if !self.isQuiet(point.price) { self.measure(point.price, passed: &slots) }
        if !self.armedHighs.isEmpty || !self.armedLows.isEmpty {
            self.appendNewExtremes(point.price, now: point.time, to: &slots)
        }
        self.measureOutCalm(point)
    }

    /// Whether `last` is known to pass nothing, the extremes being what they are now.
    private func isQuiet(_ last: Decimal64) -> Bool {
        guard !self.isUnmeasured, let bounds = self.bounds, bounds.isCalm, bounds.contains(last) else { return false }
        guard let low = self.low?.price, let high = self.high?.price else { return false }
        return bounds.holds(low: low, high: high)
    }

    // MARK: Trades that wait

    @inline(__always)
    func isCalm(_ price: Decimal64, at now: Int64) -> Bool {
        guard now < self.calmEnd else { return false }
        if let low = self.calmLow, price <= low { return false }
        if let high = self.calmHigh, price >= high { return false }
        return true
    }

    /// Has calm trades of one step wait, of which only the highest and the lowest matter; of a day neither.
    mutating func wait(_ highest: PricePoint, _ lowest: PricePoint) {
        guard self.includesLast else { return }
        let time = min(highest.time, lowest.time)
        if time >= self.waitingEnd {
            self.takeWaiting()
            self.window.advance(to: time)
            self.waitingEnd = self.window.steps.end(of: time)
        }
        if let known = self.waitingHigh, highest.price < known.price {} else { self.waitingHigh = highest }
        if let known = self.waitingLow, lowest.price > known.price {} else { self.waitingLow = lowest }
    }

    /// Has the newest calm trade wait, which of a day is the one that matters.
    mutating func wait(newest: PricePoint) {
        if !self.includesLast { self.waitingNewest = newest }
    }

    /// Puts the trades that wait into the window, so that it can be read or changed, and lets leave what was too old at `now`.
    ///
    /// That passes nothing: all trades until then were calm, or were compared.
    mutating func settle(at now: Int64) {
        self.settle()
        self.advance(to: now)
    }

    /// Puts the trades that wait into the window.
    mutating func settle() {
        self.calmEnd = .min
        if let newest = self.waitingNewest {
            self.waitingNewest = nil
            self.add(newest)
            return
        }
        self.takeWaiting()
    }

    private mutating func takeWaiting() {
        guard let highest = self.waitingHigh, let lowest = self.waitingLow else { return }
        self.waitingHigh = nil
        self.waitingLow = nil
        let isHighFirst = highest.time <= lowest.time
        self.add(isHighFirst ? highest : lowest)
        self.add(isHighFirst ? lowest : highest)
    }

    /// Finds the prices and the time in which no trade behind `point` passes anything here.
    ///
    /// Until then no extreme leaves that something is measured from which must not shrink, and no such trade is a new extreme that
    /// an alert waits for.
    private mutating func measureOutCalm(_ point: PricePoint) {
        self.calmEnd = .min
        guard let low = self.low?.price, let high = self.high?.price, low.mantissa > 0 else { return }
        if self.bounds?.isUsable(low: low, high: high, price: point.price) != true {
            self.bounds = MoveBounds(self, low: low, high: high)
        }
        guard let bounds = self.bounds, bounds.isCalm else { return }
        self.calmLow = bounds.lower
        self.calmHigh = bounds.upper
        if self.length == 0 {
            self.calmEnd = self.isUnmeasured ? .min : self.day?.calmEnd(after: point.time) ?? .min
            return
        }
        guard self.extremeCount > 0 || self.isUnmeasured else {
            self.calmEnd = min(
                self.hasRiseFloor ? self.window.lowLeaving : .max, self.hasFallFloor ? self.window.highLeaving : .max)
            return
        }
        self.calmEnd = self.nextChange
        if self.calmLow.map({ $0 < low }) ?? true { self.calmLow = low }
        if self.calmHigh.map({ $0 > high }) ?? true { self.calmHigh = high }
    }

    /// Appends the slots that a new extreme can fire.
    private func appendNewExtremes(_ last: Decimal64, now: Int64, to slots: inout [Int32]) {
        if !self.armedHighs.isEmpty, let high = self.highBefore, last > high.price, self.isCovered(at: now) {
            self.armedHighs.appendSlots(notBelow: { _ in false }, notAbove: { _ in false }, to: &slots)
        }
        if !self.armedLows.isEmpty, let low = self.lowBefore, last < low.price, self.isCovered(at: now) {
            self.armedLows.appendSlots(notBelow: { _ in false }, notAbove: { _ in false }, to: &slots)
        }
    }
}
