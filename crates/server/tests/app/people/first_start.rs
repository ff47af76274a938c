//! The first start, and the link that makes the first administrator.

use super::*;

on_every_engine![
    the_set_up_link_works_once,
    an_expired_or_replaced_set_up_link_does_nothing,
    a_bad_name_or_password_leaves_the_link_usable,
    a_second_start_opens_the_same_platform,
    a_wrong_key_file_does_not_open_the_platform,
    two_first_starts_at_once_make_one_platform,
];

// Set-up and first start

async fn the_set_up_link_works_once(fresh: Fresh) {
    let rig = Rig::new(fresh).await;
    let link = set_up::offer(&rig.app).await.unwrap();
    assert!(set_up::is_valid(&rig.app, link.expose()).await.unwrap());
    let person = set_up::redeem(&rig.app, link.expose(), ada()).await.unwrap();
    let (by, event) = rig.last_event().await;
    assert_eq!(by, Actor::Anonymous);
    assert!(matches!(event, PlatformEventKind::AdministratorCreated { person: made, .. } if made == person));

    let eve = Administrator { name: "Eve", email: "eve@canary.example", password: PASSWORD };
    let again = set_up::redeem(&rig.app, link.expose(), eve).await;
    assert_eq!(refused(again), Err(Refused::NoLongerValid));
    let another = refused(set_up::offer(&rig.app).await).unwrap_err();
    assert_eq!(another, Refused::NotPossibleNow { why: "administrator_exists" });
    assert!(rig.signs_in(ADMIN_EMAIL, PASSWORD).await.is_ok());
}

async fn an_expired_or_replaced_set_up_link_does_nothing(fresh: Fresh) {
    let rig = Rig::new(fresh).await;
    let replaced = set_up::offer(&rig.app).await.unwrap();
    let expired = set_up::offer(&rig.app).await.unwrap();
    let tried = set_up::redeem(&rig.app, replaced.expose(), ada()).await;
    assert_eq!(refused(tried), Err(Refused::NoLongerValid));
    rig.later(set_up::VALID_MS);
    let tried = set_up::redeem(&rig.app, expired.expose(), ada()).await;
    assert_eq!(refused(tried), Err(Refused::NoLongerValid));
    let tried = set_up::redeem(&rig.app, "blu_nonsense", ada()).await;
    assert_eq!(refused(tried), Err(Refused::NoLongerValid));

    let link = set_up::offer(&rig.app).await.unwrap();
    rig.later(set_up::VALID_MS - 1);
    assert!(set_up::redeem(&rig.app, link.expose(), ada()).await.is_ok());
}

async fn a_bad_name_or_password_leaves_the_link_usable(fresh: Fresh) {
    let rig = Rig::new(fresh).await;
    let link = set_up::offer(&rig.app).await.unwrap();
    let bad = Administrator { name: " ", email: "ada", password: "short" };
    let tried = refused(set_up::redeem(&rig.app, link.expose(), bad).await).unwrap_err();
    let wrong = |field, code| FieldError { field, code };
    let expected =
        vec![wrong("name", "required"), wrong("email", "not_an_email"), wrong("password", "too_short")];
    assert_eq!(tried, Refused::Invalid(expected));
    assert!(set_up::redeem(&rig.app, link.expose(), ada()).await.is_ok());
}

async fn a_second_start_opens_the_same_platform(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let id = people::add_resident(&rig.app, &admin, resident("Bo", "1A", "bo@canary.example")).await.unwrap();
    let again = crate::platform::open(rig.fresh.db.clone(), &rig.kek, rig.clock.clone(), 2).await;
    assert_eq!((again.org(), again.log_id()), (rig.app.org(), rig.app.log_id()));
    assert_eq!(people::find(&again, &admin, id).await.unwrap().details.name, "Bo");
    let started = rig.events().await.into_iter().filter(|(_, kind)| *kind == PlatformEventKind::LogStarted);
    assert_eq!(started.count(), 1);
    let (_, verifying) = (install::sequencer(&again), install::log_key(&again).unwrap().verifying);
    assert_eq!(verifying, install::log_key(&rig.app).unwrap().verifying);
}

async fn a_wrong_key_file_does_not_open_the_platform(fresh: Fresh) {
    let rig = Rig::new(fresh).await;
    let other = MemoryKek::from_key(&Secret::new([8; 32]));
    let outside = install::Outside {
        clock: Box::new(rig.clock.clone()),
        rng: Box::new(<rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(3)),
        cost: Cost::SIMULATION,
        ledger: install::LedgerDisk::Own(Box::new(MemoryDisk::default())),
    };
    let names = install::Names { org: "Oak Court".into(), site: "Oak Court".into() };
    let opened = install::open_or_create(rig.fresh.db.clone(), &other, outside, &names).await;
    assert!(matches!(opened, Err(install::InstallError::Keys(_))));
}

async fn two_first_starts_at_once_make_one_platform(fresh: Fresh) {
    let kek = MemoryKek::from_key(&Secret::new([7; 32]));
    let clock = std::sync::Arc::new(bailee_server::app::TestClock::at(START));
    let start = |seed| crate::platform::open(fresh.db.clone(), &kek, clock.clone(), seed);
    let (one, other) = tokio::join!(start(1), start(2));
    assert_eq!(one.org(), other.org());
    assert_eq!(one.keys().log.public().0, other.keys().log.public().0);
}
