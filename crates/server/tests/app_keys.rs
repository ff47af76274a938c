//! People's keys and openings from afar as staff notice them, on every engine: the real bank decides.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
#[path = "support/platform.rs"]
mod platform;
mod support;

use app_bank::{Banks, FakeBank};
use bailee_domain::access::{Role, Scope};
use bailee_domain::bank::screen::Screen;
use bailee_domain::compartment::{CompartmentNo, Reach};
use bailee_domain::event::EventKind;
use bailee_domain::id::{KeyId, PersonId};
use bailee_domain::platform::Actor;
use bailee_domain::signer::{KeyForm, KeyUse, Proof, PublicKey, Signature};
use bailee_server::app::link::Ask;
use bailee_server::app::openings::{self, Wish};
use bailee_server::app::people::{self, ResidentInput, erase};
use bailee_server::app::person_keys::{self, KeyState, NewKey};
use bailee_server::app::{App, FieldError, Principal, Refused, banks};
use bailee_vault::Secret;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::hex;
use bailee_wire::{signed, statement};
use platform::{Rig, contains, refused};
use support::Fresh;

on_every_engine![
    a_key_counts_at_once_at_a_bank_enrolled_after_it_and_waits_at_one_before,
    an_administrator_opens_a_door_with_a_reason_and_somebody_there,
    two_administrators_admit_a_third_ones_key,
    keys_are_checked_and_bounded,
    nothing_of_a_key_is_left_when_its_owner_is_erased,
];

const DOOR: CompartmentNo = CompartmentNo(3);

/// A person with a key the platform never sees.
struct Holder {
    id: PersonId,
    key: SigningKey,
}

impl Holder {
    fn new(id: PersonId, seed: u8) -> Self {
        Self { id, key: SigningKey::from_seed(&Secret::new([seed; 32])) }
    }

    async fn registers(&self, app: &App, by: &Principal, used_for: KeyUse) -> KeyId {
        let public = hex(&self.key.public().0);
        let new = NewKey { used_for, form: KeyForm::Plain, public: &public };
        person_keys::add(app, by, self.id, new).await.unwrap()
    }

    /// What `bailee person sign` does.
    fn signs(&self, text: &str) -> String {
        let (bank, mut all) = signed::parse(text).unwrap();
        let proof = Proof::Plain(self.key.sign(&statement::bytes(bank, &all.statement)));
        let public = PublicKey::Ed25519(self.key.public().0);
        all.signatures.push(Signature { person: self.id, public, proof });
        signed::text(bank, &all)
    }
}

fn me(principal: &Principal) -> PersonId {
    let Actor::Person(person) = principal.actor else { panic!() };
    person
}

async fn somebody(rig: &Rig, admin: &Principal, name: &str) -> PersonId {
    let email = format!("{name}@canary.example");
    let input = ResidentInput { name, unit: "4B", email: &email, phone: "", reach: Reach::Standard };
    people::add_resident(&rig.app, admin, input).await.unwrap()
}

async fn told(rig: &Rig, all: &Banks, bank: &FakeBank) {
    let roster = banks::roster(&rig.app, bank.id).await.unwrap();
    let request = bailee_domain::bank::io::Request::TakeRoster(roster);
    all.ask(bank.id, request, rig.app.now().plus_ms(15_000)).await.unwrap();
    bank.upload().await;
}

async fn state_at(rig: &Rig, admin: &Principal, person: PersonId, bank: &FakeBank) -> Vec<Option<KeyState>> {
    let keys = person_keys::of_person(&rig.app, admin, person).await.unwrap();
    let at = |key: &person_keys::KeyView| key.at.iter().find(|at| at.bank == bank.id).map(|at| at.state);
    keys.iter().map(at).collect()
}

async fn a_key_counts_at_once_at_a_bank_enrolled_after_it_and_waits_at_one_before(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let old = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Old", 1).await;
    let ann = Holder::new(me(&admin), 0xa1);
    let key = ann.registers(&rig.app, &admin, KeyUse::Administrator).await;
    let sam = Holder::new(somebody(&rig, &admin, "sam").await, 0x5a);
    sam.registers(&rig.app, &admin, KeyUse::Resident).await;
    let new = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "New", 2).await;
    let all = Banks(vec![old.clone(), new.clone()]);
    assert_eq!(state_at(&rig, &admin, ann.id, &old).await, [Some(KeyState::OnItsWay)]);
    told(&rig, &all, &old).await;
    assert!(matches!(state_at(&rig, &admin, ann.id, &old).await[..], [Some(KeyState::WaitsUntil(_))]));
    assert_eq!(old.remote().waiting_keys, 1, "the kiosk says that a key waits");
    assert_eq!(state_at(&rig, &admin, ann.id, &new).await, [Some(KeyState::Counts)]);
    assert!(matches!(state_at(&rig, &admin, sam.id, &old).await[..], [Some(KeyState::WaitsUntil(_))]));
    assert_eq!(state_at(&rig, &admin, sam.id, &new).await, [Some(KeyState::Counts)]);

    person_keys::remove(&rig.app, &admin, ann.id, key).await.unwrap();
    assert_eq!(state_at(&rig, &admin, ann.id, &new).await, [Some(KeyState::BeingRemoved)]);
    told(&rig, &all, &new).await;
    assert_eq!(state_at(&rig, &admin, ann.id, &new).await, [Some(KeyState::Removed)]);
    assert!(new.roster().signers.keys.iter().all(|held| held.person != ann.id));
    rig.later(1_000);
    // Brought back, it is a new key, and the bank has held one of staff before.
    ann.registers(&rig.app, &admin, KeyUse::Administrator).await;
    told(&rig, &all, &new).await;
    let states = state_at(&rig, &admin, ann.id, &new).await;
    assert_eq!(states, [Some(KeyState::Removed), Some(KeyState::NeedsSignatures)]);
}

async fn an_administrator_opens_a_door_with_a_reason_and_somebody_there(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let ann = Holder::new(me(&admin), 0xa1);
    ann.registers(&rig.app, &admin, KeyUse::Administrator).await;
    let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
    let all = Banks(vec![bank.clone()]);
    bank.tick();
    let presence = bank.remote().presence;
    assert!(presence.is_some(), "a bank that holds keys shows a code");
    let wish = Wish::Inspect { compartment: DOOR, reason: "a leaking canary" };
    let text = openings::prepare(&rig.app, &admin, bank.id, wish, presence).await.unwrap();
    let why = |outcome| refused(outcome).unwrap_err();
    let not_signed = why(openings::relay_text(&rig.app, &all, &admin, bank.id, &text).await);
    let wrong = |code| Refused::Invalid(vec![FieldError { field: "statement", code }]);
    assert_eq!(not_signed, wrong("not_signed"));
    let eve = Holder::new(me(&admin), 0xee);
    let forged = why(openings::relay_text(&rig.app, &all, &admin, bank.id, &eve.signs(&text)).await);
    assert_eq!(forged, Refused::NotPossibleNow { why: "not_authorised" });
    let elsewhere =
        Some(bailee_domain::code::Code::parse("00000000").unwrap()).filter(|code| Some(*code) != presence);
    let far = openings::prepare(&rig.app, &admin, bank.id, wish, elsewhere).await.unwrap();
    let nobody = why(openings::relay_text(&rig.app, &all, &admin, bank.id, &ann.signs(&far)).await);
    assert_eq!(nobody, Refused::NotPossibleNow { why: "not_present" });
    let good = ann.signs(&text);
    openings::relay_text(&rig.app, &all, &admin, bank.id, &good).await.unwrap();
    assert!(matches!(bank.screen(), Screen::Inspecting { compartment: DOOR }), "{:?}", bank.screen());
    bank.close(DOOR);
    bank.upload().await;
    let past = openings::inspections(&rig.app, &admin, bank.id).await.unwrap();
    let opened: Vec<_> = past.iter().map(|it| (it.reason.as_str(), it.opened_at.is_some())).collect();
    assert_eq!(opened.iter().filter(|it| **it == ("a leaking canary", true)).count(), 1, "{opened:?}");
    let again = why(openings::relay_text(&rig.app, &all, &admin, bank.id, &good).await);
    assert!(matches!(again, Refused::NotPossibleNow { .. }), "a statement is good once");
    assert!(!contains(&rig.everything_stored().await, "leaking"), "the words are sealed");
}

async fn two_administrators_admit_a_third_ones_key(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let people = ["ben", "cat"];
    let mut holders = vec![Holder::new(me(&admin), 0xa1)];
    for (name, seed) in people.into_iter().zip([0xb2, 0xc3]) {
        let id = somebody(&rig, &admin, name).await;
        rig.give(id, Role::Admin, Scope::Organisation).await;
        holders.push(Holder::new(id, seed));
    }
    for holder in &holders[..2] {
        holder.registers(&rig.app, &admin, KeyUse::Administrator).await;
    }
    let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
    let all = Banks(vec![bank.clone()]);
    rig.later(1_000);
    holders[2].registers(&rig.app, &admin, KeyUse::Administrator).await;
    told(&rig, &all, &bank).await;
    let cat = holders[2].id;
    assert_eq!(state_at(&rig, &admin, cat, &bank).await, [Some(KeyState::NeedsSignatures)]);
    let key = person_keys::of_person(&rig.app, &admin, cat).await.unwrap()[0].row.key;
    let text = openings::prepare(&rig.app, &admin, bank.id, Wish::Admit(key), None).await.unwrap();
    let own = refused(openings::relay_text(&rig.app, &all, &admin, bank.id, &holders[2].signs(&text)).await);
    assert_eq!(
        own.unwrap_err(),
        Refused::NotPossibleNow { why: "not_authorised" },
        "nobody admits themselves"
    );
    let once = holders[0].signs(&text);
    let one = refused(openings::relay_text(&rig.app, &all, &admin, bank.id, &once).await);
    assert_eq!(
        one.unwrap_err(),
        Refused::NotPossibleNow { why: "not_authorised" },
        "one of two is not enough"
    );
    openings::relay_text(&rig.app, &all, &admin, bank.id, &holders[1].signs(&once)).await.unwrap();
    bank.upload().await;
    assert_eq!(state_at(&rig, &admin, cat, &bank).await, [Some(KeyState::Counts)]);
    assert!(bank.last_of(|kind| matches!(kind, EventKind::KeyAdmitted { .. })) > 0);
}

async fn keys_are_checked_and_bounded(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let sam = somebody(&rig, &admin, "sam").await;
    let add = async |used_for, form, public: &str| {
        refused(person_keys::add(&rig.app, &admin, sam, NewKey { used_for, form, public }).await)
    };
    let wrong = |field, code| Err(Refused::Invalid(vec![FieldError { field, code }]));
    let key = |n: u8| hex(&SigningKey::from_seed(&Secret::new([n; 32])).public().0);
    let plain = KeyForm::Plain;
    assert_eq!(add(KeyUse::Administrator, plain, &key(1)).await, wrong("use", "not_their_role"));
    assert_eq!(add(KeyUse::Officer, plain, &key(1)).await, wrong("use", "not_their_role"));
    for text in ["", "0303", "a key", &"zz".repeat(32)] {
        assert_eq!(add(KeyUse::Resident, plain, text).await, wrong("public_key", "not_a_key"), "{text}");
    }
    let nowhere = format!("04{}", "01".repeat(64));
    assert_eq!(add(KeyUse::Resident, KeyForm::Passkey, &nowhere).await, wrong("public_key", "not_a_key"));
    assert!(add(KeyUse::Resident, plain, &key(1)).await.is_ok());
    let twice = add(KeyUse::Resident, plain, &key(1)).await;
    assert_eq!(twice, Err(Refused::AlreadyInUse { field: "public_key" }));
    for n in 2..=8 {
        assert!(add(KeyUse::Resident, plain, &key(n)).await.is_ok());
    }
    let more = add(KeyUse::Resident, plain, &key(9)).await;
    assert_eq!(more, Err(Refused::NotPossibleNow { why: "too_many_keys" }));
    let operator = platform::holding(7, &[(Role::Operator, Scope::Organisation)]);
    let staff = NewKey { used_for: KeyUse::Administrator, form: plain, public: &key(9) };
    let not = refused(person_keys::add(&rig.app, &operator, me(&admin), staff).await);
    assert!(matches!(not, Err(Refused::NotAllowed(_))), "an operator gives no keys to administrators");
}

async fn nothing_of_a_key_is_left_when_its_owner_is_erased(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let sam = Holder::new(somebody(&rig, &admin, "sam").await, 0x5a);
    sam.registers(&rig.app, &admin, KeyUse::Resident).await;
    let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
    assert_eq!(bank.roster().signers.keys.len(), 1);
    erase::erase(&rig.app, &admin, sam.id, "asked for it").await.unwrap();
    told(&rig, &Banks(vec![bank.clone()]), &bank).await;
    assert!(bank.roster().signers.keys.is_empty());
    let left =
        rig.fresh.db.read(async |tx| tx.query("SELECT id FROM person_key", bailee_server::params![]).await);
    assert!(left.await.unwrap().is_empty());
}
