import Foundation
import Market
import Postgres
import Testing

@testable import Store

@Suite("A journal and what the database knows of it", .enabled(if: TestServer.isAvailable, TestServer.needed))
struct JournalPositionsTests {
    private let start = Timestamp(nanoseconds: 1_795_000_000_000_000_000)

    @Test("A journal that is an older copy of what the database knows loses nothing that comes after")
    func olderCopy() async throws {
        try await TestStore.with { store in
            try await TemporaryFolder.with { folder in
                var random = SplitMix64(seed: 1)
                var trades = try Trade.random(count: 900, from: start, using: &random)
                for index in trades.indices { trades[index].id = nil }
                let copy = folder + "-copy"
                defer { try? FileManager.default.removeItem(atPath: copy) }  // Left behind it does no harm.
                try await self.record(trades[..<300], in: folder, store)
                try FileManager.default.copyItem(atPath: folder, toPath: copy)
                try await self.record(trades[300..<600], in: folder, store)
                // The database is at 600, the copy at 300.
                try await self.record(trades[600...], in: copy, store)
            }
            let stored = try await store.number("SELECT count(*) FROM trades")
            #expect(stored == 900)
            let journals = try await store.number("SELECT count(DISTINCT journal) FROM journal_positions")
            #expect(journals == 2)
        }
    }

    @Test("A journal that the database does not know begins at its beginning")
    func unknown() async throws {
        try await TestStore.with { store in
            try await TemporaryFolder.with { folder in
                let journal = try Journal(JournalSettings(directory: folder), logger: TestServer.logger)
                defer { journal.close() }
                let id = journal.id
                let place = try await JournalPositions(client: store.client).reconcile(journal)
                #expect(place == JournalPlace(trades: 0, quotes: 0))
                #expect(journal.id == id)
            }
        }
    }

    private func record(_ trades: ArraySlice<Trade>, in folder: String, _ store: TestStore) async throws {
        let journal = try Journal(JournalSettings(directory: folder), logger: TestServer.logger)
        _ = try await JournalPositions(client: store.client).reconcile(journal)
        journal.close()
        try await store.recording(journal: folder) { recorder in
            recorder.record(trades.map { .trade($0) })
            try await recorder.flush()
        }
    }
}

@Suite("Runs of recorded trades", .enabled(if: TestServer.isAvailable, TestServer.needed))
struct RecordedRunsTests {
    private let start = Timestamp(nanoseconds: 1_795_000_000_000_000_000)
    private let venueSymbol: VenueSymbol

    init() throws { self.venueSymbol = VenueSymbol(try Symbol("BTC-USD"), try Venue("sim")) }

    @Test("A hole near the newest trade is found by its numbers; one that has a row in feed_gaps is known")
    func holes() async throws {
        try await TestStore.with { store in
            let trades = try [Array(1...20), Array(31...50), Array(52...60)].joined().map { try self.trade($0) }
            try await store.recording { recorder in
                recorder.record(trades.map { .trade($0) }, states: [self.state])
                try await recorder.flush()
            }
            let recorded = RecordedRuns(client: store.client)
            // Trades are 100 ms apart: three seconds reach back to 30, and the one before that is 20.
            let near = try await recorded.load(of: [self.venueSymbol.venue], seconds: 3, since: self.start)
            let holes = try #require(near[self.venueSymbol]).holes
            #expect(holes.map(\.fromSequence) == [20, 50] && holes.map(\.toSequence) == [31, 52])
            #expect(holes.first?.fromID == "t20" && holes.first?.toID == "t31")
            #expect(try await recorded.missing(self.venueSymbol, between: holes[0]) == 10)
            // A second reaches back to 50 only.
            let nearer = try await recorded.load(of: [self.venueSymbol.venue], seconds: 1, since: self.start)
            #expect(nearer[self.venueSymbol]?.holes.map(\.fromSequence) == [50])
            let other = try await recorded.load(of: [try Venue("kraken")], seconds: 3, since: self.start)
            #expect(other.isEmpty)

            let gaps = GuardStore(client: store.client, catalog: store.catalog, process: UUID().uuidString)
            try await gaps.write([
                .opened(
                    GapRow(
                        number: 1, venue: self.venueSymbol.venue, symbols: [self.venueSymbol.symbol], bounds: holes[0],
                        stream: "trades", reason: "sequence", missing: 10, openedAt: self.start))
            ])
            #expect(try await recorded.missing(self.venueSymbol, between: holes[0]) == 0)
            #expect(try await recorded.missing(self.venueSymbol, between: holes[1]) == 1)
            // Asked for again since: it was not asked for when that hole came about.
            try await store.client.query(
                "INSERT INTO symbol_choices (symbol, is_wanted, changed_at) VALUES ('BTC-USD', true, $1)",
                [.timestamp(self.start.advanced(byNanoseconds: 6_000_000_000))])
            #expect(try await recorded.missing(self.venueSymbol, between: holes[1]) == 0)
        }
    }

    @Test("Trades that are stored out of the order of their numbers are no hole")
    func disorder() async throws {
        try await TestStore.with { store in
            // 55 happened long before its number says.
            let trades = try (1...60).map { try self.trade($0, at: $0 == 55 ? 10 : nil) }
            try await store.recording { recorder in
                recorder.record(trades.map { .trade($0) }, states: [self.state])
                try await recorder.flush()
            }
            let recorded = RecordedRuns(client: store.client)
            let runs = try await recorded.load(of: [self.venueSymbol.venue], seconds: 1, since: self.start)
            let holes = try #require(runs[self.venueSymbol]).holes
            #expect(holes.map(\.fromSequence) == [54])
            #expect(try await recorded.missing(self.venueSymbol, between: holes[0]) == 0)
        }
    }

    private var state: LastTick {
        LastTick(
            symbol: self.venueSymbol.symbol, venue: self.venueSymbol.venue, lastPrice: nil, eventTime: self.start,
            receivedTime: self.start, sequence: 1)
    }

    private func trade(_ number: Int, at tenths: Int? = nil) throws -> Trade {
        let time = self.start.advanced(byNanoseconds: Int64(tenths ?? number) * 100_000_000)
        return Trade(
            symbol: self.venueSymbol.symbol, venue: self.venueSymbol.venue, price: try decimal("100"),
            size: try decimal("1"),
            side: .buy, id: "t\(number)", eventTime: time, receivedTime: time, venueSequence: Int64(number))
    }
}
