//! What was proved, written into the configuration file: boards and compartments, and nothing else; comments stay.

use std::collections::BTreeSet;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::sheet::{DoorSheet, LockSheet, Report};
use crate::config::{BusConfig, ConfigError, EdgeConfig, Feature};

/// The text of a configuration with what was proved in it; checked as a whole.
///
/// # Errors
/// [`ConfigError`] when the text was no configuration, or would be none.
pub fn written(text: &str, buses: &[BusConfig], report: &Report) -> Result<String, ConfigError> {
    let mut document: DocumentMut = text.parse().map_err(|_| wrong("the file is no TOML"))?;
    for (index, bus) in buses.iter().enumerate() {
        put_boards(&mut document, index, bus, report)?;
    }
    put_doors(&mut document, report)?;
    let text = document.to_string();
    let config: EdgeConfig = toml::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    config.check()?;
    Ok(text)
}

fn put_boards(
    document: &mut DocumentMut,
    index: usize,
    bus: &BusConfig,
    report: &Report,
) -> Result<(), ConfigError> {
    let tables = document.get_mut("bus").and_then(Item::as_array_of_tables_mut);
    let table =
        tables.and_then(|tables| tables.get_mut(index)).ok_or_else(|| wrong("write lines as [[bus]]"))?;
    let boards = table.entry("board").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let boards = boards.as_array_of_tables_mut().ok_or_else(|| wrong("write boards as [[bus.board]]"))?;
    for board in &bus.boards {
        let known = boards.iter().position(|table| number(table, "number") == Some(board.number.into()));
        let at = known.unwrap_or_else(|| {
            boards.push(Table::new());
            boards.len() - 1
        });
        let table = boards.get_mut(at).expect("found or pushed");
        if known.is_none() {
            table["number"] = value(i64::from(board.number));
            table["kind"] = value(board.kind.name());
            table["address"] = value(i64::from(board.address));
            table["channels"] = value(i64::from(board.channels));
        }
        let mut proved = report.usable().filter(|(lock, _)| lock.board == board.number);
        if let Some(closed_bit) = proved.find_map(|(lock, _)| lock.closed_bit) {
            table["closed_when"] = value(if closed_bit { "bit_set" } else { "bit_clear" });
        }
    }
    Ok(())
}

fn put_doors(document: &mut DocumentMut, report: &Report) -> Result<(), ConfigError> {
    let doors = document.entry("compartment").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let doors = doors.as_array_of_tables_mut().ok_or_else(|| wrong("write doors as [[compartment]]"))?;
    let usable: Vec<(&LockSheet, &DoorSheet)> = report.usable().collect();
    let numbers: BTreeSet<i64> = usable.iter().map(|(_, door)| door.number.into()).collect();
    let locks: BTreeSet<(i64, i64)> =
        usable.iter().map(|(lock, _)| (lock.board.into(), lock.channel.into())).collect();
    doors.retain(|table| {
        let lock = number(table, "board").zip(number(table, "channel"));
        let proved = number(table, "number").is_some_and(|number| numbers.contains(&number));
        // After a repair every other door stays as it is; otherwise only proved ones do, and no lock has two doors.
        proved || (report.only.is_some() && lock.is_none_or(|lock| !locks.contains(&lock)))
    });
    for (lock, door) in usable {
        let known = doors.iter().position(|table| number(table, "number") == Some(door.number.into()));
        let at = known.unwrap_or_else(|| {
            doors.push(Table::new());
            doors.len() - 1
        });
        put_door(doors.get_mut(at).expect("found or pushed"), lock, door);
    }
    Ok(())
}

fn put_door(table: &mut Table, lock: &LockSheet, door: &DoorSheet) {
    table["number"] = value(i64::from(door.number));
    table["size"] = value(door.size.to_string());
    table["board"] = value(i64::from(lock.board));
    table["channel"] = value(i64::from(lock.channel));
    table["column"] = value(i64::from(door.column));
    table["row"] = value(i64::from(door.row));
    table["height"] = value(i64::from(door.height));
    flag(table, "low_reach", door.low_reach);
    if door.features.is_empty() {
        table.remove("features");
    } else {
        let name = |feature: &Feature| match feature {
            Feature::Power => "power",
            Feature::Cooled => "cooled",
        };
        table["features"] = value(door.features.iter().map(name).collect::<Array>());
    }
}

fn flag(table: &mut Table, key: &str, on: bool) {
    if on {
        table[key] = value(true);
    } else {
        table.remove(key);
    }
}

fn number(table: &Table, key: &str) -> Option<i64> {
    table.get(key).and_then(Item::as_integer)
}

fn wrong(text: &str) -> ConfigError {
    ConfigError::Invalid(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# Harbour House, left cabinet\ndata_dir = '/x'\n\n[[bus]]\nline = '/dev/ttyUSB0' # the long cable\n\n[[bus.board]]\nnumber = 1\nkind = 'CU16'\naddress = 0\nchannels = 16\n\n# the low one\n[[compartment]]\nnumber = 1\nsize = 'S'\nboard = 1\nchannel = 9\ncolumn = 0\nrow = 0\n\n[[compartment]]\nnumber = 9\nsize = 'L'\nboard = 1\nchannel = 2\ncolumn = 3\nrow = 0\n";

    fn lock(channel: u8, number: u16) -> LockSheet {
        let door = DoorSheet {
            number,
            size: 'M',
            low_reach: number == 1,
            features: vec![Feature::Power],
            column: 0,
            row: number,
            height: 1,
        };
        LockSheet {
            board: 1,
            channel,
            found: "proved".into(),
            opened: vec![number],
            closed_bit: Some(false),
            door: Some(door),
        }
    }

    fn after(report: &Report) -> String {
        let config: EdgeConfig = toml::from_str(BEFORE).unwrap();
        written(BEFORE, &config.buses, report).unwrap()
    }

    #[test]
    fn proved_doors_and_polarity_are_written_and_comments_stay() {
        let report = Report { locks: vec![lock(1, 1), lock(2, 2)], ..Report::default() };
        let text = after(&report);
        assert!(
            text.contains("# Harbour House")
                && text.contains("# the long cable")
                && text.contains("# the low one")
        );
        let config: EdgeConfig = toml::from_str(&text).unwrap();
        let wired: Vec<_> = config.compartments.iter().map(|c| (c.number, c.channel, c.low_reach)).collect();
        assert_eq!(wired, [(1, 1, true), (2, 2, false)], "door 9 was not proved");
        assert_eq!(config.compartments[0].features, [Feature::Power]);
        assert_eq!(config.buses[0].boards[0].closed_when, crate::config::ClosedWhen::BitClear);
    }

    #[test]
    fn after_a_repair_all_other_doors_stay() {
        let report = Report { locks: vec![lock(4, 1)], only: Some(1), ..Report::default() };
        let config: EdgeConfig = toml::from_str(&after(&report)).unwrap();
        let wired: Vec<_> = config.compartments.iter().map(|c| (c.number, c.channel)).collect();
        assert_eq!(wired, [(1, 4), (9, 2)]);
    }

    #[test]
    fn what_would_be_no_bank_is_not_written() {
        let config: EdgeConfig = toml::from_str(BEFORE).unwrap();
        assert!(written(BEFORE, &config.buses, &Report::default()).is_err(), "no door is proved");
    }
}
