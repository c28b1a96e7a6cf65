-- Prints how many candles differ from what the trades give, and how many there are by interval.
-- A day of a stock is the regular session: those of the benchmark's days are 14:30 to 21:00 UTC.
SET work_mem = '256MB';
CREATE TEMPORARY TABLE ordered AS
    SELECT symbol_id, venue_id, event_time, price, size, asset,
           row_number() OVER (PARTITION BY symbol_id, venue_id ORDER BY event_time, coalesce(venue_sequence, -1),
               CASE WHEN venue_sequence IS NULL THEN octet_length(coalesce(trade_id, '')) ELSE 0 END,
               CASE WHEN venue_sequence IS NULL THEN coalesce(trade_id, '') ELSE '' END COLLATE "C", price) AS place
    FROM trades JOIN symbols ON symbols.id = symbol_id;
CREATE TEMPORARY TABLE computed AS
    SELECT symbol_id, venue_id, seconds AS interval_seconds,
           CASE WHEN seconds = 86400 AND asset = 'stock'
                THEN (date_trunc('day', event_time AT TIME ZONE 'UTC') + interval '14 hours 30 minutes') AT TIME ZONE 'UTC'
                ELSE date_bin(make_interval(secs => seconds), event_time, 'epoch'::timestamptz) END AS start,
           (array_agg(price ORDER BY place))[1] AS open, max(price) AS high, min(price) AS low,
           (array_agg(price ORDER BY place DESC))[1] AS close, coalesce(sum(size), 0) AS volume,
           coalesce(sum(price * size), 0) AS turnover, count(*) AS trade_count
    FROM ordered, (VALUES (1), (60), (300), (900), (3600), (86400)) AS intervals (seconds)
    WHERE NOT (seconds = 86400 AND asset = 'stock')
       OR (extract(isodow FROM event_time AT TIME ZONE 'UTC') < 6 AND (event_time AT TIME ZONE 'UTC')::time >= '14:30'
           AND (event_time AT TIME ZONE 'UTC')::time < '21:00')
    GROUP BY 1, 2, 3, 4;
CREATE TEMPORARY VIEW kept AS
    SELECT symbol_id, venue_id, interval_seconds, start, open, high, low, close, volume, turnover, trade_count FROM candles;
SELECT 'candles that differ or are missing: ' || count(*) FROM (TABLE computed EXCEPT TABLE kept) AS a;
SELECT 'candles without such trades: ' || count(*) FROM (TABLE kept EXCEPT TABLE computed) AS a;
SELECT interval_seconds || ' s: ' || count(*) || ' candles' FROM candles GROUP BY interval_seconds ORDER BY interval_seconds;
