public import Logging
import Synchronization

/// A small bounded pool of connections.
///
/// Connections are made when they are needed, and replaced when they break. Who finds all of them in use waits in line.
public final class PostgresClient: Sendable {
    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Turn, Never>
    }

    /// What a waiter gets: a connection, or leave to try again.
    private enum Turn {
        case connection(PostgresConnection)
        case tryAgain
    }

    private struct State {
        var idle: [PostgresConnection] = []
        var openCount = 0
        var waiters: [Waiter] = []
        var nextWaiterID: UInt64 = 0
        var cancelledWaiterIDs: Set<UInt64> = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let maxConnections: Int
    private let logger: Logger
    /// How the server is reached.
    ///
    /// Secret: holds the connection string.
    public let settings: PostgresSettings

    /// Makes a pool; connects nothing yet.
    ///
    /// - Parameters:
    ///   - settings: Where the server is.
    ///   - maxConnections: How many connections the pool opens at most, at least 1. Dedicated ones of ``connect()``
    ///     come on top.
    ///   - logger: Gets reconnects at level info and the server's notices at level debug.
    public init(
        _ settings: PostgresSettings, maxConnections: Int = 4, logger: Logger
    ) {
        self.settings = settings
        self.maxConnections = max(1, maxConnections)
        self.logger = logger
    }

    /// Makes a connection outside the pool, for who keeps it: a recorder or a listener.
    public func connect() async throws(PostgresError) -> PostgresConnection {
        if self.state.withLock({ $0.isClosed }) { throw .closed }
        return try await PostgresConnection.connect(self.settings, logger: self.logger)
    }

    /// Lends a connection to `body`.
    ///
    /// - Throws: ``PostgresError`` when there is no connection to be had, and what `body` throws.
    public func withConnection<Value: Sendable>(
        _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await self.acquire()
        do {
            let value = try await body(connection)
            await self.release(connection)
            return value
        } catch {
            await self.release(connection)
            throw error
        }
    }

    /// Runs `body` between BEGIN and COMMIT on one connection; rolls back when it throws.
    ///
    /// A ``PostgresError/connectionLost(server:reason:)`` from the COMMIT leaves the outcome unknown.
    public func withTransaction<Value: Sendable>(
        _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        try await self.withConnection { connection in
            try await connection.execute("BEGIN")
            // When it throws, the transaction is still open: `release` rolls back.
            let value = try await body(connection)
            try await connection.execute("COMMIT")
            return value
        }
    }

    /// Runs one statement with parameters on some connection, and returns its rows.
    @discardableResult
    public func query(_ sql: String, _ parameters: [PostgresParameter] = []) async throws(PostgresError) -> PostgresRows
    {
        let connection = try await self.acquire()
        do throws(PostgresError) {
            let rows = try await connection.query(sql, parameters)
            await self.release(connection)
            return rows
        } catch {
            await self.release(connection)
            throw error
        }
    }

    /// Closes idle connections now and lent ones when they come back; calls from now on throw ``PostgresError/closed``.
    public func close() {
        let (idle, waiters) = self.state.withLock { state in
            state.isClosed = true
            defer {
                state.idle = []
                state.waiters = []
            }
            return (state.idle, state.waiters)
        }
        for connection in idle { connection.close() }
        for waiter in waiters { waiter.continuation.resume(returning: .tryAgain) }
    }

    // MARK: The pool

    private func acquire() async throws(PostgresError) -> PostgresConnection {
        enum Step {
            case use(PostgresConnection)
            case connect
            case wait
        }
        while true {
            if Task.isCancelled { throw .cancelled }
            let step: Step? = self.state.withLock { state in
                if state.isClosed { return nil }
                while let connection = state.idle.popLast() {
                    if connection.isUsable { return .use(connection) }
                    state.openCount -= 1
                }
                if state.openCount < self.maxConnections {
                    state.openCount += 1
                    return .connect
                }
                return .wait
            }
            switch step {
            case nil: throw .closed
            case .use(let connection): return connection
            case .connect:
                do {
                    return try await self.connect()
                } catch {
                    self.giveUpSlot()
                    throw error
                }
            case .wait:
                if case .connection(let connection) = await self.waitForTurn() {
                    if connection.isUsable { return connection }
                    self.giveUpSlot()
                }
            }
        }
    }

    private func waitForTurn() async -> Turn {
        let id = self.state.withLock { state in
            state.nextWaiterID += 1
            return state.nextWaiterID
        }
        // Once the handler can run no more, a mark it left behind has no use.
        defer { self.state.withLock { state in _ = state.cancelledWaiterIDs.remove(id) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let turn: Turn? = self.state.withLock { state in
                    if state.isClosed || state.cancelledWaiterIDs.remove(id) != nil { return .tryAgain }
                    // A connection may have come back since the caller looked.
                    if let connection = state.idle.popLast() { return .connection(connection) }
                    if state.openCount < self.maxConnections { return .tryAgain }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let turn { continuation.resume(returning: turn) }
            }
        } onCancel: {
            let waiter: Waiter? = self.state.withLock { state in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                    // Not in line yet: it must not get into it. Already served: too late.
                    state.cancelledWaiterIDs.insert(id)
                    return nil
                }
                return state.waiters.remove(at: index)
            }
            waiter?.continuation.resume(returning: .tryAgain)
        }
    }

    private func release(_ connection: PostgresConnection) async {
        if connection.isUsable, connection.isInTransaction {
            // Not under the caller's cancellation: the rollback must go out. One that fails costs the connection.
            let rollback = Task { try await connection.execute("ROLLBACK") }
            if case .failure = await rollback.result { connection.abort() }
        }
        let isReusable = connection.isUsable && !connection.isInTransaction
        let (waiter, isKept) = self.state.withLock { state -> (Waiter?, Bool) in
            if isReusable, !state.isClosed {
                if !state.waiters.isEmpty { return (state.waiters.removeFirst(), true) }
                state.idle.append(connection)
                return (nil, true)
            }
            state.openCount -= 1
            return (state.waiters.isEmpty ? nil : state.waiters.removeFirst(), false)
        }
        if !isKept { connection.close() }
        waiter?.continuation.resume(returning: isKept ? .connection(connection) : .tryAgain)
    }

    private func giveUpSlot() {
        let waiter: Waiter? = self.state.withLock { state in
            state.openCount -= 1
            return state.waiters.isEmpty ? nil : state.waiters.removeFirst()
        }
        waiter?.continuation.resume(returning: .tryAgain)
    }
}
