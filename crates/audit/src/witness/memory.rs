//! A witness's memory in one place that is read and replaced as a whole.

use super::file::{MemoryFile, MemoryFileError};
use super::{Memory, Seen};
use crate::key::VerifyingKey;

/// Where the bytes of a [`MemoryFile`] lie: a file, or a sealed one.
pub trait Slot {
    /// Why it can't be read or replaced.
    type Error;

    /// What is durable; `None` if there is nothing yet.
    ///
    /// # Errors
    /// The slot's.
    fn read(&mut self) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Replaces it, whole and durably.
    ///
    /// # Errors
    /// The slot's. What is durable then is either.
    fn replace(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Why a memory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RememberError<E> {
    /// Its place failed.
    #[error("the witness's memory cannot be read or written")]
    Slot(#[source] E),
    /// What lies there isn't a memory.
    #[error(transparent)]
    Damaged(#[from] MemoryFileError),
    /// It was there and is gone.
    #[error("the witness's memory is gone")]
    Gone,
}

/// What a witness remembers; after a write that failed it reads what is durable again before it answers.
#[derive(Debug)]
pub struct Remembered<S> {
    slot: S,
    /// What is known to be durable; `None` after a write whose outcome isn't known.
    durable: Option<MemoryFile>,
}

impl<S: Slot> Remembered<S> {
    /// Opens a memory, or begins one with a key made of `seed`, durable before this returns.
    ///
    /// # Errors
    /// [`RememberError`].
    pub fn open(
        mut slot: S,
        seed: impl FnOnce() -> [u8; crate::key::ED25519_KEY_LEN],
    ) -> Result<Self, RememberError<S::Error>> {
        let durable = match slot.read().map_err(RememberError::Slot)? {
            Some(bytes) => MemoryFile::from_bytes(&bytes)?,
            None => {
                let new = MemoryFile::new(seed());
                slot.replace(&new.to_bytes()).map_err(RememberError::Slot)?;
                new
            }
        };
        Ok(Self { slot, durable: Some(durable) })
    }

    /// What is remembered now.
    ///
    /// # Errors
    /// [`RememberError`].
    pub fn now(&mut self) -> Result<&MemoryFile, RememberError<S::Error>> {
        if self.durable.is_none() {
            let bytes = self.slot.read().map_err(RememberError::Slot)?.ok_or(RememberError::Gone)?;
            self.durable = Some(MemoryFile::from_bytes(&bytes)?);
        }
        Ok(self.durable.as_ref().expect("read above"))
    }

    /// Changes what is remembered; durable when this returns.
    ///
    /// # Errors
    /// [`RememberError`]; whether it was changed is then not known.
    pub fn change(&mut self, change: impl FnOnce(&mut MemoryFile)) -> Result<(), RememberError<S::Error>> {
        let mut new = self.now()?.clone();
        change(&mut new);
        self.durable = None;
        self.slot.replace(&new.to_bytes()).map_err(RememberError::Slot)?;
        self.durable = Some(new);
        Ok(())
    }

    /// The key of the log of that name this witness was told first; the one given becomes it if there was none.
    ///
    /// # Errors
    /// [`RememberError`].
    pub fn pin(&mut self, log: &VerifyingKey) -> Result<VerifyingKey, RememberError<S::Error>> {
        let origin = log.name().as_str();
        if let Some(known) = self.now()?.pinned.get(origin) {
            return Ok(known.clone());
        }
        self.change(|memory| {
            memory.pinned.insert(origin.to_owned(), log.clone());
        })?;
        Ok(log.clone())
    }
}

impl<S: Slot> Memory for Remembered<S> {
    type Error = RememberError<S::Error>;

    fn last(&mut self, origin: &str) -> Result<Option<Seen>, Self::Error> {
        Ok(self.now()?.seen.get(origin).cloned())
    }

    fn remember(&mut self, origin: &str, seen: &Seen) -> Result<(), Self::Error> {
        self.change(|memory| {
            memory.seen.insert(origin.to_owned(), seen.clone());
            // It has only grown since what it was accused of, so that is put right or was never published.
            memory.accused.retain(|accused| accused != origin);
        })
    }

    fn succeed(&mut self, old: &VerifyingKey, new: &VerifyingKey) -> Result<(), Self::Error> {
        let (old, new) = (old.clone(), new.clone());
        if self.now()?.succeeded.contains(&(old.clone(), new.clone())) {
            return Ok(());
        }
        self.change(|memory| memory.succeeded.push((old, new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::hash::{TreeHead, leaf_hash};
    use crate::key::{Ed25519Signer, KeyName};

    /// A place whose writes can fail before or after they are durable.
    #[derive(Default)]
    struct Place {
        bytes: Option<Vec<u8>>,
        writes: u32,
        fails_at: Option<(u32, bool)>,
    }

    impl Slot for Place {
        type Error = &'static str;

        fn read(&mut self) -> Result<Option<Vec<u8>>, Self::Error> {
            Ok(self.bytes.clone())
        }

        fn replace(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
            self.writes += 1;
            match self.fails_at {
                Some((at, is_written)) if at == self.writes => {
                    if is_written {
                        self.bytes = Some(bytes.to_vec());
                    }
                    Err("the disk is gone")
                }
                _ => {
                    self.bytes = Some(bytes.to_vec());
                    Ok(())
                }
            }
        }
    }

    fn seen(size: u64) -> Seen {
        let log = Ed25519Signer::from_seed(KeyName::new("log").expect("valid"), &[1; 32]).expect("a seed");
        let head = TreeHead { size, root: leaf_hash(&size.to_be_bytes()) };
        Seen::from_note(Checkpoint::new("log", head).sign(&[&log]).expect("signs")).expect("a checkpoint")
    }

    fn log(seed: u8) -> VerifyingKey {
        let log = Ed25519Signer::from_seed(KeyName::new("log").expect("valid"), &[seed; 32]);
        log.expect("a seed").verifying_key().clone()
    }

    #[test]
    fn the_first_key_of_a_log_stays_its_key() {
        let mut memory = Remembered::open(Place::default(), || [1; 32]).expect("works");
        assert_eq!(memory.pin(&log(1)).expect("works"), log(1));
        assert_eq!(memory.pin(&log(2)).expect("works"), log(1));
        let place = Place { bytes: memory.slot.bytes, ..Place::default() };
        let mut again = Remembered::open(place, || panic!("it has a key")).expect("works");
        assert_eq!(again.pin(&log(2)).expect("works"), log(1));
    }

    #[test]
    fn every_write_may_fail_and_what_is_answered_is_what_is_durable() {
        for at in 1..=5 {
            for is_written in [false, true] {
                let place = Place { fails_at: Some((at, is_written)), ..Place::default() };
                let Ok(mut memory) = Remembered::open(place, || [1; 32]) else {
                    assert_eq!(at, 1);
                    continue;
                };
                for size in 1..=4 {
                    let remembered = memory.remember("log", &seen(size));
                    assert_eq!(remembered.is_err(), u64::from(at) == size + 1, "write {at}");
                    let last = memory.last("log").expect("readable").map_or(0, |seen| seen.head().size);
                    let expected = if remembered.is_ok() || is_written { size } else { size - 1 };
                    assert_eq!(last, expected, "write {at}, written: {is_written}");
                    let durable = memory.slot.bytes.clone().expect("there");
                    let file = MemoryFile::from_bytes(&durable).expect("whole");
                    assert_eq!(file.seen.get("log").map_or(0, |seen| seen.head().size), last);
                }
            }
        }
    }

    #[test]
    fn a_memory_that_vanished_or_was_damaged_is_not_begun_anew() {
        let mut memory = Remembered::open(Place::default(), || [1; 32]).expect("works");
        memory.slot.fails_at = Some((2, false));
        assert!(memory.remember("log", &seen(1)).is_err());
        memory.slot.bytes = None;
        assert!(matches!(memory.last("log"), Err(RememberError::Gone)));
        memory.slot.bytes = Some(b"bailee-witness/v1\n".to_vec());
        assert!(matches!(memory.last("log"), Err(RememberError::Damaged(_))));
        let place = Place { bytes: Some(Vec::new()), ..Place::default() };
        assert!(Remembered::open(place, || [1; 32]).is_err(), "an empty file is damage, not a beginning");
    }
}
