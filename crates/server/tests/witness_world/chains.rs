//! A bank's own chain at both ends: a controller copied with its disk, and a platform that invents or drops an opening.

use bailee_audit::VerifyingKey;
use bailee_audit::verify::{DirSource, verify_log};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::EventKind;
use bailee_domain::platform::PlatformEventKind;
use bailee_server::app::alerts::{self, About, AlertFilter, ListAlerts};
use bailee_server::app::ingest::{self, Breach, Taken};
use bailee_server::params;
use bailee_server::store::tables::log_index::Indexed;
use bailee_server::store::tables::{bank as banks, event};
use bailee_vault::sign::PublicKey;
use bailee_wire::chain::{Checker, Summary};
use bailee_wire::event::{Leaf, chain_hash, decode};

use super::admin;
use crate::app_bank::FakeBank;
use crate::http_support::{self, Platform};
use crate::support::Fresh;

const DOOR: CompartmentNo = CompartmentNo(3);

async fn platform_with_bank(fresh: Fresh) -> (Platform, FakeBank) {
    let platform = http_support::platform_on(fresh.db, http_support::URL).await;
    let bank = FakeBank::enrolled(&platform.app, &platform.clock, &admin(), "Lobby", 1).await;
    bank.forge(&[EventKind::CompartmentFoundOpen { compartment: DOOR }]);
    bank.upload().await;
    (platform, bank)
}

/// What `bailee verify ledger` checks of the whole log: its tree, and every bank's chain under its own signatures.
async fn verified(platform: &Platform) -> Result<Summary, String> {
    platform.sequence().await;
    let dir = tempfile::tempdir().unwrap();
    platform.app.ledger().reader().export(dir.path()).await.unwrap();
    let key: VerifyingKey = platform.log_key.clone();
    let good =
        |key: &[u8; 32], said: &[u8], signature: &[u8; 64]| PublicKey(*key).verify(said, signature).is_ok();
    let mut checker = Checker::new(good);
    let mut visit =
        |_: u64, entry: &[u8]| checker.feed(entry).map(drop).map_err(|error| error.why.to_string());
    let verified = verify_log(&mut DirSource::new(dir.path()), &key, &mut visit);
    verified.map(|_| checker.summary()).map_err(|error| error.to_string())
}

async fn alerts(platform: &Platform) -> Vec<(About, String)> {
    let which = ListAlerts { filter: AlertFilter::Open, before: None, limit: 50 };
    let page = alerts::list(&platform.app, &admin(), which).await.unwrap();
    page.rows.into_iter().filter(|row| row.kind == "ChainBroken").map(|row| (row.about, row.kind)).collect()
}

/// How often the log says that a bank's events do not continue.
async fn said_in_the_log(platform: &Platform) -> usize {
    platform.sequence().await;
    let log = platform.app.ledger().reader();
    let is_said = |bytes: &[u8]| match decode(bytes).unwrap() {
        Leaf::Platform { event, .. } => matches!(event.kind, PlatformEventKind::BankChainBroken { .. }),
        Leaf::Bank { .. } => false,
    };
    log.range(0, u64::MAX).await.unwrap().iter().filter(|(_, bytes)| is_said(bytes)).count()
}

pub async fn a_copy_of_a_controller_is_refused_with_an_alarm_whichever_comes_first(fresh: Fresh) {
    let (platform, bank) = platform_with_bank(fresh).await;
    let next = bank.last_seq() + 1;
    let copy = bank.as_a_copy(next, EventKind::CompartmentForced { compartment: DOOR });
    bank.forge(&[EventKind::CompartmentHeldOpen { compartment: DOOR }]);
    bank.upload().await;
    let fork = Taken::Refused(Breach::Fork { seq: next });
    assert_eq!(ingest::store(&platform.app, copy).await.unwrap(), fork);
    assert_eq!(alerts(&platform).await, [(About::Bank(bank.id), "ChainBroken".to_owned())]);

    // Now the copy is faster; the true one has gone on without it.
    let next = bank.last_seq() + 1;
    let copy = bank.as_a_copy(next, EventKind::CompartmentClosed { compartment: DOOR });
    bank.forge(&vec![EventKind::CompartmentForced { compartment: DOOR }; 2]);
    assert_eq!(ingest::store(&platform.app, copy).await.unwrap(), Taken::UpTo(next));
    let late = bank.batch(next);
    assert_eq!(ingest::store(&platform.app, late).await.unwrap(), Taken::Refused(Breach::Fork { seq: next }));
    let gap = bank.part(next + 1, next + 1);
    assert_eq!(
        ingest::store(&platform.app, gap).await.unwrap(),
        Taken::Refused(Breach::Fork { seq: next + 1 })
    );
    let far = bank.as_a_copy(next + 9, EventKind::CompartmentForced { compartment: DOOR });
    let missing = Taken::Refused(Breach::Gap { expected: next + 1, found: next + 9 });
    assert_eq!(ingest::store(&platform.app, far).await.unwrap(), missing);
    assert_eq!(alerts(&platform).await.len(), 1, "it counts on the alert that stands");
    assert_eq!(said_in_the_log(&platform).await, 1);
    let summary = verified(&platform).await.expect("one history, whoever's");
    assert_eq!(summary.uncovered, 0);
}

pub async fn an_opening_the_platform_invents_is_found_unsigned_and_contradicted(fresh: Fresh) {
    let (platform, bank) = platform_with_bank(fresh).await;
    let before = verified(&platform).await.unwrap();
    assert_eq!(before.uncovered, 0);
    // Somebody who may write to the database continues the bank's chain; the bank's key they have not.
    let (next, at) = (bank.last_seq() + 1, platform.app.now());
    let invented =
        bank.as_a_copy(next, EventKind::CompartmentForced { compartment: DOOR }).events.remove(0).1;
    let (org, id, head) = (platform.app.org(), bank.id, chain_hash(&invented));
    let Leaf::Bank { event: told, .. } = decode(&invented).unwrap() else { panic!("a bank's event") };
    let written: Result<(), bailee_server::app::AppError> = platform
        .app
        .db()
        .tx(async move |tx| {
            let line = Indexed::of_bank(id, &told);
            event::append_bank(&tx, org, (id, next), (&invented, line), at).await?;
            assert!(banks::advance(&tx, id, next - 1, (next, head)).await?);
            Ok(())
        })
        .await;
    written.unwrap();
    let found = verified(&platform).await.expect("its tree is sound");
    assert_eq!(
        (found.bank_events, found.uncovered),
        (before.bank_events + 1, 1),
        "nothing of the bank's signs it"
    );

    // The bank comes with what it did: the platform has to say that it holds something else.
    bank.forge(&[EventKind::CompartmentClosed { compartment: DOOR }]);
    let true_one = bank.batch(next);
    let fork = Taken::Refused(Breach::Fork { seq: next });
    assert_eq!(ingest::store(&platform.app, true_one).await.unwrap(), fork);
    assert_eq!(alerts(&platform).await.len(), 1);
    assert_eq!(said_in_the_log(&platform).await, 1);
    assert_eq!(verified(&platform).await.unwrap().uncovered, 1, "and it stays so");
}

pub async fn an_opening_the_platform_drops_is_a_gap_in_the_log(fresh: Fresh) {
    let (platform, bank) = platform_with_bank(fresh).await;
    assert!(verified(&platform).await.is_ok());
    bank.forge(&[
        EventKind::CompartmentForced { compartment: DOOR },
        EventKind::CompartmentClosed { compartment: DOOR },
    ]);
    bank.upload().await;
    let (dropped, id) = (i64::try_from(bank.last_seq() - 1).unwrap(), bank.id.to_string());
    let gone = platform.app.db().tx(async move |tx| {
        let row = tx
            .query_one(
                "SELECT id FROM event
                WHERE source = (SELECT id FROM log_name WHERE name = $1) AND source_seq = $2",
                params![id.as_str(), dropped],
            )
            .await?;
        let event: i64 = row.get("id")?;
        tx.exec("DELETE FROM log_index WHERE event_id = $1", params![event]).await?;
        tx.exec("DELETE FROM event_bytes WHERE event = $1", params![event]).await?;
        tx.exec("DELETE FROM event WHERE id = $1", params![event]).await?;
        Ok::<_, bailee_server::store::StoreError>(())
    });
    gone.await.unwrap();
    let why = verified(&platform).await.unwrap_err();
    assert!(why.contains(&format!("should be at sequence number {dropped}")), "{why}");
}
