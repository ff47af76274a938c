//! The file that holds a person's or an officer's own signing key: one line that says what it is, one with the seed.
//!
//! It is made where the person is and never sent anywhere; only the public half is. Others must not be able to read it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, ensure};
use bailee_vault::sign::SigningKey;
use bailee_vault::{OsRandom, Secret};
use bailee_wire::event::hex;
use bailee_wire::signed::unhex;

/// Makes a key and writes it; an existing file is left alone. Gives the public half.
///
/// # Errors
/// When the file cannot be made.
pub fn make(file: &Path, first_line: &str) -> anyhow::Result<[u8; 32]> {
    let (key, seed) = SigningKey::generate(&mut OsRandom);
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut written = opened.with_context(|| format!("{} cannot be made", file.display()))?;
    writeln!(written, "{first_line}\n{}", hex(seed.expose()))?;
    written.sync_all()?;
    Ok(key.public().0)
}

/// Reads the key of a file whose first line is this.
///
/// # Errors
/// When it cannot be read, can be read by others, or is no such key.
pub fn read(file: &Path, first_line: &str) -> anyhow::Result<SigningKey> {
    let of = || format!("{} cannot be read", file.display());
    let mode = std::fs::metadata(file).with_context(of)?.permissions().mode();
    ensure!(mode & 0o077 == 0, "{} can be read by others; its mode must be 0600", file.display());
    let text = Secret::new(std::fs::read_to_string(file).with_context(of)?);
    let seed = text.expose().strip_prefix(first_line).map(str::trim).and_then(unhex);
    let seed = seed.and_then(|seed| Secret::<[u8; 32]>::from_slice(&seed));
    let seed = seed.with_context(|| format!("{} does not hold such a key", file.display()))?;
    Ok(SigningKey::from_seed(&seed))
}
