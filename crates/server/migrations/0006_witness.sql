-- Who vouches for a log: banks, and witnesses of others, by the name of their key. `size` is what was last cosigned, 0 for
-- nothing; `refusal` is the last one, empty once it cosigned again.
CREATE TABLE witness (
    log_id TEXT NOT NULL,
    name TEXT NOT NULL,
    vkey TEXT NOT NULL,
    bank TEXT REFERENCES bank (id),
    size {{int}} NOT NULL CHECK (size >= 0),
    asked_at {{int}},
    cosigned_at {{int}},
    refusal TEXT NOT NULL,
    refused_at {{int}},
    PRIMARY KEY (log_id, name)
) {{strict}};

-- Checkpoints that witnesses were asked to cosign, without cosignatures.
CREATE TABLE witness_round (
    log_id TEXT NOT NULL,
    size {{int}} NOT NULL CHECK (size >= 0),
    checkpoint TEXT NOT NULL,
    opened_at {{int}} NOT NULL,
    PRIMARY KEY (log_id, size)
) {{strict}};

-- Signature lines for those checkpoints; `time` is the witness's, in seconds.
CREATE TABLE cosignature (
    log_id TEXT NOT NULL,
    size {{int}} NOT NULL,
    name TEXT NOT NULL,
    line TEXT NOT NULL,
    time {{int}} NOT NULL,
    PRIMARY KEY (log_id, size, name)
) {{strict}};

-- What a witness holds against a log: two checkpoints the log's key signed.
CREATE TABLE witness_evidence (
    id {{id}},
    log_id TEXT NOT NULL,
    name TEXT NOT NULL,
    misconduct TEXT NOT NULL,
    at {{int}} NOT NULL,
    kept TEXT NOT NULL,
    shown TEXT NOT NULL
) {{strict}};
