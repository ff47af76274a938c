//! The zip archive around a bag: a strict reader, so that no two programs see different files in it, and a writer of
//! exactly what the reader takes.

mod read;
mod write;

pub(crate) use read::failed;
pub use read::{Archive, Content};
pub(crate) use write::{Packed, Packer};

/// Bytes of the longest name of a file.
pub const MAX_NAME: usize = 200;

/// Whether a name is one a bundle may use: it can't leave its folder on any system, nor mean two things.
pub(crate) fn is_name(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.');
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(letter) && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        for good in ["bag/bagit.txt", "a", "bag/data/log/entries.jsonl", "bag/data/files/0a-b_c.jpg"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(MAX_NAME + 1);
        for bad in [
            "",
            "/etc/passwd",
            "a//b",
            "a/",
            "../a",
            "a/../b",
            "a/./b",
            "a\\b",
            "C:a",
            "a\0",
            "é",
            ".x",
            &long,
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
