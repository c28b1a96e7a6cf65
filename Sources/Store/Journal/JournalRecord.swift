import Market

/// One record of a segment: consecutive ticks of one stream, with length and checksum in front.
struct JournalRecord: Sendable {
    /// Bytes in front of the payload: its length and its CRC-32C.
    static let frameBytes = 8
    /// Bytes of the payload in front of the ticks: the first one's number and their count.
    static let prefixBytes = 12
    /// Bytes in front of the ticks.
    static let headBytes = frameBytes + prefixBytes

    /// The number of the first tick.
    let first: Int64
    /// How many ticks it holds.
    private(set) var count: Int64 = 0
    /// The record; before ``seal()`` without what stands in front of the ticks.
    private(set) var bytes: [UInt8]

    /// Begins a record.
    init(first: Int64) {
        self.first = first
        self.bytes = [UInt8](repeating: 0, count: Self.headBytes)
    }

    /// The number after its last tick.
    var end: Int64 { self.first + self.count }

    mutating func append(_ trade: Trade) {
        TickCoder.append(trade, to: &self.bytes)
        self.count += 1
    }

    mutating func append(_ quote: Quote) {
        TickCoder.append(quote, to: &self.bytes)
        self.count += 1
    }

    /// Fills in what stands in front of the ticks; nothing may be appended after it.
    mutating func seal() {
        self.bytes.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            var prefix = ByteWriter(start + Self.frameBytes)
            prefix.put(UInt64(bitPattern: self.first))
            prefix.put(UInt32(truncatingIfNeeded: self.count))
            let payload = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[Self.frameBytes...])
            var frame = ByteWriter(start)
            frame.put(UInt32(truncatingIfNeeded: payload.count))
            frame.put(CRC32C.checksum(payload))
        }
    }
}
