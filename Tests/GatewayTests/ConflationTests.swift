import Channels
import NIOCore
import NIOEmbedded
import Testing

@testable import Gateway

@Suite("What a slow subscriber is told when it reads again")
struct ConflationTests {
    private let rig = QuoteRig(.init(pendingBytesSoftLimit: 60, pendingBytesHardLimit: 1_000_000))
    private let socket = FullSocket()

    /// A client whose socket takes nothing, and that has more waiting than the soft limit.
    private func stalled(_ channels: [String]) throws -> EmbeddedConnection {
        let client = try self.rig.client(before: self.socket)
        for channel in ["filler"] + channels { try client.send(subscribeText(channel)) }
        _ = try client.events()
        self.socket.isFull = true
        self.rig.publish(
            .init(channel: "filler", name: "filler", data: [UInt8](repeating: UInt8(ascii: "x"), count: 80)))
        return client
    }

    private func wake(_ client: EmbeddedConnection) throws -> [SeenEvent] {
        try self.socket.release(client.channel)
        return try client.events().filter { $0.name != "filler" }
    }

    private func candle(_ close: Int, isClosed: Bool) -> Channels.ChannelEvent {
        .init(
            channel: "candles-A;1m", name: "candle", data: Array(#"{"close":"\#(close)","closed":\#(isClosed)}"#.utf8))
    }

    @Test("The newest tick says how many it stands for, so that they add up")
    func ticks() throws {
        self.rig.publish(marketTick("ticker-A", 1))
        let client = try self.stalled(["ticker-A"])
        for sequence in 2...50 { self.rig.publish(marketTick("ticker-A", sequence)) }
        let events = try self.wake(client)
        #expect(events.map { $0.number("sequence") } == [50])
        #expect(events.map { $0.number("merged") } == [49])
        self.rig.publish(marketTick("ticker-A", 51))
        #expect(try client.events().map { $0.number("merged") } == [nil])
        try client.finish()
    }

    @Test("A single tick that waited is as it was")
    func single() throws {
        let client = try self.stalled(["ticker-A"])
        self.rig.publish(marketTick("ticker-A", 1))
        #expect(try self.wake(client).map { $0.number("merged") } == [nil])
        try client.finish()
    }

    @Test("Ticks of a rate variant add up what they were made of")
    func rateVariant() throws {
        let client = try self.stalled(["ticker-A;100ms"])
        for sequence in 1...40 {
            self.rig.publish(marketTick("ticker-A", sequence))
            self.rig.pass(milliseconds: 10)
        }
        self.rig.pass(milliseconds: 200)
        let events = try self.wake(client)
        #expect(events.map { $0.number("sequence") } == [40])
        #expect(events.map { $0.number("merged") } == [40])
        try client.finish()
    }

    @Test("Changes that were missed are made up for by the whole state")
    func delta() throws {
        self.rig.publish(marketTick("ticker-A", 1, price: 5))
        let client = try self.stalled(["ticker-A;delta"])
        self.rig.publish(marketTick("ticker-A", 2, price: 6))
        self.rig.publish(marketTick("ticker-A", 3, price: 6))
        let events = try self.wake(client)
        #expect(events.map(\.name) == ["snapshot"])
        #expect(
            events.map(\.data) == [#"{"symbol":"A","price":"6","side":"buy","sequence":3,"merged":2}"#])
        self.rig.publish(marketTick("ticker-A", 4, price: 6))
        #expect(try client.events().map(\.data) == [#"{"sequence":4,"merged":1}"#])
        try client.finish()
    }

    @Test("A market tells each symbol once, with all it stands for")
    func market() throws {
        let client = try self.stalled(["market;100ms"])
        for sequence in 1...30 {
            self.rig.publish(marketTick("ticker-A", sequence))
            if sequence % 3 == 0 { self.rig.publish(marketTick("ticker-B", sequence / 3)) }
            self.rig.pass(milliseconds: 20)
        }
        self.rig.pass(milliseconds: 300)
        let events = try self.wake(client)
        #expect(
            events.map(\.data) == [
                #"[{"symbol":"A","price":"30","side":"buy","sequence":30,"merged":30},"#
                    + #"{"symbol":"B","price":"10","side":"buy","sequence":10,"merged":10}]"#
            ])
        try client.finish()
    }

    @Test("Candles collapse to the newest, and closed ones are never lost")
    func candles() throws {
        let client = try self.stalled(["candles-A;1m"])
        for close in 1...5 { self.rig.publish(self.candle(close, isClosed: false)) }
        self.rig.publish(self.candle(6, isClosed: true))
        for close in 7...9 { self.rig.publish(self.candle(close, isClosed: false)) }
        self.rig.publish(self.candle(10, isClosed: true))
        let closes = try self.wake(client).map { $0.data.firstMatch(of: /close":"(\d+)"/).flatMap { Int($0.output.1) } }
        #expect(closes == [5, 6, 9, 10])
        try client.finish()
    }

    @Test("What waits goes before what cannot wait, on derived channels too")
    func order() throws {
        self.rig.publish(marketTick("ticker-A", 1))
        let client = try self.stalled(["ticker-A;delta"])
        self.rig.publish(marketTick("ticker-A", 2))
        self.rig.publish(.init(channel: "ticker-A", name: "stale", data: Array("{}".utf8)))
        self.rig.publish(marketTick("ticker-A", 3))
        let events = try self.wake(client)
        #expect(events.map(\.name) == ["tick", "stale", "tick"])
        #expect(events.map { $0.number("merged") } == [1, nil, 1])
        try client.finish()
    }

    @Test("A channel that is left while it waits is forgotten, and joined again begins afresh")
    func rejoining() throws {
        self.rig.publish(marketTick("ticker-A", 1))
        let client = try self.stalled(["ticker-A;delta"])
        self.rig.publish(marketTick("ticker-A", 2))
        try client.send(#"{"event":"pusher:unsubscribe","data":{"channel":"ticker-A;delta"}}"#)
        try client.send(subscribeText("ticker-A;delta"))
        self.rig.publish(marketTick("ticker-A", 3))
        let events = try self.wake(client)
        #expect(events.map(\.name) == ["snapshot", "tick"])
        #expect(events.last?.number("sequence") == 3)
        try client.finish()
    }
}
