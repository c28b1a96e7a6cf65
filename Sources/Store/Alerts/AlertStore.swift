public import Alerts
public import Market
public import Postgres

/// The tables `alerts` and `alert_events`, and how far they have been evaluated.
///
/// A change to an alert notifies the channel `tickwire_alerts`; what the evaluator stores of its state does not.
public struct AlertStore: Sendable {
    /// What is notified when alerts are added, changed or removed; see ``AlertChanges``.
    public static let changesChannel = "tickwire_alerts"
    /// Rows that one statement of a bulk change handles at most.
    static let rowsMax = 5_000
    /// Who adds an alert of a user counts them first: one at a time.
    private static let countingLock: Int64 = 8_104_734

    let client: PostgresClient
    let catalog: SymbolCatalog

    /// How long pushes wait for a connection of the user's to show the alert.
    let shownGrace: Duration

    /// Reads and writes through `client`.
    public init(client: PostgresClient, catalog: SymbolCatalog, shownGrace: Duration = .zero) {
        self.client = client
        self.catalog = catalog
        self.shownGrace = shownGrace
    }

    /// Stores a new alert and gives it its id.
    ///
    /// - Parameters:
    ///   - order: What is wanted.
    ///   - perUserMax: How many alerts a user may have; `nil` for any number.
    /// - Returns: The alert as it is stored.
    /// - Throws: ``StoreError/tooManyAlerts(user:limit:)`` or ``PostgresError``.
    public func add(_ order: AlertOrder, perUserMax: Int? = nil) async throws -> Alert {
        try await self.add([order], perUserMax: perUserMax)[0]
    }

    /// Stores new alerts in one transaction: all of them or none.
    ///
    /// - Parameters:
    ///   - orders: What is wanted.
    ///   - perUserMax: How many alerts a user may have; `nil` for any number.
    /// - Returns: The alerts as they are stored, in the order of `orders`.
    /// - Throws: ``StoreError/tooManyAlerts(user:limit:)`` or ``PostgresError``.
    public func add(_ orders: [AlertOrder], perUserMax: Int? = nil) async throws -> [Alert] {
        if orders.isEmpty { return [] }
        let catalog = self.catalog
        let ids = try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try catalog.resolve(
                    symbols: Set(orders.map(\.symbol)), venues: Set(orders.compactMap(\.venue)), session)
                return try session.transaction { session in
                    if let perUserMax { try Self.makeSure(orders, leave: perUserMax, session) }
                    var ids: [Int64] = []
                    ids.reserveCapacity(orders.count)
                    var rest = orders[...]
                    while !rest.isEmpty {
                        ids += try Self.insert(rest.prefix(Self.rowsMax), session)
                        rest = rest.dropFirst(Self.rowsMax)
                    }
                    return ids
                }
            }
        }
        return zip(ids, orders).map { id, order in
            Alert(
                id: id, user: order.user, symbol: order.symbol, venue: order.venue, expression: order.expression,
                webhookURL: order.webhookURL, template: order.template, locale: order.locale
            )
        }
    }

    private static func makeSure(_ orders: [AlertOrder], leave perUserMax: Int, _ session: PostgresSession) throws {
        let counts = orders.reduce(into: [String: Int]()) { $0[$1.user, default: 0] += 1 }
        // One order for all, or two of them could each hold a lock that the other waits for.
        for user in counts.keys.sorted() {
            try session.query(
                "SELECT pg_advisory_xact_lock($1::bigint # hashtextextended($2, 0))",
                [.integer(Self.countingLock), .text(user)])
            let present = try session.query(Self.countStatement, [.text(user)])[0].integer(0)
            if Int(present) + (counts[user] ?? 0) > perUserMax {
                throw StoreError.tooManyAlerts(user: user, limit: perUserMax)
            }
        }
    }

    /// - Returns: The ids, in the order of `orders`.
    private static func insert(
        _ orders: ArraySlice<AlertOrder>, _ session: PostgresSession
    ) throws(PostgresError) -> [Int64] {
        func column(_ value: (AlertOrder) -> String?) -> PostgresParameter { .array(orders.map(value)) }
        let rows = try session.query(
            """
            INSERT INTO alerts (
                owner, symbol_id, venue_id, expression, webhook_url, template_title, template_body, locale, expires_at
            )
            SELECT owner, symbols.id, venues.id, expression, webhook_url, title, body, locale, expires_at
            FROM unnest(
                $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::timestamptz[]
            ) WITH ORDINALITY AS given (
                owner, symbol, venue, expression, webhook_url, title, body, locale, expires_at, place
            )
            JOIN symbols ON symbols.name = given.symbol
            LEFT JOIN venues ON venues.name = given.venue
            ORDER BY place
            RETURNING id
            """,
            [
                column(\.user), column(\.symbol.name), column(\.venue?.name), column(\.expression.description),
                column(\.webhookURL), column(\.template?.title), column(\.template?.body), column(\.locale),
                column(\.expression.options.until?.storedText),
            ]
        )
        var ids: [Int64] = []
        for row in rows { ids.append(try row.integer(0)) }
        return ids
    }

    /// All alerts, or those of one user or symbol, by id; paused, spent and expired ones too.
    public func list(user: String? = nil, symbol: Symbol? = nil) async throws -> [Alert] {
        let rows = try await self.client.query(
            """
            \(AlertRow.selection)
            AND ($1::text IS NULL OR alerts.owner = $1) AND ($2::text IS NULL OR symbols.name = $2) ORDER BY alerts.id
            """,
            [.optional(user), .optional(symbol?.name)]
        )
        return try rows.map { try AlertRow.alert($0) }
    }

    private static let countStatement = "SELECT count(*) FROM alerts WHERE owner = $1 AND removed_at IS NULL"

    /// How many alerts a user has, whatever their state.
    public func count(user: String) async throws -> Int {
        Int(try await self.client.query(Self.countStatement, [.text(user)])[0].integer(0))
    }

    /// One alert.
    ///
    /// - Throws: ``StoreError/unknownAlert(_:)`` when there is none with the id, or it was removed.
    public func alert(id: Int64) async throws -> Alert {
        let rows = try await self.client.query("\(AlertRow.selection) AND alerts.id = $1", [.integer(id)])
        guard let row = rows.first else { throw StoreError.unknownAlert(id) }
        return try AlertRow.alert(row)
    }
}
