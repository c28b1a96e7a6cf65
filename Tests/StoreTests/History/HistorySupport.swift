import Market
import Postgres
import Testing

@testable import Store

extension TestStore {
    /// Fills the table of candles from the recorded trades, in SQL.
    ///
    /// The obvious way, in the order that migration 0005 defines; days of stocks are sessions in New York's winter.
    func buildCandles() async throws {
        let key = "event_time, coalesce(venue_sequence, -1), length(id), id COLLATE \"C\", price"
        for seconds in CandleInterval.kept.map(\.seconds) {
            let start =
                seconds == 86_400
                ? """
                CASE WHEN name LIKE '%-%' THEN date_trunc('day', event_time, 'UTC')
                     ELSE date_trunc('day', event_time, 'UTC') + interval '14 hours 30 minutes' END
                """ : "date_bin(interval '\(seconds) s', event_time, 'epoch'::timestamptz)"
            let isInSession =
                seconds == 86_400
                ? "WHERE name LIKE '%-%' OR (event_time AT TIME ZONE 'UTC')::time BETWEEN '14:30' AND '20:59:59.999999'"
                : ""
            try await self.client.query(
                """
                INSERT INTO candles (start, open_time, close_time, open_sequence, close_sequence, trade_count, symbol_id,
                    interval_seconds, venue_id, open, high, low, close, volume, turnover, open_id, close_id)
                SELECT start, min(event_time), max(event_time),
                    (array_agg(sequence ORDER BY \(key)))[1], (array_agg(sequence ORDER BY \(key)))[count(*)], count(*),
                    symbol_id, \(seconds), venue_id, (array_agg(price ORDER BY \(key)))[1], max(price), min(price),
                    (array_agg(price ORDER BY \(key)))[count(*)], coalesce(sum(size), 0), coalesce(sum(price * size), 0),
                    (array_agg(id ORDER BY \(key)))[1], (array_agg(id ORDER BY \(key)))[count(*)]
                FROM (
                    SELECT trades.*, \(start) AS start, coalesce(venue_sequence, -1) AS sequence,
                        CASE WHEN venue_sequence IS NULL THEN coalesce(trade_id, '') ELSE '' END AS id
                    FROM trades JOIN symbols ON symbols.id = symbol_id \(isInSession)
                ) AS placed
                GROUP BY start, symbol_id, venue_id
                ON CONFLICT (symbol_id, start, venue_id, interval_seconds) DO UPDATE SET
                    open_time = excluded.open_time, close_time = excluded.close_time, trade_count = excluded.trade_count,
                    open_sequence = excluded.open_sequence, close_sequence = excluded.close_sequence, open = excluded.open,
                    high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
                    turnover = excluded.turnover, open_id = excluded.open_id, close_id = excluded.close_id
                """)
        }
    }

    /// Records ticks and waits until they are in the database.
    func record(_ ticks: [Tick]) async throws {
        try await self.recording { recorder in
            recorder.record(ticks)
            try await recorder.flush()
        }
    }
}

/// The candles of trades the slow and obvious way.
///
/// - Parameters:
///   - trades: In any order.
///   - start: The start of the candle that an instant belongs to; `nil` for none.
/// - Returns: Candles by start.
/// - Throws: A failed expectation.
func obviousCandles(_ trades: [Trade], start: (Timestamp) -> Timestamp?) throws -> [RecordedCandle] {
    func key(_ trade: Trade) -> TradePlace {
        TradePlace(
            microseconds: trade.eventTime.microseconds, sequence: trade.venueSequence ?? -1,
            id: trade.venueSequence == nil ? trade.id ?? "" : "", price: trade.price)
    }
    let placed = trades.compactMap { trade in start(trade.eventTime).map { ($0, trade) } }
    return try Dictionary(grouping: placed) { $0.0 }.sorted { $0.key < $1.key }.map { start, placed in
        let sorted = placed.map(\.1).sorted { key($0) < key($1) }
        let first = try #require(sorted.first)
        let last = try #require(sorted.last)
        var volume = WideDecimal.zero
        var turnover = WideDecimal.zero
        for trade in sorted {
            guard let size = trade.size else { continue }
            volume += WideDecimal(size)
            turnover += WideDecimal(try trade.price.multiplied(by: size))
        }
        return RecordedCandle(
            start: start, open: first.price, high: sorted.map(\.price).max() ?? first.price,
            low: sorted.map(\.price).min() ?? first.price, close: last.price, volume: volume, turnover: turnover,
            tradeCount: Int64(sorted.count), hasGap: false)
    }
}
