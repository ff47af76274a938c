//! `data/statement.json`: what was asked, by whom, why and when, of which log, and what was left out.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bailee_audit::Hash as TreeHash;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{AlertId, BankId, ParcelId, PersonId};
use bailee_domain::time::WallTime;
use bailee_wire::event::{Hash, hex, time_text};
use serde::{Deserialize, Serialize};

use crate::bag::unhex;
use crate::commitment::{self, REQUEST, REQUEST_FIELDS};
use crate::{Fault, time};

/// The format this program writes and reads.
pub(crate) const FORMAT: &str = "bailee-evidence/1";
/// Bytes of the longest statement.
pub(crate) const MAX_BYTES: usize = 256 << 10;

/// What a bundle is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Everything between two times.
    Span,
    /// One parcel.
    Parcel(ParcelId),
    /// One compartment of a bank.
    Compartment(BankId, CompartmentNo),
    /// One bank.
    Bank(BankId),
    /// One person: what was done for them or by them.
    Person(PersonId),
    /// An alert and what was around it: its bank between two times, and the whole way of the parcels at its compartment.
    Incident(AlertId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Span => f.write_str("span"),
            Self::Parcel(parcel) => write!(f, "parcel {parcel}"),
            Self::Compartment(bank, number) => write!(f, "compartment {bank} {}", number.0),
            Self::Bank(bank) => write!(f, "bank {bank}"),
            Self::Person(person) => write!(f, "person {person}"),
            Self::Incident(alert) => write!(f, "incident {alert}"),
        }
    }
}

/// Text that names no subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not `span`, `parcel …`, `compartment … …`, `bank …`, `person …` or `incident …`")]
pub struct NotASubject;

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, NotASubject> {
        let words: Vec<&str> = text.split(' ').collect();
        let read = match words[..] {
            ["span"] => Some(Self::Span),
            ["parcel", id] => id.parse().ok().map(Self::Parcel),
            ["compartment", bank, number] => bank
                .parse()
                .ok()
                .zip(number.parse().ok().map(CompartmentNo))
                .map(|(bank, number)| Self::Compartment(bank, number)),
            ["bank", id] => id.parse().ok().map(Self::Bank),
            ["person", id] => id.parse().ok().map(Self::Person),
            ["incident", id] => id.parse().ok().map(Self::Incident),
            _ => None,
        };
        read.filter(|subject| subject.to_string() == text).ok_or(NotASubject)
    }
}

/// The log and the tree that everything in a bundle is proved against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The log's origin line.
    pub origin: String,
    /// Entries in the tree.
    pub size: u64,
    /// Its root, in base64.
    pub root: String,
}

/// What was asked for and why, as far as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// A [`Subject`] as text.
    pub subject: String,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why, in the exporter's words; absent when it was left out later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The salts of the fields that are told, in hexadecimal.
    pub salts: BTreeMap<String, String>,
    /// The commitments to those that are not.
    pub commitments: BTreeMap<String, String>,
}

impl Request {
    /// A request told in full, under the salt of its field set.
    #[must_use]
    pub fn new(
        subject: &Subject,
        span: (Option<WallTime>, Option<WallTime>),
        reason: &str,
        salt: &[u8; 32],
    ) -> Self {
        let salts = REQUEST_FIELDS
            .iter()
            .map(|name| ((*name).to_owned(), hex(&commitment::field_salt(salt, name))))
            .collect();
        Self {
            subject: subject.to_string(),
            from: span.0.map(time_text),
            until: span.1.map(time_text),
            reason: Some(reason.to_owned()),
            salts,
            commitments: BTreeMap::new(),
        }
    }

    /// What the log commits to.
    #[must_use]
    pub fn commitment(
        subject: &Subject,
        span: (Option<WallTime>, Option<WallTime>),
        reason: &str,
        salt: &[u8; 32],
    ) -> Hash {
        let asked = Self::new(subject, span, reason, salt).subject_value();
        commitment::commit(REQUEST, &[("subject", Some(&asked)), ("reason", Some(reason))], salt)
    }

    fn subject_value(&self) -> String {
        let or_open = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        format!("{}\n{}\n{}", self.subject, or_open(&self.from), or_open(&self.until))
    }

    /// The commitment this request opens, from what is told and what is not.
    pub(crate) fn opens(&self) -> Option<Hash> {
        let subject = self.subject_value();
        let values = [Some(subject.as_str()), self.reason.as_deref()];
        let mut hashes = Vec::new();
        for (name, value) in REQUEST_FIELDS.iter().zip(values) {
            let told = self.salts.get(*name).and_then(|salt| unhex(salt));
            let left_out = self.commitments.get(*name).and_then(|hash| unhex(hash));
            hashes.push(match (told, left_out, value) {
                (Some(salt), None, Some(value)) => commitment::field(REQUEST, name, Some(value), &salt),
                (None, Some(hash), None) => hash,
                _ => return None,
            });
        }
        let known = self.salts.len() + self.commitments.len() == REQUEST_FIELDS.len();
        known.then(|| commitment::set(&hashes))
    }

    /// The same without the reason.
    pub(crate) fn without_reason(&mut self) {
        let salt = self.salts.remove("reason").and_then(|salt| unhex(&salt));
        if let (Some(reason), Some(salt)) = (self.reason.take(), salt) {
            let hash = commitment::field(REQUEST, "reason", Some(&reason), &salt);
            self.commitments.insert("reason".to_owned(), hex(&hash));
        }
    }
}

/// Who exported, and which entry of the log says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// When.
    pub at: String,
    /// Who: an id, or `platform` for the command line.
    pub by: String,
    /// The index of the entry.
    pub entry: u64,
}

/// How many entries there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// What the bundle is about.
    pub asked: u64,
    /// With those that prove them.
    pub all: u64,
}

/// `data/statement.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The format, such as `bailee-evidence/1`.
    pub format: String,
    /// The log and the tree.
    pub log: Log,
    /// What was asked for.
    pub request: Request,
    /// Who exported it.
    pub exported: Exported,
    /// How many entries.
    pub entries: Counts,
    /// What was left out, on export or later, in words.
    pub left_out: Vec<String>,
    /// The version of the report's drawing.
    pub report: String,
    /// The program that made the bundle.
    pub software: String,
}

impl Statement {
    /// A statement; the counts are filled in when the bundle is written.
    #[must_use]
    pub fn new(log: Log, request: Request, exported: Exported, left_out: Vec<String>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            log,
            request,
            exported,
            entries: Counts::default(),
            left_out,
            report: crate::RENDERER.to_owned(),
            software: concat!("bailee ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        const PLACE: &str = "data/statement.json";
        let statement: Self = serde_json::from_slice(bytes)
            .map_err(|error| Fault::unusable(PLACE, format!("cannot be read: {error}")))?;
        if statement.format != FORMAT {
            return Err(Fault::unusable(
                PLACE,
                format!("has format {:?}; this program knows {FORMAT}", statement.format),
            ));
        }
        if statement.to_bytes() != bytes {
            return Err(Fault::unsound(PLACE, "is not in the one form a statement has"));
        }
        let times =
            [Some(&statement.exported.at), statement.request.from.as_ref(), statement.request.until.as_ref()];
        if times.into_iter().flatten().any(|text| time::parse(text).is_none()) {
            return Err(Fault::unsound(PLACE, "has a time that is none"));
        }
        if statement.request.subject.parse::<Subject>().is_err() {
            return Err(Fault::unsound(PLACE, "names a subject that is none"));
        }
        Ok(statement)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a statement has nothing JSON cannot say");
        bytes.push(b'\n');
        bytes
    }

    pub(crate) fn root(&self) -> Option<TreeHash> {
        self.log.root.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_read_back_and_have_one_spelling() {
        let bank = BankId::from_bytes([1; 16]);
        for subject in [
            Subject::Span,
            Subject::Parcel(ParcelId::from_bytes([2; 16])),
            Subject::Compartment(bank, CompartmentNo(7)),
            Subject::Bank(bank),
            Subject::Person(PersonId::from_bytes([3; 16])),
            Subject::Incident(AlertId::from_bytes([4; 16])),
        ] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        for bad in
            ["", "span ", "parcel", "parcel x", &format!("compartment {bank} 07"), &format!("bank {bank} 1")]
        {
            assert_eq!(bad.parse::<Subject>(), Err(NotASubject), "{bad:?}");
        }
    }

    #[test]
    fn a_request_opens_its_commitment_with_and_without_the_reason() {
        let span = (Some(WallTime::from_unix_ms(0)), None);
        let logged = Request::commitment(&Subject::Span, span, "a claim", &[9; 32]);
        let mut request = Request::new(&Subject::Span, span, "a claim", &[9; 32]);
        assert_eq!(request.opens(), Some(logged));
        let mut other = request.clone();
        other.reason = Some("another".into());
        assert_ne!(other.opens(), Some(logged));
        request.without_reason();
        assert_eq!((request.opens(), &request.reason), (Some(logged), &None));
        request.reason = Some("a made-up one".into());
        assert_eq!(request.opens(), None);
    }
}
