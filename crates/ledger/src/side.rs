//! Files that somebody else keeps beside packed segments, such as an index of who, where and what.
//!
//! The ledger stores them whole or not at all and knows when they are damaged; it never reads them for anything else.
//! They can always be made again from the entries.

use crate::disk::{Kind, Name};
use crate::error::{At, LedgerError};
use crate::log::Log;
use crate::read::Reader;

const MAGIC: &[u8; 8] = b"bl-side\x01";
const HEADER_LEN: usize = 16;
/// No side file is longer.
const LONGEST: usize = 256 << 20;

impl Log {
    /// Stores a side file of a packed segment, in place of the one before.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] if that segment isn't packed, or the file is absurdly long; or the disk's.
    pub fn put_side(&self, segment: u64, side: u8, bytes: &[u8]) -> Result<(), LedgerError> {
        let shared = &self.reader().shared;
        if segment >= self.reader().packed_segments() || bytes.len() > LONGEST {
            return Err(LedgerError::OutOfRange);
        }
        let _alone = shared.sealing();
        let disk = shared.disk.as_ref();
        let (making, name) = (Name::of(Kind::SideMaking(side), segment), Name::of(Kind::Side(side), segment));
        match disk.create(making) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                disk.remove(making).and_then(|()| disk.create(making))
            }
            result => result,
        }
        .at(making)?;
        let mut header = [0; HEADER_LEN];
        header[..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&(bytes.len() as u32).to_be_bytes());
        header[12..].copy_from_slice(&crc32fast::hash(bytes).to_be_bytes());
        disk.write_at(making, 0, &[&header, bytes].concat()).at(making)?;
        disk.sync(making).at(making)?;
        disk.rename(making, name).at(name)?;
        disk.sync_folder().map_err(LedgerError::Folder)
    }
}

impl Reader {
    /// How many segments are packed: those below this number.
    #[must_use]
    pub fn packed_segments(&self) -> u64 {
        self.shared.state().sealed.len() as u64
    }

    /// Entries of a segment.
    #[must_use]
    pub fn segment_entries(&self) -> u64 {
        1 << self.shared.identity.height
    }

    /// A side file of a segment; `None` if there is none or it is damaged.
    ///
    /// # Errors
    /// The disk's.
    pub fn side(&self, segment: u64, side: u8) -> Result<Option<Vec<u8>>, LedgerError> {
        let name = Name::of(Kind::Side(side), segment);
        let disk = self.shared.disk.as_ref();
        let length = match disk.length(name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            length => length.at(name)? as usize,
        };
        if !(HEADER_LEN..=HEADER_LEN + LONGEST).contains(&length) {
            return Ok(None);
        }
        let mut file = vec![0; length];
        disk.read_at(name, 0, &mut file).at(name)?;
        let bytes = file.split_off(HEADER_LEN);
        let is_whole = file[..8] == *MAGIC
            && file[8..12] == (bytes.len() as u32).to_be_bytes()
            && file[12..] == crc32fast::hash(&bytes).to_be_bytes();
        Ok(is_whole.then_some(bytes))
    }
}
