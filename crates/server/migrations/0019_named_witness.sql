-- The event that names the witness in the log: it is asked for checkpoints behind that event alone. NULL until it is named.
ALTER TABLE witness ADD COLUMN named_by {{int}};
-- Cosignatures of witnesses that no entry names are not published any more; everybody is asked again within seconds.
DELETE FROM cosignature;
DELETE FROM witness_round;
