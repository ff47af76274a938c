//! Puts a bundle together from entries that somebody collected. What is written has passed every check on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use bailee_audit::{TreeHead, VerifyingKey};

use crate::archive::{Packed, Packer};
use crate::check::{claims_hold, enclosed_are_attached, open_checkpoint, wanted};
use crate::facts::{Passed, pass};
use crate::report::{Sources, render};
use crate::statement::Counts;
use crate::{Fault, MAX_OPENINGS, Opening, Place, Statement, bag, opening, places};

pub(crate) const STATEMENT: &str = "data/statement.json";
pub(crate) const CHECKPOINT: &str = "data/log/checkpoint";
pub(crate) const KEY: &str = "data/log/key";
pub(crate) const TABLE: &str = "data/events.csv";
pub(crate) const EPCIS: &str = "data/epcis.jsonld";
pub(crate) const REPORT: &str = "data/report.pdf";
pub(crate) const README: &str = "data/README.txt";
pub(crate) const FILES: &str = "data/files/";
/// Bytes of the largest file that is attached to the report.
pub(crate) const MAX_ATTACHED: u64 = 4 << 20;

const READ_ME: &str = "This is an evidence bundle: entries of a custody log, with everything needed to check them.\n\n\
    Read report.pdf. Check the bundle as the one file it came in:\n\n    bailee verify bundle FILE --key KEY\n\n\
    It needs no network and no account. KEY is the log's verifying key; take it from where you know the operator,\n\
    not from log/key in this bundle. statement.json says what was asked for, by whom and why, and what was left out.\n";

/// A photo or another file that goes along.
pub struct Attached<'a> {
    /// Its ending, such as `jpg`: letters and digits.
    pub ending: String,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// Its content.
    pub content: Box<dyn Read + Send + 'a>,
}

/// Everything of a bundle but its entries.
pub struct Draft<'a> {
    /// What was asked; its counts are filled in.
    pub statement: Statement,
    /// The signed checkpoint with its cosignatures.
    pub checkpoint: String,
    /// The log's verifying key.
    pub key: VerifyingKey,
    /// What commitments stand for.
    pub openings: Vec<Opening>,
    /// What banks look like.
    pub places: Vec<Place>,
    /// Files that go along.
    pub files: Vec<Attached<'a>>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Entries in it.
    pub entries: Counts,
    /// Files in it.
    pub files: usize,
}

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What it was to be made of doesn't hold; nothing unsound is written.
    #[error("the bundle would not hold: {0}")]
    Unsound(Fault),
    /// The report could not be drawn.
    #[error("the report could not be drawn: {0}")]
    Report(String),
    /// Reading or writing failed.
    #[error("reading or writing failed")]
    Failed(#[from] io::Error),
}

impl From<Fault> for WriteError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Failed(error) => Self::Failed(error),
            other => Self::Unsound(other),
        }
    }
}

/// Writes a bundle; `entries` are the lines of `data/log/entries.jsonl`, read from its beginning.
///
/// # Errors
/// [`WriteError`]; what was written by then is no bundle.
pub fn write(
    out: impl Write + Seek,
    mut draft: Draft<'_>,
    entries: &mut (impl BufRead + Seek),
) -> Result<Written, WriteError> {
    if draft.openings.len() > MAX_OPENINGS {
        return Err(Fault::unusable(opening::PLACE, "has too many openings").into());
    }
    let note = draft.checkpoint.clone();
    let tree = open_checkpoint(note.as_bytes(), &draft.key, &draft.statement)?.head();
    let mut made = Made::from(&mut draft, &tree, entries)?;
    let bag = format!("evidence-{}-{}/", draft.statement.log.size, slug(&draft.statement.request.subject));
    let mut packer = Packer::new(out);
    let mut files = made.pack(&mut packer, &bag, entries, draft.files)?;
    for (name, text) in tags(&bag, &files, &draft.statement) {
        files.push(packer.file(&format!("{bag}{name}"), &mut text.as_bytes())?);
    }
    let tag_files: Vec<Packed> =
        files.iter().filter(|it| !it.name[bag.len()..].starts_with("data/")).cloned().collect();
    packer.file(&format!("{bag}{}", bag::TAGS), &mut bag::lines(&tag_files, &bag).as_bytes())?;
    packer.finish()?;
    Ok(Written { entries: draft.statement.entries, files: files.len() + 1 })
}

/// Letters, digits and dashes of a subject.
fn slug(subject: &str) -> String {
    subject.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).take(120).collect()
}

fn tags(bag: &str, files: &[Packed], statement: &Statement) -> [(&'static str, String); 3] {
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let day = statement.exported.at.get(..10).unwrap_or_default();
    let info = format!(
        "Bagging-Date: {day}\nBag-Software-Agent: {}\nExternal-Description: Evidence from the custody log {}\nPayload-Oxum: {bytes}.{}\n",
        statement.software,
        statement.log.origin,
        files.len(),
    );
    [(bag::BAGIT, bag::DECLARATION.to_owned()), (bag::INFO, info), (bag::MANIFEST, bag::lines(files, bag))]
}

/// What is made from the entries, before it is packed.
struct Made {
    small: Vec<(&'static str, Vec<u8>)>,
    table: BufReader<std::fs::File>,
    epcis: BufReader<std::fs::File>,
    report: Vec<u8>,
}

impl Made {
    fn from(
        draft: &mut Draft<'_>,
        tree: &TreeHead,
        entries: &mut (impl BufRead + Seek),
    ) -> Result<Self, WriteError> {
        let (mut table, mut epcis) = (tempfile::tempfile()?, tempfile::tempfile()?);
        entries.seek(SeekFrom::Start(0))?;
        let indexes: BTreeSet<u64> = wanted(&draft.statement, &draft.openings);
        let passed = {
            let (mut table, mut epcis) = (io::BufWriter::new(&mut table), io::BufWriter::new(&mut epcis));
            let passed = pass(entries, &draft.statement, tree, &indexes, (&mut table, &mut epcis))?;
            table.flush()?;
            epcis.flush()?;
            passed
        };
        claims_hold(&draft.statement, &draft.openings, &passed.claims)?;
        let enclosed = enclosed(&draft.files);
        enclosed_are_attached(&enclosed, &passed.facts)?;
        draft.statement.entries = passed.facts.counts;
        let small = vec![
            (STATEMENT, draft.statement.to_bytes()),
            (CHECKPOINT, draft.checkpoint.clone().into_bytes()),
            (KEY, format!("{}\n", draft.key).into_bytes()),
            (opening::PLACE, opening::to_bytes(&draft.openings)),
            (places::PLACE, places::to_bytes(&draft.places)),
            (README, READ_ME.as_bytes().to_vec()),
        ];
        let (mut table, mut epcis) = (BufReader::new(table), BufReader::new(epcis));
        let report = Self::report(draft, (&passed, &enclosed), &small, (entries, &mut table, &mut epcis))?;
        Ok(Self { small, table, epcis, report })
    }

    fn report(
        draft: &Draft<'_>,
        (passed, enclosed): (&Passed, &BTreeMap<[u8; 32], String>),
        small: &[(&'static str, Vec<u8>)],
        (entries, table, epcis): (
            &mut (impl BufRead + Seek),
            &mut (impl Read + Seek),
            &mut (impl Read + Seek),
        ),
    ) -> Result<Vec<u8>, WriteError> {
        let mut attached = small.iter().filter(|(name, _)| *name != README).cloned().collect::<Vec<_>>();
        attached.extend(whole(entries)?.map(|bytes| (crate::entries::PLACE, bytes)));
        attached.extend(whole(table)?.map(|bytes| (TABLE, bytes)));
        attached.extend(whole(epcis)?.map(|bytes| (EPCIS, bytes)));
        let sources = Sources {
            statement: &draft.statement,
            checkpoint: &draft.checkpoint,
            openings: &draft.openings,
            places: &draft.places,
            enclosed,
            facts: &passed.facts,
            attached,
        };
        render(sources).map_err(WriteError::Report)
    }

    fn pack(
        &mut self,
        packer: &mut Packer<impl Write + Seek>,
        bag: &str,
        entries: &mut (impl BufRead + Seek),
        attached: Vec<Attached<'_>>,
    ) -> Result<Vec<Packed>, WriteError> {
        let mut files = Vec::new();
        for (name, bytes) in &self.small {
            files.push(packer.file(&format!("{bag}{name}"), &mut bytes.as_slice())?);
        }
        for from in [&mut self.table, &mut self.epcis] {
            from.seek(SeekFrom::Start(0))?;
        }
        entries.seek(SeekFrom::Start(0))?;
        files.push(packer.file(&format!("{bag}{}", crate::entries::PLACE), entries)?);
        files.push(packer.file(&format!("{bag}{TABLE}"), &mut self.table)?);
        files.push(packer.file(&format!("{bag}{EPCIS}"), &mut self.epcis)?);
        files.push(packer.file(&format!("{bag}{REPORT}"), &mut self.report.as_slice())?);
        for mut file in attached {
            let name = format!("{FILES}{}", file_name(&file));
            let packed = packer.file(&format!("{bag}{name}"), &mut file.content)?;
            if packed.sha256 != file.sha256 {
                return Err(Fault::unsound(name, "is not the file it is named for").into());
            }
            files.push(packed);
        }
        Ok(files)
    }
}

/// The files that go along: SHA-256 and name.
fn enclosed(files: &[Attached<'_>]) -> BTreeMap<[u8; 32], String> {
    files.iter().map(|file| (file.sha256, file_name(file))).collect()
}

fn file_name(file: &Attached<'_>) -> String {
    let ending: String = file.ending.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let ending = if ending.is_empty() { "bin" } else { &ending };
    format!("{}.{ending}", bailee_wire::event::hex(&file.sha256))
}

/// The whole of a source that is short enough to be attached to the report.
fn whole(from: &mut (impl Read + Seek)) -> io::Result<Option<Vec<u8>>> {
    let length = from.seek(SeekFrom::End(0))?;
    if length > MAX_ATTACHED {
        return Ok(None);
    }
    from.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
