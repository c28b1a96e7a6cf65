-- Webhooks of the Beams-compatible server.

ALTER TABLE beams_publishes
    -- Whom it was for; NULL: interests.
    ADD COLUMN users text[],
    -- Who is told what becomes of it: those of the settings, and its own.
    ADD COLUMN webhooks text[] NOT NULL DEFAULT '{}',
    -- Its own, when it was for interests: told in the older form, which repeats the request.
    ADD COLUMN own_webhook text,
    ADD COLUMN request text,
    -- When its outcome was told; also when nobody wants to know.
    ADD COLUMN told_at timestamptz;

UPDATE beams_publishes SET told_at = published_at;

CREATE INDEX beams_publishes_untold ON beams_publishes (published_at) WHERE told_at IS NULL;
CREATE INDEX beams_publishes_time ON beams_publishes (published_at);
