//! Bytes an event takes, with everything the ledger stores for it, beside a tile log of the same events as JSON.

use std::path::Path;

use bailee_wire::event::decode;

use super::super::report::{Report, Table, number};
use super::{Events, SEED, build, open};

const MOST_BESIDE_JSON: f64 = 0.2;
/// Every so manyth event is written as JSON; the others are like it.
const SAMPLE: usize = 50;

/// Bytes at several sizes of one log.
///
/// # Errors
/// When the log does not work.
pub fn size(dir: &Path, entries: u64) -> anyhow::Result<Report> {
    let json = json_bytes(entries)?;
    let log = open(&dir.join("log"))?;
    let mut events = Events::new(SEED);
    let mut report =
        Report::new("s1 tile-size", "bytes per event: packed entries, hashes for proofs, indexes, the tail");
    let mut table = Table::new(&["events", "bytes per event", "of it packed segments"]);
    let mut last = 0.0;
    for part in [8, 4, 2, 1] {
        let size = entries / part;
        build(&log, &mut events, size)?;
        let (all, packed) = bytes(&dir.join("log"))?;
        let packed_events = log.reader().packed_segments() * log.reader().segment_entries();
        last = all as f64 / size as f64;
        table.row([size.to_string(), number(last), number(packed as f64 / packed_events.max(1) as f64)]);
    }
    report.table(table);
    report.value("a JSON tile log", json, "B", None);
    report.value("ours beside the JSON tile log", last / json, "x", Some(MOST_BESIDE_JSON));
    report
        .note("the tail of at most 65,536 events isn't packed yet, and its file is kept to be written over");
    report.note(
        "JSON: the fields of `bailee verify` by name, with two bytes of length and 32.1 of hashes each",
    );
    Ok(report)
}

/// Bytes an event takes in a tile log of the same events as JSON.
///
/// # Errors
/// When an event can't be read back.
pub fn json_bytes(entries: u64) -> anyhow::Result<f64> {
    let mut events = Events::new(SEED);
    let (mut bytes, mut count) = (0, 0);
    for place in 0..usize::try_from(entries.min(200_000))? {
        let entry = events.entry();
        if place % SAMPLE == 0 {
            let mut fields = serde_json::Map::new();
            for line in decode(&entry)?.view() {
                let number = line.value.parse::<u64>().map(serde_json::Value::from);
                fields.insert(line.name, number.unwrap_or_else(|_| line.value.into()));
            }
            bytes += serde_json::to_string(&fields)?.len();
            count += 1;
        }
    }
    Ok(bytes as f64 / f64::from(count) + 2.0 + 32.0 * 256.0 / 255.0)
}

/// Bytes of all files of a log, and of its packed segments.
pub fn bytes(dir: &Path) -> anyhow::Result<(u64, u64)> {
    let (mut all, mut packed) = (0, 0);
    for file in std::fs::read_dir(dir)? {
        let file = file?;
        let length = file.metadata()?.len();
        all += length;
        if file.file_name().to_string_lossy().ends_with(".sealed") {
            packed += length;
        }
    }
    Ok((all, packed))
}
