//! What is left of somebody in any file: nothing.

use super::*;

on_every_engine![nothing_of_an_erased_person_is_left,];

/// Where the store keeps its files: all of them, and those without the server's own write-ahead log.
fn store_files(fresh: &Fresh) -> Option<(PathBuf, PathBuf)> {
    match &fresh.config {
        DbConfig::Sqlite { place: SqlitePlace::File(_), .. } => {
            Some((fresh.dir.path().to_owned(), fresh.dir.path().to_owned()))
        }
        DbConfig::Sqlite { .. } => None,
        DbConfig::Postgres { .. } => {
            let cluster = crate::support::postgres::shared().unwrap();
            cluster.checkpoint();
            Some((cluster.data(), cluster.data().join("base")))
        }
    }
}

pub(super) fn assert_found_nowhere(house: &House, canaries: &[&str], secrets: &[Vec<u8>]) {
    let Some((all, rows)) = store_files(&house.rig.fresh) else { return };
    let needles: Vec<Vec<u8>> = canaries.iter().flat_map(|canary| shapes(canary)).collect();
    assert_eq!(found_in(&all, &needles), None, "a datum of the person");
    assert_eq!(found_in(&rows, secrets), None, "something that opens, finds or proves one");
}

async fn nothing_of_an_erased_person_is_left(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let parcel = house.delivered().await;
    house.collected(parcel).await;
    let told = house.bundle(Subject::Person(house.canary), Telling::everything(), "Claim 4711").await;
    let naming = house.bundle(Subject::Span, Telling::Nobody, "ZYXWINA Canarysdottir's complaint").await;
    let other = house.bundle(Subject::Parcel(parcel), Telling::Nobody, "Claim 4712").await;
    let unsent = couriers::issue_code(app, admin, house.courier).await;
    assert!(unsent.is_ok(), "a letter waits");
    assert!(house.rig.signs_in(EMAIL, "a wrong password, fifteen").await.is_err());

    let mut secrets = house.secrets(house.canary).await;
    secrets.extend(house.secrets(house.courier).await);
    assert!(secrets.len() >= 10, "the test looks for what is there: {}", secrets.len());
    if let Some((_, rows)) = store_files(&house.rig.fresh) {
        assert!(found_in(&rows, &secrets).is_some(), "and can find it");
    }

    for (person, reason) in [(house.canary, "Request of 3 May"), (house.courier, "Left the carrier")] {
        let erased = erase::erase(app, admin, person, reason).await.unwrap();
        assert_eq!((erased.reason.as_deref(), erased.completed_at), (Some(reason), None));
        assert_eq!(erased.banks_waiting.len(), 1, "the bank still knows them");
    }
    let log = house.verified().await;
    for person in [house.canary, house.courier] {
        let status = erase::status(app, admin, person).await.unwrap();
        assert!(status.scrubbed_at.is_some() && status.completed_at.is_some(), "{status:?}");
        assert_eq!(status.banks_waiting, []);
        let kinds = house.kinds_about(person).await;
        assert_eq!(kinds[..2], ["ErasureCompleted", "PersonErased"]);
        assert_eq!(refused(people::find(app, admin, person).await).map(|it| it.id), Err(Refused::NotFound));
    }
    assert_found_nowhere(&house, &CANARIES, &secrets);
    assert_eq!(found_in(log.path(), &CANARIES.iter().flat_map(|it| shapes(it)).collect::<Vec<_>>()), None);
    for canary in CANARIES {
        assert!(!contains(&house.rig.everything_stored().await, canary));
    }

    for (id, state, reason) in
        [(told, State::Gone, ""), (naming, State::Gone, ""), (other, State::Made, "Claim 4712")]
    {
        let export = evidence::find(app, admin, id).await.unwrap();
        assert_eq!((export.row.state, export.asked.reason.as_str()), (state, reason));
    }
    house.bundle(Subject::Person(house.canary), Telling::everything(), "What is left").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_data_made_afterwards_holds_nothing() {
    let fresh = crate::support::fresh(crate::support::On::SqliteFile).await.unwrap();
    let house = House::new(fresh).await;
    let mut secrets = house.secrets(house.canary).await;
    secrets.extend(CANARIES[..4].iter().flat_map(|it| shapes(it)));
    erase::erase(&house.app, &house.admin, house.canary, "Request of 3 May").await.unwrap();
    house.settle().await;
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(house.rig.fresh.dir.path()).unwrap().flatten() {
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    assert_eq!(found_in(copy.path(), &secrets), None);
    let opened = Db::open(&DbConfig::file(copy.path().join("store.db"))).await.unwrap();
    let count = "SELECT COUNT(*) FROM person WHERE person_key IS NULL";
    let row = opened.read(async |tx| tx.query_one(count, params![]).await).await.unwrap();
    assert_eq!(row.get::<i64>(0).unwrap(), 1, "the copy is a whole store");
}
