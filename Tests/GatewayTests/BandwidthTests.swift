import Channels
import Compression
import NIOCore
import NIOEmbedded
import Testing

@testable import Gateway

@Suite("A budget of bytes for each connection")
struct BandwidthTests {
    private func run(
        _ rig: QuoteRig, _ client: EmbeddedConnection, channels: [String], seconds: Int
    ) throws -> (bytes: Int, events: [SeenEvent]) {
        var bytes = 0
        var events: [SeenEvent] = []
        for step in 1...(seconds * 100) {
            for channel in channels { rig.publish(marketTick(channel, step)) }
            rig.pass(milliseconds: 10)
            let texts = try client.texts()
            bytes += texts.reduce(0) { $0 + $1.utf8.count + 2 }
            events += texts.compactMap { SeenEvent($0) }
        }
        return (bytes, events)
    }

    @Test("It holds on average, every channel has its share, and ticks add up")
    func budget() throws {
        let rig = QuoteRig(.init(connectionBytesPerSecondMax: 2000))
        let channels = ["ticker-A", "ticker-B", "ticker-C", "ticker-D"]
        for channel in channels { rig.publish(marketTick(channel, 0)) }
        let client = try EmbeddedConnection(hub: rig.hub, loop: rig.loop)
        _ = try client.greet()
        for channel in channels { try client.send(subscribeText(channel)) }
        _ = try client.texts()
        let (bytes, events) = try self.run(rig, client, channels: channels, seconds: 20)
        // 800 kB were offered; a little more than the budget, because a frame is sent whole.
        #expect((30_000...44_000).contains(bytes), "\(bytes)")
        let counts = channels.map { channel in events.filter { $0.channel == channel }.count }
        let (most, least) = (counts.max() ?? 0, counts.min() ?? 0)
        #expect(most - least <= 2, "\(counts)")
        for channel in channels {
            var known = 0
            for event in events where event.channel == channel {
                let sequence = try #require(event.number("sequence"))
                #expect(sequence - (event.number("merged") ?? 1) == known)
                known = sequence
            }
            #expect(known > 1900)
        }
        try client.finish()
    }

    @Test("Within the budget a change stays a change, beyond it the whole state comes")
    func changes() throws {
        let rig = QuoteRig(.init(connectionBytesPerSecondMax: 2000))
        rig.publish(marketTick("ticker-A", 1))
        let client = try rig.client("ticker-A;delta")
        _ = try client.texts()
        for sequence in 2...4 {
            rig.pass(milliseconds: 1000)
            rig.publish(marketTick("ticker-A", sequence))
        }
        #expect(try client.events().map(\.name) == ["tick", "tick", "tick"])
        for sequence in 5...60 { rig.publish(marketTick("ticker-A", sequence)) }
        rig.pass(milliseconds: 1000)
        let last = try #require(try client.events().last)
        #expect(last.name == "snapshot")
        #expect(last.number("sequence") == 60)
        try client.finish()
    }

    @Test("What must not be lost is sent whatever the budget says")
    func trades() throws {
        let rig = QuoteRig(.init(connectionBytesPerSecondMax: 256))
        let client = try rig.client("t")
        _ = try client.texts()
        for number in 0..<200 {
            rig.publish(.init(channel: "t", name: "trade", data: Array("\(number)".utf8)))
        }
        #expect(try client.events().count == 200)
        try client.finish()
    }

    @Test("What a budget holds back is compressed too, and so are trades on the way")
    func compressed() throws {
        let rig = QuoteRig(.init(connectionBytesPerSecondMax: 5000))
        let client = try EmbeddedConnection(hub: rig.hub, loop: rig.loop, isCompressed: true)
        _ = try client.greet()
        for channel in ["ticker-A", "ticker-A;delta", "market;100ms", "trades"] {
            try client.send(subscribeText(channel))
        }
        _ = try client.frames()
        let pad = String(repeating: "tick tack ", count: 50)
        for sequence in 1...50 {
            var tick = marketTick("ticker-A", sequence)
            tick.data = Array(#"{"symbol":"A","pad":"\#(pad)\#(sequence)","sequence":\#(sequence)}"#.utf8)
            rig.publish(tick, .init(channel: "trades", name: "trade", data: Array(pad.utf8)))
            rig.pass(milliseconds: 100)
        }
        let frames = try client.frames()
        let inflater = try Inflater(.deflate)
        let texts = try frames.filter(\.isCompressed).map { frame in
            try frame.payload.withUnsafeBytes {
                String(decoding: try inflater.unpackMessage($0, bytesMax: 10_000), as: UTF8.self)
            }
        }
        #expect(frames.allSatisfy { $0.isCompressed || $0.payload.count < 400 })
        #expect(
            Set(texts.compactMap { SeenEvent($0)?.channel }) == [
                "ticker-A", "ticker-A;delta", "market;100ms", "trades",
            ])
        #expect(texts.filter { $0.contains(#""event":"trade""#) }.count == 50)
        try client.finish()
    }

    @Test("A client that is quiet gets its ticks again at once")
    func recovery() throws {
        let rig = QuoteRig(.init(connectionBytesPerSecondMax: 1000))
        let client = try rig.client("ticker-A")
        _ = try self.run(rig, client, channels: ["ticker-A"], seconds: 1)
        rig.pass(milliseconds: 5000)
        let last = try client.events().last
        #expect(last == nil || last?.number("sequence") == 100)
        rig.publish(marketTick("ticker-A", 101))
        #expect(try client.events().map { $0.number("merged") } == [nil])
        try client.finish()
    }

    @Test("A client may ask for less, not for more, and is told when it asks for nonsense")
    func asking() {
        #expect(BandwidthMeter.bytesPerSecond(asked: "256") == 256)
        for text in ["", "0", "255", "-5", "1e3", "many"] {
            #expect(BandwidthMeter.bytesPerSecond(asked: text) == nil)
            #expect(BandwidthMeter.problem(with: text).contains("256"))
        }
        let rig = QuoteRig(.init(connectionBytesPerSecondMax: 1000))
        let shard = rig.hub.shards[0]
        shard.setBudget(0, asked: 5000)
        #expect(shard.meter.bytesPerSecond(0) == 1000)
        shard.setBudget(0, asked: 500)
        #expect(shard.meter.bytesPerSecond(0) == 500)
    }
}
