import NIOCore

/// The newest ticks of one channel, one after the other in one piece of memory.
struct TickRing {
    private struct Item {
        var sequence: UInt64
        var merged: Int
        /// Where its data ends; it begins where the one before it ends.
        var end: Int
        var cameAt: NIODeadline
    }

    private var bytes: [UInt8] = []
    private var items: [Item] = []
    /// How many of the items are forgotten.
    private var head = 0
    /// The sequence before the oldest tick that is kept; `nil` when nothing is known.
    private var begin: UInt64?

    /// How many ticks are kept.
    var count: Int { self.items.count - self.head }
    /// The memory in use, roughly.
    var bytesHeld: Int { self.bytes.count + self.items.count * MemoryLayout<Item>.stride + 128 }

    /// A state with this sequence was shown, though it was no tick.
    mutating func begin(after sequence: UInt64) {
        self.bytes = []
        self.items = []
        self.head = 0
        self.begin = sequence
    }

    /// A tick came; `merged` says how many it stands for.
    mutating func append(_ data: UnsafeRawBufferPointer, sequence: UInt64, merged: Int, now: NIODeadline) {
        if self.count == 0 {
            let (begin, underflow) = sequence.subtractingReportingOverflow(UInt64(max(merged, 0)))
            self.begin = self.begin ?? (underflow ? 0 : begin)
        }
        self.bytes.append(contentsOf: data)
        self.items.append(Item(sequence: sequence, merged: merged, end: self.bytes.count, cameAt: now))
    }

    /// Forgets ticks that are too old, and those beyond a number.
    mutating func forget(before time: NIODeadline, beyond countMax: Int) {
        while self.count > 0, self.count > countMax || self.items[self.head].cameAt < time {
            self.begin = self.items[self.head].sequence
            self.head += 1
        }
        if self.head > 64, self.head * 2 > self.items.count { self.compact() }
    }

    /// Gives back the memory of what is forgotten.
    mutating func compact() {
        guard self.head > 0 else { return }
        let cut = self.items[self.head - 1].end
        self.bytes.removeFirst(cut)
        self.items.removeFirst(self.head)
        self.head = 0
        for index in self.items.indices { self.items[index].end -= cut }
    }

    /// The data of the ticks after `sequence`, escaped as they came, and whether none is missing in between.
    func ticks(since sequence: UInt64) -> (ticks: [[UInt8]], isComplete: Bool) {
        var ticks: [[UInt8]] = []
        var last = self.begin
        var isComplete = last.map { $0 <= sequence } ?? false
        for index in self.head..<self.items.count {
            let item = self.items[index]
            defer { last = item.sequence }
            if item.sequence <= sequence { continue }
            // A tick stands for those since the one before it; a hole is not filled by what comes after it.
            let (previous, underflow) = item.sequence.subtractingReportingOverflow(UInt64(max(item.merged, 0)))
            if underflow || last != previous { isComplete = false }
            let start = index == 0 ? 0 : self.items[index - 1].end
            ticks.append(Array(self.bytes[start..<item.end]))
        }
        // A client that is ahead of what is known here: nobody can say what it misses.
        if let last, sequence > last { isComplete = false }
        return (ticks, isComplete)
    }
}
