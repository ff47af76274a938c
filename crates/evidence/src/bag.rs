//! BagIt (RFC 8493): the declaration, the manifests, and whether every file is listed and is what its line says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Seek};

use aws_lc_rs::digest::{Context, SHA256};
use bailee_wire::event::{Hash, hex};

use crate::archive::{Archive, Packed};
use crate::{Fault, MAX_FILES};

pub(crate) const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
pub(crate) const BAGIT: &str = "bagit.txt";
pub(crate) const INFO: &str = "bag-info.txt";
pub(crate) const MANIFEST: &str = "manifest-sha256.txt";
pub(crate) const TAGS: &str = "tagmanifest-sha256.txt";
/// Bytes of the longest manifest: a line is a hash, two spaces and a name.
const MANIFEST_BYTES: usize = MAX_FILES * 280;

/// The hash of every file of a bag, by its path below the bag.
pub(crate) type Hashes = BTreeMap<String, Hash>;

/// The one folder at the top of the archive, with its slash.
pub(crate) fn folder<R: Read + Seek>(archive: &Archive<R>) -> Result<String, Fault> {
    let suffix = format!("/{BAGIT}");
    let mut bags =
        archive.names().filter_map(|name| name.strip_suffix(&suffix)).filter(|it| !it.contains('/'));
    let (Some(bag), None) = (bags.next(), bags.next()) else {
        return Err(Fault::unusable(BAGIT, "there is not exactly one, one folder deep: this is no bundle"));
    };
    let folder = format!("{bag}/");
    match archive.names().find(|name| !name.starts_with(&folder)) {
        Some(outside) => Err(Fault::unusable(outside, "lies outside the bag")),
        None => Ok(folder),
    }
}

/// Checks declaration and manifests against every file of the archive, both ways.
pub(crate) fn check<R: Read + Seek>(archive: &mut Archive<R>, bag: &str) -> Result<Hashes, Fault> {
    let declaration = archive.bytes(&format!("{bag}{BAGIT}"), 1_000)?;
    if declaration != DECLARATION.as_bytes() {
        return Err(Fault::unusable(BAGIT, "is not that of BagIt 1.0 in UTF-8"));
    }
    let mut listed = manifest(archive, bag, MANIFEST, |path| path.starts_with("data/"))?;
    listed.extend(manifest(archive, bag, TAGS, |path| matches!(path, BAGIT | INFO | MANIFEST))?);
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    for name in names {
        let path = name.strip_prefix(bag).unwrap_or(&name);
        let Some(expected) = listed.get(path) else {
            if path == TAGS {
                continue;
            }
            return Err(Fault::unsound(path, "is in no manifest"));
        };
        if hash_of(archive, &name)? != *expected {
            return Err(Fault::unsound(path, "is not the file of the manifest: its SHA-256 is another"));
        }
    }
    match listed.keys().find(|path| archive.size(&format!("{bag}{path}")).is_none()) {
        Some(missing) => Err(Fault::unsound(missing, "is in the manifest and missing")),
        None => Ok(listed),
    }
}

fn hash_of<R: Read + Seek>(archive: &mut Archive<R>, name: &str) -> Result<Hash, Fault> {
    let mut content = archive.content(name)?;
    let (mut hash, mut buffer) = (Context::new(&SHA256), vec![0; 64 << 10]);
    loop {
        let got = content.read(&mut buffer).map_err(|error| crate::archive::failed(name, error))?;
        if got == 0 {
            break;
        }
        hash.update(&buffer[..got]);
    }
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    Ok(out)
}

fn manifest<R: Read + Seek>(
    archive: &mut Archive<R>,
    bag: &str,
    name: &str,
    belongs: impl Fn(&str) -> bool,
) -> Result<Hashes, Fault> {
    let full = format!("{bag}{name}");
    if archive.size(&full).is_none() {
        return Err(Fault::unsound(name, "is missing"));
    }
    let text = String::from_utf8(archive.bytes(&full, MANIFEST_BYTES)?);
    let text = text.map_err(|_| Fault::unsound(name, "is not text"))?;
    let mut hashes = Hashes::new();
    for (line, number) in text.lines().zip(1..) {
        let read = line.split_once("  ").and_then(|(hash, path)| Some((unhex(hash)?, path)));
        let Some((hash, path)) = read.filter(|(_, path)| belongs(path)) else {
            return Err(Fault::unsound(name, format!("line {number} is not a hash and a file of the bag")));
        };
        if hashes.insert(path.to_owned(), hash).is_some() {
            return Err(Fault::unsound(name, format!("line {number} lists {path} again")));
        }
    }
    Ok(hashes)
}

/// 32 bytes from lower-case hexadecimal.
pub(crate) fn unhex(text: &str) -> Option<Hash> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, at) in out.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}

/// The text of a manifest.
pub(crate) fn lines(files: &[Packed], bag: &str) -> String {
    let mut files: Vec<(&str, &Hash)> =
        files.iter().map(|file| (file.name.strip_prefix(bag).unwrap_or(&file.name), &file.sha256)).collect();
    files.sort();
    files.iter().fold(String::new(), |mut text, (path, hash)| {
        let _ = writeln!(text, "{}  {path}", hex(*hash));
        text
    })
}
