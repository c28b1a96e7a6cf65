public import Alerts
import Market
public import Notifications
import Postgres

extension AlertStore {
    /// Stores what an evaluator has found: events with their deliveries, states, and how far it has come, all in one
    /// transaction.
    ///
    /// A crossing that is stored already changes nothing, so after an error whose outcome is unknown it can be stored again.
    /// A state that is older than the stored one, by its number of crossings, or that belongs to another revision of the
    /// condition, is left out.
    ///
    /// - Returns: How many events are new.
    /// - Throws: ``PostgresError``; then nothing is stored, unless the connection was lost.
    @discardableResult
    public func store(_ checkpoint: AlertCheckpoint) async throws -> Int {
        let catalog = self.catalog
        let grace = self.shownGrace
        let sorted = checkpoint.streams.sorted {
            ($0.stream.symbol, $0.stream.venue) < ($1.stream.symbol, $1.stream.venue)
        }
        return try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try catalog.resolve(
                    symbols: Set(sorted.map(\.stream.symbol)),
                    venues: Set(checkpoint.events.compactMap(\.fired.cause.venue) + sorted.map(\.stream.venue)), session
                )
                return try session.transaction { session in
                    try session.execute("SET LOCAL tickwire.evaluator = 'on'")
                    let count = try Self.insert(checkpoint.events, shownGrace: grace, session)
                    try Self.save(checkpoint.states, session)
                    if let (journal, place) = checkpoint.position {
                        try Self.save(sorted, journal, session)
                        try session.query(
                            """
                            INSERT INTO alert_positions (journal, trades, quotes) VALUES ($1::uuid, $2, $3)
                            ON CONFLICT (journal) DO UPDATE SET
                                trades = excluded.trades, quotes = excluded.quotes, moved_at = now()
                            """,
                            [.text(journal), .integer(place.trades), .integer(place.quotes)])
                    }
                    return count
                }
            }
        }
    }

    /// How far the alerts were evaluated that an evaluator starts with.
    ///
    /// - Throws: ``PostgresError``.
    public func position(in journal: String) async throws -> AlertPosition {
        var position = AlertPosition()
        let known = try await self.client.query(
            "SELECT trades, quotes FROM alert_positions WHERE journal = $1::uuid", [.text(journal)])
        if let row = known.first {
            position.place = JournalPlace(trades: try row.integer(0), quotes: try row.integer(1))
        }
        let rows = try await self.client.query(
            """
            SELECT symbols.name, venues.name, is_primary, last_price, event_time, received_time,
                   CASE journal WHEN $1::uuid THEN trades ELSE 0 END, CASE journal WHEN $1::uuid THEN quotes ELSE 0 END
            FROM alert_streams JOIN symbols ON symbols.id = symbol_id JOIN venues ON venues.id = venue_id
            """, [.text(journal)])
        for row in rows {
            position.streams.append(
                AlertCheckpoint.StreamRow(
                    EvaluatedStream(
                        symbol: try row.symbol(0), venue: try row.venue(1), isPrimary: try row.boolean(2),
                        lastPrice: try row.optionalDecimal(3), eventTime: try row.optionalTimestamp(4),
                        receivedTime: try row.timestamp(5)),
                    place: JournalPlace(trades: try row.integer(6), quotes: try row.integer(7))))
        }
        return position
    }

    /// Keeps what alerts remember; see ``store(_:)``.
    public func saveStates(_ alerts: [Alert]) async throws {
        if alerts.isEmpty { return }
        var checkpoint = AlertCheckpoint()
        checkpoint.states = alerts.map {
            AlertMemory(id: $0.id, revision: $0.revision, state: $0.state, isStorm: $0.pause == .storm)
        }
        try await self.store(checkpoint)
    }

    /// Stores one firing: its event with all payloads, the alert's state and what has to be delivered; see ``store(_:)``.
    ///
    /// - Returns: Whether the crossing is new.
    @discardableResult
    public func record(_ fired: FiredAlert, payloads: NotificationPayloads) async throws -> Bool {
        var checkpoint = AlertCheckpoint()
        checkpoint.events = [AlertCheckpoint.Event(fired, payloads)]
        var state = fired.alert.state
        state.crossingCount = max(state.crossingCount, fired.crossing)
        checkpoint.states = [
            AlertMemory(
                id: fired.alert.id, revision: fired.alert.revision, state: state, isStorm: fired.isStorm)
        ]
        return try await self.store(checkpoint) > 0
    }

    // MARK: Statements

    /// - Returns: How many were not there.
    private static func insert(
        _ events: [AlertCheckpoint.Event], shownGrace: Duration, _ session: PostgresSession
    ) throws -> Int {
        var count = 0
        var rest = events[...]
        while !rest.isEmpty {
            count += try Self.insert(rest.prefix(500), shownGrace: shownGrace, session)
            rest = rest.dropFirst(500)
        }
        return count
    }

    private static func insert(
        _ events: ArraySlice<AlertCheckpoint.Event>, shownGrace: Duration, _ session: PostgresSession
    ) throws -> Int {
        func column(_ value: (AlertCheckpoint.Event) -> String?) -> PostgresParameter { .array(events.map(value)) }
        let rows = try session.query(
            """
            WITH given AS (
                SELECT * FROM unnest(
                    $1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[],
                    $8::numeric[], $9::numeric[], $10::"char"[], $11::text[], $12::numeric[], $13::jsonb[], $14::text[],
                    $15::timestamptz[], $16::boolean[], $17::jsonb[], $18::text[], $19::text[]
                ) WITH ORDINALITY AS given (
                    alert_id, crossing, fired_at, event_time, received_time, venue, expression, price, size, side, trade_id,
                    previous_price, measurement, late_reason, late_since, is_storm, payloads, url, body, place
                )
            ), added AS (
                INSERT INTO alert_events (
                    alert_id, crossing, fired_at, event_time, received_time, venue_id, expression, price, size, side, trade_id,
                    previous_price, measurement, late_reason, late_since, is_storm, payloads
                )
                SELECT alert_id, crossing, fired_at, event_time, received_time, venues.id, given.expression, price, size, side,
                       trade_id, previous_price, measurement, late_reason, late_since, is_storm, payloads
                FROM given JOIN alerts ON alerts.id = alert_id LEFT JOIN venues ON venues.name = venue
                ORDER BY place
                ON CONFLICT (alert_id, crossing) DO NOTHING
                RETURNING id, alert_id, crossing
            ), delivered AS (
                INSERT INTO deliveries (event_id, service, target, payload)
                SELECT added.id, $20, url, body FROM added JOIN given USING (alert_id, crossing) WHERE url IS NOT NULL
            )
            SELECT id, alert_id, crossing FROM added
            """,
            [
                column { String($0.fired.alert.id) }, column { String($0.fired.crossing) },
                column(\.fired.firedAt.storedText), column(\.fired.cause.eventTime.storedText),
                column(\.fired.cause.receivedTime.storedText), column(\.fired.cause.venue?.name),
                column(\.fired.alert.expression.description), column(\.fired.cause.price?.description),
                column(\.fired.cause.size?.description),
                column { String(UnicodeScalar($0.fired.cause.side.stored)) },
                column { $0.fired.cause.tradeID?.withoutNUL },
                column(\.fired.previousPrice?.description), column(\.fired.measurement?.storedText),
                column(\.fired.lateness?.reason.rawValue), column(\.fired.lateness?.since.storedText),
                column { $0.fired.isStorm ? "t" : "f" }, column(\.payloads.storedText),
                column(\.fired.alert.webhookURL),
                column {
                    $0.fired.alert.webhookURL == nil ? nil : String(decoding: $0.payloads.webhook, as: UTF8.self)
                },
                .text(DeliveryService.webhook.rawValue),
            ]
        )
        try Self.push(rows, events, shownGrace: shownGrace, session)
        return rows.count
    }

    /// Puts the new events of users who have devices into the outbox.
    private static func push(
        _ added: PostgresRows, _ events: ArraySlice<AlertCheckpoint.Event>, shownGrace: Duration,
        _ session: PostgresSession
    ) throws {
        struct Crossing: Hashable {
            let alert: Int64
            let number: Int64
        }
        if added.isEmpty { return }
        let users = try Set(
            session.query(
                "SELECT DISTINCT user_id FROM devices WHERE user_id = ANY($1::text[]) AND disabled_at IS NULL",
                [.array(Set(events.map(\.fired.alert.user)).sorted())]
            ).map { try $0.text(0) })
        if users.isEmpty { return }
        var ids: [Crossing: Int64] = [:]
        for row in added { ids[Crossing(alert: try row.integer(1), number: try row.integer(2))] = try row.integer(0) }
        let entries = events.compactMap { event -> Outbox.Entry? in
            let fired = event.fired
            guard users.contains(fired.alert.user),
                let id = ids[Crossing(alert: fired.alert.id, number: fired.crossing)]
            else { return nil }
            return Outbox.Entry(event.payloads.content, user: fired.alert.user, eventID: id, now: fired.firedAt)
        }
        try Outbox.enqueue(entries, shownGrace: shownGrace, in: session)
    }

    private static func save(
        _ states: [AlertMemory], _ session: PostgresSession
    ) throws(PostgresError) {
        let sorted = states.sorted { $0.id < $1.id }
        var rest = sorted[...]
        while !rest.isEmpty {
            try Self.save(rest.prefix(Self.rowsMax), session)
            rest = rest.dropFirst(Self.rowsMax)
        }
    }

    private static func save(
        _ states: ArraySlice<AlertMemory>, _ session: PostgresSession
    ) throws(PostgresError) {
        func column(_ value: (AlertMemory) -> String?) -> PostgresParameter { .array(states.map(value)) }
        // Of another revision only the number of crossings counts: it must never be given twice.
        try session.query(
            """
            UPDATE alerts SET
                crossing_count = given.crossing_count, last_fired_at = given.last_fired_at,
                is_armed = CASE WHEN is_same THEN given.is_armed ELSE alerts.is_armed END,
                last_price = CASE WHEN is_same THEN given.last_price ELSE alerts.last_price END,
                last_fired_price = CASE WHEN is_same THEN given.last_fired_price ELSE alerts.last_fired_price END,
                came_from = CASE WHEN is_same THEN given.came_from ELSE alerts.came_from END,
                confirming = CASE WHEN is_same THEN given.confirming ELSE alerts.confirming END,
                recent_firings = CASE WHEN is_same THEN given.recent_firings ELSE alerts.recent_firings END,
                evaluations = CASE WHEN is_same THEN given.evaluations ELSE alerts.evaluations END,
                pause = CASE WHEN is_same AND is_storm THEN coalesce(alerts.pause, 'storm') ELSE alerts.pause END
            FROM (
                SELECT given.*, present.revision = given.revision AS is_same
                FROM unnest(
                    $1::bigint[], $2::bigint[], $3::boolean[], $4::bigint[], $5::timestamptz[], $6::numeric[], $7::numeric[],
                    $8::jsonb[], $9::jsonb[], $10::jsonb[], $11::boolean[], $12::text[]
                ) AS given (
                    id, revision, is_armed, crossing_count, last_fired_at, last_price, last_fired_price, confirming,
                    recent_firings, evaluations, is_storm, came_from
                ) JOIN alerts AS present USING (id)
            ) AS given
            WHERE alerts.id = given.id AND alerts.crossing_count <= given.crossing_count
            """,
            [
                column { String($0.id) }, column { String($0.revision) }, column { $0.state.isArmed ? "t" : "f" },
                column { String($0.state.crossingCount) }, column(\.state.lastFiredAt?.storedText),
                column(\.state.lastPrice?.description), column(\.state.lastFiredPrice?.description),
                column(\.state.storedConfirming), column(\.state.storedFirings), column(\.state.storedEvaluations),
                column { $0.isStorm ? "t" : "f" }, column(\.state.cameFrom?.rawValue),
            ]
        )
    }

    private static func save(
        _ streams: [AlertCheckpoint.StreamRow], _ journal: String, _ session: PostgresSession
    ) throws(PostgresError) {
        if streams.isEmpty { return }
        func column(_ value: (AlertCheckpoint.StreamRow) -> String?) -> PostgresParameter { .array(streams.map(value)) }
        try session.query(
            """
            INSERT INTO alert_streams (
                symbol_id, venue_id, is_primary, last_price, event_time, received_time, trades, quotes, journal
            )
            SELECT symbols.id, venues.id, is_primary, last_price, event_time, received_time, trades, quotes, $9::uuid
            FROM unnest(
                $1::text[], $2::text[], $3::boolean[], $4::numeric[], $5::timestamptz[], $6::timestamptz[], $7::bigint[],
                $8::bigint[]
            ) AS given (symbol, venue, is_primary, last_price, event_time, received_time, trades, quotes)
            JOIN symbols ON symbols.name = symbol JOIN venues ON venues.name = venue
            ON CONFLICT (symbol_id, venue_id) DO UPDATE SET
                is_primary = excluded.is_primary, last_price = excluded.last_price, event_time = excluded.event_time,
                received_time = excluded.received_time, trades = excluded.trades, quotes = excluded.quotes,
                journal = excluded.journal
            """,
            [
                column(\.stream.symbol.name), column(\.stream.venue.name), column { $0.stream.isPrimary ? "t" : "f" },
                column(\.stream.lastPrice?.description), column(\.stream.eventTime?.storedText),
                column(\.stream.receivedTime.storedText), column { String($0.place.trades) },
                column { String($0.place.quotes) }, .text(journal),
            ]
        )
    }
}

extension NotificationPayloads {
    /// All payloads in one JSON object by service, for `alert_events.payloads`.
    var storedText: String {
        var json: [UInt8] = []
        json.append(literal: "{\"id\":")
        json.appendJSONString(self.eventID)
        json.append(literal: ",\"apns\":")
        json.append(contentsOf: self.apns.json)
        json.append(literal: ",\"fcm\":")
        json.append(contentsOf: self.fcm.json)
        json.append(literal: ",\"webPush\":")
        json.append(contentsOf: self.webPush.json)
        json.append(literal: ",\"webhook\":")
        json.append(contentsOf: self.webhook)
        json.append(literal: ",\"channel\":{\"name\":")
        json.appendJSONString(self.channelName)
        json.append(literal: ",\"event\":")
        json.appendJSONString(Self.channelEventName)
        json.append(literal: ",\"data\":")
        json.append(contentsOf: self.channelData)
        json.append(literal: "}}")
        // The one character that jsonb cannot hold.
        return StoredJSON.text(json, replacement: "\\ufffd")
    }
}
