import FoundationEssentials
import Logging
import Market
import Postgres
import Testing

@testable import Store

/// Records trades as a recorder does, and compares candles with what SQL makes of the trades.
struct CandleRig: Sendable {
    let store: TestStore
    /// Its own connection: whoever kills others leaves it alone.
    let connection: PostgresConnection
    let journal: String

    /// The trades that a batch inserted, and the position it moved to.
    struct Batch: Sendable {
        let inserted: [Trade]
        let position: Int64
    }

    static func with<Value: Sendable>(_ body: (CandleRig) async throws -> Value) async throws -> Value {
        try await TestStore.with { store in
            let connection = try await PostgresConnection.connect(store.settings, logger: TestServer.logger)
            defer { connection.close() }
            try await connection.execute("CREATE TEMPORARY TABLE marks (mark integer) ON COMMIT DELETE ROWS")
            return try await body(
                CandleRig(store: store, connection: connection, journal: UUID().uuidString.lowercased()))
        }
    }

    var builder: CandleBuilder {
        CandleBuilder(client: self.store.client, catalog: self.store.catalog, logger: TestServer.logger)
    }

    func writer(
        _ settings: CandleWriterSettings = CandleWriterSettings(flushInterval: .milliseconds(5)),
        journal: String? = nil
    ) -> CandleWriter {
        CandleWriter(
            client: self.store.client, catalog: self.store.catalog, journal: journal ?? self.journal,
            settings: settings, logger: TestServer.logger
        )
    }

    /// Runs `writer` while `body` works with it, then stops it.
    func running<Value: Sendable>(_ writer: CandleWriter, _ body: () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await writer.run() }
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            group.cancelAll()
            // A writer that stops in the middle of an attempt ends with that attempt's error.
            do { try await group.waitForAll() } catch is PostgresError {} catch is CancellationError {}
            return try result.get()
        }
    }

    /// Ends every connection to the database but the rig's own.
    func killOthers() async throws {
        try await self.connection.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    }

    // MARK: Recording

    /// Commits a batch as the recorder does: the trades that are not there yet, the row of the batch, the position.
    ///
    /// The second half of the trades goes through a savepoint.
    func record(_ trades: [Trade], journal: String? = nil) async throws -> Batch {
        let journal = journal ?? self.journal
        let catalog = self.store.catalog
        return try await self.connection.withSession { session in
            try catalog.resolve(symbols: Set(trades.map(\.symbol)), venues: Set(trades.map(\.venue)), session)
            for day in Set(trades.map { $0.eventTime.storedText.prefix(10) }) {
                try session.query("SELECT tickwire_create_day($1::date)", [.text(String(day))])
            }
            return try session.transaction { session in
                let old = try session.query(
                    "SELECT coalesce((SELECT position FROM journal_positions WHERE journal = $1::uuid AND consumer = 'trades'), 0)",
                    [.text(journal)])[0].integer(0)
                var inserted: [Trade] = []
                let middle = trades.count / 2
                try session.execute("INSERT INTO marks VALUES (1)")
                inserted += try Self.insert(Array(trades[..<middle]), catalog, session)
                try session.execute("SAVEPOINT half; INSERT INTO marks VALUES (2)")
                inserted += try Self.insert(Array(trades[middle...]), catalog, session)
                try session.execute("RELEASE SAVEPOINT half")
                let new = old + Int64(trades.count)
                try session.query(
                    """
                    INSERT INTO recorded_batches (
                        from_time, to_time, received_from, received_to, trades_from, trades_to, journal, xmins
                    )
                    SELECT $1, $2, $3, $4, $5, $6, $7::uuid, array_agg(xmin) FROM marks
                    """,
                    [
                        .timestamp(trades.map(\.eventTime).min()), .timestamp(trades.map(\.eventTime).max()),
                        .timestamp(trades.map(\.receivedTime).min()), .timestamp(trades.map(\.receivedTime).max()),
                        .integer(old), .integer(new), .text(journal),
                    ])
                try session.query(
                    """
                    INSERT INTO journal_positions (journal, consumer, position) VALUES ($1::uuid, 'trades', $2)
                    ON CONFLICT (journal, consumer) DO UPDATE SET position = excluded.position
                    """, [.text(journal), .integer(new)])
                return Batch(inserted: inserted, position: new)
            }
        }
    }

    private static func insert(
        _ trades: [Trade], _ catalog: SymbolCatalog, _ session: PostgresSession
    ) throws -> [Trade] {
        let ids = catalog.ids
        var inserted: [Trade] = []
        // One by one, so that it is known which ones were there already.
        for trade in trades {
            let rows = try session.query(
                """
                INSERT INTO trades (
                    event_time, received_time, venue_sequence, symbol_id, venue_id, flags, side, price, size, trade_id
                ) VALUES ($1, $2, $3, $4, $5, 0, 'b', $6, $7, $8) ON CONFLICT DO NOTHING
                """,
                [
                    .timestamp(trade.eventTime), .timestamp(trade.receivedTime), .optional(trade.venueSequence),
                    .integer(Int64(try #require(ids.symbols[trade.symbol]))),
                    .integer(Int64(try #require(ids.venues[trade.venue]))), .decimal(trade.price),
                    .decimal(trade.size), .optional(trade.id),
                ])
            if rows.affectedRows == 1 { inserted.append(trade) }
        }
        return inserted
    }

    // MARK: Comparing

    /// Rows that `candles` and the trades' own candles do not have in common.
    func differences() async throws -> [String] {
        let days = try await self.connection.query(
            "SELECT DISTINCT (event_time AT TIME ZONE 'America/New_York')::date::text FROM trades")
        var sessions: [TradingSession] = []
        for row in days {
            if let day = CivilDay(try row.text(0)), let session = TradingCalendar.xnys.session(on: day) {
                sessions.append(session)
            }
        }
        let rows = try await self.connection.query(
            """
            WITH sessions AS (SELECT * FROM unnest($1::timestamptz[], $2::timestamptz[]) AS given (opens, closes)),
            placed AS (
                SELECT trades.*, length, coalesce(venue_sequence, -1) AS sequence,
                    CASE WHEN venue_sequence IS NULL THEN coalesce(trade_id, '') ELSE '' END COLLATE "C" AS id,
                    CASE WHEN length = 86400 AND symbols.name NOT LIKE '%-%'
                        THEN (SELECT opens FROM sessions WHERE event_time >= opens AND event_time < closes)
                        ELSE to_timestamp(floor(extract(epoch FROM event_time) / length) * length)
                    END AS start
                FROM trades JOIN symbols ON symbols.id = symbol_id
                    CROSS JOIN unnest(ARRAY[1, 60, 300, 900, 3600, 86400]) AS length
            ), expected AS (
                SELECT start, min(event_time), max(event_time),
                    (array_agg(sequence ORDER BY event_time, sequence, octet_length(id), id, price))[1],
                    (array_agg(sequence ORDER BY event_time DESC, sequence DESC, octet_length(id) DESC, id DESC, price DESC))[1],
                    count(*), symbol_id, length, venue_id,
                    (array_agg(price ORDER BY event_time, sequence, octet_length(id), id, price))[1],
                    max(price), min(price),
                    (array_agg(price ORDER BY event_time DESC, sequence DESC, octet_length(id) DESC, id DESC, price DESC))[1],
                    coalesce(sum(size), 0), coalesce(sum(price * size), 0),
                    (array_agg(id ORDER BY event_time, sequence, octet_length(id), id, price))[1],
                    (array_agg(id ORDER BY event_time DESC, sequence DESC, octet_length(id) DESC, id DESC, price DESC))[1]
                FROM placed WHERE start IS NOT NULL GROUP BY symbol_id, length, venue_id, start
            )
            SELECT 'only in candles: ' || one::text FROM (SELECT * FROM candles EXCEPT SELECT * FROM expected) AS one
            UNION ALL
            SELECT 'missing: ' || one::text FROM (SELECT * FROM expected EXCEPT SELECT * FROM candles) AS one
            ORDER BY 1
            """,
            [.array(sessions.map(\.open.storedText)), .array(sessions.map(\.close.storedText))])
        return try rows.map { try $0.text(0) }
    }
}

extension Trade {
    /// Trades of everything that makes candles hard: ties in time, late ones by days, half days, hours before and after the
    /// session, ids with and without sequence, sizes that are missing, numbers of any length.
    static func awkward(
        count: Int, firstID: Int, seed: inout some RandomNumberGenerator
    ) throws -> [Trade] {
        let symbols = try ["BTC-USD", "ETH-EUR", "AAPL"].map { try Symbol($0) }
        let venues = try ["coinbase", "kraken"].map { try Venue($0) }
        // Wednesday before Thanksgiving to the half day after it, and long before 1970.
        let days = try ["2026-11-25", "2026-11-26", "2026-11-27", "1969-12-31"].map { try time("\($0)T00:00:00Z") }
        return try (0..<count).map { index in
            let day = Int.random(in: 0..<10, using: &seed) == 0 ? days.randomElement(using: &seed) : days[2]
            // Around 14:30 and 18:00, opening and close of the half day.
            let minutes = [869, 870, 885, 1079, 1080, 1439, 0].randomElement(using: &seed) ?? 0
            let offset = Int64(minutes * 60) * 1_000_000_000 + Int64.random(in: 0..<240, using: &seed) * 250_000_000
            let eventTime = (day ?? days[0]).advanced(byNanoseconds: offset + Int64.random(in: 0..<3, using: &seed))
            let isLong = Int.random(in: 0..<20, using: &seed) == 0
            let isCounted = Bool.random(using: &seed)
            return Trade(
                symbol: symbols.randomElement(using: &seed) ?? symbols[0],
                venue: venues.randomElement(using: &seed) ?? venues[0],
                price: try Decimal64(
                    mantissa: Int64.random(in: 1...(isLong ? 999_999_999_999_999_999 : 99_999), using: &seed),
                    exponent: Int.random(in: isLong ? -30...20 : -4...0, using: &seed)),
                size: Int.random(in: 0..<10, using: &seed) == 0
                    ? nil
                    : try Decimal64(
                        mantissa: Int64.random(in: 1...(isLong ? 999_999_999_999_999_999 : 999_999), using: &seed),
                        exponent: Int.random(in: isLong ? -30...20 : -8...2, using: &seed)),
                side: .buy,
                id: Int.random(in: 0..<4, using: &seed) == 0 ? nil : "\(firstID + index)",
                eventTime: eventTime,
                receivedTime: try time("2026-11-28T00:00:00Z").advanced(byNanoseconds: Int64(firstID) * 1_000_000),
                venueSequence: isCounted ? Int64(firstID + index) / 2 : nil
            )
        }
    }
}
