public import Market
import Postgres

extension History {
    /// Rows of the table that a query of candles reads.
    private struct Rows {
        let grid: CandleGrid
        /// Everything behind WHERE but the bounds of time.
        let condition: String
        /// Whether a candle may be made of several rows.
        let isMerged: Bool
        /// How many rows a candle is made of at most.
        let rowsPerCandle: Int

        /// No more rows than these make so many candles.
        func limit(_ candles: Int) -> Int {
            let (rows, overflow) = max(1, candles).multipliedReportingOverflow(by: self.rowsPerCandle)
            return overflow ? .max : rows
        }

        func condition(from: Timestamp?, to: Timestamp?) -> String {
            var text = self.condition
            if let from { text += " AND start >= '\(from.storedText)'" }
            if let to { text += " AND start < '\(to.storedText)'" }
            return text
        }
    }

    /// Reads candles, oldest first, in batches: memory does not grow with their number.
    ///
    /// All are of one moment of the database. Without a venue the candles of all venues are put together: open is the price of the
    /// earliest trade of all, in the order of event time, sequence and id, close that of the latest. Intervals that are not kept
    /// in the database are made of the longest kept one that divides them. Intervals without a trade are left out.
    ///
    /// - Parameters:
    ///   - query: Which candles.
    ///   - body: Gets each batch; the next one is read when it returns.
    /// - Throws: ``StoreError/unknownSymbol(_:nearest:)``, ``StoreError/unknownVenue(_:known:)``,
    ///   ``StoreError/invalidRange(_:)``, ``PostgresError`` or what `body` throws.
    public func candles(_ query: CandleQuery, _ body: ([RecordedCandle]) async throws -> Void) async throws {
        let rows = try await self.rows(query)
        try await self.reading { connection in
            var from = query.since.map(rows.grid.floor)
            let to = query.until.map(rows.grid.ceiling)
            var left = Int.max
            var order = "ORDER BY start"
            switch query.count {
            case nil: break
            case .first(let count):
                left = count
                order += " LIMIT \(rows.limit(count))"
            case .newest(let count):
                from = try await self.start(ofNewest: count, rows, from: from, to: to, connection) ?? from
            }
            let gaps = try await self.gaps(query, from: from, to: to, connection)
            let statement = Self.statement(rows, rows.condition(from: from, to: to), order)
            try await connection.withCopyOut(statement) { copy in
                var reader = BinaryRows()
                var merger = CandleMerger(rows.grid, hasKeys: rows.isMerged)
                while left > 0, let piece = try await copy.next() {
                    var candles: [RecordedCandle] = []
                    try reader.read(piece) { row throws(PostgresError) in
                        if let candle = try merger.add(&row) { candles.append(candle) }
                    }
                    candles = Array(candles.prefix(left))
                    left -= candles.count
                    if !candles.isEmpty { try await body(Self.marked(candles, gaps, rows.grid)) }
                }
                if left > 0, let last = merger.finish() { try await body(Self.marked([last], gaps, rows.grid)) }
                try await copy.drain()
            }
        }
    }

    /// All candles of a query, oldest first; see ``candles(_:_:)`` for what they are.
    ///
    /// - Throws: What ``candles(_:_:)`` throws.
    public func candles(_ query: CandleQuery) async throws -> [RecordedCandle] {
        var candles: [RecordedCandle] = []
        try await self.candles(query) { candles += $0 }
        return candles
    }

    /// A page of candles, for callers that come back for the next one.
    ///
    /// - Parameters:
    ///   - query: Which candles; its ``CandleQuery/count`` does not count here.
    ///   - direction: From the oldest on, or from the newest back.
    ///   - cursor: ``HistoryPage/next`` of the page before; `nil` for the first page.
    ///   - limit: Candles on the page at most, at least 1.
    /// - Returns: The candles in the direction of turning. The cursor is the start of the last one.
    /// - Throws: What ``candles(_:_:)`` throws.
    public func candlePage(
        _ query: CandleQuery, _ direction: HistoryDirection = .forward, after cursor: Timestamp? = nil, limit: Int
    ) async throws -> HistoryPage<RecordedCandle, Timestamp> {
        let rows = try await self.rows(query)
        let limit = max(1, limit)
        return try await self.reading { connection in
            var from = query.since.map(rows.grid.floor)
            var to = query.until.map(rows.grid.ceiling)
            if let cursor {
                switch direction {
                case .forward: from = max(rows.grid.end(of: cursor), from ?? cursor)
                case .backward: to = min(cursor, to ?? cursor)
                }
            }
            let gaps = try await self.gaps(query, from: from, to: to, connection)
            // One candle more tells whether there is a next page.
            let rowLimit = rows.limit(limit + 1)
            let order = direction == .forward ? "ORDER BY start" : "ORDER BY start DESC"
            let statement = Self.statement(rows, rows.condition(from: from, to: to), "\(order) LIMIT \(rowLimit)")
            let candles = try await connection.withCopyOut(statement) { copy in
                var reader = BinaryRows()
                var merger = CandleMerger(rows.grid, hasKeys: rows.isMerged)
                var candles: [RecordedCandle] = []
                while candles.count <= limit, let piece = try await copy.next() {
                    try reader.read(piece) { row throws(PostgresError) in
                        if let candle = try merger.add(&row) { candles.append(candle) }
                    }
                }
                if candles.count <= limit, let last = merger.finish() { candles.append(last) }
                try await copy.drain()
                return candles
            }
            let page = Array(candles.prefix(limit))
            return HistoryPage(
                elements: Self.marked(page, gaps, rows.grid), next: candles.count > limit ? page.last?.start : nil)
        }
    }

    // MARK: Rows

    private func rows(_ query: CandleQuery) async throws -> Rows {
        let (symbolID, venueID) = try await self.ids(query.symbol, query.venue, since: query.since, until: query.until)
        let grid = CandleGrid(query.symbol, query.interval)
        var condition = "symbol_id = \(symbolID) AND interval_seconds = \(query.interval.base.seconds)"
        if let venueID { condition += " AND venue_id = \(venueID)" }
        let venueCount = venueID == nil ? max(1, try await self.catalog.venuesByID().count) : 1
        return Rows(
            grid: grid, condition: condition, isMerged: venueID == nil || grid.rowsPerCandle > 1,
            rowsPerCandle: grid.rowsPerCandle * venueCount)
    }

    private static func statement(_ rows: Rows, _ condition: String, _ order: String) -> String {
        let columns = rows.isMerged ? "\(CandleMerger.columns), \(CandleMerger.keyColumns)" : CandleMerger.columns
        return "COPY (SELECT \(columns) FROM candles WHERE \(condition) \(order)) TO STDOUT (FORMAT binary)"
    }

    /// Where the newest `count` candles begin; `nil` when there are fewer.
    private func start(
        ofNewest count: Int, _ rows: Rows, from: Timestamp?, to: Timestamp?, _ connection: PostgresConnection
    ) async throws -> Timestamp? {
        let condition = rows.condition(from: from, to: to)
        let statement = """
            COPY (SELECT start FROM candles WHERE \(condition) ORDER BY start DESC LIMIT \(rows.limit(count))) \
            TO STDOUT (FORMAT binary)
            """
        // Breaking a COPY off fails what the savepoint guards, not the whole transaction.
        try await connection.execute("SAVEPOINT counting")
        let start: Timestamp? = try await connection.withCopyOut(statement) { copy in
            var reader = BinaryRows()
            var found = 0
            var current: Timestamp?
            while found < count, let piece = try await copy.next() {
                try reader.read(piece) { row throws(PostgresError) in
                    let start = rows.grid.start(ofRow: try row.timestamp())
                    if found < count, start != current {
                        found += 1
                        current = start
                    }
                }
            }
            try await copy.drain()
            return found < count ? nil : current.map(rows.grid.floor)
        }
        try await connection.execute("ROLLBACK TO SAVEPOINT counting")
        return start
    }

    // MARK: Gaps

    private static func marked(
        _ candles: [RecordedCandle], _ gaps: GapSpans, _ grid: CandleGrid
    ) -> [RecordedCandle] {
        candles.map { candle in
            var candle = candle
            candle.hasGap = gaps.overlap(from: candle.start, to: grid.end(of: candle.start))
            return candle
        }
    }

    /// When trades of the symbol are missing that no backfill has brought.
    func gaps(
        _ query: CandleQuery, from: Timestamp?, to: Timestamp?, _ connection: PostgresConnection
    ) async throws -> GapSpans {
        let rows = try await connection.query(
            """
            SELECT coalesce(from_time, opened_at), coalesce(to_time, closed_at) FROM feed_gaps
            WHERE stream = 'trades' AND state <> 'repaired' AND ($2::text IS NULL OR venue_id = (SELECT id FROM venues WHERE name = $2))
              AND (symbol_id = (SELECT id FROM symbols WHERE name = $1) OR symbol_id IS NULL AND $1 = ANY (symbols))
              AND ($3::timestamptz IS NULL OR coalesce(to_time, closed_at, 'infinity') > $3)
              AND ($4::timestamptz IS NULL OR coalesce(from_time, opened_at) < $4)
            """,
            [.text(query.symbol.name), .optional(query.venue?.name), .timestamp(from), .timestamp(to)]
        )
        var spans: [(from: Timestamp, to: Timestamp)] = []
        for row in rows {
            // A gap that is open lasts until somebody says otherwise.
            spans.append((try row.timestamp(0), try row.optionalTimestamp(1) ?? Timestamp(nanoseconds: .max)))
        }
        return GapSpans(spans)
    }
}
