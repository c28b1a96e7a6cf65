-- Devices, and deliveries to several push services.

CREATE TABLE devices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL CHECK (user_id <> ''),
    service text NOT NULL,
    -- SHA-256 of service and token: one token is one device, whoever's it is.
    token_hash bytea NOT NULL UNIQUE,
    -- What the service knows it by: APNs or FCM token, push endpoint, URL, chat.
    token text NOT NULL,
    -- Keys and secrets that the service needs beside it, by name.
    secrets jsonb NOT NULL DEFAULT '{}',
    topic text,
    environment text CHECK (environment IN ('production', 'sandbox')),
    locale text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_registered_at timestamptz NOT NULL DEFAULT now(),
    last_success_at timestamptz,
    -- Set when the service says that nobody is there; the next registration clears it.
    disabled_at timestamptz,
    disabled_reason text
) WITH (fillfactor = 80);

CREATE INDEX devices_user ON devices (user_id);

-- A delivery is either a body that is sent as it is (format 'body'), or a content that is made into the service's request
-- when it is sent (format 'content').
ALTER TABLE deliveries
    ALTER COLUMN event_id DROP NOT NULL,
    ADD COLUMN format text NOT NULL DEFAULT 'body' CHECK (format IN ('body', 'content')),
    -- Which credential of which service it takes: one that is slow or fails does not hold up the others.
    ADD COLUMN lane text NOT NULL DEFAULT '',
    ADD COLUMN user_id text,
    ADD COLUMN device_id bigint REFERENCES devices ON DELETE SET NULL,
    -- The event as its receivers know it; with the device it makes a delivery unique.
    ADD COLUMN event_key text,
    -- The receiver's id of the message, the same on every attempt.
    ADD COLUMN message_id uuid NOT NULL DEFAULT gen_random_uuid(),
    -- 0 passive, 1 active, 2 urgent.
    ADD COLUMN priority smallint NOT NULL DEFAULT 1,
    ADD COLUMN collapse_key text,
    ADD COLUMN is_silent boolean NOT NULL DEFAULT false,
    ADD COLUMN expires_at timestamptz,
    -- Attempts before the last replay: they do not count for the back-off.
    ADD COLUMN attempt_base integer NOT NULL DEFAULT 0,
    -- The service's own id of what it took, and the beginning of its last answer.
    ADD COLUMN service_id text,
    ADD COLUMN last_answer text;

ALTER TABLE deliveries DROP CONSTRAINT deliveries_state_check;
-- superseded: a newer one took its place before it was sent. dropped: the user's wishes forbid it.
ALTER TABLE deliveries ADD CONSTRAINT deliveries_state_check
    CHECK (state IN ('ready', 'leased', 'done', 'dead', 'expired', 'superseded', 'dropped'));

-- Who only knows a URL need not know about lanes.
CREATE FUNCTION tickwire_delivery_lane() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.lane := NEW.service || ':' || coalesce(lower(substring(NEW.target FROM '^[a-zA-Z]+://(?:[^/?#@]*@)?([^/?#]+)')), '');
    RETURN NEW;
END;
$$;

CREATE TRIGGER deliveries_lane BEFORE INSERT ON deliveries
    FOR EACH ROW WHEN (NEW.lane = '') EXECUTE FUNCTION tickwire_delivery_lane();

UPDATE deliveries SET
    lane = service || ':' || coalesce(lower(substring(target FROM '^[a-zA-Z]+://(?:[^/?#@]*@)?([^/?#]+)')), '');

DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (lane, priority DESC, next_at) WHERE state = 'ready';
CREATE INDEX deliveries_collapse ON deliveries (device_id, collapse_key, id) WHERE collapse_key IS NOT NULL;
CREATE INDEX deliveries_dead ON deliveries (id) WHERE state = 'dead';
CREATE UNIQUE INDEX deliveries_once ON deliveries (event_key, device_id) WHERE device_id IS NOT NULL;

-- Credentials in use: their short-lived tokens, which all processes share, and whether they are held back.
CREATE TABLE push_credentials (
    name text PRIMARY KEY,
    token text,
    issued_at timestamptz,
    expires_at timestamptz,
    suspended_at timestamptz,
    suspended_until timestamptz,
    suspended_reason text
);

-- What the workers say about their lanes, for `deliver status`: one row a lane and worker, forgotten after a day.
CREATE TABLE delivery_lanes (
    lane text NOT NULL,
    worker text NOT NULL,
    breaker text NOT NULL,
    breaker_reason text,
    in_flight bigint NOT NULL,
    sent bigint NOT NULL,
    retried bigint NOT NULL,
    dead bigint NOT NULL,
    last_error text,
    last_error_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane, worker)
) WITH (fillfactor = 70);

CREATE TABLE notification_preferences (
    user_id text PRIMARY KEY CHECK (user_id <> ''),
    zone text NOT NULL DEFAULT 'UTC',
    quiet_hours text,
    quiet_action text NOT NULL DEFAULT 'silent' CHECK (quiet_action IN ('silent', 'defer', 'drop')),
    burst integer NOT NULL DEFAULT 10 CHECK (burst BETWEEN 1 AND 10000),
    interval_seconds integer NOT NULL DEFAULT 30 CHECK (interval_seconds BETWEEN 1 AND 3600),
    -- Services that may be used; NULL is all.
    services text[]
);

-- What is left of the budgets: when each bucket is full again.
CREATE TABLE notification_budgets (
    user_id text PRIMARY KEY,
    full_at timestamptz NOT NULL,
    urgent_full_at timestamptz NOT NULL
) WITH (fillfactor = 70);
