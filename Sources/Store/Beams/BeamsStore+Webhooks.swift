import Postgres

extension BeamsStore {
    /// For how many minutes deliveries are waited for before a publication's outcome is told: what is tried for longer counts
    /// as failed.
    public static let outcomeMinutes = 10
    /// For how many days a publication and what devices tell of it are kept.
    public static let keptDays = 30

    /// Puts webhooks about publications into the outbox whose deliveries have come to an end, each once.
    ///
    /// Several processes may do it at the same time: each publication is one's.
    ///
    /// - Parameters:
    ///   - limit: How many publications at most.
    ///   - body: Makes the message.
    /// - Returns: How many publications there were.
    /// - Throws: `PostgresError`, or what `body` throws.
    public func tellOutcomes(
        limit: Int = 50, body: @escaping @Sendable (BeamsOutcome) throws -> [UInt8]
    ) async throws -> Int {
        try await self.transaction { session in
            let rows = try session.query(
                """
                SELECT id, users IS NOT NULL, own_webhook, request FROM beams_publishes
                WHERE told_at IS NULL AND (
                    published_at < now() - $1 * interval '1 minute' OR NOT EXISTS (
                        SELECT FROM deliveries WHERE event_key = beams_publishes.id AND device_id IS NOT NULL
                            AND state IN ('ready', 'leased')
                    )
                )
                ORDER BY published_at LIMIT $2 FOR UPDATE SKIP LOCKED
                """, [.integer(Int64(Self.outcomeMinutes)), .integer(Int64(limit))])
            for row in rows {
                let id = try row.text(0)
                if try row.boolean(1) {
                    let message = try body(try Self.usersOutcome(id, session))
                    try Self.tellAll(id, message, session)
                } else {
                    let request = Array((row.optionalText(3) ?? "{}").utf8)
                    let outcome = BeamsOutcome.interests(
                        publishID: id, request: request, counts: try Self.counts(id, session))
                    try Self.tell(row.optionalText(2) ?? "", try body(outcome), session)
                }
                try session.query("UPDATE beams_publishes SET told_at = now() WHERE id = $1", [.text(id)])
            }
            return rows.count
        }
    }

    /// Forgets publications that are older than ``keptDays``, with their reports.
    ///
    /// - Returns: How many.
    @discardableResult
    public func forgetOld() async throws -> Int {
        try await self.client.query(
            """
            DELETE FROM beams_publishes WHERE id IN (
                SELECT id FROM beams_publishes WHERE published_at < now() - $1 * interval '1 day' LIMIT 10000
            )
            """, [.integer(Int64(Self.keptDays))]
        ).affectedRows
    }

    // MARK: Reports

    /// Notes what a device tells of a publication, and tells the receivers of webhooks when its user has signed in.
    ///
    /// What a device tells that is unknown, or that the publication did not go to, counts for nothing.
    ///
    /// - Parameters:
    ///   - event: `delivery` or `open`.
    ///   - publishID: The publication.
    ///   - device: The device's id.
    ///   - body: Makes the message about a user.
    /// - Returns: Whether it is news.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func report(
        _ event: String, publishID: String, device: String, body: @escaping @Sendable (_ user: String) -> [UInt8]
    ) async throws -> Bool {
        try await self.transaction { session in
            let row = try session.query(
                """
                INSERT INTO beams_reports (publish_id, device, event, user_id)
                SELECT beams_publishes.id, beams_devices.id, $3, beams_devices.user_id
                FROM beams_publishes, beams_devices
                WHERE beams_publishes.id = $1 AND beams_devices.id = $2 AND EXISTS (
                    SELECT FROM deliveries WHERE event_key = $1 AND deliveries.device_id = beams_devices.device_id
                )
                ON CONFLICT DO NOTHING
                RETURNING user_id
                """, [.text(publishID), .text(device), .text(event)]
            ).first
            guard let row else { return false }
            if let user = row.optionalText(0) { try Self.tellAll(publishID, body(user), session) }
            return true
        }
    }

    // MARK: Statements

    /// Puts one message into the outbox.
    static func tell(_ url: String, _ body: [UInt8], _ session: PostgresSession) throws {
        try session.query(
            "INSERT INTO deliveries (service, target, payload) VALUES ($1, $2, $3)",
            [.text(DeliveryService.beamsWebhook.rawValue), .text(url), .text(String(decoding: body, as: UTF8.self))])
    }

    /// Puts a message into the outbox for each of a publication's receivers.
    private static func tellAll(_ publishID: String, _ body: [UInt8], _ session: PostgresSession) throws {
        try session.query(
            """
            INSERT INTO deliveries (service, target, payload)
            SELECT $1, url, $2 FROM beams_publishes, unnest(webhooks) AS url WHERE id = $3
            """,
            [
                .text(DeliveryService.beamsWebhook.rawValue), .text(String(decoding: body, as: UTF8.self)),
                .text(publishID),
            ])
    }

    private static func usersOutcome(_ publishID: String, _ session: PostgresSession) throws -> BeamsOutcome {
        var delivered: [String] = []
        var withoutDevices: [String] = []
        var failed: [String] = []
        let rows = try session.query(
            """
            SELECT named.user_id, count(deliveries.id) > 0, coalesce(bool_or(deliveries.state = 'done'), false)
            FROM beams_publishes CROSS JOIN unnest(users) AS named (user_id)
            LEFT JOIN beams_devices ON beams_devices.user_id = named.user_id
            LEFT JOIN deliveries
                ON deliveries.event_key = $1 AND deliveries.device_id = beams_devices.device_id
            WHERE beams_publishes.id = $1 GROUP BY named.user_id ORDER BY named.user_id
            """, [.text(publishID)])
        for row in rows {
            let user = try row.text(0)
            if try row.boolean(2) {
                delivered.append(user)
            } else if try row.boolean(1) {
                failed.append(user)
            } else {
                withoutDevices.append(user)
            }
        }
        return .users(publishID: publishID, delivered: delivered, withoutDevices: withoutDevices, failed: failed)
    }

    private static func counts(_ publishID: String, _ session: PostgresSession) throws -> [BeamsOutcome.Count] {
        try session.query(
            """
            SELECT service, count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state <> 'done')
            FROM deliveries WHERE event_key = $1 AND device_id IS NOT NULL GROUP BY service ORDER BY service
            """, [.text(publishID)]
        ).map { row in
            guard let service = DeliveryService(rawValue: try row.text(0)) else {
                throw row.unexpected(0, "a push service")
            }
            return BeamsOutcome.Count(service: service, sent: try row.integer(1), failed: try row.integer(2))
        }
    }
}
