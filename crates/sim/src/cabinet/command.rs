//! Words that change a simulated cabinet: typed at `bailee simulate cabinet`, or posted to it.

use std::{fmt::Write as _, str::FromStr, time::Duration};

use super::{Cabinet, DoorPlace, Fault};

/// What can be asked of a cabinet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `close BOARD LOCK`: a person closes a door.
    Close(DoorPlace),
    /// `force BOARD LOCK`: somebody forces a door.
    Force(DoorPlace),
    /// `jam BOARD LOCK`: its latch does nothing any more.
    Jam(DoorPlace),
    /// `free BOARD LOCK`: it works again.
    Free(DoorPlace),
    /// `put BOARD LOCK`: something is inside.
    Put(DoorPlace),
    /// `take BOARD LOCK`: nothing is inside.
    Take(DoorPlace),
    /// `fault BOARD WORD`: the board has a fault.
    Fault(u8, Fault),
    /// `mend BOARD`: the board has none.
    Mend(u8),
    /// `heal`: no board has any.
    Heal,
    /// `state`: nothing changes.
    State,
}

/// The words are none of the commands, or there is no such board or lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// The words.
    #[error(
        "not understood; say close, force, jam, free, put or take BOARD LOCK, fault BOARD WORD, mend BOARD, heal, or state; words for faults: {}",
        Fault::words()
    )]
    Words,
    /// The door or board.
    #[error("there is no such board or lock")]
    Nowhere,
}

impl FromStr for Command {
    type Err = NotUnderstood;

    fn from_str(text: &str) -> Result<Self, NotUnderstood> {
        let words: Vec<&str> = text.split_whitespace().take(4).collect();
        let number = |word: &str| word.parse::<u8>().map_err(|_| NotUnderstood::Words);
        match words[..] {
            ["heal"] => Ok(Self::Heal),
            ["state"] => Ok(Self::State),
            ["mend", board] => Ok(Self::Mend(number(board)?)),
            ["fault", board, word] => {
                Ok(Self::Fault(number(board)?, word.parse().map_err(|()| NotUnderstood::Words)?))
            }
            [verb, board, lock] => {
                let door = DoorPlace { board: number(board)?, lock: number(lock)? };
                match verb {
                    "close" => Ok(Self::Close(door)),
                    "force" => Ok(Self::Force(door)),
                    "jam" => Ok(Self::Jam(door)),
                    "free" => Ok(Self::Free(door)),
                    "put" => Ok(Self::Put(door)),
                    "take" => Ok(Self::Take(door)),
                    _ => Err(NotUnderstood::Words),
                }
            }
            _ => Err(NotUnderstood::Words),
        }
    }
}

impl Cabinet {
    /// Does what a command says.
    ///
    /// # Errors
    /// [`NotUnderstood::Nowhere`] when there is no such board or lock.
    pub fn command(&mut self, now: Duration, command: Command) -> Result<(), NotUnderstood> {
        match command {
            Command::Close(door) => self.close(now, self.existing(door)?),
            Command::Force(door) => self.force_open(now, self.existing(door)?),
            Command::Jam(door) => self.jam(self.existing(door)?),
            Command::Free(door) => self.free(self.existing(door)?),
            Command::Put(door) => self.put_item(self.existing(door)?),
            Command::Take(door) => self.take_item(self.existing(door)?),
            Command::Fault(board, fault) => self.set_fault(self.existing_board(board)?, fault),
            Command::Mend(board) => self.mend(self.existing_board(board)?),
            Command::Heal => self.heal(),
            Command::State => {}
        }
        Ok(())
    }

    fn existing(&self, door: DoorPlace) -> Result<DoorPlace, NotUnderstood> {
        self.doors().into_iter().find(|known| *known == door).ok_or(NotUnderstood::Nowhere)
    }

    fn existing_board(&self, board: u8) -> Result<u8, NotUnderstood> {
        let known = self.plans().iter().any(|plan| plan.address == board);
        known.then_some(board).ok_or(NotUnderstood::Nowhere)
    }

    /// The cabinet in words: a line for each board with its faults, and for each door that is not at rest.
    #[must_use]
    pub fn state(&self) -> String {
        let mut text = String::new();
        for plan in self.plans() {
            let faults: Vec<_> = self.faults(plan.address).iter().map(ToString::to_string).collect();
            let faults = if faults.is_empty() { "sound".to_owned() } else { faults.join(" ") };
            let (family, address, locks) = (plan.family, plan.address, plan.locks);
            let _ = writeln!(text, "board {address} ({family}, {locks} locks): {faults}");
            for door in self.doors().into_iter().filter(|door| door.board == address) {
                let (open, item, pulses) = (self.is_open(door), self.has_item(door), self.pulses(door));
                if open || item || pulses > 0 {
                    let open = if open { "open" } else { "closed" };
                    let item = if item { ", item inside" } else { "" };
                    let _ =
                        writeln!(text, "  door {address} {}: {open}{item}, pulsed {pulses} times", door.lock);
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cabinet::{BoardPlan, Family, Pacing};

    #[test]
    fn a_cabinet_does_what_it_is_told() {
        let mut cabinet = Cabinet::new(&[BoardPlan::of(Family::Cu16, 0, 16)], Pacing::Instant);
        let mut say = |text: &str| cabinet.command(Duration::ZERO, text.parse()?);
        say("force 0 3").unwrap();
        say("put 0 4").unwrap();
        say("fault 0 late=1200").unwrap();
        assert_eq!(say("force 1 3"), Err(NotUnderstood::Nowhere));
        assert_eq!(say("force 0 17"), Err(NotUnderstood::Nowhere));
        assert_eq!(say("open sesame"), Err(NotUnderstood::Words));
        assert_eq!(say("fault 0 nonsense"), Err(NotUnderstood::Words));
        assert_eq!(
            cabinet.state(),
            "board 0 (cu16, 16 locks): late=1200\n  door 0 3: open, pulsed 0 times\n  door 0 4: closed, item inside, pulsed 0 times\n"
        );
    }
}
