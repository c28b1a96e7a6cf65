public import Market
public import Postgres

/// The newest recorded trade of each symbol and venue: where a feed goes on after a restart.
public struct LastTrades: Sendable {
    private let client: PostgresClient

    /// Reads through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// The newest trades that happened after `time`, with the venues' ids and numbers; one for each symbol and venue at most.
    ///
    /// O(symbols × venues): one look into the index for each.
    public func load(since time: Timestamp) async throws -> [Trade] {
        let rows = try await self.client.query(
            """
            SELECT symbols.name, venues.name, trade.price, trade.size, trade.side, trade.trade_id, trade.event_time,
                   trade.received_time, trade.venue_sequence, trade.flags
            FROM last_ticks
            JOIN symbols ON symbols.id = last_ticks.symbol_id
            JOIN venues ON venues.id = last_ticks.venue_id
            CROSS JOIN LATERAL (
                SELECT * FROM trades
                WHERE trades.symbol_id = last_ticks.symbol_id AND trades.venue_id = last_ticks.venue_id
                    AND trades.event_time > $1::timestamptz
                ORDER BY trades.event_time DESC, trades.venue_sequence DESC NULLS LAST
                LIMIT 1
            ) AS trade
            """,
            [.timestamp(time)]
        )
        var trades: [Trade] = []
        trades.reserveCapacity(rows.count)
        for row in rows {
            trades.append(
                Trade(
                    symbol: try row.symbol(0), venue: try row.venue(1), price: try row.decimal(2),
                    size: try row.optionalDecimal(3), side: try row.side(4), id: row.optionalText(5),
                    eventTime: try row.timestamp(6), receivedTime: try row.timestamp(7),
                    venueSequence: try row.optionalInteger(8), flags: try row.flags(9)
                )
            )
        }
        return trades
    }
}
