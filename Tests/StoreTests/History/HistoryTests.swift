import Market
import Postgres
import Testing

@testable import Store

@Suite("History", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(2)))
struct HistoryTests {
    /// The same candles the slow and obvious way.
    private func expectedCandles(_ trades: [Trade], intervalSeconds: Int) throws -> [Candle] {
        let interval = Int64(intervalSeconds) * 1_000_000_000
        func comesBefore(_ left: Trade, _ right: Trade) -> Bool {
            if left.eventTime != right.eventTime { return left.eventTime < right.eventTime }
            let (leftSequence, rightSequence) = (left.venueSequence ?? .max, right.venueSequence ?? .max)
            if leftSequence != rightSequence { return leftSequence < rightSequence }
            if left.receivedTime != right.receivedTime { return left.receivedTime < right.receivedTime }
            return (left.id?.count ?? 0, left.id ?? "") < (right.id?.count ?? 0, right.id ?? "")
        }
        let groups = Dictionary(grouping: trades) { $0.eventTime.nanoseconds / interval }
        return try groups.sorted { $0.key < $1.key }.map { key, group in
            let sorted = group.sorted(by: comesBefore)
            let first = try #require(sorted.first)
            var volume = DecimalSum()
            for trade in sorted { volume.add(trade.size ?? .zero) }
            return Candle(
                start: Timestamp(nanoseconds: key * interval), open: first.price,
                high: sorted.map(\.price).max() ?? first.price, low: sorted.map(\.price).min() ?? first.price,
                close: sorted[sorted.count - 1].price, volume: volume.value, tradeCount: Int64(sorted.count)
            )
        }
    }

    @Test("Minute buckets are the minutes of each symbol and venue")
    func minuteBuckets() async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: 10)
            let start = try time("2026-11-23T10:00:00Z")
            let trades = try Trade.random(count: 1_000, from: start, seconds: 300, using: &random)
            try await store.recording { recorder in
                recorder.record(trades.map { .trade($0) })
                try await recorder.flush()
            }
            try await CandleBuilder(client: store.client, catalog: store.catalog, logger: TestServer.logger)
                .mend(olderThan: .zero)
            let buckets = try await store.history.minuteBuckets(since: try time("2026-11-23T10:02:00Z"))
            #expect(Set(buckets.map(\.candle.start)).count == 3)
            for symbol in Set(trades.map(\.symbol)) {
                for venue in Set(trades.map(\.venue)) {
                    let candles = buckets.filter { $0.symbol == symbol && $0.venue == venue }.map(\.candle)
                    let own = trades.filter { $0.symbol == symbol && $0.venue == venue }
                    #expect(candles == Array(try expectedCandles(own, intervalSeconds: 60).dropFirst(2)))
                }
            }
            let stocks = try await store.history.minuteBuckets(since: start, of: [.stock])
            #expect(Set(stocks.map(\.symbol)) == [try Symbol("AAPL")])
            let others = try await store.history.minuteBuckets(since: start, of: [.crypto, .fx])
            #expect(Set(others.map(\.symbol)) == [try Symbol("BTC-USD"), try Symbol("ETH-USD")])
        }
    }

    @Test("An unknown symbol or venue is named with what may have been meant")
    func unknownNames() async throws {
        try await TestStore.with { store in
            let names = try ["BTC-USD", "ETH-USD", "BTC-EUR", "AAPL"].map { try Symbol($0) }
            try await store.catalog.register(names, asset: .crypto)
            let start = try time("2026-11-23T10:00:00Z")
            let end = start.advanced(byNanoseconds: 1_000_000_000)
            let error = await #expect(throws: StoreError.self) {
                try await store.history.candles(
                    CandleQuery(symbol: try Symbol("BTC-USE"), interval: .minute, since: start, until: end))
            }
            #expect(error?.description == "Unknown symbol 'BTC-USE'. Did you mean BTC-USD?")
            await #expect(throws: StoreError.unknownVenue("nasdaq", known: [])) {
                try await store.history.candles(
                    CandleQuery(
                        symbol: names[0], venue: try Venue("nasdaq"), interval: .minute, since: start, until: end))
            }
            await #expect(throws: StoreError.self) {
                try await store.history.candles(
                    CandleQuery(symbol: names[0], interval: .minute, since: end, until: start))
            }
            await #expect(throws: StoreError.self) {
                try await store.history.ticks(TickQuery(symbol: names[0], since: end, until: end)) { _ in }
            }
            // Known, but without trades: no candles, and no error.
            let query = CandleQuery(symbol: names[0], interval: .minute, since: start, until: end)
            #expect(try await store.history.candles(query).isEmpty)
            try await store.history.ticks(TickQuery(symbol: names[0])) { _ in Issue.record("a tick") }
            let statistics = try await store.history.statistics(of: names[0])
            #expect(statistics.venues.isEmpty && statistics.first == nil)
        }
    }

    @Test("Registering tells what kind of instrument a symbol is, and can correct it")
    func register() async throws {
        try await TestStore.with { store in
            let symbol = try Symbol("EUR-USD")
            try await store.catalog.register([symbol], asset: .crypto)
            try await store.catalog.register([symbol], asset: .fx)
            let rows = try await store.client.query("SELECT name, asset FROM symbols")
            #expect(rows.map { [$0.optionalText(0), $0.optionalText(1)] } == [["EUR-USD", "fx"]])
        }
    }
}

@Suite("Misspelt names")
struct SpellingTests {
    @Test(
        "The nearest names come first, and only those that are near",
        arguments: [
            ("BTC-USE", ["BTC-USD"]), ("BTC", ["BTC-EUR", "BTC-USD"]), ("APPL", ["AAPL"]), ("AAPLE", ["AAPL"]),
            ("XYZ", []), ("", []), ("BTCUSD", ["BTC-USD"]),
        ]
    )
    func nearest(name: String, expected: [String]) {
        #expect(Spelling.nearest(to: name, among: ["BTC-USD", "ETH-USD", "BTC-EUR", "AAPL"]) == expected)
    }
}
