-- Photos and other files that staff attached to a parcel, a compartment or an alert. `words` (name and note) and the content
-- are sealed under `file_key`, which lies here wrapped; destroying a file takes all three, and the row stays for its hash.
-- `parcel` is the one it is about or the last one that was in the compartment: the people it names can have it destroyed.
CREATE TABLE attached_file (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    sha256 {{blob}} NOT NULL,
    kind TEXT NOT NULL,
    bytes {{int}} NOT NULL,
    bank TEXT NOT NULL REFERENCES bank (id),
    compartment {{int}},
    parcel TEXT,
    alert TEXT,
    about TEXT NOT NULL,
    file_key {{blob}},
    words {{blob}},
    added_by TEXT NOT NULL,
    added_at {{int}} NOT NULL,
    destroyed_at {{int}}
) {{strict}};
CREATE INDEX attached_file_about ON attached_file (about, id);
CREATE INDEX attached_file_parcel ON attached_file (parcel) WHERE parcel IS NOT NULL;

CREATE TABLE attached_content (
    file TEXT PRIMARY KEY REFERENCES attached_file (id),
    bytes {{blob}} NOT NULL
) {{strict}};

-- Which files a bundle that is kept, or is being made, has in it.
CREATE TABLE evidence_enclosed (
    export TEXT NOT NULL REFERENCES evidence_export (id),
    file TEXT NOT NULL REFERENCES attached_file (id),
    PRIMARY KEY (export, file)
) {{strict}};
CREATE INDEX evidence_enclosed_file ON evidence_enclosed (file);
