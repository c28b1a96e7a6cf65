/// The segment files of one stream, as the journal's thread writes them.
struct SegmentChain {
    let stream: JournalStream
    private let disk: any JournalDisk
    private let directory: String
    /// In order; the last one is written to.
    private(set) var segments: [SegmentInfo]
    /// The last segment, open; `nil` when the next record begins a new one.
    private var file: Int32?
    /// The id in the last segment's header.
    private var headerID: String?
    /// Written and not synced; kept because a failed sync says nothing about what reached the disk.
    private(set) var unsynced: [JournalRecord] = []
    /// A sync failed: ``abandon()`` must be called before anything else is written.
    private(set) var mustAbandon = false
    /// The position after what is synced.
    private(set) var end: Int64

    init(_ opened: OpenedStream, directory: String, disk: any JournalDisk) {
        self.stream = opened.stream
        self.disk = disk
        self.directory = directory
        self.segments = opened.segments
        self.file = opened.file
        self.headerID = opened.headerID
        self.end = opened.end
    }

    var bytes: Int64 { self.segments.reduce(0) { $0 + $1.bytes } }
    /// Whether something waits for ``sync()``.
    var isDirty: Bool { self.segments.last.map { $0.readableBytes < $0.bytes } ?? false }

    /// Bytes that writing `record` adds to the disk.
    func bytesNeeded(for record: JournalRecord, segmentBytesMax: Int64, id: String) -> Int64 {
        let beginsSegment = self.beginsSegment(record, segmentBytesMax: segmentBytesMax, id: id)
        return Int64(record.bytes.count) + (beginsSegment ? Int64(SegmentHeader.bytesCount) : 0)
    }

    /// Whether `record` goes into a new segment; what the last one holds must be synced before that.
    func beginsSegment(_ record: JournalRecord, segmentBytesMax: Int64, id: String) -> Bool {
        guard self.file != nil, self.headerID == id, let last = self.segments.last else { return true }
        return last.bytes > SegmentHeader.bytesCount && last.bytes + Int64(record.bytes.count) > segmentBytesMax
    }

    /// Writes a sealed record behind the others, into a new segment when the last one is full.
    ///
    /// - Throws: ``DiskError``; then nothing of the record is left, and `write` may be called again.
    mutating func write(_ record: JournalRecord, segmentBytesMax: Int64, id: String) throws(DiskError) {
        if self.beginsSegment(record, segmentBytesMax: segmentBytesMax, id: id) {
            try self.beginSegment(first: record.first, id: id)
        }
        guard let file = self.file, var last = self.segments.popLast() else { return }
        defer { self.segments.append(last) }
        do {
            try self.disk.writeAll(file, record.bytes, at: last.bytes)
        } catch {
            do {
                try self.disk.truncate(file, to: last.bytes)
            } catch {
                // The torn record stays behind this segment's end, where readers do not look; a new one goes on.
                self.closeFile()
            }
            throw error
        }
        let end = last.end ?? record.first
        if record.first > end { last.holes.append(end..<record.first) }
        last.bytes += Int64(record.bytes.count)
        last.end = record.end
        self.unsynced.append(record)
    }

    /// Waits until what was written is on the disk.
    ///
    /// - Returns: How many ticks that were.
    /// - Throws: ``DiskError``; then ``abandon()`` must be called.
    mutating func sync() throws(DiskError) -> Int64 {
        guard let file = self.file, let last = self.segments.last else { return 0 }
        do {
            try self.disk.sync(file)
        } catch {
            self.mustAbandon = true
            throw error
        }
        self.segments[self.segments.count - 1].readableBytes = last.bytes
        self.end = max(self.end, last.end ?? last.first)
        defer { self.unsynced = [] }
        return self.unsynced.reduce(0) { $0 + $1.count }
    }

    /// Goes back to what was synced: what a failed sync leaves is not known, so it has to be written again elsewhere.
    ///
    /// - Returns: The records to write again.
    mutating func abandon() -> [JournalRecord] {
        self.mustAbandon = false
        defer { self.unsynced = [] }
        guard let file = self.file, var last = self.segments.popLast() else { return self.unsynced }
        // What cannot be cut off is cut off from reading: the next segment begins with the same number.
        try? self.disk.truncate(file, to: last.readableBytes)
        self.closeFile()
        if last.readableBytes == 0, self.segments.count > 0 {
            // Its first record will make it anew; were it left, it would be an empty file.
            try? self.disk.remove(last.path)
        } else {
            last.bytes = last.readableBytes
            last.end = max(self.end, last.first)
            last.holes.removeAll { $0.upperBound > self.end }
            self.segments.append(last)
        }
        return self.unsynced
    }

    /// Makes the file whose first tick has the number `first`, with nothing but its header.
    mutating func beginSegment(first: Int64, id: String) throws(DiskError) {
        self.closeFile()
        let (info, file) = try Self.create(
            SegmentName(stream: self.stream, first: first), id: id, directory: self.directory, disk: self.disk)
        // One that was begun with this number and never filled has just been made anew.
        self.segments.removeAll { $0.first == first }
        self.segments.append(info)
        self.file = file
        self.headerID = id
    }

    /// Makes a segment file with its header; its name is on the disk when this returns.
    static func create(
        _ name: SegmentName, id: String, directory: String, disk: any JournalDisk
    ) throws(DiskError) -> (info: SegmentInfo, file: Int32) {
        let path = directory + "/" + name.text
        let header = SegmentHeader(stream: name.stream, first: name.first, journalID: id).bytes
        let file = try disk.create(path)
        do {
            try disk.writeAll(file, header, at: 0)
            try disk.syncDirectory(directory)
        } catch {
            disk.close(file)
            // Left behind, it would be an empty file that the next attempt makes anew.
            try? disk.remove(path)
            throw error
        }
        let info = SegmentInfo(
            path: path, first: name.first, end: name.first, bytes: Int64(header.count), readableBytes: 0)
        return (info, file)
    }

    /// Takes the oldest segment out of the chain; the last one stays.
    mutating func takeOldest() -> (segment: SegmentInfo, next: Int64)? {
        guard self.segments.count > 1 else { return nil }
        return (self.segments.removeFirst(), self.segments[0].first)
    }

    /// Takes the segments out of the chain that lie wholly before `position`; the last one stays.
    mutating func take(before position: Int64) -> [SegmentInfo] {
        var taken: [SegmentInfo] = []
        while self.segments.count > 1, self.segments[0].end ?? self.segments[1].first <= position {
            taken.append(self.segments.removeFirst())
        }
        return taken
    }

    /// Closes the file that is written to.
    mutating func closeFile() {
        if let file = self.file { self.disk.close(file) }
        self.file = nil
    }
}
