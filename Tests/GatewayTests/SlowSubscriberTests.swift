import Channels
import NIOCore
import NIOEmbedded
import Testing

@testable import Gateway

@Suite("A subscriber that reads too slowly")
struct SlowSubscriberTests {
    private let loop = EmbeddedEventLoop()
    private let socket = FullSocket()

    private func connect(soft: Int, hard: Int) throws -> (Hub, EmbeddedConnection) {
        let hub = Hub(
            apps: [testApp], eventLoopGroup: self.loop,
            options: .init(pendingBytesSoftLimit: soft, pendingBytesHardLimit: hard)
        )
        let connection = try EmbeddedConnection(hub: hub, loop: self.loop, before: self.socket)
        _ = try connection.greet()
        for channel in ["a", "b", "t"] { try connection.send(subscribeText(channel)) }
        _ = try connection.frames()
        self.socket.isFull = true
        return (hub, connection)
    }

    private func publish(_ events: [Channels.ChannelEvent], _ hub: Hub) {
        hub.publish(events)
        self.loop.run()
    }

    private func trade(_ number: Int) -> Channels.ChannelEvent {
        .init(channel: "t", name: "trade", data: Array("\(number)".utf8))
    }

    @Test("Below the soft limit everything waits and arrives in order")
    func belowLimit() throws {
        let (hub, connection) = try self.connect(soft: 100_000, hard: 200_000)
        for number in 0..<50 { self.publish([.tick("a", number), self.trade(number)], hub) }
        try self.socket.release(connection.channel)
        let expected = (0..<50).flatMap {
            [#"{"event":"tick","channel":"a","data":"\#($0)"}"#, #"{"event":"trade","channel":"t","data":"\#($0)"}"#]
        }
        #expect(try connection.texts() == expected)
        #expect(hub.statistics.ticksConflated == 0)
        try connection.finish()
    }

    @Test("Past the soft limit ticks collapse to the newest of each channel; trades never do")
    func conflation() throws {
        let (hub, connection) = try self.connect(soft: 60, hard: 200_000)
        for number in 0..<50 { self.publish([.tick("a", number), .tick("b", number), self.trade(number)], hub) }
        try self.socket.release(connection.channel)
        let texts = try connection.texts()
        #expect(texts.filter { $0.contains("trade") }.count == 50)
        #expect(
            texts.filter { $0.contains("\"a\"") } == [0, 49].map { #"{"event":"tick","channel":"a","data":"\#($0)"}"# })
        #expect(texts.filter { $0.contains("\"b\"") }.count == 2)
        #expect(hub.statistics.ticksConflated == 2 * 48)
        self.publish([.tick("a", 50)], hub)
        #expect(try connection.texts() == [#"{"event":"tick","channel":"a","data":"50"}"#])
        try connection.finish()
    }

    @Test("A channel keeps its order when an event that cannot wait follows a tick that does")
    func order() throws {
        let (hub, connection) = try self.connect(soft: 60, hard: 200_000)
        self.publish([.tick("a", 0), .tick("b", 0)], hub)
        self.publish([.tick("a", 1)], hub)
        self.publish([.tick("a", 2), .init(channel: "a", name: "stale", data: [])], hub)
        self.publish([.tick("a", 3)], hub)
        try self.socket.release(connection.channel)
        #expect(
            try connection.texts().filter { $0.contains("\"a\"") }.map {
                $0.contains("stale") ? -1 : Int($0.dropLast(2).last?.wholeNumberValue ?? 9)
            } == [0, 2, -1, 3])
        try connection.finish()
    }

    @Test("Past the hard limit the connection is closed with 4100, and only this one")
    func hardLimit() throws {
        let (hub, connection) = try self.connect(soft: 1_000_000, hard: 500)
        let other = try EmbeddedConnection(hub: hub, loop: self.loop)
        _ = try other.greet()
        try other.send(subscribeText("t"))
        _ = try other.frames()
        for number in 0..<50 { self.publish([self.trade(number)], hub) }
        #expect(hub.statistics.slowClosed == 1)
        #expect(try other.frames().count == 50)
        try self.socket.release(connection.channel)
        let frames = try connection.frames()
        #expect(frames.last?.closeCode == 4100)
        #expect(frames.count < 20)
        try connection.finish()
        try other.finish()
    }

    @Test("A connection that ends while much is waiting leaves nothing behind")
    func ended() throws {
        let (hub, connection) = try self.connect(soft: 60, hard: 200_000)
        for number in 0..<5 { self.publish([.tick("a", number), self.trade(number)], hub) }
        try connection.channel.close().wait()
        self.publish([.tick("a", 9)], hub)
        #expect(hub.statistics.connections == 0)
        let next = try EmbeddedConnection(hub: hub, loop: self.loop)
        _ = try next.greet()
        try next.send(subscribeText("b"))
        self.publish([.tick("a", 10), .tick("b", 10)], hub)
        #expect(try next.texts().map { $0.contains("\"b\"") } == [true, true])
        try next.finish()
    }
}
