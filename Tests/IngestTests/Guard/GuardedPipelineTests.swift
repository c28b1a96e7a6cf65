import Alerts
import Channels
import FeedLanguage
import Market
import NIOCore
import NIOEmbedded
import Testing

@testable import Ingest

/// A pipeline on an event loop whose time the test sets.
struct GuardedPipeline {
    let loop = EmbeddedEventLoop()
    let seen = Seen()
    let pipeline: MarketPipeline

    init(
        venues: [String] = ["a", "b"], sequencing: FeedSequencing = FeedSequencing(trades: .contiguous)
    ) throws {
        let venues = try venues.map { try Venue($0) }
        self.pipeline = MarketPipeline(
            eventLoops: [self.loop], venuePriority: venues, failoverAfter: .seconds(30), sequenceStart: 1000,
            settings: GuardSettings(sequencing: Dictionary(uniqueKeysWithValues: venues.map { ($0, sequencing) })),
            outputs: self.seen.outputs
        )
    }

    func trade(
        _ price: String, _ number: Int64, venue: String = "a", second: Int64? = nil, flags: TickFlags = []
    ) throws {
        self.pipeline.ingest([
            .trade(
                try makeTrade(
                    price, id: "\(number)", sequence: number, second: second ?? number, venue: venue, flags: flags))
        ])
    }

    func backfill(_ trades: [Trade]) throws -> Int {
        let ticks = trades.map { trade in
            var trade = trade
            trade.flags.insert(.backfilled)
            return Tick.trade(trade)
        }
        let count = self.pipeline.shards[0].backfill(ticks)
        self.loop.run()
        return try count.wait()
    }

    func advance(_ seconds: Int64) { self.loop.advanceTime(by: .seconds(seconds)) }

    func count(_ reason: GuardReason, venue: String = "a") -> Int {
        self.pipeline.guardCounters.first { $0.feed.name == venue }?.count(reason) ?? 0
    }
}

@Suite("The guard in the pipeline")
struct GuardedPipelineTests {
    private let symbol = "BTC-USD"

    private func alert(_ expression: String) throws -> Alert {
        Alert(
            id: 1, user: "ann", symbol: try Symbol(self.symbol), venue: nil,
            expression: try AlertExpression(parsing: expression), webhookURL: nil, state: AlertState()
        )
    }

    @Test("A price that nobody confirms reaches neither recorder, channels nor alerts; it goes to quarantine")
    func quarantine() throws {
        let market = try GuardedPipeline()
        market.pipeline.reload([try self.alert("crosses above 120")])
        market.loop.run()
        try market.trade("100", 1)
        try market.trade("150", 2)
        try market.trade("101", 3)
        #expect(market.seen.ticks.count == 2)
        #expect(market.seen.prices(on: "ticker-BTC-USD") == ["100", "101"])
        #expect(market.seen.prices(on: "trades-BTC-USD@a") == ["100", "101"])
        #expect(market.seen.fired == 0)
        guard case .held(_, let trade)? = market.seen.quarantine.first else { throw Missing() }
        #expect(trade.price.description == "150")
        #expect(market.seen.quarantine.count == 1)
        #expect(market.count(.quarantined) == 1)
        // It came, though: its number leaves no hole.
        market.advance(2)
        #expect(market.seen.gaps.isEmpty)
    }

    @Test("A confirmed level is released in order: recorded, shown, and the alert fires once, on the first of the two")
    func release() throws {
        let market = try GuardedPipeline()
        market.pipeline.reload([try self.alert("crosses above 120")])
        market.loop.run()
        try market.trade("100", 1)
        try market.trade("150", 2)
        #expect(market.seen.fired == 0)
        try market.trade("151", 3)
        #expect(market.seen.fired == 1)
        #expect(market.seen.prices(on: "trades-BTC-USD") == ["100", "150", "151"])
        #expect(market.seen.ticks.count == 3)
        guard case .held(let held, _)? = market.seen.quarantine.first else { throw Missing() }
        #expect(market.seen.quarantine.last == .released(number: held))
        #expect(market.count(.released) == 1)
    }

    @Test("Another venue's price is a witness: at once when it was there before, later when it follows")
    func otherVenue() throws {
        let market = try GuardedPipeline()
        try market.trade("100", 1, venue: "a", second: 1)
        try market.trade("149", 1, venue: "b", second: 1)
        try market.trade("150", 2, venue: "a", second: 2)
        #expect(market.seen.prices(on: "trades-BTC-USD@a") == ["100", "150"])
        #expect(market.seen.quarantine.isEmpty)
        try market.trade("300", 3, venue: "a", second: 3)
        #expect(market.seen.quarantine.count == 1)
        // Both jumped: each would be an outlier of its own, together they agree.
        try market.trade("301", 2, venue: "b", second: 4)
        #expect(market.seen.prices(on: "trades-BTC-USD@b") == ["149", "301"])
        #expect(market.seen.prices(on: "trades-BTC-USD@a") == ["100", "150", "300"])
        #expect(market.seen.quarantine.count == 2)
    }

    @Test("Neither snapshots, quarantined nor outdated trades fire an alert or move its last price")
    func silentTrades() throws {
        let market = try GuardedPipeline(sequencing: FeedSequencing())
        market.pipeline.reload([try self.alert("above 104")])
        market.loop.run()
        try market.trade("100", 1, second: 10)
        try market.trade("105", 2, second: 11, flags: .snapshot)
        try market.trade("999", 4, second: 13)
        try market.trade("105", 5, second: 9)
        #expect(market.seen.fired == 0)
        try market.trade("105", 6, second: 14)
        #expect(market.seen.fired == 1)
        #expect(market.seen.prices(on: "trades-BTC-USD") == ["100", "105", "105"])
    }

    @Test("A backfilled trade fires what it would have fired in its time, once, and is no news on channels")
    func backfilledTrades() throws {
        let market = try GuardedPipeline(sequencing: FeedSequencing())
        market.pipeline.reload([try self.alert("above 104")])
        market.loop.run()
        try market.trade("100", 1, second: 10)
        try market.trade("105", 2, second: 12, flags: .backfilled)
        #expect(market.seen.fired == 1)
        try market.trade("106", 3, second: 14)
        #expect(market.seen.fired == 1)
        #expect(market.seen.prices(on: "trades-BTC-USD") == ["100", "106"])
    }

    @Test("A hole is told after the time that reorders are given, and closed when the missing trades come late")
    func gapByLateTrades() throws {
        let market = try GuardedPipeline(venues: ["a"])
        try market.trade("100", 1)
        try market.trade("101", 4)
        #expect(market.seen.gaps.isEmpty)
        market.advance(1)
        guard case .opened(let gap)? = market.seen.gaps.first else { throw Missing() }
        #expect(gap.missing == 2 && gap.bounds.fromSequence == 1 && gap.bounds.toSequence == 4)
        try market.trade("100", 2)
        #expect(market.seen.gaps.last == .narrowed(id: gap.id, repaired: 1))
        try market.trade("100", 3)
        #expect(
            market.seen.gaps.last
                == .closed(id: gap.id, repaired: 2, at: Timestamp(nanoseconds: 3_000_000_000)))
        let events = market.seen.texts("gap", on: "ticker-BTC-USD")
        #expect(events.count == 2)
        #expect(
            events[0]
                == #"{"symbol":"BTC-USD","venue":"a","from":"1970-01-01T00:00:01.000000Z","to":"1970-01-01T00:00:04.000000Z","fromSequence":1,"toSequence":4,"missing":2,"stream":"trades","reason":"sequence","state":"open","repaired":false}"#
        )
        #expect(events[1].contains(#""state":"repaired","repaired":true,"recovered":2}"#))
        #expect(market.seen.texts("gap", on: "ticker-BTC-USD@a").count == 2)
        #expect(market.count(.reorder) == 2)
        #expect(market.pipeline.guardCounters[0].gaps.first { $0.reason == .sequence }?.count == 1)
        #expect(market.pipeline.guardCounters[0].missing.first { $0.reason == .sequence }?.count == 2)
    }

    @Test("Trades that swap places within that time are no gap at all")
    func reorderIsNoGap() throws {
        let market = try GuardedPipeline()
        for number: Int64 in [1, 3, 2, 4] { try market.trade("100", number) }
        market.advance(5)
        #expect(market.seen.gaps.isEmpty)
        #expect(market.seen.texts("gap", on: "ticker-BTC-USD").isEmpty)
        #expect(market.count(.reorder) == 1)
        #expect(market.seen.ticks.count == 4)
    }

    @Test("Backfilled trades are recorded once, fill the hole and the window, and are no news")
    func backfill() throws {
        let market = try GuardedPipeline(venues: ["a"])
        try market.trade("100", 1, second: 60)
        try market.trade("101", 4, second: 300)
        market.advance(1)
        let asked = try (Int64(1)...4).map { try makeTrade("109", id: "\($0)", sequence: $0, second: $0 * 61) }
        #expect(try market.backfill(asked) == 2)
        guard case .closed(_, let repaired, _)? = market.seen.gaps.last else { throw Missing() }
        #expect(repaired == 2)
        #expect(market.seen.ticks.count == 4)
        #expect(market.seen.prices(on: "trades-BTC-USD") == ["100", "101"])
        #expect(market.count(.backfilled) == 2)
        try market.trade("101", 5, second: 301)
        let newest = try #require(market.seen.texts("tick", on: "ticker-BTC-USD").last)
        #expect(
            newest.contains(#""price":"101""#) && newest.contains(#""high":"109""#) && newest.contains(#""volume":"5""#)
        )
    }

    @Test("A settled gap is told to its channels, and the venue drives its symbol again")
    func settled() throws {
        let market = try GuardedPipeline()
        try market.trade("100", 1, venue: "b", second: 1)
        try market.trade("100", 1, second: 1)
        try market.trade("101", 3, second: 3)
        market.advance(1)
        // The gapped primary is passed over.
        try market.trade("102", 2, venue: "b", second: 4)
        #expect(market.seen.prices(on: "ticker-BTC-USD").last == "102")
        guard case .opened(let gap)? = market.seen.gaps.first else { throw Missing() }
        market.pipeline.settle(gap, as: .unrepairable, repaired: 0, at: Timestamp(nanoseconds: 9))
        #expect(
            market.seen.texts("gap", on: "ticker-BTC-USD@a").last?.contains(#""state":"unrepairable","repaired":false"#)
                == true)
        try market.trade("103", 4, second: 5)
        #expect(market.seen.prices(on: "ticker-BTC-USD").last == "103")
        // Late trades of a settled gap are reorders, nothing more.
        try market.trade("100", 2, second: 2)
        #expect(market.seen.gaps.count == 1)
    }

    @Test("Missing frames of a connection are one gap of all its symbols")
    func connectionGap() throws {
        let market = try GuardedPipeline(sequencing: FeedSequencing(connection: .contiguous))
        try market.trade("100", 1)
        market.pipeline.connectionGap(
            try Venue("a"), symbols: [try Symbol("BTC-USD"), try Symbol("ETH-USD")], from: 10, to: 14,
            since: Timestamp(nanoseconds: 5), at: Timestamp(nanoseconds: 9)
        )
        guard case .opened(let gap)? = market.seen.gaps.first else { throw Missing() }
        #expect(gap.symbols.count == 2 && gap.missing == 3 && gap.reason == .connection)
        #expect(market.seen.gaps.count == 1)
        #expect(market.seen.texts("gap", on: "ticker-BTC-USD").count == 1)
        market.pipeline.settle(gap, as: .repaired, repaired: 7, at: Timestamp(nanoseconds: 10))
        #expect(market.seen.texts("gap", on: "ticker-BTC-USD").last?.contains(#""recovered":7"#) == true)
    }

    @Test("A feed that is added or changed later is judged by its own promise")
    func laterFeed() throws {
        let market = try GuardedPipeline(sequencing: FeedSequencing())
        try market.trade("100", 1)
        try market.trade("100", 5)
        market.advance(2)
        #expect(market.seen.gaps.isEmpty)
        market.pipeline.update(FeedSequencing(trades: .contiguous), of: try Venue("a"))
        try market.trade("100", 6)
        try market.trade("100", 9)
        market.advance(2)
        #expect(market.seen.gaps.count == 1)
    }

    @Test("An older quote is recorded but does not replace the newer offers")
    func olderQuote() throws {
        let market = try GuardedPipeline(sequencing: FeedSequencing(quotes: .increasing))
        market.pipeline.ingest([.quote(try makeQuote("10", "11", sequence: 5, second: 5))])
        market.pipeline.ingest([.quote(try makeQuote("8", "9", sequence: 4, second: 4))])
        #expect(market.seen.ticks.count == 2)
        #expect(market.seen.texts("tick", on: "ticker-BTC-USD").count == 1)
        guard case .quote(let quote)? = market.seen.ticks.last else { throw Missing() }
        #expect(quote.flags == .outOfOrder)
    }

    private struct Missing: Error {}
}
