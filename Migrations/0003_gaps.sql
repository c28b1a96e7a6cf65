-- What feeds missed, and more about the ticks that the guard held back.

-- One row a hole. A process counts its gaps, so that a row that is written again after an outage is still one row.
CREATE TABLE feed_gaps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    -- The last tick before the hole and the first one after it, as far as they are known.
    from_time timestamptz,
    to_time timestamptz,
    from_sequence bigint,
    to_sequence bigint,
    -- NULL where the venue does not count.
    missing_count bigint,
    repaired_count bigint NOT NULL DEFAULT 0,
    number bigint NOT NULL,
    process uuid NOT NULL,
    venue_id smallint NOT NULL REFERENCES venues,
    -- NULL: any symbol of one connection may be concerned.
    symbol_id integer REFERENCES symbols,
    stream text NOT NULL CHECK (stream IN ('trades', 'quotes')),
    reason text NOT NULL CHECK (reason IN ('sequence', 'reconnect', 'stall', 'connection')),
    state text NOT NULL CHECK (state IN ('open', 'repaired', 'unrepairable')),
    from_id text,
    to_id text,
    -- Which symbols a hole of a whole connection concerns.
    symbols text[] NOT NULL DEFAULT '{}',
    UNIQUE (process, number)
) WITH (fillfactor = 70);

CREATE INDEX feed_gaps_symbol ON feed_gaps (symbol_id, opened_at);
CREATE INDEX feed_gaps_open ON feed_gaps (venue_id, opened_at) WHERE state = 'open';

-- The guard's ticks carry what rows that PostgreSQL refused may not have.
ALTER TABLE quarantined_ticks
    ADD COLUMN kind text CHECK (kind IN ('trade', 'quote')),
    ADD COLUMN price numeric,
    ADD COLUMN event_time timestamptz,
    ADD COLUMN released boolean NOT NULL DEFAULT false,
    ADD COLUMN number bigint,
    ADD COLUMN process uuid,
    ADD UNIQUE (process, number);

CREATE INDEX quarantined_ticks_symbol ON quarantined_ticks (symbol, quarantined_at);
