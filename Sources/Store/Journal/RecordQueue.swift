import Market

/// The records of one stream that wait in memory, with the numbering of its ticks.
struct RecordQueue: Sendable {
    /// A record that is this large takes no further tick.
    static let recordBytesMax = 1 << 20
    /// A trade with a longer id is given up: its record could not be read back.
    private static let idBytesMax = 2 << 20

    /// Sealed by their place only: the newest may still grow.
    private var records: [JournalRecord] = []
    /// The newest record takes further ticks.
    private var isOpen = false
    /// The number of the next tick.
    private(set) var next: Int64
    /// Bytes of all records.
    private(set) var bytes = 0

    /// Begins with the number of the first tick.
    init(next: Int64) { self.next = next }

    var isEmpty: Bool { self.records.isEmpty }
    /// The number of the oldest tick that waits.
    var first: Int64? { self.records.first?.first }

    /// Takes a trade.
    ///
    /// - Returns: `false` when it is one that must be given up; it has a number all the same.
    mutating func append(_ trade: Trade) -> Bool {
        guard trade.id.map({ $0.utf8.count <= Self.idBytesMax }) ?? true else {
            self.isOpen = false
            self.next += 1
            return false
        }
        self.append { $0.append(trade) }
        return true
    }

    /// Takes a quote.
    mutating func append(_ quote: Quote) { self.append { $0.append(quote) } }

    @inline(__always)
    private mutating func append(_ body: (inout JournalRecord) -> Void) {
        if !self.isOpen || self.records[self.records.count - 1].bytes.count >= Self.recordBytesMax {
            let record = JournalRecord(first: self.next)
            self.bytes += record.bytes.count
            self.records.append(record)
            self.isOpen = true
        }
        let last = self.records.count - 1
        let before = self.records[last].bytes.count
        body(&self.records[last])
        self.bytes += self.records[last].bytes.count - before
        self.next += 1
    }

    /// Takes the oldest records out: at least one, no more once `bytesMax` is reached.
    mutating func take(bytesMax: Int) -> [JournalRecord] {
        var taken = 0
        var bytes = 0
        while taken < self.records.count, taken == 0 || bytes < bytesMax {
            bytes += self.records[taken].bytes.count
            taken += 1
        }
        let result = Array(self.records[..<taken])
        self.records.removeFirst(taken)
        if self.records.isEmpty { self.isOpen = false }
        self.bytes -= bytes
        return result
    }

    /// Puts records back in front.
    mutating func putBack(_ records: [JournalRecord]) {
        self.records.insert(contentsOf: records, at: 0)
        self.bytes += records.reduce(0) { $0 + $1.bytes.count }
    }

    /// Gives the oldest record up, and returns how many ticks that were.
    mutating func dropOldest() -> Int64 {
        guard !self.records.isEmpty else { return 0 }
        let record = self.records.removeFirst()
        if self.records.isEmpty { self.isOpen = false }
        self.bytes -= record.bytes.count
        return record.count
    }
}
