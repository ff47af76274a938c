//! What banks upload: once, whole, of their own, or not at all.

use super::*;

on_every_engine![
    duplicate_and_reordered_uploads_are_stored_once,
    forged_events_are_refused_with_an_alert,
    nothing_is_acknowledged_that_is_not_stored,
    a_parcel_for_somebody_forgotten_is_kept,
    a_bank_cannot_touch_the_parcels_of_another,
    the_gateways_ports_carry_a_parcel,
];

const FROM_BANKS: &str =
    "SELECT COUNT(*) FROM event JOIN log_name ON log_name.id = event.source WHERE log_name.name LIKE 'bnk%'";

async fn duplicate_and_reordered_uploads_are_stored_once(fresh: Fresh) {
    let world = World::new(fresh).await;
    let first = world.bank.last_seq() + 1;
    world.drop_off();
    let last = world.bank.last_seq();
    let ahead = world.bank.part(first + 2, last);
    let refused = world.bank.try_upload(ahead).await.unwrap();
    assert_eq!(refused, Taken::Refused(Breach::Gap { expected: first, found: first + 2 }));
    assert_eq!(world.count("SELECT COUNT(*) FROM parcel").await, 0);

    let before = world.count("SELECT COUNT(*) FROM event").await;
    for _ in 0..3 {
        assert_eq!(
            world.bank.try_upload(world.bank.part(first, first + 1)).await.unwrap(),
            Taken::UpTo(first + 1)
        );
    }
    assert_eq!(world.bank.try_upload(world.bank.batch(first)).await.unwrap(), Taken::UpTo(last));
    assert_eq!(world.bank.try_upload(world.bank.batch(1)).await.unwrap(), Taken::UpTo(last));
    let events = i64::try_from(last - first + 1).unwrap();
    let stored = world.count("SELECT COUNT(*) FROM event").await - before;
    assert_eq!(stored, events + 2, "each event once, and two signed heads");
    assert_eq!(world.count("SELECT COUNT(*) FROM parcel").await, 1);
    world.settle().await;
    assert_eq!(
        (world.email.texts().len(), world.sms.texts().len()),
        (2, 1),
        "the code, and the alert of the gap"
    );
}

async fn forged_events_are_refused_with_an_alert(fresh: Fresh) {
    let world = World::new(fresh).await;
    let first = world.bank.last_seq() + 1;
    world.drop_off();
    let good = world.bank.batch(first);
    let before = world.count(FROM_BANKS).await;

    let mut unreadable = good.clone();
    unreadable.events[1].1.push(0);
    let mut other = good.clone();
    other.events[0].1 = world.bank.leaf(first + 1);
    let mut unsigned = good.clone();
    unsigned.head_signature = Some([7; 64]);
    let mut history = good.clone();
    history.events[0] = (1, world.bank.leaf(2));
    history.events.truncate(1);
    let mut empty = good.clone();
    empty.events.clear();
    for forged in [unreadable, other, unsigned, history, empty] {
        assert!(matches!(world.bank.try_upload(forged).await.unwrap(), Taken::Refused(_)));
    }
    assert_eq!(world.count(FROM_BANKS).await, before);
    assert!(world.open_alerts().await.iter().all(|kind| kind == "ChainBroken"));
    assert!(!world.open_alerts().await.is_empty());
    let last = world.bank.last_seq();
    assert_eq!(
        world.bank.try_upload(good).await.unwrap(),
        Taken::UpTo(last),
        "the true ones are taken all the same"
    );
}

async fn nothing_is_acknowledged_that_is_not_stored(fresh: Fresh) {
    let world = World::new(fresh).await;
    let first = world.bank.last_seq() + 1;
    world.drop_off();
    let before = world.count("SELECT COUNT(*) FROM event").await;
    // The table the last step of the batch needs is gone: everything before it must be undone.
    rename(&world, "ALTER TABLE code_order RENAME TO code_order_away").await;
    let failed = world.bank.try_upload(world.bank.batch(first)).await;
    assert!(matches!(failed, Err(AppError::Store(_))), "{failed:?}");
    assert_eq!(world.count("SELECT COUNT(*) FROM event").await, before);
    assert_eq!(world.count("SELECT COUNT(*) FROM parcel").await, 0);
    assert_eq!(world.count("SELECT last_seq FROM bank").await, i64::try_from(first - 1).unwrap());
    rename(&world, "ALTER TABLE code_order_away RENAME TO code_order").await;
    world.bank.upload().await;
    world.settle().await;
    assert_eq!(world.email.texts().len(), 1);
}

async fn rename(world: &World, sql: &'static str) {
    let renamed: Result<(), StoreError> = world
        .app
        .db()
        .tx(async move |tx| {
            tx.exec(sql, params![]).await?;
            Ok(())
        })
        .await;
    renamed.unwrap();
}

async fn a_parcel_for_somebody_forgotten_is_kept(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (_, parcel, _) = world.drop_off();
    let mara = people::find(&world.app, &world.admin, world.mara).await.unwrap();
    people::remove(&world.app, &world.admin, world.mara, mara.version).await.unwrap();
    world.bank.upload().await;
    world.settle().await;
    assert_eq!(world.open_alerts().await, ["RecipientUnknown"]);
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.parcel.custody, view.code), (Custody::InBank, None));
    assert!(world.sms.texts().is_empty());
    let again = parcels::send_again(&world.app, &world.admin, parcel).await;
    assert_eq!(refused(again), Err(Refused::NotPossibleNow { why: "recipient_unknown" }));
}

async fn a_bank_cannot_touch_the_parcels_of_another(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (_, parcel, grant) = world.drop_off();
    world.bank.upload().await;
    world.settle().await;
    let yard = FakeBank::enrolled(&world.app, &world.rig.clock, &world.admin, "Yard", 2).await;
    let claims = [
        EventKind::ParcelCollected { parcel, compartment: CompartmentNo(1), grant },
        EventKind::GrantRevoked { grant },
        EventKind::GrantArmed { grant, generation: 9, expires: WallTime::from_unix_ms(i64::MAX) },
    ];
    yard.forge(&claims);
    yard.upload().await;
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.parcel.custody, view.code), (Custody::InBank, Some(CodeStatus::Live)));
    assert!(view.parcel.expires < WallTime::from_unix_ms(i64::MAX));
}

async fn the_gateways_ports_carry_a_parcel(fresh: Fresh) {
    let mut world = World::new(fresh).await;
    let desk = Desk::new(&world.app);
    let moment = Moment { mono: MonoTime::from_ms(0), wall: world.app.now() };
    let ports = link::ports(&world.app, &desk, Arc::new(move || moment));
    let bank = world.bank.clone();
    let known = ports.registry.by_pin(Pin([1; 32])).await.unwrap().unwrap();
    assert_eq!((known.bank, known.org), (bank.id, world.app.org()));
    assert_eq!(ports.registry.by_pin(Pin([9; 32])).await, Ok(None));
    assert_eq!(link::known_banks(&world.app).await.unwrap(), [known]);

    world.drop_off();
    let batch = bank.checked_batch();
    let last = *batch.head.as_ref().unwrap();
    ports.ingest.store(batch).await.unwrap();
    let held = ports.ingest.position(bank.id).await.unwrap();
    assert_eq!((held.seq, held.head), (last.seq, last.head));

    // Its clock runs an hour ahead and never goes back, so deadlines must mean the same moment to it.
    let hello = Hello {
        bank: bank.id,
        software: "test".into(),
        boot: 1,
        last_seq: last.seq,
        acked_seq: 0,
        roster_revision: 1,
        layout: crate::app_bank::layout(),
        clock: world.app.now().plus_ms(3_600_000),
        clock_quality: TimeQuality::Holdover,
        screens: 1,
        witness: None,
    };
    ports.ingest.news(bank.id, News::Greeted(Box::new(hello))).await;
    let (commands, gateway) = (ports.commands.clone(), bank.clone());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    desk.on_command(move |id| {
        let (commands, gateway, log) = (commands.clone(), gateway.clone(), log.clone());
        tokio::spawn(async move {
            for command in commands.pending(id, 64).await.unwrap() {
                log.lock().unwrap().push(command.deadline);
                let answer = gateway.answers(command.request, command.deadline);
                commands.answered(id, command.id, answer).await;
            }
        });
    });
    world.jobs.ask = desk.clone();
    for _ in 0..5 {
        world.jobs.once().await.unwrap();
    }
    assert_eq!(world.email.texts().len(), 1);
    let deadlines = seen.lock().unwrap().clone();
    assert!(deadlines.iter().all(|at| *at > world.app.now().plus_ms(3_600_000)), "{deadlines:?}");
    assert!(desk.pending(bank.id, 64).await.unwrap().is_empty());

    ports.ingest.news(bank.id, News::Offline).await;
    assert_eq!(world.open_alerts().await, ["BankOffline"]);
    let request = bailee_domain::bank::io::Request::Revoke { grant: GrantId::from_bytes([0; 16]) };
    assert_eq!(desk.ask(bank.id, request, world.app.now()).await, Err(NotAnswered), "it is not connected");
    ports.ingest.news(bank.id, News::Online).await;
    ports
        .ingest
        .news(bank.id, News::ChainBroken(gateway::Breach::RolledBack { stored: 9, claimed: 3 }))
        .await;
    assert!(world.open_alerts().await.contains(&"ChainBroken".to_owned()));
}
