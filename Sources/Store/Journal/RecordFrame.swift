/// Where a sound record lies within bytes.
struct RecordFrame: Equatable {
    /// The number of its first tick.
    let first: Int64
    /// How many ticks it holds.
    let count: Int64
    /// Its ticks' bytes.
    let ticks: Range<Int>

    /// The number after its last tick.
    var end: Int64 { self.first + self.count }

    /// Larger records are not looked for behind damage.
    private static let searchedBytesMax = 4 << 20

    /// What may be at a place.
    enum Finding: Equatable {
        /// A record whose checksum is right.
        case record(RecordFrame)
        /// So many bytes from here are needed to say.
        case needs(Int)
        /// No record.
        case none
    }

    /// Looks for a record at `offset`.
    static func read(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Finding {
        var reader = ByteReader(bytes, at: offset)
        guard let length = reader.take(UInt32.self), let checksum = reader.take(UInt32.self) else {
            return .needs(JournalRecord.frameBytes)
        }
        guard length >= JournalRecord.prefixBytes + TickCoder.bytesMin else { return .none }
        guard let payload = reader.take(bytes: Int(length)) else {
            return .needs(JournalRecord.frameBytes + Int(length))
        }
        guard CRC32C.checksum(payload) == checksum else { return .none }
        var prefix = ByteReader(payload)
        guard let first = prefix.take(UInt64.self), let count = prefix.take(UInt32.self), count > 0,
            first < UInt64(Int64.max / 2)
        else { return .none }
        return .record(
            RecordFrame(
                first: Int64(first), count: Int64(count), ticks: offset + JournalRecord.headBytes..<reader.offset))
    }

    /// The first place from `offset` on where a record may begin.
    ///
    /// Says so from the record's head alone, which must lie within `bytes`: cheap enough to be asked for every byte.
    ///
    /// - Parameters:
    ///   - bytes: A part of a segment.
    ///   - offset: Where the search begins.
    ///   - number: The least number the record may have.
    ///   - end: Where the segment ends, which may be behind `bytes`.
    /// - Returns: The place; `nil` when there is none.
    static func candidate(_ bytes: UnsafeRawBufferPointer, from offset: Int, number: Int64, end: Int) -> Int? {
        guard bytes.count >= JournalRecord.headBytes else { return nil }
        // A record that begins within what is damaged was numbered not long after what stands before it.
        let numbers = UInt64(number)...UInt64(number) + (1 << 40)
        var place = offset
        while place <= bytes.count - JournalRecord.headBytes {
            let first = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self))
            if numbers.contains(first) {
                let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
                let count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place + 16, as: UInt32.self)))
                if count > 0, length >= JournalRecord.prefixBytes + count * TickCoder.bytesMin,
                    length <= Self.searchedBytesMax, place + JournalRecord.frameBytes + length <= end
                {
                    return place
                }
            }
            place += 1
        }
        return nil
    }
}
