//! Entries packed small: a block of them is taken apart into columns, and each column is told by what was expected.
//!
//! The ledger doesn't know what entries say. It sees deterministic CBOR (anything else is kept as it is), finds entries
//! that hold the SHA-256 of an earlier one of the block, and leaves those 32 bytes out: they are computed again. The
//! form is in `docs/reference/ledger-format.md`. Unpacked bytes are never believed: whoever unpacks compares hashes.
//!
//! [`pack`] always succeeds, [`unpack`] refuses what [`pack`] didn't write, and neither looks outside its block.

mod model;
mod shape;
mod streams;

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use bailee_audit::bundle::{self, MAX_ENTRY_LEN};

use model::{Model, Parent, Told, WAYS};
use shape::{Field, Slot, Step, TEXT_MAJOR, put_head, steps, take_apart};
use streams::{Input, put};

/// Packed bytes that don't give a block of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the packed entries are damaged")]
pub struct Damaged;

const SHAPES: usize = 0;
const PARENTS: usize = 1;
const RAW: usize = 2;
const SKELETONS: usize = 3;
const INT_WAYS: usize = 4;
const COLUMNS: usize = 5;

const NEW: u64 = 0;
const AS_IN_CHAIN: u64 = 1;
const AS_FOLLOWED: u64 = 2;
const PARENTS_HASH: u64 = 3;
const AGO: u64 = 4;

/// Bytes at the front of new byte strings that are told as the difference to the one before, place by place.
const FRONT: usize = 8;
/// No block has more columns or shapes; beyond, entries are kept as they are.
const MOST_SHAPES: usize = 4_096;

/// Packs entries, each at most [`MAX_ENTRY_LEN`] bytes long.
#[must_use]
pub fn pack<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut packer = Packer::default();
    for entry in entries {
        packer.entry(entry);
    }
    packer.finish()
}

/// Unpacks entries into a bundle (C2SP tlog-tiles) of any number of entries.
///
/// # Errors
/// [`Damaged`].
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut input = Input(packed);
    let count = input.length()?;
    let streams = streams::read(&mut input)?;
    if !input.0.is_empty() || streams.len() < COLUMNS {
        return Err(Damaged);
    }
    let mut unpacker = Unpacker::new(&streams)?;
    for _ in 0..count {
        unpacker.entry()?;
    }
    Ok(unpacker.bundle)
}

/// Shapes and columns in the order of their first use.
#[derive(Default)]
struct Layout {
    shapes: Vec<Shape>,
    columns: BTreeMap<Slot, usize>,
    slots: Vec<Slot>,
    /// Lengths of byte strings.
    lengths: Vec<usize>,
}

struct Shape {
    steps: Vec<(Step, usize)>,
    has_hash: bool,
}

impl Layout {
    fn add(&mut self, steps: Vec<Step>) {
        let mut has_hash = false;
        let steps = steps.into_iter().map(|step| {
            let slot = match &step {
                Step::Verbatim(_) => return (step, 0),
                Step::Int(_, slot) | Step::Bytes(slot) | Step::Text(slot) => slot.clone(),
            };
            if let Slot::Bytes(_, length) = &slot {
                has_hash |= *length == 32;
                if !self.lengths.contains(length) {
                    self.lengths.push(*length);
                }
            }
            let next = self.slots.len();
            let column = *self.columns.entry(slot.clone()).or_insert(next);
            if column == next {
                self.slots.push(slot);
            }
            (step, column)
        });
        let steps = steps.collect();
        self.shapes.push(Shape { steps, has_hash });
    }
}

#[derive(Default)]
struct Packer {
    layout: Layout,
    by_skeleton: BTreeMap<Vec<u8>, usize>,
    model: Model,
    count: u64,
    fixed: [Vec<u8>; COLUMNS],
    /// Numbers of each column with what was expected, until it is known which way is best.
    ints: BTreeMap<usize, Vec<(u64, [u64; WAYS])>>,
    others: BTreeMap<usize, Vec<u8>>,
    literals: BTreeMap<usize, Vec<u8>>,
    by_hash: BTreeMap<[u8; 32], usize>,
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

impl Packer {
    fn entry(&mut self, entry: &[u8]) {
        let (mut skeleton, mut fields) = (Vec::with_capacity(96), Vec::with_capacity(24));
        let shape = take_apart(entry, &mut skeleton, &mut fields).then(|| self.shape(&skeleton)).flatten();
        put(&mut self.fixed[SHAPES], shape.map_or(0, |shape| shape as u64 + 1));
        match shape {
            Some(shape) => self.fields(shape, &fields),
            None => {
                self.model.begin(None, false);
                put(&mut self.fixed[RAW], entry.len() as u64);
                self.fixed[RAW].extend_from_slice(entry);
            }
        }
        self.by_hash.insert(sha256(entry), self.count as usize);
        self.count += 1;
    }

    fn shape(&mut self, skeleton: &[u8]) -> Option<usize> {
        if let Some(&shape) = self.by_skeleton.get(skeleton) {
            return Some(shape);
        }
        let shape = self.layout.shapes.len();
        let steps = steps(skeleton).filter(|_| shape < MOST_SHAPES)?;
        self.layout.add(steps);
        self.by_skeleton.insert(skeleton.to_vec(), shape);
        put(&mut self.fixed[SKELETONS], skeleton.len() as u64);
        self.fixed[SKELETONS].extend_from_slice(skeleton);
        Some(shape)
    }

    fn fields(&mut self, shape: usize, fields: &[Field<'_>]) {
        let entry_of = |field: &Field<'_>| match field {
            Field::Bytes(bytes) => {
                <[u8; 32]>::try_from(*bytes).ok().and_then(|hash| self.by_hash.get(&hash)).copied()
            }
            _ => None,
        };
        let found = fields.iter().find_map(entry_of);
        let parent = found.and_then(|entry| self.model.parent(entry));
        let hash_of = parent.and(found);
        let is_chained = self.layout.shapes[shape].has_hash;
        self.model.begin(parent, is_chained);
        put_parent(&mut self.fixed[PARENTS], parent);
        let columns: Vec<usize> = self.layout.shapes[shape]
            .steps
            .iter()
            .filter(|(step, _)| !matches!(step, Step::Verbatim(_)))
            .map(|&(_, column)| column)
            .collect();
        for (field, column) in fields.iter().zip(columns) {
            match *field {
                Field::Int(number) => {
                    let expected = self.model.expected(column);
                    self.ints.entry(column).or_default().push((number, expected));
                    self.model.learn(column, number);
                }
                Field::Text(text) => {
                    let stream = self.others.entry(column).or_default();
                    put(stream, text.len() as u64);
                    stream.extend_from_slice(text);
                }
                Field::Bytes(bytes) => self.bytes(column, bytes, hash_of),
            }
        }
    }

    fn bytes(&mut self, column: usize, bytes: &[u8], parent: Option<usize>) {
        let stream = self.others.entry(column).or_default();
        let is_parents = <[u8; 32]>::try_from(bytes)
            .is_ok_and(|hash| parent.is_some() && self.by_hash.get(&hash).copied() == parent);
        if is_parents {
            return put(stream, PARENTS_HASH);
        }
        match self.model.tell(column, bytes) {
            Told::New => {
                put(stream, NEW);
                self.literals.entry(bytes.len()).or_default().extend_from_slice(bytes);
            }
            Told::AsInChain => put(stream, AS_IN_CHAIN),
            Told::AsFollowed => put(stream, AS_FOLLOWED),
            Told::Ago(ago) => put(stream, AGO + ago as u64),
        }
        self.model.learn_bytes(column, bytes);
    }

    fn finish(mut self) -> Vec<u8> {
        let mut streams = Vec::new();
        let mut ways = Vec::new();
        for (column, slot) in self.layout.slots.iter().enumerate() {
            if let Slot::Int(_) = slot {
                let numbers = self.ints.remove(&column).unwrap_or_default();
                let (way, stream) = told_best(&numbers);
                ways.push(way);
                streams.push(stream);
            } else {
                streams.push(self.others.remove(&column).unwrap_or_default());
            }
        }
        for &length in &self.layout.lengths {
            let literals = self.literals.remove(&length).unwrap_or_default();
            streams.extend(split_literals(&literals, length));
        }
        self.fixed[INT_WAYS] = ways;
        let all: Vec<Vec<u8>> = self.fixed.into_iter().chain(streams).collect();
        let mut packed = Vec::new();
        put(&mut packed, self.count);
        streams::write(&mut packed, &all);
        packed
    }
}

fn put_parent(stream: &mut Vec<u8>, parent: Option<Parent>) {
    match parent {
        None => put(stream, 0),
        Some(Parent { rank, steps: 0 }) => put(stream, 1 + 2 * rank as u64),
        Some(Parent { rank, steps }) => {
            put(stream, 2 + 2 * rank as u64);
            put(stream, steps as u64);
        }
    }
}

fn take_parent(input: &mut Input<'_>) -> Result<Option<Parent>, Damaged> {
    let Some(code) = input.number()?.checked_sub(1) else { return Ok(None) };
    let rank = usize::try_from(code / 2).map_err(|_| Damaged)?;
    let steps = if code % 2 == 0 { 0 } else { input.length()? };
    Ok(Some(Parent { rank, steps }))
}

fn zigzag(number: u64, expected: u64) -> u64 {
    let difference = number.wrapping_sub(expected) as i64;
    ((difference << 1) ^ (difference >> 63)) as u64
}

fn unzigzag(told: u64, expected: u64) -> u64 {
    expected.wrapping_add((told >> 1) ^ (told & 1).wrapping_neg())
}

/// The way with the fewest bits, and the differences told that way.
fn told_best(numbers: &[(u64, [u64; WAYS])]) -> (u8, Vec<u8>) {
    let bits = |way: usize| -> u64 {
        let each = |&(number, expected): &(u64, [u64; WAYS])| zigzag(number, expected[way]);
        numbers
            .iter()
            .map(each)
            .map(|told| u64::from(u64::BITS - told.leading_zeros()) * 2 + u64::from(told != 0))
            .sum()
    };
    let way = (0..WAYS).min_by_key(|&way| bits(way)).unwrap_or(0);
    let mut stream = Vec::with_capacity(numbers.len());
    for (number, expected) in numbers {
        put(&mut stream, zigzag(*number, expected[way]));
    }
    (way as u8, stream)
}

/// The first bytes as differences of big-endian numbers, one stream for each place; then all that follow.
fn split_literals(literals: &[u8], length: usize) -> Vec<Vec<u8>> {
    if length < FRONT {
        return vec![literals.to_vec()];
    }
    let mut streams = vec![Vec::with_capacity(literals.len() / length); FRONT];
    let mut rest = Vec::with_capacity(literals.len());
    let mut before = 0_u64;
    for literal in literals.chunks_exact(length) {
        let front = u64::from_be_bytes(literal[..FRONT].try_into().expect("it has that many bytes"));
        let told = front.wrapping_sub(before);
        before = front;
        for (stream, byte) in streams.iter_mut().zip(told.to_be_bytes()) {
            stream.push(byte);
        }
        rest.extend_from_slice(&literal[FRONT..]);
    }
    streams.push(rest);
    streams
}

/// New byte strings of one length, in order.
struct Literals<'a> {
    length: usize,
    fronts: Vec<Input<'a>>,
    rest: Input<'a>,
    before: u64,
}

impl Literals<'_> {
    fn next(&mut self) -> Result<Vec<u8>, Damaged> {
        if self.fronts.is_empty() {
            return Ok(self.rest.take(self.length)?.to_vec());
        }
        let mut told = [0; FRONT];
        for (byte, front) in told.iter_mut().zip(&mut self.fronts) {
            *byte = front.take(1)?[0];
        }
        self.before = self.before.wrapping_add(u64::from_be_bytes(told));
        let mut literal = self.before.to_be_bytes().to_vec();
        literal.extend_from_slice(self.rest.take(self.length - FRONT)?);
        Ok(literal)
    }
}

struct Unpacker<'a> {
    layout: Layout,
    model: Model,
    shapes: Input<'a>,
    parents: Input<'a>,
    raw: Input<'a>,
    ways: Vec<u8>,
    columns: Vec<Input<'a>>,
    literals: BTreeMap<usize, Literals<'a>>,
    bundle: Vec<u8>,
    /// Where each entry begins in the bundle, and its hash once somebody asked.
    entries: Vec<(usize, Option<[u8; 32]>)>,
}

impl<'a> Unpacker<'a> {
    fn new(streams: &'a [Vec<u8>]) -> Result<Self, Damaged> {
        let mut layout = Layout::default();
        let mut skeletons = Input(&streams[SKELETONS]);
        while !skeletons.0.is_empty() {
            let length = skeletons.length()?;
            layout.add(steps(skeletons.take(length)?).ok_or(Damaged)?);
        }
        let mut rest = streams[COLUMNS..].iter();
        let columns: Vec<Input<'_>> =
            rest.by_ref().take(layout.slots.len()).map(|stream| Input(stream)).collect();
        let mut ways = vec![0; columns.len()];
        let mut told = streams[INT_WAYS].iter();
        for (column, _) in layout.slots.iter().enumerate().filter(|(_, slot)| matches!(slot, Slot::Int(_))) {
            ways[column] = *told.next().filter(|&&way| usize::from(way) < WAYS).ok_or(Damaged)?;
        }
        let mut literals = BTreeMap::new();
        for &length in &layout.lengths {
            let fronts = if length < FRONT { 0 } else { FRONT };
            let fronts: Vec<Input<'_>> = rest.by_ref().take(fronts).map(|stream| Input(stream)).collect();
            let rest = Input(rest.next().ok_or(Damaged)?);
            literals.insert(length, Literals { length, fronts, rest, before: 0 });
        }
        if columns.len() != layout.slots.len() || rest.next().is_some() {
            return Err(Damaged);
        }
        let (shapes, parents, raw) =
            (Input(&streams[SHAPES]), Input(&streams[PARENTS]), Input(&streams[RAW]));
        let (model, bundle, entries) = (Model::default(), Vec::new(), Vec::new());
        Ok(Self { layout, model, shapes, parents, raw, ways, columns, literals, bundle, entries })
    }

    fn entry(&mut self) -> Result<(), Damaged> {
        let start = self.bundle.len();
        self.bundle.extend_from_slice(&[0; 2]);
        match self.shapes.number()?.checked_sub(1) {
            Some(shape) => self.shaped(usize::try_from(shape).map_err(|_| Damaged)?)?,
            None => {
                self.model.begin(None, false);
                let length = self.raw.length()?;
                self.bundle.extend_from_slice(self.raw.take(length)?);
            }
        }
        let length = self.bundle.len() - start - 2;
        let length = u16::try_from(length).map_err(|_| Damaged)?;
        self.bundle[start..start + 2].copy_from_slice(&length.to_be_bytes());
        self.entries.push((start, None));
        Ok(())
    }

    fn shaped(&mut self, shape: usize) -> Result<(), Damaged> {
        let parent = take_parent(&mut self.parents)?;
        let parents_entry = match parent {
            Some(parent) => Some(self.model.entry(parent).ok_or(Damaged)?),
            None => None,
        };
        let layout = std::mem::take(&mut self.layout);
        let result = match layout.shapes.get(shape) {
            Some(shape) => {
                self.model.begin(parent, shape.has_hash);
                shape.steps.iter().try_for_each(|(step, column)| self.step(step, *column, parents_entry))
            }
            None => Err(Damaged),
        };
        self.layout = layout;
        result
    }

    fn step(&mut self, step: &Step, column: usize, parent: Option<usize>) -> Result<(), Damaged> {
        match step {
            Step::Verbatim(bytes) => self.bundle.extend_from_slice(bytes),
            Step::Int(major, _) => {
                let expected = self.model.expected(column)[usize::from(self.ways[column])];
                let number = unzigzag(self.columns[column].number()?, expected);
                self.model.learn(column, number);
                put_head(&mut self.bundle, *major, number);
            }
            Step::Text(_) => {
                let length = self.columns[column].length()?;
                let text = self.columns[column].take(length)?;
                put_head(&mut self.bundle, TEXT_MAJOR, length as u64);
                self.bundle.extend_from_slice(text);
            }
            Step::Bytes(Slot::Bytes(_, length)) => self.bytes(column, *length, parent)?,
            Step::Bytes(_) => return Err(Damaged),
        }
        // One entry can't grow without end by naming what came before.
        if self.bundle.len()
            > MAX_ENTRY_LEN + 2 + self.entries.last().map_or(0, |&(start, _)| start + 2 + MAX_ENTRY_LEN)
        {
            return Err(Damaged);
        }
        Ok(())
    }

    fn bytes(&mut self, column: usize, length: usize, parent: Option<usize>) -> Result<(), Damaged> {
        let told = match self.columns[column].number()? {
            PARENTS_HASH if length == 32 => {
                let hash = self.hash(parent.ok_or(Damaged)?)?;
                self.bundle.extend_from_slice(&hash);
                return Ok(());
            }
            PARENTS_HASH => return Err(Damaged),
            NEW => Told::New,
            AS_IN_CHAIN => Told::AsInChain,
            AS_FOLLOWED => Told::AsFollowed,
            ago => Told::Ago(usize::try_from(ago - AGO).map_err(|_| Damaged)?),
        };
        let bytes = match told {
            Told::New => self.literals.get_mut(&length).ok_or(Damaged)?.next()?,
            told => self.model.told(column, length, told).ok_or(Damaged)?.to_vec(),
        };
        self.bundle.extend_from_slice(&bytes);
        self.model.learn_bytes(column, &bytes);
        Ok(())
    }

    fn hash(&mut self, entry: usize) -> Result<[u8; 32], Damaged> {
        let (start, known) = *self.entries.get(entry).ok_or(Damaged)?;
        if let Some(hash) = known {
            return Ok(hash);
        }
        let bytes = bundle::entries(&self.bundle[start..]).next().and_then(Result::ok).ok_or(Damaged)?;
        let hash = sha256(bytes);
        self.entries[entry].1 = Some(hash);
        Ok(hash)
    }
}

#[cfg(test)]
mod tests;
