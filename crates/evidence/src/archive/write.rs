//! Writes the archive: deflate, no times, no extra fields, so that equal contents give equal bytes.

use std::io::{self, Read, Seek, Write};

use aws_lc_rs::digest::{Context, SHA256};
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

/// A file as packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

/// Packs one file after the other.
pub struct Packer<W: Write + Seek> {
    zip: ZipWriter<W>,
}

impl<W: Write + Seek> Packer<W> {
    /// An archive without files.
    pub fn new(out: W) -> Self {
        Self { zip: ZipWriter::new(out) }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// Reading or writing failed, or it would not fit without zip64.
    pub fn file(&mut self, name: &str, from: &mut impl Read) -> io::Result<Packed> {
        debug_assert!(super::is_name(name), "a bundle names its own files");
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        self.zip.start_file(name, options).map_err(io::Error::other)?;
        let mut hash = Context::new(&SHA256);
        let (mut size, mut buffer) = (0, vec![0; 64 << 10]);
        loop {
            let got = from.read(&mut buffer)?;
            if got == 0 {
                break;
            }
            hash.update(&buffer[..got]);
            size += got as u64;
            self.zip.write_all(&buffer[..got])?;
        }
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(hash.finish().as_ref());
        Ok(Packed { name: name.to_owned(), size, sha256 })
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// Writing failed.
    pub fn finish(self) -> io::Result<()> {
        self.zip.finish().map(drop).map_err(io::Error::other)
    }
}
