-- Ids may be random: in one index over all rows each new one changes a page of its own. By blocks of 65,536 rows the pages that change are
-- those of the newest block, which stay at hand; whoever looks for an id looks into each block (src/blocks.rs).
DROP INDEX attempts_payment;
CREATE INDEX attempts_payment ON attempts ((seq / 65536), payment_id);

-- The same choice may have been told twice: the first stands.
DROP INDEX choices_at;
ALTER TABLE choices RENAME TO choices_before;
CREATE TABLE choices (
    seq INTEGER PRIMARY KEY,
    decision_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    body TEXT NOT NULL
);
INSERT INTO choices (decision_id, at_ms, body) SELECT decision_id, at_ms, body FROM choices_before ORDER BY at_ms;
DROP TABLE choices_before;
CREATE INDEX choices_id ON choices ((seq / 65536), decision_id);
CREATE INDEX choices_at ON choices (at_ms);
