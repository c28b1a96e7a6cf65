import Postgres
import Testing

@Suite("COPY out of PostgreSQL", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct PostgresCopyOutTests {
    private struct Enough: Error {}

    /// The connection is good for the next statement.
    private func check(_ connection: PostgresConnection) async throws {
        let number = try await connection.number("SELECT 7")
        #expect(number == 7)
    }

    @Test("All rows come, whole and in order, whatever the length of the pieces", arguments: [1, 1_000, 1 << 20])
    func rows(pieceBytes: Int) async throws {
        try await TestServer.withConnection { connection in
            var data: [UInt8] = []
            var pieces = 0
            try await connection.copyOut(
                "COPY (SELECT i FROM generate_series(1, 3000) AS i) TO STDOUT", pieceBytes: pieceBytes
            ) { piece in
                #expect(piece.last == UInt8(ascii: "\n"))
                data += piece
                pieces += 1
            }
            #expect(String(decoding: data, as: UTF8.self) == (1...3000).map { "\($0)\n" }.joined())
            #expect(pieceBytes > 1 || pieces == 3000)
            try await self.check(connection)
        }
    }

    @Test("A COPY without rows gives no piece")
    func empty() async throws {
        try await TestServer.withConnection { connection in
            try await connection.copyOut("COPY (SELECT 1 WHERE false) TO STDOUT") { _ in Issue.record("a piece") }
            try await self.check(connection)
        }
    }

    @Test("The first rows come before the last are computed")
    func firstRows() async throws {
        try await TestServer.withConnection { connection in
            var isFirst = true
            // Would take ten minutes in all: only a piece that comes early ends it in time.
            await #expect(throws: Enough.self) {
                try await connection.copyOut(
                    "COPY (SELECT i, CASE WHEN i > 10000 THEN pg_sleep(600) END FROM generate_series(1, 10001) AS i) TO STDOUT"
                ) { _ in
                    isFirst = false
                    throw Enough()
                }
            }
            #expect(!isFirst)
        }
    }

    @Test("What breaks the reading off is heard, and the connection stays usable")
    func brokenOff() async throws {
        try await TestServer.withConnection { connection in
            await #expect(throws: Enough.self) {
                try await connection.copyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT") { _ in
                    throw Enough()
                }
            }
            try await self.check(connection)
        }
    }

    @Test("Cancelling the task ends the COPY, and the connection stays usable")
    func cancelled() async throws {
        try await TestServer.withConnection { connection in
            let (pieces, continuation) = AsyncStream.makeStream(of: Int.self)
            let reading = Task {
                try await connection.copyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT") {
                    continuation.yield($0.count)
                }
            }
            for await _ in pieces { break }
            reading.cancel()
            await #expect(throws: PostgresError.cancelled) { try await reading.value }
            try await self.check(connection)
        }
    }

    @Test("Aborting ends a COPY under way at once")
    func aborted() async throws {
        try await TestServer.withDatabase { settings in
            let connection = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            await #expect(throws: PostgresError.closed) {
                try await connection.copyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT") { _ in
                    connection.abort()
                }
            }
        }
    }

    @Test("A slow reader makes the server wait")
    func backPressure() async throws {
        try await TestServer.withDatabase { settings in
            let connection = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            let observer = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            let waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND wait_event = 'ClientWrite'"
            await #expect(throws: Enough.self) {
                try await connection.copyOut(
                    "COPY (SELECT repeat('x', 1000), generate_series(1, 100000000)) TO STDOUT"
                ) { _ in
                    while try await observer.number(waits) == 0 { await Task.yield() }
                    throw Enough()
                }
            }
        }
    }

    @Test("An error in the middle is reported after the rows before it")
    func failure() async throws {
        try await TestServer.withConnection { connection in
            var rows = 0
            let error = await #expect(throws: PostgresError.self) {
                try await connection.copyOut("COPY (SELECT 1 / (500 - i) FROM generate_series(1, 1000) AS i) TO STDOUT")
                {
                    rows += $0.count { $0 == UInt8(ascii: "\n") }
                }
            }
            #expect(error?.serverError?.sqlState == "22012")
            #expect(rows == 499)
            try await self.check(connection)
        }
    }

    @Test(
        "Statements that are no COPY to the program are refused",
        arguments: ["SELECT 1", "COPY pg_class FROM STDIN", "COPY nowhere TO STDOUT", "nonsense"]
    )
    func refused(sql: String) async throws {
        try await TestServer.withConnection { connection in
            await #expect(throws: PostgresError.self) { try await connection.copyOut(sql) { _ in } }
            try await self.check(connection)
        }
    }
}

extension PostgresConnection {
    /// Calls `body` with each piece of the data.
    fileprivate func copyOut(
        _ sql: String, pieceBytes: Int = 131_072, _ body: ([UInt8]) async throws -> Void
    ) async throws {
        try await self.withCopyOut(sql, pieceBytes: pieceBytes) { copy in
            while let piece = try await copy.next() { try await body(piece) }
        }
    }
}
