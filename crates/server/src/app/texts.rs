//! A few texts as one row of bytes: each after its length in four bytes, big-endian; an absent one has length
//! `0xffffffff`. The same texts always give the same bytes, which is what a commitment needs.

/// Writes texts one after another.
pub(super) fn encode(texts: &[Option<&str>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        let length =
            text.map_or(u32::MAX, |text| u32::try_from(text.len()).expect("callers bound their texts"));
        bytes.extend(length.to_be_bytes());
        bytes.extend(text.map_or(&[][..], str::as_bytes));
    }
    bytes
}

/// Reads exactly `N` texts and nothing after them.
pub(super) fn decode<const N: usize>(mut bytes: &[u8]) -> Option<[Option<String>; N]> {
    let mut texts = [const { None }; N];
    for text in &mut texts {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length);
        let taken = if length == u32::MAX { 0 } else { usize::try_from(length).ok()? };
        let (own, rest) = rest.split_at_checked(taken)?;
        bytes = rest;
        if length != u32::MAX {
            *text = Some(String::from_utf8(own.to_vec()).ok()?);
        }
    }
    bytes.is_empty().then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_were_written_and_nothing_else_is() {
        let bytes = encode(&[Some("é"), None, Some("")]);
        assert_eq!(decode::<3>(&bytes), Some([Some("é".into()), None, Some(String::new())]));
        for end in 0..bytes.len() {
            assert_eq!(decode::<3>(&bytes[..end]), None);
        }
        assert_eq!(decode::<2>(&bytes), None);
        assert_eq!(decode::<1>(&[0, 0, 0, 1, 0xff]), None);
        assert_eq!(decode::<1>(&[0xff, 0xff, 0xff, 0xfe, 0]), None);
    }
}
