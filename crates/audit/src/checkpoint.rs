//! Checkpoints (C2SP tlog-checkpoint v1.0.0): origin, size and root of a log as the text of a signed note.

use std::fmt;

use crate::handover::{HandOver, Succession, WrongHandOver, successor};
use crate::hash::{Hash, TreeHead};
use crate::key::{Signer, VerifyingKey};
use crate::note::{Checked, Note, NoteError};
use crate::tile::parse_decimal;

/// What a log states when it signs: "at this size my root is this".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log; a URL without scheme, the same as the name of its key.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root over those entries.
    pub root: Hash,
    /// Further lines, none of them empty. Bailee writes none.
    pub extensions: Vec<String>,
}

/// A checkpoint whose signature by the log's key has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCheckpoint {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The note it came in, with every signature line.
    pub note: Note,
    /// What the check covered.
    pub checked: Checked,
    /// How the log came from the known key to the one that signed, oldest first; empty if they are the same.
    pub handed_over: Vec<HandOver>,
}

/// Why bytes aren't a checkpoint of the log.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not a note, or not signed by the key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text isn't that of a checkpoint.
    #[error("the text is not an origin, a size and a root")]
    Form,
    /// A hand-over of the log's key doesn't hold.
    #[error(transparent)]
    HandOver(#[from] WrongHandOver),
    /// A key signs a tree that can't hold the entry of its hand-over.
    #[error("the key took over after entry {after}, in a hand-over that this tree does not hold")]
    BeforeHandOver {
        /// Entries before the hand-over.
        after: u64,
    },
    /// Signed by the key, but for another log than the key's.
    #[error("the checkpoint is of the log {origin:?}, not of {expected:?}")]
    ForeignOrigin {
        /// The origin found.
        origin: String,
        /// The name of the key.
        expected: String,
    },
}

impl CheckpointError {
    /// True if the bytes aren't a checkpoint at all, false if they are one that the key doesn't vouch for.
    #[must_use]
    pub fn is_about_form(&self) -> bool {
        match self {
            Self::Note(NoteError::NotSignedBy { .. } | NoteError::WrongSignature { .. }) => false,
            Self::ForeignOrigin { .. } | Self::HandOver(_) | Self::BeforeHandOver { .. } => false,
            Self::Note(_) | Self::Form => true,
        }
    }
}

impl Checkpoint {
    /// The checkpoint of a tree, without extension lines.
    #[must_use]
    pub fn new(origin: impl Into<String>, head: TreeHead) -> Self {
        Self { origin: origin.into(), size: head.size, root: head.root, extensions: Vec::new() }
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root }
    }

    /// Signs, with the log's key first.
    ///
    /// # Errors
    /// A key couldn't be used, or origin or extensions can't be written as lines.
    pub fn sign(&self, signers: &[&dyn Signer]) -> Result<Note, CheckpointError> {
        let text = self.to_string();
        if Self::from_text(&text).as_ref() != Ok(self) {
            return Err(CheckpointError::Form);
        }
        let mut note = Note::new(text)?;
        for signer in signers {
            note.sign(*signer)?;
        }
        Ok(note)
    }

    /// Reads a checkpoint and checks that the log of that key signed it: with the key itself, or with one that it was handed
    /// over to ([`crate::handover`]). The origin must be the key's name.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn open(bytes: &[u8], key: &VerifyingKey) -> Result<OpenedCheckpoint, CheckpointError> {
        let note = Note::parse(bytes)?;
        let succession = successor(&note, key)?;
        let (signing, handed_over) = match succession {
            Some(Succession { key, handed_over }) => (key, handed_over),
            None => (key.clone(), Vec::new()),
        };
        let mut checked = note.verify(&signing)?;
        checked.unchecked -= handed_over.len();
        let checkpoint = Self::from_text(note.text()).map_err(|NotACheckpoint| CheckpointError::Form)?;
        if let Some(last) = handed_over.last().filter(|last| last.head.size >= checkpoint.size) {
            return Err(CheckpointError::BeforeHandOver { after: last.head.size });
        }
        if checkpoint.origin != key.name().as_str() {
            let expected = key.name().to_string();
            return Err(CheckpointError::ForeignOrigin { origin: checkpoint.origin, expected });
        }
        Ok(OpenedCheckpoint { checkpoint, note, checked, handed_over })
    }

    /// Reads the text of a note whose signatures the caller has checked.
    ///
    /// # Errors
    /// [`NotACheckpoint`].
    pub fn from_text(text: &str) -> Result<Self, NotACheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(NotACheckpoint)?.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(NotACheckpoint);
        let origin = line()?.to_owned();
        let size = parse_decimal(line()?, u64::MAX).ok_or(NotACheckpoint)?;
        let root = line()?.parse().map_err(|_| NotACheckpoint)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(NotACheckpoint);
        }
        Ok(Self { origin, size, root, extensions })
    }
}

/// Text that isn't an origin, a size and a root, line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the text of a checkpoint")]
pub struct NotACheckpoint;

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::{Ed25519Signer, KeyName};

    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn signer(name: &str) -> Ed25519Signer {
        Ed25519Signer::from_seed(KeyName::new(name).expect("valid"), &[3; 32]).expect("a seed")
    }

    #[test]
    fn the_example_of_the_specification_reads_and_writes() {
        let signed = format!(
            "{TEXT}\n\u{2014} example.com/behind-the-sofa \
             Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        );
        let note = Note::parse(signed.as_bytes()).expect("a note");
        let checkpoint = Checkpoint::from_text(note.text()).expect("a checkpoint");
        assert_eq!(
            (checkpoint.origin.as_str(), checkpoint.size),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.to_string(), TEXT);
        assert_eq!(note.to_string(), signed);
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "\n",
            "log\n1\n",
            "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            TEXT.trim_end(),
            &TEXT.replace("20852163", "020852163"),
            &TEXT.replace("20852163", "+20852163"),
            &TEXT.replace("20852163", "-1"),
            &TEXT.replace("20852163", ""),
            &TEXT.replace("20852163", "18446744073709551616"),
            &TEXT.replace("20852163", " 20852163"),
            &TEXT.replace("q2I=", "q2I"),
            &TEXT.replace("q2I=", "q2J="),
            &format!("{TEXT}\n"),
            &format!("{TEXT}extension\n\n"),
        ] {
            assert_eq!(Checkpoint::from_text(bad), Err(NotACheckpoint), "{bad:?}");
        }
        let extended =
            Checkpoint::from_text(&format!("{TEXT}one\ntwo\n")).expect("extension lines are allowed");
        assert_eq!(extended.extensions, ["one", "two"]);
    }

    #[test]
    fn a_signed_checkpoint_opens_with_its_key_only() {
        let log = signer("locker.example/log/1");
        let checkpoint =
            Checkpoint::new("locker.example/log/1", TreeHead { size: 0, root: Hash::EMPTY_TREE });
        let note = checkpoint.sign(&[&log]).expect("signs").to_string();
        let opened = Checkpoint::open(note.as_bytes(), log.verifying_key()).expect("signed by the log");
        assert_eq!((opened.checkpoint, opened.checked), (checkpoint, Checked { good: 1, unchecked: 0 }));
        let other = signer("locker.example/log/2");
        assert!(Checkpoint::open(note.as_bytes(), other.verifying_key()).is_err());
    }

    #[test]
    fn a_key_speaks_for_its_own_log_only() {
        let log = signer("one");
        let note = Checkpoint::new("two", TreeHead { size: 0, root: Hash::EMPTY_TREE })
            .sign(&[&log])
            .expect("signs");
        let opened = Checkpoint::open(note.to_string().as_bytes(), log.verifying_key());
        assert!(matches!(opened, Err(CheckpointError::ForeignOrigin { .. })));
    }

    #[test]
    fn what_would_not_read_back_is_not_signed() {
        for origin in ["", "a\nb"] {
            let checkpoint = Checkpoint::new(origin, TreeHead { size: 1, root: Hash::EMPTY_TREE });
            assert!(matches!(checkpoint.sign(&[&signer("log")]), Err(CheckpointError::Form)), "{origin:?}");
        }
    }

    proptest! {
        #[test]
        fn checkpoints_read_back(origin in "\\PC{1,20}", size: u64, root: [u8; 32], extensions in proptest::collection::vec("\\PC{1,9}", 0..3)) {
            let checkpoint = Checkpoint { origin, size, root: Hash(root), extensions };
            prop_assert_eq!(Checkpoint::from_text(&checkpoint.to_string()), Ok(checkpoint));
        }

        #[test]
        fn whatever_is_accepted_is_canonical(text in ".*|[a-z]{0,3}\n[0-9]{0,22}\n[A-Za-z0-9+/]{43}=?\n([a-z]{0,3}\n){0,2}") {
            if let Ok(checkpoint) = Checkpoint::from_text(&text) {
                prop_assert_eq!(checkpoint.to_string(), text);
            }
        }
    }
}
