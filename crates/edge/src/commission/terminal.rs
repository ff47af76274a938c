//! A technician at a terminal: plain lines, every question with what an empty answer means.

use std::io::{BufRead, Write};

use bailee_domain::compartment::Wiring;

use super::sheet::DoorSheet;
use super::technician::{Attempt, Left, Seen, Technician, Word};
use crate::config::Feature;

/// No line is read further than this.
const LONGEST: u64 = 200;
/// Addresses above it are rare: boards are counted from their lowest.
const USUAL_HIGHEST: u8 = 32;

/// Lines in, lines out.
pub struct Terminal<R, W> {
    from: R,
    to: W,
}

impl<R: BufRead, W: Write> Terminal<R, W> {
    /// A terminal.
    pub const fn new(from: R, to: W) -> Self {
        Self { from, to }
    }

    fn ask(&mut self, question: &str) -> Result<String, Left> {
        use std::io::Read as _;
        // Nobody reads it any more: then nobody answers either.
        write!(self.to, "{question} ").and_then(|()| self.to.flush()).map_err(|_| Left)?;
        let mut line = String::new();
        let read = self.from.by_ref().take(LONGEST).read_line(&mut line).map_err(|_| Left)?;
        let answer = line.trim();
        if read == 0 || answer == "quit" { Err(Left) } else { Ok(answer.to_owned()) }
    }

    /// Asks until the answer can be read.
    fn until<T>(&mut self, question: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Left> {
        loop {
            let answer = self.ask(question)?;
            match read(&answer) {
                Some(value) => return Ok(value),
                None => self.tell("  That was not understood; `quit` leaves, and keeps what was proved."),
            }
        }
    }
}

impl<R: BufRead, W: Write> Technician for Terminal<R, W> {
    fn tell(&mut self, text: &str) {
        // As above: the next question ends it.
        let _ = writeln!(self.to, "{text}");
    }

    fn name(&mut self) -> Result<String, Left> {
        self.until("Your name, for the report (the log keeps a commitment to it):", |answer| {
            (!answer.is_empty()).then(|| answer.to_owned())
        })
    }

    fn code(&mut self) -> Result<String, Left> {
        self.ask("Your code, eight digits:")
    }

    fn highest_address(&mut self, line: &str, most: u8) -> Result<u8, Left> {
        let usual = USUAL_HIGHEST.min(most);
        self.until(&format!("{line}: highest address to ask, up to {most} [{usual}]:"), |answer| match answer
        {
            "" => Some(usual),
            other => other.parse().ok().filter(|highest| *highest <= most),
        })
    }

    fn go_on(&mut self, question: &str) -> Result<(), Left> {
        match self.until(&format!("{question} [y/N]:"), yes_or_no)? {
            true => Ok(()),
            false => Err(Left),
        }
    }

    fn attempt(&mut self, lock: Wiring) -> Result<Attempt, Left> {
        let Wiring { board, channel } = lock;
        let question = format!(
            "Board {board} channel {channel}: Enter opens it, `u` nothing is wired there, `r` nor behind it:"
        );
        self.until(&question, |answer| match answer {
            "" => Some(Attempt::Try),
            "u" => Some(Attempt::Unused),
            "r" => Some(Attempt::RestUnused),
            _ => None,
        })
    }

    fn opened(&mut self, _: Wiring, hint: &str) -> Result<Seen, Left> {
        let question =
            format!("  Which door opened? Its number, several with commas, `0` none, `?` again ({hint}):");
        self.until(&question, |answer| match answer {
            "?" => Some(Seen::Again),
            "0" => Some(Seen::Opened(Vec::new())),
            other => {
                let numbers: Option<Vec<u16>> =
                    other.split(',').map(|n| n.trim().parse().ok().filter(|n| *n > 0)).collect();
                numbers.map(Seen::Opened)
            }
        })
    }

    fn door(&mut self, _: Wiring, usual: DoorSheet) -> Result<DoorSheet, Left> {
        let number = usual.number;
        let size =
            self.until(&format!("  Door {number}: size S, M, L or X [{}]:", usual.size), |answer| {
                let mut letters = answer.chars();
                match (letters.next(), letters.next()) {
                    (None, _) => Some(usual.size),
                    (Some(letter), None) => {
                        Some(letter.to_ascii_uppercase()).filter(|size| "SMLX".contains(*size))
                    }
                    _ => None,
                }
            })?;
        let shown = if usual.low_reach { "Y/n" } else { "y/N" };
        let low_reach =
            self.until(&format!("  reachable from a wheelchair [{shown}]:"), |answer| match answer {
                "" => Some(usual.low_reach),
                other => yes_or_no(other),
            })?;
        let features = self.until("  power, cooled, both with a comma, or Enter:", features)?;
        let (column, row, height) = (usual.column, usual.row, usual.height);
        let place = self.until(&format!("  column,row,height [{column},{row},{height}]:"), |answer| {
            if answer.is_empty() {
                return Some([column, row, height]);
            }
            let numbers: Option<Vec<u16>> = answer.split(',').map(|n| n.trim().parse().ok()).collect();
            numbers?.try_into().ok().filter(|place: &[u16; 3]| place[2] > 0)
        })?;
        let [column, row, height] = place;
        Ok(DoorSheet { number, size, low_reach, features, column, row, height })
    }

    fn word(&mut self, part: &str, question: &str) -> Result<Word, Left> {
        self.until(&format!("{part}: {question} `y`, `n`, Enter for later:"), |answer| match answer {
            "" => Some(Word::Later),
            other => yes_or_no(other).map(|works| if works { Word::Works } else { Word::Broken }),
        })
    }
}

fn yes_or_no(answer: &str) -> Option<bool> {
    match answer {
        "y" | "Y" | "yes" => Some(true),
        "n" | "N" | "no" | "" => Some(false),
        _ => None,
    }
}

fn features(answer: &str) -> Option<Vec<Feature>> {
    let words = answer.split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| match word {
            "power" => Some(Feature::Power),
            "cooled" => Some(Feature::Cooled),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: Wiring = Wiring { board: 1, channel: 1 };

    fn usual() -> DoorSheet {
        DoorSheet { number: 7, size: 'M', low_reach: false, features: vec![], column: 2, row: 3, height: 1 }
    }

    #[test]
    fn what_is_not_understood_is_asked_again_and_the_end_of_input_leaves() {
        let mut said = Vec::new();
        let mut terminal = Terminal::new(&b"x\n3, 4\nq\nl\n\npower,cooled\n9,9\n4,5,2\n"[..], &mut said);
        assert_eq!(terminal.opened(LOCK, "no switch moved"), Ok(Seen::Opened(vec![3, 4])));
        let sheet = terminal.door(LOCK, usual()).unwrap();
        assert_eq!(
            sheet,
            DoorSheet {
                size: 'L',
                features: vec![Feature::Power, Feature::Cooled],
                column: 4,
                row: 5,
                height: 2,
                ..usual()
            }
        );
        assert_eq!(terminal.attempt(LOCK), Err(Left));
    }

    #[test]
    fn an_empty_answer_takes_what_is_usual() {
        let mut terminal = Terminal::new(&b"\n\n\n\n\n"[..], Vec::new());
        assert_eq!(terminal.attempt(LOCK), Ok(Attempt::Try));
        assert_eq!(terminal.door(LOCK, usual()), Ok(usual()));
    }

    #[test]
    fn quit_leaves_and_so_does_a_no() {
        let mut terminal = Terminal::new(&b"quit\nn\n"[..], Vec::new());
        assert_eq!(terminal.name(), Err(Left));
        assert_eq!(terminal.go_on("Board 2 does not answer. Go on?"), Err(Left));
    }
}
