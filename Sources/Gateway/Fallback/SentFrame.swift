/// One of the finished, unmasked WebSocket frames that a shard hands to a subscriber without a socket of its own.
enum SentFrame {
    /// A message.
    case text(UnsafeBufferPointer<UInt8>)
    /// Asks for a sign of life.
    case ping
    /// Nothing follows.
    case close(code: UInt16, reason: String)

    /// Calls `body` for each frame in `bytes`, which must hold whole frames.
    static func forEach(in bytes: UnsafeRawBufferPointer, _ body: (SentFrame) -> Void) {
        var rest = bytes
        while let (header, count) = WebSocketHeader.lengths(rest) {
            let payload = UnsafeRawBufferPointer(rebasing: rest[header..<(header + count)])
                .bindMemory(to: UInt8.self)
            switch WebSocketHeader.Opcode(rawValue: rest[0] & 0xF) {
            case .text: body(.text(payload))
            case .ping: body(.ping)
            case .pong: break  // Answers a ping of the client, which has no frames of its own here.
            case .close:
                // Without a code is what RFC 6455 section 7.1.5 calls 1005.
                let code = count < 2 ? 1005 : UInt16(payload[0]) << 8 | UInt16(payload[1])
                body(.close(code: code, reason: String(decoding: payload.dropFirst(2), as: UTF8.self)))
            case .binary, nil: preconditionFailure("a shard sent opcode \(rest[0] & 0xF)")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[(header + count)...])
        }
    }
}
