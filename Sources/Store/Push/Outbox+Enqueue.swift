public import Market
public import Notifications
public import Postgres

extension Outbox {
    /// What became of a content that was to be sent to a user.
    public struct Enqueued: Hashable, Sendable {
        /// What the user's wishes made of it.
        public let decision: NotificationPreferences.Decision
        /// How many deliveries were put in.
        public let deliveries: Int
        /// How many waiting deliveries it took the place of.
        public let superseded: Int
    }

    /// Puts in one content for every device of a user, within the caller's transaction.
    ///
    /// Call it in the transaction that stores the event: then there is one or there are both. The user's wishes decide
    /// whether and when it is sent, once for all devices; what they forbid is put in as `dropped`, so that one can see
    /// why nothing came. A delivery that waits for the same device with the same collapse key gives way. An event that
    /// was put in for a device before is not put in again.
    ///
    /// - Parameters:
    ///   - content: What is sent. Rendered at the time it is sent.
    ///   - user: Whose devices get it.
    ///   - eventID: The row of `alert_events` it is about.
    ///   - now: The time.
    ///   - session: Where the transaction is open.
    /// - Returns: What became of it.
    /// - Throws: `PostgresError`, and nothing for wishes that cannot be read: those count as none.
    @discardableResult
    public static func enqueue(
        _ content: PushContent, user: String, eventID: Int64? = nil, now: Timestamp, in session: PostgresSession
    ) throws -> Enqueued {
        let devices = try self.devices(of: user, in: session)
        if devices.isEmpty { return Enqueued(decision: .send, deliveries: 0, superseded: 0) }
        let (preferences, zone) = try PreferencesStore.read(user, in: session)
        var levels = try PreferencesStore.levels(of: user, now: now, in: session)
        let decision = preferences.decide(
            priority: content.priority, expiresAt: content.expiresAt, now: now, levels: &levels,
            offset: zone.offset)
        var state = "ready"
        var reason: String?
        var due = now
        var isSilent = false
        switch decision {
        case .send: break
        case .sendSilently: isSilent = true
        case .sendLater(let time): due = time
        case .drop(let why): (state, reason) = ("dropped", why)
        }
        let wanted = devices.filter { preferences.services?.contains($0.service) ?? true }
        let inserted = try session.query(
            """
            INSERT INTO deliveries (
                event_id, service, target, payload, format, lane, user_id, device_id, event_key, priority, collapse_key,
                is_silent, expires_at, next_at, state, last_error, finished_at
            )
            SELECT $1, given.service, 'device:' || given.id, $2, 'content', given.lane, $3, given.id, $4, $5, $6, $7, $8,
                   greatest(now(), $9), $10, $11, CASE WHEN $10 = 'ready' THEN NULL ELSE now() END
            FROM unnest($12::bigint[], $13::text[], $14::text[]) AS given (id, service, lane)
            ON CONFLICT DO NOTHING
            RETURNING id
            """,
            [
                .optional(eventID), .text(try StoredContent.text(content)), .text(user), .text(content.eventID),
                .integer(content.priority.rank), .optional(content.collapseID.isEmpty ? nil : content.collapseID),
                .boolean(isSilent), .timestamp(content.expiresAt), .timestamp(due), .text(state), .optional(reason),
                .array(wanted.map { String($0.id) }), .array(wanted.map(\.service)), .array(wanted.map(\.lane)),
            ])
        guard !inserted.isEmpty, state == "ready" else {
            return Enqueued(decision: decision, deliveries: inserted.count, superseded: 0)
        }
        try PreferencesStore.save(levels, of: user, in: session)
        let superseded = content.collapseID.isEmpty ? 0 : try self.supersede(content, inserted, in: session)
        return Enqueued(decision: decision, deliveries: inserted.count, superseded: superseded)
    }

    /// Puts in one content for one device, whatever its user wishes.
    ///
    /// - Parameters:
    ///   - content: What is sent.
    ///   - device: Who gets it.
    ///   - lease: When given, the caller sends it itself, as if it had claimed it.
    /// - Returns: The delivery's id; `nil` when this event was put in for this device before.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func enqueue(_ content: PushContent, device: Device, lease: Duration? = nil) async throws -> Int64? {
        let stored = StoredTarget(device.target)
        return try await self.client.query(
            """
            INSERT INTO deliveries (
                service, target, payload, format, lane, user_id, device_id, event_key, priority, collapse_key, expires_at,
                state, attempt, lease_until
            )
            VALUES (
                $1, 'device:' || $2::bigint, $3, 'content', $4, $5, $2::bigint, $6, $7, $8, $9,
                CASE WHEN $10::bigint IS NULL THEN 'ready' ELSE 'leased' END,
                CASE WHEN $10::bigint IS NULL THEN 0 ELSE 1 END, now() + $10::bigint * interval '1 millisecond'
            )
            ON CONFLICT DO NOTHING
            RETURNING id
            """,
            [
                .text(stored.service.rawValue), .integer(device.id), .text(try StoredContent.text(content)),
                .text(stored.lane), .text(device.user), .text(content.eventID), .integer(content.priority.rank),
                .optional(content.collapseID.isEmpty ? nil : content.collapseID), .timestamp(content.expiresAt),
                .optional(lease?.milliseconds),
            ]
        ).first?.integer(0)
    }

    /// Puts in one content for one device and claims it for the caller.
    ///
    /// - Returns: What the caller now has to deliver; `nil` when this event was put in for this device before.
    /// - Throws: `PostgresError`.
    public func enqueueClaimed(
        _ content: PushContent, device: Device, lease: Duration
    ) async throws -> OutboxDelivery? {
        guard let id = try await self.enqueue(content, device: device, lease: lease) else { return nil }
        let row = try await self.client.query(
            "SELECT message_id, created_at FROM deliveries WHERE id = $1", [.integer(id)])[0]
        let stored = StoredTarget(device.target)
        return OutboxDelivery(
            id: id, messageID: try row.text(0), service: stored.service, lane: stored.lane,
            target: "device:\(device.id)", device: device, message: .content(content), attempt: 1, tries: 1,
            firedAt: try row.timestamp(1), expiresAt: content.expiresAt)
    }

    private static func devices(
        of user: String, in session: PostgresSession
    ) throws -> [(id: Int64, service: String, lane: String)] {
        try session.query(
            """
            SELECT service, token, secrets, topic, environment, id FROM devices
            WHERE user_id = $1 AND disabled_at IS NULL AND service NOT IN ('liveActivity', 'apnsChannel') ORDER BY id
            """, [.text(user)]
        ).map { row in
            (try row.integer(5), try row.text(0), StoredTarget(try StoredTarget.target(row, from: 0)).lane)
        }
    }

    /// Newer state takes the place of older that still waits.
    private static func supersede(
        _ content: PushContent, _ inserted: PostgresRows, in session: PostgresSession
    ) throws -> Int {
        try session.query(
            """
            UPDATE deliveries AS older SET
                state = 'superseded', finished_at = now(), last_error = 'a newer one of ' || $2 || ' took its place'
            FROM deliveries AS newer
            WHERE newer.id = ANY($1::bigint[]) AND older.device_id = newer.device_id AND older.collapse_key = $2
                AND older.id < newer.id AND older.state = 'ready'
            """,
            [.array(try inserted.map { String(try $0.integer(0)) }), .text(content.collapseID)]
        ).affectedRows
    }
}

extension NotificationPriority {
    /// The column `deliveries.priority`.
    fileprivate var rank: Int64 {
        switch self {
        case .passive: 0
        case .active: 1
        case .urgent: 2
        }
    }
}
