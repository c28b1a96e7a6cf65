import Market
import Postgres

/// The statement that replaces one symbol's candles of one UTC day by what the recorded trades give.
///
/// One statement sees one moment of the database: the trades, and which of them the candle writers have not written yet. Those
/// are left out here, because their writers add them. Rows that are right already are not touched.
enum CandleRebuildStatement {
    /// Gives the number of candles, and of those that were changed.
    ///
    /// `$1` is the symbol, `$2` the venue or NULL, `$3` and `$4` are the day's bounds, `$5` says whether it is a stock, `$6`
    /// and `$7` are the bounds of its regular session or NULL.
    static let text = """
        WITH waiting AS MATERIALIZED (
            SELECT DISTINCT unnest(xmins) AS xmin
            FROM recorded_batches LEFT JOIN journal_positions
                ON journal_positions.journal = recorded_batches.journal AND consumer = 'candles'
            WHERE trades_to > coalesce(position, 0) AND trades_to > trades_from AND to_time >= $3 AND from_time < $4
        ), places AS (
            SELECT venue_id, \(bucket("make_interval(secs => 1)", of: "event_time")) AS start, event_time, price, size,
                coalesce(venue_sequence, -1) AS sequence,
                CASE WHEN venue_sequence IS NULL THEN coalesce(trade_id, '') ELSE '' END COLLATE "C" AS id
            FROM trades
            WHERE symbol_id = $1 AND ($2::smallint IS NULL OR venue_id = $2) AND event_time >= $3 AND event_time < $4
                AND NOT EXISTS (SELECT FROM waiting WHERE waiting.xmin = trades.xmin)
        ), seconds (\(columns)) AS MATERIALIZED (
            SELECT 1, venue_id, start, max(event_time) FILTER (WHERE is_first), max(event_time) FILTER (WHERE is_last),
                max(sequence) FILTER (WHERE is_first), max(sequence) FILTER (WHERE is_last), count(*),
                max(price) FILTER (WHERE is_first), max(price), min(price), max(price) FILTER (WHERE is_last),
                coalesce(sum(size), 0), coalesce(sum(price * size), 0),
                max(id) FILTER (WHERE is_first), max(id) FILTER (WHERE is_last)
            FROM (
                SELECT *, row_number() OVER line = 1 AS is_first, lead(1) OVER line IS NULL AS is_last
                FROM places
                WINDOW line AS (
                    PARTITION BY venue_id, start ORDER BY event_time, sequence, octet_length(id), id, price
                )
            ) AS numbered
            GROUP BY venue_id, start
        ), minutes (\(columns)) AS MATERIALIZED (
            \(rollUp("seconds", to: "(60)"))
        ), computed (\(columns)) AS MATERIALIZED (
            SELECT * FROM seconds UNION ALL SELECT * FROM minutes
            UNION ALL
            \(rollUp("minutes", to: "(300), (900), (3600), (86400)"))
        ), changed AS (
            INSERT INTO candles AS kept (symbol_id, \(columns))
            SELECT $1, \(columns) FROM computed
            ORDER BY start, venue_id, interval_seconds
            ON CONFLICT (symbol_id, start, venue_id, interval_seconds) DO UPDATE SET
                \(values.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            WHERE (\(values.map { "kept.\($0)" }.joined(separator: ", ")))
                IS DISTINCT FROM (\(values.map { "excluded.\($0)" }.joined(separator: ", ")))
            RETURNING 1
        ), removed AS (
            DELETE FROM candles
            WHERE symbol_id = $1 AND ($2::smallint IS NULL OR venue_id = $2) AND start >= $3 AND start < $4
                AND NOT EXISTS (
                    SELECT FROM computed
                    WHERE computed.venue_id = candles.venue_id AND computed.start = candles.start
                        AND computed.interval_seconds = candles.interval_seconds
                )
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM computed), (SELECT count(*) FROM changed) + (SELECT count(*) FROM removed)
        """

    private static let columns = (["interval_seconds", "venue_id", "start"] + values).joined(separator: ", ")
    private static let values = [
        "open_time", "close_time", "open_sequence", "close_sequence", "trade_count", "open", "high", "low", "close",
        "volume", "turnover", "open_id", "close_id",
    ]

    /// The start of the bucket.
    ///
    /// `date_bin` is wrong before its origin (PostgreSQL 15), so that is before all trades.
    private static func bucket(_ length: String, of time: String) -> String {
        "date_bin(\(length), \(time), '1600-01-01 00:00:00+00'::timestamptz)"
    }

    /// Longer bars of shorter ones: buckets do not overlap, so the earliest holds the open and the latest the close.
    private static func rollUp(_ parts: String, to lengths: String) -> String {
        """
        SELECT interval_seconds, venue_id, bucket,
            max(open_time) FILTER (WHERE is_first), max(close_time) FILTER (WHERE is_last),
            max(open_sequence) FILTER (WHERE is_first), max(close_sequence) FILTER (WHERE is_last), sum(trade_count)::bigint,
            max(open) FILTER (WHERE is_first), max(high), min(low), max(close) FILTER (WHERE is_last),
            sum(volume), sum(turnover), max(open_id) FILTER (WHERE is_first), max(close_id) FILTER (WHERE is_last)
        FROM (
            SELECT *, row_number() OVER line = 1 AS is_first, lead(1) OVER line IS NULL AS is_last
            FROM (
                SELECT length.seconds AS interval_seconds, venue_id, start, open_time, close_time, open_sequence,
                    close_sequence, trade_count, open, high, low, close, volume, turnover, open_id, close_id,
                    CASE
                        WHEN length.seconds < 86400 OR NOT $5::boolean
                            THEN \(bucket("make_interval(secs => length.seconds)", of: "start"))
                        WHEN start >= $6::timestamptz AND start < $7::timestamptz THEN $6::timestamptz
                    END AS bucket
                FROM \(parts) CROSS JOIN (VALUES \(lengths)) AS length (seconds)
            ) AS placed
            WHERE bucket IS NOT NULL
            WINDOW line AS (PARTITION BY interval_seconds, venue_id, bucket ORDER BY start)
        ) AS numbered
        GROUP BY interval_seconds, venue_id, bucket
        """
    }
}
