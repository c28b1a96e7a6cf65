/// The bytes of a WebSocket server, built by hand: RFC 6455 without the library that reads them.
struct ServerBytes {
    private(set) var bytes: [UInt8] = []
    /// How many pings and pongs it has sent between fragments.
    private(set) var controlCount = 0

    /// The answer to a handshake with the key `dGhlIHNhbXBsZSBub25jZQ==`, the RFC's own example.
    static let switching = """
        HTTP/1.1 101 Switching Protocols\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n
        """
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10
    }

    init(_ text: String = "") { self.bytes = Array(text.utf8) }

    /// Appends one frame, unmasked as a server sends it.
    mutating func frame(_ opcode: Opcode, _ payload: some Collection<UInt8>, isLast: Bool = true) {
        self.bytes.append((isLast ? 0x80 : 0) | opcode.rawValue)
        if payload.count < 126 {
            self.bytes.append(UInt8(payload.count))
        } else if payload.count <= 0xFFFF {
            self.bytes += [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        } else {
            self.bytes.append(127)
            for shift in stride(from: 56, through: 0, by: -8) {
                self.bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        self.bytes += payload
    }

    /// Appends a message in up to `fragmentsMax` frames, with pings and pongs between and inside.
    ///
    /// - Returns: How many pings it sent.
    mutating func message(
        _ opcode: Opcode, _ payload: [UInt8], fragmentsMax: Int, using random: inout some RandomNumberGenerator
    ) -> Int {
        let cuts = (1..<Int.random(in: 1...fragmentsMax, using: &random)).map { _ in
            Int.random(in: 0...payload.count, using: &random)
        }
        let ends = cuts.sorted() + [payload.count]
        var start = 0
        var pings = 0
        for (index, end) in ends.enumerated() {
            pings += self.control(using: &random)
            self.frame(index == 0 ? opcode : .continuation, payload[start..<end], isLast: index == ends.count - 1)
            start = end
        }
        return pings
    }

    private mutating func control(using random: inout some RandomNumberGenerator) -> Int {
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            self.frame(.ping, Array("\(self.bytes.count)".utf8))
            self.controlCount += 1
            return 1
        case 1:
            self.frame(.pong, [])
            self.controlCount += 1
        default: break
        }
        return 0
    }
}
