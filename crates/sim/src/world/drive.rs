//! Driving a controller as its own loop does: inputs in, effects carried out, news to the link, all watched.

use bailee_domain::bank::io::{BoardHealth, Candidate, Input, UnlockResult, Verdict};
use bailee_domain::bank::screen::{Screen, View};
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, OutOfService, Service};
use bailee_domain::event::{EventKind, OpenFailure, Refusal};
use bailee_domain::time::Now;
use bailee_edge::controller::Effect;
use bailee_edge::uplink::{self, EventSource as _};

use super::bank::{Lock, true_time};
use super::record::Sometimes;
use super::watch::holds;
use super::{Happening, World};

/// A pulse energises a coil for this long, in milliseconds.
const PULSE_MS: u64 = 400;
/// How often a bank where nothing happens is looked at, in milliseconds.
const IDLE_TICK_MS: u64 = 30_000;
/// The same while nothing is going to happen for hours.
const SLEEPING_TICK_MS: u64 = 1_800_000;

impl World {
    /// Hands an input to a controller and carries out what comes of it.
    pub(super) fn input(&mut self, bank: usize, input: Input) {
        let ms = self.now_ms();
        let Some(now) = self.banks[bank].now(ms) else { return };
        let Some(running) = self.banks[bank].running.as_mut() else { return };
        let worked = running.controller.in_order();
        let effects = running.controller.handle(input, now);
        let works = running.controller.in_order();
        if works && !worked {
            self.saw(Sometimes::Revived);
        }
        self.carry_out(bank, effects, now);
    }

    /// Carries out effects, unless the power failed before anybody could.
    pub(super) fn carry_out(&mut self, bank: usize, effects: Vec<Effect>, now: Now) {
        if self.banks[bank].is_dark() {
            self.saw(Sometimes::PowerCutAtWrite);
            return self.power_lost(bank);
        }
        if effects.iter().any(|effect| matches!(effect, Effect::Written { .. })) {
            self.mirror(bank);
        }
        if self.banks[bank].running.as_ref().is_some_and(|running| running.controller.in_order()) {
            self.watches[bank].settled();
        }
        for effect in effects {
            match effect {
                Effect::Verify { guess, code, candidates } => {
                    let boot = self.banks[bank].boot;
                    self.agenda.after(60, Happening::Compared { bank, boot, guess, code, candidates });
                }
                // Nobody in a run asks for a door from afar.
                Effect::Siren(_) | Effect::CheckSignatures { .. } => {}
                Effect::Unlock { ticket, compartment, deadline, .. } => {
                    self.unlock(bank, ticket, compartment, self.banks[bank].ms_of(deadline), now);
                }
                Effect::Reply { command, answer } => {
                    self.note(format_args!("bank {bank} answers {answer:?}"));
                    self.link(bank, uplink::Input::Replied { command, answer });
                }
                Effect::Written { seq, severity } => {
                    self.link(bank, uplink::Input::Appended { seq, severity });
                }
            }
        }
        self.tell_status(bank, now);
    }

    fn tell_status(&mut self, bank: usize, now: Now) {
        let boards: Vec<u8> = self.banks[bank].silent.keys().copied().collect();
        let status =
            self.banks[bank].running.as_mut().and_then(|running| running.status(now, boards.into_iter()));
        if let Some(status) = status {
            self.link(bank, uplink::Input::Status(status));
        }
    }

    /// Takes note of every event that has become durable.
    pub(super) fn mirror(&mut self, bank: usize) {
        let Some(running) = &self.banks[bank].running else { return };
        let backlog = running.controller.backlog();
        let next = self.watches[bank].next_seq();
        let new = backlog.lock().expect("nobody panics with it").events_from(next, usize::MAX);
        for (_, leaf) in new {
            let kind = self.watches[bank].wrote(leaf);
            self.wrote(bank, &kind);
        }
    }

    /// Something was written: for the trace, and for what must happen sometimes.
    pub(super) fn wrote(&mut self, bank: usize, kind: &EventKind) {
        self.note(format_args!("bank {bank} wrote {kind:?}"));
        let offline = self.banks[bank].is_cut_off();
        let saw = match kind {
            EventKind::BankStarted { interrupted: 1.., .. } => Sometimes::OpeningInterrupted,
            EventKind::ParcelDeposited(_) | EventKind::ParcelCollected { .. } if offline => {
                let both = matches!(kind, EventKind::ParcelDeposited(_));
                self.saw(if both { Sometimes::Deposited } else { Sometimes::Collected });
                Sometimes::WorkedOffline
            }
            EventKind::ParcelDeposited(_) => Sometimes::Deposited,
            EventKind::ParcelCollected { .. } => Sometimes::Collected,
            EventKind::DropOffCancelled { .. } => Sometimes::DropOffCancelled,
            EventKind::CompartmentForced { .. } => Sometimes::Forced,
            EventKind::CompartmentFoundOpen { .. } => Sometimes::FoundOpen,
            EventKind::CompartmentHeldOpen { .. } => Sometimes::HeldOpen,
            EventKind::CompartmentDidNotOpen { why, .. } => match why {
                OpenFailure::NotSent => Sometimes::NotSent,
                OpenFailure::Refused => Sometimes::OrderRefused,
                OpenFailure::Unknown => Sometimes::OutcomeUnknown,
                OpenFailure::StayedClosed => Sometimes::DidNotOpen,
            },
            EventKind::AccessRefused { reason: Refusal::NoSpace, .. } => Sometimes::NoSpace,
            EventKind::AccessRefused { reason: Refusal::OtherBank, .. } => Sometimes::TokenAtOtherBank,
            EventKind::AccessRefused { reason: Refusal::TooManyTries, .. } => Sometimes::KeypadPaused,
            EventKind::KeypadClosed { .. } => Sometimes::KeypadClosed,
            EventKind::KeypadReset { .. } => Sometimes::KeypadReset,
            EventKind::BoardSilent { .. } => Sometimes::BoardSilent,
            EventKind::BoardAnswers { .. } => Sometimes::BoardBack,
            EventKind::ClockStepped { .. } => Sometimes::ClockStepped,
            EventKind::GrantExpired { .. } => Sometimes::GrantExpired,
            EventKind::GrantRevoked { .. } => Sometimes::Revoked,
            EventKind::RosterTaken { revision: 8.. } => Sometimes::RosterChanged,
            EventKind::ServiceChanged { service: Service::In, .. } => Sometimes::PutBack,
            EventKind::ServiceChanged { service: Service::Out(OutOfService::NeedsCheck), .. } => return,
            _ => return,
        };
        self.saw(saw);
    }

    fn unlock(&mut self, bank: usize, ticket: u64, compartment: CompartmentNo, not_after_ms: u64, now: Now) {
        let ms = self.now_ms();
        let Some(view) = self.banks[bank].view(ms) else { return };
        if self.watches[bank].ordered(compartment, now, (ms, true_time(ms)), &view) > 1 {
            self.saw(Sometimes::SecondPulse);
        }
        self.note(format_args!("bank {bank} drives {compartment}"));
        let delay =
            if self.dice.percent(2) { self.dice.between(1_400, 2_500) } else { self.dice.between(10, 250) };
        let boot = self.banks[bank].boot;
        self.agenda.after(delay, Happening::Order { bank, boot, ticket, compartment, not_after_ms });
    }

    /// An order has waited for its turn on the bus.
    pub(super) fn order(
        &mut self,
        bank: usize,
        boot: u64,
        ticket: u64,
        compartment: CompartmentNo,
        not_after_ms: u64,
    ) {
        if self.banks[bank].boot != boot || self.banks[bank].running.is_none() {
            return;
        }
        let says = |result| Happening::BoardSays { bank, boot, ticket, result };
        if self.now_ms() > not_after_ms {
            return self.agenda.after(1, says(UnlockResult::NotSent));
        }
        for after in [300, 800, 1_300, 1_800, 2_050, 2_600, 3_300, 4_000] {
            self.agenda.after(after, Happening::Reading { bank, compartment });
        }
        let board = self.banks[bank].layout.find(compartment).expect("of this bank").wiring.board;
        if self.banks[bank].doors[&compartment].lock == Lock::Refused {
            return self.agenda.after(80, says(UnlockResult::Refused));
        }
        if self.banks[bank].silent[&board] {
            self.agenda.after(700, says(UnlockResult::Unknown));
            if self.dice.percent(50) {
                return;
            }
        } else {
            self.agenda.after(80, says(UnlockResult::Pulsed));
        }
        self.coil(bank, compartment);
    }

    fn coil(&mut self, bank: usize, compartment: CompartmentNo) {
        let ms = self.now_ms();
        self.watches[bank].coil(compartment, ms, PULSE_MS);
        let opens = match self.banks[bank].doors[&compartment].lock {
            Lock::Jammed | Lock::Refused => None,
            Lock::Works => Some(120),
            Lock::LetsGoLate(ms) => Some(ms),
        };
        if let Some(after) = opens {
            if after > 2_100 {
                self.saw(Sometimes::LetGoLate);
            }
            self.agenda.after(after, Happening::LetsGo { bank, compartment });
        }
    }

    pub(super) fn board_says(&mut self, bank: usize, boot: u64, ticket: u64, result: UnlockResult) {
        if self.banks[bank].boot == boot {
            self.input(bank, Input::Unlocked { ticket, result });
        }
    }

    /// A door is read, if its board answers.
    pub(super) fn reading(&mut self, bank: usize, compartment: CompartmentNo) {
        let Some(sensed) = self.banks[bank].reading(compartment) else { return };
        if self.banks[bank].running.is_some() {
            let ms = self.now_ms();
            self.watches[bank].read(compartment, sensed, ms);
            self.input(bank, Input::Door { compartment, sensed });
        }
    }

    /// Every door is read.
    pub(super) fn read_all(&mut self, bank: usize) {
        let doors: Vec<CompartmentNo> = self.banks[bank].doors.keys().copied().collect();
        doors.into_iter().for_each(|compartment| self.reading(bank, compartment));
    }

    /// A board falls silent or answers again.
    pub(super) fn board(&mut self, bank: usize, board: u8, health: BoardHealth) {
        self.banks[bank].silent.insert(board, health == BoardHealth::Silent);
        let ms = self.now_ms();
        if health == BoardHealth::Silent {
            let wired: Vec<_> = self.banks[bank]
                .layout
                .iter()
                .filter(|c| c.wiring.board == board)
                .map(|c| c.number)
                .collect();
            for compartment in wired {
                self.watches[bank].read(compartment, bailee_domain::compartment::Sensed::Unknown, ms);
            }
        }
        if let Some(running) = self.banks[bank].running.as_mut() {
            running.health.insert(board, health);
            self.input(bank, Input::Board { board, health });
        }
        if health == BoardHealth::Answering {
            self.read_all(bank);
        }
    }

    pub(super) fn compared(
        &mut self,
        bank: usize,
        boot: u64,
        guess: u64,
        code: Code,
        candidates: &[Candidate],
    ) {
        if self.banks[bank].boot != boot {
            return;
        }
        let ms = self.now_ms();
        let Some(now) = self.banks[bank].now(ms) else { return };
        let Some(running) = self.banks[bank].running.as_mut() else { return };
        let outcome = running.checker.check(&code, candidates);
        match outcome {
            Verdict::Miss => {
                self.watches[bank].missed(now.wall);
                self.saw(Sometimes::Missed);
            }
            Verdict::RepeatedMiss => self.saw(Sometimes::RepeatedMiss),
            Verdict::Match(_) => {}
        }
        self.input(bank, Input::Verified { guess, outcome });
    }

    pub(super) fn bank_tick(&mut self, bank: usize, number: u64) {
        if self.banks[bank].bank_tick != number || self.banks[bank].running.is_none() {
            return;
        }
        self.input(bank, Input::Tick);
        let now = self.now_ms();
        let view = self.banks[bank].view(now);
        let open = self.banks[bank].doors.values().any(|door| door.open);
        let after = match view {
            None => return,
            Some(view) if is_busy(&view) => 250,
            Some(_) if open => 5_000,
            Some(_) if self.next_activity_ms > now + 3_600_000 => SLEEPING_TICK_MS,
            Some(_) => IDLE_TICK_MS,
        };
        self.plan_bank_tick(bank, after);
    }

    /// Plans the controller's next tick in place of any planned before.
    pub(super) fn plan_bank_tick(&mut self, bank: usize, after_ms: u64) {
        self.banks[bank].bank_tick += 1;
        let number = self.banks[bank].bank_tick;
        self.agenda.after(after_ms, Happening::BankTick { bank, number });
    }

    /// Something is going on at the kiosk: time counts in quarters of a second.
    pub(super) fn wake(&mut self, bank: usize) {
        self.plan_bank_tick(bank, 0);
    }

    pub(super) fn lets_go(&mut self, bank: usize, compartment: CompartmentNo) {
        let door = self.banks[bank].doors.get_mut(&compartment).expect("of this bank");
        if !door.open {
            door.open = true;
            self.note(format_args!("bank {bank} door {compartment} opens"));
            self.agenda.after(40, Happening::Reading { bank, compartment });
            // Somebody passes by and closes what nobody else does.
            let after = self.dice.between(300_000, 1_200_000);
            self.agenda.after(after, Happening::Close { bank, compartment });
        }
    }

    pub(super) fn close(&mut self, bank: usize, compartment: CompartmentNo) {
        let door = self.banks[bank].doors.get_mut(&compartment).expect("of this bank");
        if door.open {
            door.open = false;
            self.note(format_args!("bank {bank} door {compartment} closes"));
            self.agenda.after(40, Happening::Reading { bank, compartment });
        }
    }

    /// I13 in the real world: a door given for a parcel has nothing inside, unless its sensor has lied.
    pub(super) fn put_in(&mut self, bank: usize, compartment: CompartmentNo) -> bool {
        self.items += 1;
        let (item, door) = (self.items, self.banks[bank].doors.get_mut(&compartment).expect("of this bank"));
        if !door.open {
            return false;
        }
        holds!(
            door.item.is_none() || door.doubtful,
            "I13: compartment {compartment} of bank {bank} was given although something lies in it"
        );
        door.item = Some(item);
        true
    }
}

fn is_busy(view: &View) -> bool {
    !matches!(view.screen, Screen::Home { .. })
}
