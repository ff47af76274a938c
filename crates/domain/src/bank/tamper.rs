//! Signs of tampering become named alarms: one event when it begins, one now and then while it goes on, one at its end.
//!
//! Whoever makes a sensor chatter must not fill the disk, and a kick must not lock a building out: a single knock does
//! nothing here, blows count only when they come again, and repeated signs fold into the alarm that stands. Prying and
//! tools are never excused by what else goes on at the bank.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::io::{Output, Siren};
use super::{Bank, Turn};
use crate::compartment::{CompartmentNo, Sensed};
use crate::event::EventKind;
use crate::lockdown::{Area, Cause};
use crate::tamper::{ALARM_SCORE, Felt, FeltClass, Sign, Source, SwitchState, Tamper};
use crate::time::{MonoTime, WallTime};

/// A sign that came and went is over after this long without another.
const OVER_AFTER_MS: u64 = 5 * 60_000;
/// A switch is at rest again after this long at rest.
const AT_REST_AFTER_MS: u64 = 10_000;
/// While it goes on, it is told again this often.
const AGAIN_AFTER_MS: u64 = 10 * 60_000;
/// Blows count when they come again at least this much and at most that much later.
const BLOWS_AGAIN_MS: core::ops::RangeInclusive<u64> = 2_000..=30_000;
const MINUTE_MS: u64 = 60_000;
/// So many openings without authority within about as many minutes are one bouncing door.
const BOUNCES: u64 = 3;
/// A door that did not change for this long bounces no more.
const STEADY_AFTER_MS: u64 = 60_000;

/// What is known of tampering besides what is written down.
#[derive(Debug, Default)]
pub(super) struct TamperRun {
    heard: BTreeMap<(Source, Tamper), Heard>,
    /// Since when blows that have not come again are remembered, by sensor.
    blows: BTreeMap<u8, MonoTime>,
    flaps: BTreeMap<CompartmentNo, Flap>,
    pub(super) siren_until: Option<MonoTime>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    times: u64,
    last: MonoTime,
    last_at: WallTime,
    told: MonoTime,
    told_times: u64,
    /// It lasts until what gave it says that it is over.
    lasts: bool,
    area: Area,
}

#[derive(Clone, Copy, Debug)]
struct Flap {
    level: u64,
    since: MonoTime,
    /// While bouncing: the latest reading and when it changed.
    bouncing: Option<(Sensed, MonoTime)>,
}

impl TamperRun {
    pub(super) fn bounces(&self, compartment: CompartmentNo) -> bool {
        self.flaps.get(&compartment).is_some_and(|flap| flap.bouncing.is_some())
    }
}

impl Bank {
    /// Takes the alarms that stood when the controller stopped: they are not told again.
    pub(super) fn tampers_stand(&mut self, turn: &Turn<'_>) {
        let (last, last_at) = (turn.now.mono, turn.now.wall);
        let heard = |source: Source, times: &u64| Heard {
            times: *times,
            last,
            last_at,
            told: last,
            told_times: *times,
            lasts: false,
            area: area(source, Area::Bank),
        };
        let standing = self.lasting.tampers.iter();
        self.tamper.heard = standing.map(|(key, times)| (*key, heard(key.0, times))).collect();
    }

    pub(super) fn switch(&mut self, turn: &mut Turn<'_>, source: Source, state: SwitchState) {
        let here = area(source, Area::Bank);
        match state {
            SwitchState::AtRest => {}
            SwitchState::Tripped => self.sign(turn, source, Tamper::Opened, here, true),
            SwitchState::Lost => self.sign(turn, source, Tamper::Lost, here, true),
        }
        if state != SwitchState::Tripped {
            self.gone(turn, source, Tamper::Opened);
        }
        if state != SwitchState::Lost {
            self.gone(turn, source, Tamper::Lost);
        }
    }

    pub(super) fn felt(&mut self, turn: &mut Turn<'_>, sensor: u8, here: Area, felt: Felt) {
        let source = Source::Vibration(sensor);
        if felt.class == FeltClass::SensorFault {
            return self.sign(turn, source, Tamper::Lost, here, true);
        }
        self.gone(turn, source, Tamper::Lost);
        let alarm = felt.score >= ALARM_SCORE;
        match felt.class {
            FeltClass::Pry if alarm => self.sign(turn, source, Tamper::Pry, here, false),
            FeltClass::Drill if alarm => self.sign(turn, source, Tamper::Drill, here, false),
            FeltClass::Saw if alarm => self.sign(turn, source, Tamper::Saw, here, false),
            FeltClass::Impact if alarm && self.blows_came_again(turn, sensor) => {
                self.sign(turn, source, Tamper::Impact, here, false);
            }
            _ => {}
        }
    }

    fn blows_came_again(&mut self, turn: &Turn<'_>, sensor: u8) -> bool {
        let since = *self.tamper.blows.entry(sensor).or_insert(turn.now.mono);
        let passed = turn.now.mono.since_ms(since);
        if passed > *BLOWS_AGAIN_MS.end() {
            self.tamper.blows.insert(sensor, turn.now.mono);
        }
        BLOWS_AGAIN_MS.contains(&passed)
    }

    /// Boards, lines and readers report something; what they report has been counted there, so one is enough.
    pub(super) fn reported(&mut self, turn: &mut Turn<'_>, source: Source, tamper: Tamper, sign: Sign) {
        // Nobody says when a door's trouble is over.
        let comes_and_goes =
            matches!(source, Source::Door(_)) || matches!(tamper, Tamper::BadFrames | Tamper::Unsolicited);
        match sign {
            Sign::Gone => self.gone(turn, source, tamper),
            Sign::Present => {
                let here = self.area_of(source);
                self.sign(turn, source, tamper, here, !comes_and_goes);
            }
        }
    }

    /// The zone of a door; the whole bank for everything else.
    fn area_of(&self, source: Source) -> Area {
        match source {
            Source::Door(number) => self.zone_of(number),
            other => area(other, Area::Bank),
        }
    }

    fn zone_of(&self, number: CompartmentNo) -> Area {
        self.layout.find(number).map_or(Area::Bank, |c| Area::Zone(c.column))
    }

    /// A sign came: the alarm begins, or counts one more.
    fn sign(&mut self, turn: &mut Turn<'_>, source: Source, tamper: Tamper, area: Area, lasts: bool) {
        let (last, last_at) = (turn.now.mono, turn.now.wall);
        if let Some(heard) = self.tamper.heard.get_mut(&(source, tamper)) {
            if !(heard.lasts && lasts) {
                heard.times = heard.times.saturating_add(1);
            }
            (heard.last, heard.last_at, heard.lasts, heard.area) = (last, last_at, lasts, area);
            return;
        }
        let heard = Heard { times: 1, last, last_at, told: last, told_times: 1, lasts, area };
        self.tamper.heard.insert((source, tamper), heard);
        self.event(turn, EventKind::TamperBegan { source, tamper });
        if tamper.is_loud() {
            self.sound(turn);
        }
        if let Some(cause) = tamper.cause(source) {
            self.respond(turn, cause, area);
        }
    }

    /// What lasted is over, unless it comes back at once.
    fn gone(&mut self, turn: &Turn<'_>, source: Source, tamper: Tamper) {
        if let Some(heard) = self.tamper.heard.get_mut(&(source, tamper)).filter(|heard| heard.lasts) {
            heard.lasts = false;
            heard.last = turn.now.mono;
        }
    }

    /// A door opened that nobody had authorised.
    pub(super) fn intruded(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo) {
        self.sound(turn);
        let zone = self.zone_of(compartment);
        self.respond(turn, Cause::Forced, zone);
        if self.pulse.is_some_and(|pulse| pulse.compartment != compartment) {
            self.sign(turn, Source::Door(compartment), Tamper::Crossed, zone, false);
        }
        let now = turn.now.mono;
        let flap =
            self.tamper.flaps.entry(compartment).or_insert(Flap { level: 0, since: now, bouncing: None });
        let drained = now.since_ms(flap.since) / MINUTE_MS;
        (flap.level, flap.since) = (flap.level.saturating_sub(drained) + 1, now);
        if flap.level >= BOUNCES {
            flap.bouncing = Some((Sensed::Open, now));
            self.doors.insert(compartment, Sensed::Unknown);
            self.sign(turn, Source::Door(compartment), Tamper::Bouncing, zone, true);
        }
    }

    /// Whether a reading belongs to a bouncing door and means nothing by itself.
    pub(super) fn bounced(&mut self, turn: &Turn<'_>, compartment: CompartmentNo, sensed: Sensed) -> bool {
        let flap = self.tamper.flaps.get_mut(&compartment);
        let Some((latest, changed)) = flap.and_then(|flap| flap.bouncing.as_mut()) else { return false };
        if *latest != sensed {
            (*latest, *changed) = (sensed, turn.now.mono);
            if let Some(heard) = self.tamper.heard.get_mut(&(Source::Door(compartment), Tamper::Bouncing)) {
                heard.times = heard.times.saturating_add(1);
                (heard.last, heard.last_at) = (turn.now.mono, turn.now.wall);
            }
        }
        true
    }

    pub(super) fn tamper_timers(&mut self, turn: &mut Turn<'_>) {
        if self.tamper.siren_until.is_some_and(|until| turn.now.mono >= until) {
            self.tamper.siren_until = None;
            turn.out.push(Output::Siren(Siren::Off));
        }
        self.doors_steady(turn);
        if self.tamper.heard.is_empty() {
            return;
        }
        let now = turn.now.mono;
        let due = |(key, heard): (&(Source, Tamper), &Heard)| {
            let again = heard.lasts || heard.times > heard.told_times;
            let quiet = if key.1 == Tamper::Opened { AT_REST_AFTER_MS } else { OVER_AFTER_MS };
            let over = !heard.lasts && now.since_ms(heard.last) >= quiet;
            (over || again && now.since_ms(heard.told) >= AGAIN_AFTER_MS).then_some((*key, *heard, over))
        };
        let due: Vec<_> = self.tamper.heard.iter().filter_map(due).collect();
        for (key, heard, over) in due {
            self.tell_again(turn, key, heard, over);
        }
    }

    fn tell_again(&mut self, turn: &mut Turn<'_>, key: (Source, Tamper), heard: Heard, over: bool) {
        let ((source, tamper), Heard { times, last_at, area, .. }) = (key, heard);
        if over {
            self.tamper.heard.remove(&key);
            return self.event(turn, EventKind::TamperEnded { source, tamper, times, last_at });
        }
        if let Some(heard) = self.tamper.heard.get_mut(&key) {
            (heard.told, heard.told_times) = (turn.now.mono, times);
        }
        self.event(turn, EventKind::TamperContinued { source, tamper, times, last_at });
        if let Some(cause) = tamper.cause(source) {
            self.respond(turn, cause, area);
        }
    }

    /// Bouncing doors that have come to rest are believed again.
    fn doors_steady(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now.mono;
        let steady = |(number, flap): (&CompartmentNo, &Flap)| {
            let (latest, changed) = flap.bouncing?;
            (now.since_ms(changed) >= STEADY_AFTER_MS).then_some((*number, latest))
        };
        let steady: Vec<_> = self.tamper.flaps.iter().filter_map(steady).collect();
        for (compartment, latest) in steady {
            self.tamper.flaps.remove(&compartment);
            self.gone(turn, Source::Door(compartment), Tamper::Bouncing);
            self.door_read(turn, compartment, latest);
        }
    }

    fn sound(&mut self, turn: &mut Turn<'_>) {
        let lasts_ms = self.lasting.roster.security.siren_s.saturating_mul(1_000);
        if lasts_ms == 0 {
            return;
        }
        if self.tamper.siren_until.is_none() {
            turn.out.push(Output::Siren(Siren::On));
        }
        self.tamper.siren_until = Some(turn.now.mono.plus_ms(lasts_ms));
    }
}

fn area(source: Source, otherwise: Area) -> Area {
    match source {
        Source::Door(number) => Area::Door(number),
        _ => otherwise,
    }
}
