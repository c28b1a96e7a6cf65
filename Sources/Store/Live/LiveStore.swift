import Alerts
public import Market
public import Notifications
public import Postgres

/// The tables `live_channels` and `live_activities`: who is shown live prices, and what was sent last.
///
/// Prices themselves are never stored for sending: one that is not sent at once is worthless.
public struct LiveStore: Sendable {
    /// What is notified when somebody asks for a channel or registers an activity.
    public static let changesChannel = "tickwire_live"
    /// Symbols that one push-to-start token may ask for.
    public static let startsMax = 20

    let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    // MARK: Activities

    /// What an app registers with one token.
    public enum Wish: Hashable, Sendable {
        /// The token of an activity that shows a symbol.
        case update(Symbol)
        /// A push-to-start token, the type of activities it begins, and the symbols to begin them for.
        case start(attributesType: String, symbols: [Symbol])
    }

    /// Says what a registered token is for, in place of what was said before.
    public func register(_ wish: Wish, device: Int64) async throws {
        let (kind, type, symbols): (String, String?, [Symbol]) =
            switch wish {
            case .update(let symbol): ("update", nil, [symbol])
            case .start(let type, let symbols): ("start", type, symbols)
            }
        try await self.client.query(
            """
            WITH given AS (SELECT DISTINCT unnest($2::text[]) AS symbol), gone AS (
                DELETE FROM live_activities WHERE device_id = $1 AND symbol NOT IN (SELECT symbol FROM given)
            ), told AS (SELECT pg_notify($5, ''))
            INSERT INTO live_activities (device_id, symbol, kind, attributes_type)
            SELECT $1, symbol, $3, $4 FROM given, told
            ON CONFLICT (device_id, symbol) DO UPDATE SET
                kind = excluded.kind, attributes_type = excluded.attributes_type,
                asked_at = CASE WHEN live_activities.kind = excluded.kind THEN live_activities.asked_at ELSE now() END
            """,
            [
                .integer(device), .array(symbols.map(\.name)), .text(kind), .optional(type),
                .text(Self.changesChannel),
            ])
    }

    /// Every activity and wish whose device is not off.
    public func activities() async throws -> [LiveActivity] {
        let rows = try await self.client.query(
            """
            SELECT devices.id, devices.user_id, live_activities.symbol, kind, attributes_type, asked_at, started_at, sent_at,
                   last_timestamp, devices.last_success_at IS NOT NULL, devices.token, devices.topic, devices.environment
            FROM live_activities JOIN devices ON devices.id = device_id
            WHERE devices.disabled_at IS NULL AND devices.service = 'liveActivity'
            ORDER BY device_id, live_activities.symbol
            """)
        return try rows.map { row in
            LiveActivity(
                deviceID: try row.integer(0), user: try row.text(1),
                device: APNsDevice(
                    token: try row.text(10), topic: row.optionalText(11) ?? "",
                    environment: row.optionalText(12).flatMap(APNsEnvironment.init) ?? .production),
                symbol: try row.symbol(2), kind: row.optionalText(4).map { .start(attributesType: $0) } ?? .update,
                askedAt: try row.timestamp(5), startedAt: try row.optionalTimestamp(6),
                sentAt: try row.optionalTimestamp(7), lastTimestamp: try row.integer(8),
                hasSucceeded: try row.boolean(9))
        }
    }

    /// The thresholds of users' alerts that can fire, by user and symbol.
    public func thresholds(of users: Set<String>) async throws -> [String: [Symbol: [Decimal64]]] {
        if users.isEmpty { return [:] }
        let rows = try await self.client.query(
            """
            SELECT owner, symbols.name, expression FROM alerts JOIN symbols ON symbols.id = symbol_id
            WHERE owner = ANY($1::text[]) AND removed_at IS NULL AND pause IS NULL
            """, [.array(users.sorted())])
        var thresholds: [String: [Symbol: [Decimal64]]] = [:]
        for row in rows {
            // One that cannot be read is told of where alerts are loaded.
            guard let expression = try? AlertExpression(parsing: row.text(2)),
                let threshold = expression.condition.threshold
            else { continue }
            thresholds[try row.text(0), default: [:]][try row.symbol(1), default: []].append(threshold)
        }
        return thresholds
    }

    /// Takes the right to send to activities now, from this process's own clock.
    ///
    /// - Returns: The timestamp to send, for each that nobody has sent to within `spacing`.
    public func claim(_ pushes: [LiveClaim<LiveActivity.Key>], spacing: Duration) async throws -> [LiveActivity.Key:
        Int64]
    {
        if pushes.isEmpty { return [:] }
        let rows = try await self.client.query(
            """
            UPDATE live_activities SET sent_at = now(), last_timestamp = greatest(last_timestamp + 1, given.stamp)
            FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::boolean[]) AS given (id, symbol, stamp, is_urgent)
            WHERE device_id = given.id AND live_activities.symbol = given.symbol
                AND (given.is_urgent OR sent_at IS NULL OR sent_at <= now() - $5::bigint * interval '1 millisecond')
            RETURNING device_id, live_activities.symbol, last_timestamp
            """,
            [
                .array(pushes.map { String($0.key.deviceID) }), .array(pushes.map(\.key.symbol.name)),
                .array(pushes.map { String($0.timestamp) }), .array(pushes.map { $0.isUrgent ? "t" : "f" }),
                .integer(spacing.milliseconds),
            ])
        var stamps: [LiveActivity.Key: Int64] = [:]
        for row in rows {
            stamps[.init(deviceID: try row.integer(0), symbol: try row.symbol(1))] = try row.integer(2)
        }
        return stamps
    }

    /// Takes the right to begin an activity; `false` when somebody has begun one since `activity` was read.
    public func claimStart(_ activity: LiveActivity) async throws -> Bool {
        try await self.client.query(
            """
            UPDATE live_activities SET started_at = now()
            WHERE device_id = $1 AND symbol = $2 AND started_at IS NOT DISTINCT FROM $3
            """, [.integer(activity.deviceID), .text(activity.symbol.name), .timestamp(activity.startedAt)]
        ).affectedRows == 1
    }

    /// An activity was not begun after all.
    public func releaseStart(_ activity: LiveActivity) async throws {
        try await self.client.query(
            "UPDATE live_activities SET started_at = $3 WHERE device_id = $1 AND symbol = $2",
            [.integer(activity.deviceID), .text(activity.symbol.name), .timestamp(activity.startedAt)])
    }

    /// Removes a token that has ended or that its service knows no more, unless it was registered after `time`.
    ///
    /// - Returns: Whether it is gone.
    @discardableResult
    public func remove(device: Int64, unlessRegisteredAfter time: Timestamp? = nil) async throws -> Bool {
        try await self.client.query(
            """
            DELETE FROM devices WHERE id = $1 AND service = 'liveActivity'
                AND ($2::timestamptz IS NULL OR last_registered_at <= $2)
            """, [.integer(device), .timestamp(time)]
        ).affectedRows == 1
    }

    /// Removes the tokens of activities that even the lock screen shows no more: half a day after they were registered.
    public func removeEnded() async throws {
        try await self.client.query(
            """
            DELETE FROM devices USING live_activities
            WHERE devices.id = device_id AND kind = 'update' AND asked_at < now() - interval '12 hours'
            """)
    }

    /// A token worked, or was found at the other of Apple's services.
    public func succeeded(device: Int64, environment: APNsEnvironment) async throws {
        try await self.client.query(
            "UPDATE devices SET last_success_at = now(), environment = $2 WHERE id = $1",
            [.integer(device), .text(environment.rawValue)])
    }
}
