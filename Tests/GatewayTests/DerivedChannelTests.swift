import Channels
import NIOCore
import NIOEmbedded
import Testing

@testable import Gateway

@Suite("Channels made of tickers")
struct DerivedChannelTests {
    private let rig = QuoteRig()

    @Test("The first tick after silence goes at once, the newest one of the rest after the interval")
    func interval() throws {
        self.rig.publish(marketTick("ticker-A", 1))
        let client = try self.rig.client("ticker-A;1s")
        #expect(try client.events().map(\.name) == ["snapshot"])
        self.rig.publish(marketTick("ticker-A", 2))
        var events = try client.events()
        #expect(events.map(\.name) == ["tick"])
        #expect((events.first?.number("sequence"), events.first?.number("merged")) == (2, 1))
        for sequence in 3...40 {
            self.rig.publish(marketTick("ticker-A", sequence))
            self.rig.pass(milliseconds: 20)
        }
        #expect(try client.events().isEmpty)
        self.rig.pass(milliseconds: 300)
        events = try client.events()
        #expect(events.count == 1)
        #expect((events.first?.number("sequence"), events.first?.number("merged")) == (40, 38))
        self.rig.pass(milliseconds: 5000)
        #expect(try client.events().isEmpty)
        self.rig.publish(marketTick("ticker-A", 41))
        #expect(try client.events().map { $0.number("merged") } == [1])
        try client.finish()
    }

    @Test("At 5 000 ticks a second one frame comes a second, and merged adds up to every tick")
    func busy() throws {
        self.rig.publish(marketTick("ticker-A", 1))
        let client = try self.rig.client("ticker-A;1s")
        _ = try client.events()
        var sequence = 1
        for _ in 0..<300 {
            let events = (1...50).map { marketTick("ticker-A", sequence + $0) }
            sequence += 50
            self.rig.hub.publish(events)
            self.rig.pass(milliseconds: 10)
        }
        self.rig.pass(milliseconds: 1100)
        let events = try client.events()
        #expect(events.count == 4)
        #expect(events.compactMap { $0.number("merged") }.reduce(1, +) == sequence)
        #expect(events.last?.number("sequence") == sequence)
        try client.finish()
    }

    @Test("Of a batch the newest tick goes, and stands for all of it")
    func batch() throws {
        let client = try self.rig.client("ticker-A;100ms")
        self.rig.publish(marketTick("ticker-A", 1), marketTick("ticker-A", 2), marketTick("ticker-A", 3))
        let events = try client.events()
        #expect(events.map { $0.number("sequence") } == [3])
        #expect(events.map { $0.number("merged") } == [3])
        try client.finish()
    }

    @Test("At most one tick an interval, for every interval", arguments: QuoteInterval.allCases)
    func everyInterval(interval: QuoteInterval) throws {
        let client = try self.rig.client("ticker-A;\(interval.rawValue)")
        var sequence = 0
        var seen: [SeenEvent] = []
        let step = interval.milliseconds / 20
        for _ in 0..<200 {
            sequence += 1
            self.rig.publish(marketTick("ticker-A", sequence))
            self.rig.pass(milliseconds: step)
            seen += try client.events()
        }
        // Ten intervals.
        #expect((9...11).contains(seen.count), "\(seen.count)")
        var known = 0
        for event in seen {
            let (number, merged) = (try #require(event.number("sequence")), try #require(event.number("merged")))
            #expect(number - merged == known)
            known = number
        }
        try client.finish()
    }

    @Test("Each subscriber gets the same frames, and who joins late gets what fits the next one")
    func joining() throws {
        self.rig.publish(marketTick("ticker-A", 1))
        let early = try self.rig.client("ticker-A;1s")
        _ = try early.events()
        self.rig.publish(marketTick("ticker-A", 2), marketTick("ticker-A", 3))
        self.rig.publish(marketTick("ticker-A", 4))
        let late = try self.rig.client("ticker-A;1s")
        #expect(try late.events().map { $0.number("sequence") } == [3])
        self.rig.pass(milliseconds: 1100)
        let events = try late.events()
        #expect(events.map { $0.number("sequence") } == [4])
        #expect(events.map { $0.number("merged") } == [1])
        #expect(try early.events().suffix(1) == events[...])
        try early.finish()
        try late.finish()
    }

    @Test("Changed fields come at once without an interval")
    func delta() throws {
        self.rig.publish(marketTick("ticker-A", 1, price: 7))
        let client = try self.rig.client("ticker-A;delta")
        #expect(try client.events().map(\.data) == [#"{"symbol":"A","price":"7","side":"buy","sequence":1}"#])
        self.rig.publish(marketTick("ticker-A", 2, price: 7), marketTick("ticker-A", 3, price: 8))
        #expect(
            try client.events().map(\.data) == [
                #"{"sequence":2,"merged":1}"#, #"{"price":"8","sequence":3,"merged":1}"#,
            ])
        try client.finish()
    }

    @Test("Changes of an interval are told together")
    func deltaWithInterval() throws {
        self.rig.publish(marketTick("ticker-A", 1, price: 7))
        let client = try self.rig.client("ticker-A;1s;delta")
        _ = try client.events()
        for sequence in 2...9 { self.rig.publish(marketTick("ticker-A", sequence, price: 7)) }
        self.rig.pass(milliseconds: 1100)
        #expect(
            try client.events().map(\.data) == [#"{"sequence":2,"merged":1}"#, #"{"sequence":9,"merged":7}"#])
        try client.finish()
    }

    @Test("stale, gap and halt come at once, and the ticks before them first", arguments: ["stale", "gap", "halt"])
    func passedOn(name: String) throws {
        let client = try self.rig.client("ticker-A;1m", "market;1m")
        self.rig.publish(marketTick("ticker-A", 1))
        _ = try client.events()
        self.rig.publish(marketTick("ticker-A", 2))
        self.rig.publish(.init(channel: "ticker-A", name: name, data: Array(#"{"symbol":"A"}"#.utf8)))
        let events = try client.events()
        #expect(events.filter { $0.channel == "ticker-A;1m" }.map(\.name) == ["tick", name])
        #expect(events.filter { $0.channel == "market;1m" }.map(\.name) == ["market", name])
        #expect(events.allSatisfy { $0.name != name || $0.data == #"{"symbol":"A"}"# })
        try client.finish()
    }

    @Test("The market has all primary tickers, each with what it stands for")
    func market() throws {
        self.rig.publish(marketTick("ticker-A", 1), marketTick("ticker-B", 1), marketTick("ticker-A@x", 1))
        let client = try self.rig.client("market;1s")
        let snapshot = try #require(try client.events().first)
        #expect(snapshot.name == "snapshot")
        #expect(snapshot.data.hasPrefix("[{") && !snapshot.data.contains("merged"))
        #expect(["\"A\"", "\"B\""].allSatisfy { snapshot.data.contains($0) } && !snapshot.data.contains("@x"))
        self.rig.publish(marketTick("ticker-B", 2), marketTick("ticker-C", 1), marketTick("ticker-B", 3))
        #expect(
            try client.events().map(\.data) == [
                #"[{"symbol":"B","price":"3","side":"buy","sequence":3,"merged":2},"#
                    + #"{"symbol":"C","price":"1","side":"buy","sequence":1,"merged":1}]"#
            ])
        self.rig.publish(marketTick("ticker-A", 2))
        #expect(try client.events().isEmpty)
        self.rig.pass(milliseconds: 1100)
        #expect(try client.events().map { $0.number("merged") } == [1])
        try client.finish()
    }

    @Test("Nothing is left of a derived channel when its last subscriber has gone, and a new one starts afresh")
    func ending() throws {
        let client = try self.rig.client("ticker-A;1s", "ticker-A;delta", "market;1s", "ticker-B;1m")
        self.rig.publish(marketTick("ticker-A", 1))
        _ = try client.events()
        try client.finish()
        self.rig.loop.run()
        let other = try self.rig.client("chat")
        self.rig.publish(.init(channel: "chat", name: "x", data: []))
        _ = try other.events()
        let shard = try #require(self.rig.hub.shard(of: self.rig.loop))
        #expect(shard.channels.channels.allSatisfy { $0.source == nil && $0.derived == nil })
        #expect(shard.quotes.markets.isEmpty)
        // A ticker that nobody published and that nothing is made of any more has no number.
        #expect(shard.channels.find(ChannelKey(app: 0, name: "ticker-B")) == nil)
        self.rig.publish(marketTick("ticker-A", 2))
        let next = try self.rig.client("ticker-A;1s")
        #expect(try next.events().map { $0.number("sequence") } == [2])
        try other.finish()
        try next.finish()
    }

    @Test("A private ticker has variants of its own ticks, not of the public one's")
    func privateTicker() throws {
        let client = try EmbeddedConnection(hub: self.rig.hub, loop: self.rig.loop)
        let name = "private-ticker-A;1s"
        let auth = ChannelAuth(app: testApp).sign(socketID: try client.greet(), channel: name)
        try client.send(subscribeText(name, auth: auth))
        _ = try client.texts()
        self.rig.publish(marketTick("ticker-A", 1))
        #expect(try client.events().isEmpty)
        self.rig.publish(marketTick("private-ticker-A", 2))
        #expect(try client.events().map { $0.number("sequence") } == [2])
        try client.finish()
    }
}
