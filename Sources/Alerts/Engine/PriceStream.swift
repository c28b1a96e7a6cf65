import Market

/// One sequence of prices, of a symbol's primary venue or of one venue, and the thresholds that wait on it.
///
/// A level's condition and the side a crossing comes from follow from the last prices alone, so alerts that do not fire
/// cost nothing: re-arming is never written anywhere.
struct PriceStream: Sendable {
    /// The newest price.
    private(set) var last: Decimal64?
    /// The newest price that differs from ``last``: tells a touch of a threshold from a crossing.
    private(set) var beforeLast: Decimal64?
    /// Alerts that must be looked at one by one with the next price, because their own memory decides.
    var pending: [Int32] = []

    private var rising = ThresholdBook()
    private var falling = ThresholdBook()
    /// While true no threshold lies strictly between ``quietLow`` and ``quietHigh``, where `nil` is unbounded.
    private var isQuietKnown = false
    private var quietLow: Decimal64?
    private var quietHigh: Decimal64?

    mutating func insert(_ condition: AlertCondition, id: Int64, slot: Int32) {
        guard let threshold = condition.threshold else { return }
        if condition.firesOnRise { self.rising.insert(threshold: threshold, id: id, slot: slot) }
        if condition.firesOnFall { self.falling.insert(threshold: threshold, id: id, slot: slot) }
        self.isQuietKnown = false
    }

    /// Also correct for a condition that is only pending.
    ///
    /// A removal can only widen the quiet range, which stays true.
    mutating func remove(_ condition: AlertCondition, id: Int64, slot: Int32) {
        guard let threshold = condition.threshold else { return }
        if condition.firesOnRise { self.rising.remove(threshold: threshold, id: id) }
        if condition.firesOnFall { self.falling.remove(threshold: threshold, id: id) }
        self.pending.removeAll { $0 == slot }
    }

    /// Takes `price` as the last one if none is known yet.
    mutating func seed(_ price: Decimal64) {
        if self.last == nil { self.last = price }
    }

    /// Moves to `price` and appends the slots whose threshold was passed or left in the direction they wait for.
    ///
    /// Constant time while no threshold is near, else O(log *n* + found).
    @inline(__always)
    mutating func move(to price: Decimal64, passed slots: inout [Int32]) {
        guard let previous = self.last else {
            self.last = price
            return
        }
        if price == previous { return }
        if !self.isQuiet(price) { self.pass(from: previous, to: price, slots: &slots) }
        self.beforeLast = previous
        self.last = price
    }

    @inline(__always)
    private func isQuiet(_ price: Decimal64) -> Bool {
        guard self.isQuietKnown else { return false }
        if let low = self.quietLow, price <= low { return false }
        if let high = self.quietHigh, price >= high { return false }
        return true
    }

    private mutating func pass(from previous: Decimal64, to price: Decimal64, slots: inout [Int32]) {
        if price > previous {
            self.rising.appendSlots(from: previous, upTo: price, to: &slots)
        } else {
            self.falling.appendSlots(above: price, through: previous, to: &slots)
        }
        let lows = (self.rising.highest(atMost: price), self.falling.highest(atMost: price))
        let highs = (self.rising.lowest(atLeast: price), self.falling.lowest(atLeast: price))
        self.quietLow = [lows.0, lows.1].compactMap(\.self).max()
        self.quietHigh = [highs.0, highs.1].compactMap(\.self).min()
        self.isQuietKnown = true
    }
}

extension AlertCondition {
    /// Whether a rise through the threshold can fire it.
    var firesOnRise: Bool {
        switch self {
        case .level(.above, _), .crossing(.above, _), .crossing(.either, _): true
        default: false
        }
    }

    /// Whether a fall through the threshold can fire it.
    var firesOnFall: Bool {
        switch self {
        case .level(.below, _), .crossing(.below, _), .crossing(.either, _): true
        default: false
        }
    }

    /// For a level, whether `price` is beyond it; `nil` for what needs more than one price.
    func isBeyond(_ price: Decimal64) -> Bool? {
        switch self {
        case .level(.above, let threshold): price > threshold
        case .level(.below, let threshold): price < threshold
        default: nil
        }
    }
}
