public import Logging
public import Postgres
import Store

/// The database a command works on: the one that `DATABASE_URL` names, or the private one.
public struct Database: Sendable {
    /// Connections to it.
    public let client: PostgresClient
    private let privateServer: PrivatePostgres?

    /// Connects, starting the private server where no URL is set, and brings the schema up to date.
    ///
    /// - Parameters:
    ///   - settings: Where the database is.
    ///   - connectionsMax: How many connections this process may open.
    ///   - wait: How long a server that cannot be reached is waited for.
    ///   - logger: Says what is being done.
    /// - Returns: A database whose schema is current.
    /// - Throws: ``SetupError``, `PostgresError` or `StoreError`.
    public static func open(
        _ settings: Settings, connectionsMax: Int = 6, wait: Duration = .zero, logger: Logger
    ) async throws -> Database {
        let database: Database
        if let url = settings.databaseURL {
            database = Database(
                client: PostgresClient(PostgresSettings(url), maxConnections: connectionsMax, logger: logger),
                privateServer: nil
            )
        } else {
            let server = try await PrivatePostgres.start(under: settings.dataDirectory, logger: logger)
            database = Database(
                client: PostgresClient(
                    PostgresSettings(server.connectionString), maxConnections: connectionsMax, logger: logger
                ),
                privateServer: server
            )
        }
        do {
            let applied = try await self.reached(within: wait, logger: logger) {
                try await Migrator(client: database.client, directory: settings.migrationsDirectory).up()
            }
            if !applied.isEmpty {
                logger.info("Database schema brought up to date", metadata: ["migrations": "\(applied.count)"])
            }
            return database
        } catch {
            await database.close(logger: logger)
            throw error
        }
    }

    /// Does `work` again while the server cannot be reached: after a power failure both may start at the same time.
    private static func reached<Result>(
        within wait: Duration, logger: Logger, _ work: () async throws -> Result
    ) async throws -> Result {
        let deadline = ContinuousClock.now.advanced(by: wait)
        var backOff = BackOff(longest: .seconds(2))
        while true {
            do {
                return try await work()
            } catch let error as PostgresError {
                let pause = backOff.next()
                switch error {
                case .cannotConnect, .connectionLost: break
                default: throw error
                }
                guard ContinuousClock.now.advanced(by: pause) < deadline else { throw error }
                logger.warning("Waiting for PostgreSQL", metadata: ["error": "\(error)"])
                try await Task.sleep(for: pause)
            }
        }
    }

    /// Opens the database for one piece of work: a private server that runs already is used as it is, one that does not is
    /// started for as long as `body` takes.
    ///
    /// - Parameters:
    ///   - settings: Where the database is.
    ///   - logger: For trouble.
    ///   - body: The work.
    /// - Returns: What `body` returns.
    /// - Throws: What opening or `body` throws.
    public static func with<Result: Sendable>(
        _ settings: Settings, logger: Logger, _ body: (PostgresClient) async throws -> Result
    ) async throws -> Result {
        if settings.databaseURL == nil, !PrivatePostgres.exists(under: settings.dataDirectory) {
            throw SetupError.notFound(
                what: "A database under", path: settings.dataDirectory,
                fix: "Start 'tickwire up' once, set DATABASE_URL, or name the right folder with --data-dir."
            )
        }
        let database = try await self.open(settings, connectionsMax: 2, logger: logger)
        do {
            let result = try await body(database.client)
            await database.close(logger: logger)
            return result
        } catch {
            await database.close(logger: logger)
            throw error
        }
    }

    /// Closes the connections, and stops the private server if this process started it.
    public func close(logger: Logger) async {
        self.client.close()
        do {
            try await self.privateServer?.stop()
        } catch {
            logger.error("Private PostgreSQL did not stop", metadata: ["error": "\(error)"])
        }
    }
}
