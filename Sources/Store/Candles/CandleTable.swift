import Market
import Postgres

/// The table `candles` and the positions that go with it, as sessions see them.
///
/// Whoever writes candles holds a lock until the end of the transaction: who adds to them shares it, who replaces them has
/// it alone. See docs/decisions/0004.
enum CandleTable {
    private static let columns = """
        start, open_time, close_time, open_sequence, close_sequence, trade_count, symbol_id, interval_seconds, venue_id, \
        open, high, low, close, volume, turnover, open_id, close_id
        """

    /// Makes what ``add(_:ids:_:)`` needs, once a connection and outside of a transaction.
    static func prepare(_ session: PostgresSession) throws(PostgresError) {
        try session.execute("CREATE TEMPORARY TABLE IF NOT EXISTS pending_candles (LIKE candles) ON COMMIT DELETE ROWS")
    }

    /// Begins a transaction that adds to candles.
    static func begin(_ session: PostgresSession) throws(PostgresError) {
        try session.execute("BEGIN; SELECT pg_advisory_xact_lock_shared(8104733, 2)")
    }

    /// Begins a transaction that replaces candles: nobody adds to them until it ends.
    static func beginAlone(_ session: PostgresSession) throws(PostgresError) {
        // A day of trades is sorted in memory: a third less time for a million of them.
        try session.execute("BEGIN; SET LOCAL work_mem = '64MB'; SELECT pg_advisory_xact_lock(8104733, 2)")
    }

    /// Adds bars to the table, within a transaction.
    ///
    /// - Returns: The number of rows inserted or updated.
    /// - Throws: ``PostgresError``.
    static func add(
        _ deltas: [CandleSeries], ids: (symbols: [Symbol: Int32], venues: [Venue: Int16]), _ session: PostgresSession
    ) throws(PostgresError) -> Int {
        if deltas.isEmpty { return 0 }
        try session.copyIn(
            "COPY pending_candles (\(Self.columns)) FROM STDIN (FORMAT binary)", Self.encode(deltas, ids: ids)
        )
        return try session.query(Self.addPending).affectedRows
    }

    /// Sorted, so that two writers never wait for each other's rows.
    private static let addPending = """
        INSERT INTO candles AS kept (\(columns))
        SELECT \(columns) FROM pending_candles ORDER BY symbol_id, start, venue_id, interval_seconds
        ON CONFLICT (symbol_id, start, venue_id, interval_seconds) DO UPDATE SET
            \(earlier("open_time")), \(earlier("open_sequence")), \(earlier("open_id")), \(earlier("open")),
            \(later("close_time")), \(later("close_sequence")), \(later("close_id")), \(later("close")),
            high = greatest(kept.high, excluded.high), low = least(kept.low, excluded.low),
            volume = kept.volume + excluded.volume, turnover = kept.turnover + excluded.turnover,
            trade_count = kept.trade_count + excluded.trade_count
        """

    private static func earlier(_ column: String) -> String {
        "\(column) = CASE WHEN \(self.place("excluded", "open")) < \(self.place("kept", "open")) "
            + "THEN excluded.\(column) ELSE kept.\(column) END"
    }

    private static func later(_ column: String) -> String {
        "\(column) = CASE WHEN \(self.place("excluded", "close")) > \(self.place("kept", "close")) "
            + "THEN excluded.\(column) ELSE kept.\(column) END"
    }

    /// The order of ``TradePlace``.
    private static func place(_ row: String, _ end: String) -> String {
        "(\(row).\(end)_time, \(row).\(end)_sequence, octet_length(\(row).\(end)_id), \(row).\(end)_id, \(row).\(end))"
    }

    /// Rows of binary COPY in the order of `columns`.
    private static func encode(
        _ deltas: [CandleSeries], ids: (symbols: [Symbol: Int32], venues: [Venue: Int16])
    ) -> [UInt8] {
        var copy = BinaryCopy(capacity: deltas.reduce(0) { $0 + $1.bars.count } * 200)
        for series in deltas {
            guard let symbolID = ids.symbols[series.symbol], let venueID = ids.venues[series.venue] else {
                preconditionFailure("\(series.symbol) of \(series.venue) has no id although its candles are written")
            }
            for bar in series.bars {
                let (volume, turnover) = (bar.volume.groups, bar.turnover.groups)
                let bytes =
                    17 * 4 + 6 * 8 + 2 * 4 + 2 + 4 * BinaryCopy.numericBytesMax + BinaryCopy.bytes(of: volume)
                    + BinaryCopy.bytes(of: turnover) + bar.open.id.utf8.count + bar.close.id.utf8.count
                copy.beginRow(columns: 17, bytes: bytes)
                copy.append(microseconds: bar.start)
                copy.append(microseconds: bar.open.microseconds)
                copy.append(microseconds: bar.close.microseconds)
                copy.append(bar.open.sequence as Int64?)
                copy.append(bar.close.sequence as Int64?)
                copy.append(bar.tradeCount as Int64?)
                copy.append(symbolID)
                copy.append(Int32(series.interval.seconds))
                copy.append(venueID)
                copy.append(bar.open.price)
                copy.append(bar.high)
                copy.append(bar.low)
                copy.append(bar.close.price)
                copy.append(volume)
                copy.append(turnover)
                copy.append(bar.open.id as String?)
                copy.append(bar.close.id as String?)
            }
        }
        return copy.finish()
    }

    // MARK: Positions

    /// The position of a journal's candles, locked until the end of the transaction; 0 when there was none.
    static func lockPosition(of journal: String, _ session: PostgresSession) throws(PostgresError) -> Int64 {
        try session.query(
            """
            INSERT INTO journal_positions (journal, consumer, position) VALUES ($1::uuid, 'candles', 0)
            ON CONFLICT (journal, consumer) DO NOTHING
            """,
            [.text(journal)]
        )
        let rows = try session.query(
            "SELECT position FROM journal_positions WHERE journal = $1::uuid AND consumer = 'candles' FOR UPDATE",
            [.text(journal)]
        )
        guard let row = rows.first else { return 0 }
        return try row.integer(0)
    }

    /// Moves the position of a journal's candles; `false` when it is not at `old`.
    static func movePosition(
        of journal: String, from old: Int64, to new: Int64, _ session: PostgresSession
    ) throws(PostgresError) -> Bool {
        try session.query(
            """
            UPDATE journal_positions SET position = $3, moved_at = now()
            WHERE journal = $1::uuid AND consumer = 'candles' AND position = $2
            """,
            [.text(journal), .integer(old), .integer(new)]
        ).affectedRows == 1
    }

    /// Runs `body` in a transaction that has begun, then COMMIT; ROLLBACK when it throws.
    static func finish<Value>(
        _ session: PostgresSession, _ body: () throws(PostgresError) -> Value
    ) throws(PostgresError) -> Value {
        let value: Value
        do throws(PostgresError) {
            value = try body()
        } catch {
            // The first error counts; a connection that cannot roll back is lost, and the transaction with it.
            try? session.execute("ROLLBACK")
            throw error
        }
        try session.execute("COMMIT")
        return value
    }
}
