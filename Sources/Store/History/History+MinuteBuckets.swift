public import Market
import Postgres

extension History {
    /// The kept one-minute candles of every symbol and venue since `since`, oldest first.
    ///
    /// - Parameters:
    ///   - since: The earliest event time; its whole minute counts.
    ///   - assets: The kinds of instruments that are wanted.
    /// - Returns: Minutes that had a trade.
    /// - Throws: ``PostgresError``.
    public func minuteBuckets(
        since: Timestamp, of assets: [AssetClass] = AssetClass.allCases
    ) async throws -> [MinuteBucket] {
        let minute = Timestamp(microseconds: CandleInterval.minute.start(of: since.microseconds))
        let rows = try await self.client.query(
            """
            SELECT symbols.name, venues.name, start, open, high, low, close, volume, trade_count
            FROM candles
            JOIN symbols ON symbols.id = symbol_id
            JOIN venues ON venues.id = venue_id
            WHERE interval_seconds = 60 AND start >= $1::timestamptz AND asset = ANY ($2::text[])
            ORDER BY start, symbols.name COLLATE "C", venues.name COLLATE "C"
            """,
            [.timestamp(minute), .array(assets.map(\.rawValue))]
        )
        var buckets: [MinuteBucket] = []
        buckets.reserveCapacity(rows.count)
        for row in rows {
            let candle = Candle(
                start: try row.timestamp(2), open: try row.decimal(3), high: try row.decimal(4),
                low: try row.decimal(5), close: try row.decimal(6), volume: try row.decimal(7),
                tradeCount: try row.integer(8))
            buckets.append(MinuteBucket(symbol: try row.symbol(0), venue: try row.venue(1), candle: candle))
        }
        return buckets
    }
}
