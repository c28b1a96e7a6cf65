public import Market
public import Notifications
public import Postgres

/// The table `devices`.
public struct DeviceStore: Sendable {
    private let client: PostgresClient
    /// How many devices a user may have on one service; a further one takes the place of the one that registered longest ago.
    public static let devicesMax = 100

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// Registers a device, or registers it again.
    ///
    /// A token that was another user's becomes this user's: whoever is signed in on the device gets its notifications.
    /// What still waits for the other user is given up.
    ///
    /// - Parameters:
    ///   - target: How it is reached.
    ///   - user: Whose it is.
    ///   - locale: Its language, as in BCP 47.
    /// - Returns: The device.
    /// - Throws: ``StoreError/invalidUser(_:)`` or `PostgresError`.
    public func register(_ target: PushTarget, user: String, locale: String? = nil) async throws -> Device {
        guard User.isValidID(user) else { throw StoreError.invalidUser(user) }
        let stored = StoredTarget(target)
        let secrets = try stored.secretsJSON()
        let id = try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try session.transaction { session in
                    let rows = try session.query(
                        """
                        INSERT INTO devices (user_id, service, token_hash, token, secrets, topic, environment, locale)
                        VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8)
                        ON CONFLICT (token_hash) DO UPDATE SET
                            user_id = excluded.user_id, token = excluded.token, secrets = excluded.secrets,
                            topic = excluded.topic, environment = excluded.environment,
                            locale = coalesce(excluded.locale, devices.locale), last_registered_at = now(),
                            disabled_at = NULL, disabled_reason = NULL
                        RETURNING id
                        """,
                        [
                            .text(user), .text(stored.service.rawValue), .bytes(stored.hash), .text(stored.token),
                            .text(secrets), .optional(stored.topic), .optional(stored.environment), .optional(locale),
                        ])
                    let id = try rows[0].integer(0)
                    try session.query(
                        """
                        UPDATE deliveries SET state = 'dropped', finished_at = now(), lease_until = NULL,
                            last_error = 'the device is another user''s now'
                        WHERE device_id = $1 AND state IN ('ready', 'leased') AND user_id <> $2
                        """, [.integer(id), .text(user)])
                    try session.query(
                        """
                        DELETE FROM devices WHERE id IN (
                            SELECT id FROM devices WHERE user_id = $1 AND service = $2
                            ORDER BY last_registered_at DESC, id DESC OFFSET $3
                        )
                        """, [.text(user), .text(stored.service.rawValue), .integer(Int64(Self.devicesMax))])
                    return id
                }
            }
        }
        return try await self.device(id: id)
    }

    /// All devices, or those of one user, by number; those too that nothing is sent to.
    public func list(user: String? = nil) async throws -> [Device] {
        try await self.client.query(
            "\(Self.selection) WHERE $1::text IS NULL OR user_id = $1 ORDER BY id", [.optional(user)]
        ).map(Self.device)
    }

    /// One device.
    ///
    /// - Throws: ``StoreError/unknownDevice(_:)`` when there is none with the number.
    public func device(id: Int64) async throws -> Device {
        let rows = try await self.client.query("\(Self.selection) WHERE id = $1", [.integer(id)])
        guard let row = rows.first else { throw StoreError.unknownDevice(id) }
        return try Self.device(row)
    }

    /// Removes a device; what still waits for it is given up.
    ///
    /// - Throws: ``StoreError/unknownDevice(_:)`` when there is none with the number.
    public func remove(id: Int64) async throws {
        let rows = try await self.client.query(
            """
            WITH waiting AS (
                UPDATE deliveries SET state = 'dropped', finished_at = now(), lease_until = NULL,
                    last_error = 'the device was removed'
                WHERE device_id = $1 AND state IN ('ready', 'leased')
            )
            DELETE FROM devices WHERE id = $1
            """, [.integer(id)])
        if rows.affectedRows == 0 { throw StoreError.unknownDevice(id) }
    }

    /// Its service says that nobody is there: nothing more is sent to it until it registers again.
    ///
    /// - Parameters:
    ///   - id: The device.
    ///   - registeredAfter: When it stopped being valid; a device that registered later is left as it is. `nil` is now.
    ///   - reason: What the service said.
    /// - Returns: Whether it was disabled.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func disable(
        id: Int64, unlessRegisteredAfter registeredAfter: Timestamp?, reason: String
    ) async throws -> Bool {
        try await self.client.query(
            """
            WITH gone AS (
                UPDATE devices SET disabled_at = now(), disabled_reason = $3
                WHERE id = $1 AND ($2::timestamptz IS NULL OR last_registered_at <= $2) RETURNING id
            ), waiting AS (
                UPDATE deliveries SET state = 'dead', finished_at = now(), last_error = $3
                WHERE device_id IN (SELECT id FROM gone) AND state = 'ready'
            )
            SELECT id FROM gone
            """,
            [.integer(id), .timestamp(registeredAfter), .text(reason.withoutNUL)]
        ).count == 1
    }

    /// It was found at the other of Apple's services.
    public func setEnvironment(_ environment: APNsEnvironment, id: Int64) async throws {
        try await self.client.query(
            "UPDATE devices SET environment = $2 WHERE id = $1", [.integer(id), .text(environment.rawValue)])
    }

    /// Something was taken for these devices; written at most once an hour for each.
    func succeeded(_ ids: [Int64]) async throws {
        try await self.client.query(
            """
            UPDATE devices SET last_success_at = now()
            WHERE id = ANY($1::bigint[]) AND (last_success_at IS NULL OR last_success_at < now() - interval '1 hour')
            """, [.array(ids.map { String($0) })])
    }

    private static let selection = """
        SELECT id, user_id, locale, created_at, last_registered_at, last_success_at, disabled_reason, service, token,
               secrets, topic, environment
        FROM devices
        """

    private static func device(_ row: PostgresRow) throws -> Device {
        Device(
            id: try row.integer(0), user: try row.text(1), target: try StoredTarget.target(row, from: 7),
            locale: row.optionalText(2), createdAt: try row.timestamp(3), lastRegisteredAt: try row.timestamp(4),
            lastSuccessAt: try row.optionalTimestamp(5), disabledReason: row.optionalText(6))
    }
}
