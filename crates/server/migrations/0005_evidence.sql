-- What evidence was asked for, by whom and how far it is. `request` (subject, time, reason, what to tell, salt) is sealed;
-- `state` is wanted, made, failed or gone. The bundle lies in sealed pieces until `expires_at`.
CREATE TABLE evidence_export (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    asked_by TEXT NOT NULL,
    asked_at {{int}} NOT NULL,
    request {{blob}} NOT NULL,
    state TEXT NOT NULL,
    done {{int}} NOT NULL,
    total {{int}} NOT NULL,
    entries {{int}},
    bytes {{int}},
    sha256 {{blob}},
    error TEXT,
    expires_at {{int}}
) {{strict}};
CREATE INDEX evidence_export_state ON evidence_export (state, id);

CREATE TABLE evidence_piece (
    export TEXT NOT NULL REFERENCES evidence_export (id),
    piece {{int}} NOT NULL,
    bytes {{blob}} NOT NULL,
    PRIMARY KEY (export, piece)
) {{strict}};
