import Channels
import NIOCore
import NIOWebSocket

/// Puts a client's frames together into messages and refuses what RFC 6455 forbids.
struct MessageAssembler {
    /// What a frame means for the connection.
    enum Event: Equatable {
        /// More fragments follow.
        case nothing
        /// A complete text message, valid UTF-8.
        case text(ByteBuffer)
        /// A ping with its payload.
        case ping(ByteBuffer)
        /// A pong.
        case pong
        /// The client closes with this code, if it gave one.
        case close(UInt16?)
        /// The client broke a rule.
        case violation(CloseCode)
    }

    private let bytesMax: Int
    private var fragments: ByteBuffer?

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// Takes one frame.
    mutating func received(_ frame: WebSocketFrame) -> Event {
        // Section 5.1: a client masks all frames; section 5.2: reserved bits are zero without an extension.
        guard frame.maskKey != nil, !frame.rsv1, !frame.rsv2, !frame.rsv3 else { return .violation(.protocolError) }
        switch frame.opcode {
        case .ping: return .ping(frame.unmaskedData)
        case .pong: return .pong
        case .connectionClose: return Self.close(frame.unmaskedData)
        case .text:
            guard self.fragments == nil else { return .violation(.protocolError) }
            return self.append(frame.unmaskedData, to: nil, isLast: frame.fin)
        case .binary: return .violation(.unsupportedData)
        case .continuation:
            guard let fragments = self.fragments else { return .violation(.protocolError) }
            self.fragments = nil
            return self.append(frame.unmaskedData, to: fragments, isLast: frame.fin)
        default: return .violation(.protocolError)
        }
    }

    private mutating func append(_ data: ByteBuffer, to earlier: ByteBuffer?, isLast: Bool) -> Event {
        var message = earlier ?? data
        if earlier != nil {
            var data = data
            message.writeBuffer(&data)
        }
        guard message.readableBytes <= self.bytesMax else { return .violation(.messageTooBig) }
        guard isLast else {
            self.fragments = message
            return .nothing
        }
        return Self.isText(message) ? .text(message) : .violation(.invalidText)
    }

    private static func close(_ payload: ByteBuffer) -> Event {
        guard payload.readableBytes > 0 else { return .close(nil) }
        guard let code = payload.getInteger(at: payload.readerIndex, as: UInt16.self) else {
            return .violation(.protocolError)
        }
        // Section 7.4: these are the codes that may stand in a frame.
        guard (1000...1003).contains(code) || (1007...1014).contains(code) || (3000...4999).contains(code) else {
            return .violation(.protocolError)
        }
        var reason = payload
        reason.moveReaderIndex(forwardBy: 2)
        return Self.isText(reason) ? .close(code) : .violation(.invalidText)
    }

    private static func isText(_ buffer: ByteBuffer) -> Bool {
        buffer.withUnsafeReadableBytes { bytes in
            let bytes = bytes.bindMemory(to: UInt8.self)
            return (try? UTF8Span(validating: bytes.span)) != nil  // Which byte is wrong helps nobody.
        }
    }
}
