import Market
import Notifications
import Postgres

/// The rows that a number of contents become, within one transaction: a few statements, however many there are.
struct OutboxBatch {
    /// One row to put in.
    struct Row {
        let entry: Outbox.Entry
        let device: Target
        var content: PushContent
        var state = "ready"
        var reason: String?
        var due: Timestamp
        var isSilent = false
        var isHeld = false
        var summary: NotificationSummary?
    }

    /// A device that something can be sent to.
    struct Target {
        let id: Int64
        let service: String
        let lane: String
    }

    private static let onDevices = Set(DeliveryService.onDevices.map(\.rawValue))
    private(set) var rows: [Row] = []
    private var waiting = WaitingNotifications()
    /// Where in `rows` those are that wait, by device.
    private var held: [WaitingNotifications.Key: [Int]] = [:]
    private var begun: [WaitingNotifications.Key: Int] = [:]
    private var merged: [(id: Int64, into: String)] = []

    private let grace: Duration
    private let listeners: Set<String>
    private let shown: Set<String>

    /// Begins.
    ///
    /// - Parameters:
    ///   - waiting: What waits already.
    ///   - grace: How long devices of `listeners` wait for their connection to show an event.
    ///   - listeners: Users with a connection that hears of their alerts.
    ///   - shown: What such connections have shown, as `USER EVENT`.
    init(
        waiting: WaitingNotifications, grace: Duration = .zero, listeners: Set<String> = [], shown: Set<String> = []
    ) {
        self.waiting = waiting
        self.grace = grace
        self.listeners = listeners
        self.shown = shown
    }

    /// Puts in a content for a device as the user's wishes say.
    mutating func add(_ entry: Outbox.Entry, _ target: Target, _ decision: NotificationPreferences.Decision) {
        var row = Row(entry: entry, device: target, content: entry.content, due: entry.now)
        if Self.onDevices.contains(target.service) {
            if self.shown.contains("\(entry.user) \(entry.content.eventID)") {
                row.state = "suppressed"
                row.reason = AlertPresenceStore.reason
                return self.rows.append(row)
            }
            if self.listeners.contains(entry.user) {
                row.due = entry.now.advanced(byNanoseconds: Int64(self.grace / .nanoseconds(1)))
            }
        }
        switch decision {
        case .send: break
        case .sendSilently: row.isSilent = true
        case .drop(let reason):
            row.state = "dropped"
            row.reason = reason
        case .sendLater(let time):
            row.due = time
            return self.hold(row, most: NotificationPreferences.heldMax, isDeferred: true)
        case .merge(let time, let isSilent, let isDeferred):
            row.due = time
            row.isSilent = isSilent
            return self.hold(row, most: time < entry.content.expiresAt ? 1 : 0, isDeferred: isDeferred)
        }
        self.rows.append(row)
    }

    /// Lets a row wait on its own as long as no more than `most` do, else makes it a part of a summary.
    private mutating func hold(_ given: Row, most: Int, isDeferred: Bool) {
        var row = given
        let key = WaitingNotifications.Key(device: row.device.id, isUrgent: row.content.priority == .urgent)
        guard self.waiting.isNew(row.content.eventID, device: row.device.id) else { return }
        if var summary = self.waiting.summaries[key] {
            summary.summary.add(row.content)
            // The end of quiet hours counts, what the budget earns later does not: one was reserved for this summary.
            if isDeferred { summary.due = max(summary.due, row.due) }
            summary.isSilent = row.isSilent
            summary.hasChanged = true
            self.waiting.summaries[key] = summary
            return self.rows.append(Self.part(row, of: summary.summary))
        }
        let singles = self.waiting.singles[key] ?? []
        let mine = self.held[key] ?? []
        guard singles.count + mine.count >= most else {
            row.isHeld = true
            self.held[key, default: []].append(self.rows.count)
            return self.rows.append(row)
        }
        let earlier = singles.map(\.content) + mine.map { self.rows[$0].content }
        var summary = NotificationSummary(earlier.first ?? row.content)
        for content in earlier.dropFirst() + (earlier.isEmpty ? [] : [row.content]) { summary.add(content) }
        self.merged += singles.compactMap { single in single.id.map { ($0, summary.id) } }
        for index in mine { self.rows[index] = Self.part(self.rows[index], of: summary) }
        self.waiting.singles[key] = nil
        self.held[key] = nil
        self.rows.append(Self.part(row, of: summary))
        self.waiting.summaries[key] = .init(id: nil, summary: summary, due: row.due, isSilent: row.isSilent)
        self.begun[key] = self.rows.count
        self.rows.append(row)
    }

    private static func part(_ row: Row, of summary: NotificationSummary) -> Row {
        var row = row
        row.state = "merged"
        row.isHeld = false
        row.reason = "a part of \(summary.id)"
        return row
    }

    /// Gives new summaries the rows that were kept free for them.
    private mutating func finishSummaries() {
        for (key, index) in self.begun {
            guard let summary = self.waiting.summaries[key] else { continue }
            self.rows[index].content = summary.summary.content(due: summary.due)
            self.rows[index].summary = summary.summary
            self.rows[index].due = summary.due
            self.rows[index].isSilent = summary.isSilent
        }
    }

    /// Writes everything.
    ///
    /// - Returns: How many deliveries were put in for each event, and how many waiting ones they took the place of.
    mutating func write(in session: PostgresSession) throws -> [String: (deliveries: Int, superseded: Int)] {
        self.finishSummaries()
        var outcome: [String: (deliveries: Int, superseded: Int)] = [:]
        try self.writeSummaries(in: session)
        var rest = self.rows[...]
        while !rest.isEmpty {
            let part = rest.prefix(1_000)
            rest = rest.dropFirst(1_000)
            let inserted = try Self.insert(part, in: session)
            for row in inserted { outcome[try row.text(1), default: (0, 0)].deliveries += 1 }
            guard part.contains(where: { $0.state == "ready" && !$0.content.collapseID.isEmpty }) else { continue }
            for row in try Self.supersede(inserted, in: session) {
                outcome[try row.text(0), default: (0, 0)].superseded += 1
            }
        }
        return outcome
    }

    /// Summaries that wait grow, and what waited on its own becomes a part of one.
    private func writeSummaries(in session: PostgresSession) throws {
        let changed = self.waiting.summaries.values.filter { $0.hasChanged && $0.id != nil }
        if !changed.isEmpty {
            let contents = changed.map { $0.summary.content(due: $0.due) }
            try session.query(
                """
                UPDATE deliveries SET
                    payload = given.payload, summary = given.summary::jsonb, next_at = given.due,
                    expires_at = given.expires_at, is_silent = given.is_silent, priority = given.priority
                FROM unnest(
                    $1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::boolean[], $7::smallint[]
                ) AS given (id, payload, summary, due, expires_at, is_silent, priority)
                WHERE deliveries.id = given.id
                """,
                [
                    .array(changed.map { $0.id.map { String($0) } }), .array(try contents.map(StoredContent.text)),
                    .array(try changed.map { try $0.summary.storedText() }), .array(changed.map(\.due.storedText)),
                    .array(contents.map(\.expiresAt.storedText)), .array(changed.map { $0.isSilent ? "t" : "f" }),
                    .array(contents.map { String($0.priority.rank) }),
                ])
        }
        if self.merged.isEmpty { return }
        try session.query(
            """
            UPDATE deliveries SET
                state = 'merged', is_held = false, finished_at = now(), last_error = 'a part of ' || given.summary
            FROM unnest($1::bigint[], $2::text[]) AS given (id, summary) WHERE deliveries.id = given.id
            """, [.array(self.merged.map { String($0.id) }), .array(self.merged.map(\.into))])
    }

    private static func insert(_ rows: ArraySlice<Row>, in session: PostgresSession) throws -> PostgresRows {
        func column(_ value: (Row) -> String?) -> PostgresParameter { .array(rows.map(value)) }
        var texts: [String: String] = [:]
        for row in rows where texts[row.content.eventID] == nil {
            texts[row.content.eventID] = try StoredContent.text(row.content)
        }
        return try session.query(
            """
            INSERT INTO deliveries (
                event_id, service, target, payload, format, lane, user_id, device_id, event_key, priority, collapse_key,
                is_silent, expires_at, next_at, state, last_error, finished_at, is_held, summary
            )
            SELECT event_id, service, 'device:' || device, payload, 'content', lane, user_id, device, event_key, priority,
                   collapse_key, is_silent, expires_at, greatest(now(), due), state, reason,
                   CASE WHEN state = 'ready' THEN NULL ELSE now() END, is_held, summary::jsonb
            FROM unnest(
                $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::smallint[],
                $9::text[], $10::boolean[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[],
                $15::boolean[], $16::text[]
            ) WITH ORDINALITY AS given (
                event_id, service, payload, lane, user_id, device, event_key, priority, collapse_key, is_silent,
                expires_at, due, state, reason, is_held, summary, place
            )
            ORDER BY place
            ON CONFLICT DO NOTHING
            RETURNING id, event_key, state
            """,
            [
                // A summary is about several.
                column { $0.summary == nil ? $0.entry.eventID.map { String($0) } : nil }, column(\.device.service),
                column { texts[$0.content.eventID] }, column(\.device.lane), column(\.entry.user),
                column { String($0.device.id) }, column(\.content.eventID), column { String($0.content.priority.rank) },
                column { $0.content.collapseID.isEmpty ? nil : $0.content.collapseID },
                column { $0.isSilent ? "t" : "f" }, column(\.content.expiresAt.storedText), column(\.due.storedText),
                column(\.state), column(\.reason), column { $0.isHeld ? "t" : "f" },
                .array(try rows.map { try $0.summary?.storedText() }),
            ])
    }

    /// Newer state takes the place of older that still waits.
    ///
    /// - Returns: The event of each newer one.
    private static func supersede(_ inserted: PostgresRows, in session: PostgresSession) throws -> PostgresRows {
        let ready = try inserted.filter { try $0.text(2) == "ready" }.map { String(try $0.integer(0)) }
        return try session.query(
            """
            UPDATE deliveries AS older SET
                state = 'superseded', finished_at = now(),
                last_error = 'a newer one of ' || older.collapse_key || ' took its place'
            FROM deliveries AS newer
            WHERE newer.id = ANY($1::bigint[]) AND older.device_id = newer.device_id
                AND older.collapse_key = newer.collapse_key AND older.id < newer.id AND older.state = 'ready'
            RETURNING newer.event_key
            """, [.array(ready)])
    }
}

extension NotificationPriority {
    /// The column `deliveries.priority`.
    var rank: Int64 {
        switch self {
        case .passive: 0
        case .active: 1
        case .urgent: 2
        }
    }
}
