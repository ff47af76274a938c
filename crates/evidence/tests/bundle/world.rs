//! A small log with one bank, two people and a parcel's whole way, and bundles made from it.

use std::convert::Infallible;
use std::io::{BufReader, Cursor};
use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bailee_audit::key::KeyName;
use bailee_audit::proof::prove_inclusion;
use bailee_audit::{Checkpoint, Ed25519Signer, Edge, Growth, TileId, TreeHead, VerifyingKey, leaf_hash};
use bailee_domain::access::Role;
use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Size, Wiring};
use bailee_domain::event::{Deposit, Event, EventKind, Purpose, Surface};
use bailee_domain::id::{BankId, CarrierId, GrantId, OrgId, ParcelId, PersonId};
use bailee_domain::platform::{Actor, PlatformEvent, PlatformEventKind};
use bailee_domain::time::{TimeQuality, WallTime};
use bailee_evidence::commitment::{PERSON, commit};
use bailee_evidence::entries::{Entry, Known, Why};
use bailee_evidence::{
    Draft, Exported, Opening, Options, Place, Request, Statement, Subject, WriteError, write,
};
use bailee_wire::event::{
    Hash, NO_EVENT, chain_hash, encode_bank, encode_platform, head_statement, time_text,
};

pub const ORG: OrgId = OrgId::from_bytes([9; 16]);
pub const BANK: BankId = BankId::from_bytes([1; 16]);
pub const PARCEL: ParcelId = ParcelId::from_bytes([2; 16]);
pub const GRANT: GrantId = GrantId::from_bytes([3; 16]);
pub const ANN: PersonId = PersonId::from_bytes([4; 16]);
pub const COURIER: PersonId = PersonId::from_bytes([5; 16]);
pub const ADMIN: PersonId = PersonId::from_bytes([6; 16]);
pub const DOOR: CompartmentNo = CompartmentNo(4);
pub const BEGIN: i64 = 1_795_420_800_000;
const ORIGIN: &str = "lockers.example.org/log/oak-court";
const SALT: [u8; 32] = [7; 32];
const REASON: &str = "Claim 4711: the recipient says that nothing was inside.";

pub fn details() -> [(&'static str, Option<&'static str>); 5] {
    [
        ("name", Some("Ann Example")),
        ("unit", Some("4B")),
        ("email", Some("ann@example.org")),
        ("phone", None),
        ("reach", Some("standard")),
    ]
}

pub struct World {
    pub leaves: Vec<(Why, Vec<u8>)>,
    seq: u64,
    head: Hash,
    device: Ed25519KeyPair,
    signer: Ed25519Signer,
    now: i64,
}

impl World {
    pub fn new() -> Self {
        let device = Ed25519KeyPair::from_seed_unchecked(&[11; 32]).unwrap();
        let signer = Ed25519Signer::from_seed(KeyName::new(ORIGIN).unwrap(), &[12; 32]).unwrap();
        Self { leaves: Vec::new(), seq: 0, head: NO_EVENT, device, signer, now: BEGIN }
    }

    pub fn key(&self) -> VerifyingKey {
        self.signer.verifying_key().clone()
    }

    pub fn at(&self) -> WallTime {
        WallTime::from_unix_ms(self.now)
    }

    pub fn wait(&mut self, minutes: i64) {
        self.now += minutes * 60_000;
    }

    pub fn bank(&mut self, why: Why, kind: EventKind) {
        self.now += 1_234;
        self.seq += 1;
        let event = Event { seq: self.seq, at: self.at(), quality: TimeQuality::Trusted, kind };
        let leaf = encode_bank(BANK, &self.head, &event);
        self.head = chain_hash(&leaf);
        self.leaves.push((why, leaf));
    }

    pub fn platform(&mut self, why: Why, actor: Actor, kind: PlatformEventKind) {
        self.now += 321;
        let event = PlatformEvent { at: self.at(), actor, kind };
        self.leaves.push((why, encode_platform(ORG, &event).unwrap()));
    }

    pub fn signed_head(&mut self) {
        let signature = self.device.sign(&head_statement(BANK, self.seq, &self.head));
        let signature = signature.as_ref().try_into().unwrap();
        let kind = PlatformEventKind::ChainHead { bank: BANK, seq: self.seq, head: self.head, signature };
        self.platform(Why::Head, Actor::Bank(BANK), kind);
    }

    /// From the first entry to a parcel that was collected, with the head that covers it.
    pub fn parcel() -> Self {
        let mut world = Self::new();
        let admin = Actor::Person(ADMIN);
        world.platform(Why::Chain, Actor::Platform, PlatformEventKind::LogStarted);
        let device_key = world.device.public_key().as_ref().try_into().unwrap();
        let enrolled = PlatformEventKind::BankEnrolled { bank: BANK, device_key };
        world.platform(Why::Enrolment, admin, enrolled);
        let committed = commit(PERSON, &details(), &SALT);
        let added = PlatformEventKind::PersonAdded { person: ANN, role: Role::Resident, details: committed };
        world.platform(Why::Opening, admin, added);
        world.wait(95);
        let (parcel, recipient, courier, carrier) = (PARCEL, ANN, COURIER, CarrierId::from_bytes([8; 16]));
        let purpose = Purpose::DropOff { parcel, recipient, courier, carrier, size: Size::Medium };
        world.bank(Why::Asked, EventKind::OpeningIntended { compartment: DOOR, purpose, attempt: 1 });
        world.bank(Why::Asked, EventKind::CompartmentOpened { compartment: DOOR, opening: 1 });
        world.bank(Why::Asked, EventKind::CompartmentClosed { compartment: DOOR });
        let expires = world.at().plus_ms(3 * 86_400_000);
        let (grant, compartment, size) = (GRANT, DOOR, Size::Medium);
        let deposit = Deposit { parcel, grant, compartment, recipient, courier, carrier, size, expires };
        world.bank(Why::Asked, EventKind::ParcelDeposited(deposit));
        world.signed_head();
        world.platform(Why::Asked, Actor::Platform, PlatformEventKind::CodeIssued { grant, generation: 1 });
        world.wait(60 * 7);
        world.bank(Why::Asked, EventKind::CompartmentForced { compartment: DOOR });
        world.wait(60 * 11);
        let purpose = Purpose::Pickup { parcel, grant, surface: Surface::Keypad };
        world.bank(Why::Asked, EventKind::OpeningIntended { compartment: DOOR, purpose, attempt: 1 });
        world.bank(Why::Asked, EventKind::CompartmentOpened { compartment: DOOR, opening: 6 });
        world.bank(Why::Asked, EventKind::ParcelCollected { parcel, compartment: DOOR, grant });
        world.bank(Why::Chain, EventKind::BoardSilent { board: 2 });
        world.signed_head();
        world.wait(30);
        world
    }

    /// Records the export and makes the bundle; `change` may spoil the draft or the entries before they are written.
    pub fn export(self, subject: &Subject, change: impl FnOnce(&mut Draft<'_>, &mut Vec<Entry>)) -> Vec<u8> {
        self.try_export(subject, change).unwrap()
    }

    pub fn try_export(
        mut self,
        subject: &Subject,
        change: impl FnOnce(&mut Draft<'_>, &mut Vec<Entry>),
    ) -> Result<Vec<u8>, WriteError> {
        let request = Request::commitment(subject, (None, None), REASON, &SALT);
        let exported = self.leaves.len() as u64;
        self.platform(Why::Export, Actor::Person(ADMIN), PlatformEventKind::EvidenceExported { request });
        let (head, mut entries) = self.entries();
        let note = Checkpoint::new(ORIGIN, head).sign(&[&self.signer]).unwrap().to_string();
        let log =
            bailee_evidence::Log { origin: ORIGIN.into(), size: head.size, root: head.root.to_string() };
        let exported = Exported { at: time_text(self.at()), by: ADMIN.to_string(), entry: exported };
        let request = Request::new(subject, (None, None), REASON, &SALT);
        let mut draft = Draft {
            statement: Statement::new(log, request, exported, Vec::new()),
            checkpoint: note,
            key: self.key(),
            openings: vec![Opening::of_person(2, ANN, &details(), &SALT)],
            places: vec![Place::new(BANK, "Lobby", "Oak Court", Some(&layout()))],
            files: Vec::new(),
        };
        change(&mut draft, &mut entries);
        let lines: String = entries.iter().map(Entry::to_line).collect();
        let mut out = Cursor::new(Vec::new());
        write(&mut out, draft, &mut BufReader::new(Cursor::new(lines)))?;
        Ok(out.into_inner())
    }

    fn entries(&self) -> (TreeHead, Vec<Entry>) {
        let hashes = self.leaves.iter().map(|(_, leaf)| leaf_hash(leaf));
        let (edge, growth): (Edge, Growth) = Edge::empty().append(hashes);
        let head = edge.head();
        let tiles: std::collections::BTreeMap<TileId, Vec<u8>> = growth.tiles.into_iter().collect();
        let mut reader = |id: TileId| Ok::<_, Infallible>(tiles.get(&id).cloned().unwrap_or_default());
        let mut known = Known::new(&head);
        let mut entries = Vec::new();
        // The very first entry says nothing of the parcel: it is left out, as an export does.
        for ((why, leaf), index) in self.leaves.iter().zip(0..).skip(1) {
            let mut path = prove_inclusion(index, head.size, &mut reader).unwrap();
            path.truncate(known.path_len(index).unwrap());
            known.take(index, leaf_hash(leaf), &path).unwrap();
            entries.push(Entry { index, why: *why, leaf: leaf.clone(), path });
        }
        (head, entries)
    }
}

pub fn layout() -> Layout {
    let door = |number: u16| Compartment {
        number: CompartmentNo(number),
        size: Size::Medium,
        reach: Reach::Standard,
        wiring: Wiring { board: 1, channel: u8::try_from(number).unwrap() },
        column: (number - 1) / 6,
        row: (number - 1) % 6 * 2,
        height: 2,
    };
    Layout::new((1..=24).map(door).collect()).unwrap()
}

/// A bundle of the parcel's way.
pub fn bundle() -> Vec<u8> {
    static ONCE: LazyLock<Vec<u8>> = LazyLock::new(made);
    ONCE.clone()
}

/// The same, made anew.
pub fn made() -> Vec<u8> {
    World::parcel().export(&Subject::Parcel(PARCEL), |_, _| ())
}

pub fn options() -> Options {
    let now = WallTime::from_unix_ms(BEGIN + 40 * 86_400_000);
    Options { key: Some(World::new().key()), now: Some(now) }
}

/// What is in a bundle, by path below the bag, and the bag's name.
pub fn unpack(bundle: &[u8]) -> (String, Vec<(String, Vec<u8>)>) {
    let mut archive = bailee_evidence::archive::Archive::open(Cursor::new(bundle)).unwrap();
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    let bag = names[0].split('/').next().unwrap().to_owned();
    let files = names.iter().map(|name| {
        let bytes = archive.bytes(name, 1 << 24).unwrap();
        (name[bag.len() + 1..].to_owned(), bytes)
    });
    (bag.clone(), files.collect())
}
