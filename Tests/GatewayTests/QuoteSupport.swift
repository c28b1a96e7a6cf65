import Channels
import NIOCore
import NIOEmbedded

@testable import Gateway

/// A tick of a ticker channel as the pipeline publishes it.
func marketTick(_ channel: String, _ sequence: Int, price: Int? = nil) -> Channels.ChannelEvent {
    let price = price ?? sequence
    return .init(
        channel: channel, name: "tick",
        data: Array(
            #"{"symbol":"\#(channel.dropFirst(7))","price":"\#(price)","side":"buy","sequence":\#(sequence)}"#.utf8),
        retention: .deliverAndKeepAsSnapshot
    )
}

/// A frame's event, with the data unescaped.
struct SeenEvent: Equatable {
    var name: String
    var channel: String
    var data: String

    init?(_ text: String) {
        guard let match = text.firstMatch(of: /^\{"event":"([^"]*)","channel":"([^"]*)","data":"(.*)"\}$/) else {
            return nil
        }
        self.name = String(match.output.1)
        self.channel = String(match.output.2)
        self.data = String(match.output.3).replacing("\\\"", with: "\"")
    }

    /// A number among the members.
    func number(_ key: String) -> Int? {
        guard let start = self.data.firstRange(of: "\"\(key)\":")?.upperBound else { return nil }
        return Int(self.data[start...].prefix { $0.isNumber })
    }
}

/// A hub, its loop and a clock that the test moves.
final class QuoteRig {
    let loop = EmbeddedEventLoop()
    let hub: Hub

    init(_ options: Hub.Options = .init()) {
        self.hub = Hub(apps: [testApp], eventLoopGroup: self.loop, options: options)
    }

    func client(_ channels: String..., before: (any ChannelHandler)? = nil) throws -> EmbeddedConnection {
        let connection = try EmbeddedConnection(hub: self.hub, loop: self.loop, before: before)
        _ = try connection.greet()
        for channel in channels { try connection.send(subscribeText(channel)) }
        return connection
    }

    func publish(_ events: Channels.ChannelEvent...) {
        self.hub.publish(events)
        self.loop.run()
    }

    func pass(milliseconds: Int64) { self.loop.advanceTime(by: .milliseconds(milliseconds)) }
}

extension EmbeddedConnection {
    /// What the server has published to it since the last call.
    func events() throws -> [SeenEvent] {
        try self.texts().compactMap { SeenEvent($0) }.filter { !$0.name.hasPrefix("pusher") }
    }
}

/// Keeps writes back, as a full socket does.
final class FullSocket: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var isFull = false
    private var waiting: [(ByteBuffer, EventLoopPromise<Void>?)] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard self.isFull else { return context.write(data, promise: promise) }
        self.waiting.append((self.unwrapOutboundIn(data), promise))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        for (_, promise) in self.waiting { promise?.fail(NIOCore.ChannelError.ioOnClosedChannel) }
    }

    func release(_ channel: EmbeddedChannel) throws {
        self.isFull = false
        let context = try channel.pipeline.syncOperations.context(handler: self)
        let waiting = self.waiting
        self.waiting = []
        for (buffer, promise) in waiting { context.writeAndFlush(self.wrapOutboundOut(buffer), promise: promise) }
    }
}

extension TestServer {
    /// A request without a signature and its answer.
    func unsigned(_ method: String, _ target: String) async throws -> (Int, String) {
        let socket = try await self.connect()
        try await socket.send("\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let head = await socket.head()
        let text = String(decoding: await socket.rest(), as: UTF8.self)
        return (Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0, text)
    }

    /// The ids of all open connections.
    func socketIDs() async throws -> [String] {
        var ids: [String] = []
        for shard in self.hub.shards {
            ids += try await shard.eventLoop.submit { shard.socketIDs.keys.map(\.description) }.get()
        }
        return ids
    }
}
