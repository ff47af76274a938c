//! Times as text: RFC 3339 in UTC with milliseconds, the one form a bundle has.

use bailee_domain::time::WallTime;
use bailee_wire::event::time_text;

/// Reads what [`time_text`] writes, and nothing else.
pub(crate) fn parse(text: &str) -> Option<WallTime> {
    if text.len() != 24 || !text.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, ms) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?);
    let days = days_before(year, month)? + day - 1;
    let at = ((days * 24 + hour) * 60 + minute) * 60 + second;
    let at = WallTime::from_unix_ms(at * 1_000 + ms);
    (time_text(at) == text).then_some(at)
}

/// Days from 1970-01-01 to the first of a month, counted in years that start in March.
fn days_before(year: i64, month: i64) -> Option<i64> {
    if !(1..=12).contains(&month) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let shifted = (month + 9) % 12;
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * shifted + 2) / 5;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Day and time to the minute, as people read it.
pub(crate) fn minutes(at: WallTime) -> String {
    let text = time_text(at);
    text.get(..16).map_or(text.clone(), |text| text.replace('T', " "))
}

/// Day and time to the second, as people read it.
pub(crate) fn seconds(at: WallTime) -> String {
    let text = time_text(at);
    text.get(..19).map_or(text.clone(), |text| text.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_read_back(ms in -62_167_219_200_000_i64..253_402_300_800_000) {
            let at = WallTime::from_unix_ms(ms);
            prop_assert_eq!(parse(&time_text(at)), Some(at));
        }

        #[test]
        fn other_texts_are_refused(text in "[0-9TZ:. -]{20,26}|.*") {
            if let Some(at) = parse(&text) {
                prop_assert_eq!(time_text(at), text);
            }
        }
    }
}
