public import Market
public import Postgres

/// The newest candles of each symbol and venue: where a process goes on after a restart.
public struct RecentCandles: Sendable {
    private let client: PostgresClient

    /// Reads through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// Sheets of the newest candles of all kept intervals, one for each symbol and venue that has traded.
    ///
    /// O(symbols × venues × intervals): one look into the index for each.
    ///
    /// - Returns: What the table has: trades that wait in the journal have to be added.
    /// - Throws: ``PostgresError``.
    public func load() async throws -> [VenueSymbol: CandleSheet] {
        let kept = CandleInterval.kept.map { "(\($0.seconds), \(CandleSheet.keptCount($0)))" }.joined(separator: ", ")
        let rows = try await self.client.query(
            """
            SELECT symbols.name, venues.name, kept.seconds, candle.start, candle.open_time, candle.open_sequence,
                   candle.open_id, candle.open, candle.close_time, candle.close_sequence, candle.close_id, candle.close,
                   candle.high, candle.low, candle.volume, candle.turnover, candle.trade_count
            FROM last_ticks
            JOIN symbols ON symbols.id = last_ticks.symbol_id
            JOIN venues ON venues.id = last_ticks.venue_id
            CROSS JOIN (VALUES \(kept)) AS kept (seconds, count)
            CROSS JOIN LATERAL (
                SELECT * FROM candles
                WHERE candles.symbol_id = last_ticks.symbol_id AND candles.venue_id = last_ticks.venue_id
                    AND candles.interval_seconds = kept.seconds
                ORDER BY candles.start DESC
                LIMIT kept.count
            ) AS candle
            ORDER BY last_ticks.symbol_id, last_ticks.venue_id, kept.seconds, candle.start
            """
        )
        var sheets: [VenueSymbol: CandleSheet] = [:]
        for row in rows {
            let venueSymbol = VenueSymbol(try row.symbol(0), try row.venue(1))
            guard let interval = CandleInterval(seconds: Int(try row.integer(2))) else {
                throw row.unexpected(2, "an interval")
            }
            let bar = CandleBar(
                start: try row.timestamp(3).microseconds,
                open: try Self.place(row, 4), close: try Self.place(row, 8), high: try row.decimal(12),
                low: try row.decimal(13), volume: try Self.sum(row, 14), turnover: try Self.sum(row, 15),
                tradeCount: try row.integer(16)
            )
            let isStock = venueSymbol.symbol.quoteCurrency == nil
            sheets[venueSymbol, default: CandleSheet(isStock: isStock)].restore(bar, interval)
        }
        return sheets
    }

    /// Time, sequence, id and price in four columns.
    private static func place(_ row: PostgresRow, _ column: Int) throws(PostgresError) -> TradePlace {
        TradePlace(
            microseconds: try row.timestamp(column).microseconds, sequence: try row.integer(column + 1),
            id: try row.text(column + 2), price: try row.decimal(column + 3))
    }

    private static func sum(_ row: PostgresRow, _ column: Int) throws(PostgresError) -> ExactSum {
        guard let value = WideDecimal(try row.text(column)) else { throw row.unexpected(column, "a number") }
        return ExactSum(value)
    }
}
