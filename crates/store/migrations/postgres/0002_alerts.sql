-- What was told of, and the outbox: an alert and, for each channel that it goes to, a delivery.
CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    place BIGINT NOT NULL UNIQUE,
    at_ms BIGINT NOT NULL,
    about TEXT NOT NULL,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX alerts_about ON alerts (about, place);

-- next_at_ms: when it is to be looked at again; null once nothing more happens to it.
CREATE TABLE deliveries (
    alert_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    place BIGINT NOT NULL,
    about TEXT NOT NULL,
    state TEXT NOT NULL,
    escalates BIGINT NOT NULL,
    begun_at_ms BIGINT NOT NULL,
    next_at_ms BIGINT,
    tries BIGINT NOT NULL,
    silence_id TEXT,
    detail TEXT,
    done_at_ms BIGINT,
    PRIMARY KEY (alert_id, channel)
);
CREATE INDEX deliveries_due ON deliveries (channel, next_at_ms);
CREATE INDEX deliveries_about ON deliveries (about, channel, place);
CREATE INDEX deliveries_place ON deliveries (place);

CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    place BIGINT NOT NULL UNIQUE,
    slice TEXT NOT NULL,
    reason TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    ended_by TEXT
);
