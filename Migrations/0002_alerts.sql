-- Alerts, their events, and the outbox of what each event has to deliver.

CREATE TABLE alerts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL CHECK (owner <> ''),
    symbol_id integer NOT NULL REFERENCES symbols,
    venue_id smallint REFERENCES venues,
    expression text NOT NULL,
    webhook_url text,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- A removed alert keeps its row: its events and waiting deliveries still need it.
    removed_at timestamptz,
    is_armed boolean NOT NULL DEFAULT true,
    crossing_count bigint NOT NULL DEFAULT 0,
    last_fired_at timestamptz,
    last_price numeric
) WITH (fillfactor = 70);

CREATE INDEX alerts_owner ON alerts (owner) WHERE removed_at IS NULL;

CREATE TABLE alert_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id bigint NOT NULL REFERENCES alerts,
    crossing bigint NOT NULL,
    fired_at timestamptz NOT NULL,
    event_time timestamptz NOT NULL,
    received_time timestamptz NOT NULL,
    venue_id smallint NOT NULL REFERENCES venues,
    expression text NOT NULL,
    price numeric NOT NULL,
    previous_price numeric,
    trade_id text,
    -- The requests built for APNs, FCM, Web Push, the webhook and the channel, by service.
    payloads jsonb NOT NULL,
    UNIQUE (alert_id, crossing)
);

-- payload is text, not jsonb: a signed body must stay the same byte by byte.
CREATE TABLE deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES alert_events,
    service text NOT NULL,
    target text NOT NULL,
    payload text NOT NULL,
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'done', 'dead')),
    attempt integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    last_status integer,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    UNIQUE (event_id, service, target)
) WITH (fillfactor = 70);

CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'ready';
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE state = 'leased';

CREATE FUNCTION tickwire_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(TG_ARGV[0], '');
    RETURN NULL;
END;
$$;

-- Not on the columns of an alert's own state: the process that changes those is the one that would be told.
CREATE TRIGGER alerts_changed
    AFTER INSERT OR DELETE OR UPDATE OF owner, symbol_id, venue_id, expression, webhook_url, removed_at ON alerts
    FOR EACH STATEMENT EXECUTE FUNCTION tickwire_notify('tickwire_alerts');

CREATE TRIGGER deliveries_added
    AFTER INSERT ON deliveries
    FOR EACH STATEMENT EXECUTE FUNCTION tickwire_notify('tickwire_outbox');
