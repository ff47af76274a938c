//! A folder of files on a real disk, owned by one process at a time.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, Name};

/// Files held open; a log of any length reads with these.
const MOST_OPEN: usize = 128;

/// See the module.
#[derive(Debug)]
pub struct FolderDisk {
    folder: PathBuf,
    open: Mutex<Open>,
    /// Held for its lock.
    _lock: File,
}

#[derive(Debug, Default)]
struct Open {
    files: BTreeMap<Name, (u64, Arc<File>)>,
    uses: u64,
}

impl FolderDisk {
    /// Opens a folder, makes it if it is not there, and locks it.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::ResourceBusy`] when another process has it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        make_durably(folder)?;
        let lock = private().create(true).truncate(false).open(folder.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::ErrorKind::ResourceBusy.into(),
            TryLockError::Error(error) => error,
        })?;
        Ok(Self { folder: folder.to_owned(), open: Mutex::default(), _lock: lock })
    }

    fn path(&self, name: Name) -> PathBuf {
        self.folder.join(name.to_string())
    }

    fn opened(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("no holder of the open files panics")
    }

    fn file(&self, name: Name) -> io::Result<Arc<File>> {
        let mut open = self.opened();
        open.uses += 1;
        let now = open.uses;
        if let Some((used, file)) = open.files.get_mut(&name) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(private().open(self.path(name))?);
        if open.files.len() >= MOST_OPEN {
            let oldest = open.files.iter().min_by_key(|(_, (used, _))| *used).map(|(&name, _)| name);
            oldest.and_then(|oldest| open.files.remove(&oldest));
        }
        open.files.insert(name, (now, Arc::clone(&file)));
        Ok(file)
    }
}

/// Makes a folder and those above it, each one's name durable before anything is in it.
fn make_durably(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    make_durably(above)?;
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(above)?.sync_all()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

impl Disk for FolderDisk {
    fn list(&self) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            names.extend(entry?.file_name().to_str().and_then(Name::parse));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create(&self, name: Name) -> io::Result<()> {
        private().create_new(true).open(self.path(name)).map(|_| ())
    }

    fn length(&self, name: Name) -> io::Result<u64> {
        Ok(self.file(name)?.metadata()?.len())
    }

    fn read_at(&self, name: Name, from: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file(name)?.read_exact_at(buffer, from)
    }

    fn write_at(&self, name: Name, from: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all_at(bytes, from)
    }

    fn sync(&self, name: Name) -> io::Result<()> {
        self.file(name)?.sync_data()
    }

    fn rename(&self, from: Name, to: Name) -> io::Result<()> {
        let mut open = self.opened();
        open.files.remove(&from);
        open.files.remove(&to);
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: Name) -> io::Result<()> {
        let mut open = self.opened();
        open.files.remove(&name);
        std::fs::remove_file(self.path(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}
