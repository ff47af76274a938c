//! Messages to recipients through gateways that fail.

use super::*;

on_every_engine![
    gateways_that_refuse_or_hang_lose_nothing,
    a_message_is_given_up_after_three_days_and_staff_are_told,
    a_collected_parcels_waiting_messages_are_not_sent,
    one_damaged_order_or_message_stops_no_other,
];

async fn gateways_that_refuse_or_hang_lose_nothing(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.email.says(Err(SendFailure::Temporary("451 try later".into())));
    world.sms.says(Err(SendFailure::Unknown("no answer".into())));
    let (_, parcel, _) = world.drop_off();
    world.bank.upload().await;
    let tries = world.email.tries();
    world.settle().await;
    assert_eq!((world.email.tries() - tries, world.email.texts().len()), (1, 0), "once, then it waits");
    world.later(3_600_000);
    world.settle().await;
    assert_eq!(world.email.tries() - tries, 2);
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert!(view.messages.iter().all(|message| message.state == MessageState::Waiting));
    assert!(view.messages.iter().any(|message| message.error.as_deref() == Some("451 try later")));

    world.email.says(Ok(()));
    world.sms.says(Ok(()));
    world.later(3_600_000);
    world.settle().await;
    assert_eq!((world.email.texts().len(), world.sms.texts().len()), (1, 1));
    world.later(3_600_000);
    world.settle().await;
    assert_eq!((world.email.texts().len(), world.sms.texts().len()), (1, 1), "and never again");
}

async fn a_message_is_given_up_after_three_days_and_staff_are_told(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.email.says(Err(SendFailure::Temporary("connection refused".into())));
    world.sms.says(Err(SendFailure::Permanent("unknown number".into())));
    let (_, parcel, _) = world.drop_off();
    world.bank.upload().await;
    world.settle().await;
    assert_eq!(world.open_alerts().await, ["MessageFailed"], "a refusal for good is told at once");
    for _ in 0..100 {
        world.later(3_600_000);
        world.settle().await;
    }
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert!(view.messages.iter().all(|it| it.state == MessageState::Failed && it.variables.is_none()));
    let failed = world.kinds().await.into_iter().filter(|kind| kind == "NotificationFailed").count();
    assert!(failed >= 2, "{failed}");
    assert_eq!(world.open_alerts().await, ["MessageFailed"], "one alert stands until somebody has seen it");
}

async fn a_collected_parcels_waiting_messages_are_not_sent(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.sms.says(Err(SendFailure::Temporary("busy".into())));
    let (compartment, _, code) = world.delivered().await;
    assert_eq!(world.bank.tries(&code), Some(compartment));
    world.bank.close(compartment);
    world.bank.upload().await;
    world.sms.says(Ok(()));
    world.later(3_600_000);
    world.settle().await;
    let told = world.sms.texts();
    assert!(
        told.len() == 1 && told[0].starts_with("Your compartment"),
        "nobody is told a code that is used: {told:?}"
    );
}

async fn one_damaged_order_or_message_stops_no_other(fresh: Fresh) {
    let world = World::new(fresh).await;
    let yard = FakeBank::enrolled(&world.app, &world.rig.clock, &world.admin, "Yard", 2).await;
    yard.disconnect();
    let deposit = |n: u8| bailee_domain::event::Deposit {
        parcel: ParcelId::from_bytes([n; 16]),
        grant: GrantId::from_bytes([n; 16]),
        compartment: CompartmentNo(u16::from(n)),
        recipient: world.mara,
        courier: world.mara,
        carrier: bailee_domain::id::CarrierId::from_bytes([1; 16]),
        size: bailee_domain::compartment::Size::Small,
        expires: world.app.now().plus_ms(DAY_MS),
    };
    yard.forge(&[EventKind::ParcelDeposited(deposit(1))]);
    yard.upload().await;
    let damaged = yard.id.to_string();
    let done: Result<u64, StoreError> = world
        .app
        .db()
        .tx(async move |tx| {
            tx.exec("UPDATE bank SET code_key = $2 WHERE id = $1", params![&damaged, vec![0u8; 9]]).await
        })
        .await;
    done.unwrap();
    world.drop_off();
    world.bank.upload().await;
    for _ in 0..5 {
        for job in Job::ALL {
            let _ = world.jobs.one(job).await;
        }
    }
    assert_eq!(world.email.texts().len(), 1, "the other bank's recipient has the code");
    assert!(world.jobs.one(Job::MakeCodes).await.is_err(), "and the failure is not silent");
}
