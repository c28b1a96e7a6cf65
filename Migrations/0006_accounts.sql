-- Users and their API tokens.

CREATE TABLE users (
    -- The USER of private-alerts-USER, and what presence channels call user_id.
    id text PRIMARY KEY CHECK (id <> ''),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of the token, which is 256 random bits: there is nothing to guess, so nothing slower is needed.
    hash bytea NOT NULL UNIQUE,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
) WITH (fillfactor = 70);

CREATE INDEX api_tokens_user ON api_tokens (user_id);
