import Market
import Postgres
import Synchronization
import Testing

@testable import Store

@Suite("Following ticks", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(2)))
struct TickFollowerTests {
    /// What a follower told, for a test to wait on.
    private final class Told: Sendable {
        private let state = Mutex<(ids: [String], events: [String])>(([], []))
        private let changes = AsyncStream.makeStream(of: Void.self)

        func add(_ event: TickFollower.Event) {
            self.state.withLock { state in
                switch event {
                case .ticks(let ticks):
                    for tick in ticks {
                        if case .trade(let trade) = tick.tick { state.ids.append(trade.id ?? "") }
                    }
                case .isLive: state.events.append("live")
                case .interrupted: state.events.append("interrupted")
                case .resumed: state.events.append("resumed")
                }
            }
            self.changes.continuation.yield()
        }

        var ids: [String] { self.state.withLock { $0.ids } }
        var events: [String] { self.state.withLock { $0.events } }

        func wait(until isReached: (Told) -> Bool) async {
            if isReached(self) { return }
            for await _ in self.changes.stream where isReached(self) { return }
        }
    }

    /// Writes batches as a recorder does: rows, and the line that lists them, in one transaction.
    private struct Writer {
        let connection: PostgresConnection

        func begin() async throws { try await self.connection.execute("BEGIN") }

        /// A part of a batch, which could be rolled back alone.
        func write(_ ids: ClosedRange<Int>, at time: String = "2026-11-23T10:00:00Z", inSavepoint: Bool = false)
            async throws
        {
            if inSavepoint { try await self.connection.execute("SAVEPOINT part") }
            try await self.connection.query(
                """
                INSERT INTO trades SELECT $1::timestamptz + i * interval '1 ms', now(), i, 1, 1, 0, 'b', 5, 1, i::text
                FROM generate_series($2::bigint, $3::bigint) AS i
                """, [.text(time), .integer(Int64(ids.lowerBound)), .integer(Int64(ids.upperBound))])
            if inSavepoint { try await self.connection.execute("RELEASE SAVEPOINT part") }
        }

        func commit() async throws {
            try await self.connection.execute(
                """
                INSERT INTO recorded_batches (from_time, to_time, received_from, received_to, trades_from, trades_to, journal, xmins)
                SELECT min(event_time), max(event_time), now(), now(), 0, 0, gen_random_uuid(),
                       array_agg(DISTINCT xmin::text)::xid[]
                FROM trades WHERE received_time = now();
                NOTIFY tickwire_ticks, '';
                COMMIT
                """)
        }

        func batch(_ ids: ClosedRange<Int>, at time: String = "2026-11-23T10:00:00Z") async throws {
            try await self.begin()
            try await self.write(ids, at: time)
            try await self.commit()
        }
    }

    private func following(
        _ query: TickQuery? = nil, _ body: (TestStore, Told, [Writer]) async throws -> Void
    ) async throws {
        try await TestStore.with { store in
            try await store.client.query("SELECT tickwire_create_days('2026-11-22', '2026-11-23')")
            try await store.client.query("INSERT INTO symbols (name, asset) VALUES ('BTC-USD', 'crypto')")
            try await store.client.query("INSERT INTO venues (name) VALUES ('coinbase')")
            var writers: [Writer] = []
            for _ in 0..<2 {
                writers.append(
                    Writer(connection: try await PostgresConnection.connect(store.settings, logger: TestServer.logger)))
            }
            try await writers[0].batch(1...10)
            let told = Told()
            let query = try query ?? TickQuery(symbol: Symbol("BTC-USD"))
            let following = Task {
                try await TickFollower(query, in: store.history, pollEvery: .milliseconds(50)).run { told.add($0) }
            }
            await told.wait { $0.events.contains("live") }
            try await body(store, told, writers)
            following.cancel()
            _ = await following.result
        }
    }

    private func names(_ ids: ClosedRange<Int>) -> [String] { ids.map(String.init) }

    @Test("The past, then each batch when it is committed")
    func live() async throws {
        try await self.following { _, told, writers in
            #expect(told.ids == self.names(1...10))
            for batch in 1...5 { try await writers[0].batch(batch * 10 + 1...batch * 10 + 10) }
            await told.wait { $0.ids.count >= 60 }
            #expect(told.ids == self.names(1...60))
        }
    }

    @Test("Transactions that overlap are told when they commit, each once, in whichever order they began")
    func overlapping() async throws {
        try await self.following { _, told, writers in
            try await writers[0].begin()
            try await writers[0].write(11...20)
            try await writers[1].batch(21...30)
            await told.wait { $0.ids.count >= 20 }
            #expect(told.ids == self.names(1...10) + self.names(21...30))
            try await writers[1].begin()
            try await writers[1].write(31...40, inSavepoint: true)
            try await writers[1].write(41...45, inSavepoint: true)
            try await writers[0].commit()
            await told.wait { $0.ids.count >= 30 }
            try await writers[1].commit()
            await told.wait { $0.ids.count >= 45 }
            #expect(told.ids == self.names(1...10) + self.names(21...30) + self.names(11...20) + self.names(31...45))
        }
    }

    @Test("Late and repaired ticks are told when they are recorded; rolled back ones never")
    func late() async throws {
        try await self.following { _, told, writers in
            try await writers[0].begin()
            try await writers[0].write(90...99)
            try await writers[0].connection.execute("ROLLBACK")
            try await writers[0].begin()
            try await writers[0].write(11...12, at: "2026-11-22T10:00:00Z")
            try await writers[0].write(13...14)
            try await writers[0].commit()
            try await writers[1].batch(15...16)
            await told.wait { $0.ids.count >= 16 }
            #expect(told.ids == self.names(1...16))
        }
    }

    @Test("A cut connection leaves nothing out and doubles nothing")
    func interrupted() async throws {
        try await self.following { store, told, writers in
            for round in 1...4 {
                try await store.client.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL ($1::int[])
                    """, [.array(try await self.processes(writers).map(String.init))])
                try await writers[0].batch(round * 10 + 1...round * 10 + 10)
                await told.wait { $0.ids.count >= round * 10 + 10 && $0.events.count { $0 == "resumed" } >= round }
            }
            #expect(told.ids == self.names(1...50))
            #expect(told.events.count { $0 == "interrupted" } == 4)
        }
    }

    private func processes(_ writers: [Writer]) async throws -> [Int64] {
        var processes: [Int64] = []
        for writer in writers { processes.append(try await writer.connection.number("SELECT pg_backend_pid()")) }
        return processes
    }

    @Test("With a count it begins with the newest, and with a time at that time")
    func bounds() async throws {
        let symbol = try Symbol("BTC-USD")
        try await self.following(TickQuery(symbol: symbol, count: .newest(3))) { _, told, writers in
            try await writers[0].batch(11...12)
            await told.wait { $0.ids.count >= 5 }
            #expect(told.ids == self.names(8...12))
        }
        try await self.following(TickQuery(symbol: symbol, since: try time("2026-11-23T10:00:00.009Z"))) {
            _, told, writers in
            try await writers[0].batch(11...12)
            // Before the beginning: not asked for.
            try await writers[0].batch(13...14, at: "2026-11-22T10:00:00Z")
            try await writers[0].batch(15...15)
            await told.wait { $0.ids.last == "15" }
            #expect(told.ids == ["9", "10", "11", "12", "15"])
        }
    }

    @Test("Stretches of batches that overlap become one, and keep their order")
    func stretches() throws {
        var batches = RecordedBatches()
        func stretch(_ from: Int64, _ to: Int64, _ transaction: String) -> RecordedBatches.Stretch {
            RecordedBatches.Stretch(
                from: Timestamp(nanoseconds: from), to: Timestamp(nanoseconds: to), transactions: [transaction])
        }
        for stretch in [stretch(1, 5, "7"), stretch(5, 6, "8"), stretch(8, 20, "9"), stretch(9, 10, "10")] {
            batches.add(stretch)
        }
        #expect(batches.stretches.map(\.transactions) == [["7", "8"], ["9", "10"]])
        #expect(batches.stretches.map(\.to.nanoseconds) == [6, 20])
        #expect(batches.stretches[1].condition == " AND xmin = ANY ('{9,10}'::xid[])")
    }
}
