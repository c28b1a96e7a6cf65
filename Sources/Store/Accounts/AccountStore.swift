public import Market
public import Postgres

/// The tables `users` and `api_tokens`.
public struct AccountStore: Sendable {
    private let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    // MARK: Users

    /// Creates a user.
    ///
    /// - Parameters:
    ///   - id: What alerts and presence channels call the user.
    ///   - name: What other people see; `nil` takes the id.
    /// - Returns: The user.
    /// - Throws: ``StoreError/invalidUser(_:)``, ``StoreError/invalidName(_:)``, ``StoreError/userExists(_:)`` or
    ///   `PostgresError`.
    public func createUser(_ id: String, name: String? = nil) async throws -> User {
        guard User.isValidID(id) else { throw StoreError.invalidUser(id) }
        let name = try Self.checkedName(name ?? id)
        let rows = try await self.client.query(
            "INSERT INTO users (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING created_at",
            [.text(id), .text(name)])
        guard let row = rows.first else { throw StoreError.userExists(id) }
        return User(id: id, name: name, createdAt: try row.timestamp(0), tokenCount: 0)
    }

    /// All users by id.
    public func users() async throws -> [User] {
        try await self.client.query(
            """
            SELECT users.id, users.name, users.created_at,
                   count(api_tokens.id) FILTER (WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))
            FROM users LEFT JOIN api_tokens ON api_tokens.user_id = users.id
            GROUP BY users.id ORDER BY users.id
            """
        ).map { row in
            User(
                id: try row.text(0), name: try row.text(1), createdAt: try row.timestamp(2),
                tokenCount: Int(try row.integer(3)))
        }
    }

    /// Removes a user with all tokens; alerts stay.
    ///
    /// - Throws: ``StoreError/unknownUser(_:nearest:)`` or `PostgresError`.
    public func removeUser(_ id: String) async throws {
        let rows = try await self.client.query("DELETE FROM users WHERE id = $1", [.text(id)])
        if rows.affectedRows == 0 { throw try await self.unknownUser(id) }
    }

    // MARK: Tokens

    /// Creates a token; its secret is known to the caller only.
    ///
    /// - Parameters:
    ///   - user: Whose token it is.
    ///   - name: What it is for.
    ///   - scopes: What it allows, at least one.
    ///   - expiresAt: From when on it is of no use; `nil`: never.
    /// - Returns: The token, and its secret.
    /// - Throws: ``StoreError/unknownUser(_:nearest:)``, ``StoreError/invalidName(_:)`` or `PostgresError`.
    public func createToken(
        user: String, name: String, scopes: [TokenScope], expiresAt: Timestamp? = nil
    ) async throws -> (token: APIToken, secret: TokenSecret) {
        let secret = TokenSecret()
        let rows = try await self.client.query(
            """
            INSERT INTO api_tokens (user_id, hash, name, scopes, expires_at)
            SELECT id, $2, $3, $4::text[], $5::timestamptz FROM users WHERE id = $1
            RETURNING \(Self.columns)
            """,
            [
                .text(user), .bytes(secret.hash), .text(try Self.checkedName(name)),
                .array(scopes.map(\.description)), .timestamp(expiresAt),
            ])
        guard let row = rows.first else { throw try await self.unknownUser(user) }
        return (try Self.token(row), secret)
    }

    /// Tokens by id.
    ///
    /// - Parameters:
    ///   - user: Only this user's; `nil`: everybody's.
    ///   - includesEnded: Whether those are included that are revoked or expired.
    /// - Returns: The tokens.
    /// - Throws: ``StoreError/unknownUser(_:nearest:)`` or `PostgresError`.
    public func tokens(user: String? = nil, includesEnded: Bool = false) async throws -> [APIToken] {
        if let user, try await self.client.query("SELECT FROM users WHERE id = $1", [.text(user)]).isEmpty {
            throw try await self.unknownUser(user)
        }
        return try await self.client.query(
            """
            SELECT \(Self.columns) FROM api_tokens
            WHERE ($1::text IS NULL OR user_id = $1)
              AND ($2 OR (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())))
            ORDER BY id
            """, [.optional(user), .boolean(includesEnded)]
        ).map(Self.token)
    }

    /// Revokes a token; one that is revoked stays so.
    ///
    /// - Throws: ``StoreError/unknownToken(_:)`` or `PostgresError`.
    public func revokeToken(_ id: Int64) async throws {
        let rows = try await self.client.query(
            "UPDATE api_tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1", [.integer(id)])
        if rows.affectedRows == 0 { throw StoreError.unknownToken(id) }
    }

    /// Who the token with this hash speaks for; `nil` when there is none, or it is revoked or expired.
    public func holder(hash: [UInt8]) async throws -> TokenHolder? {
        let rows = try await self.client.query(
            """
            SELECT api_tokens.id, users.id, users.name, array_to_string(scopes, ' '), expires_at
            FROM api_tokens JOIN users ON users.id = api_tokens.user_id
            WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
            """, [.bytes(hash)])
        guard let row = rows.first else { return nil }
        return TokenHolder(
            tokenID: try row.integer(0), userID: try row.text(1), userName: try row.text(2),
            scopes: try Self.scopes(row, 3), expiresAt: try row.optionalTimestamp(4))
    }

    /// Writes down when tokens were used.
    public func noteUsed(_ times: [Int64: Timestamp]) async throws {
        if times.isEmpty { return }
        let sorted = times.sorted { $0.key < $1.key }
        try await self.client.query(
            """
            UPDATE api_tokens SET last_used_at = greatest(last_used_at, given.at)
            FROM unnest($1::bigint[], $2::timestamptz[]) AS given (id, at) WHERE api_tokens.id = given.id
            """,
            [.array(sorted.map { String($0.key) }), .array(sorted.map(\.value.storedText))])
    }

    // MARK: Rows

    private static let columns = """
        id, user_id, name, array_to_string(scopes, ' '), created_at, expires_at, last_used_at, revoked_at
        """

    private static func token(_ row: PostgresRow) throws -> APIToken {
        APIToken(
            id: try row.integer(0), userID: try row.text(1), name: try row.text(2), scopes: try Self.scopes(row, 3),
            createdAt: try row.timestamp(4), expiresAt: try row.optionalTimestamp(5),
            lastUsedAt: try row.optionalTimestamp(6), revokedAt: try row.optionalTimestamp(7))
    }

    private static func scopes(_ row: PostgresRow, _ column: Int) throws -> [TokenScope] {
        try row.text(column).split(separator: " ").map { try TokenScope(String($0)) }
    }

    private static func checkedName(_ name: String) throws(StoreError) -> String {
        guard (1...User.nameLengthMax).contains(name.count), !name.unicodeScalars.contains(where: { $0.value < 0x20 })
        else { throw .invalidName(name) }
        return name
    }

    private func unknownUser(_ id: String) async throws -> StoreError {
        let ids = try await self.client.query("SELECT id FROM users ORDER BY id LIMIT 10000").map { try $0.text(0) }
        return .unknownUser(id, nearest: Spelling.nearest(to: id, among: ids))
    }
}
