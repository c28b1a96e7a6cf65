import Market
import Postgres
import Synchronization

/// Writes batches of ticks, each in one transaction that also moves the recorder's position.
///
/// The fast way COPYs straight into the day's partition. When PostgreSQL refuses a row there, the batch goes the
/// careful
/// way: over a staging table that leaves out trades which are there already, isolating refused rows by halving.
final class TickWriter: Sendable {
    /// What became of a batch's ticks.
    struct Outcome: Sendable, Equatable {
        var recorded = 0
        var duplicates = 0
        var quarantined = 0
    }

    /// How a batch's transaction ended.
    enum Ending: Sendable {
        case committed(Outcome)
        /// The batch was in already: an earlier attempt committed although its answer never came.
        case wasCommitted
        /// The connection broke while committing: the next attempt finds out.
        case unknown(Outcome, PostgresError)
    }

    private struct State {
        /// Days since 1970 whose partitions exist.
        var days: Set<Int> = []
        /// After a batch with duplicates more are likely (a replay), and trying the fast way first would double the
        /// work.
        var prefersStaging = false
    }

    private let recorderID: String
    private let catalog: SymbolCatalog
    private let state = Mutex(State())

    init(recorderID: String, catalog: SymbolCatalog) {
        self.recorderID = recorderID
        self.catalog = catalog
    }

    /// Prepares a new connection: makes the partitions of yesterday to the day after tomorrow, forgets old recorders.
    func prepare(_ session: PostgresSession) throws(PostgresError) {
        self.state.withLock { $0.days = [] }
        try self.createComingDays(session)
        try session.query("DELETE FROM recorder_positions WHERE moved_at < now() - interval '30 days'")
    }

    /// Makes the partitions of yesterday to the day after tomorrow.
    func createComingDays(_ session: PostgresSession) throws(PostgresError) {
        try session.query(
            "SELECT tickwire_create_days(today - 1, today + 2) FROM (SELECT (now() AT TIME ZONE 'UTC')::date) AS day (today)"
        )
    }

    /// Writes a batch.
    ///
    /// - Throws: ``PostgresError``; then nothing of the batch is in the database, unless the connection was lost.
    func write(_ batch: TickBatch, _ session: PostgresSession) throws(PostgresError) -> Ending {
        // Ids and partitions come first, in transactions of their own.
        var newSymbols = Set<Symbol>()
        var newVenues = Set<Venue>()
        let known = self.catalog.ids
        for state in batch.states where known.symbols[state.symbol] == nil || known.venues[state.venue] == nil {
            newSymbols.insert(state.symbol)
            newVenues.insert(state.venue)
        }
        var trades = TickColumn(
            batch.trades, symbols: known.symbols, venues: known.venues, newSymbols: &newSymbols, newVenues: &newVenues
        )
        var quotes = TickColumn(
            batch.quotes, symbols: known.symbols, venues: known.venues, newSymbols: &newSymbols, newVenues: &newVenues
        )
        if !newSymbols.isEmpty || !newVenues.isEmpty {
            try self.catalog.resolve(symbols: newSymbols, venues: newVenues, session)
            let known = self.catalog.ids
            trades = TickColumn(
                batch.trades, symbols: known.symbols, venues: known.venues, newSymbols: &newSymbols,
                newVenues: &newVenues
            )
            quotes = TickColumn(
                batch.quotes, symbols: known.symbols, venues: known.venues, newSymbols: &newSymbols,
                newVenues: &newVenues
            )
        }
        try self.createDays(Set(trades.days.map(\.day)).union(quotes.days.map(\.day)), session)

        if !self.state.withLock({ $0.prefersStaging }) {
            do throws(PostgresError) {
                return try self.inTransaction(batch, session) { () throws(PostgresError) in
                    try self.copyTrades(trades, session)
                    try self.copyQuotes(quotes, session)
                    return Outcome(recorded: batch.tickCount)
                }
            } catch {
                // A refused row or a trade that is there already: the careful way knows what to do. So it does when a
                // partition has gone meanwhile, and with what this program does not foresee it fails the same way
                // again.
                guard case .data = error else { throw self.noticed(error) }
            }
        }
        do {
            let ending = try self.inTransaction(batch, session) { () throws(PostgresError) in
                try self.writeCarefully(trades, quotes, session)
            }
            if case .committed(let outcome) = ending {
                self.state.withLock { $0.prefersStaging = outcome.duplicates > 0 }
            }
            return ending
        } catch {
            throw self.noticed(error)
        }
    }

    // MARK: The transaction

    private func inTransaction(
        _ batch: TickBatch, _ session: PostgresSession, _ body: () throws(PostgresError) -> Outcome
    ) throws(PostgresError) -> Ending {
        try session.execute("BEGIN")
        let outcome: Outcome
        do {
            // While an earlier attempt's transaction is still under way in the server, this waits for its end.
            let moved = try session.query(
                """
                INSERT INTO recorder_positions (recorder, position) VALUES ($1::uuid, $2)
                ON CONFLICT (recorder) DO UPDATE SET position = excluded.position, moved_at = now()
                WHERE recorder_positions.position < excluded.position
                """,
                [.text(self.recorderID), .integer(batch.number)]
            )
            if moved.affectedRows == 0 {
                try session.execute("ROLLBACK")
                return .wasCommitted
            }
            outcome = try body()
            try LastTicks.upsert(batch.states, catalog: self.catalog, session)
        } catch {
            // The first error counts; a connection that cannot roll back is lost, and the transaction with it.
            try? session.execute("ROLLBACK")
            throw error
        }
        do {
            try session.execute("COMMIT")
        } catch {
            switch error {
            case .connectionLost, .closed, .cancelled: return .unknown(outcome, error)
            default: throw error
            }
        }
        return .committed(outcome)
    }

    private func createDays(_ days: Set<Int>, _ session: PostgresSession) throws(PostgresError) {
        for day in self.state.withLock({ days.subtracting($0.days) }).sorted() {
            let (year, month, dayOfMonth) = CivilDate.date(daysSinceEpoch: day)
            try session.query("SELECT tickwire_create_day($1::date)", [.text("\(year)-\(month)-\(dayOfMonth)")])
            self.state.withLock { state in _ = state.days.insert(day) }
        }
    }

    /// When an error may mean that a partition has been dropped, has them all looked for again.
    private func noticed(_ error: PostgresError) -> PostgresError {
        switch error.serverError?.sqlState {
        case "42P01", "23514": self.state.withLock { $0.days = [] }
        default: break
        }
        return error
    }

    // MARK: The fast way

    private func copyTrades(_ trades: TickColumn<Trade>, _ session: PostgresSession) throws(PostgresError) {
        for day in trades.days {
            try session.copyIn(
                "COPY trades_\(day.suffix) FROM STDIN (FORMAT binary)", TickRows.encode(trades, rows: day.rows[...])
            )
        }
    }

    private func copyQuotes(_ quotes: TickColumn<Quote>, _ session: PostgresSession) throws(PostgresError) {
        for day in quotes.days {
            try session.copyIn(
                "COPY quotes_\(day.suffix) FROM STDIN (FORMAT binary)", TickRows.encode(quotes, rows: day.rows[...])
            )
        }
    }

    // MARK: The careful way

    private func writeCarefully(
        _ trades: TickColumn<Trade>, _ quotes: TickColumn<Quote>, _ session: PostgresSession
    ) throws(PostgresError) -> Outcome {
        var outcome = Outcome()
        try session.execute("CREATE TEMPORARY TABLE IF NOT EXISTS staged_trades (LIKE trades) ON COMMIT DELETE ROWS")
        for day in trades.days {
            try self.isolating(day.rows[...], { .trade(trades.ticks[$0]) }, &outcome, session) {
                rows throws(PostgresError) in
                try session.execute("TRUNCATE staged_trades")
                try session.copyIn(
                    "COPY staged_trades FROM STDIN (FORMAT binary)", TickRows.encode(trades, rows: rows)
                )
                return try session.query("INSERT INTO trades SELECT * FROM staged_trades ON CONFLICT DO NOTHING")
                    .affectedRows
            }
        }
        for day in quotes.days {
            try self.isolating(day.rows[...], { .quote(quotes.ticks[$0]) }, &outcome, session) {
                rows throws(PostgresError) in
                try session.copyIn(
                    "COPY quotes_\(day.suffix) FROM STDIN (FORMAT binary)", TickRows.encode(quotes, rows: rows)
                )
            }
        }
        return outcome
    }

    /// Calls `insert` with `rows`; as long as PostgreSQL refuses a value, with its halves, down to the row at fault.
    private func isolating(
        _ rows: ArraySlice<Int>, _ tick: (Int) -> Tick, _ outcome: inout Outcome, _ session: PostgresSession,
        _ insert: (ArraySlice<Int>) throws(PostgresError) -> Int
    ) throws(PostgresError) {
        guard let first = rows.first else { return }
        try session.execute("SAVEPOINT slice")
        do throws(PostgresError) {
            let inserted = try insert(rows)
            try session.execute("RELEASE SAVEPOINT slice")
            outcome.recorded += inserted
            outcome.duplicates += rows.count - inserted
            return
        } catch {
            // A missing partition (a check violation that names no constraint) is not the row's fault.
            guard case .data(let reason) = error, !(reason.sqlState == "23514" && reason.constraint == nil) else {
                throw error
            }
            try session.execute("ROLLBACK TO SAVEPOINT slice; RELEASE SAVEPOINT slice")
            if rows.count == 1 {
                try self.quarantine(tick(first), reason, session)
                outcome.quarantined += 1
                return
            }
        }
        let middle = rows.startIndex + rows.count / 2
        try self.isolating(rows[..<middle], tick, &outcome, session, insert)
        try self.isolating(rows[middle...], tick, &outcome, session, insert)
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
