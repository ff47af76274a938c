//! Hand-overs: the old key of a log names its successor, and the new key shows that it is there.
//!
//! A hand-over is a statement of its own, which no checkpoint and no cosignature reads like, signed by both keys. It is an
//! entry of the log, and it goes with every later checkpoint as a signature line of a type of our own (0xff), which others
//! ignore. So whoever knows the old key alone follows it to the new one, through as many hand-overs as there were, and to
//! no key that was not named. Start at [`successor`]; the bytes are in `docs/reference/key-handover.md`.

use crate::hash::{HASH_LEN, Hash, TreeHead};
use crate::key::{ED25519_KEY_LEN, KeyId, SignError, Signer, VerifyingKey};
use crate::note::{Note, NoteSignature};

/// The identifier of the type of signature line.
const TYPE: &[u8] = b"\xffbailee-key-handover/v1";
const SIGNATURE_LEN: usize = 64;
/// New key, size, root, time, both signatures.
const LINE_LEN: usize = ED25519_KEY_LEN + 8 + HASH_LEN + 8 + 2 * SIGNATURE_LEN;
/// Hand-overs that are followed from one key to another; of more, a checkpoint carries the newest.
pub const MAX_HANDOVERS: usize = 16;

/// What the old key of a log states when it ends: "from this tree on that key is the log's".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// The key that ends.
    pub old: VerifyingKey,
    /// The key that begins, under the same name.
    pub new: VerifyingKey,
    /// The tree the old key had signed. The entry of the hand-over follows it.
    pub head: TreeHead,
    /// When, in seconds since the Unix epoch, by the platform's clock.
    pub time: u64,
    /// The old key's signature over the statement.
    pub signature: [u8; SIGNATURE_LEN],
    /// The new key's.
    pub possession: [u8; SIGNATURE_LEN],
}

/// A line that says it is a hand-over by the known key and isn't one, or a second one: nothing of the note is believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the hand-over of the key {old} does not hold")]
pub struct WrongHandOver {
    /// The key that is said to have ended.
    pub old: KeyId,
}

/// The keys in whose succession a note is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    /// The key that signs now.
    pub key: VerifyingKey,
    /// How it became the log's, oldest first; at least one.
    pub handed_over: Vec<HandOver>,
}

impl HandOver {
    /// Hands a log over.
    ///
    /// # Errors
    /// A key couldn't be used.
    ///
    /// # Panics
    /// The keys have different names.
    pub fn sign(
        (old, old_key): (&dyn Signer, &VerifyingKey),
        (new, new_key): (&dyn Signer, &VerifyingKey),
        head: TreeHead,
        time: u64,
    ) -> Result<Self, SignError> {
        assert_eq!(old_key.name(), new_key.name(), "a log keeps its name");
        let statement = statement(old_key, new_key.public(), head, time);
        let sign = |signer: &dyn Signer| -> Result<[u8; SIGNATURE_LEN], SignError> {
            let signature = signer.sign(statement.as_bytes())?;
            signature.try_into().map_err(|_| SignError("not an Ed25519 signature".into()))
        };
        let (signature, possession) = (sign(old)?, sign(new)?);
        Ok(Self { old: old_key.clone(), new: new_key.clone(), head, time, signature, possession })
    }

    /// Whether both keys signed it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let statement = statement(&self.old, self.new.public(), self.head, self.time);
        self.old.name() == self.new.name()
            && self.old != self.new
            && self.old.has_signed(statement.as_bytes(), &self.signature)
            && self.new.has_signed(statement.as_bytes(), &self.possession)
    }

    /// The signature line that goes with checkpoints.
    #[must_use]
    pub fn line(&self) -> NoteSignature {
        let signature = [
            &self.new.public()[..],
            &self.head.size.to_be_bytes(),
            &self.head.root.0,
            &self.time.to_be_bytes(),
            &self.signature,
            &self.possession,
        ];
        let name = self.old.name().clone();
        NoteSignature { key_id: line_id(&self.old), name, signature: signature.concat() }
    }

    /// The hand-over of that key in a line that bears its id; `None` if it is none, or either signature doesn't hold.
    fn of_line(old: &VerifyingKey, line: &NoteSignature) -> Option<Self> {
        if line.signature.len() != LINE_LEN {
            return None;
        }
        let (new, rest) = line.signature.split_first_chunk::<ED25519_KEY_LEN>()?;
        let (size, rest) = rest.split_first_chunk()?;
        let (root, rest) = rest.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (signature, possession) = rest.split_first_chunk()?;
        let this = Self {
            old: old.clone(),
            new: VerifyingKey::new(old.name().clone(), *new),
            head: TreeHead { size: u64::from_be_bytes(*size), root: Hash(*root) },
            time: u64::from_be_bytes(*time),
            signature: *signature,
            possession: possession.try_into().ok()?,
        };
        Some(this).filter(Self::is_sound)
    }
}

/// The exact text both keys sign.
fn statement(old: &VerifyingKey, new: &[u8; ED25519_KEY_LEN], head: TreeHead, time: u64) -> String {
    let new = VerifyingKey::new(old.name().clone(), *new);
    format!("bailee-key-handover/v1\n{}\n{old}\n{new}\n{}\n{}\n{time}\n", old.name(), head.size, head.root)
}

/// The id on lines about a key that ended.
fn line_id(old: &VerifyingKey) -> KeyId {
    KeyId::of_type(old.name(), &[TYPE, old.public()].concat())
}

/// Follows the hand-overs in a note from a key that is known to the key that signed it; `None` if the known key signed it
/// itself, or nothing leads on from it.
///
/// # Errors
/// [`WrongHandOver`].
pub fn successor(note: &Note, known: &VerifyingKey) -> Result<Option<Succession>, WrongHandOver> {
    let mut key = known.clone();
    let mut handed_over: Vec<HandOver> = Vec::new();
    while handed_over.len() < MAX_HANDOVERS && !note.signatures().iter().any(|line| key.is_of(line)) {
        let id = line_id(&key);
        let mut lines = note.signatures().iter().filter(|line| line.name == *key.name() && line.key_id == id);
        let Some(line) = lines.next() else { break };
        let wrong = WrongHandOver { old: key.key_id() };
        let next = HandOver::of_line(&key, line).filter(|_| lines.next().is_none());
        let next = next.ok_or(wrong.clone())?;
        if handed_over.last().is_some_and(|before| before.head.size >= next.head.size) {
            return Err(wrong);
        }
        key = next.new.clone();
        handed_over.push(next);
    }
    Ok((!handed_over.is_empty()).then_some(Succession { key, handed_over }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::hash::leaf_hash;
    use crate::key::{Ed25519Signer, KeyName};

    fn key(seed: u8) -> Ed25519Signer {
        Ed25519Signer::from_seed(KeyName::new("bailee/house").expect("valid"), &[seed; 32]).expect("a seed")
    }

    fn head(size: u64) -> TreeHead {
        TreeHead { size, root: leaf_hash(&size.to_be_bytes()) }
    }

    fn handed(old: u8, new: u8, size: u64) -> HandOver {
        let (old, new) = (key(old), key(new));
        let both = ((&old as &dyn Signer, old.verifying_key()), (&new as &dyn Signer, new.verifying_key()));
        HandOver::sign(both.0, both.1, head(size), 1_800_000_000).expect("signs")
    }

    /// A checkpoint of a size by a key with these lines.
    fn note(size: u64, by: u8, lines: &[NoteSignature]) -> Vec<u8> {
        let mut note = Checkpoint::new("bailee/house", head(size)).sign(&[&key(by)]).expect("signs");
        lines.iter().for_each(|line| note.add(line.clone()).expect("few lines"));
        note.to_string().into_bytes()
    }

    fn opens(bytes: &[u8], known: u8) -> Result<usize, String> {
        let opened = Checkpoint::open(bytes, key(known).verifying_key());
        opened.map(|opened| opened.handed_over.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_new_key_is_believed_with_its_hand_over_and_not_without() {
        let line = [handed(1, 2, 10).line()];
        assert_eq!(opens(&note(11, 1, &[]), 1), Ok(0));
        assert_eq!(opens(&note(11, 2, &line), 1), Ok(1));
        assert_eq!(opens(&note(11, 2, &line), 2), Ok(0), "who knows the new key needs no old one");
        assert!(opens(&note(11, 2, &[]), 1).is_err_and(|why| why.contains("not signed by")));
        assert!(opens(&note(11, 3, &line), 1).is_err_and(|why| why.contains("not signed by")));
        let why = opens(&note(10, 2, &line), 1).expect_err("its entry cannot be in this tree");
        assert!(why.contains("hand-over"), "{why}");
    }

    #[test]
    fn keys_follow_each_other() {
        let lines = [handed(1, 2, 10).line(), handed(2, 3, 20).line(), handed(3, 4, 30).line()];
        let bytes = note(31, 4, &lines);
        for (known, steps) in [(1, 3), (2, 2), (3, 1), (4, 0)] {
            assert_eq!(opens(&bytes, known), Ok(steps));
        }
        assert!(opens(&note(31, 4, &[lines[0].clone(), lines[2].clone()]), 1).is_err(), "a link is missing");
        assert!(opens(&note(31, 3, &[lines[0].clone(), lines[1].clone()]), 1).is_ok());
        let backwards = [handed(1, 2, 20).line(), handed(2, 3, 10).line()];
        assert!(opens(&note(31, 3, &backwards), 1).is_err(), "the second was made before the first");
    }

    #[test]
    fn two_successors_are_none() {
        let bytes = note(11, 2, &[handed(1, 2, 10).line(), handed(1, 3, 10).line()]);
        assert!(opens(&bytes, 1).is_err_and(|why| why.contains("does not hold")));
    }

    #[test]
    fn another_implementation_writes_the_same_line() {
        // Made with Python's `cryptography` after docs/reference/key-handover.md.
        let line = "\u{2014} bailee/house \
            8lfyyYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOUAAAAAAAAAAodOX09GQKwEcEmIOyCdvE8z4E/mhXcew\
            d9suLwygkHfQAAAABrSdIAFFr3trirFpwqyQcJG9nQoU4J0j495MEpnKpaeYUqygQqBBRVUk/XGrGZFV3OOWcVEAYd\
            8/6B0DWorTH87JU8AAARfbcNsBpLWnMhNY5PLM7eZM1ok03UxLSmvfywRG8lYsWPi0DwFKNxBj+CKjfZeYgFbIFc9J77r4Bwu3v5TAU=";
        let (old, new, head) = (key(1), key(2), TreeHead { size: 10, root: leaf_hash(b"ten") });
        let both = ((&old as &dyn Signer, old.verifying_key()), (&new as &dyn Signer, new.verifying_key()));
        let handed = HandOver::sign(both.0, both.1, head, 1_800_000_000).expect("signs");
        assert_eq!(handed.line().to_string(), line);
    }

    #[test]
    fn a_statement_is_no_checkpoint() {
        let (old, new) = (key(1), key(2));
        let text = statement(old.verifying_key(), new.verifying_key().public(), head(10), 7);
        assert!(Checkpoint::from_text(&text).is_err());
        assert!(text.starts_with("bailee-key-handover/v1\nbailee/house\nbailee/house+"));
    }

    proptest! {
        #[test]
        fn a_changed_hand_over_leads_nowhere(at in 0..LINE_LEN, bit in 0..8_u8) {
            let mut line = handed(1, 2, 10).line();
            line.signature[at] ^= 1 << bit;
            prop_assert!(opens(&note(11, 2, &[line]), 1).is_err());
        }

        #[test]
        fn any_line_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 1..300)) {
            let (known, name) = (key(1), KeyName::new("bailee/house").expect("valid"));
            let line = NoteSignature { key_id: line_id(known.verifying_key()), name, signature: bytes };
            prop_assert!(opens(&note(11, 2, &[line]), 1).is_err());
        }
    }
}
