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

    /// A content that is to be sent to all devices of a user.
    public struct Entry: Hashable, Sendable {
        /// What is sent; rendered at the time it is sent.
        public let content: PushContent
        /// Whose devices get it.
        public let user: String
        /// The row of `alert_events` it is about.
        public let eventID: Int64?
        /// The time.
        public let now: Timestamp

        /// Makes an entry.
        public init(_ content: PushContent, user: String, eventID: Int64? = nil, now: Timestamp) {
            self.content = content
            self.user = user
            self.eventID = eventID
            self.now = now
        }
    }

    /// Puts in one content for every device of a user; see ``enqueue(_:in:)``.
    @discardableResult
    public static func enqueue(
        _ content: PushContent, user: String, eventID: Int64? = nil, now: Timestamp, in session: PostgresSession
    ) throws -> Enqueued {
        let entry = Entry(content, user: user, eventID: eventID, now: now)
        return try self.enqueue([entry], in: session).first
            ?? Enqueued(decision: .send, deliveries: 0, superseded: 0)
    }

    /// Puts in contents for every device of their users, within the caller's transaction.
    ///
    /// Call it in the transaction that stores the events: then there are none or there are both. A user's wishes decide
    /// whether and when a content is sent, once for all devices; what they forbid is put in as `dropped`, so that one can see
    /// why nothing came. What goes beyond the budget, or waits for the end of quiet hours with many others, becomes a part
    /// of one summary for each device. A delivery that waits for the same device with the same collapse key gives way. An
    /// event that was put in for a device before is not put in again, and one that the user's own connection has shown is
    /// put in as `suppressed`.
    ///
    /// - Parameters:
    ///   - entries: In the order of their events; their number does not change how many statements it takes.
    ///   - shownGrace: How long what is pushed to devices waits for a connection of the user's to show it, if there is one.
    ///   - session: Where the transaction is open.
    /// - Returns: What became of each.
    /// - Throws: `PostgresError`, and nothing for wishes that cannot be read: those count as none.
    @discardableResult
    public static func enqueue(
        _ entries: [Entry], shownGrace: Duration = .zero, in session: PostgresSession
    ) throws -> [Enqueued] {
        let devices = try self.devices(of: Set(entries.map(\.user)), in: session)
        let wishes = try PreferencesStore.read(Set(devices.keys), in: session)
        var levels = try PreferencesStore.levels(of: entries.filter { devices[$0.user] != nil }, in: session)
        let before = levels
        let decisions = entries.map { entry -> NotificationPreferences.Decision in
            guard devices[entry.user] != nil, var level = levels[entry.user] else { return .send }
            let (preferences, zone) = wishes[entry.user] ?? (NotificationPreferences(), .utc)
            let decision = preferences.decide(
                priority: entry.content.priority, expiresAt: entry.content.expiresAt, now: entry.now, levels: &level,
                offset: zone.offset)
            levels[entry.user] = level
            return decision
        }
        var batch = OutboxBatch(
            waiting: try self.waiting(entries, decisions, devices, in: session), grace: shownGrace,
            listeners: shownGrace > .zero
                ? try AlertPresenceStore.listeners(of: Set(devices.keys), in: session) : [],
            // Read after the levels: whoever says that it was shown waits for their lock, or has come before.
            shown: devices.isEmpty
                ? [] : try AlertPresenceStore.shown(Set(entries.map(\.content.eventID)), in: session))
        for (entry, decision) in zip(entries, decisions) {
            let services = wishes[entry.user]?.0.services
            for device in devices[entry.user] ?? [] where services?.contains(device.service) ?? true {
                batch.add(entry, device, decision)
            }
        }
        let outcome = try batch.write(in: session)
        // What was put in before costs nothing again.
        let users = Set(entries.filter { outcome[$0.content.eventID] != nil }.map(\.user))
        try PreferencesStore.save(
            levels.filter { users.contains($0.key) && before[$0.key] != $0.value }, in: session)
        return zip(entries, decisions).map { entry, decision in
            let count = outcome[entry.content.eventID]
            return Enqueued(
                decision: decision, deliveries: count?.deliveries ?? 0, superseded: count?.superseded ?? 0)
        }
    }

    /// What waits for the devices that are to wait for something.
    private static func waiting(
        _ entries: [Entry], _ decisions: [NotificationPreferences.Decision], _ devices: [String: [OutboxBatch.Target]],
        in session: PostgresSession
    ) throws -> WaitingNotifications {
        let held = zip(entries, decisions).filter { _, decision in
            switch decision {
            case .sendLater, .merge: true
            case .send, .sendSilently, .drop: false
            }
        }.map(\.0)
        let ids = Set(held.flatMap { devices[$0.user] ?? [] }.map(\.id))
        if ids.isEmpty { return WaitingNotifications() }
        return try WaitingNotifications(devices: ids, events: Set(held.map(\.content.eventID)), in: session)
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
        of users: Set<String>, in session: PostgresSession
    ) throws -> [String: [OutboxBatch.Target]] {
        var devices: [String: [OutboxBatch.Target]] = [:]
        let rows = try session.query(
            """
            SELECT service, token, secrets, topic, environment, id, user_id FROM devices
            WHERE user_id = ANY($1::text[]) AND disabled_at IS NULL
                AND service NOT IN ('liveActivity', 'apnsChannel')
            ORDER BY id
            """, [.array(users.sorted())])
        for row in rows {
            devices[try row.text(6), default: []].append(
                OutboxBatch.Target(
                    id: try row.integer(5), service: try row.text(0),
                    lane: StoredTarget(try StoredTarget.target(row, from: 0)).lane))
        }
        return devices
    }
}
