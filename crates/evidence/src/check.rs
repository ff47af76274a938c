//! The check of a bundle, in the order of `docs/reference/evidence-bundle.md`: each step trusts only what the one before
//! has shown, so the first thing that doesn't fit is the thing that is wrong.

mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read, Seek, Write};

use aws_lc_rs::digest::{Context, SHA256};
use bailee_audit::handover::successor;
use bailee_audit::{Checkpoint, TreeHead, VerifyingKey};
use bailee_domain::platform::Actor;
use bailee_domain::time::WallTime;
use bailee_wire::event::{Hash, time_text};

use crate::archive::Archive;
use crate::bag::{self, Hashes, unhex};
use crate::facts::{Claim, Facts, Passed, pass};
use crate::report::{Sources, render};
use crate::write::{CHECKPOINT, EPCIS, FILES, KEY, MAX_ATTACHED, README, REPORT, STATEMENT, TABLE};
use crate::{Fault, Opening, Place, RENDERER, Statement, entries, opening, places, time};

/// How far a clock may be ahead of the checker's, in milliseconds.
const AHEAD_MS: i64 = 3_600_000;
/// Bytes of the largest checkpoint: a note of the largest length.
const MAX_CHECKPOINT: usize = 1 << 20;

pub use said::{Checked, Note};

/// What a check is told.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The log's verifying key, from elsewhere than the bundle.
    pub key: Option<VerifyingKey>,
    /// Now, to refuse an export that lies in the future.
    pub now: Option<WallTime>,
}

/// Checks a bundle. Reads it from beginning to end a few times and holds little of it.
///
/// # Errors
/// The first [`Fault`].
pub fn check<R: Read + Seek>(source: R, options: &Options) -> Result<Checked, Fault> {
    let mut archive = Archive::open(source)?;
    let bag = bag::folder(&archive)?;
    let hashes = bag::check(&mut archive, &bag)?;
    let statement =
        Statement::parse(&archive.bytes(&format!("{bag}{STATEMENT}"), crate::statement::MAX_BYTES)?)?;
    has_come(&statement, options.now)?;
    let mut files = Files { archive, bag, hashes };
    let log = files.log(&statement, options)?;
    let openings = opening::parse(&files.bytes(opening::PLACE, opening::MAX_BYTES)?)?;
    let places = places::parse(&files.bytes(places::PLACE, places::MAX_BYTES)?)?;
    files.only_known()?;
    let (passed, tables) = files.entries(&statement, &log.tree, &openings)?;
    claims_hold(&statement, &openings, &passed.claims)?;
    if let Some((path, _)) = tables.iter().find(|(path, made)| files.hashes.get(*path) != Some(made)) {
        return Err(Fault::unsound(*path, "is not what these entries give"));
    }
    if statement.entries != passed.facts.counts {
        return Err(Fault::unsound(STATEMENT, "counts other entries than there are"));
    }
    let enclosed = files.enclosed();
    enclosed_are_attached(&enclosed, &passed.facts)?;
    let report_compared = files.report(&statement, &log, (&openings, &places, &enclosed), &passed.facts)?;
    Ok(said::checked(
        &statement,
        log,
        &passed.facts,
        (files.hashes.len(), enclosed.len(), openings.len(), report_compared),
    ))
}

/// An export cannot be later than now, an hour for clocks allowed.
fn has_come(statement: &Statement, now: Option<WallTime>) -> Result<(), Fault> {
    let exported = time::parse(&statement.exported.at).unwrap_or_default();
    match now {
        Some(now) if exported > now.plus_ms(AHEAD_MS) => {
            let (then, now) = (&statement.exported.at, time_text(now));
            let why = format!("says that it was exported at {then}, which has not come: here it is {now}");
            Err(Fault::unsound(STATEMENT, why))
        }
        _ => Ok(()),
    }
}

/// The log as the checkpoint has it.
struct Log {
    tree: TreeHead,
    note: Vec<u8>,
    good: usize,
    unchecked: usize,
    key_from_bundle: bool,
}

/// What the tables made from the entries hash to.
type Tables = [(&'static str, Hash); 2];

/// A bag whose manifests hold.
struct Files<R> {
    archive: Archive<R>,
    bag: String,
    hashes: Hashes,
}

impl<R: Read + Seek> Files<R> {
    fn bytes(&mut self, path: &str, most: usize) -> Result<Vec<u8>, Fault> {
        if !self.hashes.contains_key(path) {
            return Err(Fault::unsound(path, "is missing"));
        }
        self.archive.bytes(&format!("{}{path}", self.bag), most)
    }

    fn log(&mut self, statement: &Statement, options: &Options) -> Result<Log, Fault> {
        let text = self.bytes(KEY, 1_024)?;
        let theirs = std::str::from_utf8(&text).ok().and_then(|text| text.strip_suffix('\n')?.parse().ok());
        let theirs: VerifyingKey = theirs.ok_or_else(|| Fault::unsound(KEY, "is not a verifying key"))?;
        let key = options.key.clone().unwrap_or_else(|| theirs.clone());
        let note = self.bytes(CHECKPOINT, MAX_CHECKPOINT)?;
        let followed = || Some(successor(&bailee_audit::Note::parse(&note).ok()?, &key).ok()??.key);
        if key != theirs && followed() != Some(theirs) {
            return Err(Fault::unsound(KEY, "is not the key you gave, nor one it was handed over to"));
        }
        let opened = open_checkpoint(&note, &key, statement)?;
        let (good, unchecked) = (opened.checked.good, opened.checked.unchecked);
        let tree = opened.head();
        Ok(Log { tree, note, good, unchecked, key_from_bundle: options.key.is_none() })
    }

    /// Every file is one a bundle has, and what is named by its hash has it.
    fn only_known(&self) -> Result<(), Fault> {
        const KNOWN: [&str; 10] = [
            STATEMENT,
            CHECKPOINT,
            KEY,
            entries::PLACE,
            opening::PLACE,
            places::PLACE,
            TABLE,
            EPCIS,
            REPORT,
            README,
        ];
        for (path, hash) in &self.hashes {
            if let Some(name) = path.strip_prefix(FILES) {
                let named = name.split_once('.').and_then(|(name, _)| unhex(name));
                if named != Some(*hash) {
                    return Err(Fault::unsound(path, "is not the file it is named for"));
                }
            } else if path.starts_with("data/") && !KNOWN.contains(&path.as_str()) {
                return Err(Fault::unsound(path, "is no file of a bundle"));
            }
        }
        match KNOWN.iter().find(|path| !self.hashes.contains_key(**path)) {
            Some(missing) => Err(Fault::unsound(*missing, "is missing")),
            None => Ok(()),
        }
    }

    /// The files that go along: SHA-256 and name.
    fn enclosed(&self) -> BTreeMap<Hash, String> {
        let named = |(path, hash): (&String, &Hash)| Some((*hash, path.strip_prefix(FILES)?.to_owned()));
        self.hashes.iter().filter_map(named).collect()
    }

    fn entries(
        &mut self,
        statement: &Statement,
        tree: &TreeHead,
        openings: &[Opening],
    ) -> Result<(Passed, Tables), Fault> {
        let indexes = wanted(statement, openings);
        let (mut table, mut epcis) = (Hashed::new(), Hashed::new());
        let content = self.archive.content(&format!("{}{}", self.bag, entries::PLACE))?;
        let passed = pass(&mut BufReader::new(content), statement, tree, &indexes, (&mut table, &mut epcis))?;
        Ok((passed, [(TABLE, table.finish()), (EPCIS, epcis.finish())]))
    }

    /// Draws the report again, if this program draws it the same way, and compares; returns whether it did.
    fn report(
        &mut self,
        statement: &Statement,
        log: &Log,
        (openings, places, enclosed): (&[Opening], &[Place], &BTreeMap<Hash, String>),
        facts: &Facts,
    ) -> Result<bool, Fault> {
        if statement.report != RENDERER {
            return Ok(false);
        }
        let mut attached = Vec::new();
        for path in [STATEMENT, CHECKPOINT, KEY, opening::PLACE, places::PLACE, entries::PLACE, TABLE, EPCIS]
        {
            if self.archive.size(&format!("{}{path}", self.bag)).is_some_and(|size| size <= MAX_ATTACHED) {
                attached.push((path, self.bytes(path, MAX_ATTACHED as usize)?));
            }
        }
        let checkpoint = String::from_utf8_lossy(&log.note).into_owned();
        let sources =
            Sources { statement, checkpoint: &checkpoint, openings, places, enclosed, facts, attached };
        let drawn =
            render(sources).map_err(|error| Fault::unsound(REPORT, format!("cannot be drawn: {error}")))?;
        match self.hashes.get(REPORT) == Some(&crate::commitment::sha256(&[&drawn])) {
            true => Ok(true),
            false => Err(Fault::unsound(REPORT, "is not the report of this bundle")),
        }
    }
}

/// Every file that goes along is one that an entry here attaches.
pub(crate) fn enclosed_are_attached(enclosed: &BTreeMap<Hash, String>, facts: &Facts) -> Result<(), Fault> {
    match enclosed.iter().find(|(sha256, _)| !facts.files.contains_key(*sha256)) {
        Some((_, name)) => {
            Err(Fault::unsound(format!("{FILES}{name}"), "is attached by none of the entries here"))
        }
        None => Ok(()),
    }
}

/// Hashes what is written to it.
struct Hashed(Context);

impl Hashed {
    fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    fn finish(self) -> Hash {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.finish().as_ref());
        out
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) struct Opened {
    head: TreeHead,
    checked: bailee_audit::note::Checked,
}

impl Opened {
    pub(crate) const fn head(&self) -> TreeHead {
        self.head
    }
}

/// Checks the signature on the checkpoint, and that the statement names it.
pub(crate) fn open_checkpoint(
    note: &[u8],
    key: &VerifyingKey,
    statement: &Statement,
) -> Result<Opened, Fault> {
    let opened =
        Checkpoint::open(note, key).map_err(|error| Fault::unsound(CHECKPOINT, error.to_string()))?;
    let head = opened.checkpoint.head();
    let named = (&statement.log.origin, statement.log.size, statement.root());
    if named != (&opened.checkpoint.origin, head.size, Some(head.root)) {
        return Err(Fault::unsound(STATEMENT, "names another checkpoint than the one here"));
    }
    Ok(Opened { head, checked: opened.checked })
}

/// The indexes of the entries that statement and openings are about.
pub(crate) fn wanted(statement: &Statement, openings: &[Opening]) -> BTreeSet<u64> {
    let mut indexes: BTreeSet<u64> = openings.iter().map(|opening| opening.entry).collect();
    indexes.insert(statement.exported.entry);
    indexes
}

/// Checks statement and openings against the entries they are about.
pub(crate) fn claims_hold(
    statement: &Statement,
    openings: &[Opening],
    claims: &BTreeMap<u64, Claim>,
) -> Result<(), Fault> {
    let exported = &statement.exported;
    let wrong = |why: &str| Err(Fault::unsound(STATEMENT, why));
    let Some(Claim::Export(at, actor, request)) = claims.get(&exported.entry) else {
        return wrong("names an entry for the export that is not here or is none");
    };
    if Some(*at) != time::parse(&exported.at) || actor_text(actor) != exported.by {
        return wrong("names another exporter or another time than the log");
    }
    if statement.request.opens() != Some(*request) {
        return wrong("is about another request or reason than the log has");
    }
    for (opening, number) in openings.iter().zip(1..) {
        let claimed = match claims.get(&opening.entry) {
            Some(Claim::Person(person, details)) if person.to_string() == opening.person => Some(*details),
            _ => None,
        };
        if claimed.is_none() || opening.opens() != claimed {
            let place = format!("{}, line {number}", opening::PLACE);
            let why = format!("does not open the commitment in entry {}", opening.entry);
            return Err(Fault::unsound(place, why));
        }
    }
    Ok(())
}

/// An actor as the statement names them.
pub(crate) fn actor_text(actor: &Actor) -> String {
    match actor {
        Actor::Platform => "platform".to_owned(),
        Actor::Anonymous => "anonymous".to_owned(),
        Actor::Person(person) => person.to_string(),
        Actor::Token(token) => token.to_string(),
        Actor::Bank(bank) => bank.to_string(),
    }
}
