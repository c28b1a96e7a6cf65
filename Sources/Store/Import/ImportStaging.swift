import Market
import Postgres

/// The tables that a file is streamed into before its ticks are moved, in one transaction.
///
/// Symbols and venues have numbers of the staging's own, so that a file that is refused leaves no names behind either.
struct ImportStaging {
    private static let batchSize = 10_000

    private let connection: PostgresConnection
    private var trades: [Trade] = []
    private var quotes: [Quote] = []
    private var symbols: [Symbol: Int32] = [:]
    private var venues: [Venue: Int16] = [:]
    /// The UTC days that ticks were read of.
    private(set) var days: Set<CivilDay> = []
    /// How many ticks were read.
    private(set) var count = 0
    private(set) var lastTime = Timestamp(nanoseconds: 0)

    init(connection: PostgresConnection) { self.connection = connection }

    func begin() async throws {
        try await self.connection.execute(
            """
            CREATE TEMPORARY TABLE import_trades (LIKE trades) ON COMMIT DROP;
            CREATE TEMPORARY TABLE import_quotes (LIKE quotes) ON COMMIT DROP;
            CREATE TEMPORARY TABLE import_symbols (number integer, name text, asset text, id integer) ON COMMIT DROP;
            CREATE TEMPORARY TABLE import_venues (number smallint, name text, id smallint) ON COMMIT DROP;
            """)
    }

    mutating func add(_ tick: Tick, line: Int) throws {
        if self.symbols[tick.symbol] == nil { self.symbols[tick.symbol] = Int32(self.symbols.count + 1) }
        if self.venues[tick.venue] == nil {
            guard let number = Int16(exactly: self.venues.count + 1) else {
                throw ImportError(
                    line: line, column: nil, name: "venue", value: tick.venue.name, expected: "fewer than 32768 venues")
            }
            self.venues[tick.venue] = number
        }
        self.count += 1
        self.lastTime = tick.eventTime
        self.days.insert(CivilDay(tick.eventTime, in: .utc))
        switch tick {
        case .trade(let trade): self.trades.append(trade)
        case .quote(let quote): self.quotes.append(quote)
        }
    }

    /// Sends what was added, as soon as it is enough.
    mutating func send(all: Bool = false) async throws {
        var none: (Set<Symbol>, Set<Venue>) = ([], [])
        if !self.trades.isEmpty, all || self.trades.count >= Self.batchSize {
            let column = TickColumn(
                self.trades, symbols: self.symbols, venues: self.venues, newSymbols: &none.0, newVenues: &none.1)
            try await self.connection.copyIn(
                "COPY import_trades FROM STDIN (FORMAT binary)",
                TickRows.encode(column, rows: Array(self.trades.indices)[...]))
            self.trades.removeAll(keepingCapacity: true)
        }
        if !self.quotes.isEmpty, all || self.quotes.count >= Self.batchSize {
            let column = TickColumn(
                self.quotes, symbols: self.symbols, venues: self.venues, newSymbols: &none.0, newVenues: &none.1)
            try await self.connection.copyIn(
                "COPY import_quotes FROM STDIN (FORMAT binary)",
                TickRows.encode(column, rows: Array(self.quotes.indices)[...]))
            self.quotes.removeAll(keepingCapacity: true)
        }
    }

    // MARK: Moving

    /// Moves the ticks into the tables.
    func move(_ lookalikes: TickImport.Lookalikes) async throws -> ImportSummary {
        try await self.resolveNames()
        let ranges = try await self.ranges()
        let tradeCount = try await self.number("SELECT count(*) FROM import_trades")
        let quoteCount = try await self.number("SELECT count(*) FROM import_quotes")
        try await self.handle(lookalikes)
        var summary = ImportSummary()
        summary.ranges = ranges
        let names = """
            JOIN import_symbols AS symbol ON symbol.number = tick.symbol_id JOIN import_venues AS venue ON venue.number = tick.venue_id
            """
        let inserted = try await self.connection.query(
            """
            WITH inserted AS (
                INSERT INTO trades SELECT event_time, received_time, venue_sequence, symbol.id, venue.id, flags, side, price, size, trade_id
                FROM import_trades AS tick \(names) ORDER BY event_time, symbol.id
                ON CONFLICT DO NOTHING RETURNING event_time, trade_id
            )
            SELECT min(event_time), max(event_time), count(*), count(*) FILTER (WHERE trade_id IS NULL) FROM inserted
            """)
        var times: [Timestamp] = []
        for row in inserted {
            times += [try row.optionalTimestamp(0), try row.optionalTimestamp(1)].compactMap { $0 }
            summary.newTrades += try row.integer(2)
            summary.newTradesWithoutID += try row.integer(3)
        }
        let quotes = try await self.connection.query(
            """
            WITH inserted AS (
                INSERT INTO quotes SELECT event_time, received_time, venue_sequence, symbol.id, venue.id, flags, bid, ask, bid_size, ask_size, last
                FROM import_quotes AS tick \(names)
                WHERE NOT EXISTS (
                    SELECT FROM quotes AS known WHERE known.symbol_id = symbol.id AND known.event_time = tick.event_time
                        AND known.venue_id = venue.id AND (known.bid, known.ask, known.bid_size, known.ask_size, known.last,
                            known.venue_sequence) IS NOT DISTINCT FROM (tick.bid, tick.ask, tick.bid_size, tick.ask_size, tick.last,
                            tick.venue_sequence)
                ) ORDER BY event_time, symbol.id
                RETURNING event_time
            )
            SELECT count(*), min(event_time), max(event_time) FROM inserted
            """)[0]
        summary.newQuotes = try quotes.integer(0)
        times += [try quotes.optionalTimestamp(1), try quotes.optionalTimestamp(2)].compactMap { $0 }
        summary.knownTrades = tradeCount - summary.newTrades
        summary.knownQuotes = quoteCount - summary.newQuotes
        if let first = times.min(), let last = times.max() { try await self.announce(from: first, to: last) }
        return summary
    }

    /// Where the file has trades, those that are known already included: an import that was interrupted before the candles were made
    /// makes them when it is run again.
    private func ranges() async throws -> [ImportedRange] {
        let rows = try await self.connection.query(
            """
            SELECT symbol.name, venue.name, min(event_time), max(event_time)
            FROM import_trades AS tick JOIN import_symbols AS symbol ON symbol.number = tick.symbol_id
            JOIN import_venues AS venue ON venue.number = tick.venue_id
            GROUP BY 1, 2 ORDER BY symbol.name COLLATE "C", venue.name COLLATE "C"
            """)
        var ranges: [ImportedRange] = []
        for row in rows {
            ranges.append(
                ImportedRange(
                    symbol: try row.symbol(0), venue: try row.venue(1), from: try row.timestamp(2),
                    to: try row.timestamp(3)))
        }
        return ranges
    }

    /// Tells followers, as a recorder does; to the candles it is a batch without trades, because they are made anew.
    private func announce(from: Timestamp, to: Timestamp) async throws {
        try await self.connection.query(
            """
            INSERT INTO recorded_batches (from_time, to_time, received_from, received_to, trades_from, trades_to, journal)
            VALUES ($1::timestamptz, $2::timestamptz, '-infinity', 'infinity', 0, 0, gen_random_uuid())
            """, [.timestamp(from), .timestamp(to)])
        try await self.connection.query("SELECT pg_notify($1, '')", [.text(TickFollower.channel)])
    }

    private func resolveNames() async throws {
        let symbols = self.symbols.sorted { $0.value < $1.value }
        try await self.connection.query(
            "INSERT INTO import_symbols (number, name, asset) SELECT * FROM unnest($1::integer[], $2::text[], $3::text[])",
            [
                .array(symbols.map { "\($0.value)" }), .array(symbols.map(\.key.name)),
                .array(symbols.map { ($0.key.quoteCurrency == nil ? AssetClass.stock : .crypto).rawValue }),
            ])
        let venues = self.venues.sorted { $0.value < $1.value }
        try await self.connection.query(
            "INSERT INTO import_venues (number, name) SELECT * FROM unnest($1::smallint[], $2::text[])",
            [.array(venues.map { "\($0.value)" }), .array(venues.map(\.key.name))])
        try await self.connection.execute(
            """
            INSERT INTO symbols (name, asset) SELECT name, asset FROM import_symbols
                WHERE NOT EXISTS (SELECT FROM symbols WHERE symbols.name = import_symbols.name) ON CONFLICT (name) DO NOTHING;
            INSERT INTO venues (name) SELECT name FROM import_venues
                WHERE NOT EXISTS (SELECT FROM venues WHERE venues.name = import_venues.name) ON CONFLICT (name) DO NOTHING;
            UPDATE import_symbols SET id = symbols.id FROM symbols WHERE symbols.name = import_symbols.name;
            UPDATE import_venues SET id = venues.id FROM venues WHERE venues.name = import_venues.name;
            ANALYZE import_trades, import_quotes, import_symbols, import_venues;
            """)
    }

    /// Trades without an id cannot be told from those that are there already.
    private func handle(_ lookalikes: TickImport.Lookalikes) async throws {
        if lookalikes == .add { return }
        let known = """
            FROM trades AS known, import_symbols AS symbol, import_venues AS venue
            WHERE symbol.number = tick.symbol_id AND venue.number = tick.venue_id AND known.symbol_id = symbol.id
                AND known.venue_id = venue.id AND known.event_time = tick.event_time AND known.price = tick.price
                AND known.side = tick.side AND known.size IS NOT DISTINCT FROM tick.size
            """
        let isKnown = "tick.trade_id IS NULL AND EXISTS (SELECT \(known))"
        if lookalikes == .skip {
            try await self.connection.query("DELETE FROM import_trades AS tick WHERE \(isKnown)")
            return
        }
        let row = try await self.connection.query(
            "SELECT count(*), min(event_time) FROM import_trades AS tick WHERE \(isKnown)")[0]
        let count = try row.integer(0)
        if count > 0, let first = try row.optionalTimestamp(1) {
            throw ImportError(
                line: nil, column: nil, name: nil,
                value: """
                    \(count) trades without an id are of the same time, price, size and side as recorded ones, the first at \(first): a \
                    second import would double them
                    """,
                expected: "--skip-known to leave them out, or --allow-duplicates to import them as other trades")
        }
    }

    private func number(_ sql: String) async throws -> Int64 { try await self.connection.query(sql)[0].integer(0) }
}
