//! Fonts: which one has a character, and how wide text is. Noto Sans, DejaVu Sans where it has no glyph, and DejaVu Sans Mono.

use std::sync::LazyLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};

/// A way to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Face {
    Regular,
    Bold,
    Mono,
    /// What stands in for characters the others lack.
    Fallback,
}

impl Face {
    pub(super) const ALL: [Self; 4] = [Self::Regular, Self::Bold, Self::Mono, Self::Fallback];

    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Regular => notosans::REGULAR_TTF,
            Self::Bold => notosans::BOLD_TTF,
            Self::Mono => dejavu::sans_mono::regular(),
            Self::Fallback => dejavu::sans::regular(),
        }
    }

    fn font(self) -> &'static FontRef<'static> {
        static FONTS: LazyLock<[FontRef<'static>; 4]> = LazyLock::new(|| {
            Face::ALL.map(|face| {
                FontRef::new(face.bytes()).expect("the fonts that come with the program can be read")
            })
        });
        &FONTS[self as usize]
    }

    fn has(self, character: char) -> bool {
        self.font().charmap().map(character).is_some_and(|glyph| glyph.to_u32() != 0)
    }

    fn advance(self, character: char, size: f32) -> f32 {
        let font = self.font();
        let glyph = font.charmap().map(character).unwrap_or_default();
        font.glyph_metrics(Size::new(size), LocationRef::default()).advance_width(glyph).unwrap_or_default()
    }
}

/// Text of one face.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub face: Face,
    pub text: String,
    pub width: f32,
}

/// Splits text into runs of faces that have its characters. Line breaks become spaces, other control characters go, and what
/// no font has becomes U+FFFD.
pub(super) fn runs(face: Face, size: f32, text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for character in text.chars() {
        let character = if character.is_whitespace() { ' ' } else { character };
        if character.is_control() || is_invisible(character) {
            continue;
        }
        let (face, character) = if face.has(character) {
            (face, character)
        } else if Face::Fallback.has(character) {
            (Face::Fallback, character)
        } else {
            (Face::Fallback, '\u{FFFD}')
        };
        let width = face.advance(character, size);
        match runs.last_mut().filter(|run| run.face == face) {
            Some(run) => {
                run.text.push(character);
                run.width += width;
            }
            None => runs.push(Run { face, text: character.to_string(), width }),
        }
    }
    runs
}

/// Characters that turn text around or hide in it: a report shows what is there, in the order it is there.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FE00}'..='\u{FE0F}')
}

/// How wide text is, in points.
pub(super) fn width(face: Face, size: f32, text: &str) -> f32 {
    runs(face, size, text).iter().map(|run| run.width).sum()
}

/// The text, cut with an ellipsis where it would be wider.
pub(super) fn fitted(face: Face, size: f32, text: &str, most: f32) -> String {
    if width(face, size, text) <= most {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = width(face, size, "…");
    for character in text.chars() {
        used += width(face, size, character.encode_utf8(&mut [0; 4]));
        if used > most {
            break;
        }
        cut.push(character);
    }
    cut + "…"
}

/// The text in lines no wider than that, broken at spaces, and within words that are too long for a line.
pub(super) fn wrapped(face: Face, size: f32, text: &str, most: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is one from the start");
        let joined = if last.is_empty() { word.to_owned() } else { format!("{last} {word}") };
        if width(face, size, &joined) <= most {
            *last = joined;
            continue;
        }
        if !last.is_empty() {
            lines.push(String::new());
        }
        for character in word.chars() {
            let last = lines.last_mut().expect("there is one from the start");
            last.push(character);
            if width(face, size, last) > most && last.chars().count() > 1 {
                last.pop();
                lines.push(character.to_string());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_finds_a_font_or_a_mark() {
        let faces: Vec<Face> =
            runs(Face::Regular, 10.0, "Zoë Ångström, Ελένη, مريم, 王").iter().map(|it| it.face).collect();
        assert_eq!(faces, [Face::Regular, Face::Fallback, Face::Regular, Face::Fallback]);
        let text: String =
            runs(Face::Regular, 10.0, "a\u{202E}b\u{0007}c\nd 王").iter().map(|it| it.text.clone()).collect();
        assert_eq!(text, "abc d \u{FFFD}");
    }

    #[test]
    fn long_text_is_cut_or_broken_to_fit() {
        let long = "Leopoldstraße ".repeat(10);
        assert!(width(Face::Bold, 12.0, &fitted(Face::Bold, 12.0, &long, 100.0)) <= 100.0);
        for line in wrapped(Face::Regular, 9.0, &(long + &"x".repeat(200)), 80.0) {
            assert!(width(Face::Regular, 9.0, &line) <= 80.0, "{line}");
        }
    }
}
