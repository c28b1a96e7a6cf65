import Channels
import FeedLanguage
import Market
import NIOCore
import NIOEmbedded
import Testing

@testable import Ingest

@Suite("Primary venue and what subscribers are told of a feed")
struct FailoverTests {
    private let plain = "ticker-BTC-USD"

    private func lose(_ market: GuardedPipeline, _ venue: String = "a", isStall: Bool = false) throws {
        market.pipeline.connectionLost(
            try Venue(venue), symbols: [try Symbol("BTC-USD")], at: Timestamp(nanoseconds: 2_000_000_000),
            isStall: isStall, reason: "reset by peer"
        )
    }

    @Test("A lost connection hands the plain channel to the next venue at once, and its return takes it back")
    func disconnect() throws {
        let market = try GuardedPipeline()
        try market.trade("100", 1)
        try market.trade("200", 1, venue: "b", second: 1)
        try self.lose(market)
        #expect(market.seen.prices(on: self.plain) == ["100", "200"])
        #expect(market.seen.texts("stale", on: self.plain).isEmpty)
        #expect(market.seen.texts("stale", on: "ticker-BTC-USD@a").count == 1)
        try market.trade("201", 2, venue: "b", second: 2)
        try market.trade("101", 2)
        try market.trade("202", 3, venue: "b", second: 3)
        #expect(market.seen.prices(on: self.plain) == ["100", "200", "201", "101"])
        #expect(market.seen.sequences(on: self.plain) == [1001, 1002, 1003, 1004])
    }

    @Test("Without another venue subscribers are told that the price is stale, once, and the next tick ends it")
    func stale() throws {
        let market = try GuardedPipeline(venues: ["a"])
        try market.trade("100", 1)
        try self.lose(market)
        market.advance(5)
        #expect(
            market.seen.texts("stale", on: self.plain)
                == [
                    #"{"symbol":"BTC-USD","venue":"a","since":"1970-01-01T00:00:01.000000Z","reason":"disconnected"}"#
                ])
        try market.trade("101", 2)
        try self.lose(market)
        #expect(market.seen.texts("stale", on: self.plain).count == 2)
        #expect(market.seen.texts("stale", on: "ticker-BTC-USD@a").count == 2)
    }

    @Test(
        "A symbol that is removed and added again has no gap, though ticks that were under way came after it was removed"
    )
    func removedAndAdded() throws {
        let market = try GuardedPipeline(venues: ["a"])
        let venue = try Venue("a")
        let symbol = try Symbol("BTC-USD")
        try market.trade("100", 1)
        market.pipeline.left(venue, symbols: [symbol])
        try market.trade("100", 2)
        market.advance(3600)
        market.pipeline.joined(venue, symbols: [symbol])
        try market.trade("101", 700)
        market.advance(1)
        #expect(market.seen.gaps.isEmpty)
        try market.trade("101", 702)
        market.advance(1)
        #expect(market.seen.gaps.count == 1)
    }

    @Test("A symbol that is not asked for is never called stale, and its feed does not count it as lost")
    func removedIsNotStale() throws {
        let market = try GuardedPipeline(venues: ["a"])
        let venue = try Venue("a")
        let symbol = try Symbol("BTC-USD")
        for number in Int64(1)...10 {
            try market.trade("100", number)
            market.advance(1)
        }
        market.pipeline.left(venue, symbols: [symbol])
        try self.lose(market)
        market.advance(300)
        market.pipeline.left(venue, symbols: [symbol], isAskedForOthers: true)
        #expect(market.pipeline.feedStatuses.map(\.lostSymbols) == [0])
        #expect(market.pipeline.feedStatuses.map(\.state) == [.live])
        market.pipeline.joined(venue, symbols: [symbol])
        market.advance(5)
        #expect(market.seen.texts("stale", on: self.plain).isEmpty)
        #expect(market.seen.texts("stale", on: "ticker-BTC-USD@a").isEmpty)
        try market.trade("101", 500)
        try self.lose(market)
        #expect(market.seen.texts("stale", on: self.plain).count == 1)
    }

    @Test(
        "Where a symbol is removed at its primary venue another takes over at once, until the first tick after its return"
    )
    func removedPrimary() throws {
        let market = try GuardedPipeline()
        let symbol = try Symbol("BTC-USD")
        try market.trade("100", 1)
        try market.trade("200", 1, venue: "b", second: 1)
        market.pipeline.left(try Venue("a"), symbols: [symbol])
        #expect(market.seen.prices(on: self.plain).last == "200")
        market.pipeline.joined(try Venue("a"), symbols: [symbol])
        try market.trade("201", 2, venue: "b", second: 2)
        #expect(market.seen.prices(on: self.plain).last == "201")
        try market.trade("101", 900)
        #expect(market.seen.prices(on: self.plain).last == "101")
    }

    @Test("A venue that falls silent, much longer than usual, is replaced or called stale; a quiet symbol is not")
    func silence() throws {
        let market = try GuardedPipeline(venues: ["a"])
        for number in Int64(1)...10 {
            try market.trade("100", number)
            market.advance(1)
        }
        market.advance(25)
        #expect(market.seen.texts("stale", on: self.plain).isEmpty)
        market.advance(10)
        #expect(market.seen.texts("stale", on: self.plain).count == 1)
        #expect(market.seen.texts("stale", on: self.plain)[0].contains(#""reason":"silent""#))

        let quiet = try GuardedPipeline(venues: ["a"])
        for number in Int64(1)...10 {
            try quiet.trade("100", number)
            quiet.advance(20)
        }
        quiet.advance(300)
        #expect(quiet.seen.texts("stale", on: self.plain).isEmpty)
    }

    @Test("When the primary venue is silent the next one takes over with its next tick, and gives back")
    func silentPrimary() throws {
        let market = try GuardedPipeline()
        try market.trade("100", 1)
        try market.trade("200", 1, venue: "b", second: 1)
        market.advance(29)
        try market.trade("201", 2, venue: "b", second: 2)
        #expect(market.seen.prices(on: self.plain) == ["100"])
        market.advance(2)
        try market.trade("202", 3, venue: "b", second: 3)
        #expect(market.seen.prices(on: self.plain).last == "202")
        try market.trade("101", 2)
        #expect(market.seen.prices(on: self.plain).last == "101")
    }

    @Test("A gapped primary is passed over while its trades are asked for, a minute at most; alone it stays")
    func gapped() throws {
        let market = try GuardedPipeline()
        try market.trade("200", 1, venue: "b", second: 1)
        try market.trade("100", 1)
        try market.trade("101", 3)
        market.advance(1)
        #expect(market.seen.prices(on: self.plain).last == "200")
        try market.trade("102", 4)
        #expect(market.seen.prices(on: self.plain).last == "200")
        market.advance(61)
        try market.trade("103", 5)
        #expect(market.seen.prices(on: self.plain).last == "103")

        let alone = try GuardedPipeline(venues: ["a"])
        try alone.trade("100", 1)
        try alone.trade("101", 3)
        alone.advance(1)
        try alone.trade("102", 4)
        #expect(alone.seen.prices(on: self.plain).last == "102")
    }

    @Test("A venue that only misses trades is better than one whose connection is lost")
    func gappedOrLost() throws {
        let market = try GuardedPipeline()
        try market.trade("100", 1)
        try market.trade("200", 1, venue: "b", second: 1)
        try market.trade("201", 4, venue: "b", second: 4)
        market.advance(1)
        try self.lose(market)
        #expect(market.seen.prices(on: self.plain).last == "201")
    }

    @Test("A stall and the first trade after it leave a gap by time")
    func stallGap() throws {
        let market = try GuardedPipeline(venues: ["a"], sequencing: FeedSequencing())
        try market.trade("100", 1)
        try self.lose(market, isStall: true)
        market.pipeline.connectionRestored(try Venue("a"), symbols: [try Symbol("BTC-USD")])
        try market.trade("101", 2, second: 40)
        market.advance(1)
        guard case .opened(let gap)? = market.seen.gaps.first else { throw Missing() }
        #expect(gap.reason == .stall && gap.missing == nil)
        #expect(gap.bounds.fromID == "1" && gap.bounds.toID == "2")
    }

    @Test("The status channel tells each change of a feed's state once, and keeps all states as its snapshot")
    func status() throws {
        let market = try GuardedPipeline(venues: ["a"])
        let venue = try Venue("a")
        let zero = Timestamp(nanoseconds: 0)
        market.pipeline.feedChanged(venue, to: .connecting, at: zero)
        market.pipeline.connectionRestored(venue, symbols: [try Symbol("BTC-USD")], at: zero)
        market.pipeline.connectionRestored(venue, symbols: [try Symbol("BTC-USD")], at: zero)
        try market.trade("100", 1)
        try market.trade("100", 3)
        market.advance(1)
        try market.trade("100", 2)
        try self.lose(market)
        try self.lose(market)
        market.pipeline.feedChanged(venue, to: .failed, reason: "key refused", at: zero)
        let states = market.seen.texts("feed", on: "status").map { text in
            String(text.split(separator: "\"state\":\"")[1].prefix { $0 != "\"" })
        }
        #expect(states == ["connecting", "live", "gap", "live", "stale", "failed"])
        let last = try #require(market.seen.texts("feed", on: "status").last)
        #expect(last.contains(#""feed":"a""#) && last.contains(#""reason":"key refused""#))
        let kept = market.seen.events.filter { $0.channel == "status" && $0.retention == .keepOnly }
        #expect(kept.count == states.count)
        #expect(String(decoding: kept[0].data, as: UTF8.self).hasPrefix(#"{"feeds":[{"feed":"a","state":"connecting""#))
        #expect(market.pipeline.feedStatuses.map(\.state) == [.failed])
    }

    @Test("A feed of several connections is live again only when all of them are")
    func severalConnections() throws {
        let market = try GuardedPipeline(venues: ["a"])
        let venue = try Venue("a")
        let symbols = [try Symbol("BTC-USD"), try Symbol("ETH-USD")]
        market.pipeline.connectionRestored(venue, symbols: symbols)
        for symbol in symbols {
            market.pipeline.connectionLost(venue, symbols: [symbol], at: Timestamp(nanoseconds: 0))
        }
        market.pipeline.connectionRestored(venue, symbols: [symbols[0]])
        #expect(market.pipeline.feedStatuses.map(\.state) == [.stale])
        #expect(market.pipeline.feedStatuses.map(\.lostSymbols) == [1])
        market.pipeline.connectionRestored(venue, symbols: [symbols[1]])
        #expect(market.pipeline.feedStatuses.map(\.state) == [.live])
    }

    private struct Missing: Error {}
}
