import CPQ
import Logging

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A connection as its own thread sees it: synchronous calls that wait for the server in place.
///
/// A session is handed to the closure of ``PostgresConnection/withSession(_:)`` and must not leave it. It is the one
/// owner of the `PGconn`, which it frees in `deinit`.
public final class PostgresSession {
    let handle: OpaquePointer
    let control: ConnectionControl
    let notices: NoticeSink
    /// The server, as messages name it.
    public let server: PostgresServerName
    /// Called with each notification that arrives.
    var notified: (PostgresNotification) -> Void = { _ in }
    private var isBroken = false
    /// Whether all rows of the COPY under way have been read, and its result not yet.
    var hasReadAllRows = false
    /// Whether the statement under way is to be cancelled.
    private var isCancelling = false
    /// How long the server has to obey before it is told again.
    private static let cancelAgain = Duration.milliseconds(250)

    /// Connects; blocks the calling thread until the server answered, `settings.connectTimeout` is over or the
    /// control aborts.
    init(_ settings: PostgresSettings, control: ConnectionControl, logger: Logger) throws(PostgresError) {
        guard let handle = try ConnectionParameters(settings).start() else {
            throw .cannotConnect(
                server: PostgresServerName(host: "", port: "", database: ""), reason: "out of memory"
            )
        }
        self.handle = handle
        self.control = control
        self.notices = NoticeSink(logger: logger)
        self.server = PostgresServerName(
            host: text(PQhost(handle)) ?? "localhost", port: text(PQport(handle)) ?? "5432",
            database: text(PQdb(handle)) ?? ""
        )
        PQsetNoticeProcessor(handle, noticeArrived, Unmanaged.passUnretained(self.notices).toOpaque())
        try self.finishConnecting(timeout: settings.connectTimeout)
        guard PQsetnonblocking(handle, 1) == 0 else { throw self.lost() }
        // What is read back as text has one form whatever the server's own settings are.
        try self.execute(
            "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'"
        )
    }

    deinit { PQfinish(self.handle) }

    /// Whether the connection can still be used.
    public var isUsable: Bool { !self.isBroken && PQstatus(self.handle) == CONNECTION_OK }

    /// Whether a transaction is open, failed ones included.
    public var isInTransaction: Bool { PQtransactionStatus(self.handle) != PQTRANS_IDLE }

    /// The server process that serves this connection, as `pg_stat_activity.pid` names it.
    public var backendProcessID: Int64 { Int64(PQbackendPID(self.handle)) }

    // MARK: Statements

    /// Runs one statement with parameters, and returns its rows.
    ///
    /// - Throws: ``PostgresError``.
    @discardableResult
    public func query(_ sql: String, _ parameters: [PostgresParameter] = []) throws(PostgresError) -> PostgresRows {
        try self.checkUsable()
        let encoded = parameters.map(\.encoded)
        if encoded.contains(where: { $0.map { !$0.isBinary && $0.bytes.contains(0) } ?? false }) {
            throw .data(PostgresServerError(sqlState: "22021", message: "a parameter holds a NUL character"))
        }
        let storage = encoded.map { value in value.map { $0.bytes.map(CChar.init(bitPattern:)) + [0] } ?? [] }
        let status = withPointers(to: storage) { pointers in
            let values = zip(pointers, encoded).map { pointer, value in value == nil ? nil : pointer }
            return PQsendQueryParams(
                self.handle, sql, Int32(parameters.count), nil, values, encoded.map { Int32($0?.bytes.count ?? 0) },
                encoded.map { $0?.isBinary == true ? 1 : 0 }, 0
            )
        }
        guard status == 1 else { throw self.lost() }
        return try self.results()
    }

    /// Runs a script of statements without parameters; the server runs them in one transaction unless they say
    /// otherwise.
    ///
    /// - Throws: ``PostgresError`` of the first statement that fails; the rest is not run.
    public func execute(_ script: String) throws(PostgresError) { _ = try self.affectedRows(of: script) }

    /// Runs a script as ``execute(_:)`` does, and returns how many rows its last statement touched.
    ///
    /// - Throws: ``PostgresError`` of the first statement that fails; the rest is not run.
    public func affectedRows(of script: String) throws(PostgresError) -> Int {
        try self.checkUsable()
        guard PQsendQuery(self.handle, script) == 1 else { throw self.lost() }
        return try self.results().affectedRows
    }

    /// Runs `body` between BEGIN and COMMIT; rolls back when it throws.
    ///
    /// A ``PostgresError/connectionLost(server:reason:)`` from the COMMIT leaves the outcome unknown.
    public func transaction<Value, Failure: Error>(
        _ body: (PostgresSession) throws(Failure) -> Value
    ) throws -> Value {
        try self.execute("BEGIN")
        let value: Value
        do {
            value = try body(self)
        } catch {
            // The first error is what the caller must hear; a rollback that fails breaks the connection, which is
            // dropped.
            try? self.execute("ROLLBACK")
            throw error
        }
        try self.execute("COMMIT")
        return value
    }

    // MARK: Results

    /// Reads all results of what was sent; returns the last, throws the first error.
    func results() throws(PostgresError) -> PostgresRows {
        try self.flush()
        var last: ResultHandle?
        var failure: PostgresError?
        while let handle = try self.nextResult() {
            let status = PQresultStatus(handle.result)
            switch status {
            case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
                if failure == nil { failure = self.failure(handle) }
            case PGRES_COPY_IN:
                PQputCopyEnd(self.handle, "unexpected COPY")
            case PGRES_COPY_OUT, PGRES_COPY_BOTH:
                self.isBroken = true
                throw .refused(PostgresServerError(sqlState: "0A000", message: "COPY TO STDOUT needs copyOut"))
            default:
                last = handle
            }
        }
        self.deliverNotifications()
        if let failure { throw failure }
        guard let last else { throw self.lost() }
        return PostgresRows(last)
    }

    /// The next result of the statement under way; `nil` when there is none left.
    func nextResult() throws(PostgresError) -> ResultHandle? {
        while PQisBusy(self.handle) == 1 { try self.receive() }
        defer { if PQtransactionStatus(self.handle) != PQTRANS_ACTIVE { self.isCancelling = false } }
        return PQgetResult(self.handle).map { ResultHandle($0) }
    }

    /// Waits for the server and reads what it has sent.
    ///
    /// - Parameter deadline: When to stop waiting; `nil` waits on.
    /// - Throws: ``PostgresError/connectionLost(server:reason:)`` or ``PostgresError/closed``.
    func receive(until deadline: ContinuousClock.Instant? = nil) throws(PostgresError) {
        let repeatAt = self.isCancelling ? ContinuousClock.now + Self.cancelAgain : nil
        // A request that reaches the server before the statement does is lost there: it is repeated until the statement ends.
        if try self.wait(for: Int16(POLLIN), deadline: repeatAt ?? deadline) == 0, let repeatAt,
            ContinuousClock.now >= repeatAt
        {
            self.sendCancel()
        }
        guard PQconsumeInput(self.handle) == 1 else { throw self.lost() }
    }

    /// Asks the server to end the statement under way, again and again until it does.
    func cancelStatement() {
        self.isCancelling = true
        self.sendCancel()
    }

    /// The error of a result, as one of our cases.
    func failure(_ handle: ResultHandle) -> PostgresError {
        func field(_ code: Character) -> String? {
            text(PQresultErrorField(handle.result, Int32(code.asciiValue ?? 0)))
        }
        guard let sqlState = field("C"), PQstatus(self.handle) == CONNECTION_OK || sqlState.hasPrefix("57") else {
            return self.lost()
        }
        let error = PostgresServerError(
            sqlState: sqlState, message: field("M") ?? "unknown error", detail: field("D"), hint: field("H"),
            constraint: field("n"), position: field("P").flatMap { Int($0) }
        )
        let failure = PostgresError.from(error, server: self.server)
        if case .connectionLost = failure, sqlState != "25006" { self.isBroken = true }
        return failure
    }

    /// Marks the connection unusable, and says why it is.
    func lost() -> PostgresError {
        self.isBroken = true
        return .connectionLost(server: self.server, reason: self.reason())
    }

    /// Sends what libpq holds back.
    func flush() throws(PostgresError) {
        while true {
            switch PQflush(self.handle) {
            case 0: return
            case 1:
                if try self.wait(for: Int16(POLLIN | POLLOUT)) & Int16(POLLIN) != 0 {
                    guard PQconsumeInput(self.handle) == 1 else { throw self.lost() }
                }
            default: throw self.lost()
            }
        }
    }

    func checkUsable() throws(PostgresError) {
        if !self.isUsable { throw .connectionLost(server: self.server, reason: self.reason()) }
    }

    // MARK: Waiting

    /// Waits for the socket; carries out a cancel request or an abort that comes meanwhile.
    ///
    /// - Returns: The socket's events; 0 when something else woke the thread, or when `deadline` has passed.
    @discardableResult
    func wait(for events: Int16, deadline: ContinuousClock.Instant? = nil) throws(PostgresError) -> Int16 {
        var descriptors = [
            pollfd(fd: PQsocket(self.handle), events: events, revents: 0),
            pollfd(fd: self.control.pipe.readEnd, events: Int16(POLLIN), revents: 0),
        ]
        var timeout: Int32 = -1
        if let deadline {
            let left = ContinuousClock.now.duration(to: deadline)
            timeout = left <= .zero ? 0 : Int32(clamping: left.components.seconds * 1000 + 1000)
            if left < .seconds(1), left > .zero {
                timeout = Int32(left.components.attoseconds / 1_000_000_000_000_000) + 1
            }
        }
        _ = poll(&descriptors, nfds_t(descriptors.count), timeout)
        if descriptors[1].revents != 0 {
            self.control.pipe.drain()
            switch self.control.interruption() {
            case .nothing: break
            case .cancel: self.cancelStatement()
            case .abort:
                self.isBroken = true
                throw .closed
            }
        }
        return descriptors[0].revents
    }

    /// Sleeps until there is work, reading what the server sends by itself.
    func waitForWork() {
        if !self.isUsable {
            var descriptor = pollfd(fd: self.control.pipe.readEnd, events: Int16(POLLIN), revents: 0)
            _ = poll(&descriptor, 1, -1)
            self.control.pipe.drain()
            return
        }
        do {
            if try self.wait(for: Int16(POLLIN)) != 0 {
                if PQconsumeInput(self.handle) == 0 { self.isBroken = true }
                self.deliverNotifications()
            }
        } catch {
            self.isBroken = true
        }
    }

    private func deliverNotifications() {
        while let notification = PQnotifies(self.handle) {
            self.notified(
                PostgresNotification(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra)
                )
            )
            PQfreemem(notification)
        }
    }

    /// Asks the server, over a second connection, to cancel the statement under way.
    private func sendCancel() {
        guard let cancel = PQgetCancel(self.handle) else { return }
        defer { PQfreeCancel(cancel) }
        var message = [CChar](repeating: 0, count: 256)
        if PQcancel(cancel, &message, Int32(message.count)) == 0 {
            self.notices.logger.warning(
                "PostgreSQL did not take a cancel request", metadata: ["error": "\(text(message) ?? "")"]
            )
        }
    }

    private func finishConnecting(timeout: Duration) throws(PostgresError) {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        var events = Int16(POLLOUT)
        while PQstatus(self.handle) != CONNECTION_BAD {
            let ready = try self.wait(for: events, deadline: deadline)
            if ready == 0 {
                guard ContinuousClock.now < deadline else {
                    throw .cannotConnect(server: self.server, reason: "no answer within \(timeout)")
                }
                continue
            }
            switch PQconnectPoll(self.handle) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: events = Int16(POLLIN)
            case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
            default: throw .cannotConnect(server: self.server, reason: self.reason())
            }
        }
        throw .cannotConnect(server: self.server, reason: self.reason())
    }

    /// libpq's last message in one line.
    private func reason() -> String {
        guard let message = text(PQerrorMessage(self.handle)), !message.isEmpty else {
            return "the connection is closed"
        }
        var line = message.split(separator: "\n").map { $0.drop { $0 == " " || $0 == "\t" } }.joined(separator: " ")
        // The messages it goes into have full stops of their own.
        while line.last == "." { line.removeLast() }
        return line
    }
}

/// What a LISTENing connection hears.
public struct PostgresNotification: Sendable, Hashable {
    /// The channel.
    public let channel: String
    /// The text given to NOTIFY; empty without one.
    public let payload: String

    /// Makes a notification.
    public init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}

/// Where notices and warnings of the server go.
final class NoticeSink: Sendable {
    let logger: Logger

    init(logger: Logger) { self.logger = logger }
}

/// libpq's notice processor.
///
/// A function, not a closure: it is called on the connection's thread and must be isolated to nothing.
private func noticeArrived(_ context: UnsafeMutableRawPointer?, _ message: UnsafePointer<CChar>?) {
    guard let context, let message else { return }
    let sink = Unmanaged<NoticeSink>.fromOpaque(context).takeUnretainedValue()
    var notice = String(cString: message)
    while notice.last?.isNewline == true { notice.removeLast() }
    sink.logger.debug("PostgreSQL sent a notice", metadata: ["postgres.notice": "\(notice)"])
}

/// A C string as a Swift one; `nil` for a null pointer.
private func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
