//! Stops and failures in the middle, and asking twice.

use super::*;

on_every_engine![
    a_failure_at_any_write_leaves_the_person_whole,
    a_stop_between_the_steps_is_made_up_for,
    erasing_again_and_erasing_somebody_removed,
];

async fn a_stop_between_the_steps_is_made_up_for(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let secrets = house.secrets(house.canary).await;
    house.bank.disconnect();
    erase::erase(app, admin, house.canary, "Request of 3 May").await.unwrap();
    // The process may end here: what goes on knows nothing but the store.
    let jobs = Jobs { app: app.clone(), ..house.jobs.clone() };
    assert_eq!(jobs.one(Job::FinishErasures).await.unwrap(), Progress::Worked);
    assert_eq!(jobs.one(Job::FinishErasures).await.unwrap(), Progress::Idle, "a bank is away");
    assert_found_nowhere(&house, &CANARIES[..4], &secrets);
    let status = erase::status(app, admin, house.canary).await.unwrap();
    assert!(status.scrubbed_at.is_some() && status.completed_at.is_none());
    assert_eq!(status.banks_waiting, [(house.bank.id, "Lobby".to_owned())], "and is named");

    house.bank.connect();
    house.settle().await;
    let status = erase::status(app, admin, house.canary).await.unwrap();
    assert!(status.completed_at.is_some() && status.banks_waiting.is_empty());
    house.settle().await;
    let completed = house.kinds_about(house.canary).await;
    assert_eq!(completed.iter().filter(|kind| *kind == "ErasureCompleted").count(), 1);
}

async fn erasing_again_and_erasing_somebody_removed(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let first = erase::erase(app, admin, house.canary, "Request of 3 May").await.unwrap();
    house.settle().await;
    let again = erase::erase(app, admin, house.canary, "Asked twice").await.unwrap();
    assert_eq!((again.reason, again.asked_at), (first.reason, first.asked_at));
    assert!(again.completed_at.is_some());
    let kinds = house.kinds_about(house.canary).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "PersonErased").count(), 1);

    let version = people::find(app, admin, house.courier).await.unwrap().version;
    people::remove(app, admin, house.courier, version).await.unwrap();
    assert_eq!(erase::status(app, admin, house.courier).await.unwrap().reason, None);
    let erased = erase::erase(app, admin, house.courier, "Request of 4 May").await.unwrap();
    assert_eq!(erased.reason.as_deref(), Some("Request of 4 May"));
    house.settle().await;
    let kinds = house.kinds_about(house.courier).await;
    let after: Vec<&str> = kinds.iter().map(String::as_str).filter(|kind| kind.contains("ra")).collect();
    assert_eq!(after[..1], ["ErasureCompleted"]);
    let nobody = erase::erase(app, admin, PersonId::from_bytes([9; 16]), "Nobody").await;
    assert_eq!(refused(nobody).err(), Some(Refused::NotFound));
}

/// Every table an erasure writes to, or reads what it decides by.
const TOUCHED: [&str; 21] = [
    "person",
    "password",
    "session",
    "assignment",
    "courier",
    "courier_verifier",
    "sign_in_failure",
    "idempotency",
    "code_name",
    "code_order",
    "message",
    "receipt",
    "legal_hold",
    "attached_file",
    "evidence_export",
    "evidence_piece",
    "evidence_told",
    "erasure",
    "erasure_bank",
    "event",
    "log_index",
];

/// One of the tables is away, so the first write to it fails: nothing before it may stay done.
async fn a_failure_at_any_write_leaves_the_person_whole(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let parcel = house.delivered().await;
    house.collected(parcel).await;
    house.bundle(Subject::Person(house.canary), Telling::everything(), "Claim 4711").await;
    let before = house.rig.everything_stored().await;
    for table in TOUCHED {
        rename(app, format!("ALTER TABLE {table} RENAME TO {table}_away")).await;
        let failed = erase::erase(app, admin, house.canary, "Request of 3 May").await;
        assert!(matches!(failed, Err(AppError::Store(_))), "{table}: {failed:?}");
        rename(app, format!("ALTER TABLE {table}_away RENAME TO {table}")).await;
        assert!(house.rig.everything_stored().await == before, "{table}: half an erasure");
        assert!(erase::status(app, admin, house.canary).await.is_err(), "{table}: silent");
    }
    assert_eq!(people::find(app, admin, house.canary).await.unwrap().details.name, NAME);
    erase::erase(app, admin, house.canary, "Request of 3 May").await.unwrap();
    house.verified().await;
    assert!(erase::status(app, admin, house.canary).await.unwrap().completed_at.is_some());
}

async fn rename(app: &App, sql: String) {
    let renamed = app.db().tx(async move |tx| Ok::<_, AppError>(tx.exec(&sql, params![]).await?));
    renamed.await.unwrap();
}
