import FoundationEssentials
public import Postgres

/// One file of the migrations directory.
public struct Migration: Sendable, Hashable {
    /// The number the name begins with.
    public let version: Int64
    /// The file's name.
    public let file: String
    /// The file's text.
    let sql: String
}

/// Whether a migration is in the database.
public struct MigrationStatus: Sendable, Hashable {
    /// The migration's number.
    public let version: Int64
    /// The file's name.
    public let file: String
    /// When it was applied, as PostgreSQL writes it; `nil` when it is not.
    public let appliedAt: String?
}

/// Brings a database's tables to what the program needs: forward only, plain SQL, each file in a transaction of its
/// own.
///
/// Two processes may do it at once: the second waits for the first, and then finds nothing left to do.
public struct Migrator: Sendable {
    /// The number of the advisory lock that migrating processes queue at.
    private static let lock: Int64 = 8_104_732
    private let client: PostgresClient
    private let directory: String

    /// Makes a migrator.
    ///
    /// - Parameters:
    ///   - client: The database.
    ///   - directory: The path of the folder with the files `0001_….sql`, `0002_….sql`, ….
    public init(client: PostgresClient, directory: String) {
        self.client = client
        self.directory = directory
    }

    /// Applies what is not applied yet.
    ///
    /// - Returns: The files that were applied, in order.
    /// - Throws: ``StoreError`` about the files, or ``PostgresError``.
    @discardableResult
    public func up() async throws -> [String] {
        let migrations = try self.migrations()
        return try await self.client.withConnection { connection in
            try await connection.withSession { session in
                // The usual case, for every command's start: nothing to do, nobody to wait for.
                let known = try Self.checkedApplied(migrations, session)
                if migrations.allSatisfy({ known[$0.version] != nil }) { return [] }
                try session.query("SELECT pg_advisory_lock($1)", [.integer(Self.lock)])
                let applied: [String]
                do {
                    applied = try Self.apply(migrations, session)
                } catch {
                    // The first error counts; a connection that cannot unlock any more has lost its locks anyhow.
                    _ = try? session.query("SELECT pg_advisory_unlock($1)", [.integer(Self.lock)])
                    throw error
                }
                try session.query("SELECT pg_advisory_unlock($1)", [.integer(Self.lock)])
                return applied
            }
        }
    }

    /// All migrations with when they were applied.
    ///
    /// - Throws: ``StoreError`` when a file was changed or the database is newer than the program, or
    ///   ``PostgresError``.
    public func status() async throws -> [MigrationStatus] {
        let migrations = try self.migrations()
        return try await self.client.withConnection { connection in
            try await connection.withSession { session in
                let applied = try Self.checkedApplied(migrations, session)
                return migrations.map {
                    MigrationStatus(version: $0.version, file: $0.file, appliedAt: applied[$0.version])
                }
            }
        }
    }

    /// Checks that nothing is left to apply.
    ///
    /// - Throws: ``StoreError/migrationsMissing(_:)``, and what ``status()`` throws.
    public func check() async throws {
        let missing = try await self.status().filter { $0.appliedAt == nil }.map(\.file)
        if !missing.isEmpty { throw StoreError.migrationsMissing(missing) }
    }

    // MARK: In the database

    private static func apply(_ migrations: [Migration], _ session: PostgresSession) throws -> [String] {
        try session.execute(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                version bigint PRIMARY KEY, file text NOT NULL, checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """
        )
        let applied = try Self.checkedApplied(migrations, session)
        var files: [String] = []
        for migration in migrations where applied[migration.version] == nil {
            do {
                try session.transaction { session throws(PostgresError) in
                    try session.execute(migration.sql)
                    try session.query(
                        """
                        INSERT INTO schema_migrations (version, file, checksum)
                        VALUES ($1, $2, encode(sha256(convert_to($3, 'UTF8')), 'hex'))
                        """,
                        [.integer(migration.version), .text(migration.file), .text(migration.sql)]
                    )
                }
            } catch let error as PostgresError {
                let line = error.serverError?.position.map { position in
                    migration.sql.unicodeScalars.prefix(position - 1).count { $0 == "\n" } + 1
                }
                throw StoreError.migrationFailed(file: migration.file, line: line, error: error)
            }
            files.append(migration.file)
        }
        return files
    }

    /// When each applied migration was applied, after checking that they are the program's own.
    private static func checkedApplied(
        _ migrations: [Migration], _ session: PostgresSession
    ) throws -> [Int64: String] {
        guard try session.query("SELECT to_regclass('schema_migrations') IS NOT NULL")[0].boolean(0) else { return [:] }
        // The server computes the checksums of both sides, so they cannot differ by how they are computed.
        let rows = try session.query(
            """
            SELECT applied.version, applied.applied_at::text,
                   known.version IS NULL,
                   applied.checksum = encode(sha256(convert_to(known.sql, 'UTF8')), 'hex')
            FROM schema_migrations AS applied
            LEFT JOIN unnest($1::bigint[], $2::text[]) AS known (version, sql) USING (version)
            ORDER BY applied.version
            """,
            [.array(migrations.map { String($0.version) }), .array(migrations.map(\.sql))]
        )
        var applied: [Int64: String] = [:]
        for row in rows {
            let version = try row.integer(0)
            guard let migration = migrations.first(where: { $0.version == version }) else {
                throw StoreError.databaseIsNewer(version: version, newestKnown: migrations.last?.version ?? 0)
            }
            guard try row.boolean(3) else { throw StoreError.migrationChanged(file: migration.file) }
            applied[version] = try row.text(1)
        }
        return applied
    }

    // MARK: Files

    /// The directory's migrations by number.
    private func migrations() throws(StoreError) -> [Migration] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: self.directory)
        } catch {
            throw .unreadableMigrations(path: self.directory, reason: "no such directory, or not readable")
        }
        var migrations: [Migration] = []
        for name in names.sorted() where name.hasSuffix(".sql") {
            guard name.utf8.count > 9, let version = Int64(name.prefix(4)), version > 0, name.dropFirst(4).first == "_",
                migrations.last?.version != version
            else { throw .badMigrationName(name) }
            let path = "\(self.directory)/\(name)"
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw .unreadableMigrations(path: path, reason: "the file is not readable")
            }
            migrations.append(Migration(version: version, file: name, sql: String(decoding: bytes, as: UTF8.self)))
        }
        guard !migrations.isEmpty else {
            throw .unreadableMigrations(path: self.directory, reason: "it holds no .sql file")
        }
        return migrations
    }
}
