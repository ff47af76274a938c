//! Looking for a text in every shape in which it may lie in a file.

use super::*;

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |three: &[u8]| {
        let n = three.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(n >> shift) as usize & 63]))
    };
    bytes.chunks_exact(3).flat_map(digits).collect()
}

/// A text in every shape in which it may lie in a file.
pub(super) fn shapes(text: &str) -> Vec<Vec<u8>> {
    let mut shapes = Vec::new();
    for text in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
        // Base64 of something longer shows the text in one of three ways; its ends depend on what is around it.
        for skipped in 0..3 {
            shapes.push(base64(&text.as_bytes()[skipped..]).into_bytes());
        }
        shapes.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        shapes.push(text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes());
        shapes.push(form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().into_bytes());
        shapes.push(text.into_bytes());
    }
    shapes
}

fn files_below(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&path, into),
            Ok(kind) if kind.is_file() => into.push(path),
            _ => {}
        }
    }
}

/// The first file below a folder that holds one of the needles.
pub(super) fn found_in(folder: &Path, needles: &[Vec<u8>]) -> Option<(PathBuf, String)> {
    let mut files = Vec::new();
    files_below(folder, &mut files);
    assert!(!files.is_empty(), "there are files to look at");
    let mut by_start: Vec<Vec<&[u8]>> = vec![Vec::new(); 1 << 16];
    for needle in needles {
        by_start[usize::from(u16::from_be_bytes([needle[0], needle[1]]))].push(needle);
    }
    let found = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap_or_default(); // a server's temporary file may be gone
        let mut start = 0_u16;
        for (at, byte) in bytes.iter().enumerate() {
            start = start << 8 | u16::from(*byte);
            let found = by_start[usize::from(start)]
                .iter()
                .find(|needle| at > 0 && bytes[at - 1..].starts_with(needle));
            if let Some(needle) = found {
                return Some((path, String::from_utf8_lossy(needle).into_owned()));
            }
        }
        None
    };
    files.into_iter().find_map(found)
}

#[test]
fn the_shapes_a_text_is_looked_for_in_are_found() {
    let inside = base64(format!("xx{EMAIL}yyy").as_bytes());
    assert!(shapes(EMAIL).iter().any(|shape| inside.as_bytes().windows(shape.len()).any(|it| it == shape)));
}
