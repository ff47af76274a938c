//! The C2SP paths of tiles and bundles; strangers ask for them, so only the canonical spelling is read.

use std::fmt;
use std::str::FromStr;

use super::{LEVELS, TILE_WIDTH, TileId, Width, hashes_at, width_of};

const HIGHEST_LEVEL: u8 = 63;

/// One published file of hashes or entries, at one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TilePath {
    /// `width` hashes of a tile.
    Hashes {
        /// Which tile.
        id: TileId,
        /// How many hashes.
        width: Width,
    },
    /// `width` entries from entry `256 × index` on.
    Entries {
        /// Which bundle.
        index: u64,
        /// How many entries.
        width: Width,
    },
}

/// A path that isn't the canonical spelling of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct NotATilePath;

impl TilePath {
    /// The bundle holding that many of the entries from `256 × index` on in a tree of that size.
    #[must_use]
    pub fn entries(index: u64, size: u64) -> Option<Self> {
        Some(Self::Entries { index, width: width_of(index, size)? })
    }

    /// Hashes or entries in the file.
    #[must_use]
    pub fn width(self) -> Width {
        match self {
            Self::Hashes { width, .. } | Self::Entries { width, .. } => width,
        }
    }

    /// True if a tree of that size has all of the file's hashes or entries, so that it may be served.
    #[must_use]
    pub fn is_within(self, size: u64) -> bool {
        let have = match self {
            Self::Hashes { id, .. } => id.width_at(size),
            Self::Entries { index, .. } => width_of(index, size),
        };
        have.is_some_and(|have| have >= self.width())
    }

    /// Every file that a log of that size is made of besides its checkpoint, entries before hashes.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        let bundles = size.div_ceil(u64::from(TILE_WIDTH));
        let entries = (0..bundles).filter_map(move |index| Self::entries(index, size));
        let hashes = (0..LEVELS).flat_map(move |level| {
            let tiles = hashes_at(level, size).div_ceil(u64::from(TILE_WIDTH));
            (0..tiles).map(move |index| TileId { level, index })
        });
        entries.chain(hashes.filter_map(move |id| Some(id.path(id.width_at(size)?))))
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match *self {
            Self::Hashes { id, width } => {
                write!(f, "tile/{}/", id.level)?;
                (id.index, width)
            }
            Self::Entries { index, width } => {
                f.write_str("tile/entries/")?;
                (index, width)
            }
        };
        write_index(f, index)?;
        if width < Width::FULL { write!(f, ".p/{}", width.0) } else { Ok(()) }
    }
}

/// Writes 1234067 as `x001/x234/067`.
fn write_index(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    let groups = (1..7).take_while(|&group| index >= 1000_u64.pow(group)).count() as u32;
    for group in (1..=groups).rev() {
        write!(f, "x{:03}/", index / 1000_u64.pow(group) % 1000)?;
    }
    write!(f, "{:03}", index % 1000)
}

impl FromStr for TilePath {
    type Err = NotATilePath;

    fn from_str(path: &str) -> Result<Self, NotATilePath> {
        let rest = path.strip_prefix("tile/").ok_or(NotATilePath)?;
        let (kind, rest) = rest.split_once('/').ok_or(NotATilePath)?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, parse_partial(width)?),
            None => (rest, Width::FULL),
        };
        let index = parse_index(index)?;
        if kind == "entries" {
            return Ok(Self::Entries { index, width });
        }
        let level = parse_decimal(kind, u64::from(HIGHEST_LEVEL)).ok_or(NotATilePath)?;
        Ok(TileId { level: level as u8, index }.path(width))
    }
}

/// Reads `x001/x234/067`: groups of three digits, `x` before all but the last, no superfluous first group.
fn parse_index(text: &str) -> Result<u64, NotATilePath> {
    let mut index = 0_u64;
    let mut groups = text.split('/').peekable();
    let mut is_first = true;
    while let Some(group) = groups.next() {
        let digits = if groups.peek().is_some() { group.strip_prefix('x') } else { Some(group) };
        let digits = digits.ok_or(NotATilePath)?;
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotATilePath);
        }
        if is_first && groups.peek().is_some() && digits == "000" {
            return Err(NotATilePath);
        }
        is_first = false;
        let value: u64 = digits.parse().map_err(|_| NotATilePath)?;
        index = index.checked_mul(1000).and_then(|index| index.checked_add(value)).ok_or(NotATilePath)?;
    }
    Ok(index)
}

fn parse_partial(text: &str) -> Result<Width, NotATilePath> {
    let width = parse_decimal(text, u64::from(TILE_WIDTH) - 1).ok_or(NotATilePath)?;
    Width::new(width as u16).ok_or(NotATilePath)
}

/// Reads a decimal number without sign or leading zero, up to `max`.
pub(crate) fn parse_decimal(text: &str, max: u64) -> Option<u64> {
    let is_canonical = text == "0" || !text.starts_with('0');
    if !is_canonical || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|&number| number <= max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_spelled_as_tlog_tiles_says() {
        let hashes = |level, index, width| TileId { level, index }.path(Width(width));
        for (path, text) in [
            (hashes(0, 1_234_067, 256), "tile/0/x001/x234/067"),
            (hashes(0, 0, 256), "tile/0/000"),
            (hashes(1, 999, 1), "tile/1/999.p/1"),
            (hashes(63, 1000, 255), "tile/63/x001/000.p/255"),
            (hashes(0, 1_234_067, 112), "tile/0/x001/x234/067.p/112"),
            (hashes(2, u64::MAX, 256), "tile/2/x018/x446/x744/x073/x709/x551/615"),
            (TilePath::Entries { index: 273, width: Width(112) }, "tile/entries/273.p/112"),
        ] {
            assert_eq!(path.to_string(), text);
            assert_eq!(text.parse(), Ok(path));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/0/0",
            "tile/0/0000",
            "tile/00/000",
            "tile/+1/000",
            "tile/64/000",
            "tile/-1/000",
            "tile//000",
            "tile/0/x000/001",
            "tile/0/x001",
            "tile/0/001/002",
            "tile/0/x01/002",
            "tile/0/X001/002",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000.p",
            "tile/0/000.p/1/2",
            "tile/0/000.p/1.p/1",
            "tile/entries/",
            "tile/Entries/000",
            "tile/data/000",
            "tile/0/../000",
            "tile/0/%30%30%30",
            "tile/0/٠٠٠",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/x999/x018/x446/x744/x073/x709/x551/615",
            " tile/0/000",
            "tile/0/000\n",
            "tile/8/0/000",
        ] {
            assert_eq!(text.parse::<TilePath>(), Err(NotATilePath), "{text}");
        }
    }

    #[test]
    fn seventy_thousand_entries_make_the_files_of_the_specification() {
        let paths: Vec<String> = TilePath::all(70_000).map(|path| path.to_string()).collect();
        let count = |prefix: &str| paths.iter().filter(|path| path.starts_with(prefix)).count();
        assert_eq!((count("tile/0/"), count("tile/1/"), count("tile/2/")), (274, 2, 1));
        assert_eq!((count("tile/entries/"), paths.len()), (274, 551));
        for partial in ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"] {
            assert!(paths.iter().any(|path| path == partial), "{partial}");
        }
        let small: Vec<String> = TilePath::all(256).map(|path| path.to_string()).collect();
        assert_eq!(small, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(TilePath::all(0).count(), 0);
    }

    #[test]
    fn only_what_the_tree_has_is_within_it() {
        for (text, is_within) in [
            ("tile/0/273.p/112", true),
            ("tile/0/273.p/113", false),
            ("tile/0/273", false),
            ("tile/0/272", true),
            ("tile/0/272.p/9", true),
            ("tile/0/274.p/1", false),
            ("tile/2/000.p/1", true),
            ("tile/3/000.p/1", false),
            ("tile/63/000.p/1", false),
            ("tile/entries/273.p/112", true),
            ("tile/entries/273.p/113", false),
        ] {
            let path: TilePath = text.parse().expect(text);
            assert_eq!(path.is_within(70_000), is_within, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_path_reads_back(level in 0..=63_u8, index: u64, width in 1..=256_u16, is_entries: bool) {
            let width = Width(width);
            let path = if is_entries {
                TilePath::Entries { index, width }
            } else {
                TileId { level, index }.path(width)
            };
            prop_assert_eq!(path.to_string().parse(), Ok(path));
        }

        #[test]
        fn whatever_is_accepted_is_canonical(text in "tile/(entries|[0-9]{1,2})(/x?[0-9]{2,4}){1,4}(\\.p/[0-9]{0,4})?") {
            if let Ok(path) = text.parse::<TilePath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }

        #[test]
        fn no_text_breaks_the_parser(text in ".*") {
            if let Ok(path) = text.parse::<TilePath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }
}
