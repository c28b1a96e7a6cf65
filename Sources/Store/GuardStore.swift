public import Market
public import Postgres

/// A row of `feed_gaps`, as it is opened.
public struct GapRow: Sendable, Hashable {
    /// Counts the gaps of one process.
    public var number: UInt64
    /// Whose ticks are missing.
    public var venue: Venue
    /// The instruments concerned; the row names its symbol when there is one only.
    public var symbols: [Symbol]
    /// The last tick before the hole and the first one after it.
    public var bounds: TickBounds
    /// `trades` or `quotes`.
    public var stream: String
    /// `sequence`, `reconnect`, `stall` or `connection`.
    public var reason: String
    /// How many ticks are missing; `nil` when the venue does not count.
    public var missing: Int64?
    /// When the hole was found.
    public var openedAt: Timestamp

    /// Makes a row of a hole.
    public init(
        number: UInt64, venue: Venue, symbols: [Symbol], bounds: TickBounds, stream: String, reason: String,
        missing: Int64?, openedAt: Timestamp
    ) {
        self.number = number
        self.venue = venue
        self.symbols = symbols
        self.bounds = bounds
        self.stream = stream
        self.reason = reason
        self.missing = missing
        self.openedAt = openedAt
    }

    var symbol: Symbol? { self.symbols.count == 1 ? self.symbols[0] : nil }
}

/// One thing that the guard wants to have written down.
public enum GuardRecord: Sendable, Hashable {
    /// A hole was found.
    case opened(GapRow)
    /// So many of a hole's ticks have come since.
    case narrowed(number: UInt64, repaired: Int64)
    /// Nothing is missing any more.
    case closed(number: UInt64, repaired: Int64, at: Timestamp)
    /// The provider was asked, and what is missing now will not come.
    case unrepairable(number: UInt64, repaired: Int64, at: Timestamp)
    /// A trade whose price nobody else has seen is held back.
    case held(number: UInt64, Trade)
    /// It was confirmed, and went on its way.
    case released(number: UInt64)
}

/// The tables `feed_gaps` and `quarantined_ticks`, as one process writes them.
public struct GuardStore: Sendable {
    private let client: PostgresClient
    private let catalog: SymbolCatalog
    private let process: String

    /// Writes through `client`.
    ///
    /// - Parameters:
    ///   - client: The database.
    ///   - catalog: Gives venues and symbols their ids.
    ///   - process: A UUID that no other run has: numbers count within it.
    public init(client: PostgresClient, catalog: SymbolCatalog, process: String) {
        self.client = client
        self.catalog = catalog
        self.process = process
    }

    /// Writes records in one transaction.
    ///
    /// Writing a batch twice, after a commit whose answer was lost, changes nothing.
    public func write(_ records: [GuardRecord]) async throws {
        if records.isEmpty { return }
        var symbols: Set<Symbol> = []
        var venues: Set<Venue> = []
        for case .opened(let gap) in records {
            venues.insert(gap.venue)
            if let symbol = gap.symbol { symbols.insert(symbol) }
        }
        let catalog = self.catalog
        let process = self.process
        // New ids are committed by themselves, so that a failed batch does not take back what the catalog remembers.
        try await self.client.withConnection { [symbols, venues] connection in
            try await connection.withSession { session in
                try catalog.resolve(symbols: symbols, venues: venues, session)
            }
        }
        try await self.client.withTransaction { connection in
            try await connection.withSession { session in
                for record in records { try Self.write(record, process, catalog, session) }
            }
        }
    }

    /// Takes over the gaps that other runs have left open, so that this one repairs and closes them.
    ///
    /// A run that still lives may lose a gap to this one; it is then asked for twice and closed once. What was found before
    /// `time` is called unrepairable: no provider reaches back so far.
    ///
    /// - Parameters:
    ///   - venues: Whose gaps.
    ///   - time: How old a gap may be.
    ///   - nextNumber: Gives a number that this run has not used.
    /// - Returns: The gaps under their new numbers, oldest first.
    /// - Throws: ``PostgresError`` when the database is away or refuses.
    public func takeOver(
        of venues: [Venue], since time: Timestamp, nextNumber: @escaping @Sendable () -> UInt64
    ) async throws -> [GapRow] {
        let process = self.process
        let names = PostgresParameter.array(venues.map(\.name))
        return try await self.client.withTransaction { connection in
            try await connection.withSession { session in
                try session.query(
                    """
                    UPDATE feed_gaps SET state = 'unrepairable', closed_at = now()
                    FROM venues
                    WHERE venues.id = venue_id AND venues.name = ANY ($1::text[]) AND state = 'open'
                        AND opened_at <= $2::timestamptz
                    """,
                    [names, .timestamp(time)]
                )
                let rows = try session.query(
                    """
                    SELECT feed_gaps.id, venues.name, array_to_string(symbols, ','), stream, reason, from_id, to_id,
                           from_sequence, to_sequence, from_time, to_time, missing_count, opened_at
                    FROM feed_gaps JOIN venues ON venues.id = venue_id
                    WHERE venues.name = ANY ($1::text[]) AND state = 'open' AND process <> $2::uuid
                    ORDER BY opened_at, feed_gaps.id
                    FOR UPDATE OF feed_gaps SKIP LOCKED
                    """,
                    [names, .text(process)]
                )
                var gaps: [GapRow] = []
                for row in rows {
                    let gap = try Self.gap(row, number: nextNumber())
                    try session.query(
                        "UPDATE feed_gaps SET process = $1::uuid, number = $2 WHERE id = $3",
                        [.text(process), .integer(Int64(gap.number)), .integer(try row.integer(0))]
                    )
                    gaps.append(gap)
                }
                return gaps
            }
        }
    }

    private static func gap(_ row: PostgresRow, number: UInt64) throws(PostgresError) -> GapRow {
        let symbols = try row.text(2).split(separator: ",").compactMap { Symbol(utf8: Array($0.utf8)) }
        return GapRow(
            number: number, venue: try row.venue(1), symbols: symbols,
            bounds: TickBounds(
                fromID: row.optionalText(5), toID: row.optionalText(6), fromSequence: try row.optionalInteger(7),
                toSequence: try row.optionalInteger(8), fromTime: try row.optionalTimestamp(9),
                toTime: try row.optionalTimestamp(10)
            ),
            stream: try row.text(3), reason: try row.text(4), missing: try row.optionalInteger(11),
            openedAt: try row.timestamp(12)
        )
    }

    private static func write(
        _ record: GuardRecord, _ process: String, _ catalog: SymbolCatalog, _ session: PostgresSession
    ) throws(PostgresError) {
        switch record {
        case .opened(let gap): try Self.open(gap, process, catalog, session)
        case .narrowed(let number, let repaired):
            try session.query(
                """
                UPDATE feed_gaps SET repaired_count = greatest(repaired_count, $3)
                WHERE process = $1::uuid AND number = $2 AND state = 'open'
                """,
                [.text(process), .integer(Int64(number)), .integer(repaired)]
            )
        case .closed(let number, let repaired, let time):
            try Self.close(number, "repaired", repaired, time, process, session)
        case .unrepairable(let number, let repaired, let time):
            try Self.close(number, "unrepairable", repaired, time, process, session)
        case .held(let number, let trade):
            try session.query(
                """
                INSERT INTO quarantined_ticks (
                    symbol, venue, reason, tick, kind, price, event_time, number, process
                )
                VALUES ($1, $2, 'the price is far from the market', $3, 'trade', $4::numeric, $5::timestamptz, $6, $7::uuid)
                ON CONFLICT DO NOTHING
                """,
                [
                    .text(trade.symbol.name), .text(trade.venue.name), .text(Tick.trade(trade).quarantineText),
                    .text(trade.price.description), .text(trade.eventTime.description), .integer(Int64(number)),
                    .text(process),
                ]
            )
        case .released(let number):
            try session.query(
                "UPDATE quarantined_ticks SET released = true WHERE process = $1::uuid AND number = $2",
                [.text(process), .integer(Int64(number))]
            )
        }
    }

    private static func close(
        _ number: UInt64, _ state: String, _ repaired: Int64, _ time: Timestamp, _ process: String,
        _ session: PostgresSession
    ) throws(PostgresError) {
        try session.query(
            """
            UPDATE feed_gaps SET state = $3, closed_at = $5::timestamptz, repaired_count = greatest(repaired_count, $4)
            WHERE process = $1::uuid AND number = $2 AND state = 'open'
            """,
            [.text(process), .integer(Int64(number)), .text(state), .integer(repaired), .text(time.description)]
        )
    }

    private static func open(
        _ gap: GapRow, _ process: String, _ catalog: SymbolCatalog, _ session: PostgresSession
    ) throws(PostgresError) {
        let ids = catalog.ids
        try session.query(
            """
            INSERT INTO feed_gaps (
                opened_at, from_time, to_time, from_sequence, to_sequence, missing_count, number, process, venue_id,
                symbol_id, stream, reason, state, from_id, to_id, symbols
            )
            VALUES (
                $1::timestamptz, $2::timestamptz, $3::timestamptz, $4, $5, $6, $7, $8::uuid, $9, $10, $11, $12, 'open',
                $13, $14, $15::text[]
            )
            ON CONFLICT (process, number) DO NOTHING
            """,
            [
                .text(gap.openedAt.description), .optional(gap.bounds.fromTime?.description),
                .optional(gap.bounds.toTime?.description), .optional(gap.bounds.fromSequence),
                .optional(gap.bounds.toSequence),
                .optional(gap.missing), .integer(Int64(gap.number)), .text(process),
                .optional(ids.venues[gap.venue].map(Int64.init)),
                .optional(gap.symbol.flatMap { ids.symbols[$0] }.map(Int64.init)), .text(gap.stream),
                .text(gap.reason), .optional(gap.bounds.fromID), .optional(gap.bounds.toID),
                .array(gap.symbols.map(\.name)),
            ]
        )
    }
}
