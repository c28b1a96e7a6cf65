import Market

/// One measured value and the thresholds that wait on it.
///
/// Thresholds are passed when the value is at them, or was: whoever waits exactly on one is looked at rather once too often.
struct SignalBook: Sendable {
    private var book = ThresholdBook()
    /// The value at the last look; `nil` is lower than all thresholds.
    private var value: Measure?
    /// While true no threshold equals ``value``, and none lies between ``floor`` and ``ceiling``, where `nil` is unbounded.
    private(set) var isCalm = false
    private(set) var floor: Decimal64?
    private(set) var ceiling: Decimal64?

    var isEmpty: Bool { self.book.isEmpty }
    var slots: [Int32] { self.book.slots }

    mutating func insert(threshold: Decimal64, slot: Int32) {
        self.book.insert(threshold: threshold, slot: slot)
        self.isCalm = false
    }

    /// A removal can only widen the calm range, which stays true.
    mutating func remove(threshold: Decimal64, slot: Int32) { self.book.remove(threshold: threshold, slot: slot) }

    /// Moves to `value` and appends the slots of all thresholds between it and the one before, both included.
    ///
    /// Two comparisons while no threshold is near, else O(log *n* + found).
    mutating func move(to value: Measure?, passed slots: inout [Int32]) {
        let previous = self.value
        self.value = value
        if self.book.isEmpty { return }
        guard let value else {
            if let previous {
                self.book.appendSlots(notBelow: { _ in false }, notAbove: { !previous.isAtLeast($0) }, to: &slots)
            }
            self.isCalm = false
            return
        }
        if self.isCalm, self.isQuiet(value) { return }
        if let previous, previous != value {
            self.book.appendSlots(
                notBelow: { previous.isAbove($0) && value.isAbove($0) },
                notAbove: { !previous.isAtLeast($0) && !value.isAtLeast($0) }, to: &slots)
        } else {
            self.book.appendSlots(
                notBelow: { previous != nil && value.isAbove($0) }, notAbove: { !value.isAtLeast($0) }, to: &slots)
        }
        self.floor = self.book.highest { value.isAbove($0) }
        self.ceiling = self.book.lowest { value.isAtLeast($0) }
        self.isCalm = self.book.lowest { value.isAbove($0) } == self.ceiling
    }

    private func isQuiet(_ value: Measure) -> Bool {
        if let floor = self.floor, !value.isAbove(floor) { return false }
        if let ceiling = self.ceiling, value.isAtLeast(ceiling) { return false }
        return true
    }
}
