import Channels
import Market
import NIOEmbedded
import NIOCore
import Testing

@testable import Ingest

@Suite("Candles on channels")
struct CandleChannelTests {
    private let loop = EmbeddedEventLoop()
    private let seen = Seen()

    private func makePipeline(tellsCandles: Bool = true) throws -> MarketPipeline {
        MarketPipeline(
            eventLoops: [self.loop], venuePriority: [try Venue("a"), try Venue("b")], sequenceStart: 1000,
            tellsCandles: tellsCandles, outputs: self.seen.outputs
        )
    }

    private func trade(_ price: String, id: Int, venue: String, at time: Timestamp) throws -> Tick {
        .trade(
            try Trade(
                symbol: Symbol("BTC-USD"), venue: Venue(venue), price: #require(Decimal64(price)), size: Decimal64(1),
                side: .buy, id: "\(id)", eventTime: time, receivedTime: time))
    }

    private func day(_ channel: String) throws -> String {
        try #require(self.seen.texts("candle", on: channel).last)
    }

    @Test("Each venue has its own, and all venues together are what the history shows without a venue")
    func venues() throws {
        let pipeline = try self.makePipeline()
        // A day that is open whenever the test runs.
        let time = Timestamp.now
        pipeline.ingest([
            try self.trade("10", id: 1, venue: "a", at: time),
            try self.trade("12", id: 1, venue: "b", at: time.advanced(byNanoseconds: 1_000)),
            try self.trade("11", id: 2, venue: "a", at: time.advanced(byNanoseconds: 2_000)),
        ])
        self.loop.run()
        self.loop.advanceTime(by: .seconds(1))
        let one =
            #""open":"10","high":"11","low":"10","close":"11","volume":"2","vwap":"10.5","trades":2,"closed":false}"#
        #expect(try self.day("candles-BTC-USD@a;1d").contains(one))
        #expect(try self.day("candles-BTC-USD@b;1d").contains(#""venue":"b","interval":"1d""#))
        let all =
            #""open":"10","high":"12","low":"10","close":"11","volume":"3","vwap":"11","trades":3,"closed":false}"#
        #expect(try self.day("candles-BTC-USD;1d").contains(all))
        #expect(!(try self.day("candles-BTC-USD;1d").contains("venue")))
    }

    @Test("Switched off, none is told, of stored ones neither, and ticks go on")
    func switchedOff() throws {
        let pipeline = try self.makePipeline(tellsCandles: false)
        let key = VenueSymbol(try Symbol("BTC-USD"), try Venue("a"))
        pipeline.restore([key: CandleSheet(isStock: false)])
        pipeline.ingest([try self.trade("10", id: 1, venue: "a", at: .now)])
        self.loop.run()
        self.loop.advanceTime(by: .seconds(5))
        #expect(self.seen.events.map(\.name).sorted() == ["tick", "tick", "trade", "trade"])
    }

    @Test("However many trades there are, a candle is told once a second")
    func rate() throws {
        let pipeline = try self.makePipeline()
        let time = Timestamp.now
        for id in 1...1000 {
            pipeline.ingest([try self.trade("10", id: id, venue: "a", at: time)])
            self.loop.run()
            self.loop.advanceTime(by: .milliseconds(5))
        }
        self.loop.advanceTime(by: .seconds(1))
        let days = self.seen.texts("candle", on: "candles-BTC-USD;1d")
        #expect((5...7).contains(days.count))
        #expect(try #require(days.last).contains(#""trades":1000"#))
        self.loop.advanceTime(by: .seconds(20))
        #expect(self.seen.texts("candle", on: "candles-BTC-USD;1d").count == days.count)
    }

    @Test("A candle whose time is over is told closed, and corrected by a trade that comes late")
    func closing() throws {
        let pipeline = try self.makePipeline()
        let time = Timestamp(microseconds: 1_795_435_200_000_000)
        pipeline.ingest([try self.trade("10", id: 1, venue: "a", at: time)])
        self.loop.run()
        self.loop.advanceTime(by: .seconds(3))
        #expect(self.seen.texts("candle", on: "candles-BTC-USD;1m").map { $0.hasSuffix(#""closed":true}"#) } == [true])
        pipeline.ingest([try self.trade("10.1", id: 2, venue: "a", at: time.advanced(byNanoseconds: 5000))])
        self.loop.run()
        self.loop.advanceTime(by: .seconds(3))
        let candles = self.seen.texts("candle", on: "candles-BTC-USD;1m")
        #expect(candles.count == 2)
        #expect(try #require(candles.last).contains(#""high":"10.1""#))
    }

    @Test("Stored candles are kept for those who subscribe, and go on")
    func restored() throws {
        let pipeline = try self.makePipeline()
        let time = Timestamp.now
        var sheet = CandleSheet(isStock: false)
        guard case .trade(let trade) = try self.trade("10", id: 1, venue: "a", at: time) else { return }
        sheet.add(trade)
        _ = sheet.changes(now: time.microseconds, grace: 0)
        pipeline.restore([VenueSymbol(trade.symbol, trade.venue): sheet])
        self.loop.run()
        let kept = self.seen.events.filter { $0.name == "candle" }
        #expect(kept.count == 2 * CandleInterval.kept.count)
        #expect(kept.allSatisfy { $0.retention == .keepOnly })
        pipeline.ingest([try self.trade("11", id: 2, venue: "a", at: time.advanced(byNanoseconds: 1_000))])
        self.loop.run()
        self.loop.advanceTime(by: .seconds(1))
        #expect(try self.day("candles-BTC-USD;1d").contains(#""trades":2"#))
    }
}
