//! Where a published log is read from: a folder here, an HTTP prefix in the binary.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::PathBuf;

/// The files of a published log, by their path below its prefix: `checkpoint`, `tile/0/x001/000.p/7`.
pub trait Source {
    /// Reads the first `most` bytes of a file; the caller refuses files that are longer than they may be.
    ///
    /// # Errors
    /// The file isn't there, or reading failed.
    fn read(&mut self, path: &str, most: usize) -> Result<Vec<u8>, SourceError>;

    /// The same into memory that was used before; what it held is dropped.
    ///
    /// # Errors
    /// As [`Source::read`]; the memory then holds anything.
    fn read_into(&mut self, path: &str, most: usize, bytes: &mut Vec<u8>) -> Result<(), SourceError> {
        *bytes = self.read(path, most)?;
        Ok(())
    }
}

/// Why a file couldn't be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It isn't there (HTTP: 404 or 410).
    #[error("not found")]
    Absent,
    /// Anything else.
    #[error("reading failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A log copied into a folder, laid out like its URLs.
#[derive(Debug, Clone)]
pub struct DirSource {
    root: PathBuf,
}

impl DirSource {
    /// The folder that holds `checkpoint` and `tile`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Source for DirSource {
    fn read(&mut self, path: &str, most: usize) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        self.read_into(path, most, &mut bytes)?;
        Ok(bytes)
    }

    fn read_into(&mut self, path: &str, most: usize, bytes: &mut Vec<u8>) -> Result<(), SourceError> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => SourceError::Absent,
            _ => SourceError::Failed(Box::new(error)),
        };
        // What isn't a file could keep whoever opens it waiting for ever.
        let path = self.root.join(path);
        if !std::fs::metadata(&path).map_err(failed)?.is_file() {
            return Err(SourceError::Failed("it is not a file".into()));
        }
        let mut file = File::open(path).map_err(failed)?;
        // One read of the right length: `read_to_end` takes several that grow, and one more that finds the end.
        let length = file.metadata().map_err(failed)?.len().min(most as u64);
        bytes.resize(length as usize, 0);
        let mut have = 0;
        while have < bytes.len() {
            match file.read(&mut bytes[have..]) {
                Ok(0) => break,
                Ok(read) => have += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        bytes.truncate(have);
        Ok(())
    }
}
