import Logging
import Postgres
import Synchronization
import Testing

@Suite("A connection to PostgreSQL", .enabled(if: TestServer.isAvailable, TestServer.needed))
struct PostgresConnectionTests {
    @Test("Parameters come back as they went, whatever characters they hold")
    func parametersRoundTrip() async throws {
        try await TestServer.withConnection { connection in
            let texts = [
                "", "plain", "it's \"quoted\"", "back\\slash", "{brace,comma}", "NULL", "zwölf 🎈", "line\nbreak",
            ]
            for text in texts {
                let row = try await connection.query("SELECT $1::text, length($1::text)", [.text(text)])[0]
                #expect(try row.text(0) == text)
                #expect(try row.integer(1) == Int64(text.unicodeScalars.count))
            }
            let array = try await connection.query(
                "SELECT element FROM unnest($1::text[]) AS element", [.array(texts + [nil])]
            )
            #expect(array.map { $0.optionalText(0) } == texts + [nil])
            let row = try await connection.query(
                "SELECT $1::bigint, $2::boolean, $3::bigint IS NULL, encode($4, 'hex')",
                [.integer(.min), .boolean(true), .null, .bytes([0, 1, 255])]
            )[0]
            #expect(try row.integer(0) == .min)
            #expect(try row.boolean(1))
            #expect(try row.boolean(2))
            #expect(try row.text(3) == "0001ff")
        }
    }

    @Test("A NUL character in a parameter is refused instead of cutting the text off")
    func nulIsRefused() async throws {
        try await TestServer.withConnection { connection in
            for parameter in [PostgresParameter.text("a\0b"), .array(["a\0b"])] {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.query("SELECT $1::text", [parameter])
                }
                #expect(error?.serverError?.sqlState == "22021")
            }
            #expect(connection.isUsable)
        }
    }

    @Test(
        "A refusal is sorted by what a caller does about it",
        arguments: [
            ("SELEC 1", "refused"), ("SELECT * FROM missing", "refused"), ("SELECT 1/0", "data"),
            ("SELECT 'x'::integer", "data"), ("CREATE TABLE t (i int UNIQUE); INSERT INTO t VALUES (1), (1)", "data"),
            ("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$", "serialization"),
            ("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$", "outOfResources"),
            ("DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", "data"),
        ]
    )
    func errorsAreSorted(sql: String, expected: String) async throws {
        try await TestServer.withConnection { connection in
            let error = await #expect(throws: PostgresError.self) { try await connection.execute(sql) }
            let kind =
                switch error {
                case .refused: "refused"
                case .data: "data"
                case .serialization: "serialization"
                case .outOfResources: "outOfResources"
                default: "other"
                }
            #expect(kind == expected)
            let text = try #require(error?.description)
            #expect(!text.utf8.contains(UInt8(ascii: "\n")))
            // The connection goes on.
            let number1 = try await connection.number("SELECT 1")
            #expect(number1 == 1)
        }
    }

    @Test("A column that is not what is expected names itself and its value")
    func unexpectedColumn() async throws {
        try await TestServer.withConnection { connection in
            let row = try await connection.query("SELECT 'abc' AS amount, NULL AS nothing")[0]
            #expect(throws: PostgresError.unexpectedValue(column: "amount", value: "abc", expected: "a whole number")) {
                try row.integer(0)
            }
            #expect(try row.optionalInteger(1) == nil)
            #expect(throws: PostgresError.self) { try row.text(1) }
        }
    }

    @Test("A script runs as one transaction, and its first error undoes it")
    func scripts() async throws {
        try await TestServer.withConnection { connection in
            try await connection.execute("CREATE TABLE t (i int); INSERT INTO t VALUES (1)")
            await #expect(throws: PostgresError.self) {
                try await connection.execute("INSERT INTO t VALUES (2); SELECT 1/0; INSERT INTO t VALUES (3)")
            }
            let number2 = try await connection.number("SELECT sum(i) FROM t")
            #expect(number2 == 1)
        }
    }

    @Test("COPY takes rows in one piece or in chunks of any size", arguments: [1, 7, 100_000, 5_000_000])
    func copyInChunks(chunkLength: Int) async throws {
        try await TestServer.withConnection { connection in
            try await connection.execute("CREATE TABLE t (i bigint, words text)")
            let count = chunkLength < 100 ? 300 : 100_000
            let text = Array((0..<count).map { "\($0)\tsome words\n" }.joined().utf8)
            let chunks = AsyncStream { continuation in
                for start in stride(from: 0, to: text.count, by: chunkLength) {
                    continuation.yield(Array(text[start..<min(start + chunkLength, text.count)]))
                }
                continuation.finish()
            }
            let number5 = try await connection.copyIn("COPY t FROM STDIN", chunks: chunks)
            #expect(number5 == count)
            let number6 = try await connection.copyIn("COPY t FROM STDIN", text)
            #expect(number6 == count)
            let row = try await connection.query("SELECT count(*), sum(i) FROM t")[0]
            #expect(try row.integer(0) == Int64(2 * count))
            #expect(try row.integer(1) == Int64(count) * Int64(count - 1))
        }
    }

    @Test("A COPY that fails, is broken off or is none stores nothing and leaves the connection usable")
    func failedCopy() async throws {
        struct Stop: Error {}
        try await TestServer.withConnection { connection in
            try await connection.execute("CREATE TABLE t (i bigint)")
            await #expect(throws: PostgresError.self) {
                try await connection.copyIn("COPY t FROM STDIN", Array("1\nx\n".utf8))
            }
            await #expect(throws: PostgresError.self) { try await connection.copyIn("SELECT 1", []) }
            await #expect(throws: PostgresError.self) { try await connection.copyIn("COPY missing FROM STDIN", []) }
            let broken = AsyncThrowingStream<[UInt8], any Error> { continuation in
                continuation.yield(Array("1\n2\n".utf8))
                continuation.finish(throwing: Stop())
            }
            await #expect(throws: Stop.self) { try await connection.copyIn("COPY t FROM STDIN", chunks: broken) }
            // A COPY where a statement is expected ends, too.
            await #expect(throws: PostgresError.self) { try await connection.execute("COPY t FROM STDIN") }
            let number3 = try await connection.number("SELECT count(*) FROM t")
            #expect(number3 == 0)
        }
    }

    @Test("A listener hears what is notified, also while its connection is idle")
    func notifications() async throws {
        try await TestServer.withDatabase { settings in
            let listening = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            let speaking = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            let stream = try await listening.listen(["first", "odd \"name\""])
            try await speaking.query(
                "SELECT pg_notify('first', 'hello'), pg_notify('other', 'x'), pg_notify($1, '')",
                [.text("odd \"name\"")])
            var iterator = stream.makeAsyncIterator()
            #expect(await iterator.next() == PostgresNotification(channel: "first", payload: "hello"))
            #expect(await iterator.next() == PostgresNotification(channel: "odd \"name\"", payload: ""))
            try await speaking.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
            #expect(await iterator.next() == nil)
        }
    }

    @Test("Cancelling a task cancels its statement, and the connection stays usable", .timeLimit(.minutes(5)))
    func cancellation() async throws {
        try await TestServer.withDatabase { settings in
            let connection = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            let observer = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            let sleeping = Task { try await connection.query("SELECT pg_sleep(600)") }
            let isSleeping =
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active' AND datname = current_database()
                """
            while try await observer.query(isSleeping)[0].integer(0) == 0 { await Task.yield() }
            let waiting = Task { try await connection.query("SELECT 1") }
            sleeping.cancel()
            await #expect(throws: PostgresError.cancelled) { try await sleeping.value }
            let row = try await waiting.value[0]
            #expect(try row.integer(0) == 1)
            let late = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await connection.query("SELECT pg_sleep(600)")
            }
            late.cancel()
            await #expect(throws: PostgresError.cancelled) { try await late.value }
            let number4 = try await connection.number("SELECT 2")
            #expect(number4 == 2)
        }
    }

    @Test("Aborting ends a call under way at once", .timeLimit(.minutes(5)))
    func abort() async throws {
        try await TestServer.withDatabase { settings in
            let connection = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            let observer = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            let sleeping = Task { try await connection.query("SELECT pg_sleep(600)") }
            let isSleeping =
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active' AND datname = current_database()
                """
            while try await observer.query(isSleeping)[0].integer(0) == 0 { await Task.yield() }
            connection.abort()
            await #expect(throws: PostgresError.closed) { try await sleeping.value }
            await #expect(throws: PostgresError.closed) { try await connection.query("SELECT 1") }
            #expect(!connection.isUsable)
        }
    }

    @Test("A connection that the server ends is lost, not refused")
    func terminated() async throws {
        try await TestServer.withDatabase { settings in
            let connection = try await PostgresConnection.connect(settings, logger: TestServer.logger)
            let error = await #expect(throws: PostgresError.self) {
                try await connection.query("SELECT pg_terminate_backend(pg_backend_pid())")
            }
            guard case .connectionLost = error else {
                Issue.record("expected a lost connection, got \(String(describing: error))")
                return
            }
            #expect(!connection.isUsable)
            await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1") }
        }
    }

    @Test("Notices go to the logger")
    func notices() async throws {
        let log = RecordingLog()
        let logger = Logger(label: "notices") { _ in log }
        try await TestServer.withConnection(logger: logger) { connection in
            try await connection.execute("DO $$ BEGIN RAISE NOTICE 'good morning'; END $$")
        }
        #expect(log.lines.withLock { $0.contains { $0.contains("good morning") } })
    }
}

@Suite("Messages about PostgreSQL")
struct PostgresMessageTests {
    @Test(
        "An unreachable server is named with the fix, its password is not",
        arguments: [
            "postgresql://ann:hunter2@127.0.0.1:1/ticks",
            "host=127.0.0.1 port=1 dbname=ticks user=ann password=hunter2",
        ]
    )
    func unreachable(connectionString: String) async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(connectionString, logger: TestServer.logger)
        }
        let text = try #require(error?.description)
        #expect(text.hasPrefix("Cannot connect to PostgreSQL at 127.0.0.1:1/ticks: "))
        #expect(text.contains("Check DATABASE_URL"))
        #expect(!text.contains("hunter2"))
        #expect(!text.utf8.contains(UInt8(ascii: "\n")))
    }

    @Test(
        "A malformed connection string is not repeated",
        arguments: [
            "postgresql://ann:hunter2@[::1", "postgresql://ann:hun ter2@h/d?x=hunter2", "host=h password=a hunter2",
            "hunter2",
            "postgresql://u@h/d?hunter2=1",
        ]
    )
    func malformed(connectionString: String) async throws {
        let error = await #expect(throws: PostgresError.malformedConnectionString) {
            try await PostgresConnection.connect(connectionString, logger: TestServer.logger)
        }
        let text = try #require(error?.description)
        #expect(text.contains("DATABASE_URL"))
        #expect(!text.contains("hunter2"))
    }

    @Test("Waits between attempts grow from a quarter of a second to half a minute")
    func backOff() {
        var backOff = BackOff()
        var longest = Duration.milliseconds(250)
        for _ in 0..<20 {
            let wait = backOff.next()
            #expect(wait >= longest / 2 && wait <= longest)
            longest = min(longest * 2, .seconds(30))
        }
        backOff.reset()
        #expect(backOff.next() <= .milliseconds(250))
    }
}

/// Keeps what is logged.
final class RecordingLog: LogHandler, Sendable {
    let lines = Mutex<[String]>([])
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let line = "\(event.message) \(event.metadata ?? [:])"
        self.lines.withLock { $0.append(line) }
    }
}
