public import Logging
import Synchronization

/// A connection to PostgreSQL on a thread of its own.
///
/// Every call that may wait for the server waits on that thread: no event loop and no thread of Swift's pool is ever
/// blocked. Calls are done one after the other in the order they come. Cancelling the calling task cancels the
/// statement.
/// The connection closes when the last reference to it goes.
public final class PostgresConnection: Sendable {
    private let control: ConnectionControl
    private let listeners: ListenerTable
    private let health: Health
    /// The server, as messages name it.
    public let server: PostgresServerName

    private init(
        control: ConnectionControl, listeners: ListenerTable, health: Health, server: PostgresServerName
    ) {
        self.control = control
        self.listeners = listeners
        self.health = health
        self.server = server
    }

    deinit { self.control.close() }

    /// Connects to the server that `connectionString` names.
    ///
    /// - Parameters:
    ///   - connectionString: A `postgresql://` URL, key=value pairs, or empty for the `PG*` environment.
    ///   - logger: Gets the server's notices, at level debug.
    /// - Returns: A connection that is ready for use.
    /// - Throws: ``PostgresError/malformedConnectionString`` or ``PostgresError/cannotConnect(server:reason:)``.
    public static func connect(
        _ connectionString: String, logger: Logger
    ) async throws(PostgresError) -> PostgresConnection {
        try await Self.connect(PostgresSettings(connectionString), logger: logger)
    }

    /// Connects with `settings`.
    ///
    /// - Parameters:
    ///   - settings: Where the server is.
    ///   - logger: Gets the server's notices, at level debug.
    /// - Returns: A connection that is ready for use.
    /// - Throws: ``PostgresError/malformedConnectionString`` or ``PostgresError/cannotConnect(server:reason:)``.
    public static func connect(
        _ settings: PostgresSettings, logger: Logger
    ) async throws(PostgresError) -> PostgresConnection {
        guard let pipe = WakePipe() else {
            throw .cannotConnect(
                server: PostgresServerName(host: "", port: "", database: ""), reason: "no file descriptor left"
            )
        }
        let control = ConnectionControl(pipe: pipe)
        let listeners = ListenerTable()
        let health = Health()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (connected: CheckedContinuation<Result<PostgresServerName, PostgresError>, Never>) in
                let isStarted = startThread {
                    Self.serve(settings, control, listeners, health, logger, connected)
                }
                if !isStarted {
                    connected.resume(
                        returning: .failure(
                            .cannotConnect(
                                server: PostgresServerName(host: "", port: "", database: ""), reason: "no thread left"
                            )
                        )
                    )
                }
            }
        } onCancel: {
            control.abort()
        }
        do {
            let server = try result.get()
            return PostgresConnection(control: control, listeners: listeners, health: health, server: server)
        } catch {
            throw Task.isCancelled ? .cancelled : error
        }
    }

    /// The thread: connects, then does jobs until it is told to end.
    private static func serve(
        _ settings: PostgresSettings, _ control: ConnectionControl, _ listeners: ListenerTable, _ health: Health,
        _ logger: Logger, _ connected: CheckedContinuation<Result<PostgresServerName, PostgresError>, Never>
    ) {
        let session: PostgresSession
        do {
            session = try PostgresSession(settings, control: control, logger: logger)
        } catch {
            connected.resume(returning: .failure(error))
            return
        }
        session.notified = { listeners.deliver($0) }
        health.update(isUsable: true, isInTransaction: false)
        connected.resume(returning: .success(session.server))
        serving: while true {
            switch control.next() {
            case .run(let job, let isCancelled):
                job.run(isCancelled ? .failure(.cancelled) : .success(session))
            case .wait: session.waitForWork()
            case .end: break serving
            }
            health.update(isUsable: session.isUsable, isInTransaction: session.isInTransaction)
            if !session.isUsable { listeners.finish() }
        }
        health.update(isUsable: false, isInTransaction: false)
        for job in control.end() { job.run(.failure(.closed)) }
        listeners.finish()
    }

    /// Whether the connection was usable when its thread last looked; it looks whenever the server closes it.
    public var isUsable: Bool { self.health.isUsable }

    /// Whether the last call left a transaction open.
    var isInTransaction: Bool { self.health.isInTransaction }

    /// Runs `body` on the connection's thread: for work of several statements without a hop between them.
    ///
    /// - Throws: What `body` throws; ``PostgresError/closed`` when the connection was closed before;
    ///   ``PostgresError/cancelled``.
    public func withSession<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) throws -> Value
    ) async throws -> Value {
        try await self.perform { session in Result { try body(session) } }.get()
    }

    /// Runs one statement with parameters, and returns its rows.
    @discardableResult
    public func query(
        _ sql: String, _ parameters: [PostgresParameter] = []
    ) async throws(PostgresError) -> PostgresRows {
        try await self.performTyped { session throws(PostgresError) in try session.query(sql, parameters) }
    }

    /// Runs a script of statements without parameters; the server runs them in one transaction unless they say
    /// otherwise.
    public func execute(_ script: String) async throws(PostgresError) {
        try await self.performTyped { session throws(PostgresError) in try session.execute(script) }
    }

    /// Runs `COPY … FROM STDIN` with all of `data`.
    ///
    /// - Returns: The number of rows copied.
    @discardableResult
    public func copyIn(_ sql: String, _ data: [UInt8]) async throws(PostgresError) -> Int {
        try await self.performTyped { session throws(PostgresError) in try session.copyIn(sql, data) }
    }

    /// Runs `COPY … FROM STDIN` with data that comes in chunks; constant memory.
    ///
    /// Nothing else may be run on the connection meanwhile.
    ///
    /// - Returns: The number of rows copied.
    /// - Throws: ``PostgresError``, or what `chunks` throws; then no row was copied.
    @discardableResult
    public func copyIn<Chunks: AsyncSequence>(
        _ sql: String, chunks: Chunks
    ) async throws -> Int where Chunks.Element == [UInt8] {
        try await self.performTyped { session throws(PostgresError) in try session.beginCopyIn(sql) }
        do {
            for try await chunk in chunks {
                try await self.performTyped { session throws(PostgresError) in try session.putCopyData(chunk) }
            }
        } catch {
            // The caller hears the first error; the server answers the broken-off COPY with another one.
            _ = try? await self.performTyped { session throws(PostgresError) in
                try session.endCopyIn(failure: "the program broke the COPY off")
            }
            throw error
        }
        return try await self.performTyped { session throws(PostgresError) in try session.endCopyIn() }
    }

    /// Runs `COPY … TO STDOUT` and lends its data to `body`, piece by piece as it asks for them; constant memory.
    ///
    /// When `body` is slow the server waits. Nothing else may be run on the connection meanwhile. When `body` returns early or
    /// throws, or the task is cancelled, the server is told to stop and the connection stays usable; a transaction that is
    /// open has failed then.
    ///
    /// - Parameters:
    ///   - sql: The COPY statement; it takes no parameters.
    ///   - pieceBytes: The length of a piece, about; shorter ones come when the server pauses.
    ///   - body: Reads as much as it wants.
    /// - Returns: What `body` returns.
    /// - Throws: ``PostgresError``, or what `body` throws.
    public func withCopyOut<Value>(
        _ sql: String, pieceBytes: Int = 131_072, _ body: (PostgresCopyOut) async throws -> Value
    ) async throws -> Value {
        try await self.performTyped { session throws(PostgresError) in try session.beginCopyOut(sql) }
        let copy = PostgresCopyOut { () async throws(PostgresError) -> [UInt8]? in
            try await self.performTyped { session throws(PostgresError) in try session.readCopyData(bytes: pieceBytes) }
        }
        // In a task of its own, because a cancelled one could not tell the server any more. The caller hears the first error.
        func breakOff() async {
            await Task {
                _ = try? await self.performTyped { session throws(PostgresError) in try session.breakOffCopyOut() }
            }.value
        }
        do {
            let value = try await body(copy)
            if !copy.hasEnded { await breakOff() }
            return value
        } catch {
            if !copy.hasEnded { await breakOff() }
            throw error
        }
    }

    /// Starts to LISTEN; the stream ends when the connection is lost or closed.
    ///
    /// At most 1 024 notifications wait in the stream; of more, the oldest go.
    ///
    /// - Parameter channels: The channels' names, any text.
    /// - Returns: What is notified from now on.
    /// - Throws: ``PostgresError``.
    public func listen(_ channels: [String]) async throws(PostgresError) -> AsyncStream<PostgresNotification> {
        let stream = self.listeners.add(channels)
        for channel in channels { try await self.execute("LISTEN \(quotedIdentifier(channel))") }
        return stream
    }

    /// Ends the connection after the calls that are already queued.
    public func close() { self.control.close() }

    /// Ends the connection at once; a call under way fails with ``PostgresError/closed``, its outcome unknown.
    public func abort() { self.control.abort() }

    private func performTyped<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        let result: Result<Value, PostgresError> = await self.perform { session in
            do throws(PostgresError) { return .success(try body(session)) } catch { return .failure(error) }
        } unavailable: {
            .failure($0)
        }
        return try result.get()
    }

    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) -> Result<Value, any Error>
    ) async -> Result<Value, any Error> {
        await self.perform(body) { .failure($0) }
    }

    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) -> Value,
        unavailable: @escaping @Sendable (PostgresError) -> Value
    ) async -> Value {
        let id = self.control.reserveID()
        let health = self.health
        defer { self.control.forget(id) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.control.enqueue(
                    ConnectionControl.Job(id: id) { session in
                        switch session {
                        case .success(let session):
                            let value = body(session)
                            // Before the caller goes on: a pool must not take a broken connection for a good one.
                            health.update(isUsable: session.isUsable, isInTransaction: session.isInTransaction)
                            continuation.resume(returning: value)
                        case .failure(let error): continuation.resume(returning: unavailable(error))
                        }
                    }
                )
            }
        } onCancel: {
            self.control.cancel(id)
        }
    }
}

/// What the thread knows of the connection's state, for others to read.
private final class Health: Sendable {
    private let state = Mutex((isUsable: false, isInTransaction: false))

    var isUsable: Bool { self.state.withLock { $0.isUsable } }
    var isInTransaction: Bool { self.state.withLock { $0.isInTransaction } }

    func update(isUsable: Bool, isInTransaction: Bool) {
        self.state.withLock { $0 = (isUsable, isInTransaction) }
    }
}

/// Who listens to which channel.
private final class ListenerTable: Sendable {
    private struct State {
        var continuations: [String: [AsyncStream<PostgresNotification>.Continuation]] = [:]
        var isFinished = false
    }
    private let state = Mutex(State())

    func add(_ channels: [String]) -> AsyncStream<PostgresNotification> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: PostgresNotification.self, bufferingPolicy: .bufferingNewest(1024)
        )
        let isFinished = self.state.withLock { state in
            if state.isFinished { return true }
            for channel in channels { state.continuations[channel, default: []].append(continuation) }
            return false
        }
        if isFinished { continuation.finish() }
        return stream
    }

    func deliver(_ notification: PostgresNotification) {
        let continuations = self.state.withLock { $0.continuations[notification.channel] ?? [] }
        for continuation in continuations { continuation.yield(notification) }
    }

    func finish() {
        let continuations = self.state.withLock { state in
            state.isFinished = true
            defer { state.continuations = [:] }
            return state.continuations.values.flatMap { $0 }
        }
        for continuation in continuations { continuation.finish() }
    }
}

/// An SQL name in double quotes, whatever it contains.
public func quotedIdentifier(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}
