-- Override and mechanical keys of banks in sealed enclosures. `state`: sealed, asked (one person has asked), out, retired. The reason stands
-- sealed; `first` and `second` are whoever released it last.
CREATE TABLE custody_item (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    bank TEXT NOT NULL REFERENCES bank (id),
    label TEXT NOT NULL,
    seal TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed_at {{int}} NOT NULL,
    reason {{blob}},
    first TEXT,
    asked_at {{int}},
    hours {{int}},
    second TEXT,
    until_at {{int}},
    overdue_noted {{int}} NOT NULL
) {{strict}};
CREATE INDEX custody_item_bank ON custody_item (bank, id);
