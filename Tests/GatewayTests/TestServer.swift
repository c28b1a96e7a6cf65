import Channels
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

@testable import Gateway

/// A gateway on a free port of the loopback address, for the time of `body`.
///
/// Unless told otherwise it is patient with requests: where all tests run at once, each step of one may take seconds.
func withGateway(
    loops: Int = 1,
    options: GatewayOptions = GatewayOptions(
        requestTimeout: .seconds(60), closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50)
    ),
    hooks: GatewayHooks = GatewayHooks(),
    _ body: (TestServer) async throws -> Void
) async throws {
    try await LoopPool.withLoops(loops) { group in
        try await withGateway(on: group, options: options, hooks: hooks, body)
    }
}

private func withGateway(
    on group: MultiThreadedEventLoopGroup, options: GatewayOptions, hooks: GatewayHooks,
    _ body: (TestServer) async throws -> Void
) async throws {
    let hub = Hub(apps: [testApp], eventLoopGroup: group)
    let (addresses, continuation) = AsyncStream.makeStream(of: SocketAddress.self)
    var hooks = hooks
    hooks.onListening = { continuation.yield($0) }
    let server = GatewayServer(
        hub: hub, host: "127.0.0.1", port: 0, options: options, hooks: hooks, logger: Logger(label: "test")
    )
    let services = ServiceGroup(
        configuration: .init(
            services: [.init(service: server, successTerminationBehavior: .ignore)], logger: Logger(label: "test"))
    )
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            // A server that cannot start never says where it listens.
            defer { continuation.finish() }
            try await services.run()
        }
        if let address = await addresses.first(where: { _ in true }) {
            let test = TestServer(hub: hub, address: address, group: group, services: services)
            do { try await body(test) } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
        }
        await services.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}

/// What a test needs of a running gateway.
struct TestServer: Sendable {
    let hub: Hub
    let address: SocketAddress
    let group: MultiThreadedEventLoopGroup
    let services: ServiceGroup

    /// The hub's counters once every loop has finished what it is doing: they are written at the end of a tick.
    func statistics() async throws -> HubStatistics {
        for shard in self.hub.shards { try await shard.eventLoop.submit {}.get() }
        return self.hub.statistics
    }

    /// A plain connection.
    func connect() async throws -> TestSocket {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let channel = try await ClientBootstrap(group: self.group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation))
                }
            }
            .connect(to: self.address).get()
        return TestSocket(channel: channel, stream: stream)
    }

    /// A connection after the upgrade and the greeting.
    func subscriber(to channels: [String] = [], key: String = "key") async throws -> TestSocket {
        let socket = try await self.connect()
        try await socket.send(
            """
            GET /app/\(key)?protocol=7&client=test&version=1 HTTP/1.1\r
            Host: localhost\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            Sec-WebSocket-Version: 13\r\n\r\n
            """
        )
        _ = await socket.head()
        _ = await socket.frame()
        for channel in channels {
            try await socket.send(bytes: clientBytes(Array(subscribeText(channel).utf8)))
            _ = await socket.frame()
        }
        return socket
    }

    /// A signed request and its answer on a connection of its own.
    func request(_ method: String, _ path: String, query: [Query.Item] = [], body: String = "") async throws -> (
        Int, String
    ) {
        let socket = try await self.connect()
        try await socket.send(self.signed(method, path, query: query, body: body, close: true))
        let head = await socket.head()
        let text = String(decoding: await socket.rest(), as: UTF8.self)
        return (Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0, text)
    }

    /// The text of a signed request.
    func signed(_ method: String, _ path: String, query: [Query.Item] = [], body: String = "", close: Bool = false)
        -> String
    {
        let query = RequestSigning(app: testApp).query(
            method: method, path: path, parameters: query, body: Array(body.utf8), now: Self.now()
        )
        return """
            \(method) \(path)?\(query) HTTP/1.1\r
            Host: localhost\r
            Content-Length: \(body.utf8.count)\r
            \(close ? "Connection: close\r\n" : "")\r
            \(body)
            """
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }
}

/// A client's end of a TCP connection, used by one task.
final class TestSocket: @unchecked Sendable {
    // SAFETY: a test uses each socket from one task at a time.
    let channel: any NIOCore.Channel
    private var iterator: AsyncStream<[UInt8]>.Iterator
    private var bytes: [UInt8] = []
    private var frames: [ReceivedFrame] = []

    init(channel: any NIOCore.Channel, stream: AsyncStream<[UInt8]>) {
        self.channel = channel
        self.iterator = stream.makeAsyncIterator()
    }

    func send(_ text: String) async throws { try await self.send(bytes: Array(text.utf8)) }

    func send(bytes: [UInt8]) async throws {
        try await self.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Sends bytes one by one, each when the server has had the time to read the one before.
    ///
    /// The event loop does it, because a task would wait for those of all other tests at each byte.
    func send(oneByOne bytes: [UInt8]) async throws {
        let channel = self.channel
        let promise = channel.eventLoop.makePromise(of: Void.self)
        @Sendable func sendByte(_ index: Int) {
            guard index < bytes.count else { return promise.succeed() }
            channel.writeAndFlush(ByteBuffer(bytes: [bytes[index]])).whenComplete { result in
                switch result {
                case .success: channel.eventLoop.scheduleTask(in: .microseconds(100)) { sendByte(index + 1) }
                case .failure(let error): promise.fail(error)
                }
            }
        }
        sendByte(0)
        try await promise.futureResult.get()
    }

    /// The head of an HTTP response, without the empty line.
    func head() async -> String {
        while true {
            if let end = self.bytes.indices.dropLast(3).first(where: {
                Array(self.bytes[$0..<($0 + 4)]) == [13, 10, 13, 10]
            }) {
                let head = String(decoding: self.bytes[..<end], as: UTF8.self)
                self.bytes.removeFirst(end + 4)
                return head
            }
            guard await self.more() else { return "" }
        }
    }

    /// `count` bytes, fewer when the connection ends.
    func read(_ count: Int) async -> String {
        while self.bytes.count < count { guard await self.more() else { break } }
        let text = String(decoding: self.bytes.prefix(count), as: UTF8.self)
        self.bytes.removeFirst(min(count, self.bytes.count))
        return text
    }

    /// Everything until the connection ends.
    func rest() async -> [UInt8] {
        while await self.more() {}
        return self.bytes
    }

    /// The next WebSocket frame; `nil` when the connection ended.
    func frame() async -> ReceivedFrame? {
        while self.frames.isEmpty {
            self.frames = ReceivedFrame.take(from: &self.bytes)
            if self.frames.isEmpty { guard await self.more() else { return nil } }
        }
        return self.frames.removeFirst()
    }

    func close() async throws { try await self.channel.close() }

    private func more() async -> Bool {
        guard let next = await self.iterator.next(isolation: #isolation) else { return false }
        self.bytes += next
        return true
    }
}

/// Passes what arrives to a stream.
private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncStream<[UInt8]>.Continuation

    init(_ continuation: AsyncStream<[UInt8]>.Continuation) {
        self.continuation = continuation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.continuation.yield(Array(self.unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.continuation.finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
