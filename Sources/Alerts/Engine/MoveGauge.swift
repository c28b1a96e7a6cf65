import Market

/// What alerts of one stream measure over one span: how far the last price is from the span's extremes.
struct MoveGauge: Sendable {
    /// Where the extremes come from.
    private enum Source: Sendable {
        case window(ExtremeWindow)
        case day(DayReference)
    }

    /// The window's length in nanoseconds; 0 for the day.
    let length: Int64
    var alertCount = 0
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
    private var source: Source

    init(length: Int64, calendar: TradingCalendar?) {
        self.length = length
        self.source = length == 0 ? .day(DayReference(calendar: calendar)) : .window(ExtremeWindow(length: length))
    }

    /// The highest price before `last`, and `last` counts too; `nil` when there is no reference.
    var high: PricePoint? {
        switch self.source {
        case .window(let window): window.high
        case .day(let day): day.reference
        }
    }

    /// The lowest price; see ``high``.
    var low: PricePoint? {
        switch self.source {
        case .window(let window): window.low
        case .day(let day): day.reference
        }
    }

    /// Whether the last price is a reference of its own when there is no other.
    var includesLast: Bool { self.length != 0 }

    /// When time alone changes the extremes.
    var nextChange: Int64 {
        switch self.source {
        case .window(let window): window.nextLeaving
        case .day(let day): day.nextChange
        }
    }

    func isCovered(at now: Int64) -> Bool {
        switch self.source {
        case .window(let window): window.isCovered(at: now)
        case .day(let day): day.reference != nil
        }
    }

    /// Since when everything is known.
    var since: Int64? {
        switch self.source {
        case .window(let window): window.since
        case .day(let day): day.reference?.time
        }
    }

    /// How many prices are held.
    var pointCount: Int {
        switch self.source {
        case .window(let window): window.highs.count + window.lows.count
        case .day: 1
        }
    }

    mutating func advance(to now: Int64) {
        switch self.source {
        case .window(var window):
            self.source = .day(DayReference(calendar: nil))  // So that the window is not copied.
            window.advance(to: now)
            self.source = .window(window)
        case .day(var day):
            day.advance(to: now)
            self.source = .day(day)
        }
    }

    /// Adds the newest trade, after ``advance(to:)`` with its time.
    mutating func add(_ point: PricePoint) {
        self.highBefore = self.high
        self.lowBefore = self.low
        switch self.source {
        case .window(var window):
            self.source = .day(DayReference(calendar: nil))
            window.add(point)
            self.source = .window(window)
        case .day(var day):
            day.add(point)
            self.source = .day(day)
        }
    }

    mutating func insert(_ point: PricePoint, now: Int64) {
        guard case .window(var window) = self.source else { return }
        self.source = .day(DayReference(calendar: nil))
        window.insert(point, now: now)
        self.source = .window(window)
    }

    mutating func seed(_ history: AlertHistory) {
        switch self.source {
        case .window(var window):
            window.seed(history)
            self.source = .window(window)
        case .day(var day):
            day.seed(history)
            self.source = .day(day)
        }
    }

    /// Takes what another gauge held before `time`.
    mutating func takeContents(of other: MoveGauge, before time: Int64) {
        self.source = other.source
        guard case .window(var window) = self.source else { return }
        window.forget(from: time)
        self.source = .window(window)
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
