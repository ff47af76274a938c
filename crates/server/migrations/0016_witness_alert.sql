-- An alert may be about a witness that is no bank: then `bank` is empty and `witness` its key's name.
DROP INDEX alert_open;
DROP INDEX alert_of_bank;
ALTER TABLE alert RENAME TO alert_of_banks;
CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    bank TEXT REFERENCES bank (id),
    witness TEXT,
    kind TEXT NOT NULL,
    compartment {{int}},
    event_seq {{int}},
    at {{int}} NOT NULL,
    state TEXT NOT NULL,
    acknowledged_by TEXT,
    acknowledged_at {{int}},
    times {{int}} NOT NULL DEFAULT 1,
    last_at {{int}},
    UNIQUE (bank, event_seq, kind),
    CHECK ((bank IS NULL) <> (witness IS NULL))
) {{strict}};
INSERT INTO alert (id, org, bank, kind, compartment, event_seq, at, state, acknowledged_by, acknowledged_at, times, last_at)
    SELECT id, org, bank, kind, compartment, event_seq, at, state, acknowledged_by, acknowledged_at, times, last_at
    FROM alert_of_banks;
DROP TABLE alert_of_banks;
CREATE INDEX alert_open ON alert (org, state, at);
CREATE INDEX alert_of_bank ON alert (bank, state, kind);
CREATE INDEX alert_of_witness ON alert (witness, state, kind) WHERE witness IS NOT NULL;

-- Since when a witness leaves questions unanswered; empty once it says anything.
ALTER TABLE witness ADD COLUMN unanswered_since {{int}};
