public import Logging
public import Market
public import Postgres

/// Computes candles from the recorded trades.
public struct CandleBuilder: Sendable {
    private let client: PostgresClient
    private let catalog: SymbolCatalog
    private let logger: Logger

    /// Works through `client`.
    ///
    /// - Parameters:
    ///   - client: The database.
    ///   - catalog: The ids of symbols and venues.
    ///   - logger: Hears what was mended.
    public init(client: PostgresClient, catalog: SymbolCatalog, logger: Logger) {
        self.client = client
        self.catalog = catalog
        self.logger = logger
    }

    // MARK: Rebuilding

    /// Recomputes the candles of all kept intervals on all UTC days that `[since, until)` touches.
    ///
    /// Safe while candles are written, by this process or another one: no trade is lost or counted twice. One transaction a
    /// symbol and day; meanwhile candle writers wait. Days whose trades retention has dropped are left as they are, and so
    /// are days without a partition of trades. See docs/decisions/0004.
    ///
    /// - Parameters:
    ///   - symbol: One symbol only.
    ///   - venue: One venue only.
    ///   - since: The earliest event time; `nil` for the first trade.
    ///   - until: The latest event time, excluded; `nil` for the last trade.
    ///   - progress: Called after each symbol and day.
    /// - Returns: What was done.
    /// - Throws: ``StoreError/unknownSymbol(_:nearest:)``, ``StoreError/unknownVenue(_:known:)``,
    ///   ``StoreError/invalidRange(_:)`` or ``PostgresError``; days that were done stay done.
    public func rebuild(
        symbol: Symbol? = nil, venue: Venue? = nil, since: Timestamp? = nil, until: Timestamp? = nil,
        progress: (CandleRebuild) -> Void = { _ in }
    ) async throws -> CandleRebuild {
        if let since, let until, since >= until {
            throw StoreError.invalidRange(
                "The time span from \(since) to \(until) is empty. Let it end after its start.")
        }
        let venueID: Int16? = if let venue { try await self.catalog.id(of: venue) } else { nil }
        let symbolID: Int32? = if let symbol { try await self.catalog.id(of: symbol) } else { nil }
        // Batches of processes that are gone would be left out for ever.
        try await self.mend()
        var result = CandleRebuild()
        let (first, last) = (since.map(Self.day), until.map { Self.day($0.advanced(byNanoseconds: -1)) })
        let isWanted = { (day: CivilDay) in (first.map { $0 <= day } ?? true) && (last.map { day <= $0 } ?? true) }
        let dropped = Set(try await self.droppedDays())
        result.daysSkipped = dropped.filter(isWanted).sorted()
        let days = try await DayPartition.list(.trades, self.client).map(\.day)
            .filter { isWanted($0) && !dropped.contains($0) }
        result.days = days.count
        for day in days {
            for (id, symbol) in try await self.symbols(of: day, only: symbolID) {
                let counts = try await self.rebuild(id, symbol, venueID, day)
                result.candles += counts.candles
                result.changed += counts.changed
                progress(result)
            }
            result.daysDone += 1
            progress(result)
        }
        return result
    }

    private func rebuild(
        _ symbolID: Int32, _ symbol: Symbol, _ venueID: Int16?, _ day: CivilDay
    ) async throws -> (candles: Int64, changed: Int64) {
        let isStock = symbol.quoteCurrency == nil
        let session = isStock ? TradingCalendar.xnys.session(on: day) : nil
        let parameters: [PostgresParameter] = [
            .integer(Int64(symbolID)), .optional(venueID.map(Int64.init)), .timestamp(day.start),
            .timestamp(day.advanced(by: 1).start), .boolean(isStock), .timestamp(session?.open),
            .timestamp(session?.close),
        ]
        return try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try CandleTable.beginAlone(session)
                return try CandleTable.finish(session) { () throws(PostgresError) in
                    let row = try session.query(CandleRebuildStatement.text, parameters)[0]
                    return (try row.integer(0), try row.integer(1))
                }
            }
        }
    }

    private func droppedDays() async throws -> [CivilDay] {
        var days: [CivilDay] = []
        for row in try await self.client.query("SELECT day::text FROM dropped_days WHERE stream = 'trades'") {
            guard let day = CivilDay(try row.text(0)) else { throw row.unexpected(0, "a date") }
            days.append(day)
        }
        return days
    }

    /// The symbols that have trades or candles on a day, in the order of their ids.
    private func symbols(of day: CivilDay, only symbolID: Int32?) async throws -> [(id: Int32, symbol: Symbol)] {
        let rows = try await self.client.query(
            """
            SELECT id, name FROM symbols
            WHERE ($3::integer IS NULL OR id = $3) AND (
                EXISTS (SELECT FROM trades WHERE symbol_id = id AND event_time >= $1 AND event_time < $2)
                OR EXISTS (SELECT FROM candles WHERE symbol_id = id AND start >= $1 AND start < $2)
            )
            ORDER BY id
            """,
            [.timestamp(day.start), .timestamp(day.advanced(by: 1).start), .optional(symbolID.map(Int64.init))]
        )
        var symbols: [(Int32, Symbol)] = []
        for row in rows { symbols.append((Int32(truncatingIfNeeded: try row.integer(0)), try row.symbol(1))) }
        return symbols
    }

    private static func day(_ time: Timestamp) -> CivilDay { CivilDay(time, in: .utc) }

    // MARK: Mending

    /// Adds trades to the candles that they lack because the process that recorded them is gone, or is far behind.
    ///
    /// - Parameter age: Only batches recorded at least so long ago: their own process had its time.
    /// - Returns: How many trades were added.
    /// - Throws: ``PostgresError``.
    @discardableResult
    public func mend(olderThan age: Duration = .seconds(3600)) async throws -> Int {
        let rows = try await self.client.query(
            """
            SELECT DISTINCT recorded_batches.journal
            FROM recorded_batches LEFT JOIN journal_positions
                ON journal_positions.journal = recorded_batches.journal AND consumer = 'candles'
            WHERE trades_to > coalesce(position, 0) AND trades_to > trades_from
                AND recorded_at <= now() - make_interval(secs => $1)
            """,
            [.integer(age.components.seconds)]
        )
        var trades = 0
        for row in rows { trades += try await self.mend(journal: try row.text(0), olderThan: age) }
        if trades > 0 {
            self.logger.notice(
                "Candles lacked trades of processes that are gone, they were added", metadata: ["trades": "\(trades)"]
            )
        }
        return trades
    }

    /// Adds to the candles the trades of one journal that they lack.
    ///
    /// - Parameters:
    ///   - journal: Its UUID.
    ///   - age: Only batches recorded at least so long ago; `nil` for all.
    /// - Returns: How many trades were added.
    /// - Throws: ``PostgresError``.
    @discardableResult
    public func mend(journal: String, olderThan age: Duration? = nil) async throws -> Int {
        let mender = CandleMender(catalog: self.catalog, barsMax: CandleWriterSettings().barsMax)
        var trades = 0
        while true {
            let step = try await self.client.withConnection { connection in
                try await connection.withSession { session in try mender.step(journal, olderThan: age, session) }
            }
            trades += step.trades
            if !step.isUnfinished { return trades }
        }
    }

    /// Forgets batches that are old and whose trades are in the candles.
    ///
    /// - Parameter age: How long a reader that follows may take to ask for them.
    /// - Returns: How many were forgotten.
    /// - Throws: ``PostgresError``.
    @discardableResult
    public func forgetBatches(olderThan age: Duration = .seconds(86_400)) async throws -> Int {
        try await self.client.query(
            """
            DELETE FROM recorded_batches
            WHERE recorded_at <= now() - make_interval(secs => $1) AND (
                trades_to = trades_from OR EXISTS (
                    SELECT FROM journal_positions
                    WHERE journal_positions.journal = recorded_batches.journal AND consumer = 'candles'
                        AND position >= trades_to
                )
            )
            """,
            [.integer(age.components.seconds)]
        ).affectedRows
    }
}
