/// Lists that differ from one another in their digits only, remembered with what the scanner found in the first of them.
///
/// A venue that writes `[17470,"te",[402088407,1700000000012,-0.5,64250.1],7]` writes thousands of frames with the same brackets,
/// commas, points, signs and words. All bytes that are no digits, each with whether a digit stands before it, are the shape:
/// in a frame of a known shape the same members are wanted, and they stand between the same marks. Nothing is searched but
/// the marks, sixty-four bytes at a time. Shapes push one another out; all take some 40 KB.
///
/// What the scanner finds depends on digits in two places only, for which ``learn(_:_:possible:fulfilled:)`` looks out:
/// in values that `when` compares, and in numbers that begin with a needless zero.
struct ShapeCache {
    /// Where a captured value stands: its ends by the marks next to them.
    struct Capture {
        var slot: UInt16
        var kind: ValueKind
        /// The mark at its start, and 1 when it starts behind it.
        var start: UInt8
        var startOffset: UInt8
        /// The mark at its end, and 1 when it ends behind it.
        var end: UInt8
        var endOffset: UInt8
    }

    /// What is known of frames of one shape.
    struct Entry {
        /// How many marks; zero is a free entry.
        var markCount = 0
        var captureCount = 0
        var numberCount = 0
        /// The level of `each` whose rows nobody writes, and how many there are.
        var rowScope = 0
        var rowCount = 0
        /// The rules that may take the frame.
        var possible: UInt64 = 0
        /// The conditions that hold.
        var fulfilled: UInt64 = 0
    }

    let entries: UnsafeMutablePointer<Entry>
    /// By entry: each mark in the upper byte, in the lower one the byte before it, `0` for any digit.
    let marks: UnsafeMutablePointer<UInt16>
    let captures: UnsafeMutablePointer<Capture>
    /// By entry: the marks before numbers.
    let numbers: UnsafeMutablePointer<UInt8>
    /// By the number of marks the entry of the last frame that had so many.
    private let latest: UnsafeMutablePointer<UInt8>
    /// The marks of the last frame, and where they stand in it.
    let frameMarks: UnsafeMutablePointer<UInt16>
    let places: UnsafeMutablePointer<UInt16>
    /// How many there are; zero when the last frame is none to remember.
    var frameMarkCount = 0
    private(set) var frameEntry = 0
    /// How many more misses are borne before it rests: where each frame has a shape of its own, looking is in vain.
    private var patience = Self.patienceMax
    private var restCount = 0

    private static let entryCount = 64
    static let marksMax = 64
    static let capturesMax = 32
    /// Frames of which sizes are looked at, in bytes.
    static let lengths = 64...256
    private static let patienceMax = 128
    /// How many frames pass unseen before it is tried again.
    private static let restMax = 1024

    init() {
        self.entries = .allocate(capacity: Self.entryCount)
        self.entries.initialize(repeating: Entry(), count: Self.entryCount)
        self.marks = .allocate(capacity: Self.entryCount * Self.marksMax)
        self.marks.initialize(repeating: 0, count: Self.entryCount * Self.marksMax)
        self.captures = .allocate(capacity: Self.entryCount * Self.capturesMax)
        self.numbers = .allocate(capacity: Self.entryCount * Self.marksMax)
        self.latest = .allocate(capacity: Self.marksMax + 1)
        self.latest.initialize(repeating: 0, count: Self.marksMax + 1)
        // One more vector than the longest frame can have marks.
        self.frameMarks = .allocate(capacity: Self.lengths.upperBound + 8)
        self.frameMarks.initialize(repeating: 0, count: Self.lengths.upperBound + 8)
        self.places = .allocate(capacity: Self.lengths.upperBound + 8)
    }

    func deallocate() {
        self.entries.deallocate()
        self.marks.deallocate()
        self.captures.deallocate()
        self.numbers.deallocate()
        self.latest.deallocate()
        self.frameMarks.deallocate()
        self.places.deallocate()
    }

    /// Captures a frame's values as the scanner would, if it is known how; otherwise the frame is one to ``learn``.
    ///
    /// - Parameters:
    ///   - start: The frame, which begins with `[`.
    ///   - count: Its length in bytes.
    ///   - workspace: Where the values go; nothing is written unless the shape is known.
    /// - Returns: What the scanner would say, or `nil`.
    @inline(never)
    mutating func find(
        _ start: UnsafePointer<UInt8>, count: Int, _ workspace: UnsafeMutablePointer<Workspace>
    ) -> UnsafePointer<Entry>? {
        self.frameMarkCount = 0
        guard Self.lengths.contains(count) else { return nil }
        guard self.patience > 0 else {
            self.rest()
            return nil
        }
        let markCount = self.mark(start, count)
        // A digit behind the last mark is in no shape.
        guard markCount <= Self.marksMax, Int(self.places[markCount &- 1]) == count &- 1 else {
            self.patience &-= 1
            return nil
        }
        // Nearly always the frame is like the last one with so many marks.
        var index = Int(self.latest[markCount])
        if !self.areMarks(of: index, markCount) {
            index = self.entryIndex(markCount)
            guard self.areMarks(of: index, markCount) else {
                self.patience &-= 1
                self.frameMarkCount = markCount
                self.frameEntry = index
                return nil
            }
            self.latest[markCount] = UInt8(truncatingIfNeeded: index)
        }
        let entry = self.entries + index
        if self.hasNeedlessZero(start, self.numbers + index &* Self.marksMax, entry.pointee.numberCount) { return nil }
        self.patience = min(self.patience &+ 1, Self.patienceMax)
        self.capture(entry, self.captures + index &* Self.capturesMax, workspace)
        return UnsafePointer(entry)
    }

    @inline(never)
    private mutating func rest() {
        self.restCount &+= 1
        guard self.restCount == Self.restMax else { return }
        self.restCount = 0
        self.patience = Self.patienceMax / 4
    }

    /// Notes down each byte that is no digit, together with the byte before it, and where it stands.
    ///
    /// - Returns: How many there are.
    @inline(__always)
    private func mark(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
        // The opening bracket has no byte before it, and each frame has it.
        self.frameMarks[0] = 0
        self.places[0] = 0
        var markCount = 1
        var others = ByteMask.nonDigits(of64: start) & ~1
        var offset = 0
        while true {
            while others != 0 {
                self.note(start, offset &+ others.trailingZeroBitCount, markCount)
                markCount &+= 1
                others &= others &- 1
            }
            offset &+= 64
            if count &- offset <= 16 { break }
            // The last sixty-four bytes, without those that have been looked at.
            let missing = max(0, offset &+ 64 &- count)
            others =
                ByteMask.nonDigits(of64: start + (offset &- missing)) &>> UInt64(truncatingIfNeeded: missing)
        }
        if offset < count {
            var rest = ByteMask(nonDigits: start + (count &- 16))
            rest.drop(16 &- (count &- offset))
            while !rest.isEmpty {
                self.note(start, count &- 16 &+ rest.first, markCount)
                markCount &+= 1
                rest.dropFirst()
            }
        }
        UnsafeMutableRawPointer(self.frameMarks + markCount).storeBytes(of: SIMD8<UInt16>(), as: SIMD8<UInt16>.self)
        return markCount
    }

    @inline(__always)
    private func note(_ start: UnsafePointer<UInt8>, _ place: Int, _ mark: Int) {
        let bytes = UnsafeRawPointer(start + (place &- 1)).loadUnaligned(as: UInt16.self)
        self.frameMarks[mark] = UInt16(littleEndian: bytes)
        self.places[mark] = UInt16(truncatingIfNeeded: place)
    }

    /// Makes any digit before a mark a `0`, and says whether the marks are an entry's.
    @inline(__always)
    private func areMarks(of index: Int, _ markCount: Int) -> Bool {
        let marks = self.marks + index &* Self.marksMax
        var differences = SIMD2<UInt64>()
        var first = 0
        while first < markCount {
            let place = UnsafeMutableRawPointer(self.frameMarks + first)
            let bytes = place.loadUnaligned(as: SIMD16<UInt8>.self)
            let isOther = bytes &- SIMD16<UInt8>(repeating: 0x30) .> SIMD16<UInt8>(repeating: 9)
            // Of a digit the upper four bits are left.
            let kept = unsafeBitCast(isOther, to: SIMD16<UInt8>.self) | SIMD16<UInt8>(repeating: 0xF0)
            let words = unsafeBitCast(bytes & kept, to: SIMD2<UInt64>.self)
            place.storeBytes(of: words, as: SIMD2<UInt64>.self)
            differences |= words ^ UnsafeRawPointer(marks + first).loadUnaligned(as: SIMD2<UInt64>.self)
            first &+= 8
        }
        return differences[0] | differences[1] == 0 && self.entries[index].markCount == markCount
    }

    /// The entry for the frame's marks, the digits of which are zeros already.
    @inline(never)
    private func entryIndex(_ markCount: Int) -> Int {
        var hash: UInt64 = 0
        for index in stride(from: 0, to: markCount, by: 4) {
            hash ^= UnsafeRawPointer(self.frameMarks + index).loadUnaligned(as: UInt64.self)
            hash = (hash ^ hash &>> 32) &* 0x9E37_79B9_7F4A_7C15
        }
        return Int(truncatingIfNeeded: hash &>> 58)
    }

    /// Whether a number begins with a zero and another digit.
    @inline(__always)
    private func hasNeedlessZero(
        _ start: UnsafePointer<UInt8>, _ numbers: UnsafeMutablePointer<UInt8>, _ count: Int
    ) -> Bool {
        var index = 0
        while index < count {
            let mark = Int(numbers[index])
            let place = Int(self.places[mark])
            index &+= 1
            if start[place &+ 1] == UInt8(ascii: "0"), Int(self.places[mark &+ 1]) &- place > 2 { return true }
        }
        return false
    }

    @inline(__always)
    private func capture(
        _ entry: UnsafeMutablePointer<Entry>, _ captures: UnsafeMutablePointer<Capture>,
        _ workspace: UnsafeMutablePointer<Workspace>
    ) {
        let slots = workspace.pointee.rows.pointee.slots
        var capture = captures
        let last = captures + entry.pointee.captureCount
        while capture < last {
            slots[Int(capture.pointee.slot)] = Slot(
                start: UInt32(self.places[Int(capture.pointee.start)]) &+ UInt32(capture.pointee.startOffset),
                end: UInt32(self.places[Int(capture.pointee.end)]) &+ UInt32(capture.pointee.endOffset),
                kind: capture.pointee.kind
            )
            capture += 1
        }
        if entry.pointee.rowCount > 0 {
            _ = workspace.pointee.rows(of: entry.pointee.rowScope).pointee
                .appendIdle(entry.pointee.rowCount, parent: 0)
        }
    }
}
