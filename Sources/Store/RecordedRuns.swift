public import Market
public import Postgres

/// Which of a venue's trades are recorded, by the venue's own numbers: holes that nobody has written down yet show here.
public struct RecordedRuns: Sendable {
    private let client: PostgresClient

    /// Reads through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// The numbers of the newest recorded trades: for each symbol those of the last `seconds` before its newest trade, and the
    /// one before them.
    ///
    /// - Parameters:
    ///   - venues: Those whose trades are numbered without holes.
    ///   - seconds: How far to look back from each newest trade.
    ///   - time: Trades that happened before it do not count.
    /// - Returns: Runs by symbol and venue; symbols without such trades are left out.
    /// - Throws: ``PostgresError``.
    public func load(of venues: [Venue], seconds: Int, since time: Timestamp) async throws -> [VenueSymbol:
        SequenceRuns]
    {
        if venues.isEmpty { return [:] }
        let rows = try await self.client.query(
            """
            WITH newest AS (
                SELECT last_ticks.symbol_id, last_ticks.venue_id, trade.event_time
                FROM last_ticks
                JOIN venues ON venues.id = last_ticks.venue_id
                CROSS JOIN LATERAL (
                    SELECT event_time FROM trades
                    WHERE symbol_id = last_ticks.symbol_id AND venue_id = last_ticks.venue_id
                      AND event_time > $2::timestamptz
                    ORDER BY event_time DESC
                    LIMIT 1
                ) AS trade
                WHERE venues.name = ANY ($1::text[])
            ), recent AS (
                SELECT DISTINCT ON (symbol_id, venue_id, venue_sequence)
                       newest.symbol_id, newest.venue_id, trade.venue_sequence, trade.trade_id, trade.event_time
                FROM newest
                CROSS JOIN LATERAL (
                    (SELECT venue_sequence, trade_id, event_time FROM trades
                     WHERE symbol_id = newest.symbol_id AND venue_id = newest.venue_id AND venue_sequence IS NOT NULL
                       AND event_time > newest.event_time - make_interval(secs => $3))
                    UNION ALL
                    (SELECT venue_sequence, trade_id, event_time FROM trades
                     WHERE symbol_id = newest.symbol_id AND venue_id = newest.venue_id AND venue_sequence IS NOT NULL
                       AND event_time > $2::timestamptz AND event_time <= newest.event_time - make_interval(secs => $3)
                     ORDER BY event_time DESC, venue_sequence DESC
                     LIMIT 1)
                ) AS trade
                ORDER BY symbol_id, venue_id, venue_sequence
            ), numbered AS (
                SELECT *, venue_sequence - row_number() OVER (PARTITION BY symbol_id, venue_id ORDER BY venue_sequence) AS run
                FROM recent
            )
            SELECT symbols.name, venues.name, min(venue_sequence), (array_agg(trade_id ORDER BY venue_sequence))[1],
                   (array_agg(event_time ORDER BY venue_sequence))[1], max(venue_sequence),
                   (array_agg(trade_id ORDER BY venue_sequence DESC))[1],
                   (array_agg(event_time ORDER BY venue_sequence DESC))[1]
            FROM numbered JOIN symbols ON symbols.id = symbol_id JOIN venues ON venues.id = venue_id
            GROUP BY symbols.name, venues.name, run
            """,
            [.array(venues.map(\.name)), .timestamp(time), .integer(Int64(seconds))]
        )
        var runs: [VenueSymbol: SequenceRuns] = [:]
        for row in rows {
            let first = SequenceRuns.Place(
                sequence: try row.integer(2), id: row.optionalText(3), time: try row.timestamp(4))
            let last = SequenceRuns.Place(
                sequence: try row.integer(5), id: row.optionalText(6), time: try row.timestamp(7))
            runs[VenueSymbol(try row.symbol(0), try row.venue(1)), default: SequenceRuns()]
                .insert(SequenceRuns.Run(first: first, last: last))
        }
        return runs
    }

    /// How many trades are really missing between `bounds`.
    ///
    /// Trades may be stored further away in time, what `feed_gaps` has a row for is known, and what a symbol did while it was not
    /// asked for is not missing.
    public func missing(_ venueSymbol: VenueSymbol, between bounds: TickBounds) async throws -> Int64 {
        guard let from = bounds.fromSequence, let to = bounds.toSequence, let fromTime = bounds.fromTime,
            let toTime = bounds.toTime
        else { return 0 }
        let row = try await self.client.query(
            """
            SELECT $4::bigint - $3::bigint - 1 - (
                       SELECT count(DISTINCT venue_sequence) FROM trades
                       WHERE symbol_id = symbols.id AND venue_id = venues.id
                         AND venue_sequence > $3 AND venue_sequence < $4
                         AND event_time BETWEEN $5::timestamptz - interval '1 minute' AND $6::timestamptz + interval '1 minute'
                   ),
                   EXISTS (
                       SELECT FROM feed_gaps
                       WHERE feed_gaps.venue_id = venues.id AND stream = 'trades' AND from_sequence < $4 AND to_sequence > $3
                         AND (symbol_id = symbols.id OR symbols.name = ANY (feed_gaps.symbols))
                   ) OR EXISTS (
                       SELECT FROM symbol_choices
                       WHERE symbol = $1 AND feed IN ('', $2) AND changed_at > $5::timestamptz - interval '5 seconds'
                   )
            FROM symbols, venues WHERE symbols.name = $1 AND venues.name = $2
            """,
            [
                .text(venueSymbol.symbol.name), .text(venueSymbol.venue.name), .integer(from), .integer(to),
                .timestamp(min(fromTime, toTime)), .timestamp(max(fromTime, toTime)),
            ]
        ).first
        guard let row else { return to - from - 1 }
        return try row.boolean(1) ? 0 : max(0, try row.integer(0))
    }
}
