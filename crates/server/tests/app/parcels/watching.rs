//! Time, alarms, silence, enrolment, and the log as it is read.

use super::*;

on_every_engine![
    a_parcel_is_overdue_once_after_seven_days,
    an_alarm_is_told_once_however_often_it_comes,
    a_silent_bank_is_noted_once_and_so_is_its_return,
    an_enrolment_token_works_once_and_for_its_keys_only,
    the_log_is_proven_filtered_and_exported,
];

async fn a_parcel_is_overdue_once_after_seven_days(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (_, parcel, code) = world.delivered().await;
    let listed = async |state| {
        let filter = ParcelFilter { state, ..ParcelFilter::default() };
        let input = ListParcels { filter, before: None, limit: 10 };
        parcels::list(&world.app, &world.admin, input).await.unwrap().parcels.len()
    };
    assert_eq!((listed(ParcelState::Ready).await, listed(ParcelState::Overdue).await), (1, 0));
    world.later(7 * DAY_MS);
    world.bank.upload().await;
    world.settle().await;
    world.later(DAY_MS);
    world.settle().await;
    assert_eq!((listed(ParcelState::Ready).await, listed(ParcelState::Overdue).await), (0, 1));
    let overdue = world.kinds().await.into_iter().filter(|kind| kind == "ParcelOverdue").count();
    assert_eq!(overdue, 1);
    assert_eq!(world.bank.tries(&code), None, "its code has ended at the bank");
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert!(view.overdue);
}

async fn an_alarm_is_told_once_however_often_it_comes(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (compartment, parcel, _) = world.delivered().await;
    world.email.taken.lock().unwrap().clear();
    world.bank.force(compartment);
    let seq = world.bank.last_of(|kind| matches!(kind, EventKind::CompartmentForced { .. }));
    let leaf = world.bank.leaf(seq);
    for _ in 0..2 {
        ingest::alarm_preview(&world.app, world.bank.id, seq, &leaf).await.unwrap();
    }
    assert_eq!(world.open_alerts().await, ["CompartmentForced"], "before its turn has come");
    world.settle().await;
    world.bank.upload().await;
    world.settle().await;
    let open = world.open_alerts().await;
    assert_eq!(open, ["LockdownBegan", "CompartmentForced"], "once, and what the policy did about it");
    let told = world.email.texts();
    let alarms: Vec<_> = told.iter().filter(|text| text.contains("without an authorised opening")).collect();
    assert!(alarms.len() == 1 && alarms[0].contains("Lobby"), "{told:?}");
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert!(
        view.chain.iter().any(|row| row.line.kind == "CompartmentForced"),
        "it belongs to the parcel's chain"
    );

    let mut forged = leaf.clone();
    let middle = forged.len() / 2;
    forged[middle] ^= 1;
    ingest::alarm_preview(&world.app, world.bank.id, seq + 1, &forged).await.unwrap();
    assert_eq!(world.open_alerts().await.len(), 2, "nothing new");
}

async fn a_silent_bank_is_noted_once_and_so_is_its_return(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.later(120_000);
    world.bank.disconnect();
    for _ in 0..3 {
        world.settle().await;
    }
    assert_eq!(world.open_alerts().await, ["BankOffline"]);
    world.bank.connect();
    world.settle().await;
    world.settle().await;
    let kinds = world.kinds().await;
    let count = |wanted: &str| kinds.iter().filter(|kind| *kind == wanted).count();
    assert_eq!((count("BankOffline"), count("BankOnline")), (1, 2), "the first is its very first connection");
}

async fn an_enrolment_token_works_once_and_for_its_keys_only(fresh: Fresh) {
    use bailee_server::app::enrolment::{self, OfferEnrolment, Redeem};
    use bailee_wire::{enrol::Enrolment, event::chain_hash};
    let (rig, admin) = Rig::with_admin(fresh).await;
    let (app, site) = (&rig.app, rig.site().await);
    let offer =
        |name: &str, address: &str| OfferEnrolment { site, name: name.into(), address: address.into() };
    for (name, address) in [("", "a:1"), ("Lobby", "nowhere"), ("a\nb", "a:1"), (&"x".repeat(61), "a:1")] {
        let wrong = enrolment::offer(app, &admin, offer(name, address)).await;
        assert!(matches!(refused(wrong), Err(Refused::Invalid(_))), "{name:?} {address:?}");
    }
    let offered = enrolment::offer(app, &admin, offer("Lobby", "platform.example:8443")).await.unwrap();
    let taken = enrolment::offer(app, &admin, offer("Lobby", "a:1")).await;
    assert_eq!(refused(taken).err(), Some(Refused::AlreadyInUse { field: "name" }));
    let token = Enrolment::parse(offered.token.expose()).unwrap();
    let redeem = |secret: &[u8; 32], key: u8| Redeem {
        bank: token.bank,
        secret_hash: chain_hash(secret),
        pin: [key; 32],
        device_key: [key; 32],
        layout: crate::app_bank::layout(),
    };
    let gone = Some(Refused::NoLongerValid);
    assert_eq!(refused(enrolment::redeem(app, redeem(&[0; 32], 1)).await).err(), gone);
    let again = enrolment::offer_again(app, &admin, token.bank, "b:2".into()).await.unwrap();
    assert_eq!(refused(enrolment::redeem(app, redeem(&token.secret, 1)).await).err(), gone, "replaced");
    let token = Enrolment::parse(again.token.expose()).unwrap();
    let first = enrolment::redeem(app, redeem(&token.secret, 1)).await.unwrap();
    let lost = enrolment::redeem(app, redeem(&token.secret, 1)).await.unwrap();
    assert_eq!(first.code_key.expose(), lost.code_key.expose(), "the answer got lost");
    assert_eq!(refused(enrolment::redeem(app, redeem(&token.secret, 2)).await).err(), gone);
    let late = enrolment::offer(app, &admin, offer("Yard", "a:1")).await.unwrap();
    rig.later(enrolment::TOKEN_MS);
    let late = Enrolment::parse(late.token.expose()).unwrap();
    let request = Redeem { bank: late.bank, ..redeem(&late.secret, 3) };
    assert_eq!(refused(enrolment::redeem(app, request).await).err(), gone, "expired");
    let enrolled =
        rig.events().await.into_iter().filter(|(_, kind)| {
            matches!(kind, bailee_domain::platform::PlatformEventKind::BankEnrolled { .. })
        });
    assert_eq!(enrolled.count(), 1);
}

async fn the_log_is_proven_filtered_and_exported(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (compartment, parcel, _) = world.delivered().await;
    let all = world.lines(LogFilter::default()).await;
    let ids: BTreeSet<i64> = all.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), all.len(), "pages neither repeat nor skip");
    let at_door = LogFilter { compartment: Some(compartment), ..LogFilter::default() };
    assert!(world.lines(at_door).await.iter().all(|row| row.line.compartment == Some(compartment)));
    let of_parcel = LogFilter { parcel: Some(parcel), ..LogFilter::default() };
    assert_eq!(world.lines(of_parcel.clone()).await.len(), 8);
    let never = LogFilter { until: Some(WallTime::from_unix_ms(0)), ..LogFilter::default() };
    assert!(world.lines(never).await.is_empty());

    for row in &all {
        let entry = log::entry(&world.app, &world.admin, row.id).await.unwrap();
        let proven = entry.proven.expect("the sequencer has run");
        assert!(entry.view.iter().any(|shown| shown.value == row.line.kind));
        let key = install::log_key(&world.app).unwrap();
        let head =
            bailee_audit::checkpoint::Checkpoint::open(proven.checkpoint.as_bytes(), &key.verifying).unwrap();
        let head = head.checkpoint.head();
        let sound = bailee_audit::proof::verify_inclusion(entry.leaf_hash, proven.index, &head, &proven.path);
        assert!(sound.is_ok(), "entry {}", row.id);
    }
    let reader = world.app.ledger().reader();
    let verify = |key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        PublicKey(*key).verify(message, signature).is_ok()
    };
    let mut checker = Checker::new(verify);
    for (_, leaf) in reader.range(0, 1_000).await.unwrap() {
        checker.feed(&leaf).unwrap();
    }
    let summary = checker.summary();
    assert!(summary.bank_events > 5 && summary.uncovered == 0, "{summary:?}");

    assert_eq!(refused(log::entry(&world.app, &world.admin, 1 << 40).await).err(), Some(Refused::NotFound));

    let rows: Vec<LogRow> = log::export(&world.app, &world.admin, LogFilter::default())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<BTreeSet<_>>(), ids, "what was there when it began");
    assert_eq!(world.kinds().await.last().unwrap(), "LogExported");
    let line = csv::line(rows.iter().find(|row| row.line.parcel == Some(parcel)).unwrap());
    assert_eq!(line.matches(',').count(), csv::header().matches(',').count());
    assert!(line.contains(&parcel.to_string()) && line.ends_with("\r\n"));

    let courier = crate::platform::holding(
        9,
        &[(bailee_domain::access::Role::Courier, bailee_domain::access::Scope::Organisation)],
    );
    let input = ListLog { filter: LogFilter::default(), before: None, limit: 1 };
    assert!(matches!(refused(log::list(&world.app, &courier, input).await), Err(Refused::NotAllowed(_))));
    assert_eq!(world.kinds().await.last().unwrap(), "PermissionDenied");
}

/// The loops themselves: signals, not only timers, and an end when told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loops_wake_by_themselves_and_stop_when_told() {
    let fresh = crate::support::fresh(crate::support::On::SqliteFile).await.unwrap();
    let world = World::new(fresh).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(world.jobs.clone().run(stopped));
    let mut changes = world.app.live().watch();
    let (_, parcel, _) = world.drop_off();
    world.bank.upload().await;
    loop {
        let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
        let sent = view.messages.iter().filter(|it| it.state == MessageState::Sent).count();
        if sent == 2 && view.chain.iter().all(|row| row.leaf_index.is_some()) {
            break;
        }
        changes.recv().await.unwrap();
    }
    stop.send(true).unwrap();
    running.await.unwrap();
}
