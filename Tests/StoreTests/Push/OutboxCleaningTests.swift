import Market
import Notifications
import Postgres
import Store
import Testing

@Suite("Finished deliveries", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct OutboxCleaningTests {
    /// Deliveries of one state, finished so many days ago.
    private static func add(_ count: Int, state: String, days: Int, _ store: TestStore) async throws {
        try await store.client.query(
            """
            INSERT INTO deliveries (service, target, payload, state, finished_at)
            SELECT 'webhook', 'https://a.example/', '', $1,
                   CASE WHEN $1 NOT IN ('ready', 'leased') THEN now() - $2::int * interval '1 day' END
            FROM generate_series(1, $3)
            """, [.text(state), .integer(Int64(days)), .integer(Int64(count))])
    }

    @Test("They go when they were kept long enough; what waits stays, and what was given up stays longer")
    func deleted() async throws {
        try await TestStore.with { store in
            for state in ["done", "expired", "superseded", "dropped", "dead"] {
                try await Self.add(1, state: state, days: 29, store)
                try await Self.add(1, state: state, days: 31, store)
            }
            try await Self.add(1, state: "dead", days: 91, store)
            try await Self.add(2, state: "ready", days: 0, store)
            try await Self.add(1, state: "leased", days: 0, store)
            let outbox = Outbox(client: store.client)
            #expect(try await outbox.deleteFinished(Outbox.Keeping(), limit: 3) == 3)
            #expect(try await outbox.deleteFinished(Outbox.Keeping(), limit: 100) == 2)
            #expect(
                try await outbox.counts()
                    == ["done": 1, "expired": 1, "superseded": 1, "dropped": 1, "dead": 2, "ready": 2, "leased": 1])
        }
    }

    @Test("Several that clean at once delete each delivery once, and none waits for another's rows")
    func together() async throws {
        try await TestStore.with { store in
            try await Self.add(900, state: "done", days: 31, store)
            let client = store.client
            let outbox = Outbox(client: client)
            try await client.withTransaction { connection in
                // Somebody has these rows and does not let go.
                try await connection.query("SELECT id FROM deliveries ORDER BY id LIMIT 100 FOR UPDATE")
                let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            var sum = 0
                            while case let count = try await outbox.deleteFinished(Outbox.Keeping(), limit: 50),
                                count > 0
                            {
                                sum += count
                            }
                            return sum
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(counts == 800)
            }
            #expect(try await outbox.deleteFinished(Outbox.Keeping(), limit: 1_000) == 100)
        }
    }

    @Test("Workers are told once of however many are added, and not when none is or none is to be sent")
    func notified() async throws {
        try await TestStore.with { store in
            let (steps, step) = AsyncStream.makeStream(of: String.self)
            let listener = PostgresListener(
                channels: [Outbox.additionsChannel, "test"], client: store.client, logger: TestServer.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await listener.run { event in
                        switch event {
                        case .listening: step.yield("listening")
                        case .notified(let notification) where notification.channel == "test": step.yield("end")
                        case .notified: step.yield("added")
                        }
                    }
                }
                var iterator = steps.makeAsyncIterator()
                _ = await iterator.next()
                try await store.client.withTransaction { connection in
                    for _ in 0..<5 {
                        try await connection.query(
                            "INSERT INTO deliveries (service, target, payload) SELECT 'webhook', 'https://a.example/', '' FROM generate_series(1, 500)"
                        )
                    }
                }
                try await Self.add(3, state: "dropped", days: 0, store)
                try await store.client.query(
                    "INSERT INTO deliveries (service, target, payload) SELECT 'webhook', '', '' WHERE false")
                try await store.client.query("SELECT pg_notify('test', '')")
                #expect(await iterator.next() == "added")
                #expect(await iterator.next() == "end")
                group.cancelAll()
                // Cancelled, as it was told to be.
                _ = try? await group.waitForAll()
            }
        }
    }
}
