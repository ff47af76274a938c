//! Entry bundles of C2SP tlog-tiles: up to 256 entries, each behind its length as a big-endian `u16`.

use crate::tile::TILE_WIDTH;

/// Bytes the longest entry has.
pub const MAX_ENTRY_LEN: usize = u16::MAX as usize;
/// Bytes the longest bundle has.
pub const MAX_BUNDLE_LEN: usize = TILE_WIDTH as usize * (2 + MAX_ENTRY_LEN);

/// An entry that doesn't fit the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {len} bytes is longer than {MAX_ENTRY_LEN}")]
pub struct EntryTooLong {
    /// Its bytes.
    pub len: usize,
}

/// Bundle bytes that end within an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bundle ends within its entry {entry}")]
pub struct Truncated {
    /// Place of that entry in the bundle, from 0.
    pub entry: usize,
}

/// Appends one entry to the bytes of a bundle.
///
/// # Errors
/// [`EntryTooLong`]; the bundle is then as it was.
pub fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryTooLong> {
    let len = u16::try_from(entry.len()).map_err(|_| EntryTooLong { len: entry.len() })?;
    bundle.extend_from_slice(&len.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle in order. After an error the iterator ends.
#[must_use]
pub fn entries(bundle: &[u8]) -> Entries<'_> {
    Entries { rest: bundle, taken: 0 }
}

/// See [`entries`].
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
    taken: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<&'a [u8], Truncated>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.rest.split_first_chunk::<2>().and_then(|(len, rest)| {
            let len = usize::from(u16::from_be_bytes(*len));
            rest.split_at_checked(len)
        });
        let Some((entry, rest)) = entry else {
            self.rest = &[];
            return Some(Err(Truncated { entry: self.taken }));
        };
        self.rest = rest;
        self.taken += 1;
        Some(Ok(entry))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_big_endian() {
        let mut bundle = Vec::new();
        push(&mut bundle, b"ab").expect("short");
        push(&mut bundle, &[9; 258]).expect("short");
        push(&mut bundle, b"").expect("short");
        assert_eq!(&bundle[..6], &[0, 2, b'a', b'b', 1, 2]);
        assert_eq!(&bundle[bundle.len() - 2..], &[0, 0]);
    }

    #[test]
    fn the_longest_entry_fits_and_one_byte_more_does_not() {
        let mut bundle = Vec::new();
        push(&mut bundle, &vec![1; MAX_ENTRY_LEN]).expect("65,535 bytes fit");
        let before = bundle.clone();
        assert_eq!(push(&mut bundle, &vec![1; MAX_ENTRY_LEN + 1]), Err(EntryTooLong { len: 65_536 }));
        assert_eq!(bundle, before);
    }

    #[test]
    fn a_cut_bundle_names_the_entry_it_ends_in() {
        for (bytes, entry) in [(&[0, 1, 7, 0][..], 1), (&[0, 1, 7, 0, 2, 1], 1), (&[5], 0)] {
            assert_eq!(entries(bytes).last(), Some(Err(Truncated { entry })));
        }
    }

    proptest! {
        #[test]
        fn entries_read_back(list in vec(vec(any::<u8>(), 0..600), 0..20)) {
            let mut bundle = Vec::new();
            for entry in &list {
                push(&mut bundle, entry).expect("short");
            }
            let back: Result<Vec<&[u8]>, Truncated> = entries(&bundle).collect();
            prop_assert_eq!(back.expect("whole"), list.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
            if let Ok(list) = entries(&bytes).collect::<Result<Vec<_>, _>>() {
                let mut back = Vec::new();
                for entry in list {
                    push(&mut back, entry).expect("its length was a u16");
                }
                prop_assert_eq!(back, bytes);
            }
        }
    }
}
