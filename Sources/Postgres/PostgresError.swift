/// Where a PostgreSQL server is, as messages name it; never holds a password.
public struct PostgresServerName: Sendable, Hashable, CustomStringConvertible {
    /// The host name, address or socket directory.
    public var host: String
    /// The port.
    public var port: String
    /// The database.
    public var database: String

    /// Names a server.
    public init(host: String, port: String, database: String) {
        self.host = host
        self.port = port
        self.database = database
    }

    /// `host:port/database`.
    public var description: String { "\(self.host):\(self.port)/\(self.database)" }
}

/// What the server said about a statement it refused.
public struct PostgresServerError: Error, Hashable, CustomStringConvertible {
    /// The five-character SQLSTATE; see the PostgreSQL manual, appendix A.
    public var sqlState: String
    /// The server's one-line message.
    public var message: String
    /// More detail, if the server gave any.
    public var detail: String?
    /// The server's advice, if it gave any.
    public var hint: String?
    /// The violated constraint or index, if the error is about one.
    public var constraint: String?
    /// Where in the statement's text the error is, counted in characters from 1.
    public var position: Int?

    /// Makes an error from its parts.
    public init(
        sqlState: String, message: String, detail: String? = nil, hint: String? = nil, constraint: String? = nil,
        position: Int? = nil
    ) {
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
        self.constraint = constraint
        self.position = position
    }

    /// One line for an operator.
    public var description: String {
        var text = "\(self.message) (SQLSTATE \(self.sqlState))"
        if let detail = self.detail { text += ". \(detail)" }
        if let hint = self.hint { text += ". \(hint)" }
        return text.replacing(character: "\n", with: " ")
    }
}

/// What can go wrong between this program and PostgreSQL, one case per thing a caller does differently.
public enum PostgresError: Error, Hashable, CustomStringConvertible {
    /// The connection string cannot be read. Its text is not repeated: it may hold a password.
    case malformedConnectionString
    /// No connection could be made.
    case cannotConnect(server: PostgresServerName, reason: String)
    /// The connection broke, or the server is shutting down; what was under way may or may not have been done.
    case connectionLost(server: PostgresServerName, reason: String)
    /// The transaction lost against another one and can be repeated: serialization failure or deadlock.
    case serialization(PostgresServerError)
    /// The server refused a value: data exception, integrity violation, a limit of the program, an exception of a
    /// trigger.
    case data(PostgresServerError)
    /// The server has run out of disk, memory or connections.
    case outOfResources(PostgresServerError)
    /// Anything else the server refused: syntax, a missing table, a missing privilege.
    case refused(PostgresServerError)
    /// The calling task was cancelled, and the statement with it.
    case cancelled
    /// A column holds something else than the program expects.
    case unexpectedValue(column: String, value: String, expected: String)
    /// The connection or the client was closed by this program.
    case closed

    /// What the server said, when the error is the server's.
    public var serverError: PostgresServerError? {
        switch self {
        case .serialization(let error), .data(let error), .outOfResources(let error), .refused(let error): error
        case .malformedConnectionString, .cannotConnect, .connectionLost, .cancelled, .unexpectedValue, .closed: nil
        }
    }

    /// Whether the error is a violation of a unique index (SQLSTATE 23505).
    public var isUniqueViolation: Bool { self.serverError?.sqlState == "23505" }

    /// Whether the same work may succeed later without a change to it.
    public var isTransient: Bool {
        switch self {
        case .cannotConnect, .connectionLost, .serialization, .outOfResources: true
        case .malformedConnectionString, .data, .refused, .cancelled, .unexpectedValue, .closed: false
        }
    }

    /// Whether nothing that happens at the server can mend it: a setting or the program itself is at fault.
    public var isPermanent: Bool {
        switch self {
        case .malformedConnectionString, .unexpectedValue, .closed: true
        case .cannotConnect, .connectionLost, .serialization, .outOfResources, .data, .refused, .cancelled: false
        }
    }

    /// One line for an operator.
    public var description: String {
        switch self {
        case .malformedConnectionString:
            """
            The PostgreSQL connection string is malformed. Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE \
            (percent-encode special characters) or key=value pairs. Check DATABASE_URL.
            """
        case .cannotConnect(let server, let reason):
            "Cannot connect to PostgreSQL at \(server): \(reason). Check DATABASE_URL and that the server runs."
        case .connectionLost(let server, let reason):
            "Lost the connection to PostgreSQL at \(server): \(reason)."
        case .serialization(let error):
            "PostgreSQL could not serialize the transaction: \(error)."
        case .data(let error):
            "PostgreSQL refused a value: \(error)."
        case .outOfResources(let error):
            "PostgreSQL is out of resources: \(error). Free disk space, memory or connections on the server."
        case .refused(let error):
            "PostgreSQL refused a statement: \(error)."
        case .cancelled:
            "The statement was cancelled."
        case .unexpectedValue(let column, let value, let expected):
            "PostgreSQL column '\(column)' holds '\(value)', expected \(expected). Check that the migrations are up to date."
        case .closed:
            "The PostgreSQL connection is closed."
        }
    }

    /// Sorts what the server said by its SQLSTATE.
    static func from(_ error: PostgresServerError, server: PostgresServerName) -> PostgresError {
        switch error.sqlState {
        case "57014": return .cancelled
        // Shutdown, crash, still starting, database dropped, idle time-out, or a primary that became a standby.
        case "57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25006":
            return .connectionLost(server: server, reason: error.message)
        case "55P03", "25P02": return .refused(error)
        default: break
        }
        switch error.sqlState.prefix(2) {
        case "08": return .connectionLost(server: server, reason: error.message)
        case "40": return .serialization(error)
        case "53", "58": return .outOfResources(error)
        case "22", "23", "54", "P0": return .data(error)
        default: return .refused(error)
        }
    }
}

extension String {
    /// This text with every `character` replaced.
    func replacing(character: Character, with other: Character) -> String {
        String(self.map { $0 == character ? other : $0 })
    }
}
