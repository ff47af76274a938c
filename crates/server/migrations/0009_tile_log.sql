-- Entries and tiles are files now; what the row of a log says is how far the store's events are marked with their leaves.
DROP TABLE ledger_entry;
DROP TABLE ledger_tile;
