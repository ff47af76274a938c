-- The log page in order of time: each way to narrow it down is an index whose rows stand in the order of the page. Rows of the
-- same millisecond stand in the order they came.
CREATE INDEX log_index_time ON log_index (org, at, event_id);
CREATE INDEX log_index_kind_time ON log_index (org, kind, at, event_id);
CREATE INDEX log_index_notice_time ON log_index (org, at, event_id) WHERE severity > 0;
CREATE INDEX log_index_alarm_time ON log_index (org, at, event_id) WHERE severity = 2;
CREATE INDEX log_index_bank_time ON log_index (bank, at, event_id);
CREATE INDEX log_index_door_time ON log_index (bank, compartment, at, event_id);
CREATE INDEX log_index_parcel_time ON log_index (parcel, at, event_id);
CREATE INDEX log_index_person_time ON log_index (person, at, event_id);
CREATE INDEX log_index_actor_time ON log_index (actor, at, event_id) WHERE substr(actor, 1, 4) = 'per_';
-- What those take the place of: the primary key serves the order of arrival within an organisation.
DROP INDEX log_index_org;
DROP INDEX log_index_parcel;
DROP INDEX log_index_person;
