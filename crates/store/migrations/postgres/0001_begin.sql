-- Times are milliseconds since 1970; statuses are numbered as in src/status.rs.

-- Combinations of dimensions that attempts have had: rows and roll-ups name them by number.
CREATE TABLE cells (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    gateway TEXT NOT NULL,
    method TEXT NOT NULL,
    network TEXT,
    issuer TEXT,
    country TEXT,
    merchant_id TEXT NOT NULL,
    currency TEXT
);

CREATE TABLE attempts (
    seq BIGINT PRIMARY KEY,
    attempt_id TEXT NOT NULL UNIQUE,
    payment_id TEXT NOT NULL,
    attempt_number BIGINT NOT NULL,
    occurred_at_ms BIGINT NOT NULL,
    cell BIGINT NOT NULL,
    minor BIGINT,
    status BIGINT NOT NULL,
    code_source TEXT,
    code_value TEXT,
    latency_ms BIGINT,
    decision_id TEXT,
    more TEXT
);
CREATE INDEX attempts_payment ON attempts (payment_id);
CREATE INDEX attempts_occurred ON attempts (occurred_at_ms);

CREATE TABLE rollups (
    minute_ms BIGINT NOT NULL,
    cell BIGINT NOT NULL,
    status BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    minor BIGINT NOT NULL,
    latency_ms BIGINT NOT NULL,
    latencies BIGINT NOT NULL,
    PRIMARY KEY (minute_ms, cell, status)
);

-- Incidents, interventions, experiments and decisions as they were last told.
CREATE TABLE objects (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    place BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    acknowledged_by TEXT,
    acknowledged_at_ms BIGINT,
    PRIMARY KEY (kind, id)
);
CREATE UNIQUE INDEX objects_place ON objects (kind, place);

-- Routing choices, written behind the answer.
CREATE TABLE choices (
    decision_id TEXT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX choices_at ON choices (at_ms);

-- The event stream; ids grow by 1.
CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
);

-- What the engine was told, and the digest of what it answered.
CREATE TABLE journal (
    step BIGINT PRIMARY KEY,
    body BYTEA NOT NULL,
    digest TEXT
);

CREATE TABLE snapshots (
    step BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    body BYTEA NOT NULL,
    beside TEXT NOT NULL
);

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    path TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    status BIGINT,
    answer TEXT,
    PRIMARY KEY (principal, path, idempotency_key)
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    role TEXT,
    scopes TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at_ms BIGINT,
    revoked_at_ms BIGINT
);

-- One row; what can't be read counts as engaged.
CREATE TABLE kill_switch (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    engaged BIGINT NOT NULL,
    reason TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    clear_requested_by TEXT,
    clear_expires_at_ms BIGINT
);
INSERT INTO kill_switch (only_row, engaged, reason, by_whom, at_ms) VALUES (1, 0, '', '', 0);

CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
