import Market

/// What alerts of one stream measure over one window: its volume, and that volume in multiples of what is usual.
struct VolumeGauge: Sendable {
    private static let day: Int64 = 86_400_000_000_000
    private static let second: Int64 = 1_000_000_000

    /// The window's length in nanoseconds.
    let length: Int64
    /// The time before the window that "usual" is taken from.
    let baselineLength: Int64
    /// How much of it must be known.
    let baselineNeeded: Int64
    var alertCount = 0
    /// How many of the alerts compare with what is usual.
    var multipleCount = 0 { didSet { if self.multipleCount == 0 { self.whole = nil } } }
    /// Whether time went on without comparing: what has changed by that is found with the next tick.
    var isUnmeasured = false
    var absolute = SignalBook()
    var multiple = SignalBook()
    private(set) var window: VolumeWindow
    /// The window with the time before it.
    private(set) var whole: VolumeWindow?

    init(length: Int64) {
        self.length = length
        // 24 h or 20 windows, what is longer, at most 30 d; and whatever the length, one window.
        self.baselineLength = max(min(max(Self.day, 20 * length), 30 * Self.day), length)
        self.baselineNeeded = max(min(20, self.baselineLength / length), 1) * length
        self.window = VolumeWindow(length: length)
    }

    /// Keeps what is needed to tell what is usual from now on.
    mutating func keepBaseline() {
        if self.whole == nil { self.whole = VolumeWindow(length: self.baselineLength + self.length) }
    }

    /// The lengths of the steps into which the windows cut time.
    var stepLengths: [Int64] { [self.window.steps.step] + (self.whole.map { [$0.steps.step] } ?? []) }

    var nextChange: Int64 { min(self.window.nextLeaving, self.whole?.nextLeaving ?? .max) }

    mutating func advance(to now: Int64) {
        self.window.advance(to: now)
        self.whole?.advance(to: now)
    }

    mutating func add(_ size: Decimal64?, at time: Int64) {
        self.window.add(size, at: time)
        self.whole?.add(size, at: time)
    }

    /// Adds the sum of many sizes of one step.
    mutating func add(_ sum: Int128, exponent: Int, at time: Int64) {
        self.window.add(sum, exponent: exponent, at: time)
        self.whole?.add(sum, exponent: exponent, at: time)
    }

    /// Narrows a stretch to that in which no trade passes anything here; false when there is none.
    mutating func narrow(_ calm: inout CalmStretch) -> Bool {
        if self.multipleCount > 0 {
            calm.end = min(calm.end, self.nextChange)
        } else if let floor = self.absolute.floor {
            calm.end = min(calm.end, self.window.end(above: floor))
        }
        guard self.absolute.isEmpty || self.absolute.isCalm, self.narrowMultiple(&calm) else { return false }
        return calm.narrowVolume(self.window.sum, exponent: self.window.exponent, ceiling: self.absolute.ceiling)
    }

    /// Narrows a stretch to that in which what is usual does not change and no multiple of it is reached.
    private func narrowMultiple(_ calm: inout CalmStretch) -> Bool {
        guard self.multipleCount > 0 else { return true }
        // What is usual is known by the whole second.
        guard let whole = self.whole, let since = whole.since else { return false }
        let part = (calm.start - since - self.length) % Self.second
        calm.end = min(calm.end, calm.start + Self.second - (part < 0 ? part + Self.second : part))
        guard let multiple = self.multiple(at: calm.start) else {
            // The first trades can make what is usual known: those are looked at one by one.
            return self.known(at: calm.start) < self.baselineNeeded
        }
        guard self.multiple.isCalm else { return false }
        guard let ceiling = self.multiple.ceiling else { return true }
        return calm.narrowVolume(multiple, of: self.window.sum, exponent: self.window.exponent, ceiling: ceiling)
    }

    /// Lets leave what is too old, and appends the slots of the thresholds that were passed by that or by time alone.
    mutating func pass(to now: Int64, passed slots: inout [Int32]) {
        let hasChanged = self.nextChange <= now || self.isUnmeasured
        if hasChanged { self.advance(to: now) }
        if hasChanged || self.multipleCount > 0 { self.measure(now: now, passed: &slots) }
    }

    mutating func insert(_ size: Decimal64, at time: Int64, now: Int64) {
        if self.window.steps.leaving(time) > now { self.window.insert(size, at: time) }
        if let steps = self.whole?.steps, steps.leaving(time) > now { self.whole?.insert(size, at: time) }
    }

    mutating func seed(_ history: AlertHistory) {
        self.window.seed(history)
        self.whole?.seed(history)
    }

    /// Takes what another gauge held before `time`.
    mutating func takeContents(of other: VolumeGauge, before time: Int64) {
        self.window = other.window
        self.window.forget(from: time)
        self.whole = self.multipleCount > 0 ? other.whole : nil
        self.whole?.forget(from: time)
    }

    /// The volume of the window.
    var volume: Measure { Measure(numerator: self.window.sum, exponent: self.window.exponent) }

    /// How much time before the window is known, in whole seconds, at most what is needed for the longest mean.
    func known(at now: Int64) -> Int64 {
        guard let since = self.whole?.since else { return 0 }
        let known = min(self.baselineLength, now - since - self.length)
        return known <= 0 ? 0 : known / Self.second * Self.second
    }

    /// The volume of the window in multiples of the mean volume of windows before it; `nil` while too little is known or
    /// nothing was traded in them.
    func multiple(at now: Int64) -> Measure? {
        let known = self.known(at: now)
        guard let whole = self.whole, known >= self.baselineNeeded else { return nil }
        let exponent = min(whole.exponent, self.window.exponent)
        let own = Self.scaled(self.window.sum, by: self.window.exponent - exponent)
        let before = Self.scaled(whole.sum, by: whole.exponent - exponent) &- own
        guard before > 0 else { return nil }
        // own ÷ (before × length ÷ known)
        var numerator = own.multipliedReportingOverflow(by: Int128(known / Self.second))
        var denominator = before.multipliedReportingOverflow(by: Int128(self.length / Self.second))
        if numerator.overflow || denominator.overflow {
            // More than 31 digits of volume: the last seven are not looked at.
            numerator = (own / 10_000_000).multipliedReportingOverflow(by: Int128(known / Self.second))
            denominator = (before / 10_000_000).multipliedReportingOverflow(by: Int128(self.length / Self.second))
        }
        guard denominator.partialValue > 0 else { return nil }
        return Measure(numerator: numerator.partialValue, denominator: denominator.partialValue, exponent: 0)
    }

    private static func scaled(_ sum: Int128, by digits: Int) -> Int128 {
        digits == 0 ? sum : sum &* powerOfTen(min(digits, 38))
    }

    mutating func measure(now: Int64, passed slots: inout [Int32]) {
        self.isUnmeasured = false
        if !self.absolute.isEmpty { self.absolute.move(to: self.volume, passed: &slots) }
        if !self.multiple.isEmpty { self.multiple.move(to: self.multiple(at: now), passed: &slots) }
    }
}
