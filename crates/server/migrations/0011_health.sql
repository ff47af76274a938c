-- The health of banks. The latest report is bank.status (a protobuf Health); status_at is when it came.
ALTER TABLE bank ADD COLUMN status_at {{int}};

-- The worst of each hour, for thirty days.
CREATE TABLE bank_health (
    bank TEXT NOT NULL REFERENCES bank (id),
    hour {{int}} NOT NULL,
    disk_free {{int}},
    temperature {{int}},
    millivolts {{int}},
    charge {{int}},
    clock_off {{int}},
    failed_ppm {{int}},
    open_ms {{int}},
    backlog {{int}},
    PRIMARY KEY (bank, hour)
) {{strict}};

-- What is not as it should be, since when, and whether somebody was told.
CREATE TABLE bank_finding (
    bank TEXT NOT NULL REFERENCES bank (id),
    matter TEXT NOT NULL,
    number {{int}} NOT NULL,
    why TEXT NOT NULL,
    since {{int}} NOT NULL,
    seen {{int}} NOT NULL,
    alert TEXT,
    PRIMARY KEY (bank, matter, number, why)
) {{strict}};
