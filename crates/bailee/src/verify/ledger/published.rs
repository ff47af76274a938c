//! The signed files of a published log, each read once so that all of a check is about the same ones, and the demand that
//! nobody signed them but those whom the log, or the caller's policy, names.

use bailee_audit::note::MAX_NOTE_LEN;
use bailee_audit::signers::StrayLine;
use bailee_audit::verify::{CHECKPOINT_PATH, SourceError};
use bailee_audit::{Checkpoint, CosignerKey, Edge, Note, Report, Signers, Source, leaf_hash};
use bailee_domain::platform::PlatformEventKind;
use bailee_wire::event::Leaf;

use super::NotWitnessed;

/// Path of the newest checkpoint that a quorum of witnesses cosigned.
pub(super) const WITNESSED_PATH: &str = "witnessed";

/// A log with its signed files read.
#[derive(Clone)]
pub(super) struct Published<S> {
    source: S,
    checkpoint: Option<Vec<u8>>,
    /// `None` if the log has none.
    witnessed: Result<Option<Vec<u8>>, String>,
}

/// The tree the witnessed checkpoint is about, as the entries checked make it.
pub(super) struct Earlier {
    size: u64,
    edge: Edge,
}

impl<S: Source> Published<S> {
    /// Reads what was witnessed before anything else: the log may only have grown since.
    pub fn read(mut source: S) -> Self {
        let witnessed = match source.read(WITNESSED_PATH, MAX_NOTE_LEN + 1) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(SourceError::Absent) => Ok(None),
            Err(SourceError::Failed(error)) => Err(error.to_string()),
        };
        Self { source, checkpoint: None, witnessed }
    }

    /// The tree to make of the entries.
    pub fn earlier(&self) -> Earlier {
        let note = self.witnessed.as_ref().ok().and_then(|bytes| Note::parse(bytes.as_ref()?).ok());
        // What is wrong with it is said in the end.
        let said = note.and_then(|note| Checkpoint::from_text(note.text()).ok());
        Earlier { size: said.map_or(0, |checkpoint| checkpoint.size), edge: Edge::empty() }
    }

    /// Checks every signature line of both files, and that the log begins with what was witnessed; how many cosignatures the
    /// checkpoint has.
    pub fn settled(
        &mut self,
        signers: &Signers,
        earlier: &Earlier,
        report: &Report,
    ) -> anyhow::Result<usize> {
        let bytes = self.read(CHECKPOINT_PATH, MAX_NOTE_LEN).unwrap_or_default();
        let note = Note::parse(&bytes).map_err(|error| anyhow::anyhow!("{CHECKPOINT_PATH}: {error}"))?;
        let cosignatures = signers.check(&note).map_err(|stray| strays(CHECKPOINT_PATH, &stray))?;
        let witnessed = self.witnessed.as_ref();
        if let Some(bytes) =
            witnessed.map_err(|error| anyhow::anyhow!("{WITNESSED_PATH} cannot be read: {error}"))?
        {
            self.witnessed(bytes, signers, earlier, report)?;
        }
        Ok(cosignatures)
    }

    fn witnessed(
        &self,
        bytes: &[u8],
        signers: &Signers,
        earlier: &Earlier,
        report: &Report,
    ) -> anyhow::Result<()> {
        let note = Note::parse(bytes).map_err(|error| anyhow::anyhow!("{WITNESSED_PATH}: {error}"))?;
        let mut opened =
            Err(NotWitnessed(format!("{WITNESSED_PATH}: not signed by a key of the log")).into());
        for key in signers.logs_of(&note) {
            opened = Checkpoint::open(bytes, key).map_err(|error| {
                let why = format!("{WITNESSED_PATH}: {error}");
                if error.is_about_form() { anyhow::anyhow!(why) } else { NotWitnessed(why).into() }
            });
            if opened.is_ok() {
                break;
            }
        }
        let opened = opened?;
        let (vouched, newest) = (&opened.checkpoint, &report.checkpoint);
        if vouched.size > newest.size {
            let why = format!(
                "{WITNESSED_PATH}: witnesses vouch for {} entries and the log shows {}: it was cut, or put back",
                vouched.size, newest.size
            );
            return Err(NotWitnessed(why).into());
        }
        if earlier.edge.root() != vouched.root {
            let why = format!(
                "{WITNESSED_PATH}: the first {} entries are not those that the witnesses vouch for",
                vouched.size
            );
            return Err(NotWitnessed(why).into());
        }
        signers.check(&opened.note).map(drop).map_err(|stray| strays(WITNESSED_PATH, &stray).into())
    }
}

fn strays(path: &str, stray: &StrayLine) -> NotWitnessed {
    NotWitnessed(format!("{path}: {stray}"))
}

impl Earlier {
    /// Takes in the next entry.
    pub fn entry(&mut self, index: u64, entry: &[u8]) {
        if index < self.size {
            self.edge.push(leaf_hash(entry), &mut |_, _| ());
        }
    }
}

/// Takes in the witness that an entry names.
pub(super) fn named(leaf: &Leaf, signers: &mut Signers) -> Result<(), String> {
    let Leaf::Platform { event, .. } = leaf else { return Ok(()) };
    let PlatformEventKind::WitnessNamed { witness } = &event.kind else { return Ok(()) };
    let key: CosignerKey =
        witness.parse().map_err(|error| format!("the witness it names has no verifier key: {error}"))?;
    signers.witness(key);
    Ok(())
}

impl<S: Source> Source for Published<S> {
    fn read(&mut self, path: &str, most: usize) -> Result<Vec<u8>, SourceError> {
        let mut bytes = match path {
            WITNESSED_PATH => match &self.witnessed {
                Ok(Some(bytes)) => bytes.clone(),
                Ok(None) => return Err(SourceError::Absent),
                Err(error) => return Err(SourceError::Failed(error.clone().into())),
            },
            CHECKPOINT_PATH => match &self.checkpoint {
                Some(bytes) => bytes.clone(),
                None => self.checkpoint.insert(self.source.read(path, MAX_NOTE_LEN + 1)?).clone(),
            },
            _ => return self.source.read(path, most),
        };
        bytes.truncate(most);
        Ok(bytes)
    }

    fn read_into(&mut self, path: &str, most: usize, bytes: &mut Vec<u8>) -> Result<(), SourceError> {
        if path == CHECKPOINT_PATH || path == WITNESSED_PATH {
            *bytes = self.read(path, most)?;
            return Ok(());
        }
        self.source.read_into(path, most, bytes)
    }
}
