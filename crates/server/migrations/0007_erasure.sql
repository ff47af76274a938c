-- What must not be erased for now: a person, or a parcel and the people it names. Reason and owner are sealed.
CREATE TABLE legal_hold (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    person TEXT,
    parcel TEXT,
    details {{blob}} NOT NULL,
    placed_by TEXT NOT NULL,
    placed_at {{int}} NOT NULL,
    lifted_by TEXT,
    lifted_at {{int}}
) {{strict}};
CREATE INDEX legal_hold_org ON legal_hold (org, id);
CREATE INDEX legal_hold_person ON legal_hold (person) WHERE person IS NOT NULL;
CREATE INDEX legal_hold_parcel ON legal_hold (parcel) WHERE parcel IS NOT NULL;

-- Whose details were destroyed, and how far that has come: `scrubbed_at` once the store's own files hold no remains,
-- `completed_at` once every bank has forgotten too. `reason` is sealed; a removal has none.
CREATE TABLE erasure (
    person TEXT PRIMARY KEY REFERENCES person (id),
    org TEXT NOT NULL REFERENCES org (id),
    asked_by TEXT NOT NULL,
    asked_at {{int}} NOT NULL,
    reason {{blob}},
    roster_revision {{int}} NOT NULL,
    scrubbed_at {{int}},
    completed_at {{int}}
) {{strict}};
CREATE INDEX erasure_open ON erasure (org, person) WHERE completed_at IS NULL;

-- Banks that have been told to forget an erased person's badges, and when they said that they had.
CREATE TABLE erasure_bank (
    person TEXT NOT NULL REFERENCES erasure (person),
    bank TEXT NOT NULL REFERENCES bank (id),
    forgotten_at {{int}},
    PRIMARY KEY (person, bank)
) {{strict}};

-- Whose details a kept bundle tells.
CREATE TABLE evidence_told (
    export TEXT NOT NULL REFERENCES evidence_export (id),
    person TEXT NOT NULL,
    PRIMARY KEY (export, person)
) {{strict}};
CREATE INDEX evidence_told_person ON evidence_told (person);
