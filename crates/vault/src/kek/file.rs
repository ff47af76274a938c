//! A key-encryption key in a file: 32 random bytes, readable by its owner alone.
//!
//! A systemd credential (`LoadCredential=`) is such a file too: pass its path below `$CREDENTIALS_DIRECTORY`.
//! systemd shows the access-list mask of a credential as group-read on a file of root's own group; that one
//! case of a group bit is accepted, because only root is in that group's place to read it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rand_core::Rng;
use zeroize::Zeroizing;

use super::{KekError, KekId, KeyProvider, MemoryKek, WrappedKey};
use crate::hash::hex;
use crate::secret::Secret;

const KEY_LEN: usize = 32;

/// A key-encryption key read from a file once, at start-up.
pub struct FileKek(MemoryKek);

/// Why a key file could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum FileKekError {
    /// A key file is never overwritten: everything it wrapped would be lost.
    #[error("{} exists already; a key file is never overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody beside the owner may read or write it.
    #[error(
        "{} has mode {mode:04o}: others may read the key; run chmod 600 on it, and replace the key if they could",
        path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a regular file of exactly 32 bytes.
    #[error("{} is not a key file: it must be a regular file of exactly 32 bytes", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} the key file {}", path.display())]
    Io {
        /// What was tried: `read` or `create`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl FileKek {
    /// Makes a new key file with mode 0600 and opens it.
    ///
    /// The file appears whole or not at all, and an existing file is never replaced.
    ///
    /// # Errors
    /// [`FileKekError::Exists`], or [`FileKekError::Io`] when the folder cannot be written.
    pub fn create(path: &Path, rng: &mut impl Rng) -> Result<Self, FileKekError> {
        let key = Secret::<[u8; KEY_LEN]>::random(rng);
        let mut suffix = [0; 8];
        rng.fill_bytes(&mut suffix);
        let draft = path.with_added_extension(format!("{}.new", hex(&suffix)));
        let placed = write_private(&draft, key.expose()).and_then(|()| place(&draft, path));
        // A stop before this line leaves a complete draft with mode 0600 that nothing refers to.
        let _ = fs::remove_file(&draft);
        match placed {
            Ok(()) => Self::open(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(FileKekError::Exists { path: path.into() })
            }
            Err(source) => Err(FileKekError::Io { action: "create", path: path.into(), source }),
        }
    }

    /// Opens an existing key file.
    ///
    /// # Errors
    /// [`FileKekError::TooOpen`], [`FileKekError::NotAKey`] or [`FileKekError::Io`].
    pub fn open(path: &Path) -> Result<Self, FileKekError> {
        let failed = |source| FileKekError::Io { action: "read", path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        // Ask the open file, not the path: the path may name another file by now.
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(FileKekError::NotAKey { path: path.into() });
        }
        if !private(metadata.mode(), metadata.uid(), metadata.gid()) {
            return Err(FileKekError::TooOpen { path: path.into(), mode: metadata.mode() & 0o7777 });
        }
        // Room for all it can read: a buffer that grows leaves pieces of the key in freed memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * KEY_LEN));
        file.take(KEY_LEN as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let key = Secret::from_slice(&bytes).ok_or_else(|| FileKekError::NotAKey { path: path.into() })?;
        Ok(Self(MemoryKek::from_key(&key)))
    }
}

impl KeyProvider for FileKek {
    fn id(&self) -> KekId {
        self.0.id()
    }

    fn wrap(
        &self,
        context: &[u8],
        key: &Secret<[u8; 32]>,
        rng: &mut dyn Rng,
    ) -> Result<WrappedKey, KekError> {
        self.0.wrap(context, key, rng)
    }

    fn unwrap(&self, context: &[u8], wrapped: &WrappedKey) -> Result<Secret<[u8; 32]>, KekError> {
        self.0.unwrap(context, wrapped)
    }
}

fn private(mode: u32, uid: u32, gid: u32) -> bool {
    let systemd_credential = uid == 0 && gid == 0 && mode & 0o037 == 0;
    mode & 0o077 == 0 || systemd_credential
}

fn write_private(draft: &Path, key: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(key)?;
    file.sync_all()
}

/// Gives the finished draft its name. Linking, unlike renaming, fails when the name is taken.
fn place(draft: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(draft, path)?;
    // A power cut before the folder is synced may lose the name; nothing was wrapped with the key yet.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::test_rng::seeded;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_file_is_private_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        let mut rng = seeded(1);
        let made = FileKek::create(&path, &mut rng).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");

        let key = Secret::random(&mut rng);
        let wrapped = made.wrap(b"people", &key, &mut rng).unwrap();
        let opened = FileKek::open(&path).unwrap();
        assert_eq!(opened.unwrap(b"people", &wrapped).unwrap().expose(), key.expose());
    }

    #[test]
    fn an_existing_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        let first = FileKek::create(&path, &mut seeded(1)).unwrap().id();
        assert!(matches!(FileKek::create(&path, &mut seeded(2)), Err(FileKekError::Exists { .. })));
        assert_eq!(FileKek::open(&path).unwrap().id(), first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_others_can_read_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        FileKek::create(&path, &mut seeded(1)).unwrap();
        for open_mode in [0o604, 0o602, 0o660, 0o644, 0o601] {
            mode(&path, open_mode);
            let refused = FileKek::open(&path).err().expect("too open");
            assert!(refused.to_string().contains("chmod 600"), "{refused}");
        }
        mode(&path, 0o400);
        assert!(FileKek::open(&path).is_ok());
    }

    #[test]
    fn group_read_is_only_accepted_as_systemd_shows_it() {
        assert!(private(0o100_440, 0, 0));
        assert!(!private(0o100_440, 1000, 1000));
        assert!(!private(0o100_440, 0, 1000));
        assert!(!private(0o100_460, 0, 0));
        assert!(!private(0o100_444, 0, 0));
    }

    #[test]
    fn anything_but_32_bytes_is_not_a_key() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 31, 33, 100_000] {
            let path = folder.path().join(length.to_string());
            fs::write(&path, vec![1; length]).unwrap();
            mode(&path, 0o600);
            assert!(matches!(FileKek::open(&path), Err(FileKekError::NotAKey { .. })), "{length} bytes");
        }
        assert!(matches!(FileKek::open(folder.path()), Err(FileKekError::NotAKey { .. })));
        let missing = FileKek::open(&folder.path().join("missing")).err().expect("missing");
        assert!(matches!(missing, FileKekError::Io { action: "read", .. }));
    }
}
