import Channels
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import Gateway

@Suite("The gateway over real sockets", .timeLimit(.minutes(2)))
struct GatewayServerTests {
    private func upgrade(_ path: String, _ more: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\(more)"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    }

    @Test("The upgrade is accepted as RFC 6455 says; the subprotocol is echoed only when offered")
    func upgrade() async throws {
        try await withGateway { server in
            let plain = try await server.connect()
            try await plain.send(self.upgrade("/app/key?protocol=7"))
            let head = await plain.head()
            #expect(head.hasPrefix("HTTP/1.1 101 "))
            #expect(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            #expect(!head.lowercased().contains("sec-websocket-protocol"))
            #expect(await plain.frame()?.text.contains("pusher:connection_established") == true)
            try await plain.close()
            let offering = try await server.connect()
            try await offering.send(
                self.upgrade("/app/key", "Sec-WebSocket-Protocol: x, pusher-channels-protocol-7\r\n")
            )
            #expect(await offering.head().contains("Sec-WebSocket-Protocol: pusher-channels-protocol-7"))
            try await offering.close()
        }
    }

    @Test("A connection that never ends holds an end up that waits for it, but not beyond a cancellation")
    func endlessConnection() async throws {
        try await LoopPool.withLoops(2) { group in
            let hub = Hub(apps: [testApp], eventLoopGroup: group)
            let shard = hub.shards[1]
            try await shard.eventLoop.submit {
                _ = shard.attach(EndlessSubscriber(), descriptor: -1, socketID: SocketID(bits: 1))
            }.get()
            let waiting = Task { await hub.waitUntilEmpty(grace: .milliseconds(20)) }
            let over = Over()
            let observer = Task {
                await waiting.value
                over.isOver.withLock { $0 = true }
            }
            // Whatever the loops have to do for it has been done twice.
            for _ in 0..<2 { for shard in hub.shards { try await shard.eventLoop.submit {}.get() } }
            #expect(!over.isOver.withLock { $0 })
            waiting.cancel()
            await observer.value
            // Who asks later does not wait either.
            await hub.waitUntilEmpty()
            #expect(hub.statistics.connections == 1)
        }
    }

    @Test(
        "What cannot be served opens first, then closes with its code",
        arguments: [("/app/nokey?protocol=7", 4001), ("/app/key?protocol=3", 4007), ("/app/key?protocol=x", 4006)]
            as [(String, UInt16)]
    )
    func refused(path: String, code: UInt16) async throws {
        try await withGateway { server in
            let socket = try await server.connect()
            try await socket.send(self.upgrade(path))
            #expect(await socket.head().hasPrefix("HTTP/1.1 101 "))
            #expect(await socket.frame()?.closeCode == code)
            #expect(await socket.frame() == nil)
        }
    }

    @Test("Frames sent together with the upgrade request are not lost")
    func eager() async throws {
        try await withGateway { server in
            let socket = try await server.connect()
            try await socket.send(
                bytes: Array(self.upgrade("/app/key").utf8) + clientBytes(Array(subscribeText("c").utf8))
            )
            _ = await socket.head()
            _ = await socket.frame()
            #expect(await socket.frame()?.text.contains("subscription_succeeded") == true)
            try await socket.close()
        }
    }

    @Test("10 events of one batch reach 100 subscribers with 100 send calls")
    func coalescing() async throws {
        try await withGateway(loops: 2) { server in
            var sockets: [TestSocket] = []
            for _ in 0..<100 { sockets.append(try await server.subscriber(to: ["c"])) }
            let before = try await server.statistics()
            server.hub.publish((0..<10).map { .init(channel: "c", name: "e", data: Array("\($0)".utf8)) })
            for socket in sockets {
                for number in 0..<10 {
                    #expect(await socket.frame()?.text == #"{"event":"e","channel":"c","data":"\#(number)"}"#)
                }
            }
            let after = try await server.statistics()
            #expect(after.sendCalls - before.sendCalls == 100)
            #expect(after.framesDelivered - before.framesDelivered == 1000)
            #expect(after.slowWrites == 0)
            for socket in sockets { try await socket.close() }
        }
    }

    @Test("Subscribers of several scattered channels get one gathering call each")
    func gathering() async throws {
        try await withGateway { server in
            let a = try await server.subscriber(to: ["x", "z"])
            let b = try await server.subscriber(to: ["y"])
            let before = try await server.statistics().sendCalls
            server.hub.publish(["x", "y", "z", "y", "x"].map { .init(channel: $0, name: "e", data: []) })
            for channel in ["x", "z", "x"] { #expect(await a.frame()?.text.contains("\"\(channel)\"") == true) }
            for channel in ["y", "y"] { #expect(await b.frame()?.text.contains("\"\(channel)\"") == true) }
            #expect(try await server.statistics().sendCalls - before == 2)
            try await a.close()
            try await b.close()
        }
    }

    @Test("A reader that stops for a while gets everything, in order, through the slow path")
    func slowReader() async throws {
        try await withGateway { server in
            let socket = try await server.subscriber(to: ["t"])
            try await socket.channel.setOption(.autoRead, value: false).get()
            let filler = String(repeating: "x", count: 10_000)
            for number in 0..<2000 {
                server.hub.publish([.init(channel: "t", name: "trade", data: Array("\(number) \(filler)".utf8))])
                if server.hub.statistics.slowWrites > 20 { break }
            }
            let count = server.hub.statistics.eventsPublished
            try await socket.channel.setOption(.autoRead, value: true).get()
            var isClosed = false
            for number in 0..<count {
                guard let frame = await socket.frame(), frame.opcode == 1 else {
                    isClosed = true
                    break
                }
                #expect(frame.text.hasPrefix(#"{"event":"trade","channel":"t","data":"\#(number) x"#))
            }
            #expect(!isClosed || server.hub.statistics.slowClosed == 1)
            if !isClosed { try await socket.close() }
        }
    }

    @Test("Connections that end in the middle of a storm do not disturb the others")
    func churn() async throws {
        try await withGateway(loops: 2) { server in
            let steady = try await server.subscriber(to: ["c"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 0..<200 {
                        server.hub.publish([.init(channel: "c", name: "e", data: Array("\(number)".utf8))])
                        await Task.yield()
                    }
                }
                group.addTask {
                    for _ in 0..<20 { try await server.subscriber(to: ["c"]).close() }
                }
                for number in 0..<200 {
                    #expect(await steady.frame()?.text == #"{"event":"e","channel":"c","data":"\#(number)"}"#)
                }
                try await group.waitForAll()
            }
            try await steady.close()
        }
    }

    @Test("A graceful end closes with 4200 and then stops listening")
    func drain() async throws {
        try await withGateway(loops: 2) { server in
            var sockets: [TestSocket] = []
            for _ in 0..<10 { sockets.append(try await server.subscriber(to: ["c"])) }
            await server.services.triggerGracefulShutdown()
            for socket in sockets {
                #expect(await socket.frame()?.closeCode == 4200)
                #expect(await socket.frame() == nil)
            }
        }
    }

    @Test("A port in use is one clear error")
    func portInUse() async throws {
        try await withGateway { server in
            let port = try #require(server.address.port)
            let second = GatewayServer(hub: server.hub, host: "127.0.0.1", port: port, logger: Logger(label: "test"))
            await #expect(throws: GatewayError.addressInUse(host: "127.0.0.1", port: port)) { try await second.run() }
        }
        #expect(
            GatewayError.addressInUse(host: "127.0.0.1", port: 6001).description
                == "Port 6001 on 127.0.0.1 is in use. Stop the other program or choose another port with --port."
        )
    }

    @Test("A client that does not finish its request is cut off")
    func requestTimeout() async throws {
        var options = GatewayOptions()
        // Long enough for a loaded machine to have sent the request before it is cut off.
        options.requestTimeout = .seconds(3)
        try await withGateway(options: options) { server in
            let socket = try await server.connect()
            try await socket.send("POST /apps/1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
            #expect(await socket.rest().isEmpty)
        }
    }

    @Test("Health, readiness, metrics and added routes are served on the same port and connection")
    func routes() async throws {
        let hooks = GatewayHooks(
            notReadyReason: { "no feed yet" },
            metrics: { "extra_total 1\n" },
            routes: { $0.get("/hello") { _, _ in "hello" } }
        )
        try await withGateway(hooks: hooks) { server in
            let socket = try await server.connect()
            for (path, status, body) in [
                ("/healthz", 200, "ok\n"), ("/readyz", 503, "no feed yet\n"), ("/hello", 200, "hello"),
            ] {
                try await socket.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(await socket.head().hasPrefix("HTTP/1.1 \(status) "))
                #expect(await socket.read(body.utf8.count) == body)
            }
            try await socket.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(await socket.head().hasPrefix("HTTP/1.1 200 "))
            let metrics = String(decoding: await socket.rest(), as: UTF8.self)
            #expect(metrics.contains("\ntickwire_gateway_connections 0\n"))
            #expect(metrics.hasSuffix("extra_total 1\n"))
        }
    }
}

/// Whether something is over.
private final class Over: Sendable {
    let isOver = Mutex(false)
}

/// Stays whatever it is told.
private final class EndlessSubscriber: Subscriber {
    let app: Int32? = 0
    let transportName = "test"
    var allocator: ByteBufferAllocator { ByteBufferAllocator() }

    func writeThroughNIO(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>) { promise.succeed() }
    func closeAsTooSlow() {}
    func checkSilence(now: ContinuousClock.Instant) -> ContinuousClock.Instant? { nil }
    func close(_ code: CloseCode) {}
}
