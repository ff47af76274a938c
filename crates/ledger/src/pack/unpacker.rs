//! Unpacking: whoever wrote the streams may have meant ill, so every step can find that they don't fit.

use bailee_audit::bundle::{self, MAX_ENTRY_LEN};

use super::model::{Model, Parent, Told, WAYS};
use super::shape::{Slot, Step, TEXT_MAJOR, put_head, steps};
use super::streams::Input;
use super::{
    AGO, AS_FOLLOWED, AS_IN_CHAIN, COLUMNS, Damaged, FRONT, INT_WAYS, Layout, NEW, PARENTS, PARENTS_HASH,
    RAW, SHAPES, SKELETONS, sha256,
};

/// New byte strings of one length, in order.
struct Literals<'a> {
    length: usize,
    fronts: Vec<Input<'a>>,
    rest: Input<'a>,
    before: u64,
}

impl Literals<'_> {
    fn next(&mut self, into: &mut Vec<u8>) -> Result<(), Damaged> {
        let mut rest = self.length;
        if !self.fronts.is_empty() {
            let mut told = [0; FRONT];
            for (byte, front) in told.iter_mut().zip(&mut self.fronts) {
                *byte = front.take(1)?[0];
            }
            self.before = self.before.wrapping_add(u64::from_be_bytes(told));
            into.extend_from_slice(&self.before.to_be_bytes());
            rest -= FRONT;
        }
        into.extend_from_slice(self.rest.take(rest)?);
        Ok(())
    }
}

/// See the module.
pub(super) struct Unpacker<'a> {
    layout: Layout,
    model: Model,
    shapes: Input<'a>,
    parents: Input<'a>,
    raw: Input<'a>,
    ways: Vec<u8>,
    columns: Vec<Input<'a>>,
    literals: Vec<Literals<'a>>,
    /// The entries so far.
    pub(super) bundle: Vec<u8>,
    /// Where each entry begins in the bundle, and its hash once somebody asked.
    entries: Vec<(usize, Option<[u8; 32]>)>,
}

impl<'a> Unpacker<'a> {
    /// Makes ready to read what a packer wrote.
    pub(super) fn new(streams: &'a [Vec<u8>]) -> Result<Self, Damaged> {
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
        let mut literals = Vec::new();
        for &length in &layout.lengths {
            let fronts = if length < FRONT { 0 } else { FRONT };
            let fronts: Vec<Input<'_>> = rest.by_ref().take(fronts).map(|stream| Input(stream)).collect();
            let rest = Input(rest.next().ok_or(Damaged)?);
            literals.push(Literals { length, fronts, rest, before: 0 });
        }
        if columns.len() != layout.slots.len() || rest.next().is_some() {
            return Err(Damaged);
        }
        let (shapes, parents, raw) =
            (Input(&streams[SHAPES]), Input(&streams[PARENTS]), Input(&streams[RAW]));
        let (model, bundle, entries) = (Model::default(), Vec::new(), Vec::new());
        Ok(Self { layout, model, shapes, parents, raw, ways, columns, literals, bundle, entries })
    }

    /// Adds the next entry to the bundle.
    pub(super) fn entry(&mut self) -> Result<(), Damaged> {
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
                let step = |(step, column): &(Step, usize)| {
                    let length_at = layout.length_of.get(*column).copied().unwrap_or(0);
                    self.step(step, *column, length_at, parents_entry)
                };
                shape.steps.iter().try_for_each(step)
            }
            None => Err(Damaged),
        };
        self.layout = layout;
        result
    }

    fn step(
        &mut self,
        step: &Step,
        column: usize,
        length_at: usize,
        parent: Option<usize>,
    ) -> Result<(), Damaged> {
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
            Step::Bytes(_) => self.bytes(column, length_at, parent)?,
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
            PARENTS_HASH => {
                let hash = self.hash(parent.ok_or(Damaged)?)?;
                self.bundle.extend_from_slice(&hash);
                return Ok(());
            }
            NEW => {
                let start = self.bundle.len();
                self.literals.get_mut(length).ok_or(Damaged)?.next(&mut self.bundle)?;
                let number = self.model.number(length, &self.bundle[start..]);
                self.model.learn_bytes(column, length, number);
                return Ok(());
            }
            AS_IN_CHAIN => Told::AsInChain,
            AS_FOLLOWED => Told::AsFollowed,
            ago => Told::Ago(usize::try_from(ago - AGO).map_err(|_| Damaged)?),
        };
        let (number, bytes) = self.model.told(column, length, told).ok_or(Damaged)?;
        self.bundle.extend_from_slice(bytes);
        self.model.learn_bytes(column, length, number);
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

fn take_parent(input: &mut Input<'_>) -> Result<Option<Parent>, Damaged> {
    let Some(code) = input.number()?.checked_sub(1) else { return Ok(None) };
    let rank = usize::try_from(code / 2).map_err(|_| Damaged)?;
    let steps = if code % 2 == 0 { 0 } else { input.length()? };
    Ok(Some(Parent { rank, steps }))
}

fn unzigzag(told: u64, expected: u64) -> u64 {
    expected.wrapping_add((told >> 1) ^ (told & 1).wrapping_neg())
}
