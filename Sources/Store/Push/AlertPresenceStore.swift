public import Postgres

/// Who listens to their alerts on a connection now, and which alerts such a connection has shown.
///
/// Gateways write it; whoever puts deliveries in reads it. It is worth nothing after a crash: then a push is sent that was not
/// needed.
public struct AlertPresenceStore: Sendable {
    /// How long a listener counts that nobody has written of since.
    static let listenerSeconds: Int64 = 60
    private static let batchMax = 5_000
    private let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// These users listen: repeat it at least every half minute.
    public func listening(_ users: Set<String>) async throws {
        let sorted = users.sorted()
        for start in stride(from: 0, to: sorted.count, by: Self.batchMax) {
            try await self.client.query(
                """
                INSERT INTO alert_listeners (user_id, until)
                SELECT user_id, now() + $2::bigint * interval '1 second' FROM unnest($1::text[]) AS given (user_id)
                ON CONFLICT (user_id) DO UPDATE SET until = excluded.until
                """,
                [
                    .array(sorted[start..<min(start + Self.batchMax, sorted.count)].map { $0 }),
                    .integer(Self.listenerSeconds),
                ])
        }
    }

    /// These users listen no more.
    public func left(_ users: Set<String>) async throws {
        if users.isEmpty { return }
        try await self.client.query(
            "DELETE FROM alert_listeners WHERE user_id = ANY($1::text[])", [.array(users.sorted())])
    }

    /// A user's own connection has shown an event: what waits to be pushed to the user's devices is not sent.
    ///
    /// Webhooks and chats get it all the same. What is put in later for the event is not sent either.
    ///
    /// - Parameters:
    ///   - event: The event as its receivers know it.
    ///   - user: Who saw it.
    /// - Returns: How many deliveries are not sent because of it.
    /// - Throws: `PostgresError`.
    public func shown(_ event: String, user: String) async throws -> Int {
        try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try session.transaction { session in
                    // The row that whoever puts deliveries in has locked until they can be seen.
                    try session.query(
                        """
                        INSERT INTO notification_budgets (user_id, full_at, urgent_full_at) VALUES ($1, now(), now())
                        ON CONFLICT (user_id) DO UPDATE SET full_at = notification_budgets.full_at
                        """, [.text(user)])
                    try session.query(
                        "INSERT INTO alert_shown (event_key, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                        [.text(event), .text(user)])
                    return try session.query(
                        """
                        UPDATE deliveries SET
                            state = 'suppressed', is_held = false, finished_at = now(), last_error = $4
                        WHERE event_key = $1 AND user_id = $2 AND device_id IS NOT NULL AND state = 'ready'
                            AND service = ANY($3::text[])
                        """,
                        [
                            .text(event), .text(user), .array(DeliveryService.onDevices.map(\.rawValue)),
                            .text(Self.reason),
                        ]
                    ).affectedRows
                }
            }
        }
    }

    /// Why a delivery was suppressed.
    static let reason = "shown on the user's own connection"

    /// Which of `users` listen.
    static func listeners(of users: Set<String>, in session: PostgresSession) throws -> Set<String> {
        try Set(
            session.query(
                "SELECT user_id FROM alert_listeners WHERE user_id = ANY($1::text[]) AND until > now()",
                [.array(users.sorted())]
            ).map { try $0.text(0) })
    }

    /// Which of `events` were shown to which users, as `USER EVENT`.
    static func shown(_ events: Set<String>, in session: PostgresSession) throws -> Set<String> {
        try Set(
            session.query(
                "SELECT user_id, event_key FROM alert_shown WHERE event_key = ANY($1::text[])",
                [.array(events.sorted())]
            ).map { "\(try $0.text(0)) \(try $0.text(1))" })
    }
}

extension DeliveryService {
    /// Services whose notifications a device shows by itself: what is on its screen already need not come once more.
    static let onDevices: [DeliveryService] = [.apns, .fcm, .webPush, .beams]
}
