-- Public keys of people. `public` is 32 bytes of Ed25519 or 65 of P-256, `fingerprint` what events call it. The revisions are those of
-- the first roster with it and of the first without.
CREATE TABLE person_key (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    person TEXT NOT NULL REFERENCES person (id),
    used_for TEXT NOT NULL,
    form TEXT NOT NULL,
    public {{blob}} NOT NULL,
    fingerprint {{blob}} NOT NULL,
    added_at {{int}} NOT NULL,
    added_by TEXT NOT NULL,
    added_revision {{int}} NOT NULL,
    removed_at {{int}},
    removed_revision {{int}}
) {{strict}};
CREATE INDEX person_key_person ON person_key (person);

-- How a bank holds a key, by what the bank has said: counts, waits (until a time of running, where `until_at` is set), gone.
CREATE TABLE person_key_at (
    bank TEXT NOT NULL REFERENCES bank (id),
    key TEXT NOT NULL REFERENCES person_key (id),
    state TEXT NOT NULL,
    since {{int}} NOT NULL,
    until_at {{int}},
    PRIMARY KEY (bank, key)
) {{strict}};

-- Why a door was to be opened from afar: the words, sealed with the salt of the commitment that was signed.
CREATE TABLE inspection (
    reason {{blob}} PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    bank TEXT NOT NULL REFERENCES bank (id),
    compartment {{int}} NOT NULL,
    details {{blob}} NOT NULL,
    asked_by TEXT NOT NULL,
    at {{int}} NOT NULL,
    opened_at {{int}}
) {{strict}};
CREATE INDEX inspection_bank ON inspection (bank, at);
