//! Pages as lists of marks: where text, boxes and lines go. Nothing here knows PDF, so that layout can be tested as text.

use super::text::{Face, runs, width, wrapped};

/// A4 in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
/// The margin left and right.
pub(super) const MARGIN: f32 = 51.0;
/// The width between the margins.
pub(super) const INNER: f32 = WIDTH - 2.0 * MARGIN;
const TOP: f32 = 56.0;
const BOTTOM: f32 = HEIGHT - 62.0;

/// A colour with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Text,
    Muted,
    Accent,
    AccentSoft,
    Alarm,
    AlarmSoft,
    Line,
    Tint,
    White,
}

impl Ink {
    pub(super) const fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Text => (0x16, 0x1d, 0x26),
            Self::Muted => (0x5a, 0x66, 0x74),
            Self::Accent => (0x0a, 0x59, 0x60),
            Self::AccentSoft => (0xdc, 0xed, 0xee),
            Self::Alarm => (0xb3, 0x26, 0x1e),
            Self::AlarmSoft => (0xfb, 0xe3, 0xe0),
            Self::Line => (0xd3, 0xda, 0xe0),
            Self::Tint => (0xf3, 0xf6, 0xf8),
            Self::White => (0xff, 0xff, 0xff),
        }
    }
}

/// One mark on a page; `y` of text is its base line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    Text { x: f32, y: f32, size: f32, face: Face, ink: Ink, text: String },
    Box { x: f32, y: f32, width: f32, height: f32, fill: Option<Ink>, stroke: Option<Ink> },
    Line { from: (f32, f32), to: (f32, f32), ink: Ink, width: f32 },
    Shape { points: Vec<(f32, f32)>, fill: Ink },
}

/// Pages being filled from top to bottom.
pub(super) struct Pages {
    done: Vec<Vec<Mark>>,
    now: Vec<Mark>,
    /// Where the next thing goes.
    pub y: f32,
}

impl Pages {
    pub(super) fn new() -> Self {
        Self { done: Vec::new(), now: Vec::new(), y: TOP }
    }

    /// Goes to the next page unless so much fits on this one; returns whether it did.
    pub(super) fn room(&mut self, height: f32) -> bool {
        let fits = self.y + height <= BOTTOM;
        if !fits {
            self.turn();
        }
        fits
    }

    pub(super) fn turn(&mut self) {
        self.done.push(std::mem::take(&mut self.now));
        self.y = TOP;
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.now.push(mark);
    }

    /// Text at a place.
    pub(super) fn text(&mut self, (x, y): (f32, f32), (face, size, ink): (Face, f32, Ink), text: &str) {
        self.mark(Mark::Text { x, y, size, face, ink, text: text.to_owned() });
    }

    /// Text that ends at a place.
    pub(super) fn text_to(&mut self, (x, y): (f32, f32), style: (Face, f32, Ink), text: &str) {
        let start = x - width(style.0, style.1, text);
        self.text((start, y), style, text);
    }

    /// Text around a place.
    pub(super) fn text_around(&mut self, (x, y): (f32, f32), style: (Face, f32, Ink), text: &str) {
        let start = x - width(style.0, style.1, text) / 2.0;
        self.text((start, y), style, text);
    }

    /// A filled box.
    pub(super) fn fill(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), ink: Ink) {
        self.mark(Mark::Box { x, y, width, height, fill: Some(ink), stroke: None });
    }

    /// A line.
    pub(super) fn line(&mut self, from: (f32, f32), to: (f32, f32), ink: Ink) {
        self.mark(Mark::Line { from, to, ink, width: 0.6 });
    }

    /// A heading with a line below, kept together with so much of what follows.
    pub(super) fn heading(&mut self, text: &str, with: f32) {
        self.y += 14.0;
        self.room(with + 26.0);
        self.text((MARGIN, self.y + 11.0), (Face::Bold, 12.0, Ink::Accent), text);
        self.line((MARGIN, self.y + 17.0), (MARGIN + INNER, self.y + 17.0), Ink::Line);
        self.y += 27.0;
    }

    /// A paragraph, broken into lines.
    pub(super) fn paragraph(&mut self, (x, most): (f32, f32), style: (Face, f32, Ink), text: &str) {
        let leading = style.1 * 1.45;
        for line in wrapped(style.0, style.1, text, most) {
            self.room(leading);
            self.text((x, self.y + style.1), style, &line);
            self.y += leading;
        }
    }

    /// Every page, with the same line and its number at the foot.
    pub(super) fn finish(mut self, footer: &str) -> Vec<Vec<Mark>> {
        self.turn();
        let count = self.done.len();
        let style = (Face::Regular, 7.5, Ink::Muted);
        for (page, number) in self.done.iter_mut().zip(1..) {
            let mut foot = Self { done: Vec::new(), now: Vec::new(), y: 0.0 };
            foot.line((MARGIN, HEIGHT - 44.0), (WIDTH - MARGIN, HEIGHT - 44.0), Ink::Line);
            foot.text((MARGIN, HEIGHT - 32.0), style, footer);
            foot.text_to((WIDTH - MARGIN, HEIGHT - 32.0), style, &format!("{number} / {count}"));
            page.append(&mut foot.now);
        }
        self.done
    }
}

/// The runs of a text mark with the place each begins at.
pub(super) fn placed(x: f32, size: f32, face: Face, text: &str) -> Vec<(f32, super::text::Run)> {
    let mut at = x;
    runs(face, size, text)
        .into_iter()
        .map(|run| {
            let here = at;
            at += run.width;
            (here, run)
        })
        .collect()
}
