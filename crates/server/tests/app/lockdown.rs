//! Lockdown from the portal as staff notice it, on every engine: the real bank decides.

use crate::app_bank::{Banks, FakeBank};
use crate::platform::{Rig, refused};
use crate::support::Fresh;
use bailee_domain::bank::screen::Screen;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::EventKind;
use bailee_domain::lockdown::{Area, Cause, Exercise, Grade, ReleaseFrom, Releasers};
use bailee_domain::truth::Seen;
use bailee_server::app::link::Ask;
use bailee_server::app::lockdown::{self, BeginLockdown, PolicyInput, Released};
use bailee_server::app::{Principal, Refused, banks};

crate::on_every_engine![
    a_lockdown_of_the_site_holds_every_bank_until_it_is_ended,
    two_people_where_the_policy_says,
    a_staff_code_made_in_the_portal_ends_a_lockdown_at_the_kiosk,
    what_was_seen_on_a_round_reaches_the_bank,
];

const ALL: BeginLockdown =
    BeginLockdown { area: Area::Bank, grade: Grade::HoldAll, exercise: Exercise::Real, lasts_s: 3_600 };
const DOOR: CompartmentNo = CompartmentNo(1);

async fn two_banks(fresh: Fresh) -> (Rig, Principal, Banks) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let mut all = Banks::default();
    for (name, seed) in [("Lobby", 1), ("Garage", 2)] {
        all.0.push(FakeBank::enrolled(&rig.app, &rig.clock, &admin, name, seed).await);
    }
    (rig, admin, all)
}

/// The newest roster reaches a bank.
async fn told(rig: &Rig, all: &Banks, bank: &FakeBank) {
    let roster = banks::roster(&rig.app, bank.id).await.unwrap();
    let deadline = rig.app.now().plus_ms(15_000);
    let request = bailee_domain::bank::io::Request::TakeRoster(roster);
    all.ask(bank.id, request, deadline).await.unwrap();
}

async fn a_lockdown_of_the_site_holds_every_bank_until_it_is_ended(fresh: Fresh) {
    let (rig, admin, all) = two_banks(fresh).await;
    all.0[1].disconnect();
    let missed = lockdown::begin_everywhere(&rig.app, &all, &admin, ALL).await.unwrap();
    assert_eq!(missed, 1, "a bank that does not answer is told of");
    assert!(all.0[0].holds(DOOR) && !all.0[1].holds(DOOR));
    let number = all.0[0].lockdowns()[0].lockdown;
    let ended = lockdown::release(&rig.app, &all, &admin, all.0[0].id, number).await.unwrap();
    assert_eq!(ended, Released::Ended);
    assert!(!all.0[0].holds(DOOR));
    let again = refused(lockdown::release(&rig.app, &all, &admin, all.0[0].id, number).await);
    assert!(matches!(again, Err(Refused::NotPossibleNow { why: "no_such_lockdown" })));
    let long = BeginLockdown { exercise: Exercise::Drill, lasts_s: 86_400, ..ALL };
    let long = refused(lockdown::begin(&rig.app, &all, &admin, all.0[0].id, long).await);
    assert!(matches!(long, Err(Refused::Invalid(_))));
}

async fn two_people_where_the_policy_says(fresh: Fresh) {
    let (rig, admin, all) = two_banks(fresh).await;
    let bank = &all.0[0];
    let input = PolicyInput {
        releasers: Releasers::Two,
        release_from: ReleaseFrom::Anywhere,
        siren_s: 0,
        rules: vec![(Cause::Tool, Grade::HoldAll, 30)],
    };
    lockdown::change_policy(&rig.app, &admin, input.clone()).await.unwrap();
    told(&rig, &all, bank).await;
    let known = bank.security();
    assert_eq!((known.releasers, known.siren_s, known.rules.len()), (Releasers::Two, 0, 1));
    assert_eq!(known.keepers.len(), 1, "the administrator");
    lockdown::begin(&rig.app, &all, &admin, bank.id, ALL).await.unwrap();
    let number = bank.lockdowns()[0].lockdown;
    for _ in 0..2 {
        let first = lockdown::release(&rig.app, &all, &admin, bank.id, number).await.unwrap();
        assert_eq!(first, Released::NeedsAnother, "the same person twice is one person");
    }
    assert!(bank.holds(DOOR));
    let absurd = PolicyInput { rules: vec![(Cause::Tool, Grade::HoldAll, u64::MAX)], ..input };
    let absurd = refused(lockdown::change_policy(&rig.app, &admin, absurd).await);
    assert!(matches!(absurd, Err(Refused::Invalid(_))));
}

async fn a_staff_code_made_in_the_portal_ends_a_lockdown_at_the_kiosk(fresh: Fresh) {
    let (rig, admin, all) = two_banks(fresh).await;
    let bank = &all.0[0];
    let old = lockdown::issue_staff_code(&rig.app, &admin).await.unwrap();
    let code = lockdown::issue_staff_code(&rig.app, &admin).await.unwrap();
    told(&rig, &all, bank).await;
    lockdown::begin(&rig.app, &all, &admin, bank.id, ALL).await.unwrap();
    bank.disconnect();
    bank.enter(old.expose());
    assert!(matches!(bank.screen(), Screen::Home { .. }), "the code before is dead");
    bank.enter(code.expose());
    assert!(matches!(bank.screen(), Screen::Keeper { .. }));
    bank.act(bailee_domain::bank::io::Action::Release(bank.lockdowns()[0].lockdown));
    assert!(!bank.holds(DOOR), "with no network");
}

async fn what_was_seen_on_a_round_reaches_the_bank(fresh: Fresh) {
    let (rig, admin, all) = two_banks(fresh).await;
    let bank = &all.0[0];
    let seen = vec![(DOOR, Seen::Full), (CompartmentNo(2), Seen::Empty)];
    lockdown::tell_seen(&rig.app, &all, &admin, bank.id, seen).await.unwrap();
    let told = bank.last_of(|kind| matches!(kind, EventKind::OccupancyTold { .. }));
    assert!(told > 0);
    bank.upload().await;
    let nothing = refused(lockdown::tell_seen(&rig.app, &all, &admin, bank.id, Vec::new()).await);
    assert!(matches!(nothing, Err(Refused::Invalid(_))));
}
