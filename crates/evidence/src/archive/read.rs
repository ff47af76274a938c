//! Reads a zip archive (APPNOTE 6.3.3) of the strict form that `docs/reference/evidence-bundle.md` describes.
//!
//! Ordinary readers forgive: they take the last of two files of a name, trust one of two headers, skip what lies between.
//! So two of them can see two bundles in one file. This one refuses whatever could be read in more than one way, and
//! never unpacks more than was declared and bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, SeekFrom, Take};

use flate2::read::DeflateDecoder;

use super::is_name;
use crate::{Fault, MAX_BUNDLE_BYTES, MAX_FILES};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const LOCAL_LEN: u64 = 30;
const CENTRAL_LEN: usize = 46;
const END_LEN: u64 = 22;
/// Names in UTF-8, and how hard deflate tried: neither changes what is read.
const HARMLESS_FLAGS: u16 = 0x0806;
const UNIX: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Stored,
    Deflate,
}

/// One file of the archive, as both headers describe it.
#[derive(Clone, Debug)]
struct Member {
    header: u64,
    name: String,
    method: Method,
    crc: u32,
    packed: u64,
    size: u64,
}

impl Member {
    fn data(&self) -> u64 {
        self.header + LOCAL_LEN + self.name.len() as u64
    }

    fn end(&self) -> u64 {
        self.data() + self.packed
    }
}

/// An archive whose form has been checked; the contents are checked as they are read.
#[derive(Debug)]
pub struct Archive<R> {
    source: R,
    members: BTreeMap<String, Member>,
}

impl<R: Read + Seek> Archive<R> {
    /// Checks the form of an archive.
    ///
    /// # Errors
    /// [`Fault::Unusable`] naming what is not of the form; [`Fault::Failed`].
    pub fn open(mut source: R) -> Result<Self, Fault> {
        let (directory, count) = end_record(&mut source)?;
        let listed = central(&directory.bytes, count)?;
        let mut members = BTreeMap::new();
        let (mut folded, mut next, mut total) = (BTreeSet::new(), 0, 0_u64);
        for member in listed {
            if member.header != next {
                return Err(refused(&member.name, "does not begin where the file before it ends"));
            }
            check_local(&mut source, &member)?;
            next = member.end();
            total = total.saturating_add(member.size);
            if total > MAX_BUNDLE_BYTES {
                return Err(refused(&member.name, "unpacks to more than a bundle may hold"));
            }
            if !folded.insert(member.name.to_ascii_lowercase()) {
                return Err(refused(&member.name, "is there twice"));
            }
            members.insert(member.name.clone(), member);
        }
        if next != directory.start {
            return Err(archive("there are bytes between the files and the directory"));
        }
        Ok(Self { source, members })
    }

    /// The names of the files, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// The declared length of a file, in bytes.
    #[must_use]
    pub fn size(&self, name: &str) -> Option<u64> {
        self.members.get(name).map(|member| member.size)
    }

    /// The content of a file; reading it to its end also checks length and CRC-32.
    ///
    /// # Errors
    /// [`Fault::Unusable`] when there is no such file; [`Fault::Failed`].
    pub fn content(&mut self, name: &str) -> Result<Content<'_, R>, Fault> {
        let member = self.members.get(name).ok_or_else(|| refused(name, "is missing"))?;
        self.source.seek(SeekFrom::Start(member.data()))?;
        let packed = (&mut self.source).take(member.packed);
        let inner = match member.method {
            Method::Stored => Inner::Stored(packed),
            Method::Deflate => Inner::Deflate(Box::new(DeflateDecoder::new(packed))),
        };
        Ok(Content { inner, member, read: 0, crc: crc32fast::Hasher::new(), ended: false })
    }

    /// The whole of a file of at most `most` bytes.
    ///
    /// # Errors
    /// [`Fault::Unusable`] when it is missing, too long or not what its header says; [`Fault::Failed`].
    pub fn bytes(&mut self, name: &str, most: usize) -> Result<Vec<u8>, Fault> {
        if self.size(name).is_some_and(|size| size > most as u64) {
            return Err(refused(name, format!("is longer than {most} bytes")));
        }
        let mut bytes = Vec::new();
        self.content(name)?.read_to_end(&mut bytes).map_err(|error| failed(name, error))?;
        Ok(bytes)
    }
}

/// What reading a file's content came to: damage is the archive's, everything else the disk's.
pub(crate) fn failed(name: &str, error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            refused(name, error.to_string())
        }
        _ => Fault::Failed(error),
    }
}

enum Inner<'a, R> {
    Stored(Take<&'a mut R>),
    Deflate(Box<DeflateDecoder<Take<&'a mut R>>>),
}

/// See [`Archive::content`].
pub struct Content<'a, R> {
    inner: Inner<'a, R>,
    member: &'a Member,
    read: u64,
    crc: crc32fast::Hasher,
    ended: bool,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let got = match &mut self.inner {
            Inner::Stored(from) => from.read(buffer)?,
            Inner::Deflate(from) => from.read(buffer).map_err(|_| damaged("cannot be unpacked"))?,
        };
        if got == 0 {
            self.ended = true;
            return self.finish().map(|()| 0);
        }
        self.read += got as u64;
        if self.read > self.member.size {
            return Err(damaged("unpacks to more than its header says"));
        }
        self.crc.update(&buffer[..got]);
        Ok(got)
    }
}

impl<R> Content<'_, R> {
    fn finish(&self) -> io::Result<()> {
        let taken = match &self.inner {
            Inner::Stored(_) => self.read,
            Inner::Deflate(from) => from.total_in(),
        };
        if self.read != self.member.size || taken != self.member.packed {
            return Err(damaged("is not as long as its header says"));
        }
        match self.crc.clone().finalize() == self.member.crc {
            true => Ok(()),
            false => Err(damaged("is damaged: its CRC-32 is another")),
        }
    }
}

fn damaged(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn archive(why: impl Into<String>) -> Fault {
    Fault::unusable("the archive", why)
}

fn refused(name: &str, why: impl Into<String>) -> Fault {
    Fault::unusable(name, why)
}

/// Little-endian numbers out of a record; what is missing reads as zero, which no check takes for right.
struct Cut<'a>(&'a [u8]);

impl Cut<'_> {
    fn u16(&self, at: usize) -> u16 {
        let cut = self.0.get(at..).and_then(<[u8]>::first_chunk);
        cut.map_or(0, |bytes| u16::from_le_bytes(*bytes))
    }

    fn u32(&self, at: usize) -> u32 {
        let cut = self.0.get(at..).and_then(<[u8]>::first_chunk);
        cut.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }
}

struct Directory {
    start: u64,
    bytes: Vec<u8>,
}

/// The central directory and how many files it lists, found through the last 22 bytes and nowhere else.
fn end_record(source: &mut (impl Read + Seek)) -> Result<(Directory, usize), Fault> {
    let length = source.seek(SeekFrom::End(0))?;
    if !(END_LEN..=MAX_BUNDLE_BYTES).contains(&length) {
        return Err(archive("it is not a zip archive of a length a bundle can have"));
    }
    let mut end = [0; END_LEN as usize];
    source.seek(SeekFrom::Start(length - END_LEN))?;
    source.read_exact(&mut end)?;
    let end = Cut(&end);
    if end.u32(0) != END {
        return Err(archive("it is not a zip archive, or it was cut off"));
    }
    let (count, size, start) = (end.u16(8), u64::from(end.u32(12)), u64::from(end.u32(16)));
    if end.u16(4) != 0 || end.u16(6) != 0 || end.u16(10) != count || end.u16(20) != 0 {
        return Err(archive("its end record has several disks or a comment"));
    }
    if start + size != length - END_LEN {
        return Err(archive("its directory does not end where its end record begins"));
    }
    let most = MAX_FILES * (CENTRAL_LEN + super::MAX_NAME);
    if usize::from(count) > MAX_FILES || size > most as u64 {
        return Err(archive(format!("it has more than {MAX_FILES} files")));
    }
    source.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    source.take(size).read_to_end(&mut bytes)?;
    Ok((Directory { start, bytes }, usize::from(count)))
}

fn central(mut rest: &[u8], count: usize) -> Result<Vec<Member>, Fault> {
    let mut members = Vec::new();
    for _ in 0..count {
        let short = || archive("its directory ends within a file");
        let (head, after) = rest.split_at_checked(CENTRAL_LEN).ok_or_else(short)?;
        let cut = Cut(head);
        if cut.u32(0) != CENTRAL {
            return Err(archive("its directory is damaged"));
        }
        let (name, after) = after.split_at_checked(usize::from(cut.u16(28))).ok_or_else(short)?;
        let name = std::str::from_utf8(name).ok().filter(|name| is_name(name));
        let name =
            name.ok_or_else(|| archive("a file in it has a name that leads out of it or is not plain"))?;
        members.push(central_member(&cut, name)?);
        rest = after;
    }
    if rest.is_empty() { Ok(members) } else { Err(archive("its directory has bytes left over")) }
}

fn central_member(cut: &Cut<'_>, name: &str) -> Result<Member, Fault> {
    if cut.u16(8) & !HARMLESS_FLAGS != 0 {
        return Err(refused(name, "is encrypted, or its length stands after it"));
    }
    let method = match cut.u16(10) {
        0 => Method::Stored,
        8 => Method::Deflate,
        other => return Err(refused(name, format!("is packed by method {other}"))),
    };
    if cut.u16(30) != 0 || cut.u16(32) != 0 || cut.u16(34) != 0 {
        return Err(refused(name, "has extra fields, a comment or another disk"));
    }
    let (made_on, mode) = (cut.u16(4).to_be_bytes()[0], cut.u32(38) >> 16);
    if made_on == UNIX && !matches!(mode >> 12, 0 | 0o10) {
        return Err(refused(name, "is not a file: a link, folder or device"));
    }
    let (packed, size) = (u64::from(cut.u32(20)), u64::from(cut.u32(24)));
    if method == Method::Stored && packed != size {
        return Err(refused(name, "is stored with two lengths"));
    }
    // Deflate cannot pack 1,032 bytes into less than one.
    if method == Method::Deflate && size / 1_032 > packed {
        return Err(refused(name, "declares more than its packed bytes can hold"));
    }
    let header = u64::from(cut.u32(42));
    Ok(Member { header, name: name.to_owned(), method, crc: cut.u32(16), packed, size })
}

/// The header before a file says the same as the directory.
fn check_local(source: &mut (impl Read + Seek), member: &Member) -> Result<(), Fault> {
    let two = || refused(&member.name, "has two headers that do not agree");
    source.seek(SeekFrom::Start(member.header))?;
    let mut head = vec![0; LOCAL_LEN as usize + member.name.len()];
    source.read_exact(&mut head).map_err(|_| two())?;
    let cut = Cut(&head);
    let method = match member.method {
        Method::Stored => 0,
        Method::Deflate => 8,
    };
    let same = cut.u32(0) == LOCAL
        && cut.u16(6) & !HARMLESS_FLAGS == 0
        && cut.u16(8) == method
        && cut.u32(14) == member.crc
        && u64::from(cut.u32(18)) == member.packed
        && u64::from(cut.u32(22)) == member.size
        && usize::from(cut.u16(26)) == member.name.len()
        && cut.u16(28) == 0
        && head.ends_with(member.name.as_bytes());
    if same { Ok(()) } else { Err(two()) }
}

#[cfg(test)]
mod tests;
