//! Turning what a barcode scanner or a keyboard reader types into texts: pure, bounded, suspicious.
//!
//! A scanner that is honest sends printable ASCII and one end. Anything else (control characters, endless lines,
//! texts in a flood) is somebody's attempt to type at the bank: the text is dropped and the reader is cut off until
//! it has been quiet, longer each time.

use std::time::Duration;

/// The longest text, in bytes, before prefix and suffix come off; a QR token has at most 160.
pub const MOST_TEXT: usize = 512;
/// A reader that misbehaved must be quiet this long before it is heard again; doubled each time.
const FIRST_CUT: Duration = Duration::from_secs(10);
const LONGEST_CUT: Duration = Duration::from_secs(600);
/// After this long without misbehaving the next cut is short again.
const FORGIVEN_AFTER: Duration = Duration::from_secs(3_600);

/// How a scanner is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framing {
    /// What every text begins with; may be empty.
    pub prefix: Vec<u8>,
    /// What every text ends with; when empty, carriage return or line feed.
    pub suffix: Vec<u8>,
    /// The longest text between them, in bytes; at most [`MOST_TEXT`].
    pub longest: usize,
    /// A text whose characters pause longer than this is broken off and dropped.
    pub gap: Duration,
}

impl Default for Framing {
    fn default() -> Self {
        Self { prefix: Vec::new(), suffix: Vec::new(), longest: 256, gap: Duration::from_millis(200) }
    }
}

/// What came out of some bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Scan {
    /// A whole text.
    Text(String),
    /// The reader typed something no scanner types: it is cut off.
    Cut,
    /// A text without the prefix, or broken off: dropped.
    Dropped,
}

/// Collects one reader's characters.
pub struct Scanner {
    framing: Framing,
    text: Vec<u8>,
    last: Option<Duration>,
    cut: Option<Cut>,
    next_cut: Duration,
}

#[derive(Clone, Copy)]
struct Cut {
    quiet_for: Duration,
    since: Duration,
}

impl Scanner {
    /// A reader nothing has been heard of.
    pub fn new(framing: Framing) -> Self {
        let framing = Framing { longest: framing.longest.clamp(1, MOST_TEXT), ..framing };
        Self { framing, text: Vec::new(), last: None, cut: None, next_cut: FIRST_CUT }
    }

    /// Takes characters in the order they came.
    pub fn hear(&mut self, bytes: &[u8], now: Duration) -> Vec<Scan> {
        let mut scans = Vec::new();
        self.settle(now, &mut scans);
        for byte in bytes {
            if let Some(cut) = &mut self.cut {
                cut.since = now;
                break;
            }
            self.byte(*byte, now, &mut scans);
        }
        self.last = Some(now);
        scans
    }

    /// Whether the reader is cut off now.
    pub fn is_cut(&self, now: Duration) -> bool {
        self.cut.is_some_and(|cut| now.saturating_sub(cut.since) < cut.quiet_for)
    }

    /// Cuts the reader off for something seen elsewhere, such as a flood.
    pub fn cut_off(&mut self, now: Duration) {
        self.text.clear();
        self.cut = Some(Cut { quiet_for: self.next_cut, since: now });
        self.next_cut = (self.next_cut * 2).min(LONGEST_CUT);
    }

    fn settle(&mut self, now: Duration, scans: &mut Vec<Scan>) {
        if let Some(cut) = self.cut {
            if self.is_cut(now) {
                return;
            }
            self.cut = None;
            if now.saturating_sub(cut.since) >= FORGIVEN_AFTER {
                self.next_cut = FIRST_CUT;
            }
        }
        let paused = self.last.is_some_and(|last| now.saturating_sub(last) > self.framing.gap);
        if paused && !self.text.is_empty() {
            self.text.clear();
            scans.push(Scan::Dropped);
        }
    }

    fn byte(&mut self, byte: u8, now: Duration, scans: &mut Vec<Scan>) {
        self.text.push(byte);
        if let Some(end) = self.end() {
            let text = std::mem::take(&mut self.text);
            return scans.extend(self.whole(&text[..end]));
        }
        let affixes = self.framing.prefix.len() + self.framing.suffix.len();
        let is_ours = printable(byte) || self.is_affix(byte);
        if !is_ours || self.text.len() > self.framing.longest + affixes {
            self.cut_off(now);
            scans.push(Scan::Cut);
        }
    }

    /// Where the text ends, if what was heard ends with the suffix.
    fn end(&self) -> Option<usize> {
        if self.framing.suffix.is_empty() {
            let last = self.text.len() - 1;
            return matches!(self.text[last], b'\r' | b'\n').then_some(last);
        }
        self.text.ends_with(&self.framing.suffix).then(|| self.text.len() - self.framing.suffix.len())
    }

    fn is_affix(&self, byte: u8) -> bool {
        self.framing.prefix.contains(&byte) || self.framing.suffix.contains(&byte)
    }

    fn whole(&self, text: &[u8]) -> Option<Scan> {
        if text.is_empty() {
            // The line feed after a carriage return.
            return None;
        }
        let body = text.strip_prefix(&*self.framing.prefix);
        let fits = |body: &&[u8]| {
            !body.is_empty() && body.len() <= self.framing.longest && body.iter().all(|b| printable(*b))
        };
        let body = body.filter(fits).and_then(|body| String::from_utf8(body.to_vec()).ok());
        Some(body.map_or(Scan::Dropped, Scan::Text))
    }
}

const fn printable(byte: u8) -> bool {
    byte >= 0x20 && byte < 0x7F
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// A short name for every outcome.
    fn told(scans: Vec<Scan>) -> Vec<String> {
        let name = |scan| match scan {
            Scan::Text(text) => text,
            Scan::Cut => "<cut>".to_owned(),
            Scan::Dropped => "<dropped>".to_owned(),
        };
        scans.into_iter().map(name).collect()
    }

    fn check(framing: Framing, heard: &[(u64, &[u8])], expected: &[&str]) {
        let mut scanner = Scanner::new(framing);
        let scans = heard.iter().flat_map(|(at, bytes)| scanner.hear(bytes, MS(*at))).collect();
        assert_eq!(told(scans), expected);
    }

    #[test]
    fn lines_are_texts_however_they_are_split_and_ended() {
        let framing = Framing::default;
        check(framing(), &[(0, b"ABC123\r")], &["ABC123"]);
        check(framing(), &[(0, b"ABC"), (50, b"123\r\n"), (90, b"X\n")], &["ABC123", "X"]);
        check(framing(), &[(0, b"one\rtwo\r")], &["one", "two"]);
        check(framing(), &[(0, b"\r\n\r\n")], &[]);
    }

    #[test]
    fn prefix_and_suffix_come_off_and_must_be_there() {
        let framing = || Framing { prefix: b"\x02".to_vec(), suffix: b"\x03".to_vec(), ..Framing::default() };
        check(framing(), &[(0, b"\x02HELLO\x03")], &["HELLO"]);
        check(framing(), &[(0, b"HELLO\x03\x02X\x03")], &["<dropped>", "X"]);
        check(framing(), &[(0, b"\x02HEL\rLO\x03")], &["<cut>"]);
    }

    #[test]
    fn a_text_that_pauses_is_dropped_and_the_next_is_whole() {
        check(Framing::default(), &[(0, b"ABC"), (1_000, b"DEF\r")], &["<dropped>", "DEF"]);
    }

    #[test]
    fn commands_and_endless_lines_cut_the_reader_off_until_it_is_quiet() {
        let framing = Framing::default;
        for typed in [&b"\x1b[2J"[..], b"ls\x03", b"\x00", b"caf\xc3\xa9\r", b"\x7f"] {
            check(framing(), &[(0, typed), (50, b"12345678\r")], &["<cut>"]);
        }
        check(framing(), &[(0, &[b'A'; 5_000]), (100, b"\rB\r")], &["<cut>"]);
        // Ten seconds of silence, and it is heard again; the second time it must be twice as quiet.
        check(framing(), &[(0, b"\x1b"), (10_000, b"B\r")], &["<cut>", "B"]);
        check(framing(), &[(0, b"\x1b"), (9_000, b"x"), (18_000, b"B\r"), (28_100, b"C\r")], &["<cut>", "C"]);
        check(framing(), &[(0, b"\x1b"), (10_000, b"\x1b"), (25_000, b"B\r")], &["<cut>", "<cut>"]);
    }

    proptest! {
        #[test]
        fn any_bytes_give_bounded_printable_texts(
            chunks in proptest::collection::vec(
                (0_u64..400, proptest::collection::vec(any::<u8>(), 0..700)), 0..20),
        ) {
            let mut scanner = Scanner::new(Framing::default());
            let mut now = 0;
            for (pause, bytes) in chunks {
                now += pause;
                for scan in scanner.hear(&bytes, MS(now)) {
                    if let Scan::Text(text) = scan {
                        prop_assert!(!text.is_empty() && text.len() <= 256);
                        prop_assert!(text.bytes().all(printable));
                    }
                }
                prop_assert!(scanner.text.len() <= 257);
            }
        }
    }
}
