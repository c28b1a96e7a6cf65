public import Market
import Postgres

extension History {
    /// Up to so many quotes are counted one by one.
    private static let quotesCountedMax: Int64 = 500_000

    /// How much was recorded of a symbol, and what is missing.
    ///
    /// Trades are counted from their candles and quotes beyond half a million estimated from PostgreSQL's statistics, so that it
    /// takes some milliseconds for any number of ticks.
    ///
    /// - Parameters:
    ///   - symbol: The instrument.
    ///   - venue: Only this venue; `nil` for all.
    /// - Returns: What there is.
    /// - Throws: ``StoreError/unknownSymbol(_:nearest:)``, ``StoreError/unknownVenue(_:known:)`` or ``PostgresError``.
    public func statistics(of symbol: Symbol, at venue: Venue? = nil) async throws -> HistoryStatistics {
        let ids = try await self.ids(symbol, venue, since: nil, until: nil)
        let venues = try await self.catalog.venuesByID()
        return try await self.reading { connection in
            var found: [Venue: HistoryStatistics.OfVenue] = [:]
            try await self.countTrades(ids, venues, connection, into: &found)
            let isEstimated = try await self.countQuotes(ids, venues, connection, into: &found)
            func quoteTime(_ direction: String) async throws -> Timestamp? {
                try await connection.query(
                    """
                    SELECT event_time FROM quotes WHERE symbol_id = $1 AND ($2::smallint IS NULL OR venue_id = $2)
                    ORDER BY event_time \(direction) LIMIT 1
                    """, [.integer(Int64(ids.symbol)), .optional(ids.venue.map(Int64.init))]
                ).first?.timestamp(0)
            }
            let hasQuotes = found.values.contains { $0.quotes > 0 }
            return HistoryStatistics(
                venues: found.values.sorted { $0.venue < $1.venue }, areQuotesEstimated: isEstimated,
                firstQuote: hasQuotes ? try await quoteTime("ASC") : nil,
                lastQuote: hasQuotes ? try await quoteTime("DESC") : nil,
                gaps: try await self.countGaps(symbol, ids, connection),
                lostTicks: try await connection.query("SELECT coalesce(sum(ticks), 0)::bigint FROM recording_losses")[0]
                    .integer(0))
        }
    }

    /// Hours, not days: the day of a stock leaves out what trades before and after its session.
    private func countTrades(
        _ ids: (symbol: Int32, venue: Int16?), _ venues: [Int16: Venue], _ connection: PostgresConnection,
        into found: inout [Venue: HistoryStatistics.OfVenue]
    ) async throws {
        let rows = try await connection.query(
            """
            SELECT venue_id, sum(trade_count)::bigint, min(open_time), max(close_time) FROM candles
            WHERE symbol_id = $1 AND ($2::smallint IS NULL OR venue_id = $2) AND interval_seconds = 3600
            GROUP BY venue_id
            """, [.integer(Int64(ids.symbol)), .optional(ids.venue.map(Int64.init))])
        for row in rows {
            guard let venue = venues[Int16(truncatingIfNeeded: try row.integer(0))] else { continue }
            found[venue] = HistoryStatistics.OfVenue(
                venue: venue, trades: try row.integer(1), firstTrade: try row.timestamp(2),
                lastTrade: try row.timestamp(3), quotes: 0)
        }
    }

    /// - Returns: Whether the numbers are estimates.
    private func countQuotes(
        _ ids: (symbol: Int32, venue: Int16?), _ venues: [Int16: Venue], _ connection: PostgresConnection,
        into found: inout [Venue: HistoryStatistics.OfVenue]
    ) async throws -> Bool {
        let wanted = venues.filter { ids.venue == nil || $0.key == ids.venue }
        let ofSymbol = "SELECT FROM quotes WHERE symbol_id = \(ids.symbol)"
        let isEstimated = try await Self.estimate(ofSymbol, connection) > Self.quotesCountedMax
        var counts: [Int16: Int64] = [:]
        if isEstimated {
            for id in wanted.keys {
                counts[id] = try await Self.estimate("\(ofSymbol) AND venue_id = \(id)", connection)
            }
        } else {
            let rows = try await connection.query(
                "SELECT venue_id, count(*) FROM quotes WHERE symbol_id = $1 GROUP BY venue_id",
                [.integer(Int64(ids.symbol))])
            for row in rows { counts[Int16(truncatingIfNeeded: try row.integer(0))] = try row.integer(1) }
        }
        for (id, venue) in wanted {
            guard let count = counts[id], count > 0 else { continue }
            found[
                venue,
                default: HistoryStatistics.OfVenue(
                    venue: venue, trades: 0, firstTrade: nil, lastTrade: nil, quotes: 0)
            ].quotes = count
        }
        return isEstimated
    }

    /// How many rows the planner expects of a statement.
    private static func estimate(_ statement: String, _ connection: PostgresConnection) async throws -> Int64 {
        let line = try await connection.query("EXPLAIN \(statement)")[0].text(0)
        // … (cost=0.43..8.45 rows=1 width=0)
        let word = line.split(separator: " ").first { $0.hasPrefix("rows=") }
        guard let count = word.flatMap({ Int64($0.dropFirst(5)) }) else {
            throw PostgresError.unexpectedValue(column: "QUERY PLAN", value: line, expected: "rows=N")
        }
        return count
    }

    private func countGaps(
        _ symbol: Symbol, _ ids: (symbol: Int32, venue: Int16?), _ connection: PostgresConnection
    ) async throws -> HistoryStatistics.Gaps {
        let rows = try await connection.query(
            """
            SELECT state, count(*), coalesce(sum(missing_count - repaired_count) FILTER (WHERE state <> 'repaired'), 0)::bigint,
                   coalesce(sum(extract(epoch FROM coalesce(to_time, closed_at, now()) - coalesce(from_time, opened_at)))
                       FILTER (WHERE state <> 'repaired'), 0)::text
            FROM feed_gaps
            WHERE (symbol_id = $1 OR symbol_id IS NULL AND $2 = ANY (symbols)) AND ($3::smallint IS NULL OR venue_id = $3)
            GROUP BY state
            """, [.integer(Int64(ids.symbol)), .text(symbol.name), .optional(ids.venue.map(Int64.init))])
        var gaps = HistoryStatistics.Gaps()
        for row in rows {
            let count = Int(try row.integer(1))
            switch try row.text(0) {
            case "open": gaps.open += count
            case "repaired": gaps.repaired += count
            default: gaps.unrepairable += count
            }
            gaps.missingTicks += try row.integer(2)
            gaps.missingSeconds += Double(try row.text(3)) ?? 0
        }
        return gaps
    }
}
