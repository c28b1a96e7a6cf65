import Market
import Postgres
import Testing

@testable import Store

@Suite("Candles of the history", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(2)))
struct HistoryCandleTests {
    /// Trades of five minutes to some days, with equal times, ids and sequences here and there.
    private func trades(seed: UInt64, seconds: Int64) throws -> [Trade] {
        var random = SplitMix64(seed: seed)
        var trades = try Trade.random(
            count: 900, from: try time("2026-11-22T13:50:00Z"), seconds: seconds, using: &random)
        for index in trades.indices where index % 5 == 0 { trades[index].eventTime = trades[index / 2].eventTime }
        for index in trades.indices where index % 11 == 0 { trades[index].size = nil }
        return trades
    }

    @Test("Candles of any interval, of one venue and of all, equal a plain computation over the trades")
    func intervals() async throws {
        try await TestStore.with { store in
            let trades = try self.trades(seed: 1, seconds: 15_000)
            try await store.record((trades + trades).map { .trade($0) })
            try await store.buildCandles()
            for name in ["1s", "7s", "1m", "3m", "5m", "10m", "15m", "45m", "1h", "2h", "4h", "90m"] {
                try await self.check(try #require(CandleInterval(name)), trades, store)
            }
        }
    }

    private func check(_ interval: CandleInterval, _ trades: [Trade], _ store: TestStore) async throws {
        let length = Int64(interval.seconds) * 1_000_000_000
        func start(_ time: Timestamp) -> Timestamp { Timestamp(nanoseconds: time.nanoseconds / length * length) }
        for symbol in try ["ETH-USD", "AAPL"].map({ try Symbol($0) }) {
            for venue in [nil, try Venue("kraken")] {
                let own = trades.filter { $0.symbol == symbol && (venue == nil || $0.venue == venue) }
                let expected = try obviousCandles(own, start: start)
                var query = CandleQuery(symbol: symbol, venue: venue, interval: interval)
                #expect(try await store.history.candles(query) == expected)
                // By count, from either end.
                query.count = .newest(3)
                #expect(try await store.history.candles(query) == Array(expected.suffix(3)))
                query.count = .first(2)
                #expect(try await store.history.candles(query) == Array(expected.prefix(2)))
                query.count = .newest(1_000_000)
                #expect(try await store.history.candles(query) == expected)
                // By time: the bounds cut through candles, which are whole all the same.
                query.count = nil
                query.since = try time("2026-11-22T14:31:30Z")
                query.until = try time("2026-11-22T16:03:10Z")
                let (since, until) = (try time("2026-11-22T14:31:30Z"), try time("2026-11-22T16:03:10Z"))
                let cut = expected.filter { $0.start.advanced(byNanoseconds: length) > since && $0.start < until }
                #expect(try await store.history.candles(query) == cut)
            }
        }
    }

    @Test("Days, several days and weeks: UTC days of pairs, sessions of stocks by their dates")
    func days() async throws {
        try await TestStore.with { store in
            let trades = try self.trades(seed: 5, seconds: 20 * 86_400)
            try await store.record(trades.map { .trade($0) })
            try await store.buildCandles()
            for name in ["1d", "2d", "1w"] {
                try await self.checkDays(try #require(CandleInterval(name)), trades, store)
            }
        }
    }

    private func checkDays(_ interval: CandleInterval, _ trades: [Trade], _ store: TestStore) async throws {
        let day: Int64 = 86_400_000_000_000
        let length = Int64(interval.seconds) * 1_000_000_000
        // Monday 1969-12-29 for weeks.
        let offset = interval.seconds == 604_800 ? -3 * day : 0
        func floor(_ time: Timestamp) -> Timestamp {
            Timestamp(nanoseconds: (time.nanoseconds - offset) / length * length + offset)
        }
        let crypto = trades.filter { $0.symbol.name == "BTC-USD" }
        let query = CandleQuery(symbol: try Symbol("BTC-USD"), interval: interval)
        let found = try await store.history.candles(query)
        #expect(try found == obviousCandles(crypto, start: floor))
        if interval.seconds == 604_800 {
            #expect(found.allSatisfy { CivilDay($0.start, in: .utc).weekday == .monday })
        }
        let stock = trades.filter { $0.symbol.name == "AAPL" }
        let open = Int64(14 * 3600 + 1800) * 1_000_000_000
        func session(_ time: Timestamp) -> Timestamp? {
            let ofDay = time.nanoseconds % day
            guard ofDay >= open, ofDay < Int64(21 * 3600) * 1_000_000_000 else { return nil }
            return interval == .day
                ? Timestamp(nanoseconds: time.nanoseconds - ofDay + open) : floor(time)
        }
        let stocks = try await store.history.candles(CandleQuery(symbol: try Symbol("AAPL"), interval: interval))
        #expect(try stocks == obviousCandles(stock, start: session))
    }

    @Test("Pages follow each other both ways without a hole and without a double")
    func pages() async throws {
        try await TestStore.with { store in
            let trades = try self.trades(seed: 6, seconds: 5_000)
            try await store.record(trades.map { .trade($0) })
            try await store.buildCandles()
            for (name, limit) in [("1m", 1), ("2m", 1), ("1m", 7), ("2m", 7), ("2m", 10_000)] {
                var query = CandleQuery(symbol: try Symbol("BTC-USD"), interval: try #require(CandleInterval(name)))
                query.since = try time("2026-11-22T14:00:30Z")
                query.until = try time("2026-11-22T14:25:30Z")
                let expected = try await store.history.candles(query)
                #expect(expected.count > 10)
                for direction in [HistoryDirection.forward, .backward] {
                    var found: [RecordedCandle] = []
                    var cursor: Timestamp?
                    repeat {
                        let page = try await store.history.candlePage(query, direction, after: cursor, limit: limit)
                        #expect(page.elements.count <= limit)
                        found += page.elements
                        cursor = page.next
                    } while cursor != nil
                    #expect(found == (direction == .forward ? expected : expected.reversed()))
                }
            }
        }
    }

    @Test("A candle over a gap that was not repaired is marked, others are not")
    func gaps() async throws {
        try await TestStore.with { store in
            let symbol = try Symbol("BTC-USD")
            let kraken = try Venue("kraken")
            let start = try time("2026-11-22T10:00:00Z")
            let trades = try (0..<60).map { minute in
                Trade(
                    symbol: symbol, venue: kraken, price: try decimal("5"), size: try decimal("1"), side: .buy,
                    id: "\(minute)", eventTime: start.advanced(byNanoseconds: Int64(minute) * 60_000_000_000),
                    receivedTime: start)
            }
            try await store.record(trades.map { .trade($0) } + [.trade(trades[0])])
            try await store.buildCandles()
            try await store.client.query("INSERT INTO venues (name) VALUES ('coinbase') ON CONFLICT DO NOTHING")
            // minutes 5…6 unrepairable; 10…11 repaired; 20…21 quotes; 30…31 of a whole connection; 40…41 of another venue;
            // 50…51 of a connection without this symbol; open from 58 on.
            let rows = [
                ("10:05:10", "10:06:20", "trades", "unrepairable", "kraken", true, "{}"),
                ("10:10:10", "10:11:20", "trades", "repaired", "kraken", true, "{}"),
                ("10:20:10", "10:21:20", "quotes", "unrepairable", "kraken", true, "{}"),
                ("10:30:10", "10:31:20", "trades", "unrepairable", "kraken", false, "{ETH-USD,BTC-USD}"),
                ("10:40:10", "10:41:20", "trades", "unrepairable", "coinbase", true, "{}"),
                ("10:50:10", "10:51:20", "trades", "unrepairable", "kraken", false, "{ETH-USD}"),
                ("10:58:10", nil, "trades", "open", "kraken", true, "{}"),
            ]
            for (number, row) in rows.enumerated() {
                try await store.client.query(
                    """
                    INSERT INTO feed_gaps (opened_at, closed_at, from_time, to_time, number, process, venue_id, symbol_id, stream,
                        reason, state, symbols)
                    SELECT $1::timestamptz, $2::timestamptz, $1::timestamptz, $2::timestamptz, $3,
                        '00000000-0000-0000-0000-000000000000', venues.id,
                        CASE WHEN $6 THEN (SELECT id FROM symbols WHERE name = 'BTC-USD') END, $4, 'sequence', $5, $7::text[]
                    FROM venues WHERE venues.name = $8
                    """,
                    [
                        .text("2026-11-22 \(row.0)+00"), .optional(row.1.map { "2026-11-22 \($0)+00" }),
                        .integer(Int64(number)), .text(row.2), .text(row.3), .boolean(row.5), .text(row.6),
                        .text(row.4),
                    ])
            }
            func minutesWithGap(_ candles: [RecordedCandle]) -> [Int64] {
                candles.filter(\.hasGap).map { ($0.start.nanoseconds - start.nanoseconds) / 60_000_000_000 }
            }
            var query = CandleQuery(symbol: symbol, venue: kraken, interval: .minute)
            #expect(minutesWithGap(try await store.history.candles(query)) == [5, 6, 30, 31, 58, 59])
            query.venue = nil
            #expect(minutesWithGap(try await store.history.candles(query)) == [5, 6, 30, 31, 40, 41, 58, 59])
            query.interval = try #require(CandleInterval("30m"))
            #expect(minutesWithGap(try await store.history.candles(query)) == [0, 30])
            let statistics = try await store.history.statistics(of: symbol, at: kraken)
            #expect(statistics.gaps.open == 1 && statistics.gaps.repaired == 1 && statistics.gaps.unrepairable == 3)
            #expect(statistics.trades == 60 && statistics.quotes == 0)
            #expect(statistics.first == start && statistics.last == trades[59].eventTime)
        }
    }

    @Test("Volume and turnover keep every digit, and the VWAP is rounded once")
    func wide() async throws {
        try await TestStore.with { store in
            try await store.client.query(
                """
                INSERT INTO symbols (name, asset) VALUES ('SHIB-USD', 'crypto');
                """)
            try await store.client.query("INSERT INTO venues (name) VALUES ('kraken')")
            try await store.client.query(
                """
                INSERT INTO candles SELECT '2026-11-22T10:00:00Z'::timestamptz + i * interval '5 minutes', '2026-11-22T10:00:00Z',
                    '2026-11-22T10:00:00Z', 1, 1, 7, 1, 300, 1, 0.00001, 0.00002, 0.000001, 0.000015,
                    987654321987654321987.000000000000000001, 123456789123456.789123456789123456789, '', ''
                FROM generate_series(0, 1) AS i
                """)
            let query = CandleQuery(symbol: try Symbol("SHIB-USD"), interval: try #require(CandleInterval("10m")))
            let candle = try #require(try await store.history.candles(query).first)
            #expect(candle.volume.description == "1975308643975308643974.000000000000000002")
            #expect(candle.turnover.description == "246913578246913.578246913578246913578")
            // bc: 246913578246913.578246913578246913578 / 1975308643975308643974.000000000000000002
            #expect(candle.vwap?.description == "0.000000124999998860938")
            #expect(candle.percentChange?.description == "50")
        }
    }
}
