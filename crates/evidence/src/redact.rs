//! Makes a bundle that tells less and proves the same: chosen fields go with their salts, their commitments stay.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::str::FromStr;

use bailee_domain::id::PersonId;
use bailee_wire::event::hex;

use crate::archive::Archive;
use crate::commitment::PERSON_FIELDS;
use crate::write::{Attached, CHECKPOINT, Draft, FILES, KEY, STATEMENT};
use crate::{
    Fault, Opening, Options, Statement, WriteError, Written, bag, check, entries, opening, places, write,
};

/// What to leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaveOut {
    /// All that is told of a person.
    Person(PersonId),
    /// One field of a person.
    PersonField(PersonId, String),
    /// One field of everybody.
    Field(String),
    /// Why the bundle was exported.
    Reason,
    /// All photos and other files.
    Files,
    /// The file with this SHA-256.
    File([u8; 32]),
}

/// Text that names nothing to leave out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not `person:per_…`, `person:per_…:FIELD`, a field (name, unit, email, phone, reach), `reason`, `files` or `file:SHA256`"
)]
pub struct NothingToLeaveOut;

impl FromStr for LeaveOut {
    type Err = NothingToLeaveOut;

    fn from_str(text: &str) -> Result<Self, NothingToLeaveOut> {
        if let Some(hash) = text.strip_prefix("file:") {
            return bag::unhex(hash).map(Self::File).ok_or(NothingToLeaveOut);
        }
        let is_field = |name: &str| PERSON_FIELDS.contains(&name);
        let Some(rest) = text.strip_prefix("person:") else {
            return match text {
                "reason" => Ok(Self::Reason),
                "files" => Ok(Self::Files),
                name if is_field(name) => Ok(Self::Field(name.to_owned())),
                _ => Err(NothingToLeaveOut),
            };
        };
        match rest.split_once(':') {
            None => rest.parse().map(Self::Person).map_err(|_| NothingToLeaveOut),
            Some((person, name)) if is_field(name) => {
                let person = person.parse().map_err(|_| NothingToLeaveOut)?;
                Ok(Self::PersonField(person, name.to_owned()))
            }
            Some(_) => Err(NothingToLeaveOut),
        }
    }
}

/// Why a bundle could not be made to tell less.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// It was not sound to begin with.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// What was to be left out is not told in it.
    #[error("the bundle tells nothing of {0}")]
    NotTold(String),
    /// The new one could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<io::Error> for RedactError {
    fn from(error: io::Error) -> Self {
        Self::Fault(Fault::Failed(error))
    }
}

/// Checks a bundle and writes one without what is to be left out.
///
/// # Errors
/// [`RedactError`].
pub fn redact<R: Read + Seek>(
    mut source: R,
    out: impl Write + Seek,
    drops: &[LeaveOut],
    options: &Options,
) -> Result<Written, RedactError> {
    check(&mut source, options)?;
    let mut archive = Archive::open(&mut source)?;
    let bag = bag::folder(&archive)?;
    let mut bytes = |path: &str| archive.bytes(&format!("{bag}{path}"), 8 << 20);
    let mut statement = Statement::parse(&bytes(STATEMENT)?)?;
    let mut openings = opening::parse(&bytes(opening::PLACE)?)?;
    let places = places::parse(&bytes(places::PLACE)?)?;
    let checkpoint = String::from_utf8_lossy(&bytes(CHECKPOINT)?).into_owned();
    let key = String::from_utf8_lossy(&bytes(KEY)?).trim().parse();
    let key = key.map_err(|_| Fault::unsound(KEY, "is not a verifying key"))?;
    let mut files = attached(&mut archive, &bag, drops)?;
    for drop in drops {
        let left_out = apply(drop, &mut statement, &mut openings, &mut files);
        statement.left_out.push(left_out.ok_or_else(|| RedactError::NotTold(words(drop)))?);
    }
    crate::RENDERER.clone_into(&mut statement.report);
    let mut spool = tempfile::tempfile()?;
    copy(&mut archive, &format!("{bag}{}", entries::PLACE), &mut spool)?;
    let draft = Draft { statement, checkpoint, key, openings, places, files: files.kept };
    Ok(write(out, draft, &mut BufReader::new(spool))?)
}

/// Leaves it out; the words for it, or `None` when nothing of it was told.
fn apply(
    drop: &LeaveOut,
    statement: &mut Statement,
    openings: &mut Vec<Opening>,
    files: &mut Files,
) -> Option<String> {
    let before = openings.len();
    let left_out = match drop {
        LeaveOut::Person(person) => {
            let person = person.to_string();
            openings.retain(|opening| opening.person != person);
            openings.len() < before
        }
        LeaveOut::PersonField(person, name) => {
            let person = person.to_string();
            let of_person = openings.iter_mut().filter(|opening| opening.person == person);
            of_person.map(|opening| opening.leave_out(name)).fold(false, |any, one| any | one)
        }
        LeaveOut::Field(name) => {
            openings.iter_mut().map(|opening| opening.leave_out(name)).fold(false, |any, one| any | one)
        }
        LeaveOut::Reason => {
            let told = statement.request.reason.is_some();
            statement.request.without_reason();
            told
        }
        LeaveOut::Files => !std::mem::take(&mut files.dropped).is_empty(),
        LeaveOut::File(sha256) => files.dropped.remove(sha256),
    };
    left_out.then(|| words(drop))
}

fn words(drop: &LeaveOut) -> String {
    match drop {
        LeaveOut::Person(person) => format!("person {person}"),
        LeaveOut::PersonField(person, name) => format!("person {person} {name}"),
        LeaveOut::Field(name) => format!("{name} of everybody"),
        LeaveOut::Reason => "reason".to_owned(),
        LeaveOut::Files => "files".to_owned(),
        LeaveOut::File(sha256) => format!("file {}", hex(sha256)),
    }
}

fn copy<R: Read + Seek>(archive: &mut Archive<R>, name: &str, to: &mut std::fs::File) -> Result<(), Fault> {
    io::copy(&mut archive.content(name)?, to)?;
    to.seek(SeekFrom::Start(0))?;
    Ok(())
}

/// The files that go along.
struct Files {
    /// Those that stay, each in a temporary file of its own.
    kept: Vec<Attached<'static>>,
    /// Those that are left out, until it was said of each.
    dropped: BTreeSet<[u8; 32]>,
}

fn attached<R: Read + Seek>(archive: &mut Archive<R>, bag: &str, drops: &[LeaveOut]) -> Result<Files, Fault> {
    let folder = format!("{bag}{FILES}");
    let names: Vec<String> =
        archive.names().filter(|name| name.starts_with(&folder)).map(str::to_owned).collect();
    let mut files = Files { kept: Vec::new(), dropped: BTreeSet::new() };
    for name in names {
        let Some((hash, ending)) = name[folder.len()..].split_once('.') else { continue };
        let Some(sha256) = bag::unhex(hash) else { continue };
        if drops.iter().any(|drop| *drop == LeaveOut::Files || *drop == LeaveOut::File(sha256)) {
            files.dropped.insert(sha256);
            continue;
        }
        let mut file = tempfile::tempfile()?;
        copy(archive, &name, &mut file)?;
        files.kept.push(Attached { ending: ending.to_owned(), sha256, content: Box::new(file) });
    }
    Ok(files)
}
