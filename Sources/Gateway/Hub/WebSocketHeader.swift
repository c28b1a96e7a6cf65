/// Headers of unmasked WebSocket frames (RFC 6455 section 5.2).
enum WebSocketHeader {
    /// What a frame carries.
    enum Opcode: UInt8 {
        case text = 0x1
        case binary = 0x2
        case close = 0x8
        case ping = 0x9
        case pong = 0xA
    }

    /// Room for the longest header.
    static let room = 10

    /// Appends one final text frame whose payload `write` appends and whose interesting part it returns.
    ///
    /// The header's length is known after the payload only, so unused bytes may stand before the frame.
    static func appendTextFrame(
        to bytes: inout [UInt8],
        _ write: (inout [UInt8]) -> Range<Int>
    ) -> (frame: Range<Int>, inner: Range<Int>) {
        let start = bytes.count
        for _ in 0..<Self.room { bytes.append(0) }
        let inner = write(&bytes)
        let first = Self.writeHeader(to: &bytes, at: start)
        return (first..<bytes.count, inner)
    }

    /// Writes the header of a final text frame whose payload begins ``room`` bytes behind `start` and ends with `bytes`.
    ///
    /// - Returns: Where the frame begins.
    static func writeHeader(to bytes: inout [UInt8], at start: Int, isCompressed: Bool = false) -> Int {
        let length = bytes.count - start - Self.room
        let first: Int
        if length < 126 {
            first = start + Self.room - 2
            bytes[first + 1] = UInt8(length)
        } else if length <= Int(UInt16.max) {
            first = start + Self.room - 4
            bytes[first + 1] = 126
            bytes[first + 2] = UInt8(length >> 8)
            bytes[first + 3] = UInt8(length & 0xFF)
        } else {
            first = start
            bytes[first + 1] = 127
            for index in 0..<8 { bytes[first + 2 + index] = UInt8(truncatingIfNeeded: length >> (56 - 8 * index)) }
        }
        // RFC 7692, section 6: the first reserved bit says that the message is compressed.
        bytes[first] = 0x80 | Opcode.text.rawValue | (isCompressed ? 0x40 : 0)
        return first
    }

    /// Whether the frame that `bytes` begin with is compressed (RFC 7692, section 6).
    static func isCompressed(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.first.map { $0 & 0x40 != 0 } ?? false }

    /// The lengths of the header and of the payload of the unmasked frame that `bytes` begin with.
    ///
    /// - Returns: `nil` when the frame is not whole.
    static func lengths(_ bytes: UnsafeRawBufferPointer) -> (header: Int, payload: Int)? {
        guard bytes.count >= 2 else { return nil }
        let header =
            switch bytes[1] {
            case 126: 4
            case 127: 10
            default: 2
            }
        guard bytes.count >= header else { return nil }
        let payload = header == 2 ? Int(bytes[1]) : bytes[2..<header].reduce(0) { $0 << 8 | Int($1) }
        return payload >= 0 && payload <= bytes.count - header ? (header, payload) : nil
    }

    /// One final text frame.
    static func textFrame(_ write: (inout [UInt8]) -> Void) -> ArraySlice<UInt8> {
        var bytes: [UInt8] = []
        let (frame, _) = Self.appendTextFrame(to: &bytes) { output in
            write(&output)
            return 0..<0
        }
        return bytes[frame]
    }

    /// One control frame; `payload` has at most 125 bytes.
    static func controlFrame(_ opcode: Opcode, payload: some Collection<UInt8> = EmptyCollection()) -> [UInt8] {
        precondition(payload.count <= 125, "control frame of \(payload.count) bytes")
        return [0x80 | opcode.rawValue, UInt8(payload.count)] + payload
    }
}
