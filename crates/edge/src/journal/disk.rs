//! What the journal needs of a disk, and a folder of files that gives it.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Numbered append-only files. A disk that is full answers [`io::ErrorKind::StorageFull`].
pub trait Disk: Send {
    /// The numbers of all segments, in rising order.
    ///
    /// # Errors
    /// What the system says.
    fn segments(&self) -> io::Result<Vec<u64>>;

    /// Makes an empty segment. Its name is durable after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// What the system says; also if the segment exists.
    fn create(&mut self, segment: u64) -> io::Result<()>;

    /// Writes all bytes at the end of a segment. After an error any part of them may have been written.
    ///
    /// # Errors
    /// What the system says.
    fn append(&mut self, segment: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended to a segment durable.
    ///
    /// # Errors
    /// What the system says; the bytes appended since the last sync must be taken for lost.
    fn sync(&mut self, segment: u64) -> io::Result<()>;

    /// Makes names created and removed durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&mut self) -> io::Result<()>;

    /// The bytes of a segment.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, segment: u64) -> io::Result<Vec<u8>>;

    /// Cuts a segment to a length.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, segment: u64, length: u64) -> io::Result<()>;

    /// Removes a segment.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&mut self, segment: u64) -> io::Result<()>;
}

const SUFFIX: &str = ".journal";
/// A segment is at most its rolling size and one group; anything much larger is not ours.
const MOST_SEGMENT_BYTES: u64 = 256 << 20;

/// A folder of segment files, owned by one process at a time.
#[derive(Debug)]
pub struct FolderDisk {
    folder: PathBuf,
    open: BTreeMap<u64, File>,
    /// Held for its lock.
    _lock: File,
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
        Ok(Self { folder: folder.to_owned(), open: BTreeMap::new(), _lock: lock })
    }

    fn path(&self, segment: u64) -> PathBuf {
        self.folder.join(format!("{segment:016x}{SUFFIX}"))
    }

    fn file(&mut self, segment: u64) -> io::Result<&File> {
        if !self.open.contains_key(&segment) {
            let file = OpenOptions::new().append(true).open(self.path(segment))?;
            // Only the newest segment is written to.
            self.open.clear();
            self.open.insert(segment, file);
        }
        Ok(&self.open[&segment])
    }
}

/// Makes a folder and those above it, each one's name durable before anything is in it.
fn make_durably(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
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

/// Only the owner may read a journal, sealed or not.
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

impl Disk for FolderDisk {
    fn segments(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|n| n.strip_suffix(SUFFIX)).filter(|n| n.len() == 16);
            numbers.extend(number.and_then(|n| u64::from_str_radix(n, 16).ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn create(&mut self, segment: u64) -> io::Result<()> {
        private().create_new(true).open(self.path(segment)).map(|_| ())
    }

    fn append(&mut self, segment: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(segment)?.write_all(bytes)
    }

    fn sync(&mut self, segment: u64) -> io::Result<()> {
        self.file(segment)?.sync_data()
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn read(&self, segment: u64) -> io::Result<Vec<u8>> {
        let file = File::open(self.path(segment))?;
        if file.metadata()?.len() > MOST_SEGMENT_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = Vec::new();
        file.take(MOST_SEGMENT_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn truncate(&mut self, segment: u64, length: u64) -> io::Result<()> {
        self.file(segment)?.set_len(length)
    }

    fn remove(&mut self, segment: u64) -> io::Result<()> {
        self.open.remove(&segment);
        std::fs::remove_file(self.path(segment))
    }
}
