public import Alerts
public import Market
public import Notifications
public import Postgres

/// An alert as a user orders it, before it has an id.
public struct AlertOrder: Sendable, Hashable {
    /// Whose alert it is: the USER of the channel `private-alerts-USER`.
    public let user: String
    /// The instrument it watches.
    public let symbol: Symbol
    /// The venue it is bound to; `nil` follows the symbol's primary venue.
    public let venue: Venue?
    /// The condition with its options.
    public let expression: AlertExpression
    /// Where a firing is also posted to.
    public let webhookURL: String?

    /// Checks and makes an order.
    ///
    /// - Throws: ``StoreError/invalidUser(_:)`` or ``StoreError/invalidWebhook(_:)``.
    public init(
        user: String, symbol: Symbol, venue: Venue? = nil, expression: AlertExpression, webhookURL: String? = nil
    ) throws(StoreError) {
        guard User.isValidID(user) else { throw .invalidUser(user) }
        if let webhookURL, !Self.isWebhook(webhookURL) { throw .invalidWebhook(webhookURL) }
        self.user = user
        self.symbol = symbol
        self.venue = venue
        self.expression = expression
        self.webhookURL = webhookURL
    }

    /// An http or https URL with a host, of at most 2 048 printable ASCII characters; the sender checks the address.
    private static func isWebhook(_ text: String) -> Bool {
        let lower = text.lowercased()
        guard text.utf8.count <= 2_048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
        for scheme in ["http://", "https://"] where lower.hasPrefix(scheme) {
            return lower.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }.contains { $0 != ":" }
        }
        return false
    }
}

/// The tables `alerts` and `alert_events`.
///
/// A change to an alert notifies the channel `tickwire_alerts`; a change of its state alone does not.
public struct AlertStore: Sendable {
    /// What is notified when alerts are added, changed or removed.
    public static let changesChannel = "tickwire_alerts"
    private let client: PostgresClient
    private let catalog: SymbolCatalog

    /// Reads and writes through `client`.
    public init(client: PostgresClient, catalog: SymbolCatalog) {
        self.client = client
        self.catalog = catalog
    }

    /// Stores a new alert and gives it its id.
    public func add(_ order: AlertOrder) async throws -> Alert {
        let catalog = self.catalog
        let id = try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try catalog.resolve(symbols: [order.symbol], venues: Set([order.venue].compactMap { $0 }), session)
                return try session.query(
                    """
                    INSERT INTO alerts (owner, symbol_id, venue_id, expression, webhook_url)
                    VALUES ($1, (SELECT id FROM symbols WHERE name = $2), (SELECT id FROM venues WHERE name = $3), $4, $5)
                    RETURNING id
                    """,
                    [
                        .text(order.user), .text(order.symbol.name), .optional(order.venue?.name),
                        .text(order.expression.description), .optional(order.webhookURL),
                    ]
                )[0].integer(0)
            }
        }
        return Alert(
            id: id, user: order.user, symbol: order.symbol, venue: order.venue, expression: order.expression,
            webhookURL: order.webhookURL
        )
    }

    /// All alerts, or those of one user, by id; spent ones too.
    public func list(user: String? = nil) async throws -> [Alert] {
        let rows = try await self.client.query(
            "\(Self.selection) AND ($1::text IS NULL OR alerts.owner = $1) ORDER BY alerts.id", [.optional(user)]
        )
        return try rows.map(Self.alert)
    }

    /// One alert.
    ///
    /// - Throws: ``StoreError/unknownAlert(_:)`` when there is none with the id, or it was removed.
    public func alert(id: Int64) async throws -> Alert {
        let rows = try await self.client.query("\(Self.selection) AND alerts.id = $1", [.integer(id)])
        guard let row = rows.first else { throw StoreError.unknownAlert(id) }
        return try Self.alert(row)
    }

    /// Removes an alert; its events stay, and what they still have to deliver is delivered.
    ///
    /// - Throws: ``StoreError/unknownAlert(_:)`` when there is none with the id, or it was removed before.
    public func remove(id: Int64) async throws {
        let rows = try await self.client.query(
            "UPDATE alerts SET removed_at = now() WHERE id = $1 AND removed_at IS NULL", [.integer(id)]
        )
        if rows.affectedRows == 0 { throw StoreError.unknownAlert(id) }
    }

    /// All alerts that can still fire, with their states: what an evaluator starts from.
    public func loadArmed() async throws -> [Alert] { try await self.list().filter { !$0.isSpent } }

    /// Keeps what alerts remember, so that an evaluator that starts again goes on where this one was.
    ///
    /// A state that is older than the stored one, by its number of crossings, is left out.
    public func saveStates(_ alerts: [Alert]) async throws {
        if alerts.isEmpty { return }
        let sorted = alerts.sorted { $0.id < $1.id }
        try await self.client.query(
            """
            UPDATE alerts SET
                is_armed = given.is_armed, crossing_count = given.crossing_count, last_fired_at = given.last_fired_at,
                last_price = given.last_price
            FROM unnest($1::bigint[], $2::boolean[], $3::bigint[], $4::timestamptz[], $5::numeric[])
                AS given (id, is_armed, crossing_count, last_fired_at, last_price)
            WHERE alerts.id = given.id AND alerts.crossing_count <= given.crossing_count
            """,
            [
                .array(sorted.map { String($0.id) }), .array(sorted.map { $0.state.isArmed ? "t" : "f" }),
                .array(sorted.map { String($0.state.crossingCount) }),
                .array(sorted.map { $0.state.lastFiredAt?.storedText }),
                .array(sorted.map { $0.state.lastPrice?.description }),
            ]
        )
    }

    /// Stores a firing: its event with all payloads, the alert's state and what has to be delivered, in one
    /// transaction.
    ///
    /// A crossing that is stored already changes nothing, so after an error whose outcome is unknown it can be
    /// stored again.
    ///
    /// - Returns: Whether the crossing is new.
    @discardableResult
    public func record(_ fired: FiredAlert, payloads: NotificationPayloads) async throws -> Bool {
        let catalog = self.catalog
        return try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try catalog.resolve(symbols: [], venues: Set([fired.cause.venue].compactMap { $0 }), session)
                return try session.transaction { session throws(PostgresError) in
                    try Self.record(fired, payloads, session)
                }
            }
        }
    }

    private static func record(
        _ fired: FiredAlert, _ payloads: NotificationPayloads, _ session: PostgresSession
    ) throws(PostgresError) -> Bool {
        let inserted = try session.query(
            """
            INSERT INTO alert_events (
                alert_id, crossing, fired_at, event_time, received_time, venue_id, expression, price, previous_price,
                trade_id, payloads
            )
            VALUES ($1, $2, $3, $4, $5, (SELECT id FROM venues WHERE name = $6), $7, $8, $9, $10, $11::jsonb)
            ON CONFLICT (alert_id, crossing) DO NOTHING
            RETURNING id
            """,
            [
                .integer(fired.alert.id), .integer(fired.crossing), .timestamp(fired.firedAt),
                .timestamp(fired.cause.eventTime), .timestamp(fired.cause.receivedTime),
                .optional(fired.cause.venue?.name), .text(fired.alert.expression.description),
                .decimal(fired.cause.price), .decimal(fired.previousPrice),
                .optional(fired.cause.tradeID.map { $0.replacing("\0", with: "\u{FFFD}") }),
                .text(payloads.storedText),
            ]
        )
        guard let eventID = try inserted.first?.integer(0) else { return false }
        let state = fired.alert.state
        try session.query(
            """
            UPDATE alerts SET is_armed = $2, crossing_count = $3, last_fired_at = $4, last_price = $5
            WHERE id = $1 AND crossing_count <= $3
            """,
            [
                .integer(fired.alert.id), .boolean(state.isArmed), .integer(max(state.crossingCount, fired.crossing)),
                .timestamp(state.lastFiredAt ?? fired.firedAt), .decimal(state.lastPrice ?? fired.cause.price),
            ]
        )
        if let url = fired.alert.webhookURL {
            try session.query(
                "INSERT INTO deliveries (event_id, service, target, payload) VALUES ($1, $2, $3, $4)",
                [
                    .integer(eventID), .text(DeliveryService.webhook.rawValue), .text(url),
                    .text(String(decoding: payloads.webhook, as: UTF8.self)),
                ]
            )
        }
        return true
    }

    private static let selection = """
        SELECT alerts.id, alerts.owner, symbols.name, venues.name, alerts.expression, alerts.webhook_url, alerts.is_armed,
               alerts.last_price, alerts.last_fired_at, alerts.crossing_count
        FROM alerts
        JOIN symbols ON symbols.id = alerts.symbol_id
        LEFT JOIN venues ON venues.id = alerts.venue_id
        WHERE alerts.removed_at IS NULL
        """

    private static func alert(_ row: PostgresRow) throws -> Alert {
        let expression: AlertExpression
        do { expression = try AlertExpression(parsing: row.text(4)) } catch is AlertSyntaxError {
            throw row.unexpected(4, "an alert's expression")
        }
        return Alert(
            id: try row.integer(0), user: try row.text(1), symbol: try row.symbol(2),
            venue: row.isNull(3) ? nil : try row.venue(3), expression: expression, webhookURL: row.optionalText(5),
            state: AlertState(
                isArmed: try row.boolean(6), lastPrice: try row.optionalDecimal(7),
                lastFiredAt: try row.optionalTimestamp(8), crossingCount: try row.integer(9)
            )
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
        return String(decoding: json, as: UTF8.self).replacing("\\u0000", with: "\\ufffd")
    }
}
