public import Market
import Postgres

extension History {
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
}
