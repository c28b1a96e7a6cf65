import Channels
import NIOCore
import NIOEmbedded
import Testing

@testable import Gateway

@Suite("A WebSocket connection")
struct ConnectionHandlerTests {
    private let loop = EmbeddedEventLoop()
    private let hub: Hub

    init() {
        self.hub = Hub(apps: [testApp, App(id: "2", key: "key2", secret: "secret2")], eventLoopGroup: self.loop)
    }

    private func connect(_ options: GatewayOptions = .init(), _ hooks: GatewayHooks = .init(), app: Int32? = 0) throws
        -> EmbeddedConnection
    {
        try EmbeddedConnection(hub: self.hub, loop: self.loop, options: options, hooks: hooks, app: app)
    }

    @Test("The greeting is the first frame and socket ids differ")
    func greeting() throws {
        let (a, b) = (try self.connect(), try self.connect())
        #expect(try a.greet() != b.greet())
        #expect(self.hub.statistics.connections == 2)
        try a.finish()
        try b.finish()
        #expect(self.hub.statistics.connections == 0)
    }

    @Test("An unknown app is closed with 4001 and no frame before it")
    func unknownApp() throws {
        let connection = try self.connect(app: nil)
        let frames = try connection.frames()
        #expect(frames.map(\.opcode) == [8])
        #expect(frames.first?.closeCode == 4001)
        try connection.finish()
    }

    @Test("More connections than allowed are closed with 4100")
    func capacity() throws {
        let first = try self.connect(.init(connectionsMax: 1))
        let second = try self.connect(.init(connectionsMax: 1))
        #expect(try first.frames().first?.opcode == 1)
        #expect(try second.frames().first?.closeCode == 4100)
        try first.finish()
        try second.finish()
    }

    @Test("subscription_succeeded, then the snapshot, then ticks: sequences never go back")
    func order() throws {
        let connection = try self.connect()
        _ = try connection.greet()
        self.hub.publish([.tick("ticker-A", 1), .tick("ticker-A", 2)])
        try connection.send(subscribeText("ticker-A"))
        self.hub.publish([.tick("ticker-A", 3)])
        #expect(
            try connection.texts() == [
                #"{"event":"pusher_internal:subscription_succeeded","channel":"ticker-A","data":"{}"}"#,
                #"{"event":"snapshot","channel":"ticker-A","data":"2"}"#,
                #"{"event":"tick","channel":"ticker-A","data":"3"}"#,
            ]
        )
        try connection.finish()
    }

    @Test("A channel forgets what it holds when nothing is to be kept, and takes the next event as ever")
    func forgetting() throws {
        let loop = EmbeddedEventLoop()
        let hub = Hub(apps: [testApp], eventLoopGroup: loop, options: .init(snapshotsMax: 1))
        for _ in 0..<2 {
            hub.publish([.tick("a", 1)])
            hub.publish([.init(channel: "a", name: "snapshot", data: [], retention: .keepOnly)])
            // There is room for one, so what was forgotten is not counted any more.
            hub.publish([.tick("b", 2)])
            hub.publish([.init(channel: "b", name: "snapshot", data: [], retention: .keepOnly)])
            hub.publish([.init(channel: "never", name: "snapshot", data: [], retention: .keepOnly)])
        }
        hub.publish([.tick("c", 3)])
        loop.run()
        let client = try EmbeddedConnection(hub: hub, loop: loop)
        _ = try client.greet()
        for channel in ["a", "b", "c"] { try client.send(subscribeText(channel)) }
        #expect(try client.texts().filter { $0.contains("snapshot") }.map { $0.contains("\"c\"") } == [true])
        #expect(hub.statistics.snapshotsRefused == 0)
        try client.finish()
    }

    @Test("A channel nothing was retained on has no snapshot; keepOnly is kept and not delivered")
    func retention() throws {
        let connection = try self.connect()
        _ = try connection.greet()
        try connection.send(subscribeText("c"))
        self.hub.publish([
            .init(channel: "c", name: "e", data: [0x31]),
            .init(channel: "c", name: "tick", data: [0x32], retention: .keepOnly),
        ])
        #expect(try connection.texts().map { $0.contains("\"data\":\"2\"") } == [false, false])
        let later = try self.connect()
        _ = try later.greet()
        try later.send(subscribeText("c"))
        #expect(try later.texts().last == #"{"event":"snapshot","channel":"c","data":"2"}"#)
        try connection.finish()
        try later.finish()
    }

    @Test("An excluded socket does not get the event, everybody else does")
    func exclusion() throws {
        let (a, b) = (try self.connect(), try self.connect())
        let id = try a.greet()
        _ = try b.greet()
        for connection in [a, b] { try connection.send(subscribeText("c")) }
        _ = try (a.frames(), b.frames())
        self.hub.publish([
            .init(channel: "c", name: "e", data: [], excludedSocketID: id),
            .init(channel: "c", name: "f", data: [], excludedSocketID: "x"),
        ])
        #expect(try a.texts() == [#"{"event":"f","channel":"c","data":""}"#])
        #expect(try b.frames().count == 2)
        try a.finish()
        try b.finish()
    }

    @Test("Apps do not hear each other; an event for all apps reaches each")
    func apps() throws {
        let (a, b) = (try self.connect(app: 0), try self.connect(app: 1))
        _ = try (a.greet(), b.greet())
        for connection in [a, b] { try connection.send(subscribeText("c")) }
        _ = try (a.frames(), b.frames())
        self.hub.publish([.init(channel: "c", name: "one", data: [])], app: "2")
        self.hub.publish([.init(channel: "c", name: "all", data: [])])
        self.hub.publish([.init(channel: "c", name: "none", data: [])], app: "3")
        #expect(try a.texts().map { $0.contains("all") } == [true])
        #expect(try b.texts().map { $0.contains("one") } == [true, false])
        try a.finish()
        try b.finish()
    }

    @Test("After unsubscribing, and after closing, nothing comes and nothing is counted")
    func unsubscribe() throws {
        let (a, b) = (try self.connect(), try self.connect())
        _ = try (a.greet(), b.greet())
        for connection in [a, b] { for channel in ["x", "y"] { try connection.send(subscribeText(channel)) } }
        #expect(self.hub.statistics.subscriptions == 4)
        try a.send(#"{"event":"pusher:unsubscribe","data":{"channel":"x"}}"#)
        _ = try (a.frames(), b.frames())
        self.hub.publish([.init(channel: "x", name: "e", data: []), .init(channel: "y", name: "e", data: [])])
        #expect(try a.frames().count == 1)
        #expect(try b.frames().count == 2)
        try b.finish()
        #expect(self.hub.statistics.subscriptions == 1)
        self.hub.publish([.init(channel: "x", name: "e", data: []), .init(channel: "y", name: "e", data: [])])
        #expect(try a.frames().count == 1)
        try a.finish()
        #expect(self.hub.statistics.subscriptions == 0)
    }

    @Test("A second subscription to the same channel confirms and delivers once")
    func twice() throws {
        let connection = try self.connect()
        _ = try connection.greet()
        try connection.send(subscribeText("c"))
        try connection.send(subscribeText("c"))
        self.hub.publish([.init(channel: "c", name: "e", data: [])])
        #expect(try connection.texts().map { $0.contains("subscription_succeeded") } == [true, true, false])
        #expect(self.hub.statistics.subscriptions == 1)
        try connection.finish()
    }

    @Test("A refused subscription gives pusher:error and pusher:subscription_error and stays open")
    func refused() throws {
        let connection = try self.connect(
            .init(), .init(validateChannel: { $0.text == "ticker-NOPE" ? "Unknown symbol" : nil }))
        _ = try connection.greet()
        try connection.send(subscribeText("ticker-NOPE"))
        let texts = try connection.texts()
        #expect(texts.count == 2)
        #expect(texts.first == #"{"event":"pusher:error","data":{"code":null,"message":"Unknown symbol"}}"#)
        #expect(texts.last?.hasPrefix(#"{"event":"pusher:subscription_error","channel":"ticker-NOPE""#) == true)
        try connection.send(#"{"event":"pusher:ping","data":{}}"#)
        #expect(try connection.texts() == [#"{"event":"pusher:pong","data":"{}"}"#])
        try connection.finish()
    }

    @Test("A private channel works with the signature over this connection's socket id")
    func privateChannel() throws {
        let connection = try self.connect()
        let id = try connection.greet()
        try connection.send(
            subscribeText("private-a", auth: ChannelAuth(app: testApp).sign(socketID: id, channel: "private-a")))
        #expect(try connection.texts().map { $0.contains("subscription_succeeded") } == [true])
        try connection.send(
            subscribeText("private-b", auth: ChannelAuth(app: testApp).sign(socketID: "1.1", channel: "private-b")))
        #expect(try connection.texts().first?.contains("Invalid signature") == true)
        try connection.finish()
    }

    @Test("A control ping is answered with its payload")
    func ping() throws {
        let connection = try self.connect()
        _ = try connection.greet()
        try connection.send(bytes: clientBytes([1, 2, 3], opcode: 9))
        #expect(try connection.frames() == [ReceivedFrame(opcode: 10, payload: [1, 2, 3])])
        try connection.finish()
    }

    @Test(
        "What breaks the WebSocket protocol is closed with the right code",
        arguments: [
            ("unmasked frame", [0x81, 0x01, 0x61], 1002),
            ("reserved bit", [0xC1, 0x80, 0, 0, 0, 0], 1002),
            ("reserved opcode", [0x83, 0x80, 0, 0, 0, 0], 1002),
            ("reserved control opcode", [0x8B, 0x80, 0, 0, 0, 0], 1002),
            ("fragmented ping", [0x09, 0x80, 0, 0, 0, 0], 1002),
            ("long ping", [0x89, 0xFE, 0, 126, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 126), 1002),
            ("continuation of nothing", [0x80, 0x80, 0, 0, 0, 0], 1002),
            ("text inside a fragmented message", [0x01, 0x81, 0, 0, 0, 0, 0x61, 0x81, 0x81, 0, 0, 0, 0, 0x61], 1002),
            ("text that is not UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
            ("close with one byte", [0x88, 0x81, 0, 0, 0, 0, 0x03], 1002),
            ("close with a code that may not be sent", [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], 1002),
            ("close reason that is not UTF-8", [0x88, 0x83, 0, 0, 0, 0, 0x03, 0xE8, 0xFF], 1007),
        ] as [(String, [UInt8], UInt16)]
    )
    func violations(name: String, bytes: [UInt8], code: UInt16) throws {
        let connection = try self.connect()
        _ = try connection.greet()
        try connection.send(bytes: bytes)
        let frames = try connection.frames()
        #expect(frames.last?.opcode == 8)
        #expect(frames.last?.closeCode == code)
        try connection.finish()
    }

    @Test("A message over the limit is closed with 1009, in one frame or in several")
    func tooBig() throws {
        for pieces in [1, 3] {
            let connection = try self.connect(.init(messageBytesMax: 100))
            _ = try connection.greet()
            let piece = [UInt8](repeating: 0x20, count: 102 / pieces)
            for index in 0..<pieces {
                try connection.send(bytes: clientBytes(piece, opcode: index == 0 ? 1 : 0, isFinal: index == pieces - 1))
            }
            #expect(try connection.frames().last?.closeCode == 1009)
            try connection.finish()
        }
    }

    @Test("Bytes in any pieces and messages in any fragments, pings between them, mean the same")
    func fragments() throws {
        let text = Array(subscribeText("é-nope").utf8)
        let bytes =
            clientBytes(text[..<10], isFinal: false) + clientBytes([7], opcode: 9)
            + clientBytes(text[10..<30], opcode: 0, isFinal: false)
            + clientBytes(text[30...], opcode: 0)
        for size in 1...bytes.count {
            let connection = try self.connect()
            _ = try connection.greet()
            for start in stride(from: 0, to: bytes.count, by: size) {
                try connection.send(bytes: Array(bytes[start..<min(start + size, bytes.count)]))
            }
            let frames = try connection.frames()
            #expect(frames.map(\.opcode) == [10, 1, 1])
            #expect(frames.dropFirst().first?.text.contains("Invalid channel name 'é-nope'") == true)
            try connection.finish()
        }
    }

    @Test("A close is answered with its code and ends the connection")
    func close() throws {
        let connection = try self.connect()
        _ = try connection.greet()
        try connection.send(bytes: clientBytes([0x03, 0xE8], opcode: 8))
        #expect(try connection.frames().last?.closeCode == 1000)
        #expect(!connection.channel.isActive)
        #expect(self.hub.statistics.connections == 0)
    }

    @Test("The answer to a close leaves behind what waits before it, and only then the connection ends")
    func closeBehindWaiting() throws {
        let socket = FullSocket()
        let connection = try EmbeddedConnection(hub: self.hub, loop: self.loop, before: socket)
        _ = try connection.greet()
        socket.isFull = true
        try connection.send(#"{"event":"pusher:ping","data":{}}"#)
        self.loop.run()
        try connection.send(bytes: clientBytes([0x03, 0xE8], opcode: 8))
        #expect(connection.channel.isActive)
        try socket.release(connection.channel)
        #expect(!connection.channel.isActive)
        #expect(try connection.frames().map(\.opcode) == [1, 8])
        #expect(self.hub.statistics.connections == 0)
    }

    @Test("A client that closes and reads no more is cut off")
    func closeUnread() throws {
        let socket = FullSocket()
        let connection = try EmbeddedConnection(hub: self.hub, loop: self.loop, before: socket)
        _ = try connection.greet()
        socket.isFull = true
        try connection.send(bytes: clientBytes([0x03, 0xE8], opcode: 8))
        #expect(connection.channel.isActive)
        self.loop.advanceTime(by: .milliseconds(500))
        #expect(!connection.channel.isActive)
        try connection.finish()
    }

    @Test("A client that does not answer our close frame is cut off")
    func closeTimeout() throws {
        let connection = try self.connect()
        _ = try connection.greet()
        connection.handler.session.close(.reconnect)
        #expect(try connection.frames().last?.closeCode == 4200)
        #expect(connection.channel.isActive)
        self.loop.advanceTime(by: .milliseconds(500))
        #expect(!connection.channel.isActive)
    }

    @Test("Nothing follows a close frame")
    func nothingAfterClose() throws {
        let connection = try self.connect()
        _ = try connection.greet()
        try connection.send(subscribeText("c"))
        _ = try connection.frames()
        self.hub.publish([.tick("c", 1)])
        connection.handler.session.close(.reconnect)
        self.hub.publish([.tick("c", 2)])
        try connection.send(subscribeText("d"))
        #expect(try connection.frames().map(\.opcode) == [1, 8])
        try connection.finish()
    }

    @Test("Silence is checked on the shard's clock: first a ping of both kinds, then 4201")
    func silence() throws {
        let connection = try self.connect()
        _ = try connection.greet()
        let shard = try #require(self.hub.shards.first)
        let now = ContinuousClock.now
        shard.checkSilence(now: now.advanced(by: .seconds(170)))
        #expect(try connection.frames().isEmpty)
        shard.checkSilence(now: now.advanced(by: .seconds(182)))
        #expect(try connection.frames().map(\.opcode) == [9, 1])
        shard.checkSilence(now: now.advanced(by: .seconds(214)))
        #expect(try connection.frames().last?.closeCode == 4201)
        try connection.finish()
    }
}
