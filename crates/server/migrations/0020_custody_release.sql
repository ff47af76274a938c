-- Each time a key was out: a bank's events may arrive long after, and are judged by when they happened.
CREATE TABLE custody_release (
    item TEXT NOT NULL REFERENCES custody_item (id),
    bank TEXT NOT NULL,
    out_at {{int}} NOT NULL,
    until_at {{int}} NOT NULL,
    back_at {{int}},
    PRIMARY KEY (item, out_at)
) {{strict}};
CREATE INDEX custody_release_bank ON custody_release (bank, out_at);
INSERT INTO custody_release (item, bank, out_at, until_at)
    SELECT id, bank, asked_at, until_at FROM custody_item
    WHERE state = 'out' AND asked_at IS NOT NULL AND until_at IS NOT NULL;
