import Market

/// The prices that alerts of a stream wait for, whatever for.
struct PriceBook: Sendable {
    private var book = ThresholdBook()
    /// While true no threshold lies strictly between ``quietLow`` and ``quietHigh``, where `nil` is unbounded.
    private var isQuietKnown = false
    private var quietLow: Decimal64?
    private var quietHigh: Decimal64?

    mutating func insert(threshold: Decimal64, slot: Int32) {
        self.book.insert(threshold: threshold, slot: slot)
        guard self.isQuietKnown else { return }
        if let low = self.quietLow, threshold <= low { return }
        if let high = self.quietHigh, threshold >= high { return }
        self.isQuietKnown = false
    }

    /// A removal can only widen the quiet range, which stays true.
    mutating func remove(threshold: Decimal64, slot: Int32) { self.book.remove(threshold: threshold, slot: slot) }

    /// The slots of all thresholds from `low` to `high`, both included.
    func slots(from low: Decimal64, through high: Decimal64) -> [Int32] {
        var slots: [Int32] = []
        self.book.appendSlots(notBelow: { $0 < low }, notAbove: { $0 > high }, to: &slots)
        return slots
    }

    /// Appends the slots of all thresholds between two prices one after the other, both included.
    ///
    /// Constant time while no threshold is near, else O(log *n* + found).
    @inline(__always)
    mutating func move(from previous: Decimal64, to price: Decimal64, passed slots: inout [Int32]) {
        if self.isQuiet(price) { return }
        self.pass(from: previous, to: price, slots: &slots)
    }

    @inline(__always)
    private func isQuiet(_ price: Decimal64) -> Bool {
        guard self.isQuietKnown else { return false }
        if let low = self.quietLow, price <= low { return false }
        if let high = self.quietHigh, price >= high { return false }
        return true
    }

    private mutating func pass(from previous: Decimal64, to price: Decimal64, slots: inout [Int32]) {
        let low = min(previous, price)
        let high = max(previous, price)
        self.book.appendSlots(notBelow: { $0 < low }, notAbove: { $0 > high }, to: &slots)
        self.quietLow = self.book.highest { $0 <= price }
        self.quietHigh = self.book.lowest { $0 < price }
        self.isQuietKnown = true
    }
}
