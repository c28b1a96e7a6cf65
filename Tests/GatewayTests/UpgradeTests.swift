import Channels
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Gateway

@Suite("From HTTP to WebSocket")
struct UpgradeTests {
    /// One accepted connection on an embedded channel, as the server sets it up.
    private struct Accepted {
        let loop: EmbeddedEventLoop
        let channel: EmbeddedChannel
        private var bytes: [UInt8] = []

        init() throws {
            let loop = EmbeddedEventLoop()
            let hub = Hub(apps: [testApp], eventLoopGroup: loop)
            let environment = ServerEnvironment(
                hub: hub, options: GatewayOptions(), hooks: GatewayHooks(), logger: Logger(label: "test"))
            let gateway = GatewayChannel(
                responder: { _, _, _ in }, environment: environment,
                api: APIResponder(hub: hub, limits: environment.options.publish, now: { 0 }))
            self.loop = loop
            self.channel = EmbeddedChannel(loop: loop)
            _ = try gateway.setup(channel: self.channel, logger: environment.logger).wait()
            try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        /// One read of a socket.
        func receive(_ bytes: some Collection<UInt8>) throws { try self.channel.writeInbound(ByteBuffer(bytes: bytes)) }

        /// The answer to the upgrade, and the frames behind it.
        mutating func sent() throws -> (head: String, frames: [String]) {
            self.loop.run()
            while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) {
                self.bytes += Array(buffer.readableBytesView)
            }
            let end = try #require(self.bytes.firstRange(of: Array("\r\n\r\n".utf8)))
            let head = String(decoding: self.bytes[..<end.lowerBound], as: UTF8.self)
            self.bytes.removeFirst(end.upperBound)
            return (head: head, frames: ReceivedFrame.take(from: &self.bytes).map(\.text))
        }

        func finish() throws { _ = try self.channel.finish(acceptAlreadyClosed: true) }
    }

    private static let request = """
        GET /app/key HTTP/1.1\r
        Host: x\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Sec-WebSocket-Version: 13\r\n\r\n
        """
    /// An upgrade, and two subscriptions by a client that does not wait for the answer.
    private static let eager =
        Array(Self.request.utf8) + clientBytes(Array(subscribeText("a").utf8))
        + clientBytes(Array(subscribeText("b").utf8))

    private func check(_ pieces: [ArraySlice<UInt8>], runningBetween: Bool) throws {
        var accepted = try Accepted()
        for piece in pieces {
            try accepted.receive(piece)
            if runningBetween { accepted.loop.run() }
        }
        let (head, frames) = try accepted.sent()
        #expect(head.hasPrefix("HTTP/1.1 101 "))
        #expect(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        guard frames.count == 3, frames[0].contains("connection_established"), frames[1].contains(#""channel":"a""#),
            frames[2].contains(#""channel":"b""#)
        else {
            Issue.record("pieces of \(pieces.map(\.count)) bytes gave \(frames)")
            return
        }
        try accepted.finish()
    }

    @Test(
        "Frames behind the request are read however the bytes are cut, whether or not the loop turns in between",
        arguments: [true, false])
    func anyCut(runningBetween: Bool) throws {
        let bytes = Self.eager
        for cut in 1..<bytes.count { try self.check([bytes[..<cut], bytes[cut...]], runningBetween: runningBetween) }
        try self.check(bytes.indices.map { bytes[$0...$0] }, runningBetween: runningBetween)
        try self.check([bytes[...]], runningBetween: runningBetween)
    }

    @Test(
        "An upgrade may come right behind other requests: they are answered first, and the WebSocket is heard afterwards",
        .timeLimit(.minutes(2)), arguments: ["GET", "POST"])
    func behindRequest(method: String) async throws {
        try await withGateway(loops: 2) { server in
            let socket = try await server.connect()
            // The list of channels is gathered from all loops and takes a while; the event is answered at once.
            let first =
                method == "GET"
                ? server.signed("GET", "/apps/1/channels")
                : server.signed("POST", "/apps/1/events", body: #"{"name":"e","channels":["x"],"data":""}"#)
            try await socket.send(first + Self.request)
            #expect(await socket.head().hasPrefix("HTTP/1.1 200 "))
            let body = method == "GET" ? #"{"channels":{}}"# : "{}"
            #expect(await socket.read(body.utf8.count) == body)
            #expect(await socket.head().hasPrefix("HTTP/1.1 101 "))
            #expect(await socket.frame()?.text.contains("connection_established") == true)
            try await socket.send(bytes: clientBytes(Array(subscribeText("c").utf8)))
            #expect(await socket.frame()?.text.contains("subscription_succeeded") == true)
            try await socket.close()
        }
    }
}
