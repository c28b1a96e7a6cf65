-- Alerts with templates, pauses and a memory that survives any failure; which alerts changed is notified with their ids; how far
-- the evaluator has come is kept with what it found (docs/decisions/0011).

ALTER TABLE alerts
    ADD COLUMN template_title text,
    ADD COLUMN template_body text,
    -- How numbers are written in its notifications, a BCP 47 tag; NULL is the service's own.
    ADD COLUMN locale text,
    -- Why it is not evaluated.
    ADD COLUMN pause text CHECK (pause IN ('user', 'storm')),
    ADD COLUMN snoozed_until timestamptz,
    -- The expression's 'until': an alert that is over needs not be loaded.
    ADD COLUMN expires_at timestamptz,
    -- Counts changes of the condition: what the evaluator remembers of an earlier one is not stored over the new one.
    ADD COLUMN revision bigint NOT NULL DEFAULT 0,
    -- When a user last changed it: ticks that were received before count for the alert as it was then.
    ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN last_fired_price numeric,
    ADD COLUMN came_from text CHECK (came_from IN ('above', 'below')),
    ADD COLUMN confirming jsonb,
    ADD COLUMN recent_firings jsonb,
    ADD COLUMN evaluations jsonb;

UPDATE alerts SET changed_at = created_at;

CREATE INDEX alerts_symbol ON alerts (symbol_id) WHERE removed_at IS NULL;

-- A silence has no price and perhaps no venue: nothing was heard yet.
ALTER TABLE alert_events
    ALTER COLUMN venue_id DROP NOT NULL,
    ALTER COLUMN price DROP NOT NULL,
    ADD COLUMN size numeric,
    ADD COLUMN side "char" NOT NULL DEFAULT 'u',
    -- What the condition measured: {"amount": "5.2%", "reference": "70000", "referenceTime": "2026-11-27T10:00:00Z"}.
    ADD COLUMN measurement jsonb,
    ADD COLUMN late_reason text CHECK (late_reason IN ('gap', 'restart')),
    ADD COLUMN late_since timestamptz,
    ADD COLUMN is_storm boolean NOT NULL DEFAULT false;

-- How far the evaluator has come in a journal: every tick before the positions has been evaluated, and what came of it is stored.
-- Moved in the transaction that stores it.
CREATE TABLE alert_positions (
    journal uuid PRIMARY KEY,
    trades bigint NOT NULL,
    quotes bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- The same for each stream of ticks with alerts: it may be further, and its last price is what the next one is compared with.
CREATE TABLE alert_streams (
    received_time timestamptz NOT NULL,
    event_time timestamptz,
    trades bigint NOT NULL,
    quotes bigint NOT NULL,
    symbol_id integer NOT NULL REFERENCES symbols,
    venue_id smallint NOT NULL REFERENCES venues,
    journal uuid NOT NULL,
    last_price numeric,
    is_primary boolean NOT NULL,
    PRIMARY KEY (symbol_id, venue_id)
) WITH (fillfactor = 50);

-- Says which alerts a statement has changed: '17,40-1039', or 'reload' when that takes more than a notification can hold. The
-- evaluator stores what it found in transactions that set tickwire.evaluator: nobody need be told of that.
CREATE FUNCTION tickwire_alerts_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed bigint[];
    ids text;
BEGIN
    IF current_setting('tickwire.evaluator', true) = 'on' THEN RETURN NULL; END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(id) INTO changed FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(id) INTO changed FROM old_rows;
    ELSE
        SELECT array_agg(id) INTO changed FROM new_rows JOIN old_rows USING (id)
        WHERE (new_rows.owner, new_rows.symbol_id, new_rows.venue_id, new_rows.expression, new_rows.webhook_url,
               new_rows.template_title, new_rows.template_body, new_rows.locale, new_rows.pause, new_rows.snoozed_until,
               new_rows.removed_at, new_rows.revision)
            IS DISTINCT FROM
              (old_rows.owner, old_rows.symbol_id, old_rows.venue_id, old_rows.expression, old_rows.webhook_url,
               old_rows.template_title, old_rows.template_body, old_rows.locale, old_rows.pause, old_rows.snoozed_until,
               old_rows.removed_at, old_rows.revision);
    END IF;
    IF changed IS NULL THEN RETURN NULL; END IF;
    SELECT string_agg(CASE WHEN first = last THEN first::text ELSE first || '-' || last END, ',' ORDER BY first) INTO ids
    FROM (
        SELECT min(id) AS first, max(id) AS last
        FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS run FROM unnest(changed) AS id) AS numbered
        GROUP BY run
    ) AS runs;
    PERFORM pg_notify('tickwire_alerts', CASE WHEN length(ids) < 8000 THEN ids ELSE 'reload' END);
    RETURN NULL;
END;
$$;

DROP TRIGGER alerts_changed ON alerts;

CREATE TRIGGER alerts_added AFTER INSERT ON alerts
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tickwire_alerts_changed();
CREATE TRIGGER alerts_changed AFTER UPDATE ON alerts
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tickwire_alerts_changed();
CREATE TRIGGER alerts_deleted AFTER DELETE ON alerts
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tickwire_alerts_changed();
