-- Deliveries that are finished go after a while: what was given up later than the rest.

CREATE INDEX deliveries_finished ON deliveries (finished_at) WHERE finished_at IS NOT NULL AND state <> 'dead';
CREATE INDEX deliveries_buried ON deliveries (finished_at) WHERE state = 'dead';

-- One notification a statement, and none for a statement that adds nothing: workers are woken by it, and commits that notify
-- queue at one lock.
CREATE FUNCTION tickwire_notify_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE state = 'ready') THEN
        PERFORM pg_notify(TG_ARGV[0], '');
    END IF;
    RETURN NULL;
END;
$$;

DROP TRIGGER deliveries_added ON deliveries;
CREATE TRIGGER deliveries_added
    AFTER INSERT ON deliveries REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION tickwire_notify_added('tickwire_outbox');

-- merged: told of as a part of a summary. suppressed: the user's own connection has shown it.
ALTER TABLE deliveries DROP CONSTRAINT deliveries_state_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_state_check
    CHECK (state IN ('ready', 'leased', 'done', 'dead', 'expired', 'superseded', 'dropped', 'merged', 'suppressed'));

ALTER TABLE deliveries
    -- Waits for the budget or for the end of quiet hours, and may become a part of a summary until it is claimed.
    ADD COLUMN is_held boolean NOT NULL DEFAULT false,
    -- What a summary stands for.
    ADD COLUMN summary jsonb;

CREATE INDEX deliveries_held ON deliveries (device_id) WHERE state = 'ready' AND (is_held OR summary IS NOT NULL);

-- Users who hear of their alerts on a connection, as gateways say; not worth a log that survives a crash.
CREATE UNLOGGED TABLE alert_listeners (
    user_id text PRIMARY KEY,
    until timestamptz NOT NULL
) WITH (fillfactor = 70);

-- What such a connection has shown; kept for an hour.
CREATE UNLOGGED TABLE alert_shown (
    event_key text NOT NULL,
    user_id text NOT NULL,
    shown_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_key, user_id)
);
