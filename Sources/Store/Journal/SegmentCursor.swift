/// Walks over the records of one segment file, and over what is damaged between them.
final class SegmentCursor {
    /// What comes next.
    enum Finding: Equatable {
        /// A sound record; its ticks are read with ``SegmentCursor/withTicks(_:_:)``.
        case record(RecordFrame)
        /// Bytes that are no record, up to the next sound one.
        case damage(Range<Int64>)
        /// Bytes that are no record, and nothing sound behind them.
        case tail(Range<Int64>)
        /// Nothing.
        case end
    }

    private static let windowBytes = 1 << 20

    private let disk: any JournalDisk
    private let file: Int32
    /// Where the file may be read to.
    var limit: Int64
    /// Where the next record is expected.
    private(set) var offset: Int64
    private var window: UnsafeMutableRawBufferPointer
    /// The file's offset of the window's first byte, and how many bytes of it are filled.
    private var windowOffset: Int64 = 0
    private var windowCount = 0

    /// Takes over an open file and closes it at the end.
    init(_ disk: any JournalDisk, file: Int32, limit: Int64, offset: Int64 = Int64(SegmentHeader.bytesCount)) {
        self.disk = disk
        self.file = file
        self.limit = limit
        self.offset = offset
        self.window = .allocate(byteCount: Self.windowBytes, alignment: 8)
    }

    /// Opens a file for reading as long as it is now.
    convenience init(_ disk: any JournalDisk, whole path: String) throws(DiskError) {
        let file = try disk.open(path, isWritable: false)
        let bytes: Int64
        do {
            bytes = try disk.size(file)
        } catch {
            disk.close(file)
            throw error
        }
        self.init(disk, file: file, limit: bytes)
    }

    deinit {
        self.window.deallocate()
        self.disk.close(self.file)
    }

    /// The file's header.
    func header() throws(DiskError) -> SegmentHeader.Finding {
        let count = try self.fill(at: 0, SegmentHeader.bytesCount)
        return SegmentHeader.read(UnsafeRawBufferPointer(rebasing: self.window[..<count]))
    }

    /// Goes on by one record or one stretch of damage.
    ///
    /// - Parameter number: No sound record from here on has a lower number; only looked at behind damage.
    /// - Returns: What was there; `tail` again and again, from the same place, until more can be read.
    /// - Throws: ``DiskError`` when the file cannot be read.
    func next(from number: Int64) throws(DiskError) -> Finding {
        guard self.offset < self.limit else { return .end }
        let start = self.offset
        if let frame = try self.record(at: start) { return .record(frame) }
        guard let found = try self.search(from: start + 1, number: number) else { return .tail(start..<self.limit) }
        self.offset = found
        return .damage(start..<found)
    }

    /// The ticks of the record that ``next(from:)`` gave last.
    func withTicks<Value>(_ frame: RecordFrame, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        body(UnsafeRawBufferPointer(rebasing: self.window[frame.ticks]))
    }

    /// The record at `offset`, behind which the cursor then stands.
    private func record(at offset: Int64) throws(DiskError) -> RecordFrame? {
        var needed = JournalRecord.frameBytes
        while true {
            let count = try self.fill(at: offset, needed)
            let start = Int(offset - self.windowOffset)
            let bytes = UnsafeRawBufferPointer(rebasing: self.window[..<(start + count)])
            switch RecordFrame.read(bytes, at: start) {
            case .record(let frame):
                self.offset = self.windowOffset + Int64(frame.ticks.upperBound)
                return frame
            case .none: return nil
            case .needs(let more):
                // Asked for once, more cannot be had: the file ends before the limit.
                guard more > needed, offset + Int64(more) <= self.limit else { return nil }
                needed = more
            }
        }
    }

    private func search(from offset: Int64, number: Int64) throws(DiskError) -> Int64? {
        var place = offset
        while place + Int64(JournalRecord.headBytes) <= self.limit {
            let count = try self.fill(at: place, JournalRecord.headBytes)
            guard count >= JournalRecord.headBytes else { return nil }
            let start = Int(place - self.windowOffset)
            let bytes = UnsafeRawBufferPointer(rebasing: self.window[..<self.windowCount])
            let end = Int(self.limit - self.windowOffset)
            guard let candidate = RecordFrame.candidate(bytes, from: start, number: number, end: end) else {
                // The last bytes of the window may begin a record.
                place = self.windowOffset + Int64(self.windowCount - JournalRecord.headBytes + 1)
                continue
            }
            place = self.windowOffset + Int64(candidate)
            if try self.record(at: place) != nil { return place }
            place += 1
        }
        return nil
    }

    /// Sees to it that the window holds the bytes from `offset` on: at least `count` of them, unless the file ends before.
    ///
    /// - Returns: How many bytes it holds from there on.
    private func fill(at offset: Int64, _ count: Int) throws(DiskError) -> Int {
        if offset >= self.windowOffset {
            let held = self.windowOffset + Int64(self.windowCount) - offset
            if held >= Int64(count) { return Int(held) }
        }
        let size = max(count, Self.windowBytes)
        if self.window.count != size {
            self.window.deallocate()
            self.window = .allocate(byteCount: size, alignment: 8)
        }
        self.windowOffset = offset
        self.windowCount = 0
        while self.windowCount < size, offset + Int64(self.windowCount) < self.limit {
            let wanted = min(size - self.windowCount, Int(self.limit - offset) - self.windowCount)
            let room = UnsafeMutableRawBufferPointer(rebasing: self.window[self.windowCount...].prefix(wanted))
            let read = try self.disk.read(self.file, into: room, at: offset + Int64(self.windowCount))
            if read == 0 { break }
            self.windowCount += read
        }
        return self.windowCount
    }
}
