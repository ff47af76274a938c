-- The rows beside the log, small: numbers stand for ids and words, and the bytes of an event are here only until its entry
-- is in the log.
CREATE TABLE log_name (
    id {{id}},
    name TEXT NOT NULL UNIQUE
) {{strict}};
INSERT INTO log_name (name)
    SELECT org FROM event UNION SELECT source_id FROM event UNION SELECT org FROM log_index UNION SELECT kind FROM log_index
    UNION SELECT bank FROM log_index WHERE bank IS NOT NULL UNION SELECT parcel FROM log_index WHERE parcel IS NOT NULL
    UNION SELECT grant_id FROM log_index WHERE grant_id IS NOT NULL
    UNION SELECT person FROM log_index WHERE person IS NOT NULL UNION SELECT actor FROM log_index WHERE actor IS NOT NULL;

-- Events whose bytes the log does not hold yet. A store of an older program has all of them, until its log was made of them.
CREATE TABLE event_bytes (
    event {{int}} PRIMARY KEY,
    bytes {{blob}} NOT NULL
) {{strict}};
INSERT INTO event_bytes (event, bytes) SELECT id, bytes FROM event;

-- `org` and `source` are numbers of `log_name`; `leaf_index` follows when the log holds the event.
DROP INDEX event_pending;
DROP INDEX event_leaf;
ALTER TABLE event RENAME TO event_before;
CREATE TABLE event (
    id {{id}},
    org {{int}} NOT NULL,
    source {{int}} NOT NULL,
    source_seq {{int}} NOT NULL CHECK (source_seq >= 0),
    received_at {{int}} NOT NULL,
    leaf_index {{int}} CHECK (leaf_index >= 0),
    UNIQUE (source, source_seq)
) {{strict}};
INSERT INTO event (id, org, source, source_seq, received_at, leaf_index)
    SELECT event_before.id, org.id, source.id, event_before.source_seq, event_before.received_at, event_before.leaf_index
    FROM event_before JOIN log_name AS org ON org.name = event_before.org
        JOIN log_name AS source ON source.name = event_before.source_id
    ORDER BY event_before.id;
{{event_ids_go_on}}
CREATE UNIQUE INDEX event_leaf ON event (org, leaf_index) WHERE leaf_index IS NOT NULL;

-- What the log page filters by: numbers of `log_name`, made again from the entries if need be. Who did it is in `done_by` when it
-- was a person, else in `actor`.
DROP INDEX log_index_kind;
DROP INDEX log_index_bank;
DROP INDEX log_index_time;
DROP INDEX log_index_kind_time;
DROP INDEX log_index_notice_time;
DROP INDEX log_index_alarm_time;
DROP INDEX log_index_bank_time;
DROP INDEX log_index_door_time;
DROP INDEX log_index_parcel_time;
DROP INDEX log_index_person_time;
DROP INDEX log_index_actor_time;
ALTER TABLE log_index RENAME TO log_index_before;
CREATE TABLE log_index (
    event_id {{int}} PRIMARY KEY,
    org {{int}} NOT NULL,
    at {{int}} NOT NULL,
    kind {{int}} NOT NULL,
    severity {{int}} NOT NULL,
    bank {{int}},
    compartment {{int}},
    parcel {{int}},
    grant_id {{int}},
    person {{int}},
    done_by {{int}},
    actor {{int}}
) {{strict}};
INSERT INTO log_index
    (event_id, org, at, kind, severity, bank, compartment, parcel, grant_id, person, done_by, actor)
    SELECT line.event_id, (SELECT id FROM log_name WHERE name = line.org), line.at,
        (SELECT id FROM log_name WHERE name = line.kind), line.severity,
        (SELECT id FROM log_name WHERE name = line.bank), line.compartment,
        (SELECT id FROM log_name WHERE name = line.parcel), (SELECT id FROM log_name WHERE name = line.grant_id),
        (SELECT id FROM log_name WHERE name = line.person),
        CASE WHEN substr(line.actor, 1, 4) = 'per_' THEN (SELECT id FROM log_name WHERE name = line.actor) END,
        CASE WHEN substr(line.actor, 1, 4) <> 'per_' THEN (SELECT id FROM log_name WHERE name = line.actor) END
    FROM log_index_before AS line ORDER BY line.event_id;
DROP TABLE log_index_before;
DROP TABLE event_before;

-- In order of arrival, for lists by position.
CREATE INDEX log_index_kind ON log_index (org, kind, event_id);
CREATE INDEX log_index_bank ON log_index (bank, event_id) WHERE bank IS NOT NULL;
-- In order of time, for the log page.
CREATE INDEX log_index_time ON log_index (org, at, event_id);
CREATE INDEX log_index_kind_time ON log_index (org, kind, at, event_id);
CREATE INDEX log_index_notice_time ON log_index (org, at, event_id) WHERE severity > 0;
CREATE INDEX log_index_alarm_time ON log_index (org, at, event_id) WHERE severity = 2;
CREATE INDEX log_index_bank_time ON log_index (bank, at, event_id) WHERE bank IS NOT NULL;
CREATE INDEX log_index_door_time ON log_index (bank, compartment, at, event_id) WHERE compartment IS NOT NULL;
CREATE INDEX log_index_parcel_time ON log_index (parcel, at, event_id) WHERE parcel IS NOT NULL;
CREATE INDEX log_index_person_time ON log_index (person, at, event_id) WHERE person IS NOT NULL;
CREATE INDEX log_index_done_by_time ON log_index (done_by, at, event_id) WHERE done_by IS NOT NULL;
