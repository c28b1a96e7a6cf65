public import Market
public import Postgres

/// Open, high, low, close and volume of one minute of a symbol at a venue: what rolling windows start from.
public struct MinuteBucket: Sendable, Hashable {
    /// The instrument.
    public var symbol: Symbol
    /// Where it traded.
    public var venue: Venue
    /// The minute.
    public var candle: Candle
}

/// Which recorded ticks are wanted.
public struct TickQuery: Sendable, Hashable {
    /// What a tick is.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// Executed trades.
        case trades
        /// Best offers.
        case quotes
    }

    /// The instrument.
    public var symbol: Symbol
    /// The venue; `nil` for all.
    public var venue: Venue?
    /// The earliest event time, included.
    public var since: Timestamp
    /// The latest event time, excluded.
    public var until: Timestamp
    /// Trades, quotes, or both.
    public var kinds: Set<Kind>
    /// The newest so many only; `nil` for all.
    public var limit: Int?

    /// Asks for the ticks of `symbol` in `[since, until)`.
    public init(
        symbol: Symbol, venue: Venue? = nil, since: Timestamp, until: Timestamp, kinds: Set<Kind> = [.trades, .quotes],
        limit: Int? = nil
    ) {
        self.symbol = symbol
        self.venue = venue
        self.since = since
        self.until = until
        self.kinds = kinds
        self.limit = limit
    }
}

/// Reads what was recorded.
public struct History: Sendable {
    private let client: PostgresClient
    private let catalog: SymbolCatalog

    /// Reads through `client`.
    public init(client: PostgresClient, catalog: SymbolCatalog) {
        self.client = client
        self.catalog = catalog
    }

    // MARK: Candles

    /// Candles computed in SQL over the recorded trades, oldest first; intervals without a trade are left out.
    ///
    /// Intervals start at multiples of their length since 1970, and the first and last are complete: `since` is
    /// moved back
    /// and `until` on to an interval's start. Open and close go by event time, then the venue's sequence, then
    /// receive time.
    /// Without a venue the candles are consolidated: every recorded trade of every venue counts, each once.
    ///
    /// - Parameters:
    ///   - symbol: The instrument.
    ///   - venue: One venue's trades only.
    ///   - since: The earliest event time.
    ///   - until: The latest event time, excluded.
    ///   - intervalSeconds: The candles' length, 1 s…7 days.
    ///   - limit: The newest so many only; `nil` for all.
    /// - Returns: Candles in the order of their starts.
    /// - Throws: ``StoreError/unknownSymbol(_:nearest:)``, ``StoreError/unknownVenue(_:known:)``,
    ///   ``StoreError/invalidRange(_:)`` or ``PostgresError``.
    public func candles(
        _ symbol: Symbol, venue: Venue? = nil, since: Timestamp, until: Timestamp, intervalSeconds: Int,
        limit: Int? = nil
    ) async throws -> [Candle] {
        guard (1...604_800).contains(intervalSeconds) else {
            throw StoreError.invalidRange("An interval of \(intervalSeconds) s is not possible. Use 1 s to 7 days.")
        }
        let (symbolID, venueID) = try await self.ids(symbol, venue, since: since, until: until)
        let interval = Int64(intervalSeconds) * 1_000_000_000
        func start(of time: Timestamp) -> Int64 {
            let remainder = time.nanoseconds % interval
            return time.nanoseconds - (remainder < 0 ? remainder + interval : remainder)
        }
        let rows = try await self.client.query(
            """
            SELECT start, opening[1], high, low, opening[array_upper(opening, 1)], volume, count
            FROM (
                SELECT date_bin(make_interval(secs => $5), event_time, 'epoch'::timestamptz) AS start,
                       array_agg(price ORDER BY \(Self.tradeOrder)) AS opening,
                       max(price) AS high, min(price) AS low, coalesce(sum(size), 0) AS volume, count(*) AS count
                FROM trades
                WHERE symbol_id = $1 AND ($2::smallint IS NULL OR venue_id = $2)
                  AND event_time >= $3 AND event_time < $4
                GROUP BY 1
                ORDER BY 1 DESC
                LIMIT $6
            ) AS newest
            ORDER BY start
            """,
            [
                .integer(Int64(symbolID)), .optional(venueID.map(Int64.init)),
                .timestamp(Timestamp(nanoseconds: start(of: since))),
                .timestamp(Timestamp(nanoseconds: start(of: until.advanced(byNanoseconds: interval - 1)))),
                .integer(Int64(intervalSeconds)), .optional(limit.map { Int64(max(0, $0)) }),
            ]
        )
        var candles: [Candle] = []
        candles.reserveCapacity(rows.count)
        for row in rows { candles.append(try Self.candle(row, from: 0)) }
        return candles
    }

    /// One-minute candles of every symbol and venue since `since`, oldest first.
    ///
    /// - Parameters:
    ///   - since: The earliest event time; its whole minute counts.
    ///   - assets: The kinds of instruments that are wanted.
    /// - Returns: Minutes that had a trade.
    /// - Throws: ``PostgresError``.
    public func minuteBuckets(
        since: Timestamp, of assets: [AssetClass] = AssetClass.allCases
    ) async throws -> [MinuteBucket] {
        let rows = try await self.client.query(
            """
            SELECT symbols.name, venues.name, start, opening[1], high, low, opening[array_upper(opening, 1)], volume, count
            FROM (
                SELECT symbol_id, venue_id, date_bin('1 minute', event_time, 'epoch'::timestamptz) AS start,
                       array_agg(price ORDER BY \(Self.tradeOrder)) AS opening,
                       max(price) AS high, min(price) AS low, coalesce(sum(size), 0) AS volume, count(*) AS count
                FROM trades
                WHERE event_time >= date_bin('1 minute', $1::timestamptz, 'epoch'::timestamptz)
                  AND symbol_id IN (SELECT id FROM symbols WHERE asset = ANY ($2::text[]))
                GROUP BY 1, 2, 3
            ) AS minutes
            JOIN symbols ON symbols.id = symbol_id
            JOIN venues ON venues.id = venue_id
            ORDER BY start, symbols.name COLLATE "C", venues.name COLLATE "C"
            """,
            [.timestamp(since), .array(assets.map(\.rawValue))]
        )
        var buckets: [MinuteBucket] = []
        buckets.reserveCapacity(rows.count)
        for row in rows {
            buckets.append(
                MinuteBucket(symbol: try row.symbol(0), venue: try row.venue(1), candle: try Self.candle(row, from: 2))
            )
        }
        return buckets
    }

    /// The order of trades within a venue's stream.
    ///
    /// An id decides last: longer ids are later ones of a counter.
    private static let tradeOrder =
        "event_time, venue_sequence, received_time, length(trade_id), trade_id COLLATE \"C\""

    private static func candle(_ row: PostgresRow, from column: Int) throws(PostgresError) -> Candle {
        Candle(
            start: try row.timestamp(column), open: try row.decimal(column + 1), high: try row.decimal(column + 2),
            low: try row.decimal(column + 3), close: try row.decimal(column + 4), volume: try row.decimal(column + 5),
            tradeCount: try row.integer(column + 6)
        )
    }

    // MARK: Ticks

    /// Reads ticks, oldest first, in batches: memory does not grow with their number.
    ///
    /// All batches are of one moment of the database. Without a venue the ticks of all venues come, in the order of
    /// their
    /// event times.
    ///
    /// - Parameters:
    ///   - query: Which ticks.
    ///   - batchSize: Ticks in a batch at most.
    ///   - body: Gets each batch; the next one is read when it returns.
    /// - Throws: ``StoreError/unknownSymbol(_:nearest:)``, ``StoreError/unknownVenue(_:known:)``,
    ///   ``StoreError/invalidRange(_:)``, ``PostgresError`` or what `body` throws.
    public func ticks(
        _ query: TickQuery, batchSize: Int = 2_000, _ body: ([Tick]) async throws -> Void
    ) async throws {
        let (symbolID, venueID) = try await self.ids(query.symbol, query.venue, since: query.since, until: query.until)
        let venues = try await self.catalog.venuesByID()
        var parts: [String] = []
        if query.kinds.contains(.trades) {
            parts.append(
                """
                SELECT event_time, received_time, venue_sequence, venue_id, flags, side, price, size, trade_id,
                       NULL::numeric AS bid, NULL::numeric AS ask, NULL::numeric AS bid_size, NULL::numeric AS ask_size,
                       NULL::numeric AS last
                FROM trades WHERE \(Self.tickCondition)
                """
            )
        }
        if query.kinds.contains(.quotes) {
            parts.append(
                """
                SELECT event_time, received_time, venue_sequence, venue_id, flags, NULL::"char" AS side,
                       NULL::numeric AS price, NULL::numeric AS size, NULL::text AS trade_id, bid, ask, bid_size,
                       ask_size, last
                FROM quotes WHERE \(Self.tickCondition)
                """
            )
        }
        if parts.isEmpty { return }
        let union = parts.joined(separator: " UNION ALL ")
        let order = "event_time, received_time, venue_sequence, length(trade_id), trade_id COLLATE \"C\""
        let newestFirst = order.split(separator: ",").map { "\($0) DESC" }.joined(separator: ",")
        var parameters: [PostgresParameter] = [
            .integer(Int64(symbolID)), .optional(venueID.map(Int64.init)), .timestamp(query.since),
            .timestamp(query.until),
        ]
        var select = "SELECT * FROM (\(union)) AS ticks"
        if let limit = query.limit {
            select = "SELECT * FROM (\(select) ORDER BY \(newestFirst) LIMIT $5) AS newest"
            parameters.append(.integer(Int64(max(0, limit))))
        }
        let declaration = "DECLARE history NO SCROLL CURSOR FOR \(select) ORDER BY \(order)"
        let fetch = "FETCH \(max(1, batchSize)) FROM history"
        try await self.client.withTransaction { [parameters] connection in
            try await connection.query(declaration, parameters)
            while true {
                let rows = try await connection.query(fetch)
                if rows.isEmpty { break }
                var ticks: [Tick] = []
                ticks.reserveCapacity(rows.count)
                for row in rows { ticks.append(try Self.tick(row, query.symbol, venues)) }
                try await body(ticks)
            }
        }
    }

    private static let tickCondition = """
        symbol_id = $1 AND ($2::smallint IS NULL OR venue_id = $2) AND event_time >= $3 AND event_time < $4
        """

    private static func tick(
        _ row: PostgresRow, _ symbol: Symbol, _ venues: [Int16: Venue]
    ) throws(PostgresError) -> Tick {
        guard let venue = venues[Int16(truncatingIfNeeded: try row.integer(3))] else {
            throw row.unexpected(3, "the id of a venue")
        }
        guard !row.isNull(5) else {
            return .quote(
                Quote(
                    symbol: symbol, venue: venue, bid: try row.optionalDecimal(9), ask: try row.optionalDecimal(10),
                    bidSize: try row.optionalDecimal(11), askSize: try row.optionalDecimal(12),
                    last: try row.optionalDecimal(13), eventTime: try row.timestamp(0),
                    receivedTime: try row.timestamp(1), venueSequence: try row.optionalInteger(2),
                    flags: try row.flags(4)
                )
            )
        }
        return .trade(
            Trade(
                symbol: symbol, venue: venue, price: try row.decimal(6), size: try row.optionalDecimal(7),
                side: try row.side(5), id: row.optionalText(8), eventTime: try row.timestamp(0),
                receivedTime: try row.timestamp(1), venueSequence: try row.optionalInteger(2), flags: try row.flags(4)
            )
        )
    }

    // MARK: Names

    /// Known symbols that look like `name`, the nearest first, three at most; for messages about unknown ones.
    public func nearestSymbols(to name: String) async throws -> [String] {
        Spelling.nearest(to: name, among: try await self.catalog.symbols().map(\.name))
    }

    private func ids(
        _ symbol: Symbol, _ venue: Venue?, since: Timestamp, until: Timestamp
    ) async throws -> (Int32, Int16?) {
        guard since < until else {
            throw StoreError.invalidRange(
                "The time span from \(since) to \(until) is empty. Let it end after its start.")
        }
        guard let symbolID = try await self.catalog.existingID(of: symbol) else {
            throw StoreError.unknownSymbol(symbol.name, nearest: try await self.nearestSymbols(to: symbol.name))
        }
        guard let venue else { return (symbolID, nil) }
        guard let venueID = try await self.catalog.existingID(of: venue) else {
            throw StoreError.unknownVenue(venue.name, known: try await self.catalog.venues().map(\.name))
        }
        return (symbolID, venueID)
    }
}
