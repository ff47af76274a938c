//! The witness's memory on disk: one file, sealed like the rest of the installation, replaced as a whole.

use std::io;
use std::path::PathBuf;

use bailee_audit::witness::{Slot, replace_file};
use bailee_vault::OsRandom;
use bailee_vault::kek::WrappedKey;
use bailee_vault::seal::{Aad, KeyId, Purpose, SealError, Sealer, StoredKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::kek::{Home, HomeError};

const PLACE: Aad<'static> = Aad { table: "edge", column: "witness", row: b"1" };
const PURPOSE: &str = "witness";

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// It can't be read or written.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key-encryption key can't be used.
    #[error("the key file cannot be used")]
    Kek(#[from] HomeError),
    /// The file was changed, or belongs to another key.
    #[error("the sealed memory cannot be opened")]
    Seal(#[from] SealError),
    /// It is intact but of no form this program reads.
    #[error("the memory's file is not of a form this program reads")]
    Malformed,
}

/// A file under the data folder's key-encryption key.
pub struct SealedSlot {
    path: PathBuf,
    home: Home,
    key: Option<(StoredKey, Sealer)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key_id: [u8; 8],
    key: String,
    sealed: String,
}

impl SealedSlot {
    /// The file of that name in the data folder of a bank's key.
    pub fn new(home: Home, name: &str) -> Self {
        Self { path: home.dir().join(name), home, key: None }
    }

    fn io(&self, source: io::Error) -> SlotError {
        SlotError::Io { path: self.path.clone(), source }
    }
}

impl Slot for SealedSlot {
    type Error = SlotError;

    fn read(&mut self) -> Result<Option<Vec<u8>>, SlotError> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        let file: File = serde_json::from_slice(&text).map_err(|_| SlotError::Malformed)?;
        let bytes = |text: &str| BASE64.decode(text).map_err(|_| SlotError::Malformed);
        let wrapped = WrappedKey::from_bytes(&bytes(&file.key)?).map_err(SealError::from)?;
        let stored = StoredKey { id: KeyId(file.key_id), purpose: Purpose::new(PURPOSE)?, wrapped };
        let sealer = Sealer::new(stored.id, &stored.unwrap(self.home.open()?.as_ref())?);
        let plain = sealer.open(&PLACE, &bytes(&file.sealed)?)?.expose().clone();
        self.key = Some((stored, sealer));
        Ok(Some(plain))
    }

    fn replace(&mut self, plain: &[u8]) -> Result<(), SlotError> {
        if self.key.is_none() {
            let kek = self.home.open()?;
            let stored = StoredKey::create(kek.as_ref(), Purpose::new(PURPOSE)?, &mut OsRandom)?;
            let sealer = Sealer::new(stored.id, &stored.unwrap(kek.as_ref())?);
            self.key = Some((stored, sealer));
        }
        let (stored, sealer) = self.key.as_ref().expect("made above");
        let file = File {
            key_id: stored.id.0,
            key: BASE64.encode(stored.wrapped.as_bytes()),
            sealed: BASE64.encode(sealer.seal(&PLACE, plain, &mut OsRandom)?),
        };
        let text = serde_json::to_vec(&file).expect("plain data becomes JSON");
        replace_file(&self.path, &text).map_err(|error| self.io(error))
    }
}
