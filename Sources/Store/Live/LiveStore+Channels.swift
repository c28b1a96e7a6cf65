public import Market
public import Notifications
import Postgres

/// Broadcast channels: one process makes each, all others read its id.
extension LiveStore {
    /// Somebody wants the channel of a symbol: it is asked for, unless it is there.
    ///
    /// - Returns: The channel, perhaps without an id yet.
    public func want(
        _ symbol: Symbol, topic: String, environment: APNsEnvironment
    ) async throws -> LiveChannel {
        let rows = try await self.client.query(
            """
            WITH told AS (SELECT pg_notify($4, ''))
            INSERT INTO live_channels (topic, environment, symbol)
            SELECT $1::text, $2::text, $3::text FROM told
            ON CONFLICT (topic, environment, symbol) DO UPDATE SET wanted_at = now()
            RETURNING \(Self.columns)
            """,
            [.text(topic), .text(environment.rawValue), .text(symbol.name), .text(Self.changesChannel)])
        return try Self.channel(rows[0])
    }

    /// All channels of an app, made or not.
    public func channels(topic: String) async throws -> [LiveChannel] {
        try await self.client.query(
            "SELECT \(Self.columns) FROM live_channels WHERE topic = $1 ORDER BY environment, symbol", [.text(topic)]
        ).map(Self.channel)
    }

    /// One channel; `nil` when nobody has asked for it.
    public func channel(
        _ symbol: Symbol, topic: String, environment: APNsEnvironment
    ) async throws -> LiveChannel? {
        try await self.client.query(
            "SELECT \(Self.columns) FROM live_channels WHERE topic = $1 AND environment = $2 AND symbol = $3",
            [.text(topic), .text(environment.rawValue), .text(symbol.name)]
        ).first.map(Self.channel)
    }

    /// Has a channel made, unless another process has made it meanwhile.
    ///
    /// One process at a time makes one: the others wait for it, and then find it.
    ///
    /// - Parameters:
    ///   - channel: One without an id.
    ///   - make: Asks the service for one.
    /// - Returns: The id; `nil` when it is not asked for any more.
    /// - Throws: What `make` throws, or `PostgresError`.
    public func make(
        _ channel: LiveChannel, _ make: @Sendable () async throws -> String
    ) async throws -> String? {
        try await self.client.withTransaction { connection in
            let key = Self.key(channel)
            let rows = try await connection.query(
                """
                SELECT channel_id FROM live_channels WHERE topic = $1 AND environment = $2 AND symbol = $3 FOR UPDATE
                """, key)
            guard let row = rows.first else { return nil }
            if let id = row.optionalText(0) { return id }
            let id = try await make()
            try await connection.query(
                """
                UPDATE live_channels SET channel_id = $4 WHERE topic = $1 AND environment = $2 AND symbol = $3
                """, key + [.text(id)])
            return id
        }
    }

    /// The service does not know a channel any more: it has to be made again.
    public func forget(_ channel: LiveChannel) async throws {
        guard let id = channel.id else { return }
        try await self.client.query(
            """
            UPDATE live_channels SET channel_id = NULL, sent_at = NULL
            WHERE topic = $1 AND environment = $2 AND symbol = $3 AND channel_id = $4
            """, Self.key(channel) + [.text(id)])
    }

    /// Nobody needs a channel any more: it gives way, unless somebody has asked for it meanwhile.
    ///
    /// - Returns: Whether it is gone from the table, so that the caller may delete it at the service.
    public func give(up channel: LiveChannel) async throws -> Bool {
        try await self.client.query(
            """
            DELETE FROM live_channels WHERE topic = $1 AND environment = $2 AND symbol = $3 AND wanted_at = $4
            """, Self.key(channel) + [.timestamp(channel.wantedAt)]
        ).affectedRows == 1
    }

    /// Takes the right to broadcast now: no two processes send within a cadence, and timestamps only grow.
    ///
    /// - Parameters:
    ///   - claims: The channels, all of one app.
    ///   - topic: The app.
    ///   - spacing: What lies between two sendings at least, but for those that go at once.
    /// - Returns: The timestamp to send, for each that nobody has sent to within `spacing`.
    /// - Throws: `PostgresError`.
    public func claim(
        _ claims: [LiveClaim<LiveChannel.Key>], topic: String, spacing: Duration
    ) async throws -> [LiveChannel.Key: Int64] {
        if claims.isEmpty { return [:] }
        let rows = try await self.client.query(
            """
            UPDATE live_channels SET sent_at = now(), last_timestamp = greatest(last_timestamp + 1, given.stamp)
            FROM unnest($2::text[], $3::text[], $4::bigint[], $5::boolean[])
                AS given (environment, symbol, stamp, is_urgent)
            WHERE topic = $1 AND live_channels.environment = given.environment
                AND live_channels.symbol = given.symbol
                AND (given.is_urgent OR sent_at IS NULL OR sent_at <= now() - $6::bigint * interval '1 millisecond')
            RETURNING live_channels.environment, live_channels.symbol, last_timestamp
            """,
            [
                .text(topic), .array(claims.map(\.key.environment.rawValue)), .array(claims.map(\.key.symbol.name)),
                .array(claims.map { String($0.timestamp) }), .array(claims.map { $0.isUrgent ? "t" : "f" }),
                .integer(spacing.milliseconds),
            ])
        var stamps: [LiveChannel.Key: Int64] = [:]
        for row in rows {
            guard let environment = APNsEnvironment(rawValue: try row.text(0)) else { continue }
            stamps[.init(symbol: try row.symbol(1), environment: environment)] = try row.integer(2)
        }
        return stamps
    }

    private static let columns =
        "symbol, topic, environment, channel_id, created_at, wanted_at, sent_at, last_timestamp"

    private static func key(_ channel: LiveChannel) -> [PostgresParameter] {
        [.text(channel.topic), .text(channel.environment.rawValue), .text(channel.symbol.name)]
    }

    private static func channel(_ row: PostgresRow) throws -> LiveChannel {
        guard let environment = APNsEnvironment(rawValue: try row.text(2)) else {
            throw row.unexpected(2, "'production' or 'sandbox'")
        }
        return LiveChannel(
            symbol: try row.symbol(0), topic: try row.text(1), environment: environment, id: row.optionalText(3),
            createdAt: try row.timestamp(4), wantedAt: try row.timestamp(5), sentAt: try row.optionalTimestamp(6),
            lastTimestamp: try row.integer(7))
    }
}
