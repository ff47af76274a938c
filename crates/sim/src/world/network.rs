//! The network: calls, frames and their loss. Frames of one connection never overtake each other; a frame under way
//! when its connection ends is lost; a partition tells nobody.

use bailee_domain::bank::io::Input;
use bailee_edge::uplink;
use bailee_wire::link::FromPlatform;

use super::platform::Did;
use super::record::Sometimes;
use super::watch::holds;
use super::{Happening, World};

/// So long after a partition began, calls become seldom.
const CALL_OFTEN_MS: u64 = 600_000;
/// While a partition lasts, calls are made this seldom, so that a month costs what an hour does.
const CALL_SELDOM_MS: u64 = 3_600_000;

impl World {
    fn latency(&mut self) -> u64 {
        match self.dice.below(50) {
            0 => self.dice.between(400, 4_000),
            _ => self.dice.between(5, 120),
        }
    }

    pub(super) fn link_tick(&mut self, bank: usize, number: u64) {
        if self.banks[bank].link_tick == number && self.banks[bank].running.is_some() {
            self.link(bank, uplink::Input::Tick);
            self.plan_link_tick(bank);
        }
    }

    pub(super) fn plan_link_tick(&mut self, bank: usize) {
        let now = self.now_ms();
        let Some(running) = &self.banks[bank].running else { return };
        let mut at = self.banks[bank].ms_of(running.link.next_timeout()).max(now + 50);
        if self.banks[bank].net.down_since.is_some_and(|since| now > since + CALL_OFTEN_MS) {
            at = at.max(now + CALL_SELDOM_MS);
        }
        self.banks[bank].link_tick += 1;
        let number = self.banks[bank].link_tick;
        self.agenda.at(at, Happening::LinkTick { bank, number });
    }

    /// Hands something to a bank's end of the link and does what it says.
    pub(super) fn link(&mut self, bank: usize, input: uplink::Input) {
        let now = self.now_ms();
        let Some(mono) = self.banks[bank].mono(now) else { return };
        let Some(running) = self.banks[bank].running.as_mut() else { return };
        let mut backlog = running.controller.backlog();
        running.link.handle(mono, input, &mut backlog);
        loop {
            let Some(running) = self.banks[bank].running.as_mut() else { return };
            let Some(output) = running.link.poll_output() else { return };
            self.link_says(bank, output);
        }
    }

    fn link_says(&mut self, bank: usize, output: uplink::Output) {
        match output {
            uplink::Output::Connect => self.call(bank),
            uplink::Output::Send(frame) => self.send_up(bank, frame),
            uplink::Output::Disconnect => {
                let connection =
                    self.banks[bank].running.as_mut().and_then(|running| running.connection.take());
                if let Some(connection) = connection {
                    self.hang_up(bank, connection);
                }
            }
            uplink::Output::Request { command, deadline, request } => {
                self.input(bank, Input::Platform { command, deadline, request });
            }
            uplink::Output::Acknowledged { up_to } => {
                self.watches[bank].acknowledged(up_to);
                self.input(bank, Input::Acknowledged { up_to });
            }
            uplink::Output::TrustTime(time) => self.trust(bank, time),
            uplink::Output::Cosign(asked) => self.cosign(bank, &asked),
            uplink::Output::Reached(reached) => {
                self.note(format_args!("bank {bank} reaches the platform: {reached}"));
            }
            uplink::Output::Fault(fault) => {
                self.note(format_args!("bank {bank} link: {fault}"));
                let passing = matches!(fault, uplink::Fault::Refused { reason, .. }
                    if matches!(reason, bailee_wire::link::RefusedReason::Unavailable
                        | bailee_wire::link::RefusedReason::Replaced
                        | bailee_wire::link::RefusedReason::Protocol));
                holds!(passing, "I5: bank {bank} link: {fault}");
            }
        }
    }

    /// As the controller's loop takes the platform's time.
    fn trust(&mut self, bank: usize, time: bailee_domain::time::WallTime) {
        let now = self.now_ms();
        let Some(mono) = self.banks[bank].mono(now) else { return };
        self.banks[bank].now(now);
        self.watches[bank].trusted();
        let Some(running) = self.banks[bank].running.as_mut() else { return };
        let by_ms = running.clock.trust(time, mono);
        if by_ms > 60_000 {
            self.input(bank, Input::ClockStepped { by_ms });
        }
    }

    fn call(&mut self, bank: usize) {
        self.connections += 1;
        let connection = self.connections;
        let Some(running) = self.banks[bank].running.as_mut() else { return };
        running.connection = Some(connection);
        let after = self.latency();
        let reachable = self.platform.is_up() && !self.banks[bank].is_cut_off();
        if reachable {
            let net = &mut self.banks[bank].net;
            (net.up_until, net.down_until) = (0, 0);
            self.agenda.after(after, Happening::CallArrives { bank, connection });
        } else if self.dice.percent(50) {
            self.agenda.after(after, Happening::CallFailed { bank, connection });
        }
        // Otherwise nobody answers, and the link gives the call up by itself.
    }

    pub(super) fn call_arrives(&mut self, bank: usize, connection: u64) {
        if self.banks[bank].is_cut_off() {
            return;
        }
        if !self.platform.is_up() {
            return self.agenda.after(20, Happening::CallFailed { bank, connection });
        }
        self.platform.connected(self.banks[bank].id, connection);
        let after = self.latency();
        let at = self.now_ms() + after;
        self.banks[bank].net.down_until = at;
        self.agenda.at(at, Happening::CallAnswered { bank, connection });
    }

    fn has(&self, bank: usize, connection: u64) -> bool {
        self.banks[bank].running.as_ref().is_some_and(|running| running.connection == Some(connection))
    }

    pub(super) fn call_answered(&mut self, bank: usize, connection: u64) {
        if self.has(bank, connection) && !self.banks[bank].is_cut_off() {
            self.link(bank, uplink::Input::Connected);
            self.plan_link_tick(bank);
        }
    }

    fn send_up(&mut self, bank: usize, frame: Vec<u8>) {
        let Some(connection) = self.banks[bank].running.as_ref().and_then(|running| running.connection)
        else {
            return;
        };
        if self.banks[bank].is_cut_off() {
            return self.saw(Sometimes::FramesLost);
        }
        let after = self.latency();
        let at = (self.now_ms() + after).max(self.banks[bank].net.up_until);
        self.banks[bank].net.up_until = at;
        self.agenda.at(at, Happening::Up { bank, connection, frame });
    }

    pub(super) fn arrives_up(&mut self, bank: usize, connection: u64, frame: Vec<u8>) {
        if self.banks[bank].is_cut_off() {
            return self.saw(Sometimes::FramesLost);
        }
        let id = self.banks[bank].id;
        self.platform.frame(id, connection, frame);
    }

    fn send_down(&mut self, bank: usize, connection: u64, frame: Vec<u8>) {
        if self.banks[bank].is_cut_off() {
            return self.saw(Sometimes::FramesLost);
        }
        let after = self.latency();
        let at = (self.now_ms() + after).max(self.banks[bank].net.down_until);
        self.banks[bank].net.down_until = at;
        self.agenda.at(at, Happening::Down { bank, connection, frame });
    }

    pub(super) fn arrives_down(&mut self, bank: usize, connection: u64, frame: Vec<u8>) {
        if !self.has(bank, connection) || self.banks[bank].is_cut_off() {
            return self.saw(Sometimes::FramesLost);
        }
        if let Ok(FromPlatform::Command(part)) = FromPlatform::decode(&frame)
            && !self.commands.insert((bank, part.command))
        {
            self.saw(Sometimes::CommandRepeated);
        }
        self.link(bank, uplink::Input::Frame(frame));
        self.plan_link_tick(bank);
    }

    /// A bank hears that its connection, or its call, is over.
    pub(super) fn lost_down(&mut self, bank: usize, connection: u64) {
        if self.has(bank, connection) {
            if let Some(running) = self.banks[bank].running.as_mut() {
                running.connection = None;
            }
            self.link(bank, uplink::Input::Disconnected);
            self.plan_link_tick(bank);
        }
    }

    /// A bank's end of a connection is gone; the other end hears of it if anything passes.
    pub(super) fn hang_up(&mut self, bank: usize, connection: u64) {
        if !self.banks[bank].is_cut_off() {
            let after = self.latency();
            let at = (self.now_ms() + after).max(self.banks[bank].net.up_until);
            self.agenda.at(at, Happening::LostUp { bank, connection });
        }
    }

    /// A connection breaks in the middle: frames under way are lost, both ends hear of it.
    pub(super) fn break_connection(&mut self, bank: usize) {
        let Some(connection) = self.banks[bank].running.as_ref().and_then(|running| running.connection)
        else {
            return;
        };
        self.saw(Sometimes::ConnectionCut);
        self.agenda.after(0, Happening::LostUp { bank, connection });
        self.agenda.after(3, Happening::LostDown { bank, connection });
    }

    /// Passes on what the platform did.
    pub(super) fn platform_did(&mut self) {
        for did in self.platform.take_did() {
            let of = |id| self.banks.iter().position(|bank| bank.id == id);
            match did {
                Did::Sent(id, connection, frame) => {
                    let Some(bank) = of(id) else { continue };
                    self.send_down(bank, connection, frame);
                }
                Did::Closed(id, connection) => {
                    let Some(bank) = of(id).filter(|bank| !self.banks[*bank].is_cut_off()) else { continue };
                    // What was said before is still delivered.
                    let at = self.banks[bank].net.down_until.max(self.now_ms()) + 1;
                    self.agenda.at(at, Happening::LostDown { bank, connection });
                }
                Did::Holds(id, up_to) => {
                    let Some(bank) = of(id) else { continue };
                    self.note(format_args!("platform holds {up_to} of bank {bank}"));
                    self.watches[bank].stored = self.watches[bank].stored.max(up_to);
                }
                Did::HeardAhead(_) => self.saw(Sometimes::AlarmOvertook),
                Did::NoticedSilence(id) => {
                    self.note(format_args!("platform: {id} is offline"));
                    self.saw(Sometimes::NoticedOffline);
                }
                Did::ChainBroken(id, why) => {
                    panic!("I5: the platform does not take the events of {id}: {why}")
                }
                Did::Expired(_) => self.saw(Sometimes::RequestExpired),
                Did::StoreFailed(fault) => self.saw(match fault {
                    super::platform::StoreFault::Refuses => Sometimes::StoreRefused,
                    super::platform::StoreFault::TakesUnsaid => Sometimes::StoredUnsaid,
                }),
                Did::JobFailed(why) => {
                    self.note(format_args!("platform: a job ended early: {why}"));
                    holds!(why.contains("stopped at"), "a job failed: {why}");
                    self.saw(Sometimes::SequencerStopped);
                }
            }
        }
        self.plan_jobs();
    }
}
