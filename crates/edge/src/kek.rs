//! Where a bank's key-encryption key is: a file of the data folder, or sealed there by the machine's TPM.
//!
//! Sealed, the data folder is worth nothing on another machine: the keys of the link, of the device, of the code verifiers and of the
//! journal are all wrapped by this one. [`Sealing`] is the seam; [`crate::tpm::TpmSeal`] is the TPM behind it. A bank that was enrolled
//! before it had a TPM moves its key there at the next start. Start with [`Home::open`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bailee_audit::witness::replace_file;
use bailee_vault::Secret;
use bailee_vault::kek::{FileKek, FileKekError, KeyProvider, MemoryKek};
use rand_core::Rng;

use crate::config::EdgeConfig;

/// A sealed key is far shorter.
const MAX_SEALED_BYTES: u64 = 4_096;

/// Why the key-encryption key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Its file.
    #[error("the key file cannot be used")]
    File(#[from] FileKekError),
    /// A file can't be read, written or removed.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The TPM does not answer or refuses: another machine, another state of it, or a fault.
    #[error("the TPM does not open {path}: the disk of another machine, or its firmware has changed")]
    Sealing {
        /// The sealed key.
        path: PathBuf,
        /// What the TPM said.
        #[source]
        source: SealingError,
    },
    /// The key is sealed, and nothing here can open it.
    #[error("{0} is sealed by a TPM: name it in the configuration (tpm) and build with the feature `tpm`")]
    NoTpm(PathBuf),
}

/// A TPM that does not answer, or refuses.
#[derive(Debug, thiserror::Error)]
#[error("the TPM failed")]
pub struct SealingError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Makes bytes of a key that only this machine can turn into the key again.
pub trait Sealing: Send + Sync {
    /// Seals a key.
    ///
    /// # Errors
    /// [`SealingError`].
    fn seal(&self, key: &Secret<[u8; 32]>) -> Result<Vec<u8>, SealingError>;

    /// Opens what [`Sealing::seal`] made.
    ///
    /// # Errors
    /// [`SealingError`], on another machine always.
    fn unseal(&self, sealed: &[u8]) -> Result<Secret<[u8; 32]>, SealingError>;
}

/// The place of a bank's key-encryption key; clones share what was opened.
#[derive(Clone)]
pub struct Home {
    dir: PathBuf,
    sealing: Option<Arc<dyn Sealing>>,
    open: Arc<OnceLock<Arc<dyn KeyProvider>>>,
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Home {
    /// A key in a file of this data folder.
    fn from(dir: &P) -> Self {
        Self { dir: dir.as_ref().to_owned(), sealing: None, open: Arc::default() }
    }
}

impl From<&Home> for Home {
    fn from(home: &Home) -> Self {
        home.clone()
    }
}

impl Home {
    /// A key sealed in this data folder.
    pub fn sealed(dir: &Path, sealing: Arc<dyn Sealing>) -> Self {
        Self { sealing: Some(sealing), ..Self::from(dir) }
    }

    /// The home of a configuration's key: sealed by the TPM it names, if it names one.
    pub fn of(config: &EdgeConfig) -> Self {
        #[cfg(feature = "tpm")]
        if let Some(device) = &config.tpm {
            let seal = crate::tpm::TpmSeal::new(device, config.tpm_pcrs.clone());
            return Self::sealed(&config.data_dir, Arc::new(seal));
        }
        Self::from(&config.data_dir)
    }

    /// The data folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Opens the key.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn open(&self) -> Result<Arc<dyn KeyProvider>, HomeError> {
        if let Some(open) = self.open.get() {
            return Ok(open.clone());
        }
        let opened: Arc<dyn KeyProvider> = match &self.sealing {
            None if self.sealed_file().exists() && !self.file().exists() => {
                return Err(HomeError::NoTpm(self.sealed_file()));
            }
            None => Arc::new(FileKek::open(&self.file())?),
            Some(sealing) => Arc::new(MemoryKek::from_key(&self.unsealed(sealing.as_ref())?)),
        };
        Ok(self.open.get_or_init(|| opened).clone())
    }

    /// Opens the key, or makes a new one where there is none.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn open_or_create(&self, rng: &mut impl Rng) -> Result<Arc<dyn KeyProvider>, HomeError> {
        if !self.file().exists() && !self.sealed_file().exists() {
            match &self.sealing {
                None => drop(FileKek::create(&self.file(), rng)?),
                Some(sealing) => self.keep(sealing.as_ref(), &Secret::random(rng))?,
            }
        }
        self.open()
    }

    fn file(&self) -> PathBuf {
        self.dir.join("kek")
    }

    fn sealed_file(&self) -> PathBuf {
        self.dir.join("kek.tpm")
    }

    /// The sealed key. One that lies there in the clear is sealed first, and removed once the TPM gave it back.
    fn unsealed(&self, sealing: &dyn Sealing) -> Result<Secret<[u8; 32]>, HomeError> {
        let (file, path) = (self.file(), self.sealed_file());
        if !path.exists() {
            // Checks its mode and length.
            FileKek::open(&file)?;
            let bytes = Secret::new(fs::read(&file).map_err(io_error(&file))?);
            let key = Secret::from_slice(bytes.expose()).expect("it was just opened as a key");
            // A stop here leaves the file as it is; a stop after it leaves both, and the next start removes the file.
            self.keep(sealing, &key)?;
        }
        let length = fs::metadata(&path).map_err(io_error(&path))?.len();
        if length > MAX_SEALED_BYTES {
            return Err(HomeError::Io { path, source: io::ErrorKind::InvalidData.into() });
        }
        let sealed = fs::read(&path).map_err(io_error(&path))?;
        let key = sealing.unseal(&sealed).map_err(|source| HomeError::Sealing { path, source })?;
        if file.exists() {
            self.remove_clear(&key)?;
        }
        Ok(key)
    }

    /// Overwrites and removes the file in the clear, if it is the key that was sealed.
    fn remove_clear(&self, key: &Secret<[u8; 32]>) -> Result<(), HomeError> {
        let file = self.file();
        let same = FileKek::open(&file)?.id() == MemoryKek::from_key(key).id();
        if same {
            fs::write(&file, [0; 32])
                .and_then(|()| fs::File::open(&file)?.sync_all())
                .map_err(io_error(&file))?;
            fs::remove_file(&file).map_err(io_error(&file))?;
        }
        Ok(())
    }

    fn keep(&self, sealing: &dyn Sealing, key: &Secret<[u8; 32]>) -> Result<(), HomeError> {
        let path = self.sealed_file();
        let sealed = sealing.seal(key).map_err(|source| HomeError::Sealing { path: path.clone(), source })?;
        replace_file(&path, &sealed).map_err(io_error(&path))
    }
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> HomeError {
    move |source| HomeError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use bailee_vault::OsRandom;

    use super::*;

    /// A machine: what it seals only it opens.
    struct Machine(u8);

    impl Sealing for Machine {
        fn seal(&self, key: &Secret<[u8; 32]>) -> Result<Vec<u8>, SealingError> {
            Ok(std::iter::once(self.0).chain(key.expose().iter().map(|byte| byte ^ self.0)).collect())
        }

        fn unseal(&self, sealed: &[u8]) -> Result<Secret<[u8; 32]>, SealingError> {
            let (by, bytes) = sealed.split_first().expect("not empty");
            let bytes: Vec<u8> = bytes.iter().map(|byte| byte ^ self.0).collect();
            let key = Secret::from_slice(&bytes).filter(|_| *by == self.0);
            key.ok_or_else(|| SealingError("another machine".into()))
        }
    }

    fn sealed(dir: &Path, machine: u8) -> Home {
        Home::sealed(dir, Arc::new(Machine(machine)))
    }

    #[test]
    fn a_sealed_key_opens_on_its_machine_only_and_never_lies_in_the_clear() {
        let dir = tempfile::tempdir().expect("a folder");
        let made = sealed(dir.path(), 7).open_or_create(&mut OsRandom).expect("makes").id();
        assert_eq!(sealed(dir.path(), 7).open().expect("opens").id(), made);
        assert!(!dir.path().join("kek").exists());
        assert!(matches!(sealed(dir.path(), 8).open(), Err(HomeError::Sealing { .. })));
        assert!(matches!(Home::from(dir.path()).open(), Err(HomeError::NoTpm(_))));
    }

    #[test]
    fn a_key_in_the_clear_moves_into_the_tpm_whatever_stops_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let before = Home::from(dir.path()).open_or_create(&mut OsRandom).expect("makes").id();
        let clear = fs::read(dir.path().join("kek")).expect("a key");
        assert_eq!(sealed(dir.path(), 7).open().expect("seals").id(), before);
        assert!(!dir.path().join("kek").exists() && dir.path().join("kek.tpm").exists());
        // A stop between sealing and removing leaves both.
        FileKek::open(&dir.path().join("kek")).map(drop).expect_err("is gone");
        write_key(&dir.path().join("kek"), &clear);
        assert_eq!(sealed(dir.path(), 7).open().expect("opens").id(), before);
        assert!(!dir.path().join("kek").exists());
        // A file that is another key is somebody's mistake, and is not thrown away.
        write_key(&dir.path().join("kek"), &[9; 32]);
        assert_eq!(sealed(dir.path(), 7).open().expect("opens").id(), before);
        assert!(dir.path().join("kek").exists());
    }

    fn write_key(path: &Path, bytes: &[u8]) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(path, bytes).expect("writes");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("sets");
    }
}
