//! What can be wrong with a board or its line, each with a word to ask for it.

use std::{fmt, str::FromStr, time::Duration};

/// What can be wrong with a board or its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The adapter gives every byte it sends back.
    Echo,
    /// Answers come in two bursts, 15 ms apart.
    SplitAnswers,
    /// Answers come this much later.
    Late(Duration),
    /// The check byte is wrong.
    WrongCheckByte,
    /// Nothing is answered and no latch moves.
    Silent,
    /// Latches move, but nothing is answered.
    Mute,
    /// The switches are wired the other way round.
    InvertedPolarity,
    /// Query answers of an `8A/80` board have this many status bytes, whatever the number of locks.
    StatusBytes(u8),
    /// Every door movement is reported without being asked, with header 82 (`8A/80` only).
    Pushes,
    /// Bytes without sense, without pause.
    Garbage,
    /// Answers name another board.
    WrongAddress,
    /// Answers lose their last byte.
    ShortAnswers,
    /// Answers have a byte too many.
    LongAnswers,
    /// The board tells its doors again and again though nobody asked.
    Unasked,
    /// After the next unlock the board says nothing until it is mended.
    BusyStuck,
    /// The lock cables of this board are plugged into that one: its orders move the other's doors.
    CablesSwapped(u8),
    /// The switch of this lock says "closed" whatever its door does.
    DeadSwitch(u8),
    /// The switch of this lock is wired the other way round than the others.
    OddSwitch(u8),
    /// The coil wires of this lock go to the one before it.
    SameLock(u8),
    /// Item sensors say the contrary.
    ItemLies,
    /// Orders are answered with "open", no latch moves, and no door is ever seen open.
    Lies,
    /// A Modbus board answers a flash with the value of a plain "on".
    PlainEcho,
    /// A Modbus board declines to flash.
    Refuses,
}

/// The word for each fault without a number.
const WORDS: &[(&str, Fault)] = &[
    ("echo", Fault::Echo),
    ("split", Fault::SplitAnswers),
    ("wrong-check", Fault::WrongCheckByte),
    ("silent", Fault::Silent),
    ("mute", Fault::Mute),
    ("inverted", Fault::InvertedPolarity),
    ("pushes", Fault::Pushes),
    ("garbage", Fault::Garbage),
    ("wrong-address", Fault::WrongAddress),
    ("short", Fault::ShortAnswers),
    ("long", Fault::LongAnswers),
    ("unasked", Fault::Unasked),
    ("busy", Fault::BusyStuck),
    ("item-lies", Fault::ItemLies),
    ("lies", Fault::Lies),
    ("plain-echo", Fault::PlainEcho),
    ("refuses", Fault::Refuses),
];

impl Fault {
    /// Every word, as it is typed.
    #[must_use]
    pub fn words() -> String {
        let plain = WORDS.iter().map(|(word, _)| *word);
        plain
            .chain([
                "late=MS",
                "status-bytes=N",
                "swapped=BOARD",
                "dead-switch=LOCK",
                "odd-switch=LOCK",
                "same-lock=LOCK",
            ])
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl FromStr for Fault {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some((_, fault)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(*fault);
        }
        let (word, number) = text.split_once('=').ok_or(())?;
        let number: u16 = number.parse().map_err(|_| ())?;
        match word {
            "late" => Ok(Self::Late(Duration::from_millis(number.into()))),
            "status-bytes" => u8::try_from(number).map(Self::StatusBytes).map_err(|_| ()),
            "swapped" => u8::try_from(number).map(Self::CablesSwapped).map_err(|_| ()),
            "dead-switch" => u8::try_from(number).map(Self::DeadSwitch).map_err(|_| ()),
            "odd-switch" => u8::try_from(number).map(Self::OddSwitch).map_err(|_| ()),
            "same-lock" => u8::try_from(number).map(Self::SameLock).map_err(|_| ()),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(by) => write!(f, "late={}", by.as_millis()),
            Self::StatusBytes(count) => write!(f, "status-bytes={count}"),
            Self::CablesSwapped(other) => write!(f, "swapped={other}"),
            Self::DeadSwitch(lock) => write!(f, "dead-switch={lock}"),
            Self::OddSwitch(lock) => write!(f, "odd-switch={lock}"),
            Self::SameLock(lock) => write!(f, "same-lock={lock}"),
            plain => {
                let word = WORDS.iter().find(|(_, fault)| fault == plain).map_or("", |(word, _)| word);
                f.write_str(word)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_what_its_word_says() {
        let numbered =
            ["late=1200", "status-bytes=3", "swapped=2", "dead-switch=3", "odd-switch=4", "same-lock=2"];
        for word in WORDS.iter().map(|(word, _)| *word).chain(numbered) {
            assert_eq!(word.parse::<Fault>().unwrap().to_string(), word);
        }
        assert!("late".parse::<Fault>().is_err() && "swapped=999".parse::<Fault>().is_err());
    }
}
