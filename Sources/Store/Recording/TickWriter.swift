import Market
import Postgres
import Synchronization

/// Writes batches of ticks, each in one transaction that also moves the journal's place in the database.
///
/// The fast way COPYs straight into the day's partition. When PostgreSQL refuses a row there, the batch goes the careful way:
/// over a staging table that leaves out trades which are there already. When that is refused too, the rows at fault are searched
/// for in a transaction that is rolled back, and the batch goes in without them.
final class TickWriter: Sendable {
    /// What became of a batch's ticks.
    struct Outcome: Sendable, Equatable {
        /// The trades that were not there before.
        var trades: [Trade]
        var quotes: Int
        var duplicates = 0
        var quarantined = 0

        var recorded: Int { self.trades.count + self.quotes }
    }

    /// How a batch's transaction ended.
    enum Ending: Sendable {
        case committed(Outcome)
        /// The database is not where the batch begins: an earlier attempt committed although its answer never came.
        case moved(JournalPlace)
        /// The connection broke while committing: the next attempt finds out.
        case unknown(Outcome, PostgresError)
    }

    private struct State {
        /// Days whose partitions exist.
        var days: Set<CivilDay> = []
        /// After a batch with duplicates more are likely (a replay), and trying the fast way first would double the
        /// work.
        var prefersStaging = false
    }

    private let journal: String
    private let catalog: SymbolCatalog
    private let state = Mutex(State())

    /// Writes what comes from the journal with the id `journal`.
    init(journal: String, catalog: SymbolCatalog) {
        self.journal = journal
        self.catalog = catalog
    }

    /// Prepares a new connection: makes the partitions of yesterday to the day after tomorrow.
    ///
    /// - Returns: How much of the journal is in the database.
    func prepare(_ session: PostgresSession) throws(PostgresError) -> JournalPlace {
        self.state.withLock { $0.days = [] }
        try self.keepUp(session)
        try session.query(
            """
            INSERT INTO journal_positions (journal, consumer, position)
            SELECT $1::uuid, consumer, 0 FROM unnest(ARRAY['trades', 'quotes', 'candles']) AS consumer
            ON CONFLICT DO NOTHING
            """,
            [.text(self.journal)]
        )
        return try self.place(session)
    }

    /// Makes the partitions of yesterday to the day after tomorrow.
    func keepUp(_ session: PostgresSession) throws(PostgresError) {
        try session.query(
            "SELECT tickwire_create_days(today - 1, today + 2) FROM (SELECT (now() AT TIME ZONE 'UTC')::date) AS day (today)"
        )
    }

    /// Does what can be done for a batch without PostgreSQL.
    func prepare(_ batch: TickBatch) -> PreparedBatch { PreparedBatch(batch, ids: self.catalog.ids) }

    /// Writes a batch; `states` go with it.
    ///
    /// - Throws: ``PostgresError``; then nothing of the batch is in the database, unless the connection was lost.
    func write(
        _ prepared: PreparedBatch, states: [LastTick] = [], _ session: PostgresSession
    ) throws(PostgresError) -> Ending {
        // Ids and partitions come first, in transactions of their own.
        let prepared = try self.completed(prepared, states, session)
        try self.createDays(prepared.days, session)
        let batch = prepared.batch

        if !self.state.withLock({ $0.prefersStaging }) {
            do throws(PostgresError) {
                return try self.inTransaction(batch, states, session) { () throws(PostgresError) in
                    for part in prepared.parts {
                        try session.copyIn("COPY \(part.table) FROM STDIN (FORMAT binary)", part.rows)
                    }
                    return Outcome(trades: batch.trades, quotes: batch.quotes.count)
                }
            } catch {
                // A refused row or a trade that is there already: the careful way knows what to do. So it does when a
                // partition has gone meanwhile, and with what this program does not foresee it fails the same way
                // again.
                guard case .data = error else { throw self.noticed(error) }
            }
        }
        do {
            let ending = try self.writeCarefully(prepared, states, session)
            if case .committed(let outcome) = ending {
                self.state.withLock { $0.prefersStaging = outcome.duplicates > 0 }
            }
            return ending
        } catch {
            throw self.noticed(error)
        }
    }

    /// The batch with ids for all its symbols and venues.
    private func completed(
        _ prepared: PreparedBatch, _ states: [LastTick], _ session: PostgresSession
    ) throws(PostgresError) -> PreparedBatch {
        var symbols = prepared.newSymbols
        var venues = prepared.newVenues
        let known = self.catalog.ids
        for state in states where known.symbols[state.symbol] == nil || known.venues[state.venue] == nil {
            symbols.insert(state.symbol)
            venues.insert(state.venue)
        }
        if symbols.isEmpty, venues.isEmpty { return prepared }
        try self.catalog.resolve(symbols: symbols, venues: venues, session)
        return prepared.isComplete ? prepared : self.prepare(prepared.batch)
    }

    // MARK: The transaction

    func inTransaction(
        _ batch: TickBatch, _ states: [LastTick], _ session: PostgresSession,
        _ body: () throws(PostgresError) -> Outcome
    ) throws(PostgresError) -> Ending {
        let outcome: Outcome
        do {
            guard try self.begin(batch, session) else {
                try session.execute("ROLLBACK")
                return .moved(try self.place(session))
            }
            outcome = try body()
            try LastTicks.upsert(states, catalog: self.catalog, session)
            for loss in batch.losses { try self.enter(loss, session) }
            if batch.tickCount > 0 { try session.execute(self.announcement(of: batch)) }
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

    /// Begins the transaction and moves the journal's place to the end of the batch; `false` when it is not at its beginning.
    ///
    /// While an earlier attempt's transaction is still under way in the server, this waits for its end. One script instead of
    /// statements with parameters, which are numbers here: one way to the server and back instead of two.
    private func begin(_ batch: TickBatch, _ session: PostgresSession) throws(PostgresError) -> Bool {
        try session.affectedRows(
            of: """
                BEGIN;
                UPDATE journal_positions
                SET position = CASE consumer WHEN 'trades' THEN \(batch.to.trades) ELSE \(batch.to.quotes) END, moved_at = now()
                WHERE journal = '\(self.journal)' AND consumer IN ('trades', 'quotes')
                  AND position = CASE consumer WHEN 'trades' THEN \(batch.from.trades) ELSE \(batch.from.quotes) END
                """
        ) == 2
    }

    private func place(_ session: PostgresSession) throws(PostgresError) -> JournalPlace {
        try JournalPlace(session.query(JournalPlace.statement, [.text(self.journal)]))
    }

    private func enter(_ loss: JournalLoss, _ session: PostgresSession) throws(PostgresError) {
        try session.query(
            """
            INSERT INTO recording_losses (from_time, to_time, ticks, journal, stream, reason)
            VALUES ($1, $2, $3, $4::uuid, $5, $6)
            """,
            [
                Self.optional(loss.before), Self.optional(loss.after), .integer(loss.count), .text(self.journal),
                .text(loss.stream.rawValue), .text(loss.reason.rawValue),
            ]
        )
    }

    private static func optional(_ time: Timestamp?) -> PostgresParameter { time.map { .timestamp($0) } ?? .null }

    /// Tells readers that follow, and the candles, of the transaction's rows.
    private func announcement(of batch: TickBatch) -> String {
        var bounds = TimeBounds()
        for trade in batch.trades { bounds.add(event: trade.eventTime, received: trade.receivedTime) }
        for quote in batch.quotes { bounds.add(event: quote.eventTime, received: quote.receivedTime) }
        return """
            INSERT INTO recorded_batches (from_time, to_time, received_from, received_to, trades_from, trades_to, journal)
            VALUES ('\(bounds.firstEvent.storedText)', '\(bounds.lastEvent.storedText)', '\(bounds.firstReceived.storedText)',
                    '\(bounds.lastReceived.storedText)', \(batch.from.trades), \(batch.to.trades), '\(self.journal)');
            NOTIFY tickwire_ticks
            """
    }

    private struct TimeBounds {
        var firstEvent = Timestamp(nanoseconds: .max)
        var lastEvent = Timestamp(nanoseconds: .min)
        var firstReceived = Timestamp(nanoseconds: .max)
        var lastReceived = Timestamp(nanoseconds: .min)

        mutating func add(event: Timestamp, received: Timestamp) {
            self.firstEvent = min(self.firstEvent, event)
            self.lastEvent = max(self.lastEvent, event)
            self.firstReceived = min(self.firstReceived, received)
            self.lastReceived = max(self.lastReceived, received)
        }
    }

    private func createDays(_ days: Set<CivilDay>, _ session: PostgresSession) throws(PostgresError) {
        for day in self.state.withLock({ days.subtracting($0.days) }).sorted() {
            try DayPartition.create(day, session)
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
}
