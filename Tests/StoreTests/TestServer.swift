import Foundation
import Logging
import Postgres
import Synchronization
import Testing

/// The PostgreSQL that tests may make databases on.
enum TestServer {
    /// `TICKWIRE_TEST_DATABASE_URL`; `nil` when it is unset.
    static let connectionString = ProcessInfo.processInfo.environment["TICKWIRE_TEST_DATABASE_URL"]
    static let isAvailable = connectionString?.isEmpty == false
    static let needed: Comment =
        "needs a PostgreSQL: set TICKWIRE_TEST_DATABASE_URL to a role that may create databases"

    /// Tests run side by side, and the server has only so many connections.
    private static let places = Places(6)

    static var logger: Logger {
        var logger = Logger(label: "tests")
        logger.logLevel = .critical
        return logger
    }

    /// Lends an empty database of its own to `body`, and drops it.
    static func withDatabase<Value: Sendable>(
        _ body: (PostgresSettings) async throws -> Value
    ) async throws -> Value {
        let server = try #require(Self.connectionString)
        await Self.places.take()
        defer { Self.places.giveBack() }
        let name = "tickwire_test_" + String(UInt64.random(in: .min ... .max), radix: 36)
        let administrator = try await PostgresConnection.connect(server, logger: Self.logger)
        try await administrator.execute("CREATE DATABASE \(quotedIdentifier(name))")
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(PostgresSettings(server, database: name)))
        } catch {
            result = .failure(error)
        }
        // Not under the test's cancellation.
        let drop = Task { try await administrator.execute("DROP DATABASE \(quotedIdentifier(name)) WITH (FORCE)") }
        try await drop.value
        return try result.get()
    }

    /// Lends a connection to a database of its own to `body`.
    static func withConnection<Value: Sendable>(
        logger: Logger = TestServer.logger, _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        try await Self.withDatabase { settings in
            let connection = try await PostgresConnection.connect(settings, logger: logger)
            defer { connection.close() }
            return try await body(connection)
        }
    }
}

/// A bounded number of places, taken in the order of asking.
final class Places: Sendable {
    private let state: Mutex<(free: Int, waiting: [CheckedContinuation<Void, Never>])>

    init(_ count: Int) { self.state = Mutex((count, [])) }

    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = self.state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func giveBack() {
        let next = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}

extension PostgresConnection {
    /// The one number that a statement gives.
    func number(_ sql: String) async throws -> Int64 { try await self.query(sql)[0].integer(0) }
}

extension PostgresClient {
    /// The one number that a statement gives.
    func number(_ sql: String) async throws -> Int64 { try await self.query(sql)[0].integer(0) }
}
