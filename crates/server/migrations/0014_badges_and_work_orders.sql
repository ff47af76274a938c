-- Badges enrolled at banks' kiosks, by the bank's event; the bank alone holds what it knows a badge by.
CREATE TABLE badge (
    bank TEXT NOT NULL REFERENCES bank (id),
    event_seq {{int}} NOT NULL,
    person TEXT NOT NULL REFERENCES person (id),
    assurance TEXT NOT NULL,
    enrolled_at {{int}} NOT NULL,
    forgotten_at {{int}},
    PRIMARY KEY (bank, event_seq)
) {{strict}};
CREATE INDEX badge_person ON badge (person);

-- Banks that were asked to forget a person's badges, and when they said that they had.
CREATE TABLE badge_revocation (
    person TEXT NOT NULL REFERENCES person (id),
    bank TEXT NOT NULL REFERENCES bank (id),
    asked_at {{int}} NOT NULL,
    forgotten_at {{int}},
    PRIMARY KEY (person, bank)
) {{strict}};
CREATE INDEX badge_revocation_open ON badge_revocation (bank) WHERE forgotten_at IS NULL;

-- What badges that anybody can copy are good for at a site. No row: a code must follow.
CREATE TABLE site_badges (
    site TEXT PRIMARY KEY REFERENCES site (id),
    weak TEXT NOT NULL
) {{strict}};

-- Work orders: who may open which doors from when until when. What is to be done and what was done stand here sealed. `sent_at`: the
-- bank has it; `ended_at`: somebody closed it; `gone_at`: the bank has ended it.
CREATE TABLE work_order (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    bank TEXT NOT NULL REFERENCES bank (id),
    technician TEXT NOT NULL,
    doors TEXT NOT NULL,
    begins_at {{int}} NOT NULL,
    expires_at {{int}} NOT NULL,
    salt {{blob}} NOT NULL,
    mac {{blob}} NOT NULL,
    task {{blob}} NOT NULL,
    written_by TEXT NOT NULL,
    written_at {{int}} NOT NULL,
    sent_at {{int}},
    refused {{int}} NOT NULL,
    note {{blob}},
    ended_by TEXT,
    ended_at {{int}},
    gone_at {{int}},
    overdue_noted {{int}} NOT NULL
) {{strict}};
CREATE INDEX work_order_bank ON work_order (bank, id);
CREATE INDEX work_order_open ON work_order (org, id) WHERE ended_at IS NULL OR gone_at IS NULL;
