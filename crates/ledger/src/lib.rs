//! The tile log on disk: entries in, durable tiles and signed checkpoints out.
