//! Packing: entries into columns, columns into streams.

use std::collections::BTreeMap;

use super::model::{Model, Parent, Told, WAYS};
use super::shape::{Field, Slot, Step, steps, take_apart};
use super::streams::{self, put};
use super::{
    AGO, AS_FOLLOWED, AS_IN_CHAIN, COLUMNS, FRONT, INT_WAYS, Layout, MOST_SHAPES, NEW, PARENTS, PARENTS_HASH,
    RAW, SHAPES, SKELETONS, sha256,
};

/// See the module.
#[derive(Default)]
pub(super) struct Packer {
    layout: Layout,
    by_skeleton: BTreeMap<Vec<u8>, usize>,
    model: Model,
    count: u64,
    fixed: [Vec<u8>; COLUMNS],
    /// Numbers of each column with what was expected, until it is known which way is best.
    ints: Vec<Vec<(u64, [u64; WAYS])>>,
    others: Vec<Vec<u8>>,
    /// By place in the list of lengths.
    literals: Vec<Vec<u8>>,
    numbers: BTreeMap<Vec<u8>, usize>,
    by_hash: BTreeMap<[u8; 32], usize>,
}

impl Packer {
    /// Takes an entry in.
    pub(super) fn entry(&mut self, entry: &[u8]) {
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
        let layout = std::mem::take(&mut self.layout);
        self.ints.resize_with(layout.slots.len(), Vec::new);
        self.others.resize_with(layout.slots.len(), Vec::new);
        self.literals.resize_with(layout.lengths.len(), Vec::new);
        let steps = &layout.shapes[shape].steps;
        let columns = steps.iter().filter(|(step, _)| !matches!(step, Step::Verbatim(_)));
        for (field, &(_, column)) in fields.iter().zip(columns) {
            match *field {
                Field::Int(number) => {
                    let expected = self.model.expected(column);
                    self.ints[column].push((number, expected));
                    self.model.learn(column, number);
                }
                Field::Text(text) => {
                    let stream = &mut self.others[column];
                    put(stream, text.len() as u64);
                    stream.extend_from_slice(text);
                }
                Field::Bytes(bytes) => self.bytes(column, layout.length_of[column], bytes, hash_of),
            }
        }
        self.layout = layout;
    }

    fn bytes(&mut self, column: usize, length: usize, bytes: &[u8], parent: Option<usize>) {
        let stream = &mut self.others[column];
        let names_parent = |hash: [u8; 32]| parent.is_some() && self.by_hash.get(&hash).copied() == parent;
        if <[u8; 32]>::try_from(bytes).is_ok_and(names_parent) {
            return put(stream, PARENTS_HASH);
        }
        let number = match self.numbers.get(bytes) {
            None => {
                put(stream, NEW);
                self.literals[length].extend_from_slice(bytes);
                let number = self.model.number(length, bytes);
                self.numbers.insert(bytes.to_vec(), number);
                number
            }
            Some(&number) => {
                match self.model.tell(column, length, number) {
                    Told::AsInChain => put(stream, AS_IN_CHAIN),
                    Told::AsFollowed => put(stream, AS_FOLLOWED),
                    Told::Ago(ago) => put(stream, AGO + ago as u64),
                }
                number
            }
        };
        self.model.learn_bytes(column, length, number);
    }

    /// The packed block.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let mut streams = Vec::new();
        let mut ways = Vec::new();
        for (column, slot) in self.layout.slots.iter().enumerate() {
            if let Slot::Int(_) = slot {
                let numbers = std::mem::take(&mut self.ints[column]);
                let (way, stream) = told_best(&numbers);
                ways.push(way);
                streams.push(stream);
            } else {
                streams.push(std::mem::take(&mut self.others[column]));
            }
        }
        for (literals, &length) in self.literals.iter().zip(&self.layout.lengths) {
            streams.extend(split_literals(literals, length));
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

fn zigzag(number: u64, expected: u64) -> u64 {
    let difference = number.wrapping_sub(expected) as i64;
    ((difference << 1) ^ (difference >> 63)) as u64
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
    let mut streams = vec![Vec::new(); FRONT];
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
