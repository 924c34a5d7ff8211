-- Keys have names, and belong to a tenant.
ALTER TABLE api_keys ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';

-- What is known here of people whom the issuer vouches for; somebody without a row is as the token says.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT,
    disabled BIGINT NOT NULL,
    tenant TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

-- Browsers that are logged in, by the hash of what their cookie holds.
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    role TEXT,
    scopes TEXT NOT NULL,
    tenant TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX sessions_subject ON sessions (subject);

-- Changes that widen a limit and wait for a second person.
CREATE TABLE changes (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);
