//! A technician whose answers were written down before, for a bench that is set up many times, and for tests.

use std::collections::BTreeMap;
use std::path::Path;

use bailee_domain::compartment::Wiring;
use serde::Deserialize;

use super::sheet::DoorSheet;
use super::technician::{Attempt, Left, Seen, Technician, Word};
use crate::config::{ConfigError, Feature};

/// All answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Who is at work.
    technician: String,
    /// A staff code, or that of a work order, where the bank is in service.
    #[serde(default)]
    code: Option<String>,
    /// No higher address is asked.
    #[serde(default)]
    highest_address: Option<u8>,
    /// Whether to go on when a board or a line does not answer.
    #[serde(default)]
    go_on: bool,
    /// What is said of parts, by their names, such as `camera` or `reader 1`; `works` or `broken`, else later.
    #[serde(default)]
    parts: BTreeMap<String, Said>,
    /// The locks with something wired to them; others are not tried.
    #[serde(default, rename = "lock")]
    locks: Vec<Answers>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Works,
    Broken,
    Later,
}

/// What is answered about one lock.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    board: u8,
    channel: u8,
    /// The numbers on the doors that open.
    opened: Vec<u16>,
    #[serde(default)]
    size: Option<char>,
    #[serde(default)]
    low_reach: Option<bool>,
    #[serde(default)]
    features: Option<Vec<Feature>>,
    #[serde(default)]
    column: Option<u16>,
    #[serde(default)]
    row: Option<u16>,
    #[serde(default)]
    height: Option<u16>,
}

impl Script {
    /// Reads the answers of a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) })
    }

    fn of(&self, lock: Wiring) -> Option<&Answers> {
        self.locks.iter().find(|answers| answers.board == lock.board && answers.channel == lock.channel)
    }
}

impl Technician for Script {
    fn tell(&mut self, text: &str) {
        use std::io::Write as _;
        // Nobody may be listening.
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    fn name(&mut self) -> Result<String, Left> {
        Ok(self.technician.clone())
    }

    fn code(&mut self) -> Result<String, Left> {
        self.code.clone().ok_or(Left)
    }

    fn highest_address(&mut self, _: &str, most: u8) -> Result<u8, Left> {
        Ok(self.highest_address.unwrap_or(most).min(most))
    }

    fn go_on(&mut self, question: &str) -> Result<(), Left> {
        self.tell(question);
        if self.go_on { Ok(()) } else { Err(Left) }
    }

    fn attempt(&mut self, lock: Wiring) -> Result<Attempt, Left> {
        Ok(if self.of(lock).is_some() { Attempt::Try } else { Attempt::Unused })
    }

    fn opened(&mut self, lock: Wiring, hint: &str) -> Result<Seen, Left> {
        self.tell(&format!("board {} channel {}: {hint}", lock.board, lock.channel));
        self.of(lock).map(|answers| Seen::Opened(answers.opened.clone())).ok_or(Left)
    }

    fn door(&mut self, lock: Wiring, usual: DoorSheet) -> Result<DoorSheet, Left> {
        let answers = self.of(lock).ok_or(Left)?;
        Ok(DoorSheet {
            number: usual.number,
            size: answers.size.unwrap_or(usual.size),
            low_reach: answers.low_reach.unwrap_or(usual.low_reach),
            features: answers.features.clone().unwrap_or(usual.features),
            column: answers.column.unwrap_or(usual.column),
            row: answers.row.unwrap_or(usual.row),
            height: answers.height.unwrap_or(usual.height),
        })
    }

    fn word(&mut self, part: &str, question: &str) -> Result<Word, Left> {
        self.tell(&format!("{part}: {question}"));
        Ok(match self.parts.get(part) {
            Some(Said::Works) => Word::Works,
            Some(Said::Broken) => Word::Broken,
            Some(Said::Later) | None => Word::Later,
        })
    }
}
