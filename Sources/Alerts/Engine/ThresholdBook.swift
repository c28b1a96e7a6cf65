import Market

/// Thresholds in ascending order, in chunks so that inserting among a million moves a few kilobytes.
struct ThresholdBook: Sendable {
    struct Entry: Sendable {
        let threshold: Decimal64
        let id: Int64
        let slot: Int32

        func precedes(threshold: Decimal64, id: Int64) -> Bool {
            self.threshold == threshold ? self.id < id : self.threshold < threshold
        }
    }

    private struct Position {
        var chunk: Int
        var index: Int
    }

    static let chunkCapacity = 512
    /// Never holds an empty chunk.
    private var chunks: ContiguousArray<ContiguousArray<Entry>> = []

    mutating func insert(threshold: Decimal64, id: Int64, slot: Int32) {
        let entry = Entry(threshold: threshold, id: id, slot: slot)
        guard !self.chunks.isEmpty else {
            self.chunks.append([entry])
            return
        }
        var position = self.position { $0.precedes(threshold: threshold, id: id) }
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

    mutating func remove(threshold: Decimal64, id: Int64) {
        let position = self.position { $0.precedes(threshold: threshold, id: id) }
        guard position.chunk < self.chunks.count, self.chunks[position.chunk][position.index].id == id else { return }
        self.chunks[position.chunk].remove(at: position.index)
        if self.chunks[position.chunk].isEmpty { self.chunks.remove(at: position.chunk) }
    }

    /// The lowest threshold at or above `price`.
    func lowest(atLeast price: Decimal64) -> Decimal64? {
        let position = self.position { $0.threshold < price }
        return position.chunk < self.chunks.count ? self.chunks[position.chunk][position.index].threshold : nil
    }

    /// The highest threshold at or below `price`.
    func highest(atMost price: Decimal64) -> Decimal64? {
        let position = self.position { $0.threshold <= price }
        if position.index > 0 { return self.chunks[position.chunk][position.index - 1].threshold }
        return position.chunk > 0 ? self.chunks[position.chunk - 1].last?.threshold : nil
    }

    /// Appends the slots whose threshold is in `low ..< high`.
    ///
    /// O(log *n* + found).
    func appendSlots(from low: Decimal64, upTo high: Decimal64, to slots: inout [Int32]) {
        self.appendSlots(from: self.position { $0.threshold < low }, to: &slots) { $0.threshold < high }
    }

    /// Appends the slots whose threshold is above `low` and at most `high`.
    ///
    /// O(log *n* + found).
    func appendSlots(above low: Decimal64, through high: Decimal64, to slots: inout [Int32]) {
        self.appendSlots(from: self.position { $0.threshold <= low }, to: &slots) { $0.threshold <= high }
    }

    private func appendSlots(
        from start: Position, to slots: inout [Int32], while isWanted: (Entry) -> Bool
    ) {
        var position = start
        while position.chunk < self.chunks.count {
            let count = self.chunks[position.chunk].count
            while position.index < count {
                let entry = self.chunks[position.chunk][position.index]
                guard isWanted(entry) else { return }
                slots.append(entry.slot)
                position.index += 1
            }
            position = Position(chunk: position.chunk + 1, index: 0)
        }
    }

    /// The first entry for which `isBefore` is false; one past the last chunk when there is none.
    private func position(where isBefore: (Entry) -> Bool) -> Position {
        var low = 0
        var high = self.chunks.count
        while low < high {
            let middle = (low + high) / 2
            let chunk = self.chunks[middle]
            if isBefore(chunk[chunk.count - 1]) { low = middle + 1 } else { high = middle }
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
