//! Codes: made, armed at the bank, and only then sent.

use super::*;

on_every_engine![
    a_code_is_sent_only_after_the_bank_has_it,
    send_again_ends_the_old_code,
    an_extension_brings_a_new_code_and_time,
    codes_of_one_bank_are_never_alike,
];

async fn a_code_is_sent_only_after_the_bank_has_it(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.bank.disconnect();
    let (compartment, parcel, _) = world.drop_off();
    world.bank.upload().await;
    world.settle().await;
    assert!(world.email.texts().is_empty() && world.sms.texts().is_empty(), "the bank does not have it");
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.code, view.messages.len()), (Some(CodeStatus::WaitingForBank), 0));

    world.bank.connect();
    world.settle().await;
    let (mail, sms) = (world.email.texts(), world.sms.texts());
    assert_eq!((mail.len(), sms.len()), (1, 1));
    let code = code_in(&mail[0]);
    assert_eq!(code, code_in(&sms[0]));
    for text in [&mail[0], &sms[0]] {
        assert!(!text.contains("Mara") && !text.contains("4B"), "{text}");
    }
    assert_eq!(world.bank.tries(&code), Some(compartment));
    world.bank.close(compartment);
    world.bank.upload().await;

    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.parcel.custody, view.code), (Custody::Collected, Some(CodeStatus::Ended)));
    let chain: Vec<&str> = view.chain.iter().map(|row| row.line.kind.as_str()).collect();
    assert_eq!(
        chain,
        [
            "OpeningIntended",
            "CompartmentOpened",
            "CompartmentClosed",
            "ParcelDeposited",
            "CodeIssued",
            "NotificationSent",
            "NotificationSent",
            "GrantArmed",
            "OpeningIntended",
            "CompartmentOpened",
            "CompartmentClosed",
            "ParcelCollected"
        ]
    );
    world.later(60_000);
    assert_eq!(world.bank.tries(&code), None, "a used code opens nothing");
    let stored = world.rig.everything_stored().await;
    assert!(!contains(&stored, &code));
    if let Ok(file) = std::fs::read(world.rig.fresh.dir.path().join("store.db")) {
        let log = std::fs::read(world.rig.fresh.dir.path().join("store.db-wal")).unwrap_or_default();
        assert!(!contains(&file, &code) && !contains(&log, &code), "nor anywhere in the file");
    }
}

async fn send_again_ends_the_old_code(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (compartment, parcel, old) = world.delivered().await;
    parcels::send_again(&world.app, &world.admin, parcel).await.unwrap();
    parcels::send_again(&world.app, &world.admin, parcel).await.unwrap();
    world.settle().await;
    assert_eq!(world.email.texts().len(), 2, "asked for twice in a moment, one new code");
    let new = code_in(world.email.texts().last().unwrap());
    assert_ne!(old, new);
    assert_eq!(world.bank.tries(&old), None);
    world.later(60_000);
    assert_eq!(world.bank.tries(&new), Some(compartment));
    world.bank.close(compartment);
    world.bank.upload().await;
    let again = parcels::send_again(&world.app, &world.admin, parcel).await;
    assert_eq!(refused(again), Err(Refused::NotPossibleNow { why: "collected" }));
    let issued = world.lines(LogFilter { kind: Some("CodeIssued".into()), ..LogFilter::default() }).await;
    let by: Vec<&str> = issued.iter().map(|row| row.line.actor.as_str()).collect();
    let admin = bailee_server::store::tables::log_index::actor_text(&world.admin.actor);
    assert_eq!(by, ["platform", &admin]);
}

async fn an_extension_brings_a_new_code_and_time(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (compartment, parcel, old) = world.delivered().await;
    world.later(8 * DAY_MS);
    world.bank.upload().await;
    world.settle().await;
    let again = parcels::send_again(&world.app, &world.admin, parcel).await;
    assert_eq!(refused(again), Err(Refused::NotPossibleNow { why: "overdue" }));
    for days in [0, 31] {
        let wrong = parcels::extend(&world.app, &world.admin, parcel, days).await;
        assert!(matches!(refused(wrong), Err(Refused::Invalid(_))));
    }
    let until = parcels::extend(&world.app, &world.admin, parcel, 3).await.unwrap();
    assert_eq!(until, world.app.now().plus_ms(3 * DAY_MS));
    world.settle().await;
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.parcel.expires, view.overdue), (until, false));
    let new = code_in(world.email.texts().last().unwrap());
    assert_eq!(world.bank.tries(&old), None);
    world.later(60_000);
    assert_eq!(world.bank.tries(&new), Some(compartment));
}

async fn codes_of_one_bank_are_never_alike(fresh: Fresh) {
    let world = World::new(fresh).await;
    let mut codes = vec![world.courier_code.clone()];
    let (_, parcel, code) = world.delivered().await;
    codes.push(code);
    for _ in 0..40 {
        parcels::send_again(&world.app, &world.admin, parcel).await.unwrap();
        world.settle().await;
        codes.push(code_in(world.email.texts().last().unwrap()));
    }
    let parsed: Vec<Code> = codes.iter().map(|code| Code::parse(code).unwrap()).collect();
    for (i, code) in parsed.iter().enumerate() {
        assert!(parsed[..i].iter().all(|other| !code.too_close(other)));
    }
    assert_eq!(
        world.count("SELECT COUNT(*) FROM code_name WHERE dead_at IS NULL").await,
        2,
        "courier's and parcel's"
    );
}
