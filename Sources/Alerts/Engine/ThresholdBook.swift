import Market

/// Thresholds in ascending order, in chunks so that inserting among a million moves a few kilobytes.
///
/// An entry takes 16 bytes. A slot may have several entries, but not two of one threshold.
struct ThresholdBook: Sendable {
    struct Entry: Sendable {
        let threshold: Decimal64
        let slot: Int32

        @inline(__always)
        func precedes(threshold: Decimal64, slot: Int32) -> Bool {
            self.threshold == threshold ? self.slot < slot : self.threshold < threshold
        }
    }

    private struct Position {
        var chunk: Int
        var index: Int
    }

    static let chunkCapacity = 512
    /// Never holds an empty chunk.
    private var chunks: ContiguousArray<ContiguousArray<Entry>> = []

    var isEmpty: Bool { self.chunks.isEmpty }
    /// All slots, in order of their thresholds.
    var slots: [Int32] { self.chunks.flatMap { $0.map(\.slot) } }

    mutating func insert(threshold: Decimal64, slot: Int32) {
        let entry = Entry(threshold: threshold, slot: slot)
        guard !self.chunks.isEmpty else {
            self.chunks.append([entry])
            return
        }
        var position = self.position { $0.precedes(threshold: threshold, slot: slot) }
        if position.chunk == self.chunks.count {
            position = Position(chunk: position.chunk - 1, index: self.chunks[position.chunk - 1].count)
        }
        self.chunks[position.chunk].insert(entry, at: position.index)
        if self.chunks[position.chunk].count > Self.chunkCapacity {
            let half = Self.chunkCapacity / 2
            let upper = ContiguousArray(self.chunks[position.chunk][half...])
            self.chunks[position.chunk].removeSubrange(half...)
            self.chunks.insert(upper, at: position.chunk + 1)
        }
    }

    mutating func remove(threshold: Decimal64, slot: Int32) {
        let position = self.position { $0.precedes(threshold: threshold, slot: slot) }
        guard position.chunk < self.chunks.count else { return }
        let entry = self.chunks[position.chunk][position.index]
        guard entry.slot == slot, entry.threshold == threshold else { return }
        self.chunks[position.chunk].remove(at: position.index)
        if self.chunks[position.chunk].isEmpty { self.chunks.remove(at: position.chunk) }
    }

    /// The lowest threshold of those for which `isReached` is false; it must be true for all lower ones.
    @inline(__always)
    func lowest(whereNot isReached: (Decimal64) -> Bool) -> Decimal64? {
        let position = self.position { isReached($0.threshold) }
        return position.chunk < self.chunks.count ? self.chunks[position.chunk][position.index].threshold : nil
    }

    /// The highest threshold of those for which `isReached` is true; it must be false for all higher ones.
    @inline(__always)
    func highest(where isReached: (Decimal64) -> Bool) -> Decimal64? {
        let position = self.position { isReached($0.threshold) }
        if position.index > 0 { return self.chunks[position.chunk][position.index - 1].threshold }
        return position.chunk > 0 ? self.chunks[position.chunk - 1].last?.threshold : nil
    }

    /// Appends the slots of the thresholds that are not below the range and not above it.
    ///
    /// O(log *n* + found).
    ///
    /// - Parameters:
    ///   - isBelow: Whether a threshold is below the range.
    ///   - isAbove: Whether a threshold is above the range.
    ///   - slots: Where the slots are appended.
    @inline(__always)
    func appendSlots(
        notBelow isBelow: (Decimal64) -> Bool, notAbove isAbove: (Decimal64) -> Bool, to slots: inout [Int32]
    ) {
        var position = self.position { isBelow($0.threshold) }
        while position.chunk < self.chunks.count {
            let count = self.chunks[position.chunk].count
            while position.index < count {
                let entry = self.chunks[position.chunk][position.index]
                if isAbove(entry.threshold) { return }
                slots.append(entry.slot)
                position.index += 1
            }
            position = Position(chunk: position.chunk + 1, index: 0)
        }
    }

    /// The first entry for which `isBefore` is false; one past the last chunk when there is none.
    @inline(__always)
    private func position(where isBefore: (Entry) -> Bool) -> Position {
        var low = 0
        var high = self.chunks.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self.chunks[middle][self.chunks[middle].count - 1]) { low = middle + 1 } else { high = middle }
        }
        guard low < self.chunks.count else { return Position(chunk: low, index: 0) }
        var first = 0
        var last = self.chunks[low].count
        while first < last {
            let middle = (first + last) / 2
            if isBefore(self.chunks[low][middle]) { first = middle + 1 } else { last = middle }
        }
        return Position(chunk: low, index: first)
    }
}
