//! The body of `POST <prefix>/add-checkpoint`: the old size, a consistency proof, a blank line, the checkpoint.

use std::fmt;

use crate::hash::Hash;
use crate::note::{Note, NoteError};
use crate::tile::parse_decimal;

/// Most lines of a consistency proof.
pub const MAX_PROOF_LEN: usize = 63;
/// Bytes of the longest request that is read.
pub const MAX_REQUEST_LEN: usize = 128 << 10;

/// A log asks a witness to cosign a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size the witness last cosigned, as the log believes.
    pub old_size: u64,
    /// Shows that the tree of the checkpoint begins with the one of the old size.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: Note,
}

/// Bytes that aren't a request.
#[derive(Debug, thiserror::Error)]
pub enum NotARequest {
    /// More than [`MAX_REQUEST_LEN`] bytes.
    #[error("longer than {MAX_REQUEST_LEN} bytes")]
    TooLong,
    /// The lines before the checkpoint aren't an old size and a proof.
    #[error("`old`, a size, proof lines and a blank line are expected before the checkpoint")]
    Form,
    /// More than [`MAX_PROOF_LEN`] proof lines.
    #[error("more than {MAX_PROOF_LEN} proof lines")]
    ProofTooLong,
    /// What follows isn't a note.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl AddCheckpoint {
    /// Reads the body of a request; believes nothing of it.
    ///
    /// # Errors
    /// [`NotARequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NotARequest> {
        if bytes.len() > MAX_REQUEST_LEN {
            return Err(NotARequest::TooLong);
        }
        let mut rest = bytes;
        let mut line = || -> Result<&str, NotARequest> {
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or(NotARequest::Form)?;
            let line = std::str::from_utf8(&rest[..end]).map_err(|_| NotARequest::Form)?;
            rest = &rest[end + 1..];
            Ok(line)
        };
        let old = line()?.strip_prefix("old ").ok_or(NotARequest::Form)?;
        let old_size = parse_decimal(old, u64::MAX).ok_or(NotARequest::Form)?;
        let mut proof = Vec::new();
        loop {
            match line()? {
                "" => break,
                _ if proof.len() == MAX_PROOF_LEN => return Err(NotARequest::ProofTooLong),
                hash => proof.push(hash.parse().map_err(|_| NotARequest::Form)?),
            }
        }
        Ok(Self { old_size, proof, note: Note::parse(rest)? })
    }
}

/// The body as it is sent.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the specification.
    const EXAMPLE: &str = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n\
        example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

    #[test]
    fn the_example_of_the_specification_reads_and_writes() {
        let request = AddCheckpoint::parse(EXAMPLE.as_bytes()).expect("a request");
        assert_eq!((request.old_size, request.proof.len()), (20_852_014, 4));
        assert_eq!(request.note.signatures().len(), 2);
        assert_eq!(request.to_string(), EXAMPLE);
    }

    #[test]
    fn other_bodies_are_refused() {
        let proof = |lines: usize| {
            let head = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n".repeat(lines);
            format!("old 1\n{head}\n{}", EXAMPLE.split_once("\n\n").expect("a blank line").1)
        };
        assert!(AddCheckpoint::parse(proof(63).as_bytes()).is_ok());
        assert!(matches!(AddCheckpoint::parse(proof(64).as_bytes()), Err(NotARequest::ProofTooLong)));
        assert!(matches!(AddCheckpoint::parse(&vec![b'a'; MAX_REQUEST_LEN + 1]), Err(NotARequest::TooLong)));
        for bad in [
            String::new(),
            "\n".to_owned(),
            "old 1".to_owned(),
            "old 1\n\n".to_owned(),
            EXAMPLE.replace("old 2", "old 02"),
            EXAMPLE.replace("old 2", "old +2"),
            EXAMPLE.replace("old 2", "old  2"),
            EXAMPLE.replace("old 2", "old -2"),
            EXAMPLE.replace("old 2", "2"),
            EXAMPLE.replace("old 20852014", "old 18446744073709551616"),
            EXAMPLE.replace("kaw=", "kaw"),
            EXAMPLE.replace("kaw=\n", "kaw=\r\n"),
            EXAMPLE.replace("\n\nexample", "\nexample"),
        ] {
            assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_canonical(text in "old [0-9]{1,3}\n([A-Za-z0-9+/]{43}=\n){0,3}\n(x|\n){1,3}\n\n(\u{2014} a [A-D]{7}=\n){0,2}") {
            if let Ok(request) = AddCheckpoint::parse(text.as_bytes()) {
                prop_assert_eq!(request.to_string(), text);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = AddCheckpoint::parse(&bytes);
        }
    }
}
