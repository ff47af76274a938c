//! What nobody can be faster than: the raw operations a result is measured against.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bailee_edge::clock::Clocks;
use bailee_vault::stretch::Cost;

/// Length of the file that is written round and round: about as long as SQLite lets its log become.
const RING_BYTES: u64 = 4 << 20;

/// Runs a piece of work and says how many milliseconds it took.
pub fn timed<T>(clock: Clocks, work: impl FnOnce() -> T) -> (T, f64) {
    let from = clock.elapsed();
    let result = work();
    (result, (clock.elapsed() - from).as_secs_f64() * 1e3)
}

/// One stretch of a code at the cost every attempt pays, in milliseconds.
pub fn stretch(clock: Clocks) -> f64 {
    timed(clock, || Cost::STANDARD.stretch(b"33334444", &[7; 16])).1
}

/// A bare file on the disk that is measured.
pub struct RawFile {
    file: File,
    clock: Clocks,
    block: Vec<u8>,
    ring: Option<u64>,
}

impl RawFile {
    /// A file that grows by `bytes` at a time, as a journal does.
    ///
    /// # Errors
    /// What the system says.
    pub fn growing(dir: &Path, bytes: usize, clock: Clocks) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(dir.join("raw-growing"))?;
        Ok(Self { file, clock, block: vec![0xA5; bytes], ring: None })
    }

    /// A file of fixed length that is overwritten `bytes` at a time, as a write-ahead log is once it has its length.
    ///
    /// # Errors
    /// What the system says.
    pub fn ring(dir: &Path, bytes: usize, clock: Clocks) -> io::Result<Self> {
        let path = dir.join(format!("raw-ring-{bytes}"));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        file.write_all(&vec![0; usize::try_from(RING_BYTES).expect("a few megabytes")])?;
        file.sync_all()?;
        Ok(Self { file, clock, block: vec![0xA5; bytes], ring: Some(0) })
    }

    /// One write and one `fdatasync`, in milliseconds.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_and_sync(&mut self) -> io::Result<f64> {
        let (result, took) = timed(self.clock, || {
            match self.ring {
                None => (&self.file).write_all(&self.block)?,
                Some(at) => self.file.write_all_at(&self.block, at)?,
            }
            self.file.sync_data()
        });
        result?;
        if let Some(at) = &mut self.ring {
            let length = self.block.len() as u64;
            *at = if *at + 2 * length > RING_BYTES { 0 } else { *at + length };
        }
        Ok(took)
    }
}
