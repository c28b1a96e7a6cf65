import FoundationEssentials
import Postgres
import Store
import Testing

@Suite("Migrations", .enabled(if: TestServer.isAvailable, TestServer.needed))
struct MigratorTests {
    /// Lends a folder with `files` to `body`.
    private func withDirectory(
        _ files: [String: String], _ body: (String) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/migrations-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }  // Left behind, it is only litter.
        for (name, text) in files { try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8) }
        try await body(path)
    }

    @Test("Each file is applied once, in order, and its time is kept")
    func up() async throws {
        try await TestServer.withDatabase { settings in
            let client = PostgresClient(settings, logger: TestServer.logger)
            let migrator = Migrator(client: client, directory: TestStore.migrations)
            let before = try await migrator.status()
            #expect(before.allSatisfy { $0.appliedAt == nil })
            await #expect(throws: StoreError.migrationsMissing(before.map(\.file))) { try await migrator.check() }
            let applied = try await migrator.up()
            #expect(applied == before.map(\.file))
            #expect(applied.first == "0001_market.sql")
            let again = try await migrator.up()
            #expect(again.isEmpty)
            let after = try await migrator.status()
            #expect(after.allSatisfy { $0.appliedAt != nil })
            try await migrator.check()
        }
    }

    @Test("Processes that migrate at once do it one after the other", .timeLimit(.minutes(5)))
    func concurrently() async throws {
        try await TestServer.withDatabase { settings in
            let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let client = PostgresClient(settings, logger: TestServer.logger)
                        return try await Migrator(client: client, directory: TestStore.migrations).up().count
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(applied.filter { $0 > 0 }.count == 1)
        }
    }

    @Test("A changed file, a newer database, a bad name and a missing folder are errors that say so")
    func refusals() async throws {
        try await TestServer.withDatabase { settings in
            let client = PostgresClient(settings, logger: TestServer.logger)
            let first = ["0001_one.sql": "CREATE TABLE one (i int);", "0002_two.sql": "CREATE TABLE two (i int);"]
            try await withDirectory(first) { path in
                let applied = try await Migrator(client: client, directory: path).up()
                #expect(applied.count == 2)
            }
            try await withDirectory(first.merging(["0001_one.sql": "CREATE TABLE one (i bigint);"]) { $1 }) { path in
                await #expect(throws: StoreError.migrationChanged(file: "0001_one.sql")) {
                    try await Migrator(client: client, directory: path).up()
                }
            }
            try await withDirectory(first.filter { $0.key == "0001_one.sql" }) { path in
                await #expect(throws: StoreError.databaseIsNewer(version: 2, newestKnown: 1)) {
                    try await Migrator(client: client, directory: path).status()
                }
            }
            try await withDirectory(["one.sql": ""]) { path in
                await #expect(throws: StoreError.badMigrationName("one.sql")) {
                    try await Migrator(client: client, directory: path).up()
                }
            }
            await #expect(throws: StoreError.self) { try await Migrator(client: client, directory: "/nowhere").up() }
        }
    }

    @Test("A failing migration leaves nothing behind and names its file and line")
    func failure() async throws {
        try await TestServer.withDatabase { settings in
            let client = PostgresClient(settings, logger: TestServer.logger)
            let files = ["0001_one.sql": "CREATE TABLE one (i int);\n\nCREATE TABLE two (i nonsense);\n"]
            try await withDirectory(files) { path in
                let error = await #expect(throws: StoreError.self) {
                    try await Migrator(client: client, directory: path).up()
                }
                let text = try #require(error?.description)
                #expect(text.hasPrefix("Migration 0001_one.sql:3 failed"))
                let tables = try await client.number("SELECT count(*) FROM pg_tables WHERE tablename = 'one'")
                #expect(tables == 0)
            }
        }
    }
}
