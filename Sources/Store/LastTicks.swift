public import Market
public import Postgres

/// The table `last_ticks`: one row a symbol and venue.
public struct LastTicks: Sendable {
    private let client: PostgresClient
    private let catalog: SymbolCatalog

    /// Reads and writes through `client`.
    public init(client: PostgresClient, catalog: SymbolCatalog) {
        self.client = client
        self.catalog = catalog
    }

    /// All rows by symbol and venue, what the pipeline starts from, or those of one symbol.
    public func load(symbol: Symbol? = nil) async throws -> [LastTick] {
        let rows = try await self.client.query(
            """
            SELECT symbols.name, venues.name, last_price, size, side, bid, ask, bid_size, ask_size,
                   open, high, low, volume, reference, event_time, received_time, sequence
            FROM last_ticks
            JOIN symbols ON symbols.id = symbol_id
            JOIN venues ON venues.id = venue_id
            WHERE $1::text IS NULL OR symbols.name = $1
            ORDER BY symbols.name COLLATE "C", venues.name COLLATE "C"
            """,
            [.optional(symbol?.name)]
        )
        var states: [LastTick] = []
        states.reserveCapacity(rows.count)
        for row in rows {
            states.append(
                LastTick(
                    symbol: try row.symbol(0), venue: try row.venue(1), lastPrice: try row.optionalDecimal(2),
                    size: try row.optionalDecimal(3), side: try row.side(4), bid: try row.optionalDecimal(5),
                    ask: try row.optionalDecimal(6), bidSize: try row.optionalDecimal(7),
                    askSize: try row.optionalDecimal(8), open: try row.optionalDecimal(9),
                    high: try row.optionalDecimal(10), low: try row.optionalDecimal(11),
                    volume: try row.optionalDecimal(12), reference: try row.optionalDecimal(13),
                    eventTime: try row.timestamp(14), receivedTime: try row.timestamp(15),
                    sequence: try row.integer(16)
                )
            )
        }
        return states
    }

    /// Writes states, each unless the table has one that was received later.
    public func upsert(_ states: [LastTick]) async throws {
        if states.isEmpty { return }
        let catalog = self.catalog
        try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try catalog.resolve(
                    symbols: Set(states.map(\.symbol)), venues: Set(states.map(\.venue)), session
                )
                try Self.upsert(states, catalog: catalog, session)
            }
        }
    }

    /// Writes states within the transaction that `session` has open; their symbols and venues have ids already.
    static func upsert(
        _ states: [LastTick], catalog: SymbolCatalog, _ session: PostgresSession
    ) throws(PostgresError) {
        if states.isEmpty { return }
        let ids = catalog.ids
        // One order for all writers, or two of them could each hold a row the other waits for.
        let sorted = states.sorted { ($0.symbol, $0.venue) < ($1.symbol, $1.venue) }
        func decimals(_ value: (LastTick) -> Decimal64?) -> PostgresParameter {
            .array(sorted.map { value($0)?.description })
        }
        try session.query(
            """
            INSERT INTO last_ticks (
                symbol_id, venue_id, last_price, size, side, bid, ask, bid_size, ask_size, open, high, low, volume,
                reference, event_time, received_time, sequence
            )
            SELECT * FROM unnest(
                $1::integer[], $2::smallint[], $3::numeric[], $4::numeric[], $5::"char"[], $6::numeric[], $7::numeric[],
                $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[],
                $14::numeric[], $15::timestamptz[], $16::timestamptz[], $17::bigint[]
            )
            ON CONFLICT (symbol_id, venue_id) DO UPDATE SET
                last_price = excluded.last_price, size = excluded.size, side = excluded.side,
                bid = excluded.bid, ask = excluded.ask, bid_size = excluded.bid_size, ask_size = excluded.ask_size,
                open = excluded.open, high = excluded.high, low = excluded.low, volume = excluded.volume,
                reference = excluded.reference, event_time = excluded.event_time,
                received_time = excluded.received_time, sequence = excluded.sequence
            WHERE last_ticks.received_time <= excluded.received_time
            """,
            [
                .array(sorted.map { ids.symbols[$0.symbol].map { String($0) } }),
                .array(sorted.map { ids.venues[$0.venue].map { String($0) } }),
                decimals(\.lastPrice), decimals(\.size),
                .array(sorted.map { String(UnicodeScalar($0.side.stored)) }),
                decimals(\.bid), decimals(\.ask), decimals(\.bidSize), decimals(\.askSize), decimals(\.open),
                decimals(\.high), decimals(\.low), decimals(\.volume), decimals(\.reference),
                .array(sorted.map(\.eventTime.storedText)), .array(sorted.map(\.receivedTime.storedText)),
                .array(sorted.map { String($0.sequence) }),
            ]
        )
    }
}
