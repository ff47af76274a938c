//! Deterministic CBOR (RFC 8949 §4.2.1) taken apart: what stays the same from entry to entry, and what changes.
//!
//! An entry's *skeleton* is its bytes without the values: heads of maps, arrays and byte strings, map keys, and the
//! small number that an array begins with, which tells variants apart. Its *fields* are the values left out, in order.
//! What isn't such CBOR has no skeleton and is kept as it is.

/// Nesting beyond which bytes are not taken apart.
const DEEPEST: u8 = 12;
/// Longer skeletons are not taken apart: each of their values carries its whole path.
const LONGEST: usize = 256;

const UNSIGNED: u8 = 0x00;
const NEGATIVE: u8 = 0x20;
const BYTES: u8 = 0x40;
const TEXT: u8 = 0x60;
const ARRAY: u8 = 0x80;
const MAP: u8 = 0xA0;
/// Stands for a number that an array begins with and that tells nothing apart.
const FIRST_NUMBER: u8 = 0x18;

/// A value that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Int(u64),
    Bytes(&'a [u8]),
    Text(&'a [u8]),
}

/// Where in an entry a value stands, and of what kind it is; equal for entries of different skeletons that agree so far.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Int(Vec<u8>),
    Bytes(Vec<u8>, usize),
    Text(Vec<u8>),
}

/// How an entry is put together again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// These bytes as they are.
    Verbatim(Vec<u8>),
    /// A number with this major type.
    Int(u8, Slot),
    /// A byte string; its head is in the bytes before.
    Bytes(Slot),
    /// A text with its head.
    Text(Slot),
}

/// Takes an entry apart; nothing if it isn't deterministic CBOR of the kinds known here.
pub(super) fn take_apart<'a>(entry: &'a [u8], skeleton: &mut Vec<u8>, fields: &mut Vec<Field<'a>>) -> bool {
    skeleton.clear();
    fields.clear();
    let mut walk = Entry { rest: entry, skeleton, fields };
    walk.item(DEEPEST, false).is_some() && walk.rest.is_empty() && skeleton.len() <= LONGEST
}

struct Entry<'a, 'b> {
    rest: &'a [u8],
    skeleton: &'b mut Vec<u8>,
    fields: &'b mut Vec<Field<'a>>,
}

impl<'a> Entry<'a, '_> {
    fn take(&mut self, bytes: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    /// A head in its shortest form.
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = self.take(1)?[0];
        let (major, short) = (first & 0xE0, first & 0x1F);
        let (argument, least) = match short {
            0..24 => (u64::from(short), 0),
            24 => (u64::from(self.take(1)?[0]), 24),
            25 => (u64::from(u16::from_be_bytes(self.take(2)?.try_into().ok()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.take(4)?.try_into().ok()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.take(8)?.try_into().ok()?), 1 << 32),
            _ => return None,
        };
        (argument >= least).then_some((major, argument))
    }

    fn item(&mut self, depth: u8, is_first: bool) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let before = self.rest;
        let (major, argument) = self.head()?;
        let head = &before[..before.len() - self.rest.len()];
        match major {
            UNSIGNED if is_first && argument < 24 => self.skeleton.push(argument as u8),
            UNSIGNED | NEGATIVE => {
                let mark = if is_first && major == UNSIGNED { FIRST_NUMBER } else { major };
                self.skeleton.push(mark);
                self.fields.push(Field::Int(argument));
            }
            BYTES => {
                self.skeleton.extend_from_slice(head);
                let bytes = self.take(argument)?;
                self.fields.push(Field::Bytes(bytes));
            }
            TEXT => {
                self.skeleton.push(TEXT);
                let text = self.take(argument)?;
                self.fields.push(Field::Text(text));
            }
            ARRAY => {
                self.skeleton.extend_from_slice(head);
                for place in 0..argument {
                    self.item(depth, place == 0)?;
                }
            }
            MAP => {
                self.skeleton.extend_from_slice(head);
                for _ in 0..argument {
                    let before = self.rest;
                    let (UNSIGNED, _) = self.head()? else { return None };
                    self.skeleton.extend_from_slice(&before[..before.len() - self.rest.len()]);
                    self.item(depth, false)?;
                }
            }
            _ if matches!(head, [0xF4..=0xF6]) => self.skeleton.extend_from_slice(head),
            _ => return None,
        }
        Some(())
    }
}

/// The steps that put entries of a skeleton together; nothing if the bytes are no skeleton.
pub(super) fn steps(skeleton: &[u8]) -> Option<Vec<Step>> {
    if skeleton.len() > LONGEST {
        return None;
    }
    let mut fields = Vec::new();
    let mut unused = Vec::new();
    let mut walk = Skeleton {
        inner: Entry { rest: skeleton, skeleton: &mut unused, fields: &mut fields },
        steps: Vec::new(),
        path: Vec::new(),
    };
    walk.item(DEEPEST, false)?;
    walk.inner.rest.is_empty().then_some(walk.steps)
}

struct Skeleton<'a, 'b> {
    inner: Entry<'a, 'b>,
    steps: Vec<Step>,
    path: Vec<u8>,
}

impl Skeleton<'_, '_> {
    fn verbatim(&mut self, bytes: &[u8]) {
        match self.steps.last_mut() {
            Some(Step::Verbatim(last)) => last.extend_from_slice(bytes),
            _ => self.steps.push(Step::Verbatim(bytes.to_vec())),
        }
    }

    fn item(&mut self, depth: u8, is_first: bool) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let mark = *self.inner.rest.first()?;
        if mark == FIRST_NUMBER && is_first || mark == NEGATIVE || (mark == UNSIGNED && !is_first) {
            self.inner.take(1)?;
            self.steps.push(Step::Int(mark & 0xE0, Slot::Int(self.path.clone())));
            return Some(());
        }
        if mark == TEXT {
            self.inner.take(1)?;
            self.steps.push(Step::Text(Slot::Text(self.path.clone())));
            return Some(());
        }
        let before = self.inner.rest;
        let (major, argument) = self.inner.head()?;
        let head = &before[..before.len() - self.inner.rest.len()];
        self.verbatim(head);
        match major {
            UNSIGNED if is_first => self.path.push(argument as u8),
            BYTES => {
                let length = usize::try_from(argument).ok()?;
                self.steps.push(Step::Bytes(Slot::Bytes(self.path.clone(), length)));
            }
            ARRAY => self.array(depth, argument)?,
            MAP => self.map(depth, argument)?,
            _ if matches!(head, [0xF4..=0xF6]) => {}
            _ => return None,
        }
        Some(())
    }

    /// What an array begins with is part of the path of the items behind it.
    fn array(&mut self, depth: u8, items: u64) -> Option<()> {
        let length = self.path.len();
        for place in 0..items {
            self.path.push(0xFE);
            self.item(depth, place == 0)?;
        }
        self.path.truncate(length);
        Some(())
    }

    fn map(&mut self, depth: u8, items: u64) -> Option<()> {
        for _ in 0..items {
            let before = self.inner.rest;
            let (UNSIGNED, _) = self.inner.head()? else { return None };
            let key = &before[..before.len() - self.inner.rest.len()];
            self.verbatim(key);
            let length = self.path.len();
            self.path.extend_from_slice(key);
            self.item(depth, false)?;
            self.path.truncate(length);
        }
        Some(())
    }
}

/// Writes a head in its shortest form.
pub(super) fn put_head(into: &mut Vec<u8>, major: u8, argument: u64) {
    match argument {
        0..24 => into.push(major | argument as u8),
        24..0x100 => into.extend_from_slice(&[major | 24, argument as u8]),
        0x100..0x1_0000 => {
            into.push(major | 25);
            into.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            into.push(major | 26);
            into.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            into.push(major | 27);
            into.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

pub(super) const TEXT_MAJOR: u8 = TEXT;
