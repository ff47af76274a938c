-- What the banks of a site do about tampering, and who may end a lockdown there. No row: the standard policy.
-- `rules` holds `cause=grade/seconds`, separated by blanks.
CREATE TABLE site_security (
    site TEXT PRIMARY KEY REFERENCES site (id),
    releasers {{int}} NOT NULL CHECK (releasers IN (1, 2)),
    release_from TEXT NOT NULL,
    siren_s {{int}} NOT NULL,
    rules TEXT NOT NULL
) {{strict}};
