-- What a site demands of its banks before they are used: one item a line, `word` or `item=number`. No row: nothing.
CREATE TABLE site_demands (
    site TEXT PRIMARY KEY REFERENCES site (id),
    demands TEXT NOT NULL
) {{strict}};

-- What a bank is built of: one item a line, its name, value and evidence separated by tabs; and who answers for it.
CREATE TABLE hardware_record (
    bank TEXT PRIMARY KEY REFERENCES bank (id),
    entries TEXT NOT NULL,
    attested_by TEXT NOT NULL,
    at {{int}} NOT NULL
) {{strict}};

-- Banks that may be used where a site demands something. `how` is `earlier`, `accepted` or `excepted`.
CREATE TABLE bank_acceptance (
    bank TEXT PRIMARY KEY REFERENCES bank (id),
    how TEXT NOT NULL,
    reason TEXT NOT NULL,
    accepted_by TEXT,
    at {{int}} NOT NULL
) {{strict}};
