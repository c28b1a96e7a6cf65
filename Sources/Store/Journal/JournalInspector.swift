public import Market

/// Reads a journal's folder without opening the journal: takes no lock, changes nothing, works while a service writes.
public struct JournalInspector: Sendable {
    /// One record, as it lies in its file.
    public struct Record: Sendable, Hashable {
        /// Where in the file it begins.
        public let offset: Int64
        /// Its length there.
        public let bytes: Int64
        /// The number of its first tick.
        public let first: Int64
        /// How many ticks it holds.
        public let ticks: Int64
        /// When its first tick was received.
        public let from: Timestamp
        /// When its last tick was received.
        public let until: Timestamp
    }

    /// The folder.
    public let directory: String
    private let disk: any JournalDisk

    /// Names the folder; nothing is read yet.
    public init(directory: String) { self.init(directory: directory, disk: SystemDisk()) }

    init(directory: String, disk: any JournalDisk) {
        self.directory = directory
        self.disk = disk
    }

    /// Reads everything: each byte is checked, each tick decoded.
    ///
    /// - Parameters:
    ///   - onRecord: Called for each sound record, with its segment's file name.
    ///   - onSegment: Called for each segment behind its records: the trades in order, then the quotes.
    /// - Returns: How many segments there are.
    /// - Throws: ``JournalError`` when the folder or a file cannot be read, or is of a later version.
    @discardableResult
    public func inspect(
        onRecord: (_ file: String, _ record: Record) throws -> Void = { _, _ in },
        onSegment: (_ segment: JournalSegmentReport) throws -> Void
    ) throws -> Int {
        let names: [SegmentName]
        do {
            names = try self.disk.names(in: self.directory).compactMap(SegmentName.init)
        } catch {
            throw JournalError.unreadable(file: self.directory, reason: error.description)
        }
        var count = 0
        for stream in JournalStream.allCases {
            let segments = names.filter { $0.stream == stream }.sorted()
            var previousEnd: Int64?
            for (index, name) in segments.enumerated() {
                let next = index + 1 < segments.count ? segments[index + 1].first : nil
                guard let report = try self.inspect(name, next: next, previousEnd: previousEnd, onRecord) else {
                    // Deleted since the folder was read, and those before it with it.
                    previousEnd = nil
                    continue
                }
                try onSegment(report)
                count += 1
                previousEnd = report.end
            }
        }
        return count
    }

    /// Reads one segment; `nil` when it is gone, or goes while it is read.
    private func inspect(
        _ name: SegmentName, next: Int64?, previousEnd: Int64?, _ onRecord: (String, Record) throws -> Void
    ) throws -> JournalSegmentReport? {
        let path = self.directory + "/" + name.text
        do {
            let cursor = try SegmentCursor(self.disk, whole: path)
            let bytes = cursor.limit
            var report = JournalSegmentReport(name, bytes: bytes)
            if let previousEnd { report.note(min(previousEnd, name.first)..<name.first, at: 0) }
            switch try cursor.header() {
            case .header(let header):
                report.journalID = header.journalID
                if header.stream != name.stream || header.first != name.first { report.noteRenamed(header) }
            case .otherVersion(let version): throw JournalError.unknownVersion(file: path, version: version)
            case .damaged:
                // Begun and never filled, or just being begun.
                if next != nil || bytes > SegmentHeader.bytesCount { report.noteDamagedHeader() }
            }
            try self.walk(cursor, next: next, &report, onRecord)
            if report.isDamaged, try !self.isUnchanged(path, bytes) { return nil }
            return report
        } catch let error as DiskError {
            if error.isAbsence { return nil }
            throw JournalError.unreadable(file: path, reason: error.description)
        }
    }

    private func walk(
        _ cursor: SegmentCursor, next: Int64?, _ report: inout JournalSegmentReport,
        _ onRecord: (String, Record) throws -> Void
    ) throws {
        while true {
            let offset = cursor.offset
            switch try cursor.next(from: report.end) {
            case .record(let frame):
                if let next, frame.first >= next {
                    // After a failed sync the next segment has them again.
                    report.noteRepeated(offset)
                    return
                }
                report.note(min(report.end, frame.first)..<frame.first, at: offset)
                guard let (from, until) = self.times(cursor, frame, report.stream) else {
                    report.noteUnknownTicks(offset, cursor.offset - offset, frame)
                    continue
                }
                let record = Record(
                    offset: offset, bytes: cursor.offset - offset, first: frame.first, ticks: frame.count, from: from,
                    until: until)
                report.add(record)
                try onRecord(report.file, record)
            case .damage(let range): report.noteDamage(range, isTail: false)
            case .tail(let range):
                if next == nil { report.noteTornTail(range) } else { report.noteDamage(range, isTail: true) }
                return
            case .end: return
            }
        }
    }

    /// When the first and the last tick were received; `nil` when one of them is none.
    private func times(
        _ cursor: SegmentCursor, _ frame: RecordFrame, _ stream: JournalStream
    ) -> (from: Timestamp, until: Timestamp)? {
        cursor.withTicks(frame) { bytes in
            var reader = ByteReader(bytes)
            var times: (from: Timestamp, until: Timestamp)?
            for _ in 0..<frame.count {
                let time: Timestamp? =
                    switch stream {
                    case .trades: TickCoder.trade(&reader)?.receivedTime
                    case .quotes: TickCoder.quote(&reader)?.receivedTime
                    }
                guard let time else { return nil }
                times = (times?.from ?? time, time)
            }
            return reader.isAtEnd ? times : nil
        }
    }

    /// Whether the file is still there and as long: otherwise it is being given up.
    private func isUnchanged(_ path: String, _ bytes: Int64) throws(DiskError) -> Bool {
        do throws(DiskError) {
            let file = try self.disk.open(path, isWritable: false)
            defer { self.disk.close(file) }
            return try self.disk.size(file) >= bytes
        } catch {
            guard error.isAbsence else { throw error }
            return false
        }
    }
}
