//! What happens next: somebody comes, somebody at the platform does something, or something breaks.

use bailee_domain::code::Code;
use bailee_domain::compartment::Size;

use super::record::Sometimes;
use super::visitor::{Errand, Key};
use super::{Happening, Letter, World};

const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;

impl World {
    pub(super) fn activity(&mut self) {
        if self.healing {
            return;
        }
        self.activities = self.activities.saturating_sub(1);
        let bank = self.dice.index(self.banks.len());
        let mut dogged = false;
        match self.dice.below(100) {
            0..24 => self.courier_comes(bank),
            24..48 => self.recipient_comes(bank),
            48..54 => dogged = self.guesser_comes(bank),
            54..58 => self.theft(bank),
            58..62 => self.sensor_fault(bank),
            62..66 => self.lock_fault(bank),
            66..69 => self.board_fault(bank),
            69..72 if self.banks[bank].running.is_some() => {
                self.saw(Sometimes::PowerCut);
                self.power_lost(bank);
            }
            72..79 => self.disk_fault(bank),
            79..81 => self.disk_full(bank),
            81..83 => self.clock_fault(bank),
            83..86 => self.break_connection(bank),
            86..89 => {
                let for_ms = self.dice.between(MINUTE, 40 * MINUTE);
                self.partition(bank, for_ms);
            }
            89..93 => self.platform_fault(),
            _ => self.somebody_manages(bank),
        }
        let after = if dogged { self.night() } else { self.pause() };
        self.next_activity_ms = self.now_ms() + after;
        self.agenda.after(after, Happening::Activity);
    }

    /// How long until the next one: mostly a short while; now and then a night or weeks, with every network cut.
    fn pause(&mut self) -> u64 {
        let (pause, cut_for) = match self.dice.below(200) {
            0 => (self.dice.between(15 * DAY, 30 * DAY), DAY),
            1..5 => (self.dice.between(DAY, 8 * DAY), MINUTE),
            5..25 => return self.dice.between(5 * MINUTE, 20 * MINUTE),
            25..70 => return self.dice.between(300, 3_000),
            _ => return self.dice.between(5_000, 90_000),
        };
        for bank in 0..self.banks.len() {
            // Some come back before the next activity, some during the ones after it.
            let for_ms =
                if self.dice.percent(50) { pause - MINUTE } else { pause + self.dice.below(cut_for) };
            self.partition(bank, for_ms);
        }
        pause
    }

    /// A night in which nothing else happens, with every network cut.
    fn night(&mut self) -> u64 {
        let night = self.dice.between(5, 8) * 60 * MINUTE;
        (0..self.banks.len()).for_each(|bank| self.partition(bank, night - MINUTE));
        night
    }

    fn courier_comes(&mut self, bank: usize) {
        let known: Vec<Code> = self.couriers.iter().filter_map(|courier| courier.code).collect();
        if known.is_empty() || self.residents.is_empty() {
            return;
        }
        let code = self.dice.pick(&known);
        let count = self.dice.between(1, 3);
        let parcel = |world: &mut Self| {
            let resident = &world.residents[world.dice.index(world.residents.len())];
            let (person, unit) = (resident.person, resident.unit.clone());
            let size = world.dice.pick(&[Size::Small, Size::Small, Size::Medium, Size::Large]);
            (person, unit, size)
        };
        let parcels = (0..count).map(|_| parcel(self)).collect();
        self.comes(bank, Errand::DropOff { code, parcels, placed: None });
    }

    fn recipient_comes(&mut self, bank: usize) {
        if self.letters.is_empty() {
            return self.courier_comes(bank);
        }
        // Mostly the newest letter; sometimes an old one, whose code may be dead.
        let at = if self.dice.percent(25) { self.dice.index(self.letters.len()) } else { self.newest_live() };
        let letter = self.letters[at].clone();
        let elsewhere = self.dice.percent(6);
        let bank = if elsewhere { bank } else { letter.bank };
        self.dead_code_tried(&letter);
        let key = match letter.qr {
            Some(qr) if elsewhere || self.dice.percent(45) => Key::Token(qr),
            _ => Key::Code(letter.code),
        };
        let again = self.dice.percent(30);
        if again {
            self.saw(Sometimes::UsedCodeTried);
        }
        self.comes(bank, Errand::Pickup { key, again });
    }

    fn newest_live(&self) -> usize {
        let waits = |letter: &Letter| {
            self.watches[letter.bank].grants.get(&letter.grant).is_some_and(|granted| !granted.collected)
        };
        self.letters.iter().rposition(waits).unwrap_or(self.letters.len() - 1)
    }

    fn dead_code_tried(&mut self, letter: &Letter) {
        let Some(granted) = self.watches[letter.bank].grants.get(&letter.grant).copied() else { return };
        if granted.collected {
            return;
        }
        if granted.revoked {
            self.saw(Sometimes::RevokedCodeTried);
        } else if granted.expired {
            self.saw(Sometimes::ExpiredCodeTried);
        } else if granted.generation > letter.generation {
            self.saw(Sometimes::ReplacedCodeTried);
        }
    }

    /// A guesser comes; tells whether one with a whole night to spend.
    fn guesser_comes(&mut self, bank: usize) -> bool {
        let count = self.dice.pick(&[2, 4, 30, 30]);
        let mut codes: Vec<Code> = Vec::new();
        for _ in 0..count {
            let code = match codes.last() {
                Some(last) if self.dice.percent(15) => *last,
                _ => Code::parse(&self.dice.digits()).expect("eight digits"),
            };
            codes.push(code);
        }
        self.comes(bank, Errand::Guess { codes });
        count == 30
    }
}
