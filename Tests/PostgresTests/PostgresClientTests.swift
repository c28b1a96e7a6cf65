import Postgres
import Testing

@Suite("A pool of connections", .enabled(if: TestServer.isAvailable, TestServer.needed))
struct PostgresClientTests {
    @Test("No more connections are open than allowed, and who waits gets one in turn", .timeLimit(.minutes(5)))
    func bound() async throws {
        try await TestServer.withDatabase { settings in
            let client = PostgresClient(settings, maxConnections: 2, logger: TestServer.logger)
            let backends = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await client.withConnection { connection in
                            let rows = try await connection.query("SELECT pg_backend_pid()")
                            await Task.yield()
                            return try rows[0].integer(0)
                        }
                    }
                }
                return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
            }
            #expect((1...2).contains(backends.count))
            client.close()
            await #expect(throws: PostgresError.closed) { try await client.query("SELECT 1") }
        }
    }

    @Test("Who is cancelled while waiting leaves the line", .timeLimit(.minutes(5)))
    func cancelledWaiter() async throws {
        try await TestServer.withDatabase { settings in
            let client = PostgresClient(settings, maxConnections: 1, logger: TestServer.logger)
            try await client.withConnection { _ in
                let waiting = Task { try await client.query("SELECT 1") }
                await Task.yield()
                waiting.cancel()
                await #expect(throws: PostgresError.cancelled) { try await waiting.value }
            }
            let number1 = try await client.number("SELECT 2")
            #expect(number1 == 2)
        }
    }

    @Test("A broken connection is replaced")
    func replacement() async throws {
        try await TestServer.withDatabase { settings in
            let client = PostgresClient(settings, maxConnections: 1, logger: TestServer.logger)
            for _ in 0..<3 {
                await #expect(throws: PostgresError.self) {
                    try await client.query("SELECT pg_terminate_backend(pg_backend_pid())")
                }
                let number2 = try await client.number("SELECT 1")
                #expect(number2 == 1)
            }
        }
    }

    @Test("A transaction that throws is rolled back, and its connection goes back clean")
    func rollback() async throws {
        struct Stop: Error {}
        try await TestServer.withDatabase { settings in
            let client = PostgresClient(settings, maxConnections: 1, logger: TestServer.logger)
            try await client.query("CREATE TABLE t (i int)")
            await #expect(throws: Stop.self) {
                try await client.withTransaction { connection in
                    try await connection.query("INSERT INTO t VALUES (1)")
                    throw Stop()
                }
            }
            try await client.withTransaction { connection in
                _ = try await connection.query("INSERT INTO t VALUES (2)")
            }
            let number3 = try await client.number("SELECT sum(i) FROM t")
            #expect(number3 == 2)
        }
    }

    @Test("A listener begins again when its connection is lost", .timeLimit(.minutes(5)))
    func listener() async throws {
        struct Done: Error {}
        try await TestServer.withDatabase { settings in
            let client = PostgresClient(settings, logger: TestServer.logger)
            var events: [PostgresListener.Event] = []
            await #expect(throws: Done.self) {
                try await PostgresListener(channels: ["a"], client: client, logger: TestServer.logger).run { event in
                    events.append(event)
                    switch events.count {
                    case 1: try await client.query("NOTIFY a, '1'")
                    case 2:
                        try await client.query(
                            """
                            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                            WHERE datname = current_database() AND query LIKE 'LISTEN%'
                            """
                        )
                    case 3: try await client.query("NOTIFY a, '2'")
                    default: throw Done()
                    }
                }
            }
            let heard = ["1", "2"].map {
                PostgresListener.Event.notified(PostgresNotification(channel: "a", payload: $0))
            }
            #expect(events == [.listening, heard[0], .listening, heard[1]])
        }
    }
}
