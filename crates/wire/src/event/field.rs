//! How single values of an event are written, read and shown.

use core::fmt::Display;

use bailee_domain::access::{Permission, Role};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::WorkOrderId;
use bailee_domain::id::{
    AlertId, BankId, CarrierId, CustodyId, FileId, GrantId, HoldId, MessageId, OrgId, ParcelId, PersonId,
    TokenId,
};
use bailee_domain::time::WallTime;
use minicbor::{Decoder, Encoder};

use super::{EventError, MAX_TEXT_BYTES, Shown};
#[cfg(test)]
use crate::sample::Dice;

/// Writes CBOR to memory.
pub(super) struct Writer(Encoder<Vec<u8>>);

const IN_MEMORY: &str = "writing to memory cannot fail";

impl Writer {
    pub(super) fn new() -> Self {
        Self(Encoder::new(Vec::with_capacity(160)))
    }

    pub(super) fn unsigned(&mut self, n: u64) {
        self.0.u64(n).expect(IN_MEMORY);
    }

    pub(super) fn signed(&mut self, n: i64) {
        self.0.i64(n).expect(IN_MEMORY);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.bytes(bytes).expect(IN_MEMORY);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.str(text).expect(IN_MEMORY);
    }

    pub(super) fn array(&mut self, len: u64) {
        self.0.array(len).expect(IN_MEMORY);
    }

    pub(super) fn map(&mut self, len: u64) {
        self.0.map(len).expect(IN_MEMORY);
    }

    pub(super) fn null(&mut self) {
        self.0.null().expect(IN_MEMORY);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_writer()
    }
}

/// Reads CBOR; every length is checked before anything is allocated.
pub(super) struct Reader<'a>(Decoder<'a>);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, EventError> {
        self.0.u64().map_err(|_| EventError::Malformed)
    }

    pub(super) fn signed(&mut self) -> Result<i64, EventError> {
        self.0.i64().map_err(|_| EventError::Malformed)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], EventError> {
        let bytes = self.0.bytes().map_err(|_| EventError::Malformed)?;
        bytes.try_into().map_err(|_| EventError::Malformed)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, EventError> {
        let text = self.0.str().map_err(|_| EventError::Malformed)?;
        if text.len() > MAX_TEXT_BYTES { Err(EventError::TooLong) } else { Ok(text) }
    }

    pub(super) fn array(&mut self, len: u64) -> Result<(), EventError> {
        if matches!(self.0.array(), Ok(Some(n)) if n == len) { Ok(()) } else { Err(EventError::Malformed) }
    }

    pub(super) fn map(&mut self, len: u64) -> Result<(), EventError> {
        if matches!(self.0.map(), Ok(Some(n)) if n == len) { Ok(()) } else { Err(EventError::Malformed) }
    }

    /// Opens a map of any definite length.
    pub(super) fn any_map(&mut self) -> Result<u64, EventError> {
        self.0.map().ok().flatten().ok_or(EventError::Malformed)
    }

    pub(super) fn key(&mut self, key: u64) -> Result<(), EventError> {
        if self.unsigned()? == key { Ok(()) } else { Err(EventError::Malformed) }
    }

    fn null(&mut self) -> bool {
        if matches!(self.0.datatype(), Ok(minicbor::data::Type::Null)) {
            self.0.null().is_ok()
        } else {
            false
        }
    }

    pub(super) fn at_end(&self) -> bool {
        self.0.position() == self.0.input().len()
    }
}

/// A value inside an event.
pub(super) trait Field: Sized {
    fn put(&self, to: &mut Writer);
    fn take(from: &mut Reader<'_>) -> Result<Self, EventError>;
    fn show(&self, name: &str, into: &mut Vec<Shown>);
    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self;
    /// The numbers and names of its variants, where it has any.
    #[cfg(test)]
    const VARIANTS: &'static [(u64, &'static str)] = &[];
}

pub(super) fn push(name: &str, value: impl Display, into: &mut Vec<Shown>) {
    into.push(Shown { name: name.to_owned(), value: value.to_string() });
}

/// `outer.inner`, or `inner` at the top.
pub(super) fn nested(outer: &str, inner: &str) -> String {
    if outer.is_empty() { inner.to_owned() } else { format!("{outer}.{inner}") }
}

macro_rules! unsigned {
    ($($ty:ty),*) => {$(
        impl Field for $ty {
            fn put(&self, to: &mut Writer) {
                to.unsigned(u64::from(*self));
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
                Self::try_from(from.unsigned()?).map_err(|_| EventError::Malformed)
            }

            fn show(&self, name: &str, into: &mut Vec<Shown>) {
                push(name, self, into);
            }

            #[cfg(test)]
            fn sample(dice: &mut Dice) -> Self {
                Self::try_from(dice.number() & u64::from(Self::MAX)).unwrap()
            }
        }
    )*};
}

unsigned!(u8, u16, u64);

impl Field for i64 {
    fn put(&self, to: &mut Writer) {
        to.signed(*self);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
        from.signed()
    }

    fn show(&self, name: &str, into: &mut Vec<Shown>) {
        push(name, self, into);
    }

    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        dice.number().cast_signed()
    }
}

impl Field for WallTime {
    fn put(&self, to: &mut Writer) {
        to.signed(self.unix_ms());
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
        from.signed().map(Self::from_unix_ms)
    }

    fn show(&self, name: &str, into: &mut Vec<Shown>) {
        push(name, super::time_text(*self), into);
    }

    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        Self::from_unix_ms(i64::sample(dice))
    }
}

impl Field for CompartmentNo {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
        u16::take(from).map(Self)
    }

    fn show(&self, name: &str, into: &mut Vec<Shown>) {
        push(name, self.0, into);
    }

    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        Self(u16::sample(dice))
    }
}

macro_rules! ids {
    ($($ty:ty),*) => {$(
        impl Field for $ty {
            fn put(&self, to: &mut Writer) {
                to.bytes(&self.to_bytes());
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
                from.fixed().map(Self::from_bytes)
            }

            fn show(&self, name: &str, into: &mut Vec<Shown>) {
                push(name, self, into);
            }

            #[cfg(test)]
            fn sample(dice: &mut Dice) -> Self {
                Self::from_bytes(dice.bytes())
            }
        }
    )*};
}

ids!(
    AlertId,
    BankId,
    CarrierId,
    CustodyId,
    FileId,
    GrantId,
    HoldId,
    MessageId,
    OrgId,
    ParcelId,
    PersonId,
    TokenId,
    WorkOrderId
);

impl<const N: usize> Field for [u8; N] {
    fn put(&self, to: &mut Writer) {
        to.bytes(self);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
        from.fixed()
    }

    fn show(&self, name: &str, into: &mut Vec<Shown>) {
        push(name, super::hex(self), into);
    }

    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        dice.bytes()
    }
}

impl Field for String {
    fn put(&self, to: &mut Writer) {
        to.text(self);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
        from.text().map(str::to_owned)
    }

    fn show(&self, name: &str, into: &mut Vec<Shown>) {
        push(name, self, into);
    }

    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        dice.text(MAX_TEXT_BYTES)
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, to: &mut Writer) {
        match self {
            Some(value) => value.put(to),
            None => to.null(),
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
        if from.null() { Ok(None) } else { T::take(from).map(Some) }
    }

    fn show(&self, name: &str, into: &mut Vec<Shown>) {
        if let Some(value) = self {
            value.show(name, into);
        }
    }

    #[cfg(test)]
    fn sample(dice: &mut Dice) -> Self {
        if dice.below(3) == 0 { None } else { Some(T::sample(dice)) }
    }
}

macro_rules! by_name {
    ($($ty:ty: $all:expr;)*) => {$(
        impl Field for $ty {
            fn put(&self, to: &mut Writer) {
                to.text(self.name());
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
                Self::from_name(from.text()?).ok_or(EventError::Malformed)
            }

            fn show(&self, name: &str, into: &mut Vec<Shown>) {
                push(name, self.name(), into);
            }

            #[cfg(test)]
            fn sample(dice: &mut Dice) -> Self {
                dice.pick($all)
            }
        }
    )*};
}

by_name! {
    Role: &Role::ALL;
    Permission: Permission::ALL;
}
