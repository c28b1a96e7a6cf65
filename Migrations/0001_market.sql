-- Symbols, venues, ticks by day, the newest state of each symbol, and what the recorder needs.

CREATE TABLE symbols (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[A-Z0-9.-]{1,24}$'),
    asset text NOT NULL CHECK (asset IN ('crypto', 'stock', 'fx'))
);

CREATE TABLE venues (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9_-]{1,24}$')
);

-- Fixed-width columns first, wide before narrow: no padding between them, and 68 bytes a row with its header.
-- Ids of symbols and venues are no foreign keys: the check would cost the recorder more than the row.
-- side: b = buy, s = sell, u = unknown, of the taker. flags: see TickFlags in the sources.
CREATE TABLE trades (
    event_time timestamptz NOT NULL,
    received_time timestamptz NOT NULL,
    venue_sequence bigint,
    symbol_id integer NOT NULL,
    venue_id smallint NOT NULL,
    flags smallint NOT NULL,
    side "char" NOT NULL,
    price numeric NOT NULL,
    size numeric,
    trade_id text
) PARTITION BY RANGE (event_time);

CREATE INDEX trades_symbol_time ON trades (symbol_id, event_time);
CREATE INDEX trades_received ON trades USING brin (received_time);
CREATE UNIQUE INDEX trades_once ON trades (venue_id, symbol_id, trade_id, event_time) WHERE trade_id IS NOT NULL;

CREATE TABLE quotes (
    event_time timestamptz NOT NULL,
    received_time timestamptz NOT NULL,
    venue_sequence bigint,
    symbol_id integer NOT NULL,
    venue_id smallint NOT NULL,
    flags smallint NOT NULL,
    bid numeric,
    ask numeric,
    bid_size numeric,
    ask_size numeric,
    last numeric
) PARTITION BY RANGE (event_time);

CREATE INDEX quotes_symbol_time ON quotes (symbol_id, event_time);
CREATE INDEX quotes_received ON quotes USING brin (received_time);

-- Makes the partitions of one UTC day: trades_YYYYMMDD and quotes_YYYYMMDD. Attaching an empty table instead of creating it
-- as a partition leaves readers and writers of the other days undisturbed.
CREATE FUNCTION tickwire_create_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
BEGIN
    -- Several processes may find the same day missing at once.
    PERFORM pg_advisory_xact_lock(8104733, 1);
    FOREACH parent IN ARRAY ARRAY['trades', 'quotes'] LOOP
        child := parent || '_' || to_char(day, 'YYYYMMDD');
        IF to_regclass(child) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', child, parent);
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent, child, to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
        END IF;
    END LOOP;
END;
$$;

-- Makes the partitions of all days from first to last.
CREATE FUNCTION tickwire_create_days(first date, last date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR offset_days IN 0 .. last - first LOOP
        PERFORM tickwire_create_day(first + offset_days);
    END LOOP;
END;
$$;

CREATE VIEW ticks AS
    SELECT 'trade' AS kind, symbols.name AS symbol, venues.name AS venue, trades.event_time, trades.received_time,
        trades.price, trades.size,
        CASE trades.side WHEN 'b' THEN 'buy' WHEN 's' THEN 'sell' ELSE 'unknown' END AS side,
        trades.trade_id AS id, NULL::numeric AS bid, NULL::numeric AS ask, NULL::numeric AS bid_size,
        NULL::numeric AS ask_size, NULL::numeric AS last, trades.venue_sequence, trades.flags,
        trades.flags & 1 <> 0 AS snapshot
    FROM trades JOIN symbols ON symbols.id = trades.symbol_id JOIN venues ON venues.id = trades.venue_id
    UNION ALL
    SELECT 'quote', symbols.name, venues.name, quotes.event_time, quotes.received_time,
        NULL, NULL, NULL, NULL, quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size, quotes.last,
        quotes.venue_sequence, quotes.flags, quotes.flags & 1 <> 0
    FROM quotes JOIN symbols ON symbols.id = quotes.symbol_id JOIN venues ON venues.id = quotes.venue_id;

-- The newest state of each symbol at each venue. Half-empty pages keep the updates within their page (HOT).
CREATE TABLE last_ticks (
    event_time timestamptz NOT NULL,
    received_time timestamptz NOT NULL,
    sequence bigint NOT NULL,
    symbol_id integer NOT NULL REFERENCES symbols,
    venue_id smallint NOT NULL REFERENCES venues,
    side "char" NOT NULL,
    last_price numeric,
    size numeric,
    bid numeric,
    ask numeric,
    bid_size numeric,
    ask_size numeric,
    open numeric,
    high numeric,
    low numeric,
    volume numeric,
    reference numeric,
    PRIMARY KEY (symbol_id, venue_id)
) WITH (fillfactor = 50);

-- Ticks that PostgreSQL refused or the guard held back, as JSON text, with the reason.
CREATE TABLE quarantined_ticks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    symbol text NOT NULL,
    venue text NOT NULL,
    reason text NOT NULL,
    tick text NOT NULL
);

-- How far each recorder has come. A batch moves its recorder's position in its own transaction, so that after a lost
-- connection the recorder knows whether the batch is in.
CREATE TABLE recorder_positions (
    recorder uuid PRIMARY KEY,
    position bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
