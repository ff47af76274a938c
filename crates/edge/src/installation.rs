//! What enrolment gave this bank, sealed in the data folder: who it is, whom it trusts, and its keys.
//!
//! The key-encryption key is where [`Home`] says: in `kek` (mode 0600), or in `kek.tpm` sealed by the machine's TPM. `bank` holds
//! everything else under a data key of its own. A thief of a folder without a TPM has both.

use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use bailee_domain::id::{BankId, OrgId};
use bailee_vault::Secret;
use bailee_vault::code::BankCodeKey;
use bailee_vault::kek::WrappedKey;
use bailee_vault::seal::{Aad, KeyId, Purpose, SealError, Sealer, StoredKey};
use bailee_vault::sign::SigningKey;
use bailee_vault::stretch::Cost;
use bailee_vault::tls::{Identity, Pin, PinError, PinSet};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::journal::{JournalId, SealKey};
use crate::kek::{Home, HomeError};

const PLACE: Aad<'static> = Aad { table: "edge", column: "installation", row: b"1" };
const PURPOSE: &str = "installation";

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// Nothing is enrolled here.
    #[error("{0} holds no enrolled bank: run `bailee edge enrol` with a token from the portal first")]
    NotEnrolled(PathBuf),
    /// A bank is enrolled here already.
    #[error("{0} already holds an enrolled bank: use another data_dir, or remove that one on purpose")]
    AlreadyEnrolled(PathBuf),
    /// The folder or a file in it cannot be read or written.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key-encryption key cannot be used.
    #[error("the key of this data folder cannot be used")]
    Kek(#[from] HomeError),
    /// The file was changed, or belongs to another key.
    #[error("the sealed installation cannot be opened")]
    Seal(#[from] SealError),
    /// The file is intact but not of a form this program reads.
    #[error("the installation file is not of a form this program reads")]
    Malformed,
}

/// One enrolled bank.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    bank: String,
    org: String,
    /// The platform's listener for banks, `host:port`.
    pub address: String,
    pins: Vec<String>,
    link_seed: [u8; 32],
    device_seed: [u8; 32],
    journal_key: [u8; 32],
    code_key: [u8; 32],
    code_salt: [u8; 16],
    code_epoch: u32,
}

/// What a new installation is made of.
pub struct Enrolled {
    /// Who it is.
    pub bank: BankId,
    /// Whose it is.
    pub org: OrgId,
    /// The platform's listener for banks, `host:port`.
    pub address: String,
    /// The platform's pins.
    pub pins: Vec<[u8; 32]>,
    /// Seed of the identity on the link.
    pub link_seed: [u8; 32],
    /// Seed of the key that signs chain heads.
    pub device_seed: [u8; 32],
    /// Key of the code verifiers.
    pub code_key: [u8; 32],
    /// Salt of the code verifiers.
    pub code_salt: [u8; 16],
    /// Number of that key and salt.
    pub code_epoch: u32,
}

#[derive(Serialize, Deserialize)]
struct File {
    key_id: [u8; 8],
    key: String,
    sealed: String,
}

impl Installation {
    /// Writes a new installation, once.
    ///
    /// # Errors
    /// [`InstallationError`]; nothing is left half-written.
    pub fn create(
        home: impl Into<Home>,
        enrolled: &Enrolled,
        rng: &mut impl Rng,
    ) -> Result<Self, InstallationError> {
        let home = home.into();
        let dir = home.dir();
        Self::refuse_second(dir)?;
        std::fs::create_dir_all(dir).map_err(io(dir))?;
        let mut journal_key = [0; 32];
        rng.fill_bytes(&mut journal_key);
        let new = Self {
            bank: enrolled.bank.to_string(),
            org: enrolled.org.to_string(),
            address: enrolled.address.clone(),
            pins: enrolled.pins.iter().map(|pin| Pin(*pin).to_string()).collect(),
            link_seed: enrolled.link_seed,
            device_seed: enrolled.device_seed,
            journal_key,
            code_key: enrolled.code_key,
            code_salt: enrolled.code_salt,
            code_epoch: enrolled.code_epoch,
        };
        let kek = home.open_or_create(rng)?;
        let stored = StoredKey::create(kek.as_ref(), Purpose::new(PURPOSE)?, rng)?;
        let sealer = Sealer::new(stored.id, &stored.unwrap(kek.as_ref())?);
        let plain = serde_json::to_vec(&new).expect("plain data becomes JSON");
        let file = File {
            key_id: stored.id.0,
            key: BASE64.encode(stored.wrapped.as_bytes()),
            sealed: BASE64.encode(sealer.seal(&PLACE, &plain, rng)?),
        };
        write_once(&dir.join("bank"), &serde_json::to_vec(&file).expect("plain data becomes JSON"))?;
        Ok(new)
    }

    /// Refuses when a bank is enrolled in this folder already.
    ///
    /// # Errors
    /// [`InstallationError::AlreadyEnrolled`].
    pub fn refuse_second(dir: &Path) -> Result<(), InstallationError> {
        if dir.join("bank").exists() {
            Err(InstallationError::AlreadyEnrolled(dir.to_owned()))
        } else {
            Ok(())
        }
    }

    /// Opens the installation of a folder.
    ///
    /// # Errors
    /// [`InstallationError`].
    pub fn open(home: impl Into<Home>) -> Result<Self, InstallationError> {
        let home = home.into();
        let dir = home.dir();
        let path = dir.join("bank");
        if !path.exists() {
            return Err(InstallationError::NotEnrolled(dir.to_owned()));
        }
        let kek = home.open()?;
        let text = std::fs::read(&path).map_err(io(&path))?;
        let file: File = serde_json::from_slice(&text).map_err(|_| InstallationError::Malformed)?;
        let bytes = |text: &str| BASE64.decode(text).map_err(|_| InstallationError::Malformed);
        let wrapped = WrappedKey::from_bytes(&bytes(&file.key)?).map_err(SealError::from)?;
        let stored = StoredKey { id: KeyId(file.key_id), purpose: Purpose::new(PURPOSE)?, wrapped };
        let sealer = Sealer::new(stored.id, &stored.unwrap(kek.as_ref())?);
        let plain = sealer.open(&PLACE, &bytes(&file.sealed)?)?;
        serde_json::from_slice(plain.expose()).map_err(|_| InstallationError::Malformed)
    }

    /// Who this bank is.
    ///
    /// # Errors
    /// [`InstallationError::Malformed`].
    pub fn bank(&self) -> Result<BankId, InstallationError> {
        self.bank.parse().map_err(|_| InstallationError::Malformed)
    }

    /// The platform's pins.
    ///
    /// # Errors
    /// [`InstallationError::Malformed`].
    pub fn pins(&self) -> Result<PinSet, InstallationError> {
        let pins: Result<Vec<Pin>, PinError> = self.pins.iter().map(|pin| pin.parse()).collect();
        let pins = pins.map_err(|_| InstallationError::Malformed)?;
        let (current, backups) = pins.split_first().ok_or(InstallationError::Malformed)?;
        PinSet::with_backups(*current, backups).map_err(|_| InstallationError::Malformed)
    }

    /// How many keys of the platform this bank knows: the one in use and its backups.
    pub fn pin_count(&self) -> u8 {
        u8::try_from(self.pins.len()).unwrap_or(u8::MAX)
    }

    /// The bank's identity on the link.
    pub fn link(&self) -> Identity {
        Identity::from_seed(&Secret::new(self.link_seed))
    }

    /// The key that signs chain heads.
    pub fn device(&self) -> SigningKey {
        SigningKey::from_seed(&Secret::new(self.device_seed))
    }

    /// The key that seals the journal.
    pub fn journal_key(&self) -> SealKey {
        SealKey::new(self.journal_key)
    }

    /// What the TPM asks for before it tells or changes the boot tag; of this installation only.
    pub fn tag_key(&self) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.journal_key);
        let tag = hmac::sign(&key, b"bailee/boot-tag/v1");
        tag.as_ref().try_into().expect("a SHA-256 MAC has 32 bytes")
    }

    /// The name the journal's entries are bound to.
    ///
    /// # Errors
    /// [`InstallationError::Malformed`].
    pub fn journal_id(&self) -> Result<JournalId, InstallationError> {
        Ok(JournalId(self.bank()?.to_bytes()))
    }

    /// The key of the code verifiers.
    ///
    /// # Errors
    /// [`InstallationError::Malformed`].
    pub fn code_key(&self, cost: Cost) -> Result<BankCodeKey, InstallationError> {
        let org: OrgId = self.org.parse().map_err(|_| InstallationError::Malformed)?;
        Ok(BankCodeKey {
            tenant: org.to_bytes(),
            bank: self.bank()?.to_bytes(),
            epoch: self.code_epoch,
            key: Secret::new(self.code_key),
            salt: self.code_salt,
            cost,
        })
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> InstallationError {
    move |source| InstallationError::Io { path: path.to_owned(), source }
}

/// Writes beside, syncs, then renames, so that a stop leaves either nothing or the whole file.
fn write_once(path: &Path, bytes: &[u8]) -> Result<(), InstallationError> {
    use std::os::unix::fs::OpenOptionsExt;
    let beside = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let mut file = file.map_err(io(&beside))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io(&beside))?;
    std::fs::rename(&beside, path).map_err(io(path))?;
    let folder = path.parent().expect("the file lies in the data folder");
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder))
}
