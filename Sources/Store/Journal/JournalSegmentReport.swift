public import Market

/// What is in one segment file of a journal.
public struct JournalSegmentReport: Sendable, Hashable {
    /// Something worth knowing about a place in the file.
    public struct Finding: Sendable, Hashable {
        /// Whether ticks were lost that had been on the disk.
        public let isDamage: Bool
        /// Where in the file.
        public let offset: Int64
        /// What it is and what is to be done.
        public let text: String
    }

    /// The file's name.
    public let file: String
    /// What it holds.
    public let stream: JournalStream
    /// The number of the first tick, from the name.
    public let first: Int64
    /// The number after the last sound tick.
    public private(set) var end: Int64
    /// Sound records.
    public private(set) var records = 0
    /// Ticks in them.
    public private(set) var ticks: Int64 = 0
    /// The file's length.
    public let bytes: Int64
    /// When the first tick was received; `nil` when there is none.
    public private(set) var from: Timestamp?
    /// When the last tick was received; `nil` when there is none.
    public private(set) var until: Timestamp?
    /// The journal's id in the header; `nil` when the header is damaged.
    public internal(set) var journalID: String?
    /// What was found, in the order of the file.
    public private(set) var findings: [Finding] = []
    /// Whether any finding is damage.
    public var isDamaged: Bool { self.findings.contains(where: \.isDamage) }

    /// Damage since the last sound record explains why numbers are missing.
    private var isBehindDamage = false

    init(_ name: SegmentName, bytes: Int64) {
        self.file = name.text
        self.stream = name.stream
        self.first = name.first
        self.end = name.first
        self.bytes = bytes
    }

    mutating func add(_ record: JournalInspector.Record) {
        self.records += 1
        self.ticks += record.ticks
        self.end = max(self.end, record.first + record.ticks)
        self.from = self.from ?? record.from
        self.until = record.until
        self.isBehindDamage = false
    }

    /// Numbers that no record has, noticed at `offset`; at zero they are missing in front of the segment.
    mutating func note(_ missing: Range<Int64>, at offset: Int64) {
        guard !missing.isEmpty else { return }
        self.end = max(self.end, missing.upperBound)
        let place = offset == 0 ? "in front of the segment, " : ""
        let reason =
            self.isBehindDamage
            ? "by the damage before" : "given up for want of room, or by damage in the segment before"
        self.add(
            isDamage: false, offset,
            "\(place)\(missing.count) \(self.stream.rawValue) are missing, from number \(missing.lowerBound) on: \(reason)."
        )
    }

    mutating func noteDamage(_ bytes: Range<Int64>, isTail: Bool) {
        self.isBehindDamage = true
        let rest = isTail ? "Reading goes on with the next segment" : "Reading goes on behind them"
        self.add(
            isDamage: true, bytes.lowerBound,
            "\(bytes.count) bytes are no record. \(rest), and their ticks are reported as lost; check the disk.")
    }

    mutating func noteTornTail(_ bytes: Range<Int64>) {
        self.add(
            isDamage: false, bytes.lowerBound,
            "\(bytes.count) bytes of a record that was not finished: being written, or cut off when the journal is next opened."
        )
    }

    mutating func noteDamagedHeader() {
        self.add(
            isDamage: true, 0,
            "The header is damaged. No tick is lost by it, the file's name says the same; check the disk.")
    }

    mutating func noteRenamed(_ header: SegmentHeader) {
        let name = SegmentName(stream: header.stream, first: header.first).text
        self.add(isDamage: true, 0, "The header says that this is \(name). Give the file that name.")
    }

    mutating func noteRepeated(_ offset: Int64) {
        self.add(
            isDamage: false, offset,
            "From here on the next segment has the ticks again: a sync had failed. They are read there.")
    }

    mutating func noteUnknownTicks(_ offset: Int64, _ bytes: Int64, _ frame: RecordFrame) {
        self.end = max(self.end, frame.end)
        self.add(
            isDamage: true, offset,
            "The \(bytes) bytes of ticks \(frame.first) to \(frame.end - 1) are sound and hold something else. "
                + "Was the file written by another program? They are reported as lost.")
    }

    private mutating func add(isDamage: Bool, _ offset: Int64, _ text: String) {
        self.findings.append(Finding(isDamage: isDamage, offset: offset, text: text))
    }
}
