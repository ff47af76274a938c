-- Hand-overs of the log's key, in order: the old key's word for the new one. A hand-over has come to its end when the old key's
-- seed is gone from `stored_key`. `reason` is sealed, with the salt of its commitment.
CREATE TABLE log_key (
    log_id TEXT NOT NULL,
    number {{int}} NOT NULL CHECK (number >= 1),
    old_key {{blob}} NOT NULL,
    new_key {{blob}} NOT NULL,
    size {{int}} NOT NULL,
    root {{blob}} NOT NULL,
    time {{int}} NOT NULL,
    signature {{blob}} NOT NULL,
    possession {{blob}} NOT NULL,
    reason {{blob}} NOT NULL,
    PRIMARY KEY (log_id, number)
) {{strict}};
