//! A value that must not be printed and is wiped when dropped.
//!
//! [`Secret`] is the only type that holds key material, codes or opened personal data in memory. It has no
//! `Display`, no serialisation, no equality and no `Clone`: each copy of a secret is made on purpose.

use core::any::type_name;
use core::fmt;

use rand_core::Rng;
use zeroize::Zeroize;

/// A heap-held secret: moving it leaves no copy behind, dropping it zeroises it.
pub struct Secret<T: Zeroize>(Box<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of `value`; wiping the place it came from is up to the caller.
    pub fn new(value: T) -> Self {
        Self(Box::new(value))
    }

    /// Lends the value; keep the borrow short and never copy it into something that is not a [`Secret`].
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<const N: usize> Secret<[u8; N]> {
    /// Draws `N` random bytes straight into their final place.
    pub fn random(rng: &mut (impl Rng + ?Sized)) -> Self {
        let mut value = Box::new([0; N]);
        rng.fill_bytes(value.as_mut_slice());
        Self(value)
    }

    /// Copies exactly `N` bytes; `None` when `bytes` has any other length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut value = Box::new([0; N]);
        if bytes.len() != N {
            return None;
        }
        value.copy_from_slice(bytes);
        Some(Self(value))
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{}>", type_name::<T>())
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::test_rng::seeded;

    struct Tell(Arc<AtomicBool>);
    impl Zeroize for Tell {
        fn zeroize(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn dropping_wipes() {
        let wiped = Arc::new(AtomicBool::new(false));
        drop(Secret::new(Tell(wiped.clone())));
        assert!(wiped.load(Ordering::SeqCst));
    }

    #[test]
    fn debug_shows_the_type_and_nothing_else() {
        assert_eq!(format!("{:?}", Secret::new(String::from("hunter2"))), "Secret<alloc::string::String>");
        assert_eq!(format!("{:?}", Secret::new([7u8; 4])), "Secret<[u8; 4]>");
    }

    #[test]
    fn only_the_exact_length_is_taken() {
        assert!(Secret::<[u8; 4]>::from_slice(&[1, 2, 3]).is_none());
        assert!(Secret::<[u8; 4]>::from_slice(&[1, 2, 3, 4, 5]).is_none());
        assert_eq!(Secret::<[u8; 4]>::from_slice(&[1, 2, 3, 4]).unwrap().expose(), &[1, 2, 3, 4]);
        assert_ne!(Secret::<[u8; 32]>::random(&mut seeded(1)).expose(), &[0; 32]);
    }
}
