//! A folder of files on a real disk, owned by one process at a time.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, Name};

/// Files held open: half of what the process may have, within these bounds. A log of any length reads with the fewest;
/// opening one again costs more than a proof.
const FEWEST_OPEN: usize = 128;
const MOST_OPEN: usize = 4_096;

/// See the module.
#[derive(Debug)]
pub struct FolderDisk {
    folder: PathBuf,
    most_open: usize,
    open: Mutex<Open>,
    /// Held for its lock; none beside the process that has it.
    lock: Option<File>,
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
        Ok(Self {
            folder: folder.to_owned(),
            most_open: most_open(),
            open: Mutex::default(),
            lock: Some(lock),
        })
    }

    /// Reads a folder beside the process that owns it: what is there now. Nothing is changed; where opening a log would
    /// tidy up, it is left to the owner.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::NotFound`] when there is no such folder.
    pub fn beside(folder: &Path) -> io::Result<Self> {
        std::fs::read_dir(folder)?;
        Ok(Self { folder: folder.to_owned(), most_open: most_open(), open: Mutex::default(), lock: None })
    }

    const fn is_ours(&self) -> bool {
        self.lock.is_some()
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
        let options = if self.is_ours() { private() } else { OpenOptions::new().read(true).clone() };
        let file = Arc::new(options.open(self.path(name))?);
        if open.files.len() >= self.most_open {
            open.forget_half();
        }
        open.files.insert(name, (now, Arc::clone(&file)));
        Ok(file)
    }
}

impl Open {
    /// Closes the half that was used longest ago, so that this is rarely done.
    fn forget_half(&mut self) {
        let mut uses: Vec<u64> = self.files.values().map(|(used, _)| *used).collect();
        let middle = uses.len() / 2;
        let (_, &mut oldest_kept, _) = uses.select_nth_unstable(middle);
        self.files.retain(|_, (used, _)| *used >= oldest_kept);
    }
}

fn most_open() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    most.map_or(FEWEST_OPEN, |most| most / 2).clamp(FEWEST_OPEN, MOST_OPEN)
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
        if !self.is_ours() {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        private().create_new(true).open(self.path(name)).map(|_| ())
    }

    fn length(&self, name: Name) -> io::Result<u64> {
        Ok(self.file(name)?.metadata()?.len())
    }

    fn read_at(&self, name: Name, from: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file(name)?.read_exact_at(buffer, from)
    }

    fn write_at(&self, name: Name, from: u64, bytes: &[u8]) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        self.file(name)?.write_all_at(bytes, from)
    }

    fn sync(&self, name: Name) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        self.file(name)?.sync_data()
    }

    fn rename(&self, from: Name, to: Name) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        let mut open = self.opened();
        open.files.remove(&from);
        open.files.remove(&to);
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: Name) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        let mut open = self.opened();
        open.files.remove(&name);
        std::fs::remove_file(self.path(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn more_files_than_may_be_open_are_all_read() {
        let folder = tempfile::tempdir().unwrap();
        let disk = FolderDisk { most_open: 5, ..FolderDisk::open(folder.path()).unwrap() };
        let name = |segment| Name { kind: Kind::Sealed, segment };
        for segment in 0..40 {
            disk.create(name(segment)).unwrap();
            disk.write_at(name(segment), 0, &[segment as u8]).unwrap();
        }
        for segment in (0..40).chain([3, 39, 3, 0]) {
            let mut byte = [0];
            disk.read_at(name(segment), 0, &mut byte).unwrap();
            assert_eq!(byte, [segment as u8]);
            assert!(disk.opened().files.len() <= 5);
        }
    }
}
