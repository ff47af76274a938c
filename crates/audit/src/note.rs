//! Signed notes (C2SP signed-note v1.0.0): a text, a blank line, and one line per signature.
//!
//! Nothing in a note may be believed before [`Note::verify`] has said yes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{KeyId, KeyName, SignError, Signer, VerifyingKey};

/// Bytes of the longest note that is read; 100 post-quantum signatures fit.
pub const MAX_NOTE_LEN: usize = 1 << 20;
/// Signature lines of the longest note that is read.
pub const MAX_SIGNATURES: usize = 100;

const LINE_START: &str = "\u{2014} ";

/// A text with signatures that haven't been checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line, of any type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Who signed.
    pub name: KeyName,
    /// With which key.
    pub key_id: KeyId,
    /// The signature without the key id; at least one byte.
    pub signature: Vec<u8>,
}

/// How many signature lines a check covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Lines of the known key, all good; at least one.
    pub good: usize,
    /// Lines of other keys, not checked.
    pub unchecked: usize,
}

/// Why bytes aren't a note, or a note isn't signed as it should be.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// More than [`MAX_NOTE_LEN`] bytes.
    #[error("longer than {MAX_NOTE_LEN} bytes")]
    TooLong,
    /// Not UTF-8, or with a control character other than the newline.
    #[error("not plain text")]
    NotPlainText,
    /// The text doesn't end in a newline.
    #[error("the text does not end in a newline")]
    UnendedText,
    /// No blank line with whole signature lines after it.
    #[error("no signature lines after a blank line")]
    NoSignatures,
    /// More than [`MAX_SIGNATURES`] lines.
    #[error("more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A line that isn't a signature.
    #[error("signature line {0} is malformed")]
    MalformedSignature(usize),
    /// No line is of the known key.
    #[error("not signed by {name}+{id}")]
    NotSignedBy {
        /// Name of the known key.
        name: KeyName,
        /// Its id.
        id: KeyId,
    },
    /// A line of the known key is wrong.
    #[error("the signature of {name} does not match the text")]
    WrongSignature {
        /// Name of the known key.
        name: KeyName,
    },
    /// The signing key couldn't be used.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl Note {
    /// A note without signatures yet.
    ///
    /// # Errors
    /// The text doesn't end in a newline or has other control characters.
    pub fn new(text: String) -> Result<Self, NoteError> {
        if !is_plain(&text) {
            return Err(NoteError::NotPlainText);
        }
        if !text.ends_with('\n') {
            return Err(NoteError::UnendedText);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note with one to [`MAX_SIGNATURES`] signatures; checks none of them.
    ///
    /// # Errors
    /// The bytes aren't exactly a note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_LEN {
            return Err(NoteError::TooLong);
        }
        let all =
            std::str::from_utf8(bytes).ok().filter(|all| is_plain(all)).ok_or(NoteError::NotPlainText)?;
        let blank = all.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = (&all[..=blank], &all[blank + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let mut signatures = Vec::new();
        for (number, line) in lines.split('\n').enumerate() {
            if number == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(NoteSignature::parse(line).ok_or(NoteError::MalformedSignature(number + 1))?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, ending in a newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in order.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature line.
    ///
    /// # Errors
    /// The key couldn't be used, or there are [`MAX_SIGNATURES`] lines.
    pub fn sign(&mut self, signer: &dyn Signer) -> Result<(), NoteError> {
        let signature = signer.sign(self.text.as_bytes())?;
        self.add(NoteSignature { name: signer.name().clone(), key_id: signer.key_id(), signature })
    }

    /// Adds a signature line that somebody else made.
    ///
    /// # Errors
    /// There are [`MAX_SIGNATURES`] lines.
    pub fn add(&mut self, line: NoteSignature) -> Result<(), NoteError> {
        if self.signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(line);
        Ok(())
    }

    /// Checks every line of that key; there must be one, and all must be good.
    ///
    /// # Errors
    /// [`NoteError::NotSignedBy`] or [`NoteError::WrongSignature`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<Checked, NoteError> {
        let is_known = |line: &&NoteSignature| line.name == *key.name() && line.key_id == key.key_id();
        let known: Vec<_> = self.signatures.iter().filter(is_known).collect();
        if known.is_empty() {
            return Err(NoteError::NotSignedBy { name: key.name().clone(), id: key.key_id() });
        }
        if !known.iter().all(|line| key.has_signed(self.text.as_bytes(), &line.signature)) {
            return Err(NoteError::WrongSignature { name: key.name().clone() });
        }
        Ok(Checked { good: known.len(), unchecked: self.signatures.len() - known.len() })
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= 0x20 || byte == b'\n')
}

impl NoteSignature {
    /// Reads one signature line, without its newline.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (key_id, signature) = bytes.split_first_chunk::<4>()?;
        if signature.is_empty() {
            return None;
        }
        let name = KeyName::new(name).ok()?;
        Some(Self { name, key_id: KeyId(*key_id), signature: signature.to_vec() })
    }
}

/// The note as it is published.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = STANDARD.encode([&self.key_id.0[..], &self.signature].concat());
        write!(f, "{LINE_START}{} {encoded}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::key::Ed25519Signer;

    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn signer(name: &str) -> Ed25519Signer {
        Ed25519Signer::from_seed(KeyName::new(name).expect("valid"), &[7; 32]).expect("a seed")
    }

    #[test]
    fn a_published_note_verifies() {
        let note = Note::parse(NOTE.as_bytes()).expect("the example of Go's note package");
        let key: VerifyingKey = VKEY.parse().expect("its key");
        assert_eq!(note.verify(&key).expect("signed"), Checked { good: 1, unchecked: 0 });
        assert_eq!(note.to_string(), NOTE);
    }

    #[test]
    fn a_changed_byte_never_verifies() {
        let key: VerifyingKey = VKEY.parse().expect("its key");
        for place in 0..NOTE.len() {
            for bit in 0..8 {
                let mut bytes = NOTE.as_bytes().to_vec();
                bytes[place] ^= 1 << bit;
                let verified = Note::parse(&bytes).and_then(|note| note.verify(&key));
                assert!(verified.is_err(), "byte {place}, bit {bit}");
            }
        }
    }

    #[test]
    fn malformed_notes_are_refused() {
        let signed = |text: &str| format!("{text}\n\u{2014} a AAAAAAA=\n");
        assert!(Note::parse(signed("x\n").as_bytes()).is_ok());
        assert_eq!(
            Note::parse(signed("x\n\n\ny\n\n").as_bytes()).expect("blank lines may be text").text(),
            "x\n\n\ny\n\n"
        );
        for bad in [
            String::new(),
            "x\n".to_owned(),
            "x\n\n".to_owned(),
            "x\n\n\n".to_owned(),
            signed("x"),
            signed("x\ty\n"),
            signed("x\r\n"),
            signed("x\0\n"),
            signed("x\n").trim_end().to_owned(),
            signed("x\n") + "\n",
            signed("x\n") + "y\n",
            signed("x\n").replace('\u{2014}', "-"),
            signed("x\n").replace(" a ", "  "),
            signed("x\n").replace(" a ", " a+b "),
            signed("x\n").replace(" a ", " a  "),
            signed("x\n").replace("AAAAAAA=", "AAAAAAA"),
            signed("x\n").replace("AAAAAAA=", "AAAAAAB="),
            signed("x\n").replace("AAAAAAA=", "AAAAAA=="),
            signed("x\n").replace("AAAAAAA=", "AAAAAAA= "),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(matches!(Note::parse(b"\xff\n\n"), Err(NoteError::NotPlainText)));
        assert!(matches!(Note::parse(&vec![b'x'; MAX_NOTE_LEN + 1]), Err(NoteError::TooLong)));
    }

    #[test]
    fn a_hundred_signatures_are_read_and_no_more() {
        let lines = |count| format!("x\n\n{}", "\u{2014} a AAAAAAA=\n".repeat(count));
        for count in [1, 16, 100] {
            assert_eq!(Note::parse(lines(count).as_bytes()).expect("few").signatures().len(), count);
        }
        assert!(matches!(Note::parse(lines(101).as_bytes()), Err(NoteError::TooManySignatures)));
    }

    #[test]
    fn unknown_signatures_are_kept_and_a_wrong_known_one_spoils_the_note() {
        let mut note = Note::new("x\n".to_owned()).expect("plain");
        note.sign(&signer("log")).expect("signs");
        note.sign(&signer("witness")).expect("signs");
        let log = signer("log");
        assert_eq!(note.verify(log.verifying_key()).expect("signed"), Checked { good: 1, unchecked: 1 });
        assert_eq!(Note::parse(note.to_string().as_bytes()).expect("well-formed"), note);

        let stranger = signer("stranger");
        assert!(matches!(note.verify(stranger.verifying_key()), Err(NoteError::NotSignedBy { .. })));

        let wrong = NoteSignature { signature: vec![1; 64], ..note.signatures[0].clone() };
        note.signatures.push(wrong);
        assert!(matches!(note.verify(log.verifying_key()), Err(NoteError::WrongSignature { .. })));
    }

    proptest! {
        #[test]
        fn notes_read_back(text in "(\\PC{0,10}\n){1,4}", lines in vec(("[^\\s+\\p{Cc}]{1,8}", any::<[u8; 4]>(), vec(any::<u8>(), 1..70)), 1..5)) {
            let mut note = Note::new(text).expect("plain");
            note.signatures = lines.into_iter().map(|(name, id, signature)| NoteSignature {
                name: KeyName::new(&name).expect("valid"), key_id: KeyId(id), signature,
            }).collect();
            prop_assert_eq!(Note::parse(note.to_string().as_bytes()).expect("well-formed"), note);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
            let _ = Note::parse(&bytes);
        }

        #[test]
        fn whatever_is_accepted_is_canonical(text in "(x|\n){0,4}\n\n(\u{2014} [ab+ ]{1,2} [A-C/+]{5,9}={0,2}\n){0,3}") {
            if let Ok(note) = Note::parse(text.as_bytes()) {
                prop_assert_eq!(note.to_string(), text);
            }
        }
    }
}
