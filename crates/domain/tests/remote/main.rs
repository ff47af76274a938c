//! What a platform can do with a bank's doors: with all its keys nothing, and with people's signatures little.
//!
//! The signatures here are words ("ann signs this statement"): that real ones hold is shown where they are checked.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod attack;
mod emergency;
mod faults;
mod keys;
mod opening;
#[path = "../rig/mod.rs"]
mod rig;

use std::collections::BTreeMap;

use bailee_domain::bank::breaker::{OPENINGS, SPAN_MS};
use bailee_domain::bank::io::{Action, Answer, Checked, Input, Output, Request};
use bailee_domain::bank::keyring::{RESIDENT_WAIT_MS, STAFF_WAIT_MS};
use bailee_domain::bank::screen::{Notice, Screen, Task};
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Size};
use bailee_domain::event::{Authority, EventKind, Purpose, Refusal, RemoteRefusal, Severity, Surface};
use bailee_domain::id::{CommandId, PersonId};
use bailee_domain::lockdown::{Area, Exercise, Grade};
use bailee_domain::roster::Roster;
use bailee_domain::signer::{
    Act, KeyForm, KeyUse, PersonKey, Proof, PublicKey, Signature, Signed, Signers, Statement,
};
use bailee_domain::time::WallTime;
use rig::{MARA, NOOR, Rig, roster};

const ANN: PersonId = PersonId::from_bytes([0xb1; 16]);
const BEN: PersonId = PersonId::from_bytes([0xb2; 16]);
const EVE: PersonId = PersonId::from_bytes([0xee; 16]);
const OLA: PersonId = PersonId::from_bytes([0xd8; 16]);
const UWE: PersonId = PersonId::from_bytes([0xd9; 16]);
const DOOR: CompartmentNo = CompartmentNo(2);

fn public(person: PersonId) -> PublicKey {
    PublicKey::Ed25519([person.to_bytes()[0]; 32])
}

fn key(person: PersonId, used_for: KeyUse) -> PersonKey {
    PersonKey { person, used_for, form: KeyForm::Plain, public: public(person) }
}

fn keys() -> Vec<PersonKey> {
    vec![
        key(ANN, KeyUse::Administrator),
        key(BEN, KeyUse::Administrator),
        key(MARA, KeyUse::Resident),
        key(OLA, KeyUse::Officer),
        key(UWE, KeyUse::Officer),
    ]
}

fn with_keys(revision: u64, keys: Vec<PersonKey>) -> Roster {
    Roster { signers: Signers { keys, ..Signers::default() }, ..roster(revision) }
}

/// A digest that differs where statements do; hashing is not under test here.
fn digest(statement: &Statement) -> [u8; 32] {
    let mut digest = [0_u8; 32];
    for (at, byte) in
        format!("{:?}{:?}", statement, statement.presence.map(|c| *c.digits())).bytes().enumerate()
    {
        digest[at % 32] = digest[at % 32].rotate_left(3) ^ byte;
    }
    digest
}

/// What a genuine signature of a person looks like here: it begins with their byte and covers the statement.
fn genuine(person: PersonId, statement: &Statement) -> Proof {
    let mut proof = [person.to_bytes()[0]; 64];
    proof[32..].copy_from_slice(&digest(statement));
    Proof::Plain(proof)
}

fn check(statement: &Statement, signatures: &[(PersonKey, Proof)]) -> Checked {
    let proven =
        signatures.iter().map(|(key, proof)| (*proof == genuine(key.person, statement)).then_some(0));
    Checked { digest: digest(statement), proven: proven.collect() }
}

fn signed(statement: Statement, people: &[PersonId]) -> Signed {
    let sign = |person: &PersonId| {
        let (public, proof) = (public(*person), genuine(*person, &statement));
        Signature { person: *person, public, proof }
    };
    Signed { statement, signatures: people.iter().map(sign).collect() }
}

/// A bank whose first roster held these keys, with somebody before its screen.
struct Bench {
    rig: Rig,
    commands: u8,
}

impl Bench {
    fn new(keys: Vec<PersonKey>) -> Self {
        let mut rig = Rig::with_roster(with_keys(1, keys));
        rig.checker = Some(check);
        rig.input(Input::Tick);
        Self { rig, commands: 0 }
    }

    fn shown(&self) -> Option<Code> {
        self.rig.view().remote.presence
    }

    fn inspect(&self, door: CompartmentNo) -> Statement {
        let act = Act::Inspect { compartment: door, reason: [7; 32] };
        Statement { act, presence: self.shown(), expires: self.rig.now.wall.plus_ms(50_000) }
    }

    fn ask(&mut self, signed: Signed) -> Answer {
        let before = self.rig.replies.len();
        self.commands = self.commands.wrapping_add(1);
        let command = CommandId::from_bytes([self.commands; 16]);
        let deadline = self.rig.now.wall.plus_ms(60_000);
        self.rig.input(Input::Platform { command, deadline, request: Request::Signed(signed) });
        assert_eq!(self.rig.replies.len(), before + 1, "every request is answered once");
        *self.rig.replies.last().unwrap()
    }

    /// Time passes and nothing is read meanwhile.
    fn pass_ms(&mut self, mut ms: u64) {
        while ms > 0 {
            let by = ms.min(20_000);
            ms -= by;
            self.rig.now.mono = self.rig.now.mono.plus_ms(by);
            self.rig.now.wall = self.rig.now.wall.plus_ms(i64::try_from(by).unwrap());
            self.rig.input(Input::Tick);
        }
    }

    fn answers(&mut self, person: PersonId) {
        let Screen::Challenge { compartment, challenge, .. } = self.rig.screen() else { panic!() };
        let act = Act::Override { compartment, challenge };
        let statement = Statement { act, presence: None, expires: WallTime::default() };
        let Proof::Plain(signature) = genuine(person, &statement) else { panic!() };
        self.rig.input(Input::Response { key: [person.to_bytes()[0]; 8], signature });
    }

    fn open_doors(&self) -> usize {
        self.rig.pulses.len()
    }

    fn close_all(&mut self) {
        let open: Vec<_> = self.rig.open.iter().filter(|(_, open)| **open).map(|(door, _)| *door).collect();
        open.into_iter().for_each(|door| self.rig.close(door));
        self.pass_ms(9_000);
    }
}

fn refusals(bench: &Bench) -> Vec<RemoteRefusal> {
    let reason = |kind: &EventKind| match kind {
        EventKind::RemoteOpeningRefused { reason, .. } => Some(*reason),
        _ => None,
    };
    bench.rig.events().filter_map(reason).collect()
}
