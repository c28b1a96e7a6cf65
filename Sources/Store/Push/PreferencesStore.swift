import FoundationEssentials
public import Market
public import Notifications
public import Postgres

/// The tables `notification_preferences` and `notification_budgets`.
public struct PreferencesStore: Sendable {
    /// The clock on a user's wall.
    public struct Zone: Sendable, Hashable {
        /// The zone's name in the IANA database.
        public let name: String
        private let zone: TimeZone?

        /// Finds a zone; `nil` when the system knows none of that name.
        public init?(_ name: String) {
            guard name != "UTC" else {
                (self.name, self.zone) = (name, nil)
                return
            }
            guard name.contains("/"), let zone = TimeZone(identifier: name) else { return nil }
            (self.name, self.zone) = (name, zone)
        }

        /// Seconds east of Greenwich at an instant.
        public func offset(_ time: Timestamp) -> Int {
            self.zone?.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time.microseconds) / 1_000_000)) ?? 0
        }

        private init() { (self.name, self.zone) = ("UTC", nil) }

        /// Greenwich.
        public static let utc = Zone()
    }

    private let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// A user's wishes and clock; the standard when there are none.
    public func preferences(of user: String) async throws -> (NotificationPreferences, Zone) {
        try await self.client.withConnection { connection in
            try await connection.withSession {
                try Self.read([user], in: $0)[user] ?? (NotificationPreferences(), .utc)
            }
        }
    }

    /// Replaces a user's wishes.
    ///
    /// - Throws: ``StoreError/invalidUser(_:)`` or `PostgresError`.
    public func set(_ preferences: NotificationPreferences, zone: Zone, of user: String) async throws {
        guard User.isValidID(user) else { throw StoreError.invalidUser(user) }
        let seconds = max(1, min(3_600, Int64(preferences.budget.interval / .seconds(1))))
        try await self.client.query(
            """
            INSERT INTO notification_preferences (user_id, zone, quiet_hours, quiet_action, burst, interval_seconds, services)
            VALUES ($1, $2, $3, $4, $5, $6, $7::text[])
            ON CONFLICT (user_id) DO UPDATE SET
                zone = excluded.zone, quiet_hours = excluded.quiet_hours, quiet_action = excluded.quiet_action,
                burst = excluded.burst, interval_seconds = excluded.interval_seconds, services = excluded.services
            """,
            [
                .text(user), .text(zone.name), .optional(preferences.quietHours?.description),
                .text(preferences.quietAction.rawValue), .integer(Int64(min(10_000, preferences.budget.burst))),
                .integer(seconds), preferences.services.map { .array($0.sorted()) } ?? .null,
            ])
    }

    /// Reads the wishes of users that have some; what cannot be read counts as not wished, so that nothing is withheld by
    /// mistake.
    static func read(
        _ users: Set<String>, in session: PostgresSession
    ) throws -> [String: (NotificationPreferences, Zone)] {
        if users.isEmpty { return [:] }
        let rows = try session.query(
            """
            SELECT zone, quiet_hours, quiet_action, burst, interval_seconds, array_to_string(services, ','), user_id
            FROM notification_preferences WHERE user_id = ANY($1::text[])
            """, [.array(users.sorted())])
        var wishes: [String: (NotificationPreferences, Zone)] = [:]
        for row in rows {
            let zone = Zone(try row.text(0))
            // Without the user's clock nobody knows when it is quiet.
            let hours = zone == nil ? nil : row.optionalText(1).flatMap { try? QuietHours($0) }
            let preferences = NotificationPreferences(
                quietHours: hours, quietAction: QuietAction(rawValue: try row.text(2)) ?? .silent,
                budget: NotificationBudget(
                    burst: Int(try row.integer(3)), interval: .seconds(try row.integer(4))),
                services: row.optionalText(5).map { Set($0.split(separator: ",").map(String.init)) })
            wishes[try row.text(6)] = (preferences, zone ?? .utc)
        }
        return wishes
    }

    /// What is left of the budgets of users, kept from others until the transaction ends.
    static func levels(
        of entries: [Outbox.Entry], in session: PostgresSession
    ) throws -> [String: NotificationPreferences.Levels] {
        var times: [String: Timestamp] = [:]
        for entry in entries { times[entry.user] = times[entry.user] ?? entry.now }
        if times.isEmpty { return [:] }
        let users = times.sorted { $0.key < $1.key }
        // Rows to lock, in one order: two events at once must not spend the same notification.
        let rows = try session.query(
            """
            INSERT INTO notification_budgets (user_id, full_at, urgent_full_at)
            SELECT user_id, full_at, full_at FROM unnest($1::text[], $2::timestamptz[]) AS given (user_id, full_at)
            ORDER BY user_id
            ON CONFLICT (user_id) DO UPDATE SET full_at = notification_budgets.full_at
            RETURNING user_id, full_at, urgent_full_at
            """, [.array(users.map(\.key)), .array(users.map(\.value.storedText))])
        var levels: [String: NotificationPreferences.Levels] = [:]
        for row in rows {
            levels[try row.text(0)] = NotificationPreferences.Levels(
                usual: .init(fullAt: try row.timestamp(1)), urgent: .init(fullAt: try row.timestamp(2)))
        }
        return levels
    }

    static func save(
        _ levels: [String: NotificationPreferences.Levels], in session: PostgresSession
    ) throws {
        if levels.isEmpty { return }
        let users = levels.sorted { $0.key < $1.key }
        try session.query(
            """
            UPDATE notification_budgets SET full_at = given.full_at, urgent_full_at = given.urgent
            FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS given (user_id, full_at, urgent)
            WHERE notification_budgets.user_id = given.user_id
            """,
            [
                .array(users.map(\.key)), .array(users.map(\.value.usual.fullAt.storedText)),
                .array(users.map(\.value.urgent.fullAt.storedText)),
            ])
    }
}
