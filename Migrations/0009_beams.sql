-- The Beams-compatible server: its devices, what they subscribed to, what was published and what devices told of it.

CREATE TABLE beams_devices (
    -- What the SDK knows the device by.
    id text PRIMARY KEY,
    device_id bigint NOT NULL REFERENCES devices ON DELETE CASCADE,
    platform text NOT NULL CHECK (platform IN ('web', 'apns', 'fcm')),
    -- Whom the device belongs to, once its user has signed in.
    user_id text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX beams_devices_device ON beams_devices (device_id);
CREATE INDEX beams_devices_user ON beams_devices (user_id, platform) WHERE user_id IS NOT NULL;

CREATE TABLE beams_interests (
    interest text NOT NULL,
    device text NOT NULL REFERENCES beams_devices ON DELETE CASCADE,
    PRIMARY KEY (interest, device)
);

CREATE INDEX beams_interests_device ON beams_interests (device, interest);

CREATE TABLE beams_publishes (
    id text PRIMARY KEY,
    published_at timestamptz NOT NULL DEFAULT now(),
    device_count integer NOT NULL
);

-- A device tells of each event once, however often its SDK tries.
CREATE TABLE beams_reports (
    publish_id text NOT NULL REFERENCES beams_publishes ON DELETE CASCADE,
    device text NOT NULL,
    event text NOT NULL CHECK (event IN ('delivery', 'open')),
    user_id text,
    reported_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (publish_id, device, event)
);
