import Channels
import Compression
import NIOCore
import NIOEmbedded
import Testing

@testable import Gateway

@Suite("Limits of connections", .timeLimit(.minutes(2)))
struct ConnectionLimitTests {
    private let loop = EmbeddedEventLoop()
    private let hub: Hub

    init() {
        self.hub = Hub(apps: [testApp], eventLoopGroup: self.loop)
    }

    @Test("A bucket gives its burst, then its rate")
    func bucket() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(perSecond: 10, burst: 3, now: start)
        #expect((0..<4).map { _ in bucket.take(now: start) } == [true, true, true, false])
        #expect([99, 100].map { bucket.take(now: start.advanced(by: .milliseconds($0))) } == [false, true])
        let later = start.advanced(by: .seconds(1_000_000))
        #expect((0..<4).map { _ in bucket.take(now: later) } == [true, true, true, false])
    }

    @Test("A bucket never gives more than burst and rate allow, whatever the moments", arguments: UInt64(0)..<50)
    func bucketBound(seed: UInt64) {
        var state = seed &+ 1
        let start = ContinuousClock.now
        var bucket = TokenBucket(perSecond: 7, burst: 20, now: start)
        var (passed, given) = (0, 0)
        for _ in 0..<500 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            passed += Int(state >> 33) % 100
            if bucket.take(now: start.advanced(by: .milliseconds(passed))) { given += 1 }
            #expect(given <= 20 + passed * 7 / 1000)
        }
        #expect(given >= passed * 7 / 1000 - 20)
    }

    @Test("A client that floods is closed with 1008; one that bursts within four seconds' worth is not")
    func flood() throws {
        let connection = try EmbeddedConnection(hub: self.hub, loop: self.loop, options: .init(messagesPerSecondMax: 1))
        _ = try connection.greet()
        for _ in 0..<4 { try connection.send(bytes: clientBytes([], opcode: 9)) }
        #expect(try connection.frames().map(\.opcode) == [10, 10, 10, 10])
        for _ in 0..<4 { try connection.send(bytes: clientBytes([], opcode: 9)) }
        let frames = try connection.frames()
        #expect(frames.last?.closeCode == 1008)
        #expect(frames.filter { $0.opcode == 8 }.count == 1)
        try connection.finish()
    }

    @Test("A client that goes on with a message that was refused hears the code, and is cut off after a while")
    func refusedMessage() throws {
        let connection = try EmbeddedConnection(hub: self.hub, loop: self.loop, options: .init(messageBytesMax: 100))
        _ = try connection.greet()
        try connection.send(bytes: clientBytes([UInt8](repeating: 0x61, count: 5000)))
        for _ in 0..<10 { try connection.send(bytes: [UInt8](repeating: 0x61, count: 5000)) }
        #expect(connection.channel.isActive)
        #expect(try connection.frames().map(\.closeCode) == [1009])
        self.loop.advanceTime(by: .milliseconds(500))
        #expect(!connection.channel.isActive)
    }

    @Test("Addresses are counted apart, an IPv6 network of 64 bits as one, a mapped IPv4 address as itself")
    func addresses() throws {
        func key(_ text: String) throws -> AddressCounter.Key {
            try #require(AddressCounter.Key(try SocketAddress(ipAddress: text, port: 1)))
        }
        #expect(try key("2001:db8::1") == key("2001:db8::2:3"))
        #expect(try key("2001:db8::1") != key("2001:db8:0:1::1"))
        #expect(try key("::ffff:10.0.0.1") == key("10.0.0.1"))
        #expect(try key("10.0.0.1") != key("10.0.0.2"))
        #expect(try key("::1") != key("0.0.0.0"))
        #expect(AddressCounter.Key(nil) == nil)
        let counter = AddressCounter(connectionsMax: 2)
        #expect(
            try [counter.add(key("10.0.0.1")), counter.add(key("10.0.0.1")), counter.add(key("10.0.0.1"))] == [
                true, true, false,
            ])
        #expect(counter.add(try key("10.0.0.2")))
        counter.remove(try key("10.0.0.1"))
        #expect(counter.add(try key("10.0.0.1")))
    }

    @Test(
        "Origins are let in by the list; a client that names none is no browser",
        arguments: [
            ("https://shop.example", true), ("HTTPS://Shop.Example", true), ("http://shop.example", false),
            ("https://shop.example:8443", false), ("https://a.pages.example", true),
            ("http://a.b.pages.example:80", true),
            ("https://pages.example", false), ("https://evilpages.example", false), ("null", false), (nil, true),
        ] as [(String?, Bool)])
    func origins(origin: String?, isAllowed: Bool) throws {
        let rules = try #require(OriginRules(["https://shop.example", "*.pages.example"]))
        #expect(rules.allows(origin) == isAllowed)
        #expect(OriginRules.all.allows(origin))
        #expect(OriginRules(["*"])?.allows(origin) == true)
    }

    @Test(
        "What is no origin is refused",
        arguments: ["shop.example", "ftp://x", "https://", "https://a/b", "*.", "", "https://*"])
    func badOrigins(text: String) {
        #expect(OriginRules([text]) == nil)
    }

    @Test("Events are compressed once for those who negotiated it; others, replies and short ones stay plain")
    func compression() throws {
        let plain = try EmbeddedConnection(hub: self.hub, loop: self.loop)
        let packed = try EmbeddedConnection(hub: self.hub, loop: self.loop, isCompressed: true)
        for connection in [plain, packed] {
            _ = try connection.greet()
            try connection.send(subscribeText("c"))
            #expect(try connection.texts().first?.contains("subscription_succeeded") == true)
        }
        let data = [UInt8](repeating: 0x78, count: 1000)
        self.hub.publish([
            .init(channel: "c", name: "e", data: data), .init(channel: "c", name: "f", data: []),
            .init(channel: "c", name: "g", data: data),
        ])
        let texts = try plain.texts()
        #expect(texts.count == 3)
        let frames = try packed.frames()
        #expect(frames.map(\.isCompressed) == [true, false, true])
        let inflater = try Inflater(.deflate)
        for (frame, text) in zip(frames, texts) {
            guard frame.isCompressed else {
                #expect(frame.text == text)
                continue
            }
            #expect(frame.payload.count < 100)
            let bytes = try frame.payload.withUnsafeBytes { try inflater.unpackMessage($0, bytesMax: 10_000) }
            #expect(String(decoding: bytes, as: UTF8.self) == text)
        }
        try plain.finish()
        try packed.finish()
    }

    @Test("TLS files that cannot be used are named with the reason")
    func tlsFiles() throws {
        #expect(throws: GatewayError.certificate(file: "/none/cert.pem", reason: "No such file or directory")) {
            try TLSContexts(.init(certificate: "/none/cert.pem", key: "/none/key.pem"))
        }
        #expect(throws: GatewayError.certificate(file: #filePath, reason: "it is no certificate in PEM")) {
            try TLSContexts(.init(certificate: #filePath, key: #filePath))
        }
    }

    @Test("Request heads over the limit are answered with 431, on any cut")
    func headers() async throws {
        try await withGateway(options: .init(headerBytesMax: 1000)) { server in
            for (size, status) in [(800, 200), (1100, 431)] {
                let socket = try await server.connect()
                let head =
                    "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Filler: \(String(repeating: "a", count: size))\r\n\r\n"
                try await socket.send(String(head.prefix(500)))
                try await socket.send(String(head.dropFirst(500)))
                #expect(await socket.head().hasPrefix("HTTP/1.1 \(status) "))
                if status == 200 { try await socket.close() } else { _ = await socket.rest() }
            }
        }
    }

    @Test("A storm of events in one tick costs one send call for each subscriber, however they are published")
    func sendsPerDelivery() async throws {
        try await withGateway { server in
            var sockets: [TestSocket] = []
            for index in 0..<50 {
                sockets.append(try await server.subscriber(to: ["a", index % 2 == 0 ? "b" : "c"]))
            }
            let before = try await server.statistics()
            // Requests of publishers that arrive in one read are one tick, whatever they publish to.
            let publisher = try await server.connect()
            let requests = (0..<20).map { number in
                let body = #"{"name":"e","channels":["\#(["a", "b", "c"][number % 3])"],"data":"\#(number)"}"#
                return server.signed("POST", "/apps/1/events", body: body)
            }
            try await publisher.send(requests.joined())
            for _ in 0..<20 {
                #expect(await publisher.head().hasPrefix("HTTP/1.1 200 "))
                _ = await publisher.read(2)
            }
            for (index, socket) in sockets.enumerated() {
                for _ in 0..<(7 + (index % 2 == 0 ? 7 : 6)) { #expect(await socket.frame()?.opcode == 1) }
            }
            let after = try await server.statistics()
            let (sends, frames) = (after.sendCalls - before.sendCalls, after.framesDelivered - before.framesDelivered)
            #expect(frames == 7 * 50 + 7 * 25 + 6 * 25)
            // The requests fill several reads, because receive buffers start small; a call per frame would be 675.
            #expect(sends <= 50 * 5, "\(sends) send calls for \(frames) frames")
            for socket in sockets { try await socket.close() }
        }
    }
}
