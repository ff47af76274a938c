-- The wrapped data keys and seeds of this installation, oldest first within a purpose.
CREATE TABLE stored_key (
    id {{blob}} PRIMARY KEY,
    purpose TEXT NOT NULL,
    wrapped {{blob}} NOT NULL,
    created_at {{int}} NOT NULL
) {{strict}};

CREATE TABLE org (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    log_id TEXT NOT NULL UNIQUE,
    roster_revision {{int}} NOT NULL
) {{strict}};

CREATE TABLE site (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    name TEXT NOT NULL,
    help TEXT NOT NULL,
    expiry_days {{int}} NOT NULL CHECK (expiry_days BETWEEN 1 AND 30),
    version {{int}} NOT NULL
) {{strict}};

-- `state` is offered, enrolled or removed. Keys and layout are there once it is enrolled.
CREATE TABLE bank (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    site TEXT NOT NULL REFERENCES site (id),
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    pin {{blob}},
    device_key {{blob}},
    layout {{blob}},
    code_key {{blob}} NOT NULL,
    code_salt {{blob}} NOT NULL,
    code_epoch {{int}} NOT NULL,
    roster_revision {{int}} NOT NULL,
    roster_acked {{int}} NOT NULL,
    last_seq {{int}} NOT NULL,
    last_hash {{blob}} NOT NULL,
    status {{blob}},
    online {{int}} NOT NULL,
    last_seen {{int}},
    created_at {{int}} NOT NULL,
    alarm_hour {{int}},
    alarm_letters {{int}} NOT NULL DEFAULT 0
) {{strict}};
CREATE UNIQUE INDEX bank_pin ON bank (pin) WHERE pin IS NOT NULL;

CREATE TABLE enrolment (
    secret_hash {{blob}} PRIMARY KEY,
    bank TEXT NOT NULL REFERENCES bank (id),
    expires_at {{int}} NOT NULL,
    used_at {{int}}
) {{strict}};

-- What is known of a person is sealed under the person's own key; destroying the key is erasure.
CREATE TABLE person (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    state TEXT NOT NULL,
    person_key {{blob}},
    details {{blob}},
    email_index {{blob}},
    phone_index {{blob}},
    version {{int}} NOT NULL,
    created_at {{int}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX person_email ON person (org, email_index) WHERE email_index IS NOT NULL;
CREATE INDEX person_org ON person (org, id);

CREATE TABLE assignment (
    person TEXT NOT NULL REFERENCES person (id),
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    PRIMARY KEY (person, role, scope)
) {{strict}};

CREATE TABLE password (
    person TEXT PRIMARY KEY REFERENCES person (id),
    hash TEXT NOT NULL,
    changed_at {{int}} NOT NULL
) {{strict}};

-- Failed tries in a row by keyed index of the address, whether or not anybody has it.
CREATE TABLE sign_in_failure (
    org TEXT NOT NULL REFERENCES org (id),
    email_index {{blob}} NOT NULL,
    failures {{int}} NOT NULL,
    last_failure {{int}} NOT NULL,
    PRIMARY KEY (org, email_index)
) {{strict}};

CREATE TABLE session (
    token_hash {{blob}} PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL REFERENCES person (id),
    created_at {{int}} NOT NULL,
    last_used {{int}} NOT NULL
) {{strict}};
CREATE INDEX session_person ON session (person);

CREATE TABLE set_up (
    token_hash {{blob}} PRIMARY KEY,
    expires_at {{int}} NOT NULL,
    used_at {{int}}
) {{strict}};

CREATE TABLE carrier (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    name TEXT NOT NULL,
    created_at {{int}} NOT NULL,
    UNIQUE (org, name)
) {{strict}};

CREATE TABLE courier (
    person TEXT PRIMARY KEY REFERENCES person (id),
    carrier TEXT NOT NULL REFERENCES carrier (id),
    code_generation {{int}} NOT NULL
) {{strict}};

-- A courier's personal code as each bank can check it.
CREATE TABLE courier_verifier (
    person TEXT NOT NULL REFERENCES person (id),
    bank TEXT NOT NULL REFERENCES bank (id),
    epoch {{int}} NOT NULL,
    salt {{blob}} NOT NULL,
    mac {{blob}} NOT NULL,
    PRIMARY KEY (person, bank)
) {{strict}};

-- Keyed names of the codes live at a bank, and of dead ones for 90 days, so that none alike is given out.
CREATE TABLE code_name (
    bank TEXT NOT NULL REFERENCES bank (id),
    name {{blob}} NOT NULL,
    subject TEXT NOT NULL,
    dead_at {{int}},
    PRIMARY KEY (bank, name)
) {{strict}};
CREATE INDEX code_name_subject ON code_name (subject);

CREATE TABLE parcel (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    bank TEXT NOT NULL REFERENCES bank (id),
    compartment {{int}} NOT NULL,
    grant_id TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    courier TEXT NOT NULL,
    carrier TEXT NOT NULL,
    size TEXT NOT NULL,
    custody TEXT NOT NULL,
    deposited_at {{int}} NOT NULL,
    expires {{int}} NOT NULL,
    collected_at {{int}},
    overdue_noted {{int}} NOT NULL
) {{strict}};
CREATE INDEX parcel_org ON parcel (org, custody, deposited_at);
CREATE INDEX parcel_recipient ON parcel (recipient);

-- The newest code wanted for a grant: wanted, made (sealed here), armed at the bank (sealed in messages until a gateway
-- took them), closed. No code is kept after that.
CREATE TABLE code_order (
    grant_id TEXT PRIMARY KEY REFERENCES parcel (grant_id),
    bank TEXT NOT NULL REFERENCES bank (id),
    generation {{int}} NOT NULL,
    state TEXT NOT NULL,
    expires {{int}} NOT NULL,
    salt {{blob}},
    mac {{blob}},
    code {{blob}},
    ordered_by TEXT NOT NULL,
    ordered_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX code_order_state ON code_order (state, bank);

CREATE TABLE message (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    person TEXT NOT NULL REFERENCES person (id),
    channel TEXT NOT NULL,
    template TEXT NOT NULL,
    variables {{blob}},
    state TEXT NOT NULL,
    attempts {{int}} NOT NULL,
    next_at {{int}} NOT NULL,
    created_at {{int}} NOT NULL,
    error TEXT,
    parcel TEXT,
    digest_of TEXT
) {{strict}};
CREATE INDEX message_digest ON message (digest_of, next_at) WHERE digest_of IS NOT NULL;
CREATE INDEX message_due ON message (state, next_at);

CREATE TABLE template (
    org TEXT NOT NULL REFERENCES org (id),
    name TEXT NOT NULL,
    subject TEXT,
    text TEXT,
    html TEXT,
    sms TEXT,
    version {{int}} NOT NULL,
    PRIMARY KEY (org, name)
) {{strict}};

CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    bank TEXT NOT NULL REFERENCES bank (id),
    kind TEXT NOT NULL,
    compartment {{int}},
    event_seq {{int}},
    at {{int}} NOT NULL,
    state TEXT NOT NULL,
    acknowledged_by TEXT,
    acknowledged_at {{int}},
    times {{int}} NOT NULL DEFAULT 1,
    last_at {{int}},
    UNIQUE (bank, event_seq, kind)
) {{strict}};
CREATE INDEX alert_open ON alert (org, state, at);
CREATE INDEX alert_of_bank ON alert (bank, state, kind);

-- Which of a bank's events each alert stands for: the first raised it, those after it were folded into it while it was open.
CREATE TABLE alert_event (
    bank TEXT NOT NULL REFERENCES bank (id),
    event_seq {{int}} NOT NULL,
    kind TEXT NOT NULL,
    alert TEXT NOT NULL,
    PRIMARY KEY (bank, event_seq, kind)
) {{strict}};

CREATE TABLE api_token (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org (id),
    token_hash {{blob}} NOT NULL UNIQUE,
    name TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created_by TEXT,
    created_at {{int}} NOT NULL,
    expires_at {{int}} NOT NULL,
    revoked_at {{int}},
    last_used {{int}}
) {{strict}};

CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash {{blob}} NOT NULL,
    status {{int}},
    response {{blob}},
    at {{int}} NOT NULL,
    PRIMARY KEY (principal, idempotency_key)
) {{strict}};
CREATE INDEX idempotency_at ON idempotency (at);

-- What the log page filters by; opaque ids only, rebuilt from the events if need be.
CREATE TABLE log_index (
    event_id {{int}} PRIMARY KEY REFERENCES event (id),
    org TEXT NOT NULL,
    at {{int}} NOT NULL,
    kind TEXT NOT NULL,
    severity {{int}} NOT NULL,
    bank TEXT,
    compartment {{int}},
    parcel TEXT,
    grant_id TEXT,
    person TEXT,
    actor TEXT
) {{strict}};
CREATE INDEX log_index_org ON log_index (org, event_id);
CREATE INDEX log_index_kind ON log_index (org, kind, event_id);
CREATE INDEX log_index_bank ON log_index (bank, event_id);
CREATE INDEX log_index_parcel ON log_index (parcel, event_id);
CREATE INDEX log_index_person ON log_index (person, event_id);
