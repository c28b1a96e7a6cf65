import FoundationEssentials
import Market
import Postgres
import Store
import Synchronization
import Testing

@Suite("Stored gaps and held trades", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct GuardStoreTests {
    private let now = Timestamp(nanoseconds: 1_795_000_000_123_456_000)

    private func gap(_ number: UInt64, venue: String = "coinbase", symbols: [String] = ["BTC-USD"]) throws -> GapRow {
        GapRow(
            number: number, venue: try Venue(venue), symbols: try symbols.map { try Symbol($0) },
            bounds: TickBounds(
                fromID: "17", toID: "21", fromSequence: 17, toSequence: 21,
                fromTime: now.advanced(byNanoseconds: -2_000_000_000), toTime: now),
            stream: "trades", reason: "sequence", missing: 3, openedAt: now)
    }

    private func run(_ store: TestStore) -> GuardStore {
        GuardStore(client: store.client, catalog: store.catalog, process: UUID().uuidString)
    }

    private func states(_ store: TestStore) async throws -> [String] {
        let rows = try await store.client.query(
            "SELECT format('%s %s %s', number, state, repaired_count) FROM feed_gaps ORDER BY opened_at, number")
        var texts: [String] = []
        for row in rows { texts.append(try row.text(0)) }
        return texts
    }

    @Test("A gap is opened, narrowed and closed; writing the same batch again changes nothing")
    func opensAndCloses() async throws {
        try await TestStore.with { store in
            let guardStore = self.run(store)
            let batch: [GuardRecord] = [
                .opened(try gap(1)), .narrowed(number: 1, repaired: 2), .opened(try gap(2)), .opened(try gap(3)),
                .closed(number: 1, repaired: 3, at: now), .unrepairable(number: 2, repaired: 1, at: now),
            ]
            for _ in 1...2 { try await guardStore.write(batch) }
            #expect(try await self.states(store) == ["1 repaired 3", "2 unrepairable 1", "3 open 0"])
            // What has ended stays as it ended.
            try await guardStore.write([
                .unrepairable(number: 1, repaired: 0, at: now), .narrowed(number: 1, repaired: 9),
            ])
            #expect(try await self.states(store) == ["1 repaired 3", "2 unrepairable 1", "3 open 0"])
        }
    }

    @Test("A held trade is kept with its reason, and marked when it is let go")
    func quarantine() async throws {
        try await TestStore.with { store in
            let guardStore = self.run(store)
            let trade = Trade(
                symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), price: try decimal("1.5"), size: nil,
                side: .buy, id: "1", eventTime: now, receivedTime: now)
            for _ in 1...2 { try await guardStore.write([.held(number: 7, trade), .held(number: 8, trade)]) }
            try await guardStore.write([.released(number: 8)])
            #expect(try await store.number("SELECT count(*) FROM quarantined_ticks WHERE price = 1.5") == 2)
            #expect(try await store.number("SELECT number FROM quarantined_ticks WHERE released") == 8)
        }
    }

    @Test("A new run takes over what others left open, whole, and what is too old is unrepairable")
    func takeOver() async throws {
        try await TestStore.with { store in
            let earlier = self.run(store)
            var old = try gap(2)
            old.openedAt = now.advanced(byNanoseconds: -90_000_000_000_000)
            var connection = try gap(3, symbols: ["BTC-USD", "BRK.B"])
            connection.reason = "connection"
            connection.bounds = TickBounds(fromTime: now)
            connection.openedAt = now.advanced(byNanoseconds: 1000)
            try await earlier.write([
                .opened(try gap(1)), .opened(old), .opened(connection), .opened(try gap(4, venue: "kraken")),
                .opened(try gap(5)), .closed(number: 5, repaired: 3, at: now),
            ])
            let later = self.run(store)
            let day = now.advanced(byNanoseconds: -86_400_000_000_000)
            let venues = [try Venue("coinbase")]
            let numbers = Numbers(from: 100)
            var expected = [try gap(101), connection]
            expected[1].number = 102
            let taken = try await later.takeOver(of: venues, since: day) { numbers.next() }
            #expect(taken == expected)
            #expect(
                try await self.states(store)
                    == ["2 unrepairable 0", "4 open 0", "5 repaired 3", "101 open 0", "102 open 0"])
            try await later.write([.closed(number: 101, repaired: 3, at: now)])
            #expect(
                try await store.number("SELECT count(*) FROM feed_gaps WHERE number = 101 AND state = 'repaired'") == 1)
            // Its own gaps are nobody's to take over.
            #expect(try await later.takeOver(of: venues, since: day, nextNumber: { numbers.next() }).isEmpty)
        }
    }

    @Test("The newest trade of each symbol and venue comes with its id and number, unless it is too old")
    func lastTrades() async throws {
        try await TestStore.with { store in
            let venue = try Venue("coinbase")
            func trade(_ symbol: String, _ id: Int64, after seconds: Int64) throws -> Trade {
                let time = now.advanced(byNanoseconds: seconds * 1_000_000_000)
                return Trade(
                    symbol: try Symbol(symbol), venue: venue, price: try Decimal64(100), size: try Decimal64(1),
                    side: .sell, id: "\(id)", eventTime: time, receivedTime: time, venueSequence: id)
            }
            let trades = [
                try trade("BTC-USD", 2, after: -10), try trade("BTC-USD", 1, after: -20),
                try trade("ETH-USD", 9, after: -7200),
            ]
            try await store.recording { recorder in
                recorder.record(
                    trades.map { .trade($0) },
                    states: trades.dropFirst().map {
                        LastTick(
                            symbol: $0.symbol, venue: venue, lastPrice: $0.price, eventTime: $0.eventTime,
                            receivedTime: $0.receivedTime, sequence: 1)
                    })
                while recorder.counters.recorded < 3 { await Task.yield() }
            }
            let all = try await LastTrades(client: store.client).load(since: Timestamp(nanoseconds: 0))
            #expect(Set(all.map(\.id)) == ["2", "9"])
            let hour = now.advanced(byNanoseconds: -3600 * 1_000_000_000)
            let newest = try await LastTrades(client: store.client).load(since: hour)
            #expect(newest.map(\.venueSequence) == [2])
            let one = try Decimal64(1)
            #expect(newest.first?.side == .sell && newest.first?.size == one)
        }
    }
}

/// Counts up from a number.
private final class Numbers: Sendable {
    private let value: Mutex<UInt64>

    init(from value: UInt64) { self.value = Mutex(value) }

    func next() -> UInt64 {
        self.value.withLock { value in
            value += 1
            return value
        }
    }
}
