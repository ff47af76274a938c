//! `data/openings.jsonl`: what commitments in the log stand for, field by field, as far as it is told.

use bailee_domain::id::PersonId;
use bailee_wire::event::{Hash, hex};
use serde::{Deserialize, Serialize};

use crate::bag::unhex;
use crate::commitment::{self, PERSON, PERSON_FIELDS};
use crate::{Fault, MAX_OPENINGS};

pub(crate) const PLACE: &str = "data/openings.jsonl";
/// Bytes of the longest file of openings.
pub(crate) const MAX_BYTES: usize = MAX_OPENINGS * 4_096;

/// One field: told with value and salt, or left out with its commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum FieldLine {
    /// Told.
    Told {
        /// The field.
        name: String,
        /// Its value; `None` for a field without one.
        value: Option<String>,
        /// Its own salt, in hexadecimal.
        salt: String,
    },
    /// Left out.
    LeftOut {
        /// The field.
        name: String,
        /// Its commitment, in hexadecimal.
        commitment: String,
    },
}

impl FieldLine {
    /// The field's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Told { name, .. } | Self::LeftOut { name, .. } => name,
        }
    }

    fn hash(&self, set: &str) -> Option<Hash> {
        match self {
            Self::Told { name, value, salt } => {
                Some(commitment::field(set, name, value.as_deref(), &unhex(salt)?))
            }
            Self::LeftOut { commitment, .. } => unhex(commitment),
        }
    }
}

/// What the log's commitment to a person's details stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The entry that holds the commitment.
    pub entry: u64,
    /// Whose details.
    pub person: String,
    /// The field set.
    pub set: String,
    /// Every field of the set, in order.
    pub fields: Vec<FieldLine>,
}

impl Opening {
    /// Opens a person's details under the salt of the set: `fields` are the set's, in order.
    #[must_use]
    pub fn of_person(entry: u64, person: PersonId, fields: &[(&str, Option<&str>)], salt: &[u8; 32]) -> Self {
        let told = |(name, value): &(&str, Option<&str>)| FieldLine::Told {
            name: (*name).to_owned(),
            value: value.map(str::to_owned),
            salt: hex(&commitment::field_salt(salt, name)),
        };
        Self {
            entry,
            person: person.to_string(),
            set: PERSON.to_owned(),
            fields: fields.iter().map(told).collect(),
        }
    }

    /// Leaves a field out; what is left still opens the commitment. Returns whether it had been told.
    pub fn leave_out(&mut self, name: &str) -> bool {
        let set = self.set.clone();
        let field =
            self.fields.iter_mut().find(|it| matches!(it, FieldLine::Told { .. }) && it.name() == name);
        let Some(field) = field else { return false };
        let hash = field.hash(&set).unwrap_or_default();
        *field = FieldLine::LeftOut { name: name.to_owned(), commitment: hex(&hash) };
        true
    }

    /// The value of a field that is told.
    pub(crate) fn value(&self, field: &str) -> Option<&str> {
        self.fields.iter().find_map(|it| match it {
            FieldLine::Told { name, value, .. } if name == field => value.as_deref(),
            _ => None,
        })
    }

    /// The commitment it opens.
    pub(crate) fn opens(&self) -> Option<Hash> {
        let names: Vec<&str> = self.fields.iter().map(FieldLine::name).collect();
        if self.set != PERSON || names != PERSON_FIELDS {
            return None;
        }
        let hashes = self.fields.iter().map(|field| field.hash(&self.set)).collect::<Option<Vec<_>>>()?;
        Some(commitment::set(&hashes))
    }
}

pub(crate) fn to_bytes(openings: &[Opening]) -> Vec<u8> {
    let line =
        |opening| serde_json::to_string(opening).expect("an opening has nothing JSON cannot say") + "\n";
    openings.iter().map(line).collect::<String>().into_bytes()
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Opening>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::unsound(PLACE, "is not text"))?;
    let mut openings = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if number > MAX_OPENINGS {
            return Err(Fault::unsound(PLACE, format!("has more than {MAX_OPENINGS} lines")));
        }
        let opening = serde_json::from_str(line);
        openings.push(opening.map_err(|_| Fault::unsound(PLACE, format!("line {number} cannot be read")))?);
    }
    match to_bytes(&openings) == bytes {
        true => Ok(openings),
        false => Err(Fault::unsound(PLACE, "is not in the one form openings have")),
    }
}
