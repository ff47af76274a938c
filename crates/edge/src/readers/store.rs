//! The readers' keys, sealed in the data folder.
//!
//! `readers` holds, for every commissioned reader, its key and what device it is. A key is stored as *pending* before
//! the reader is told, and as *set* after the reader was heard with it, so a stop in between loses no reader.
//!
//! ```text
//! file   = "BRK1" ‖ key id[8] ‖ length[2] ‖ wrapped data key ‖ sealed entries
//! entry  = number[1] ‖ state[1] ‖ key[16] ‖ device[12]
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use bailee_vault::kek::{KeyProvider, WrappedKey};
use bailee_vault::seal::{Aad, KeyId, Purpose, SealError, Sealer, StoredKey};
use rand_core::Rng;
use zeroize::Zeroizing;

use super::fact::ReaderNo;
use super::osdp::reply::Identity;
use super::osdp::secure::ReaderKey;

const MAGIC: &[u8; 4] = b"BRK1";
const PLACE: Aad<'static> = Aad { table: "edge", column: "readers", row: b"1" };
const PURPOSE: &str = "readers";
const NAME: &str = "readers";
const ENTRY: usize = 30;
/// No bank has more readers; a longer file is no file of ours.
const MOST_BYTES: usize = 16 * 1_024;

/// Why the keys cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be read or written.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It was changed, or belongs to another key.
    #[error("the readers' keys cannot be opened")]
    Seal(#[from] SealError),
    /// It is not of a form this program reads.
    #[error("the file of the readers' keys is not of a form this program reads")]
    Malformed,
}

/// How far a reader's commissioning has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The key was drawn; the reader may hold it or not.
    Pending,
    /// The reader was heard with it and is this device.
    Set(Identity),
}

/// The keys of a bank's readers.
#[derive(Clone, Debug, Default)]
pub struct ReaderKeys(BTreeMap<u8, (ReaderKey, State)>);

impl ReaderKeys {
    /// Opens the keys of a data folder; none were set when there is no file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(dir: &Path, kek: &dyn KeyProvider) -> Result<Self, StoreError> {
        let path = dir.join(NAME);
        let file = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file.map_err(|source| StoreError::Io { path, source })?,
        };
        let (stored, sealed) = take_apart(&file).ok_or(StoreError::Malformed)?;
        let plain = Sealer::new(stored.id, &stored.unwrap(kek)?).open(&PLACE, sealed)?;
        Self::read(plain.expose()).ok_or(StoreError::Malformed)
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (entries, rest) = plain.as_chunks::<ENTRY>();
        let read = |entry: &[u8; ENTRY]| {
            let key = ReaderKey::new(entry[2..18].try_into().ok()?)?;
            let identity = Identity(entry[18..].try_into().ok()?);
            let state = match entry[1] {
                0 => State::Pending,
                1 => State::Set(identity),
                _ => return None,
            };
            Some((entry[0], (key, state)))
        };
        let keys: Option<BTreeMap<_, _>> = entries.iter().map(read).collect();
        keys.filter(|_| rest.is_empty()).map(Self)
    }

    /// A reader's key and state.
    pub fn of(&self, reader: ReaderNo) -> Option<&(ReaderKey, State)> {
        self.0.get(&reader.0)
    }

    /// Notes a reader's key and state, in memory.
    pub fn note(&mut self, reader: ReaderNo, key: ReaderKey, state: State) {
        self.0.insert(reader.0, (key, state));
    }

    /// Writes them, sealed: beside, synced, then renamed, so that a stop leaves either the old or the new file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn save(&self, dir: &Path, kek: &dyn KeyProvider, rng: &mut impl Rng) -> Result<(), StoreError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(self.0.len() * ENTRY));
        for (number, (key, state)) in &self.0 {
            let (code, identity) = match state {
                State::Pending => (0, [0; 12]),
                State::Set(identity) => (1, identity.0),
            };
            plain.extend([*number, code]);
            plain.extend(key.expose());
            plain.extend(identity);
        }
        let stored = StoredKey::create(kek, Purpose::new(PURPOSE)?, rng)?;
        let sealed = Sealer::new(stored.id, &stored.unwrap(kek)?).seal(&PLACE, &plain, rng)?;
        let wrapped = stored.wrapped.as_bytes();
        let length = u16::try_from(wrapped.len()).expect("a wrapped key has at most 512 bytes");
        let file = [MAGIC, &stored.id.0[..], &length.to_be_bytes(), wrapped, &sealed].concat();
        replace(&dir.join(NAME), &file)
    }
}

fn take_apart(file: &[u8]) -> Option<(StoredKey, &[u8])> {
    let rest = file.strip_prefix(MAGIC).filter(|_| file.len() <= MOST_BYTES)?;
    let (id, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (wrapped, sealed) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let wrapped = WrappedKey::from_bytes(wrapped).ok()?;
    Some((StoredKey { id: KeyId(*id), purpose: Purpose::new(PURPOSE).ok()?, wrapped }, sealed))
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |source| StoreError::Io { path: path.to_owned(), source };
    let beside = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let mut file = file.map_err(failed)?;
    // A stop before the rename leaves the old file; a stop after it the new one.
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)?;
    let folder = path.parent().expect("the file lies in the data folder");
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use bailee_vault::kek::FileKek;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn keys_come_back_and_a_changed_file_does_not_open() {
        let dir = tempfile::tempdir().unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let kek = FileKek::create(&dir.path().join("kek"), &mut rng).unwrap();
        assert!(ReaderKeys::open(dir.path(), &kek).unwrap().of(ReaderNo(1)).is_none());

        let mut keys = ReaderKeys::default();
        keys.note(ReaderNo(1), ReaderKey::new([7; 16]).unwrap(), State::Pending);
        keys.save(dir.path(), &kek, &mut rng).unwrap();
        keys.note(ReaderNo(1), ReaderKey::new([7; 16]).unwrap(), State::Set(Identity([9; 12])));
        keys.save(dir.path(), &kek, &mut rng).unwrap();

        let again = ReaderKeys::open(dir.path(), &kek).unwrap();
        let (key, state) = again.of(ReaderNo(1)).unwrap();
        assert_eq!((key.expose(), *state), (&[7; 16], State::Set(Identity([9; 12]))));

        let path = dir.path().join("readers");
        let file = std::fs::read(&path).unwrap();
        assert!(!file.windows(16).any(|bytes| bytes == [7; 16]), "the key is sealed");
        for cut in [0, 3, 13, file.len() / 2, file.len() - 1] {
            std::fs::write(&path, &file[..cut]).unwrap();
            assert!(ReaderKeys::open(dir.path(), &kek).is_err(), "{cut} bytes");
        }
        let mut changed = file;
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(&path, changed).unwrap();
        assert!(ReaderKeys::open(dir.path(), &kek).is_err());
    }
}
