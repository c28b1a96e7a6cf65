import Logging
import Postgres
import Synchronization

/// A candle writer's connection: made when it is needed, made anew when it is lost, with work that is repeated until
/// PostgreSQL takes it.
final class CandleConnection: Sendable {
    private struct State {
        var connection: PostgresConnection?
        var hasConnected = false
        var lastError: String?
    }

    private let client: PostgresClient
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let state = Mutex(State())

    init(client: PostgresClient, clock: any Clock<Duration>, logger: Logger) {
        self.client = client
        self.clock = clock
        self.logger = logger
    }

    /// The newest error; `nil` when the newest attempt went well.
    var lastError: String? { self.state.withLock { $0.lastError } }

    /// Ends the connection at once.
    func abort() { self.state.withLock { $0.connection }?.abort() }

    /// Runs `body` until PostgreSQL takes it.
    ///
    /// - Parameter body: May run again after an attempt of which nobody knows whether it was committed.
    /// - Returns: What `body` returns.
    /// - Throws: ``PostgresError`` that time does not mend, or when the task is cancelled.
    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) throws -> Value
    ) async throws -> Value {
        var backOff = BackOff()
        while true {
            do {
                let value = try await self.usable().withSession(body)
                self.state.withLock { $0.lastError = nil }
                return value
            } catch let error as PostgresError {
                let connection = self.state.withLock { state in
                    state.lastError = error.description
                    defer { state.connection = nil }
                    return state.connection
                }
                connection?.abort()
                if Task.isCancelled { throw error }
                if error.isPermanent { throw error }
                let wait = backOff.next()
                self.logger.warning(
                    "Candles wait for PostgreSQL", metadata: ["error": "\(error)", "wait": "\(wait)"]
                )
                try await self.clock.sleep(for: wait)
            }
        }
    }

    private func usable() async throws -> PostgresConnection {
        let (existing, hasConnected) = self.state.withLock { ($0.connection, $0.hasConnected) }
        if let existing, existing.isUsable { return existing }
        let connection = try await self.client.connect()
        self.state.withLock { state in
            state.connection = connection
            state.hasConnected = true
        }
        try await connection.withSession { session in try CandleTable.prepare(session) }
        if hasConnected { self.logger.info("Candles go on") }
        return connection
    }
}
