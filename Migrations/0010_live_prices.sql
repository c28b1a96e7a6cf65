-- Live prices on lock screens: broadcast channels of APNs, and activities that have tokens of their own.

-- One channel a symbol, app and environment, which all processes share.
CREATE TABLE live_channels (
    topic text NOT NULL,
    environment text NOT NULL CHECK (environment IN ('production', 'sandbox')),
    symbol text NOT NULL,
    -- Apple's id; NULL when it was asked for and is not made yet.
    channel_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- When an app last asked for it: what nobody has asked for in longest gives way.
    wanted_at timestamptz NOT NULL DEFAULT now(),
    -- The last push, and its timestamp, which only grows: whoever sends has moved it first.
    sent_at timestamptz,
    last_timestamp bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, environment, symbol)
) WITH (fillfactor = 70);

CREATE TABLE live_activities (
    device_id bigint NOT NULL REFERENCES devices ON DELETE CASCADE,
    symbol text NOT NULL,
    -- update: the token of one activity. start: a token that begins activities, one row for each symbol that is asked for.
    kind text NOT NULL CHECK (kind IN ('update', 'start')),
    -- The name of the app's ActivityAttributes type, for starts.
    attributes_type text,
    asked_at timestamptz NOT NULL DEFAULT now(),
    -- When the last activity was begun by push.
    started_at timestamptz,
    sent_at timestamptz,
    last_timestamp bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, symbol)
) WITH (fillfactor = 70);

CREATE INDEX live_activities_symbol ON live_activities (symbol);
