public import Market
public import Postgres

/// The table `push_credentials`: short-lived tokens that all processes share, and credentials that are held back.
public struct CredentialStore: Sendable {
    /// A token of a credential.
    public struct Token: Sendable, Hashable {
        /// The token itself.
        public let exposed: String
        /// When it was made.
        public let issuedAt: Timestamp
        /// When it ends; `nil` when its own rule says that.
        public let expiresAt: Timestamp?

        /// Makes a token.
        public init(_ exposed: String, issuedAt: Timestamp, expiresAt: Timestamp? = nil) {
            self.exposed = exposed
            self.issuedAt = issuedAt
            self.expiresAt = expiresAt
        }
    }

    private let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// The token that is in use, or a new one, which all processes then use.
    ///
    /// One process at a time makes one: the others wait for it.
    ///
    /// - Parameters:
    ///   - name: The credential, for example `apns:TEAM/KEY`.
    ///   - isUsable: Whether the one in use will do.
    ///   - make: Makes a new one; quick, because it holds the others up.
    /// - Returns: The token that is in use now.
    /// - Throws: What `make` throws, or `PostgresError`.
    public func token(
        _ name: String, isUsable: @Sendable (Token) -> Bool, make: @Sendable () async throws -> Token
    ) async throws -> Token {
        if let token = try await self.token(name), isUsable(token) { return token }
        return try await self.client.withTransaction { connection in
            try await connection.query(
                "INSERT INTO push_credentials (name) VALUES ($1) ON CONFLICT DO NOTHING", [.text(name)])
            let rows = try await connection.query("\(Self.selection) FOR UPDATE", [.text(name)])
            if let token = try rows.first.flatMap(Self.token), isUsable(token) { return token }
            let token = try await make()
            try await connection.query(
                "UPDATE push_credentials SET token = $2, issued_at = $3, expires_at = $4 WHERE name = $1",
                [.text(name), .text(token.exposed), .timestamp(token.issuedAt), .timestamp(token.expiresAt)])
            return token
        }
    }

    /// The token in use, if there is one.
    public func token(_ name: String) async throws -> Token? {
        try await self.client.query(Self.selection, [.text(name)]).first.flatMap(Self.token)
    }

    /// Shares a token that took time to get.
    public func store(_ token: Token, name: String) async throws {
        try await self.client.query(
            """
            INSERT INTO push_credentials (name, token, issued_at, expires_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO UPDATE SET
                token = excluded.token, issued_at = excluded.issued_at, expires_at = excluded.expires_at
            """, [.text(name), .text(token.exposed), .timestamp(token.issuedAt), .timestamp(token.expiresAt)])
    }

    /// Says that a lane is held back, and why.
    public func suspend(lane: String, until: Timestamp, reason: String) async throws {
        try await self.client.query(
            """
            INSERT INTO push_credentials (name, suspended_at, suspended_until, suspended_reason)
            VALUES ('lane:' || $1, now(), $2, $3)
            ON CONFLICT (name) DO UPDATE SET
                suspended_at = coalesce(push_credentials.suspended_at, now()),
                suspended_until = excluded.suspended_until, suspended_reason = excluded.suspended_reason
            """, [.text(lane), .timestamp(until), .text(reason.withoutNUL)])
    }

    /// Says that a lane is held back no more.
    public func resume(lane: String) async throws {
        try await self.client.query("DELETE FROM push_credentials WHERE name = 'lane:' || $1", [.text(lane)])
    }

    /// Until when a lane is held back, and why; `nil` when it is not.
    public func suspension(lane: String) async throws -> (until: Timestamp, reason: String)? {
        let rows = try await self.client.query(
            """
            SELECT suspended_until, suspended_reason FROM push_credentials
            WHERE name = 'lane:' || $1 AND suspended_until > now()
            """, [.text(lane)])
        guard let row = rows.first else { return nil }
        return (try row.timestamp(0), try row.text(1))
    }

    private static let selection = "SELECT token, issued_at, expires_at FROM push_credentials WHERE name = $1"

    private static func token(_ row: PostgresRow) throws -> Token? {
        guard let text = row.optionalText(0) else { return nil }
        return Token(text, issuedAt: try row.timestamp(1), expiresAt: try row.optionalTimestamp(2))
    }
}
