import Channels
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Gateway

@Suite("The HTTP fallback over real sockets", .timeLimit(.minutes(2)))
struct FallbackTests {
    private static let path = "/pusher/app/key/7/0123abcd"

    private static func post(_ path: String, _ body: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Reads until one of `texts` has come, or the connection has ended.
    private static func read(_ socket: TestSocket, until texts: String...) async -> String {
        var received = ""
        while !texts.contains(where: { received.contains($0) }) {
            let next = await socket.read(1)
            guard !next.isEmpty else { return received }
            received += next
        }
        return received
    }

    @Test("A session is found from every event loop, whichever takes the request")
    func acrossLoops() async throws {
        try await withGateway(loops: 4) { server in
            for number in 0..<16 {
                let path = "/pusher/app/key/\(number)/0123abcd"
                let stream = try await server.connect()
                try await stream.send(Self.post(path + "/xhr_streaming?protocol=7&client=js"))
                #expect(await Self.read(stream, until: "connection_established").contains("o\n"))
                // Connections go to the loops in turn, so that these come in on others.
                let sender = try await server.connect()
                let text = JSONText.quoted(subscribeText("news-\(number)"))
                try await sender.send(Self.post(path + "/xhr_send", "[\(text)]"))
                #expect(await sender.head().hasPrefix("HTTP/1.1 204"))
                _ = await Self.read(stream, until: "subscription_succeeded")
                let other = try await server.connect()
                try await other.send(Self.post(path + "/xhr_streaming?protocol=7&client=js"))
                #expect(await other.head().contains("200 OK"))
                server.hub.publish([.init(channel: "news-\(number)", name: "hello", data: Array("{}".utf8))])
                let rest = await Self.read(other, until: "hello")
                #expect(rest.contains("hello") && !rest.contains("o\n\r"))
                // The first response was dropped for the second.
                _ = await stream.rest()
            }
        }
    }

    @Test("More sessions than there may be are closed with 4100, and a freed place is given again")
    func sessionsMax() async throws {
        var options = GatewayOptions(closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        options.fallback = FallbackOptions(sessionsMax: 1, session: .init(resumeTimeout: .milliseconds(50)))
        try await withGateway(options: options) { server in
            let first = try await server.connect()
            try await first.send(Self.post(Self.path + "/xhr_streaming?protocol=7"))
            _ = await Self.read(first, until: "connection_established")
            for transport in ["xhr_streaming", "xhr"] {
                let second = try await server.connect()
                try await second.send(Self.post("/pusher/app/key/8/0123abcd/\(transport)?protocol=7"))
                let answer = await Self.read(second, until: "0\r\n\r\n")
                #expect(answer.contains("o\nc[4100,"))
            }
            try await first.close()
            var answer = ""
            while !answer.contains("connection_established") {
                let third = try await server.connect()
                try await third.send(Self.post("/pusher/app/key/9/0123abcd/xhr_streaming?protocol=7"))
                answer = await Self.read(third, until: "c[4100,", "connection_established")
            }
        }
    }

    @Test("An address may have as many sessions as connections, and a session that ends gives its place back")
    func sessionsPerAddress() async throws {
        let options = GatewayOptions(
            connectionsPerAddressMax: 2, closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        try await withGateway(options: options) { server in
            let socket = try await server.connect()
            func receive(_ path: String) async throws -> String {
                try await socket.send(Self.post("/pusher/app/\(path)?protocol=7"))
                return await Self.read(socket, until: "0\r\n\r\n")
            }
            for number in 0..<3 {
                let answer = try await receive("nokey/\(number)/0123abcd/xhr_streaming")
                #expect(answer.contains("c[4001,"))
            }
            for number in 3..<5 {
                let answer = try await receive("key/\(number)/0123abcd/xhr")
                #expect(answer.contains("o\n") && !answer.contains("c["))
            }
            let refused = try await receive("key/5/0123abcd/xhr")
            #expect(refused.contains("o\nc[4100,"))
            // Not a new one.
            let known = try await receive("key/3/0123abcd/xhr")
            #expect(known.contains("connection_established"))
        }
    }

    @Test("A body that does not say its length is refused as soon as it is too long")
    func chunkedBody() async throws {
        let options = GatewayOptions(
            messageBytesMax: 100, closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        try await withGateway(options: options) { server in
            for (route, count) in [("POST \(Self.path)/xhr_send", 1225), ("GET /v1/stream?channels=news", 1)] {
                let socket = try await server.connect()
                let chunk = "\(String(count, radix: 16))\r\n\(String(repeating: "x", count: count))\r\n"
                try await socket.send("\(route) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)")
                #expect(await socket.head().hasPrefix("HTTP/1.1 413"))
            }
        }
    }

    @Test("What waits beyond the limit closes the session with 4100")
    func queueLimit() async throws {
        var options = GatewayOptions(closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        options.fallback = FallbackOptions(session: .init(queueBytesMax: 2000))
        try await withGateway(options: options) { server in
            let stream = try await server.connect()
            try await stream.send(Self.post(Self.path + "/xhr_streaming?protocol=7"))
            _ = await Self.read(stream, until: "connection_established")
            let sender = try await server.connect()
            let text = JSONText.quoted(subscribeText("news"))
            try await sender.send(Self.post(Self.path + "/xhr_send", "[\(text)]"))
            _ = await Self.read(stream, until: "subscription_succeeded")
            try await stream.close()
            // The server learns of that by itself; a receive request would make it wait.
            while try await server.statistics().slowClosed == 0, server.hub.connectionCount > 0 {
                let data = Array("{\"pad\":\"\(String(repeating: "x", count: 500))\"}".utf8)
                server.hub.publish([.init(channel: "news", name: "hello", data: data)])
            }
            let next = try await server.connect()
            try await next.send(Self.post(Self.path + "/xhr_streaming?protocol=7"))
            #expect(await Self.read(next, until: "0\r\n\r\n").contains("c[4100,"))
        }
    }

    @Test("A page of a foreign origin is refused with 4009, an event stream with 403")
    func origins() async throws {
        var options = GatewayOptions(closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        options.origins = try #require(OriginRules(["https://shop.example"]))
        try await withGateway(options: options) { server in
            let field = "Origin: https://evil.example\r\n"
            let stream = try await server.connect()
            try await stream.send(
                "POST \(Self.path)/xhr_streaming?protocol=7 HTTP/1.1\r\nHost: x\r\n\(field)Content-Length: 0\r\n\r\n")
            #expect(await Self.read(stream, until: "0\r\n\r\n").contains("c[4009,"))
            let events = try await server.connect()
            try await events.send("GET /v1/stream?channels=news HTTP/1.1\r\nHost: x\r\n\(field)\r\n")
            #expect(await events.head().hasPrefix("HTTP/1.1 403"))
        }
    }

    @Test("A client that sends without end is closed with 1008")
    func messageRate() async throws {
        var options = GatewayOptions(closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        options.messagesPerSecondMax = 1
        try await withGateway(options: options) { server in
            let stream = try await server.connect()
            try await stream.send(Self.post(Self.path + "/xhr_streaming?protocol=7"))
            _ = await Self.read(stream, until: "connection_established")
            let sender = try await server.connect()
            let ping = JSONText.quoted(#"{"event":"pusher:ping"}"#)
            let body = "[" + Array(repeating: ping, count: 10).joined(separator: ",") + "]"
            try await sender.send(Self.post(Self.path + "/xhr_send", body))
            #expect(await Self.read(stream, until: "0\r\n\r\n").contains("c[1008,"))
        }
    }

    @Test("An event stream beyond the limit of connections is refused with 503")
    func eventStreamCapacity() async throws {
        let options = GatewayOptions(
            connectionsMax: 0, closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        try await withGateway(options: options) { server in
            let events = try await server.connect()
            try await events.send("GET /v1/stream?channels=news HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await events.head().hasPrefix("HTTP/1.1 503"))
        }
    }

    @Test("Nothing is left of an event stream that is refused")
    func refusedEventStream() throws {
        let loop = EmbeddedEventLoop()
        let hub = Hub(apps: [testApp], eventLoopGroup: loop)
        let environment = ServerEnvironment(
            hub: hub, options: GatewayOptions(connectionsMax: 0), hooks: GatewayHooks(), logger: Logger(label: "test"))
        let gateway = GatewayChannel(
            responder: { _, _, _ in }, environment: environment,
            api: APIResponder(hub: hub, limits: environment.options.publish, now: { 0 }))
        let channel = EmbeddedChannel(loop: loop)
        _ = try gateway.setup(channel: channel, logger: environment.logger).wait()
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(ByteBuffer(string: "GET /v1/stream?channels=news HTTP/1.1\r\nHost: x\r\n\r\n"))
        weak var session: ClientSession?
        session = hub.shards.first?.subscribers.first.flatMap { $0 } as? ClientSession
        let wasThere = session != nil
        loop.run()
        let isThere = session != nil
        #expect(wasThere && !isThere)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test("An event stream carries a comment when nothing else comes")
    func eventStreamHeartbeat() async throws {
        var options = GatewayOptions(closeTimeout: .milliseconds(100), drainWindow: .milliseconds(50))
        options.fallback = FallbackOptions(streamHeartbeat: .milliseconds(20))
        try await withGateway(options: options) { server in
            let events = try await server.connect()
            try await events.send("GET /v1/stream?channels=news HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await Self.read(events, until: ": \n\n").contains("retry: 1000\n\n"))
        }
    }

    @Test(
        "The frames in a shard's bytes are taken apart whatever their length",
        arguments: [0, 5, 125, 126, 65535, 65536])
    func sentFrames(count: Int) {
        let text = [UInt8](repeating: 0x61, count: count)
        var bytes = Array(WebSocketHeader.textFrame { $0 += text })
        bytes += WebSocketHeader.controlFrame(.ping) + WebSocketHeader.controlFrame(.pong)
        bytes += WebSocketHeader.textFrame { $0 += text }
        bytes += WebSocketHeader.controlFrame(.close, payload: [0x0F, 0xA1] + Array("why".utf8))
        var seen: [String] = []
        bytes.withUnsafeBytes { buffer in
            SentFrame.forEach(in: buffer) { frame in
                switch frame {
                case .text(let payload): seen.append("text \(payload.count)")
                case .ping: seen.append("ping")
                case .close(let code, let reason): seen.append("close \(code) \(reason)")
                }
            }
        }
        #expect(seen == ["text \(count)", "ping", "text \(count)", "close 4001 why"])
    }
}
