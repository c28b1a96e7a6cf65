import Channels
import Ingest
import Market
import NIOEmbedded
import Testing

private func time(_ second: Int64) -> Timestamp { Timestamp(nanoseconds: second * 1_000_000_000) }

@Suite("Halts in the pipeline")
struct HaltTests {
    private func status(_ state: TradingState, venue: String = "a", second: Int64 = 10) throws -> TradingStatus {
        TradingStatus(
            symbol: try Symbol("BTC-USD"), venue: try Venue(venue), state: state, reason: "News",
            eventTime: time(second),
            receivedTime: time(second)
        )
    }

    @Test("A halt is told once on the venue's and the plain channel, and shown by ticks until it ends")
    func told() throws {
        let market = try GuardedPipeline()
        try market.trade("100", 1)
        market.pipeline.tradingChanged([try self.status(.trading)])
        #expect(market.seen.texts("halt", on: "ticker-BTC-USD") == [])
        for _ in 0..<2 { market.pipeline.tradingChanged([try self.status(.halted)]) }
        let told = market.seen.texts("halt", on: "ticker-BTC-USD")
        #expect(told.count == 1)
        #expect(
            told.first?.hasPrefix(#"{"symbol":"BTC-USD","venue":"a","state":"halted","reason":"News","eventTime":""#)
                == true)
        #expect(market.seen.texts("halt", on: "ticker-BTC-USD@a") == told)
        #expect(market.seen.texts("tick", on: "ticker-BTC-USD").last?.contains(#""halted":true,"sequence""#) == true)
        market.pipeline.tradingChanged([try self.status(.trading)])
        #expect(market.seen.texts("halt", on: "ticker-BTC-USD").count == 2)
        #expect(market.seen.texts("tick", on: "ticker-BTC-USD").last?.contains("halted") == false)
    }

    @Test("The halt of another venue is told on its own channel only")
    func otherVenue() throws {
        let market = try GuardedPipeline()
        try market.trade("100", 1)
        try market.trade("100", 1, venue: "b")
        market.pipeline.tradingChanged([try self.status(.halted, venue: "b")])
        #expect(market.seen.texts("halt", on: "ticker-BTC-USD") == [])
        #expect(market.seen.texts("halt", on: "ticker-BTC-USD@b").count == 1)
    }

    @Test("A symbol that is halted is not called silent; a lost connection is told all the same")
    func silence() throws {
        let market = try GuardedPipeline(venues: ["a"])
        for number in 1...10 {
            try market.trade("100", Int64(number))
            market.advance(1)
        }
        market.pipeline.tradingChanged([try self.status(.halted)])
        market.advance(600)
        #expect(market.seen.texts("stale", on: "ticker-BTC-USD") == [])
        market.pipeline.connectionLost(try Venue("a"), symbols: [try Symbol("BTC-USD")], at: time(20))
        market.loop.run()
        #expect(market.seen.texts("stale", on: "ticker-BTC-USD").count == 1)
    }

    @Test("A trade during a halt does not end it; one that happened after the connection was lost does")
    func missedEnd() throws {
        let market = try GuardedPipeline(venues: ["a"])
        try market.trade("100", 1)
        market.pipeline.tradingChanged([try self.status(.halted)])
        try market.trade("101", 2, second: 11)
        #expect(market.seen.texts("halt", on: "ticker-BTC-USD").count == 1)
        let symbols = [try Symbol("BTC-USD")]
        market.pipeline.connectionLost(try Venue("a"), symbols: symbols, at: time(12))
        market.pipeline.connectionRestored(try Venue("a"), symbols: symbols, at: time(20))
        try market.trade("102", 3, second: 12)
        #expect(market.seen.texts("halt", on: "ticker-BTC-USD").count == 1)
        try market.trade("103", 4, second: 15)
        let told = market.seen.texts("halt", on: "ticker-BTC-USD")
        #expect(told.count == 2)
        #expect(told.last?.contains(#""state":"trading","eventTime""#) == true)
        #expect(market.seen.texts("tick", on: "ticker-BTC-USD").last?.contains("halted") == false)
    }
}
