import Market
import Postgres

/// A tick that PostgreSQL does not take, by its place in the batch.
struct RefusedTick: Sendable {
    let isQuote: Bool
    let row: Int
    let reason: PostgresServerError
}

extension TickWriter {
    /// How often a batch's refused rows are searched for: what is refused may change with what others write meanwhile.
    private static let searchesMax = 3

    private static let tradeColumns =
        "event_time, received_time, venue_sequence, symbol_id, venue_id, flags, side, price, size, trade_id"

    /// Writes a batch whose trades may be there already, or of which PostgreSQL may refuse rows.
    func writeCarefully(
        _ prepared: PreparedBatch, _ states: [LastTick], _ session: PostgresSession
    ) throws(PostgresError) -> Ending {
        try session.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS staged_trades (LIKE trades, place integer) ON COMMIT DELETE ROWS")
        var refused: [RefusedTick] = []
        for _ in 0..<Self.searchesMax {
            do throws(PostgresError) {
                return try self.inTransaction(prepared.batch, states, session) { () throws(PostgresError) in
                    try self.insert(prepared, except: refused, session)
                }
            } catch {
                guard Self.isRowsFault(error) else { throw error }
            }
            refused += try self.searchRefused(prepared.trades, prepared.quotes, except: refused, session)
        }
        return try self.inTransaction(prepared.batch, states, session) { () throws(PostgresError) in
            try self.insert(prepared, except: refused, session)
        }
    }

    private func insert(
        _ prepared: PreparedBatch, except refused: [RefusedTick], _ session: PostgresSession
    ) throws(PostgresError) -> Outcome {
        let batch = prepared.batch
        var absent = Set(refused.lazy.filter { !$0.isQuote }.map(\.row))
        let places = batch.trades.indices.filter { !absent.contains($0) }
        let duplicates = try self.insert(prepared.trades, rows: places[...], session)
        try self.copyQuotes(prepared.quotes, except: refused, session)
        for tick in refused {
            try self.quarantine(
                tick.isQuote ? .quote(batch.quotes[tick.row]) : .trade(batch.trades[tick.row]), tick.reason, session)
        }
        absent.formUnion(duplicates)
        return Outcome(
            trades: absent.isEmpty
                ? batch.trades : batch.trades.indices.lazy.filter { !absent.contains($0) }.map { batch.trades[$0] },
            quotes: batch.quotes.count - refused.count { $0.isQuote }, duplicates: duplicates.count,
            quarantined: refused.count
        )
    }

    private func copyQuotes(
        _ quotes: TickColumn<Quote>, except refused: [RefusedTick], _ session: PostgresSession
    ) throws(PostgresError) {
        for day in quotes.days {
            var rows = day.rows
            if !refused.isEmpty { rows.removeAll { row in refused.contains { $0.isQuote && $0.row == row } } }
            try session.copyIn(
                "COPY \(DayPartition.name(.quotes, day.day)) FROM STDIN (FORMAT binary)",
                TickRows.encode(quotes, rows: rows[...]))
        }
    }

    /// Inserts trades that are not there yet; returns the places of those that are.
    private func insert(
        _ trades: TickColumn<Trade>, rows: ArraySlice<Int>, _ session: PostgresSession
    ) throws(PostgresError) -> [Int] {
        if rows.isEmpty { return [] }
        try session.copyIn(
            "COPY staged_trades FROM STDIN (FORMAT binary)", TickRows.encode(trades, rows: rows, withPlace: true))
        // Of equal ones within the batch the first is the one that counts.
        let known = try session.query(
            """
            WITH fresh AS (
                INSERT INTO trades (\(Self.tradeColumns)) SELECT \(Self.tradeColumns) FROM staged_trades ORDER BY place
                ON CONFLICT DO NOTHING
                RETURNING venue_id, symbol_id, trade_id, event_time
            )
            SELECT place
            FROM (
                SELECT place, venue_id, symbol_id, trade_id, event_time,
                       row_number() OVER (PARTITION BY venue_id, symbol_id, trade_id, event_time ORDER BY place) AS copy
                FROM staged_trades
                WHERE trade_id IS NOT NULL
            ) AS staged
            LEFT JOIN fresh USING (venue_id, symbol_id, trade_id, event_time)
            WHERE copy > 1 OR fresh.trade_id IS NULL
            """
        )
        var places: [Int] = []
        places.reserveCapacity(known.count)
        for row in known { places.append(Int(try row.integer(0))) }
        return places
    }

    // MARK: Refused rows

    /// Finds the rows that PostgreSQL refuses, in a transaction that leaves nothing behind.
    ///
    /// Not within the batch's own transaction: what is written after a savepoint carries another transaction id, and readers that
    /// follow know the batch by its own.
    private func searchRefused(
        _ trades: TickColumn<Trade>, _ quotes: TickColumn<Quote>, except known: [RefusedTick],
        _ session: PostgresSession
    ) throws(PostgresError) -> [RefusedTick] {
        var refused: [RefusedTick] = []
        try session.execute("BEGIN")
        do {
            let rows = trades.ticks.indices.filter { row in !known.contains { !$0.isQuote && $0.row == row } }
            try self.halve(rows[...], session) { rows throws(PostgresError) in
                try session.execute("TRUNCATE staged_trades")
                _ = try self.insert(trades, rows: rows, session)
            } refuse: { row, reason in
                refused.append(RefusedTick(isQuote: false, row: row, reason: reason))
            }
            for day in quotes.days {
                let rows = day.rows.filter { row in !known.contains { $0.isQuote && $0.row == row } }
                try self.halve(rows[...], session) { rows throws(PostgresError) in
                    try session.copyIn(
                        "COPY \(DayPartition.name(.quotes, day.day)) FROM STDIN (FORMAT binary)",
                        TickRows.encode(quotes, rows: rows))
                } refuse: { row, reason in
                    refused.append(RefusedTick(isQuote: true, row: row, reason: reason))
                }
            }
        } catch {
            // The first error counts.
            try? session.execute("ROLLBACK")
            throw error
        }
        try session.execute("ROLLBACK")
        return refused
    }

    /// Calls `insert` with `rows`; as long as PostgreSQL refuses a value, with its halves, down to the row at fault.
    private func halve(
        _ rows: ArraySlice<Int>, _ session: PostgresSession,
        _ insert: (ArraySlice<Int>) throws(PostgresError) -> Void, refuse: (Int, PostgresServerError) -> Void
    ) throws(PostgresError) {
        guard let first = rows.first else { return }
        try session.execute("SAVEPOINT slice")
        do throws(PostgresError) {
            try insert(rows)
            try session.execute("RELEASE SAVEPOINT slice")
            return
        } catch {
            guard Self.isRowsFault(error), let reason = error.serverError else { throw error }
            try session.execute("ROLLBACK TO SAVEPOINT slice; RELEASE SAVEPOINT slice")
            if rows.count == 1 { return refuse(first, reason) }
        }
        let middle = rows.startIndex + rows.count / 2
        try self.halve(rows[..<middle], session, insert, refuse: refuse)
        try self.halve(rows[middle...], session, insert, refuse: refuse)
    }

    /// Whether an error is about a row's values: a missing partition (a check violation that names no constraint) is not.
    private static func isRowsFault(_ error: PostgresError) -> Bool {
        guard case .data(let reason) = error else { return false }
        return !(reason.sqlState == "23514" && reason.constraint == nil)
    }

    private func quarantine(
        _ tick: Tick, _ reason: PostgresServerError, _ session: PostgresSession
    ) throws(PostgresError) {
        try session.query(
            "INSERT INTO quarantined_ticks (symbol, venue, reason, tick) VALUES ($1, $2, $3, $4)",
            [.text(tick.symbol.name), .text(tick.venue.name), .text(reason.description), .text(tick.quarantineText)]
        )
    }
}
