public import Notifications
public import Postgres

/// A device as the SDK that registered it knows it.
public struct BeamsDeviceRecord: Sendable, Hashable {
    /// Its id: `web-…`, `apns-…` or `fcm-…`.
    public let id: String
    /// Whose it is, once its user has signed in.
    public let user: String?
    /// What the SDK told of itself, a JSON object.
    public let metadata: String
}

/// The tables of the Beams-compatible server.
///
/// A device of an SDK is one of `devices` too: of its user, or of a user of its own until one has signed in. So alerts of
/// a user reach it like any other device.
public struct BeamsStore: Sendable {
    /// Devices that one user may have of one platform.
    public static let devicesPerUserMax = 100
    /// Interests of one device.
    public static let interestsMax = 5_000

    let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// Registers a device; one with the same token is replaced, and keeps what it had subscribed to.
    ///
    /// - Parameters:
    ///   - id: The id that the SDK will know it by.
    ///   - platform: `web`, `apns` or `fcm`.
    ///   - target: How it is reached.
    ///   - metadata: A JSON object.
    ///   - previousIDs: Ids the device had before: their interests are handed on.
    /// - Returns: The interests it has.
    /// - Throws: `PostgresError`.
    public func register(
        id: String, platform: String, target: PushTarget, metadata: String, previousIDs: [String]
    ) async throws -> [String] {
        let device = try await DeviceStore(client: self.client).register(target, user: Self.ownUser(of: id))
        return try await self.transaction { session in
            let older = try session.query(
                """
                SELECT id FROM beams_devices WHERE device_id = $1 OR (id = ANY($2::text[]) AND platform = $3)
                """, [.integer(device.id), .array(previousIDs), .text(platform)]
            ).map { try $0.text(0) }
            try session.query(
                "INSERT INTO beams_devices (id, device_id, platform, metadata) VALUES ($1, $2, $3, $4::jsonb)",
                [.text(id), .integer(device.id), .text(platform), .text(metadata)])
            try session.query(
                """
                INSERT INTO beams_interests (interest, device)
                SELECT DISTINCT interest, $2 FROM beams_interests
                WHERE device = ANY($1::text[]) AND interest NOT LIKE 'private-%' ON CONFLICT DO NOTHING
                """, [.array(older), .text(id)])
            try session.query("DELETE FROM beams_devices WHERE id = ANY($1::text[])", [.array(older)])
            return try session.query(
                "SELECT interest FROM beams_interests WHERE device = $1 ORDER BY interest", [.text(id)]
            ).map { try $0.text(0) }
        }
    }

    /// What is known of a device; `nil` when there is none of that id and platform.
    public func device(id: String, platform: String) async throws -> BeamsDeviceRecord? {
        try await self.client.query(
            "SELECT id, user_id, metadata::text FROM beams_devices WHERE id = $1 AND platform = $2",
            [.text(id), .text(platform)]
        ).first.map { row in
            BeamsDeviceRecord(id: try row.text(0), user: row.optionalText(1), metadata: try row.text(2))
        }
    }

    /// Forgets a device with all it subscribed to; nothing happens when it is not there.
    public func remove(id: String, platform: String) async throws {
        try await self.client.query(
            """
            DELETE FROM devices WHERE id IN (SELECT device_id FROM beams_devices WHERE id = $1 AND platform = $2)
            """, [.text(id), .text(platform)])
    }

    /// The SDK or the system of a device changed.
    public func setMetadata(_ metadata: String, id: String) async throws {
        try await self.client.query(
            "UPDATE beams_devices SET metadata = $2::jsonb, seen_at = now() WHERE id = $1",
            [.text(id), .text(metadata)])
    }

    /// Its service gave a device another address.
    public func setTarget(_ target: PushTarget, id: String, user: String?) async throws {
        let device = try await DeviceStore(client: self.client)
            .register(target, user: Self.alertUser(user) ?? Self.ownUser(of: id))
        try await self.transaction { session in
            let old = try session.query(
                "SELECT device_id FROM beams_devices WHERE id = $1 FOR UPDATE", [.text(id)]
            ).first?.integer(0)
            try session.query(
                "UPDATE beams_devices SET device_id = $2, seen_at = now() WHERE id = $1",
                [.text(id), .integer(device.id)])
            guard let old, old != device.id else { return }
            try session.query("DELETE FROM devices WHERE id = $1", [.integer(old)])
        }
    }

    // MARK: Interests

    /// A page of a device's interests, in alphabetical order, after the one named.
    public func interests(of id: String, after cursor: String, limit: Int) async throws -> [String] {
        try await self.client.query(
            "SELECT interest FROM beams_interests WHERE device = $1 AND interest > $2 ORDER BY interest LIMIT $3",
            [.text(id), .text(cursor), .integer(Int64(limit))]
        ).map { try $0.text(0) }
    }

    /// Which of `interests` a device does not have yet.
    public func missing(_ interests: [String], of id: String) async throws -> [String] {
        try await self.client.query(
            """
            SELECT given.interest FROM unnest($2::text[]) AS given (interest)
            WHERE NOT EXISTS (
                SELECT FROM beams_interests AS known WHERE known.device = $1 AND known.interest = given.interest
            )
            """, [.text(id), .array(interests)]
        ).map { try $0.text(0) }
    }

    /// A device's interests become exactly these.
    public func setInterests(_ interests: [String], of id: String) async throws {
        try await self.transaction { session in
            try session.query(
                "DELETE FROM beams_interests WHERE device = $1 AND NOT interest = ANY($2::text[])",
                [.text(id), .array(interests)])
            try session.query(
                """
                INSERT INTO beams_interests (interest, device) SELECT unnest($2::text[]), $1 ON CONFLICT DO NOTHING
                """, [.text(id), .array(interests)])
            try session.query("UPDATE beams_devices SET seen_at = now() WHERE id = $1", [.text(id)])
        }
    }

    /// One interest more, unless the device has as many as are allowed.
    ///
    /// - Returns: Whether there was room for it.
    public func subscribe(_ interest: String, id: String) async throws -> Bool {
        try await self.client.query(
            """
            WITH added AS (
                INSERT INTO beams_interests (interest, device)
                SELECT $2, $1 WHERE (SELECT count(*) FROM beams_interests WHERE device = $1) < $3
                ON CONFLICT DO NOTHING RETURNING interest
            )
            SELECT FROM added UNION ALL SELECT FROM beams_interests WHERE device = $1 AND interest = $2
            """, [.text(id), .text(interest), .integer(Int64(Self.interestsMax))]
        ).isEmpty == false
    }

    /// One interest less; nothing happens when the device does not have it.
    public func unsubscribe(_ interest: String, id: String) async throws {
        try await self.client.query(
            "DELETE FROM beams_interests WHERE device = $1 AND interest = $2", [.text(id), .text(interest)])
    }

    // MARK: Users

    /// What became of signing a user in.
    public enum Binding: Sendable, Hashable {
        /// The device is the user's.
        case bound
        /// It belongs to somebody else.
        case otherUser
        /// The user has as many devices as are allowed.
        case tooMany
    }

    /// A device belongs to `user` from now on.
    public func setUser(_ user: String, id: String, platform: String) async throws -> Binding {
        try await self.transaction { session in
            guard
                let row = try session.query(
                    "SELECT user_id, device_id FROM beams_devices WHERE id = $1 FOR UPDATE", [.text(id)]
                ).first
            else { return .otherUser }
            if let known = row.optionalText(0) { return known == user ? .bound : .otherUser }
            let count = try session.query(
                "SELECT count(*) FROM beams_devices WHERE user_id = $1 AND platform = $2",
                [.text(user), .text(platform)]
            )[0].integer(0)
            guard count < Self.devicesPerUserMax else { return .tooMany }
            try session.query(
                "UPDATE beams_devices SET user_id = $2, seen_at = now() WHERE id = $1", [.text(id), .text(user)])
            if let alertUser = Self.alertUser(user) {
                try session.query(
                    "UPDATE devices SET user_id = $2 WHERE id = $1", [.integer(try row.integer(1)), .text(alertUser)])
            }
            return .bound
        }
    }

    /// Forgets all devices of a user.
    public func removeUser(_ user: String) async throws {
        try await self.client.query(
            "DELETE FROM devices WHERE id IN (SELECT device_id FROM beams_devices WHERE user_id = $1)", [.text(user)])
    }

    // MARK: Help

    func transaction<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) throws -> Value
    ) async throws -> Value {
        try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try session.transaction { session in try body(session) }
            }
        }
    }

    /// The user that a device without one is listed under.
    static func ownUser(of id: String) -> String { "beams=\(id)" }

    /// The user whose alerts a device gets; `nil` for ids that Tickwire's own users cannot have.
    static func alertUser(_ user: String?) -> String? { user.flatMap { User.isValidID($0) ? $0 : nil } }
}
