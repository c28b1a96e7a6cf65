import Market
import Postgres

/// Adds to the candles what recorded trades they lack, by the rows of `recorded_batches` beyond a journal's position.
///
/// A batch's trades are found by the transaction that inserted them (`xmin`), so that duplicates and trades of other batches
/// do not count. See docs/decisions/0004.
struct CandleMender: Sendable {
    /// How far one transaction came.
    struct Step: Sendable {
        /// The position of the journal's candles now.
        var position: Int64 = 0
        /// Trades that were added.
        var trades = 0
        /// Positions of trades that no row of `recorded_batches` tells of.
        var unknown: Int64 = 0
        /// Whether there was more than one transaction should take.
        var isUnfinished = false
    }

    private struct Batch {
        let from: Int64
        let to: Int64
        /// Bounds of event and receive times, and the transactions, as PostgreSQL wrote them.
        let bounds: [PostgresParameter]
    }

    let catalog: SymbolCatalog
    /// A transaction ends when it has so many bars of a second.
    let barsMax: Int

    /// Adds the next trades of a journal that candles lack, in one transaction.
    ///
    /// - Parameters:
    ///   - journal: Its UUID.
    ///   - age: Only batches recorded at least so long ago; `nil` for all.
    ///   - session: Without a transaction.
    /// - Returns: What was done; call again while it is unfinished.
    /// - Throws: ``PostgresError``.
    func step(
        _ journal: String, olderThan age: Duration? = nil, _ session: PostgresSession
    ) throws(PostgresError) -> Step {
        try CandleTable.prepare(session)
        var (symbols, venues) = (Set<Symbol>(), Set<Venue>())
        try CandleTable.begin(session)
        return try CandleTable.finish(session) { () throws(PostgresError) in
            let position = try CandleTable.lockPosition(of: journal, session)
            var step = Step(position: position)
            var accumulator = CandleAccumulator()
            let (batches, last) = try self.batches(of: journal, after: position, olderThan: age, session)
            for batch in batches {
                if accumulator.secondCount > self.barsMax {
                    step.isUnfinished = true
                    break
                }
                step.unknown += max(0, batch.from - step.position)
                for row in try session.query(Self.trades, batch.bounds) {
                    let trade = try Self.trade(row)
                    symbols.insert(trade.symbol)
                    venues.insert(trade.venue)
                    accumulator.add(trade)
                    step.trades += 1
                }
                step.position = batch.to
            }
            if !step.isUnfinished, age == nil, last > step.position {
                step.unknown += last - step.position
                step.position = last
            }
            // The ids exist: they only have to be read. Nothing is inserted, so nothing can be rolled back.
            try self.catalog.resolve(symbols: symbols, venues: venues, session)
            _ = try CandleTable.add(accumulator.deltas, ids: self.catalog.ids, session)
            if step.position != position {
                _ = try CandleTable.movePosition(of: journal, from: position, to: step.position, session)
            }
            return step
        }
    }

    /// The batches with trades beyond `position`, in order, and how far the journal's trades are recorded.
    private func batches(
        of journal: String, after position: Int64, olderThan age: Duration?, _ session: PostgresSession
    ) throws(PostgresError) -> (batches: [Batch], last: Int64) {
        // One statement, one moment: the batches reach to the position exactly.
        let rows = try session.query(
            """
            SELECT trades_from, trades_to, from_time, to_time, received_from, received_to, xmins, recorded.position
            FROM (SELECT max(position) AS position FROM journal_positions WHERE journal = $1::uuid AND consumer = 'trades')
                AS recorded
            LEFT JOIN recorded_batches ON journal = $1::uuid AND trades_to > $2 AND trades_to > trades_from
                AND ($3::float8 IS NULL OR recorded_at <= now() - make_interval(secs => $3))
            ORDER BY trades_to
            """,
            [.text(journal), .integer(position), .optional(age?.components.seconds)]
        )
        var batches: [Batch] = []
        var last: Int64 = 0
        for row in rows {
            last = try row.optionalInteger(7) ?? 0
            guard let from = try row.optionalInteger(0) else { break }
            batches.append(
                Batch(
                    from: from, to: try row.integer(1),
                    bounds: [
                        .text(try row.text(2)), .text(try row.text(3)), .text(try row.text(4)), .text(try row.text(5)),
                        .text(try row.text(6)),
                    ]
                )
            )
        }
        return (batches, last)
    }

    /// The receive times lead to the rows over the small BRIN index, however late some of the trades are.
    private static let trades = """
        SELECT symbols.name, venues.name, event_time, venue_sequence, trade_id, price, size
        FROM trades JOIN symbols ON symbols.id = symbol_id JOIN venues ON venues.id = venue_id
        WHERE event_time BETWEEN $1 AND $2 AND received_time BETWEEN $3 AND $4 AND trades.xmin = ANY ($5::xid[])
        """

    private static func trade(_ row: PostgresRow) throws(PostgresError) -> Trade {
        let time = try row.timestamp(2)
        return Trade(
            symbol: try row.symbol(0), venue: try row.venue(1), price: try row.decimal(5),
            size: try row.optionalDecimal(6), side: .unknown, id: row.optionalText(4), eventTime: time,
            receivedTime: time, venueSequence: try row.optionalInteger(3)
        )
    }
}
