import Channels
import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import NIOWebSocket
import ServiceLifecycle
import Testing

@testable import Gateway

let testApp = App(id: "1", key: "key", secret: "secret")

extension Channels.ChannelEvent {
    /// A retained tick with a number for data.
    static func tick(_ channel: String, _ number: Int) -> Channels.ChannelEvent {
        .init(channel: channel, name: "tick", data: Array("\(number)".utf8), retention: .deliverAndKeepAsSnapshot)
    }
}

/// One frame from the server.
struct ReceivedFrame: Equatable {
    var opcode: UInt8
    var payload: [UInt8]
    /// The first reserved bit.
    var isCompressed = false

    var text: String { String(decoding: self.payload, as: UTF8.self) }
    var closeCode: UInt16? { self.payload.count < 2 ? nil : UInt16(self.payload[0]) << 8 | UInt16(self.payload[1]) }

    /// Takes complete frames off the front of `bytes`.
    static func take(from bytes: inout [UInt8]) -> [ReceivedFrame] {
        var frames: [ReceivedFrame] = []
        while bytes.count >= 2 {
            var length = Int(bytes[1])
            var header = 2
            if length == 126 {
                guard bytes.count >= 4 else { break }
                length = Int(bytes[2]) << 8 | Int(bytes[3])
                header = 4
            } else if length == 127 {
                guard bytes.count >= 10 else { break }
                length = bytes[2..<10].reduce(0) { $0 << 8 | Int($1) }
                header = 10
            }
            guard bytes.count >= header + length else { break }
            frames.append(
                ReceivedFrame(
                    opcode: bytes[0] & 0xF, payload: Array(bytes[header..<(header + length)]),
                    isCompressed: bytes[0] & 0x40 != 0))
            bytes.removeFirst(header + length)
        }
        return frames
    }
}

/// A client's frame: masked with zeros, which leaves the payload readable.
func clientBytes(_ payload: some Collection<UInt8>, opcode: UInt8 = 1, isFinal: Bool = true) -> [UInt8] {
    var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
    if payload.count < 126 {
        bytes.append(0x80 | UInt8(payload.count))
    } else if payload.count <= 0xFFFF {
        bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    } else {
        bytes.append(0x80 | 127)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
        }
    }
    return bytes + [0, 0, 0, 0] + payload
}

/// A subscribe message.
func subscribeText(_ channel: String, auth: String = "") -> String {
    #"{"event":"pusher:subscribe","data":{"channel":"\#(channel)","auth":"\#(auth)"}}"#
}

/// One connection handler on an embedded channel, its hub on an embedded loop: everything in one thread, in one order.
final class EmbeddedConnection {
    let channel: EmbeddedChannel
    let handler: ConnectionHandler
    private var bytes: [UInt8] = []

    init(
        hub: Hub,
        loop: EmbeddedEventLoop,
        options: GatewayOptions = GatewayOptions(),
        hooks: GatewayHooks = GatewayHooks(),
        app: Int32? = 0,
        protocolVersion: String? = "7",
        isSecure: Bool = false,
        isCompressed: Bool = false,
        before: (any ChannelHandler)? = nil
    ) throws {
        let shard = try #require(hub.shard(of: loop))
        let environment = ServerEnvironment(hub: hub, options: options, hooks: hooks, logger: Logger(label: "test"))
        let session = ClientSession(
            shard: shard, environment: environment,
            opening: .init(
                app: app, protocolVersion: protocolVersion, isSecure: isSecure, isCompressed: isCompressed)
        )
        self.handler = ConnectionHandler(session: session, options: options, response: [])
        self.channel = EmbeddedChannel(loop: loop)
        try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        if let before { try self.channel.pipeline.syncOperations.addHandler(before) }
        let decoder = ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: options.messageBytesMax))
        try self.channel.pipeline.syncOperations.addHandlers([decoder, self.handler])
    }

    /// What the server has sent since the last call.
    func frames() throws -> [ReceivedFrame] {
        self.channel.embeddedEventLoop.run()
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) {
            self.bytes += Array(buffer.readableBytesView)
        }
        return ReceivedFrame.take(from: &self.bytes)
    }

    /// The text of what the server has sent since the last call.
    func texts() throws -> [String] { try self.frames().map(\.text) }

    func send(_ text: String) throws { try self.send(bytes: clientBytes(Array(text.utf8))) }

    func send(bytes: [UInt8]) throws { try self.channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// The socket id from the greeting, which is consumed.
    func greet() throws -> String {
        let text = try #require(try self.texts().first)
        return try #require(text.firstMatch(of: /socket_id\\":\\"(\d+\.\d+)/)).output.1.description
    }

    func finish() throws { _ = try self.channel.finish(acceptAlreadyClosed: true) }
}
