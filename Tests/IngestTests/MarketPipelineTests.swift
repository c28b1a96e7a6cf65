import Alerts
import Channels
import Market
import NIOPosix
import Testing

@testable import Ingest

@Suite("Market pipeline")
struct MarketPipelineTests {
    @Test("A trade id that comes twice is one tick")
    func duplicates() async throws {
        let (pipeline, seen) = try makePipeline(venues: ["a"])
        pipeline.ingest([.trade(try trade("1", id: "x", venue: "a")), .trade(try trade("1", id: "x", venue: "a"))])
        pipeline.ingest([.trade(try trade("1.05", id: "y", venue: "a")), .trade(try trade("1", id: "x", venue: "a"))])
        try await pipeline.flush()
        #expect(seen.ticks.count == 2)
        #expect(pipeline.counters.duplicates == 2)
        #expect(pipeline.counters.ticks == 2)
    }

    @Test("Sequences count up by one on every channel")
    func sequences() async throws {
        let (pipeline, seen) = try makePipeline(venues: ["a"])
        pipeline.ingest(try (1...5).map { .trade(try trade("10\($0)", id: "\($0)", venue: "a")) })
        try await pipeline.flush()
        for channel in ["ticker-BTC-USD", "ticker-BTC-USD@a", "trades-BTC-USD", "trades-BTC-USD@a"] {
            #expect(seen.sequences(on: channel) == [1001, 1002, 1003, 1004, 1005])
        }
    }

    @Test("The best venue drives the plain channel, the other one its own channels only")
    func primaryVenue() async throws {
        let (pipeline, seen) = try makePipeline(venues: ["a", "b"])
        pipeline.ingest([.trade(try trade("10", id: "1", venue: "b"))])
        pipeline.ingest([.trade(try trade("11", id: "1", venue: "a")), .trade(try trade("12", id: "2", venue: "b"))])
        try await pipeline.flush()
        #expect(seen.prices(on: "ticker-BTC-USD") == ["10", "11"])
        #expect(seen.prices(on: "ticker-BTC-USD@b") == ["10", "12"])
    }

    @Test("Another venue takes over when the primary one is silent")
    func failover() async throws {
        let (pipeline, seen) = try makePipeline(venues: ["a", "b"], failoverAfter: .zero)
        pipeline.ingest([.trade(try trade("10", id: "1", venue: "a"))])
        pipeline.ingest([.trade(try trade("12", id: "2", venue: "b"))])
        try await pipeline.flush()
        #expect(seen.prices(on: "ticker-BTC-USD") == ["10", "12"])
    }

    @Test("A snapshot's trades are recorded and shown, but are no news on the trades channel and fire no alert")
    func snapshots() async throws {
        let (pipeline, seen) = try makePipeline(venues: ["a"])
        pipeline.reload([try alert("above 5")])
        pipeline.ingest([.trade(try trade("10", id: "1", venue: "a", flags: .snapshot))])
        try await pipeline.flush()
        #expect(seen.ticks.count == 1)
        #expect(seen.prices(on: "ticker-BTC-USD") == ["10"])
        #expect(seen.prices(on: "trades-BTC-USD").isEmpty)
        #expect(seen.fired == 0)
    }

    @Test("An alert fires once although the price stays beyond, and again only after it came back")
    func alerts() async throws {
        let (pipeline, seen) = try makePipeline(venues: ["a"])
        pipeline.reload([try alert("crosses above 100")])
        let prices = ["99"] + (0..<100).map { "\(101 + $0 % 3)" } + ["99", "102"]
        pipeline.ingest(try prices.enumerated().map { .trade(try trade($1, id: "\($0)", venue: "a")) })
        try await pipeline.flush()
        #expect(seen.fired == 2)
        #expect(pipeline.counters.alertsFired == 2)
        pipeline.reload([])
        pipeline.ingest(try ["98", "103"].enumerated().map { .trade(try trade($1, id: "z\($0)", venue: "a")) })
        try await pipeline.flush()
        #expect(seen.fired == 2)
    }

    @Test("A restored state is kept as the channel's snapshot and delivered to nobody")
    func restore() async throws {
        let (pipeline, seen) = try makePipeline(venues: ["a"])
        var state = MarketState(symbol: try Symbol("BTC-USD"), venue: try Venue("a"), asset: .crypto)
        state.apply(try trade("50", id: "1", venue: "a"))
        pipeline.restore([state])
        try await pipeline.flush()
        #expect(seen.events.map(\.retention) == [.keepOnly, .keepOnly])
        #expect(seen.prices(on: "ticker-BTC-USD") == ["50"])
    }
}

private func makePipeline(
    venues: [String], failoverAfter: Duration = .seconds(30)
) throws -> (MarketPipeline, Seen) {
    let seen = Seen()
    let pipeline = MarketPipeline(
        eventLoops: [MultiThreadedEventLoopGroup.singleton.next()], venuePriority: try venues.map { try Venue($0) },
        failoverAfter: failoverAfter, sequenceStart: 1000, outputs: seen.outputs
    )
    return (pipeline, seen)
}

private func trade(_ price: String, id: String, venue: String, flags: TickFlags = []) throws -> Trade {
    // Each trade a second after the one before, by its id, so that the newest is the last.
    try Trade(
        symbol: Symbol("BTC-USD"), venue: Venue(venue), price: #require(Decimal64(price)), size: Decimal64(1),
        side: .buy,
        id: id, eventTime: Timestamp(nanoseconds: 0), receivedTime: Timestamp(nanoseconds: 0), flags: flags
    )
}

private func alert(_ expression: String) throws -> Alert {
    Alert(
        id: 1, user: "ann", symbol: try Symbol("BTC-USD"), venue: nil,
        expression: try AlertExpression(parsing: expression),
        webhookURL: nil, state: AlertState()
    )
}
