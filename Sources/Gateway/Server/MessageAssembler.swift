package import Channels
package import Compression
package import NIOCore
package import NIOWebSocket

/// Puts a client's frames together into messages and refuses what RFC 6455 and RFC 7692 forbid.
package struct MessageAssembler {
    /// What a frame means for the connection.
    package enum Event: Equatable {
        /// More fragments follow.
        case nothing
        /// A complete text message, valid UTF-8.
        case text(ByteBuffer)
        /// A complete binary message.
        case binary(ByteBuffer)
        /// A ping with its payload.
        case ping(ByteBuffer)
        /// A pong.
        case pong
        /// The client closes with this code, if it gave one.
        case close(UInt16?)
        /// The client broke a rule.
        case violation(CloseCode)
    }

    /// A message of which more fragments follow.
    private struct Partial {
        var bytes: ByteBuffer
        var isText: Bool
        var isCompressed: Bool
        private var validator = UTF8Validator()

        init(bytes: ByteBuffer, isText: Bool, isCompressed: Bool) {
            self.bytes = bytes
            self.isText = isText
            self.isCompressed = isCompressed
        }

        /// Whether the message with `data` as its next piece can still become valid: known before its last fragment.
        mutating func accepts(_ data: ByteBuffer) -> Bool {
            guard self.isText, !self.isCompressed else { return true }
            return data.withUnsafeReadableBytes { self.validator.accept($0.bindMemory(to: UInt8.self)) }
        }

        /// Whether all that came and was accepted is known to be valid.
        var isValid: Bool { self.isText && !self.isCompressed && self.validator.isComplete }
    }

    private let bytesMax: Int
    /// Unpacks compressed messages; `nil` when compression was not negotiated.
    private let inflater: Inflater?
    private var partial: Partial?

    /// An assembler at the start of a connection.
    ///
    /// - Parameters:
    ///   - bytesMax: Bytes of a message over all its fragments, packed as well as unpacked.
    ///   - inflater: Unpacks compressed messages; may be shared by the connections of an event loop.
    package init(bytesMax: Int, inflater: Inflater? = nil) {
        self.bytesMax = bytesMax
        self.inflater = inflater
    }

    /// Takes one frame.
    package mutating func received(_ frame: WebSocketFrame) -> Event {
        // Section 5.1: a client masks all frames; section 5.2: reserved bits are zero without an extension.
        guard frame.maskKey != nil, !frame.rsv2, !frame.rsv3 else { return .violation(.protocolError) }
        // RFC 7692, section 6: the bit stands on a data message's first frame, and nowhere else.
        let mayBeCompressed = self.inflater != nil && (frame.opcode == .text || frame.opcode == .binary)
        guard !frame.rsv1 || mayBeCompressed else { return .violation(.protocolError) }
        switch frame.opcode {
        case .ping: return .ping(frame.unmaskedData)
        case .pong: return .pong
        case .connectionClose: return Self.close(frame.unmaskedData)
        case .text: return self.begin(frame, isText: true)
        case .binary: return self.begin(frame, isText: false)
        case .continuation: return self.resume(frame)
        default: return .violation(.protocolError)
        }
    }

    private mutating func begin(_ frame: WebSocketFrame, isText: Bool) -> Event {
        guard self.partial == nil else { return .violation(.protocolError) }
        guard frame.length <= self.bytesMax else { return .violation(.messageTooBig) }
        if frame.fin { return self.finish(frame.unmaskedData, isText: isText, isCompressed: frame.rsv1) }
        var partial = Partial(bytes: frame.unmaskedData, isText: isText, isCompressed: frame.rsv1)
        guard partial.accepts(partial.bytes) else { return .violation(.invalidText) }
        self.partial = partial
        return .nothing
    }

    private mutating func resume(_ frame: WebSocketFrame) -> Event {
        guard var partial = self.partial else { return .violation(.protocolError) }
        self.partial = nil  // Gives up the bytes' second reference, so that they grow in place.
        guard partial.bytes.readableBytes + frame.length <= self.bytesMax else { return .violation(.messageTooBig) }
        var data = frame.unmaskedData
        guard partial.accepts(data) else { return .violation(.invalidText) }
        partial.bytes.writeBuffer(&data)
        guard frame.fin else {
            self.partial = partial
            return .nothing
        }
        if partial.isValid { return .text(partial.bytes) }
        return self.finish(partial.bytes, isText: partial.isText, isCompressed: partial.isCompressed)
    }

    private func finish(_ bytes: ByteBuffer, isText: Bool, isCompressed: Bool) -> Event {
        guard isCompressed, let inflater = self.inflater else { return Self.message(bytes, isText: isText) }
        do throws(CompressionError) {
            let result: Result<[UInt8], CompressionError> = bytes.withUnsafeReadableBytes { input in
                do throws(CompressionError) {
                    return .success(try inflater.unpackMessage(input, bytesMax: self.bytesMax))
                } catch { return .failure(error) }
            }
            return Self.message(ByteBuffer(bytes: try result.get()), isText: isText)
        } catch {
            switch error {
            case .tooLarge: return .violation(.messageTooBig)
            case .malformed, .truncated, .unavailable: return .violation(.protocolError)
            }
        }
    }

    private static func message(_ bytes: ByteBuffer, isText: Bool) -> Event {
        guard isText else { return .binary(bytes) }
        return Self.isText(bytes) ? .text(bytes) : .violation(.invalidText)
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
        buffer.withUnsafeReadableBytes { $0.bindMemory(to: UInt8.self).isUTF8 }
    }
}
