/// The first bytes of a segment file: docs/journal.md, "Segments".
///
/// Stream and first number also stand in the file's name, so a damaged header loses no tick.
struct SegmentHeader: Equatable {
    /// The version of the format that this program writes and reads.
    static let version: UInt16 = 1
    /// How long a header is.
    static let bytesCount = 48
    private static let magic: [UInt8] = Array("TICKJRNL".utf8)
    private static let idBytes = 16

    let stream: JournalStream
    /// The number of the first tick.
    let first: Int64
    /// The journal's id when the segment was begun.
    let journalID: String

    /// What the first bytes of a file may be.
    enum Finding: Equatable {
        case header(SegmentHeader)
        /// The header is sound, and of another version.
        case otherVersion(UInt16)
        case damaged
    }

    /// The header's bytes.
    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(Self.bytesCount)
        Self.append(Self.version, to: &bytes)
        bytes.append(self.stream == .trades ? 0 : 1)
        bytes.append(0)
        Self.append(UInt32(0), to: &bytes)
        Self.append(UInt64(bitPattern: self.first), to: &bytes)
        bytes += JournalID.bytes(self.journalID) ?? [UInt8](repeating: 0, count: Self.idBytes)
        Self.append(UInt32(0), to: &bytes)
        Self.append(bytes.withUnsafeBytes { CRC32C.checksum($0) }, to: &bytes)
        return bytes
    }

    /// Reads a file's first bytes.
    static func read(_ bytes: UnsafeRawBufferPointer) -> Finding {
        var reader = ByteReader(bytes)
        guard bytes.count >= Self.bytesCount, let magic = reader.take(bytes: Self.magic.count),
            magic.elementsEqual(Self.magic),
            let version = reader.take(UInt16.self), let stream = reader.take(UInt8.self),
            reader.take(UInt8.self) != nil, reader.take(UInt32.self) != nil, let first = reader.take(UInt64.self),
            let id = reader.take(bytes: Self.idBytes), reader.take(UInt32.self) != nil
        else { return .damaged }
        let checked = UnsafeRawBufferPointer(rebasing: bytes[..<reader.offset])
        guard reader.take(UInt32.self) == CRC32C.checksum(checked) else { return .damaged }
        guard version == Self.version else { return .otherVersion(version) }
        guard stream <= 1, first <= UInt64(Int64.max / 2) else { return .damaged }
        return .header(
            SegmentHeader(
                stream: stream == 0 ? .trades : .quotes, first: Int64(first), journalID: JournalID.text(Array(id))))
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
