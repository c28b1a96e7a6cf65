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

    @Test(
        "Candles agree with a plain computation over the same trades", arguments: [UInt64(1), 2], [1, 60, 300, 86_400])
    func candles(seed: UInt64, intervalSeconds: Int) async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: seed)
            let start = try time("2026-11-22T23:50:00Z")
            // Across midnight, with equal times and a duplicate of each trade.
            var trades = try Trade.random(count: 2_000, from: start, seconds: 1_200, using: &random)
            for index in trades.indices where index % 5 == 0 { trades[index].eventTime = trades[index / 2].eventTime }
            try await store.recording { [trades] recorder in
                recorder.record((trades + trades).map { .trade($0) })
                try await recorder.flush()
            }
            let symbol = try Symbol("ETH-USD")
            let kraken = try Venue("kraken")
            let end = start.advanced(byNanoseconds: 1_200_000_000_000)
            let all = trades.filter { $0.symbol == symbol }
            let consolidated = try await store.history.candles(
                symbol, since: start, until: end, intervalSeconds: intervalSeconds)
            let wanted = try expectedCandles(all, intervalSeconds: intervalSeconds)
            #expect(consolidated == wanted)
            let ofVenue = try await store.history.candles(
                symbol, venue: kraken, since: start, until: end, intervalSeconds: intervalSeconds
            )
            #expect(
                ofVenue == (try expectedCandles(all.filter { $0.venue == kraken }, intervalSeconds: intervalSeconds)))
            let newest = try await store.history.candles(
                symbol, since: start, until: end, intervalSeconds: intervalSeconds, limit: 3
            )
            #expect(newest == Array(wanted.suffix(3)))
        }
    }

    @Test("The first and the last candle are complete, wherever the span cuts them")
    func alignment() async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: 9)
            let start = try time("2026-11-23T10:00:00Z")
            let trades = try Trade.random(count: 1_000, from: start, seconds: 300, using: &random)
            try await store.recording { recorder in
                recorder.record(trades.map { .trade($0) })
                try await recorder.flush()
            }
            let symbol = try Symbol("AAPL")
            let cut = try await store.history.candles(
                symbol, since: try time("2026-11-23T10:01:30Z"), until: try time("2026-11-23T10:03:10Z"),
                intervalSeconds: 60
            )
            let wanted = try expectedCandles(trades.filter { $0.symbol == symbol }, intervalSeconds: 60)
            #expect(cut == Array(wanted[1...3]))
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

    @Test("Ticks come in order, in batches, as they were recorded", arguments: [1, 7, 2_000])
    func ticks(batchSize: Int) async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: 11)
            let start = try time("2026-11-22T23:58:00Z")
            let trades = try Trade.random(count: 300, from: start, seconds: 240, using: &random)
            let quotes = trades.map {
                Quote(
                    symbol: $0.symbol, venue: $0.venue, bid: $0.price, ask: nil, bidSize: $0.size,
                    eventTime: $0.eventTime.advanced(byNanoseconds: 1_000), receivedTime: $0.receivedTime
                )
            }
            try await store.recording { recorder in
                recorder.record(trades.map { .trade($0) } + quotes.map { .quote($0) })
                try await recorder.flush()
            }
            let symbol = try Symbol("BTC-USD")
            var query = TickQuery(symbol: symbol, since: start, until: start.advanced(byNanoseconds: 241_000_000_000))
            let wanted = Set(trades.map { Tick.trade($0) } + quotes.map { Tick.quote($0) }).filter {
                $0.symbol == symbol
            }
            var read: [Tick] = []
            try await store.history.ticks(query, batchSize: batchSize) { batch in
                #expect((1...batchSize).contains(batch.count))
                read += batch
            }
            #expect(read.count == wanted.count)
            #expect(Set(read) == wanted)
            #expect(zip(read, read.dropFirst()).allSatisfy { $0.eventTime <= $1.eventTime })

            query.limit = 10
            query.kinds = [.trades]
            query.venue = try Venue("coinbase")
            var newest: [Tick] = []
            try await store.history.ticks(query, batchSize: batchSize) { newest += $0 }
            let coinbase = read.filter { tick in
                if case .trade(let trade) = tick { return trade.venue == query.venue }
                return false
            }
            #expect(newest == Array(coinbase.suffix(10)))
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
                try await store.history.candles(try Symbol("BTC-USE"), since: start, until: end, intervalSeconds: 60)
            }
            #expect(error?.description == "Unknown symbol 'BTC-USE'. Did you mean BTC-USD?")
            await #expect(throws: StoreError.unknownVenue("nasdaq", known: [])) {
                try await store.history.candles(
                    names[0], venue: try Venue("nasdaq"), since: start, until: end, intervalSeconds: 60)
            }
            await #expect(throws: StoreError.self) {
                try await store.history.candles(names[0], since: end, until: start, intervalSeconds: 60)
            }
            await #expect(throws: StoreError.self) {
                try await store.history.candles(names[0], since: start, until: end, intervalSeconds: 0)
            }
            // Known, but without trades: no candles, and no error.
            let none = try await store.history.candles(names[0], since: start, until: end, intervalSeconds: 60)
            #expect(none.isEmpty)
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
