//! People at a kiosk: what they do next, given what they see. They act on the screen alone, as people do.

use bailee_domain::bank::io::Action;
use bailee_domain::bank::screen::{Notice, Screen, Then};
use bailee_domain::budget::Keypad;
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Size};
use bailee_domain::event::Problem;
use bailee_domain::id::PersonId;

use super::dice::Dice;

/// Somebody at a kiosk.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Why they came.
    pub errand: Errand,
    /// How often they will still look at the screen.
    pub patience: u32,
    /// The door they were shown last.
    pub door: Option<CompartmentNo>,
    /// What they have done so far.
    entered: u32,
    /// It is their turn: they have seen the kiosk free.
    begun: bool,
}

/// Why somebody came.
#[derive(Clone, Debug)]
pub enum Errand {
    /// To drop off parcels.
    DropOff {
        /// The courier's code.
        code: Code,
        /// For whom, with the unit, and how big.
        parcels: Vec<(PersonId, String, Size)>,
        /// The thing they put in last, until the door is closed.
        placed: Option<u64>,
    },
    /// To fetch a parcel.
    Pickup {
        /// What they show.
        key: Key,
        /// Whether they try once more after it worked.
        again: bool,
    },
    /// To guess.
    Guess {
        /// What they try, last first.
        codes: Vec<Code>,
    },
}

/// What opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Eight digits.
    Code(Code),
    /// The text of a QR token.
    Token(String),
}

/// What somebody does after a look at the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Nothing for now.
    Wait,
    /// Nothing for some minutes.
    Linger,
    /// Touches the kiosk.
    Touch(Action),
    /// Shows a token.
    Show(String),
    /// Puts the parcel in and closes the door.
    PutIn(CompartmentNo),
    /// Puts the parcel in and walks off.
    PutInLeaveOpen(CompartmentNo),
    /// Takes back what was put in, if anything, and closes the door.
    TakeBack(CompartmentNo),
    /// Takes what is inside and closes the door.
    TakeOut(CompartmentNo),
    /// Takes what is inside and walks off.
    TakeOutLeaveOpen(CompartmentNo),
    /// Goes away.
    Leave,
}

impl Visitor {
    /// Somebody who has just come.
    pub const fn new(errand: Errand) -> Self {
        let patience = if matches!(errand, Errand::Guess { .. }) { 1_500 } else { 70 };
        Self { errand, patience, door: None, entered: 0, begun: false }
    }

    /// What they do, seeing this. `None` stands for a dark screen.
    pub fn looks(&mut self, seen: Option<(&Screen, Option<Notice>)>, dice: &mut Dice) -> Deed {
        self.patience = self.patience.saturating_sub(1);
        if self.patience == 0 {
            return Deed::Leave;
        }
        let Some((screen, notice)) = seen else { return self.in_the_dark(dice) };
        if matches!(notice, Some(Notice::OutOfOrder)) {
            self.patience = self.patience.saturating_sub(8);
        }
        self.begun |= matches!(screen, Screen::Home { .. });
        match screen {
            // Somebody else's session: what lies in an open door there is not theirs to cancel or take.
            _ if !self.begun => Deed::Wait,
            Screen::Checking | Screen::Opening { .. } => {
                if let Screen::Opening { compartment, .. } = screen {
                    self.door = Some(*compartment);
                }
                Deed::Wait
            }
            Screen::Home { keypad } => self.at_home(*keypad, dice),
            screen => match &mut self.errand {
                Errand::DropOff { parcels, placed, .. } => drops_off(screen, notice, parcels, placed, dice),
                Errand::Pickup { .. } => picks_up(screen, dice),
                // A right guess: then there is nothing to know about them any more.
                Errand::Guess { .. } => Deed::Leave,
            },
        }
    }

    fn in_the_dark(&mut self, dice: &mut Dice) -> Deed {
        if !dice.percent(20) {
            return Deed::Wait;
        }
        self.patience = 1;
        match (&self.errand, self.door) {
            (Errand::Pickup { .. }, Some(door)) => Deed::TakeOut(door),
            (Errand::DropOff { .. }, Some(door)) if dice.percent(50) => Deed::PutIn(door),
            (Errand::DropOff { .. }, Some(door)) => Deed::TakeBack(door),
            _ => Deed::Leave,
        }
    }

    fn at_home(&mut self, keypad: Keypad, dice: &mut Dice) -> Deed {
        if keypad != Keypad::Ready && matches!(self.errand, Errand::Guess { .. }) && dice.percent(85) {
            return Deed::Linger;
        }
        self.entered += 1;
        let tries = self.entered;
        match &mut self.errand {
            Errand::DropOff { code, parcels, .. } if tries <= 4 && !parcels.is_empty() => {
                Deed::Touch(Action::EnterCode(*code))
            }
            Errand::Pickup { key, again } if tries <= 3 || *again => {
                if tries > 3 {
                    *again = false;
                }
                match key {
                    Key::Code(code) => Deed::Touch(Action::EnterCode(*code)),
                    Key::Token(text) => Deed::Show(text.clone()),
                }
            }
            Errand::Guess { codes } => match codes.pop() {
                Some(code) => Deed::Touch(Action::EnterCode(code)),
                None => Deed::Leave,
            },
            _ if dice.percent(30) => Deed::Leave,
            _ => Deed::Wait,
        }
    }

    /// A parcel has changed hands; from now on only curiosity is left.
    pub fn is_served(&mut self) {
        if let Errand::Pickup { again, .. } = &mut self.errand {
            self.entered = if *again { 2 } else { 3 };
            self.patience = self.patience.min(25);
        }
    }
}

fn drops_off(
    screen: &Screen,
    notice: Option<Notice>,
    parcels: &mut Vec<(PersonId, String, Size)>,
    placed: &mut Option<u64>,
    dice: &mut Dice,
) -> Deed {
    let touch = Deed::Touch;
    match screen {
        Screen::FindRecipient { matches, query, .. } => match parcels.last() {
            None => touch(Action::Finish),
            Some((person, ..)) if matches.iter().any(|m| m.person == *person) => touch(Action::Pick(*person)),
            Some((person, ..)) if !query.is_empty() => touch(Action::Pick(*person)),
            Some((_, unit, _)) => touch(Action::Search(unit.clone())),
        },
        Screen::ConfirmRecipient { .. } if dice.percent(5) => touch(Action::Back),
        Screen::ConfirmRecipient { recipient } => match parcels.last() {
            Some((person, ..)) if recipient.person == *person => touch(Action::ConfirmRecipient),
            _ => touch(Action::Back),
        },
        Screen::PickSize { .. } if notice == Some(Notice::NoSpace) => {
            parcels.pop();
            touch(Action::Back)
        }
        Screen::PickSize { .. } => match parcels.last() {
            Some((.., size)) => touch(Action::PickSize(*size)),
            None => touch(Action::Back),
        },
        Screen::PlaceParcel { compartment, can_go_bigger, .. } => {
            // It is inside already, and the door has come open again.
            if placed.is_some() {
                return Deed::PutIn(*compartment);
            }
            match dice.below(100) {
                0..12 if *can_go_bigger => touch(Action::Bigger),
                12..20 => touch(Action::Cancel),
                20..23 => touch(Action::Report(Problem::DoesNotClose)),
                23..26 => touch(Action::Report(Problem::AlreadyFull)),
                26..32 => {
                    parcels.pop();
                    Deed::PutInLeaveOpen(*compartment)
                }
                _ => Deed::PutIn(*compartment),
            }
        }
        Screen::CloseFirst { compartment, then } => {
            if *then == Then::Cancelled && dice.percent(50) {
                parcels.pop();
            }
            Deed::TakeBack(*compartment)
        }
        Screen::Deposited { .. } => {
            *placed = None;
            parcels.pop();
            touch(if parcels.is_empty() { Action::Finish } else { Action::NextParcel })
        }
        Screen::DidNotOpen { .. } => {
            parcels.pop();
            touch(Action::NextParcel)
        }
        // Somebody else's business.
        _ => Deed::Leave,
    }
}

fn picks_up(screen: &Screen, dice: &mut Dice) -> Deed {
    match screen {
        Screen::TakeParcel { compartment } if dice.percent(5) => Deed::TakeOutLeaveOpen(*compartment),
        Screen::TakeParcel { .. } if dice.percent(4) => Deed::Touch(Action::Report(Problem::NotMine)),
        Screen::TakeParcel { compartment } => Deed::TakeOut(*compartment),
        Screen::Collected { .. } => Deed::Touch(Action::Finish),
        Screen::DidNotOpen { can_retry: true, .. } => Deed::Touch(Action::Finish),
        _ => Deed::Leave,
    }
}
