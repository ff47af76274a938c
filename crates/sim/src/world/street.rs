//! What people do at a kiosk, carried out in the world.

use bailee_domain::bank::io::{Action, Input};
use bailee_domain::bank::screen::Screen;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::{Purpose, Surface};
use bailee_edge::tokens;

use super::record::Sometimes;
use super::visitor::{Deed, Errand, Visitor};
use super::{Happening, World};

impl World {
    /// Somebody comes to a kiosk where nobody stands.
    pub(super) fn comes(&mut self, bank: usize, errand: Errand) {
        if self.banks[bank].visitor.is_some() {
            return;
        }
        let it = &mut self.banks[bank];
        it.visits += 1;
        it.visitor = Some(Visitor::new(errand));
        let visit = it.visits;
        self.agenda.after(300, Happening::Look { bank, visit });
        self.wake(bank);
    }

    pub(super) fn look(&mut self, bank: usize, visit: u64) {
        if self.banks[bank].visits != visit {
            return;
        }
        let now = self.now_ms();
        let view = self.banks[bank].view(now);
        let Some(mut visitor) = self.banks[bank].visitor.take() else { return };
        let seen = view.as_ref().map(|view| (&view.screen, view.notice));
        let deed = visitor.looks(seen, &mut self.dice);
        if let Some(Screen::Collected { .. }) = view.as_ref().map(|view| &view.screen) {
            visitor.is_served();
        }
        self.banks[bank].visitor = Some(visitor);
        let after = self.does(bank, deed);
        match after {
            Some(after) => self.agenda.after(after, Happening::Look { bank, visit }),
            None => self.goes(bank),
        }
    }

    /// Does it; when the person looks again, or nothing when they have gone.
    fn does(&mut self, bank: usize, deed: Deed) -> Option<u64> {
        match deed {
            Deed::Wait => Some(self.dice.between(400, 1_200)),
            Deed::Linger => Some(self.dice.between(60_000, 300_000)),
            Deed::Touch(action) => {
                self.touches(bank, action);
                Some(self.dice.between(500, 2_500))
            }
            Deed::Show(text) => {
                self.shows(bank, &text);
                Some(self.dice.between(500, 2_500))
            }
            Deed::PutIn(door) => {
                let already = self.placed(bank).is_some();
                if !already && self.put_in(bank, door) {
                    self.hold(bank, Some(self.items));
                }
                self.shut(bank, door)
            }
            Deed::PutInLeaveOpen(door) => {
                self.put_in(bank, door);
                None
            }
            Deed::TakeBack(door) => {
                let placed = self.placed(bank);
                let inside = self.banks[bank].doors.get_mut(&door).expect("of this bank");
                if inside.open && placed.is_some() && inside.item == placed {
                    inside.item = None;
                }
                self.hold(bank, None);
                self.shut(bank, door)
            }
            Deed::TakeOut(door) => {
                self.take_out(bank, door);
                self.shut(bank, door)
            }
            Deed::TakeOutLeaveOpen(door) => {
                self.take_out(bank, door);
                None
            }
            Deed::Leave => None,
        }
    }

    /// Somebody goes. What a recipient leaves in an open door, no bank can know of: it has no sensor for things.
    fn goes(&mut self, bank: usize) {
        let Some(visitor) = self.banks[bank].visitor.take() else { return };
        let picks_up = matches!(visitor.errand, Errand::Pickup { .. });
        for door in
            self.banks[bank].doors.values_mut().filter(|door| picks_up && door.open && door.item.is_some())
        {
            door.doubtful = true;
        }
    }

    fn placed(&self, bank: usize) -> Option<u64> {
        match self.banks[bank].visitor.as_ref().map(|visitor| &visitor.errand) {
            Some(Errand::DropOff { placed, .. }) => *placed,
            _ => None,
        }
    }

    fn hold(&mut self, bank: usize, item: Option<u64>) {
        if let Some(Visitor { errand: Errand::DropOff { placed, .. }, .. }) =
            self.banks[bank].visitor.as_mut()
        {
            *placed = item;
        }
    }

    fn shut(&mut self, bank: usize, compartment: CompartmentNo) -> Option<u64> {
        let after = self.dice.between(1_000, 5_000);
        self.agenda.after(after, Happening::Close { bank, compartment });
        Some(after + 700)
    }

    fn take_out(&mut self, bank: usize, compartment: CompartmentNo) {
        let door = self.banks[bank].doors.get_mut(&compartment).expect("of this bank");
        if door.open {
            door.item = None;
        }
    }

    fn touches(&mut self, bank: usize, action: Action) {
        match action {
            Action::Bigger => self.saw(Sometimes::WentBigger),
            Action::NextParcel => self.saw(Sometimes::NextParcel),
            _ => {}
        }
        self.note(format_args!("bank {bank} kiosk: {action:?}"));
        self.input(bank, Input::Kiosk(action));
        self.wake(bank);
    }

    fn shows(&mut self, bank: usize, text: &str) {
        let id = self.banks[bank].id;
        let Some(running) = &self.banks[bank].running else { return };
        let issuers =
            running.controller.lasting().map(|lasting| lasting.roster.issuers.clone()).unwrap_or_default();
        let Ok(token) = tokens::read(text, id, &issuers) else {
            panic!("a token of the platform is a token")
        };
        self.note(format_args!("bank {bank} camera: {token:?}"));
        let before = self.watches[bank].events.len();
        self.input(bank, Input::Token(token));
        let used = |event: &bailee_domain::event::Event| {
            matches!(
                event.kind,
                bailee_domain::event::EventKind::OpeningIntended {
                    purpose: Purpose::Pickup { surface: Surface::Qr, .. },
                    ..
                }
            )
        };
        if self.watches[bank].events[before..].iter().any(used) {
            self.saw(Sometimes::TokenUsed);
        }
        self.wake(bank);
    }
}
