-- Facts about this installation, by name.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value {{blob}} NOT NULL
) {{strict}};

-- Every event, in the transaction of the change it tells of; `leaf_index` follows when the ledger holds it.
CREATE TABLE event (
    id {{id}},
    org TEXT NOT NULL,
    source_kind TEXT NOT NULL,
    source_id TEXT NOT NULL,
    source_seq {{int}} NOT NULL CHECK (source_seq >= 0),
    bytes {{blob}} NOT NULL,
    received_at {{int}} NOT NULL,
    leaf_index {{int}} CHECK (leaf_index >= 0),
    UNIQUE (source_id, source_seq)
) {{strict}};
CREATE INDEX event_pending ON event (org, id) WHERE leaf_index IS NULL;
CREATE UNIQUE INDEX event_leaf ON event (org, leaf_index) WHERE leaf_index IS NOT NULL;

-- One append-only log per organisation; (size, root) is what a sequencer compares and swaps.
CREATE TABLE ledger (
    log_id TEXT PRIMARY KEY,
    org TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL UNIQUE,
    size {{int}} NOT NULL CHECK (size >= 0),
    root {{blob}} NOT NULL,
    checkpoint TEXT NOT NULL,
    signed_at {{int}} NOT NULL,
    cas {{int}} NOT NULL
) {{strict}};

CREATE TABLE ledger_entry (
    log_id TEXT NOT NULL REFERENCES ledger (log_id),
    idx {{int}} NOT NULL CHECK (idx >= 0),
    bytes {{blob}} NOT NULL,
    leaf_hash {{blob}} NOT NULL,
    PRIMARY KEY (log_id, idx)
) {{strict}};

CREATE TABLE ledger_tile (
    log_id TEXT NOT NULL REFERENCES ledger (log_id),
    level {{int}} NOT NULL CHECK (level >= 0),
    idx {{int}} NOT NULL CHECK (idx >= 0),
    bytes {{blob}} NOT NULL,
    PRIMARY KEY (log_id, level, idx)
) {{strict}};
