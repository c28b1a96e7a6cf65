import Market
import Postgres
import Testing

@testable import Store

@Suite("Ticks of the history", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(2)))
struct HistoryTickTests {
    /// Trades and quotes of a few minutes across midnight, many at one instant, some alike to the last field.
    private func ticks(seed: UInt64) throws -> [Tick] {
        var random = SplitMix64(seed: seed)
        var trades = try Trade.random(count: 600, from: try time("2026-11-22T23:58:00Z"), seconds: 240, using: &random)
        for index in trades.indices {
            if index % 3 == 0 { trades[index].eventTime = trades[index / 4].eventTime }
            if index % 7 == 0 { trades[index].id = nil }
            if index % 50 == 0 { trades[index].flags = [.backfilled, .rounded] }
        }
        let quotes = trades.flatMap { trade in
            let quote = Quote(
                symbol: trade.symbol, venue: trade.venue, bid: trade.price, ask: nil, bidSize: trade.size,
                last: trade.price, eventTime: trade.eventTime, receivedTime: trade.receivedTime)
            return trade.venueSequence == nil ? [quote, quote] : [quote]
        }
        return trades.map { .trade($0) } + quotes.map { .quote($0) }
    }

    private func count(_ ticks: [Tick]) -> [Tick: Int] { ticks.reduce(into: [:]) { $0[$1, default: 0] += 1 } }

    @Test("Ticks come in one order, in batches, as they were recorded")
    func order() async throws {
        try await TestStore.with { store in
            let ticks = try self.ticks(seed: 11)
            try await store.record(ticks)
            for kinds in TickQuery.Kind.sets {
                for batchSize in [1, 7, 4_000] { try await self.check(ticks, kinds, batchSize, store) }
            }
        }
    }

    private func check(
        _ ticks: [Tick], _ kinds: Set<TickQuery.Kind>, _ batchSize: Int, _ store: TestStore
    ) async throws {
        let symbol = try Symbol("BTC-USD")
        var query = TickQuery(symbol: symbol, kinds: kinds)
        func isWanted(_ tick: Tick) -> Bool {
            if case .trade = tick { return kinds.contains(.trades) }
            return kinds.contains(.quotes)
        }
        let wanted = ticks.filter { $0.symbol == symbol && isWanted($0) }
        var read: [PlacedTick] = []
        try await store.history.placedTicks(query, batchSize: batchSize) { batch in
            #expect((1...batchSize).contains(batch.count))
            read += batch
        }
        #expect(self.count(read.map(\.tick)) == self.count(wanted))
        #expect(zip(read, read.dropFirst()).allSatisfy { $0.cursor < $1.cursor })

        func found(_ query: TickQuery) async throws -> [PlacedTick] {
            var found: [PlacedTick] = []
            try await store.history.placedTicks(query, batchSize: batchSize) { found += $0 }
            return found
        }
        for count in [1, 10, 333, 100_000] {
            query.count = .newest(count)
            #expect(try await found(query) == Array(read.suffix(count)))
            query.count = .first(count)
            #expect(try await found(query) == Array(read.prefix(count)))
        }
        query.count = nil
        query.venue = try Venue("kraken")
        query.since = try time("2026-11-22T23:59:00Z")
        query.until = try time("2026-11-23T00:01:00Z")
        let (since, until) = (try time("2026-11-22T23:59:00Z"), try time("2026-11-23T00:01:00Z"))
        let cut = read.filter { $0.tick.venue == query.venue && $0.eventTime >= since && $0.eventTime < until }
        #expect(try await found(query) == cut)
    }

    @Test("Pages follow each other both ways without a hole and without a double")
    func pages() async throws {
        try await TestStore.with { store in
            try await store.record(try self.ticks(seed: 12))
            for kinds in TickQuery.Kind.sets {
                for limit in [1, 13, 10_000] { try await self.checkPages(kinds, limit, store) }
            }
        }
    }

    private func checkPages(_ kinds: Set<TickQuery.Kind>, _ limit: Int, _ store: TestStore) async throws {
        let query = TickQuery(
            symbol: try Symbol("ETH-USD"), since: try time("2026-11-22T23:59:30Z"),
            until: try time("2026-11-23T00:00:10Z"),
            kinds: kinds)
        var expected: [Tick] = []
        try await store.history.ticks(query) { expected += $0 }
        #expect(expected.count > 20)
        for direction in [HistoryDirection.forward, .backward] {
            var found: [Tick] = []
            var cursor: TickCursor?
            repeat {
                let page = try await store.history.tickPage(query, direction, after: cursor, limit: limit)
                #expect(page.elements.count <= limit)
                found += page.elements
                // As a client gives it back.
                cursor = try page.next.map { try #require(TickCursor($0.description)) }
                #expect(cursor == page.next)
            } while cursor != nil
            #expect(found == (direction == .forward ? expected : expected.reversed()))
        }
    }

    @Test(
        "A cursor survives being written down, whatever the id",
        arguments: [nil, "", "1", "a_b.c", "it's \\ \"", "zwölf 🎈"])
    func cursorText(id: String?) throws {
        let cursor = TickCursor(
            time: try time("1969-12-31T23:59:59.999999Z"), sequence: id == nil ? nil : -5, tradeID: id,
            receivedTime: try time("2026-11-23T00:00:00Z"), venueID: 3, kind: .quotes, table: 4_294_967_295,
            place: 0xFFFF_FFFF_FFFF)
        #expect(TickCursor(cursor.description) == cursor)
        #expect(cursor.description.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "&") })
    }

    @Test(
        "Text that is no cursor is none",
        arguments: [
            "", "1", "1__1_1_0_1_1_.4", "1__1_1_0_1_1_.ff", "1__1_1_0_1_1_.00", "1__1_1_2_1_1_",
            "9999999999999999999__1_1_0_1_1_", "1_x_1_1_0_1_1_", "1__1_1_0_1_281474976710656_",
        ])
    func noCursor(text: String) { #expect(TickCursor(text) == nil) }

    @Test("Reading uses the index of symbol and time, and sorts nothing")
    func plan() async throws {
        try await TestStore.with { store in
            try await store.record(try self.ticks(seed: 13))
            let query = TickQuery(symbol: try Symbol("BTC-USD"))
            for selection in try await store.history.selections(query) {
                let statement = selection.copy.dropFirst("COPY (".count).prefix { _ in true }
                let select = statement.replacing(") TO STDOUT (FORMAT binary)", with: "")
                let plan = try await store.history.reading { connection in
                    try await connection.query("EXPLAIN \(select)").map { try $0.text(0) }
                }
                #expect(plan.contains { $0.contains("symbol_id_event_time_idx") }, "\(plan)")
                #expect(!plan.contains { $0.contains("Sort") }, "\(plan)")
            }
        }
    }

    @Test("Numbers beyond 18 digits, which only others can have written, are rounded and marked")
    func rounded() async throws {
        try await TestStore.with { store in
            let ticks = try self.ticks(seed: 14)
            try await store.record(Array(ticks.prefix(10)))
            try await store.client.query("DELETE FROM trades")
            try await store.client.query(
                """
                INSERT INTO trades SELECT '2026-11-23T00:00:00Z', '2026-11-23T00:00:00Z', NULL, id, 1, 0, 'b',
                    1234567890.1234567895, -0.000000000000000000000000000001234, NULL FROM symbols WHERE name = 'BTC-USD'
                """)
            var found: [PlacedTick] = []
            try await store.history.placedTicks(
                TickQuery(symbol: try Symbol("BTC-USD"), kinds: [.trades])
            ) { found += $0 }
            guard case .trade(let trade) = found.first?.tick else {
                Issue.record("expected a trade")
                return
            }
            #expect(trade.price.description == "1234567890.12345679")
            #expect(trade.size?.description == "-0.000000000000000000000000000001234")
            #expect(trade.flags == .rounded)
        }
    }
}

extension TickQuery.Kind {
    static let sets: [Set<TickQuery.Kind>] = [[.trades], [.quotes], [.trades, .quotes]]
}
