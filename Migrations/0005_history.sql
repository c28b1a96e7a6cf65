-- What recording without loss and history need: the journal's positions, what it had to give up, which transaction brought
-- which ticks, and candles.

DROP TABLE recorder_positions;

-- How much of a journal is in the database, by consumer. A batch moves its position in its own transaction, so that after a
-- lost connection or a crash it is known whether the batch is in.
CREATE TABLE journal_positions (
    journal uuid NOT NULL,
    consumer text NOT NULL CHECK (consumer IN ('trades', 'quotes', 'candles')),
    -- Ticks of the stream (candles: of its trades) that are dealt with, counted from the journal's beginning.
    position bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (journal, consumer)
) WITH (fillfactor = 50);

-- Ticks that were received and never reached the tables, because the journal had no room for them or was damaged.
CREATE TABLE recording_losses (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lost_at timestamptz NOT NULL DEFAULT now(),
    -- The receive times of the last tick before the loss and the first one after it, as far as they are known.
    from_time timestamptz,
    to_time timestamptz,
    ticks bigint NOT NULL,
    journal uuid NOT NULL,
    stream text NOT NULL CHECK (stream IN ('trades', 'quotes')),
    reason text NOT NULL CHECK (reason IN ('full', 'damaged'))
);

-- The newest batches, by transaction: a reader that follows asks for what was committed since it looked, and candles tell by
-- it which trades they lack (docs/decisions/0004). Rows go after a day, but not before the candles have the batch's trades.
CREATE TABLE recorded_batches (
    xid xid8 PRIMARY KEY DEFAULT pg_current_xact_id(),
    -- The bounds of the batch's event times and receive times, both included.
    from_time timestamptz NOT NULL,
    to_time timestamptz NOT NULL,
    received_from timestamptz NOT NULL,
    received_to timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    -- From and to which position the batch moved consumer 'trades' of its journal; equal when it had no trades.
    trades_from bigint NOT NULL,
    trades_to bigint NOT NULL,
    journal uuid NOT NULL,
    -- What its rows carry as xmin: its own transaction, and the parts of it that could have been rolled back alone.
    xmins xid[] NOT NULL DEFAULT ARRAY[pg_current_xact_id()::xid]
);

CREATE INDEX recorded_batches_journal ON recorded_batches (journal, trades_to);
CREATE INDEX recorded_batches_age ON recorded_batches (recorded_at);

-- Open, high, low, close and volume of the recorded trades, written with their ticks' position (consumer 'candles').
-- A day of a stock is the venue's regular session, all other intervals start at multiples of their length since 1970 in UTC.
-- Trades are in the order of event_time, sequence, length of id in bytes, id's bytes, price: the key of the first and of the last
-- one is kept, so that a late trade finds its place. A trade without a sequence has -1; with one it has no id here.
CREATE TABLE candles (
    start timestamptz NOT NULL,
    open_time timestamptz NOT NULL,
    close_time timestamptz NOT NULL,
    open_sequence bigint NOT NULL,
    close_sequence bigint NOT NULL,
    trade_count bigint NOT NULL,
    symbol_id integer NOT NULL,
    interval_seconds integer NOT NULL,
    venue_id smallint NOT NULL,
    open numeric NOT NULL,
    high numeric NOT NULL,
    low numeric NOT NULL,
    close numeric NOT NULL,
    volume numeric NOT NULL,
    -- The sum of price × size: divided by volume it is the VWAP.
    turnover numeric NOT NULL,
    open_id text COLLATE "C" NOT NULL,
    close_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (symbol_id, start, venue_id, interval_seconds)
) PARTITION BY LIST (interval_seconds);

-- Room on each page keeps the updates of open bars within it (HOT).
CREATE TABLE candles_1s PARTITION OF candles FOR VALUES IN (1) WITH (fillfactor = 90);
CREATE TABLE candles_1m PARTITION OF candles FOR VALUES IN (60) WITH (fillfactor = 80);
CREATE TABLE candles_5m PARTITION OF candles FOR VALUES IN (300) WITH (fillfactor = 80);
CREATE TABLE candles_15m PARTITION OF candles FOR VALUES IN (900) WITH (fillfactor = 80);
CREATE TABLE candles_1h PARTITION OF candles FOR VALUES IN (3600) WITH (fillfactor = 80);
CREATE TABLE candles_1d PARTITION OF candles FOR VALUES IN (86400) WITH (fillfactor = 80);

-- Days whose partition retention has dropped: trades of them that come late are in a new partition, and candles must not be
-- rebuilt from those alone.
CREATE TABLE dropped_days (
    stream text NOT NULL CHECK (stream IN ('trades', 'quotes')),
    day date NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, day)
);
