extension ShapeCache {
    /// Remembers what the scanner found in a whole frame that ``find(_:count:_:)`` did not know.
    ///
    /// Frames with objects and escapes are not remembered, nor with rows that hold values, nor where a digit has decided.
    ///
    /// - Parameters:
    ///   - start: The frame.
    ///   - program: The program whose values it has.
    ///   - workspace: Where they are.
    ///   - possible: The rules that may take it.
    ///   - fulfilled: The conditions that hold.
    @inline(never)
    mutating func learn(
        _ start: UnsafePointer<UInt8>, _ program: Program, _ workspace: UnsafeMutablePointer<Workspace>,
        possible: UInt64, fulfilled: UInt64
    ) {
        let markCount = self.frameMarkCount
        self.frameMarkCount = 0
        guard markCount > 0 else { return }
        let slots = workspace.pointee.rows.pointee.slots
        for index in 0..<program.watchCount
        where Self.isDigitWatched(program.watches + index, slots[program.watches[index].slot], start) { return }
        var entry = Entry(markCount: markCount, possible: possible, fulfilled: fulfilled)
        for scope in 1..<max(1, workspace.pointee.scopeCount) {
            let rows = workspace.pointee.rows + scope
            guard rows.pointee.count > 0 else { continue }
            guard entry.rowCount == 0, rows.pointee.areIdle, program.scopes[scope].parent == 0 else { return }
            (entry.rowScope, entry.rowCount) = (scope, rows.pointee.count)
        }
        let first = self.frameEntry
        // Free until it is complete.
        self.entries[first] = Entry()
        guard let numberCount = self.learnNumbers(self.numbers + first * Self.marksMax, markCount) else { return }
        entry.numberCount = numberCount
        for slot in 0..<program.scopes[0].slotCount where slots[slot].kind != .absent {
            guard entry.captureCount < Self.capturesMax, let from = self.mark(at: slots[slot].start, markCount),
                let end = self.mark(at: slots[slot].end, markCount)
            else { return }
            self.captures[first * Self.capturesMax + entry.captureCount] = Capture(
                slot: UInt16(slot), kind: slots[slot].kind, start: from.mark, startOffset: from.offset, end: end.mark,
                endOffset: end.offset
            )
            entry.captureCount += 1
        }
        (self.marks + first * Self.marksMax).update(
            from: self.frameMarks, count: min(Self.marksMax, (markCount + 7) & ~7))
        self.entries[first] = entry
    }

    /// Whether other digits in a watched value could decide something else.
    private static func isDigitWatched(
        _ watch: UnsafeMutablePointer<Watch>, _ slot: Slot, _ start: UnsafePointer<UInt8>
    ) -> Bool {
        switch slot.kind {
        case .absent, .true_, .false_, .null, .object, .array: return false
        case .number: return watch.pointee.literals.count > 0
        case .string, .escapedString:
            return (slot.start..<slot.end).contains { start[Int($0)] &- UInt8(ascii: "0") < 10 }
        }
    }

    /// Notes down the marks before whole parts of numbers; `nil` for a frame that is not to be remembered.
    private func learnNumbers(_ numbers: UnsafeMutablePointer<UInt8>, _ markCount: Int) -> Int? {
        var isInString = false
        var count = 0
        for index in 0..<markCount {
            let byte = index == 0 ? UInt8(ascii: "[") : UInt8(truncatingIfNeeded: self.frameMarks[index] &>> 8)
            let before = UInt8(truncatingIfNeeded: self.frameMarks[index])
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "\\"): return nil
            case UInt8(ascii: "\""): isInString.toggle()
            // Behind these stand a fraction and an exponent, which may begin with zeros.
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"): continue
            case UInt8(ascii: "-") where before | 0x20 == UInt8(ascii: "e"): continue
            default: break
            }
            guard !isInString, index + 1 < markCount, self.places[index + 1] > self.places[index] + 1 else { continue }
            numbers[count] = UInt8(index)
            count += 1
        }
        return count
    }

    /// The mark at an offset in the frame, or right before it.
    private func mark(at offset: UInt32, _ markCount: Int) -> (mark: UInt8, offset: UInt8)? {
        for index in 0..<markCount {
            let place = UInt32(self.places[index])
            if place == offset { return (mark: UInt8(index), offset: 0) }
            if place + 1 == offset, index + 1 == markCount || UInt32(self.places[index + 1]) != offset {
                return (mark: UInt8(index), offset: 1)
            }
        }
        return nil
    }
}
