public import Notifications
import Postgres

extension BeamsStore {
    /// Whom a publication is for.
    public enum Audience: Sendable, Hashable {
        /// Devices that subscribed to any of these.
        case interests([String])
        /// All devices of these users.
        case users([String])
    }

    /// How many devices are put into the outbox at a time.
    private static let batch = 1_000

    /// Puts a publication into the outbox: for each device once, however many of the interests it has.
    ///
    /// - Parameters:
    ///   - publishID: The publication's id; the same one again puts in only what is missing.
    ///   - audience: Whom it is for.
    ///   - contents: What is sent to devices of each platform: `web`, `apns`, `fcm`.
    ///   - receivers: Who is told what becomes of it.
    /// - Returns: How many devices it goes to.
    /// - Throws: `PostgresError`.
    public func publish(
        id publishID: String, to audience: Audience, contents: [String: PushContent],
        receivers: BeamsReceivers = BeamsReceivers()
    ) async throws -> Int {
        try await self.transaction { session in
            let platforms = Array(contents.keys)
            let (condition, names) =
                switch audience {
                case .interests(let names):
                    (
                        """
                        EXISTS (
                            SELECT FROM beams_interests WHERE beams_interests.device = beams_devices.id
                                AND beams_interests.interest = ANY($1::text[])
                        )
                        """, names
                    )
                case .users(let names): ("beams_devices.user_id = ANY($1::text[])", names)
                }
            let rows = try session.query(
                """
                SELECT devices.service, devices.token, devices.secrets, devices.topic, devices.environment, devices.id,
                       devices.user_id, beams_devices.platform
                FROM beams_devices JOIN devices ON devices.id = beams_devices.device_id
                WHERE devices.disabled_at IS NULL AND beams_devices.platform = ANY($2::text[]) AND \(condition)
                ORDER BY devices.id
                """, [.array(names), .array(platforms)])
            let devices = try rows.map { row in
                OutboxRow(
                    device: try row.integer(5), user: try row.text(6), platform: try row.text(7),
                    service: try row.text(0), lane: StoredTarget(try StoredTarget.target(row, from: 0)).lane)
            }
            try Self.note(publishID, audience, devices: devices.count, receivers, session)
            for (platform, content) in contents {
                let chosen = devices.filter { $0.platform == platform }
                for start in stride(from: 0, to: chosen.count, by: Self.batch) {
                    try Self.insert(chosen[start..<min(start + Self.batch, chosen.count)], content, publishID, session)
                }
            }
            return devices.count
        }
    }

    /// Writes down the publication, and who is to be told of its end.
    private static func note(
        _ publishID: String, _ audience: Audience, devices: Int, _ receivers: BeamsReceivers, _ session: PostgresSession
    ) throws {
        var users: [String]?
        if case .users(let names) = audience { users = names }
        let own = users == nil ? receivers.own : nil
        let isTold = users == nil ? own != nil : !receivers.webhooks.isEmpty
        try session.query(
            """
            INSERT INTO beams_publishes (id, device_count, users, webhooks, own_webhook, request, told_at)
            VALUES ($1, $2, $3::text[], $4::text[], $5, $6, CASE WHEN $7::boolean THEN NULL ELSE now() END)
            ON CONFLICT (id) DO UPDATE SET device_count = excluded.device_count
            """,
            [
                .text(publishID), .integer(Int64(devices)), users.map { .array($0) } ?? .null,
                .array(receivers.webhooks), .optional(own?.url),
                .optional(own.map { String(decoding: $0.request, as: UTF8.self) }), .boolean(isTold),
            ])
        if let own { try Self.tell(own.url, own.started, session) }
    }

    private struct OutboxRow {
        let device: Int64
        let user: String
        let platform: String
        let service: String
        let lane: String
    }

    private static func insert(
        _ rows: ArraySlice<OutboxRow>, _ content: PushContent, _ publishID: String, _ session: PostgresSession
    ) throws {
        try session.query(
            """
            INSERT INTO deliveries (
                service, target, payload, format, lane, user_id, device_id, event_key, priority, collapse_key, expires_at
            )
            SELECT given.service, 'device:' || given.id, $1, 'content', given.lane, given.user_id, given.id, $2, 1, $3, $4
            FROM unnest($5::bigint[], $6::text[], $7::text[], $8::text[]) AS given (id, service, lane, user_id)
            ON CONFLICT DO NOTHING
            """,
            [
                .text(try StoredContent.text(content)), .text(publishID),
                .optional(content.collapseID.isEmpty ? nil : content.collapseID), .timestamp(content.expiresAt),
                .array(rows.map { String($0.device) }), .array(rows.map(\.service)), .array(rows.map(\.lane)),
                .array(rows.map(\.user)),
            ])
    }
}
