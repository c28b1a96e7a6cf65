import Channels
import Compression
import Gateway
import NIOCore
import NIOEmbedded
import NIOWebSocket
public import TickwireTesting

/// What must hold for any bytes that a client sends on an open WebSocket.
///
/// Besides "it does not crash": however the bytes are cut on their way, the same messages come out and the same rule is
/// found broken; a message is valid UTF-8 and within the limit; and what the Pusher protocol reads from it depends on
/// its text alone.
///
/// Used by `Fuzzing/fuzz.sh` with inputs that libFuzzer makes up, and by the tests with those it kept.
public struct WebSocketFuzzCheck {
    private static let bytesMax = 10_000
    private let inflater: Inflater

    /// A check that keeps its unpacker from input to input, as an event loop does.
    public init() throws {
        self.inflater = try Inflater(.deflate)
    }

    /// Tries one input: a byte of options, a seed for the cuts, then the bytes or a recipe for frames.
    public func run(_ input: some Collection<UInt8>) -> FuzzVerdict {
        let input = Array(input)
        guard input.count > 2 else { return .skipped }
        let isCompressed = input[0] & 2 != 0
        let bytes = input[0] & 1 == 0 ? Array(input[2...]) : Self.frames(input[2...], key: input[1])
        let whole = self.events(of: [bytes[...]], isCompressed: isCompressed)
        for event in whole {
            guard case .text(let message) = event else { continue }
            let text = Array(message.readableBytesView)
            guard text.count <= Self.bytesMax, String(validating: text, as: UTF8.self) != nil else {
                return .failed("a message of \(text.count) bytes over the limit or not UTF-8")
            }
            guard Self.meaning(text[...]) == Self.meaning(([0x20] + text + [0x20])[1..<(text.count + 1)]) else {
                return .failed("read differently at another address: \(String(decoding: text, as: UTF8.self))")
            }
        }
        for cuts in [Self.cuts(bytes, seed: input[1]), bytes.count <= 2000 ? bytes.indices.map { bytes[$0...$0] } : []]
        where !cuts.isEmpty {
            let events = self.events(of: cuts, isCompressed: isCompressed)
            guard events == whole else {
                return .failed("\(whole) in one piece, \(events) in \(cuts.count) pieces")
            }
        }
        return .passed
    }

    /// What the Pusher protocol reads.
    private static func meaning(_ text: ArraySlice<UInt8>) -> Result<ClientFrame, ChannelsError> {
        text.withUnsafeBufferPointer { bytes in
            do throws(ChannelsError) { return .success(try ClientFrame(parsing: bytes)) } catch {
                return .failure(error)
            }
        }
    }

    /// The events of the gateway's decoder and assembler, up to the first that ends the connection.
    private func events(of pieces: [ArraySlice<UInt8>], isCompressed: Bool) -> [MessageAssembler.Event] {
        let collector = Collector(
            MessageAssembler(bytesMax: Self.bytesMax, inflater: isCompressed ? self.inflater : nil))
        let channel = EmbeddedChannel(handlers: [
            ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: Self.bytesMax)), collector,
        ])
        for piece in pieces where !collector.isOver {
            // The collector has the error as an event.
            _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return collector.events
    }

    /// Frames by a recipe: a first byte, a length (from 200 on thousands of one byte), a payload; masked with `key`.
    private static func frames(_ recipe: ArraySlice<UInt8>, key: UInt8) -> [UInt8] {
        var recipe = recipe
        var bytes: [UInt8] = []
        while let first = recipe.popFirst(), let size = recipe.popFirst() {
            var payload: [UInt8]
            if size < 200 {
                payload = Array(recipe.prefix(Int(size)))
                recipe = recipe.dropFirst(Int(size))
            } else {
                payload = [UInt8](repeating: recipe.popFirst() ?? 0x20, count: (Int(size) - 199) * 1000)
            }
            bytes.append(first)
            if payload.count < 126 {
                bytes.append(0x80 | UInt8(payload.count))
            } else {
                bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
            }
            let mask = [key, key &+ 1, 0, key &* 3]
            bytes += mask
            for index in payload.indices { payload[index] ^= mask[index % 4] }
            bytes += payload
        }
        return bytes
    }

    private static func cuts(_ bytes: [UInt8], seed: UInt8) -> [ArraySlice<UInt8>] {
        var rest = bytes[...]
        var state = UInt64(seed) &+ 1
        var pieces: [ArraySlice<UInt8>] = []
        while !rest.isEmpty {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let size = state >> 63 == 0 ? 1 + Int(state >> 40) % 7 : 1 + Int(state >> 40) % 3000
            pieces.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return pieces
    }
}

/// Notes what the assembler makes of each frame.
private final class Collector: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private(set) var events: [MessageAssembler.Event] = []
    private(set) var isOver = false
    private var assembler: MessageAssembler

    init(_ assembler: MessageAssembler) {
        self.assembler = assembler
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isOver else { return }
        let event = self.assembler.received(self.unwrapInboundIn(data))
        self.events.append(event)
        switch event {
        case .close, .violation: self.isOver = true
        case .nothing, .text, .binary, .ping, .pong: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !self.isOver else { return }
        self.isOver = true
        if case NIOWebSocketError.invalidFrameLength = error {
            self.events.append(.violation(.messageTooBig))
        } else {
            self.events.append(.violation(.protocolError))
        }
    }
}
