import Market
import Postgres
import Testing

@testable import Store

@Suite(
    "Upkeep of partitions", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(2)))
struct PartitionKeeperTests {
    @Test("Days beyond the policy are dropped, today and the kept days before it stay")
    func retention() async throws {
        try await TestStore.with { store in
            try await Self.makeDays(store, -5...1)
            let report = try await Self.keeper(store, Retention(tradeDays: 2, quoteDays: nil)).pass()
            #expect(report.dropped == (try await Self.names(store, "trades", -5...(-3))))
            #expect(try await Self.partitions(store, "trades") == (try await Self.names(store, "trades", -2...1)))
            #expect(try await Self.partitions(store, "quotes") == (try await Self.names(store, "quotes", -5...1)))
            #expect(try await store.number("SELECT count(*) FROM dropped_days WHERE stream = 'trades'") == 3)
            let again = try await Self.keeper(store, Retention(tradeDays: 2)).pass()
            #expect(again.dropped == [] && again.packed == [])
        }
    }

    @Test("Days that are over are packed once, today's are not")
    func packs() async throws {
        try await TestStore.with { store in
            try await Self.makeDays(store, -3...1)
            try await store.client.query(
                """
                INSERT INTO trades SELECT now() - interval '3 days', now(), 1, 1, 1, 0, 'b', n, n, n::text
                FROM generate_series(1, 1000) AS n
                """)
            let names = try await Self.names(store, "trades", -3...(-2)) + Self.names(store, "quotes", -3...(-2))
            let packed = try await Self.keeper(store).pass().packed
            // Yesterday counts only when it has been over for an hour.
            #expect(packed.filter(names.contains) == names)
            let today = try await Self.names(store, "trades", 0...1) + Self.names(store, "quotes", 0...1)
            #expect(!packed.contains(where: today.contains))
            #expect(
                try await store.number("SELECT reltuples::bigint FROM pg_class WHERE relname = '\(names[0])'") == 1000)
            #expect(try await store.number("SELECT relallvisible FROM pg_class WHERE relname = '\(names[0])'") > 0)
            #expect(try await Self.keeper(store).pass().packed == [])
        }
    }

    @Test("A detach that was broken off is finished, and a detached table that was to go is dropped")
    func finishesWhatWasBrokenOff() async throws {
        try await TestStore.with { store in
            try await Self.makeDays(store, -5...0)
            let names = try await Self.names(store, "trades", -5...(-3))
            // One detached and remembered, one half detached, one detached by somebody else.
            try await store.client.query(
                "INSERT INTO dropped_days (stream, day) SELECT 'trades', today - 5 FROM \(Self.today)")
            try await store.client.query(
                "INSERT INTO dropped_days (stream, day) SELECT 'trades', today - 4 FROM \(Self.today)")
            try await store.client.query("ALTER TABLE trades DETACH PARTITION \(names[0])")
            try await store.client.query("ALTER TABLE trades DETACH PARTITION \(names[2])")
            try await Self.breakOffDetach(store, names[1])
            let report = try await Self.keeper(store, Retention(tradeDays: 30)).pass()
            #expect(report.dropped == [names[0], names[1]])
            #expect(try await store.number("SELECT count(*) FROM pg_class WHERE relname = '\(names[2])'") == 1)
        }
    }

    @Test("A trade of a dropped day that comes late gets a partition anew")
    func lateTrade() async throws {
        try await TestStore.with { store in
            try await Self.makeDays(store, -5...0)
            _ = try await Self.keeper(store, Retention(tradeDays: 2)).pass()
            try await store.client.query("SELECT tickwire_create_day(today - 5) FROM \(Self.today)")
            #expect(
                try await Self.partitions(store, "trades").first
                    == (try await Self.names(store, "trades", -5...(-5)))[0])
        }
    }

    @Test("While another process is at it, a pass does nothing")
    func oneAtATime() async throws {
        try await TestStore.with { store in
            try await Self.makeDays(store, -5...0)
            let other = try await store.client.connect()
            defer { other.close() }
            try await other.query("SELECT pg_advisory_lock(8104733, 3)")
            let report = try await Self.keeper(store, Retention(tradeDays: 1)).pass()
            #expect(report.wasSkipped)
            #expect(try await Self.partitions(store, "trades").count == 6)
        }
    }

    // MARK: Days

    private static let today = "(SELECT (now() AT TIME ZONE 'UTC')::date) AS day (today)"

    private static func keeper(_ store: TestStore, _ retention: Retention = Retention()) -> PartitionKeeper {
        PartitionKeeper(
            client: store.client, catalog: store.catalog, retention: retention, logger: TestServer.logger)
    }

    private static func makeDays(_ store: TestStore, _ days: ClosedRange<Int>) async throws {
        try await store.client.query(
            "SELECT tickwire_create_days(today + \(days.lowerBound), today + \(days.upperBound)) FROM \(Self.today)")
    }

    private static func names(_ store: TestStore, _ stream: String, _ days: ClosedRange<Int>) async throws -> [String] {
        try await store.client.query(
            """
            SELECT '\(stream)_' || to_char(today + n, 'YYYYMMDD')
            FROM \(Self.today), generate_series(\(days.lowerBound), \(days.upperBound)) AS n ORDER BY 1
            """
        ).map { try $0.text(0) }
    }

    private static func partitions(_ store: TestStore, _ stream: String) async throws -> [String] {
        try await store.client.query(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = '\(stream)'::regclass ORDER BY 1"
        ).map { try $0.text(0) }
    }

    /// Leaves a partition as a crash in the middle of `DETACH … CONCURRENTLY` does: the statement waits for a reader when its
    /// connection is ended.
    private static func breakOffDetach(_ store: TestStore, _ name: String) async throws {
        let (reader, detacher) = (try await store.client.connect(), try await store.client.connect())
        defer {
            reader.close()
            detacher.close()
        }
        try await reader.execute("BEGIN; SELECT count(*) FROM trades")
        let detaching = Task {
            try await detacher.execute("ALTER TABLE trades DETACH PARTITION \(name) CONCURRENTLY")
        }
        let deadline = ContinuousClock.now + .seconds(30)
        while try await store.number("SELECT count(*) FROM pg_inherits WHERE inhdetachpending") == 0,
            ContinuousClock.now < deadline
        {}
        try await store.client.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%CONCURRENTLY%' AND pid <> pg_backend_pid()"
        )
        await #expect(throws: PostgresError.self) { try await detaching.value }
        try await reader.execute("COMMIT")
    }
}
