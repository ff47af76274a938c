//! What the ledger needs of a disk: named files, read and written at a place, made durable on request.

mod folder;
mod memory;

use std::fmt;
use std::io;
use std::sync::Arc;

pub use folder::FolderDisk;
pub use memory::{MemoryDisk, Trouble, Unsynced};

/// A file of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// What it holds.
    pub kind: Kind,
    /// Which segment of the log, from 0.
    pub segment: u64,
}

/// What a file of a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Groups as they were committed.
    Tail,
    /// A tail that is no longer needed, to be written over.
    Spare,
    /// A packed segment.
    Sealed,
    /// A packed segment that is being written.
    Sealing,
    /// Something that somebody else keeps beside a packed segment.
    Side(u8),
    /// The same while it is being written.
    SideMaking(u8),
}

/// Files by name. Every call may come from any thread; the ledger never writes one file from two threads at once.
pub trait Disk: Send + Sync {
    /// All files there are, in order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<Vec<Name>>;

    /// Makes an empty file. Its name is durable after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// What the system says; also if there is one.
    fn create(&self, name: Name) -> io::Result<()>;

    /// Bytes of a file.
    ///
    /// # Errors
    /// What the system says.
    fn length(&self, name: Name) -> io::Result<u64>;

    /// Fills the buffer from a place on.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::UnexpectedEof`] when the file ends before the buffer is full.
    fn read_at(&self, name: Name, from: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all bytes at a place, beyond the end too. After an error any part of them may have been written.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, name: Name, from: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything written to a file durable, with one `fdatasync`.
    ///
    /// # Errors
    /// What the system says; what was written since the last sync must then be taken for lost.
    fn sync(&self, name: Name) -> io::Result<()>;

    /// Gives a file another name, in place of the file that had it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: Name, to: Name) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, name: Name) -> io::Result<()>;

    /// Makes names made, changed and removed durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&self) -> io::Result<()>;
}

/// A disk behind a pointer is that disk.
macro_rules! passed_on {
    ($($pointer:ty),*) => {$(
        impl Disk for $pointer {
            fn list(&self) -> io::Result<Vec<Name>> {
                self.as_ref().list()
            }

            fn create(&self, name: Name) -> io::Result<()> {
                self.as_ref().create(name)
            }

            fn length(&self, name: Name) -> io::Result<u64> {
                self.as_ref().length(name)
            }

            fn read_at(&self, name: Name, from: u64, buffer: &mut [u8]) -> io::Result<()> {
                self.as_ref().read_at(name, from, buffer)
            }

            fn write_at(&self, name: Name, from: u64, bytes: &[u8]) -> io::Result<()> {
                self.as_ref().write_at(name, from, bytes)
            }

            fn sync(&self, name: Name) -> io::Result<()> {
                self.as_ref().sync(name)
            }

            fn rename(&self, from: Name, to: Name) -> io::Result<()> {
                self.as_ref().rename(from, to)
            }

            fn remove(&self, name: Name) -> io::Result<()> {
                self.as_ref().remove(name)
            }

            fn sync_folder(&self) -> io::Result<()> {
                self.as_ref().sync_folder()
            }
        }
    )*};
}

passed_on!(Box<dyn Disk>, Arc<dyn Disk>);

impl Name {
    pub(crate) const fn tail(segment: u64) -> Self {
        Self { kind: Kind::Tail, segment }
    }

    pub(crate) const fn sealed(segment: u64) -> Self {
        Self { kind: Kind::Sealed, segment }
    }

    pub(crate) const fn of(kind: Kind, segment: u64) -> Self {
        Self { kind, segment }
    }

    /// The name written as a file name, and nothing else.
    fn parse(text: &str) -> Option<Self> {
        let (number, kind) = text.split_once('.')?;
        let kind = match kind {
            "tail" => Kind::Tail,
            "spare" => Kind::Spare,
            "sealed" => Kind::Sealed,
            "sealing" => Kind::Sealing,
            other => match other.strip_prefix("side-")?.split_once('.') {
                None => Kind::Side(other.strip_prefix("side-")?.parse().ok()?),
                Some((side, "making")) => Kind::SideMaking(side.parse().ok()?),
                Some(_) => return None,
            },
        };
        let name = Self { kind, segment: number.parse().ok()? };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segment = self.segment;
        match self.kind {
            Kind::Tail => write!(f, "{segment:08}.tail"),
            Kind::Spare => write!(f, "{segment:08}.spare"),
            Kind::Sealed => write!(f, "{segment:08}.sealed"),
            Kind::Sealing => write!(f, "{segment:08}.sealing"),
            Kind::Side(side) => write!(f, "{segment:08}.side-{side}"),
            Kind::SideMaking(side) => write!(f, "{segment:08}.side-{side}.making"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_in_one_spelling() {
        let kinds =
            [Kind::Tail, Kind::Spare, Kind::Sealed, Kind::Sealing, Kind::Side(7), Kind::SideMaking(255)];
        for kind in kinds {
            for segment in [0, 12, u64::MAX] {
                let name = Name { kind, segment };
                assert_eq!(Name::parse(&name.to_string()), Some(name));
            }
        }
        for bad in ["lock", "1.tail", "00000001.tails", "00000001.side-", "00000001.side-07", "x.tail", ""] {
            assert_eq!(Name::parse(bad), None, "{bad}");
        }
    }
}
