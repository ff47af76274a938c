-- Receipts: one for each opening of a compartment that held somebody's parcel. The link's token is kept as its hash only.
CREATE TABLE receipt (
    event_id {{int}} PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    bank TEXT NOT NULL REFERENCES bank (id),
    event_seq {{int}} NOT NULL,
    person TEXT NOT NULL,
    parcel TEXT NOT NULL,
    way TEXT NOT NULL,
    opened_at {{int}} NOT NULL,
    link_hash {{blob}} NOT NULL UNIQUE,
    link_ends {{int}} NOT NULL,
    UNIQUE (bank, event_seq)
) {{strict}};
CREATE INDEX receipt_parcel ON receipt (parcel, event_id);
CREATE INDEX receipt_person ON receipt (person, event_id);

-- Days the link in a receipt works.
ALTER TABLE site ADD COLUMN receipt_days {{int}} NOT NULL DEFAULT 90;
