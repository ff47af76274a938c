//! Witnesses of the platform's log: a bank over its link and another's over HTTP, a platform put back to an older store
//! that signs another history, and witnesses that lie, refuse or fall silent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
mod http_support;
mod support;
mod witness_world;

use std::io::Cursor;

use bailee_audit::{Checkpoint, Note, Policy, TlogProof, leaf_hash};
use bailee_domain::access::{Assignment, Role, Scope};
use bailee_evidence::{Options, Subject, check};
use bailee_server::app::alerts::{self, About, AlertFilter, ListAlerts};
use bailee_server::app::evidence::{self, Asked, Files, Telling};
use bailee_server::app::witnesses::{self, ROUND_MS, SILENT_MS};
use bailee_server::app::{LiveChange, Principal};
use bailee_server::params;
use futures_util::TryStreamExt as _;
use support::Fresh;
use tokio::sync::watch;
use witness_world::chains::{
    a_copy_of_a_controller_is_refused_with_an_alarm_whichever_comes_first,
    an_opening_the_platform_drops_is_a_gap_in_the_log,
    an_opening_the_platform_invents_is_found_unsigned_and_contradicted,
};
use witness_world::naming::a_witness_is_asked_once_the_log_names_it;
use witness_world::outside::{Manner, outside};
use witness_world::{World, admin, another, witness, world};

on_every_engine![
    a_banks_cosignatures_are_published_with_the_log,
    a_platform_put_back_that_signs_another_history_is_refused_with_evidence,
    a_witness_is_asked_once_the_log_names_it,
    a_bank_with_another_key_is_noticed,
    a_witness_over_http_is_believed_as_far_as_its_signature_goes,
    an_idle_log_is_cosigned_again_so_that_its_word_stays_fresh,
    an_outside_witness_that_refuses_is_an_alert_a_letter_and_evidence_to_keep,
    a_witness_that_does_not_answer_is_an_alert_once,
    proofs_of_entries_carry_the_cosignatures_there_are,
    a_bundle_waits_for_the_witnesses_and_carries_their_word,
    a_copy_of_a_controller_is_refused_with_an_alarm_whichever_comes_first,
    an_opening_the_platform_invents_is_found_unsigned_and_contradicted,
    an_opening_the_platform_drops_is_a_gap_in_the_log,
];

async fn a_banks_cosignatures_are_published_with_the_log(fresh: Fresh) {
    let world = world(fresh.db, None, Vec::new()).await;
    world.grow("first", 3).await;
    let (status, note) = world.file("checkpoint").await;
    assert_eq!(status, 200);
    let endorsed = world.policy().check(note.as_bytes(), world.now_s()).unwrap();
    let note = Note::parse(note.as_bytes()).unwrap();
    assert_eq!(note.signatures()[0].name, *world.platform.log_key.name(), "the log's signature comes first");
    assert_eq!(note.signatures().len(), 2);

    // It goes on at once; until the witnesses were asked again the older one is the witnessed one.
    world.event("later").await;
    world.platform.sequence().await;
    let newest = world.file("checkpoint").await.1;
    assert!(world.policy().check(newest.as_bytes(), world.now_s()).is_err());
    let witnessed = world.file("witnessed").await.1;
    let older = world.policy().check(witnessed.as_bytes(), world.now_s()).unwrap();
    assert_eq!(older.checkpoint, endorsed.checkpoint);
    world.platform.clock.advance_ms(ROUND_MS);
    world.witnesses.once().await.unwrap();
    let newest = world.file("checkpoint").await.1;
    let endorsed = world.policy().check(newest.as_bytes(), world.now_s()).unwrap();
    assert!(endorsed.checkpoint.size > older.checkpoint.size);

    let overview = world.overview().await;
    assert_eq!((overview.witnesses.len(), overview.witnessed), (1, Some(endorsed.checkpoint.size)));
    assert!(witnesses::is_current(&overview.witnesses[0], world.platform.app.now()));
    let suggested = Policy::parse(world.file("policy").await.1.as_bytes()).unwrap();
    assert!(suggested.check(newest.as_bytes(), world.now_s()).is_ok());
}

async fn a_platform_put_back_that_signs_another_history_is_refused_with_evidence(fresh: Fresh) {
    let first = world(fresh.db, None, Vec::new()).await;
    first.grow("true", 10).await;
    let kept = first.linked.0.lock().unwrap().1.memory().now().unwrap().seen.clone();
    let true_size = first.overview().await.size;

    // An older copy of the store, the same keys, and other events.
    let second = world(another().await, Some(first.linked.clone()), Vec::new()).await;
    second.grow("invented", 4).await;
    let shrunk = second.overview().await;
    assert_eq!(shrunk.witnesses[0].refusal, "shrink");
    second.grow("more invented", 20).await;
    let rewritten = second.overview().await;
    assert!(rewritten.size > true_size);
    assert_eq!(rewritten.witnesses[0].refusal, "gap");
    assert_eq!(rewritten.witnessed, None, "nothing of it is vouched for");

    assert_eq!(first.linked.0.lock().unwrap().1.memory().now().unwrap().seen, kept, "the bank's word stands");
    assert_eq!(second.file("witnessed").await.0, 404);
    let published = second.file("checkpoint").await.1;
    assert!(second.policy().check(published.as_bytes(), second.now_s()).is_err());
    assert_eq!(second.alerts().await, ["WitnessRefused"], "one alert, however often it refuses");

    // Both notes are signed by the log itself: nobody has to be believed.
    let evidence = rewritten.evidence.last().unwrap();
    assert_eq!(evidence.misconduct, "shrink");
    for note in [&evidence.kept, &evidence.shown] {
        assert!(Checkpoint::open(note.as_bytes(), &second.platform.log_key).is_ok());
    }
}

async fn a_bank_with_another_key_is_noticed(fresh: Fresh) {
    let world = world(fresh.db, None, Vec::new()).await;
    world.grow("first", 2).await;
    let other = witness(&format!("bailee/{}", world.bank), 10, &world.platform.log_key);
    let key = other.cosigner().key().to_string();
    witnesses::announced(&world.platform.app, world.bank, &key).await.unwrap();
    assert_eq!(world.overview().await.witnesses[0].refusal, "key-changed");
    assert_eq!(world.alerts().await, ["WitnessRefused"]);
    // The old machine's lines count no more.
    world.grow("second", 2).await;
    assert_eq!(world.overview().await.witnesses[0].refusal, "wrong-cosignature");
    // A key in somebody else's name is nobody's.
    let strange = witness("somebody.example", 11, &world.platform.log_key).cosigner().key().to_string();
    witnesses::announced(&world.platform.app, world.bank, &strange).await.unwrap();
    assert_eq!(world.overview().await.witnesses.len(), 1);
}

async fn a_witness_over_http_is_believed_as_far_as_its_signature_goes(fresh: Fresh) {
    let log = http_support::platform().await.log_key;
    let (outside, opened) = outside(&log).await;
    let world = world(fresh.db, None, vec![opened]).await;
    let mut step = 0;
    for (manner, refusal) in [
        (Manner::Right, ""),
        (Manner::OtherKey, "wrong-cosignature"),
        (Manner::Early, "clock-ahead"),
        (Manner::Garbage, "wrong-cosignature"),
        (Manner::NotFound, "unknown-log"),
        (Manner::Ahead, "shrink"),
        (Manner::Endless, "shrink"),
        (Manner::Busy, "shrink"),
        (Manner::Never, "shrink"),
        (Manner::Drips, "shrink"),
        (Manner::AsPicture, ""),
        (Manner::Elsewhere, "not-understood"),
        (Manner::Right, ""),
    ] {
        outside.behaves(manner);
        step += 1;
        world.grow(&format!("step {step}"), 2).await;
        let overview = world.overview().await;
        let row = overview.witnesses.iter().find(|row| row.bank.is_none()).unwrap();
        assert_eq!(row.refusal, refusal, "{manner:?}: an answer too long, too late or never whole is none");
        assert_eq!(row.size == overview.size, refusal.is_empty(), "{manner:?}");
        let bank = overview.witnesses.iter().find(|row| row.bank.is_some()).unwrap();
        assert_eq!(
            (bank.size, bank.refusal.as_str()),
            (overview.size, ""),
            "one witness never holds up another"
        );
    }
    let note = world.file("checkpoint").await.1;
    assert_eq!(Note::parse(note.as_bytes()).unwrap().signatures().len(), 3);

    // One that has cosigned more than the platform remembers tells where it stands, and is asked again at once.
    let second = self::world(another().await, Some(world.linked.clone()), Vec::new()).await;
    assert_eq!(second.overview().await.witnesses.len(), 1, "witnesses not configured are forgotten");
}

async fn an_idle_log_is_cosigned_again_so_that_its_word_stays_fresh(fresh: Fresh) {
    let world = world(fresh.db, None, Vec::new()).await;
    world.grow("first", 2).await;
    let before = world.overview().await;
    world.platform.clock.advance_ms(witnesses::REFRESH_MS / 2);
    world.witnesses.once().await.unwrap();
    assert_eq!(world.overview().await.witnesses, before.witnesses, "not too often");
    world.platform.clock.advance_ms(witnesses::REFRESH_MS);
    world.witnesses.once().await.unwrap();
    let after = world.overview().await;
    assert_eq!(after.size, before.size);
    assert!(after.witnesses[0].cosigned_at > before.witnesses[0].cosigned_at);
}

/// Messages of this template that were written.
async fn letters(world: &World) -> i64 {
    let sql = "SELECT COUNT(*) FROM message WHERE template = 'alarm'";
    let row = world.platform.app.db().read(async move |tx| tx.query_one(sql, params![]).await).await;
    row.unwrap().get(0).unwrap()
}

async fn an_outside_witness_that_refuses_is_an_alert_a_letter_and_evidence_to_keep(fresh: Fresh) {
    let log = http_support::platform().await.log_key;
    let (_kept, opened) = outside(&log).await;
    let first = world(another().await, None, vec![opened.clone()]).await;
    first.grow("true", 10).await;

    // An older copy of the store; nobody there knows what was cosigned.
    let second = world(fresh.db, Some(first.linked.clone()), vec![opened]).await;
    let mut browser = second.platform.signed_in().await;
    second.grow("invented", 2).await;
    let rows = second.alert_rows().await;
    let about = |about: &About| rows.iter().find(|row| row.about == *about).map(|row| row.kind.as_str());
    assert_eq!(about(&About::Witness("w.example".to_owned())), Some("WitnessRefused"));
    assert_eq!(about(&About::Bank(second.bank)), Some("WitnessRefused"));
    assert_eq!(letters(&second).await, 2, "one for each");
    second.grow("more", 2).await;
    assert_eq!(
        (second.alerts().await.len(), letters(&second).await),
        (2, 2),
        "once, however often it refuses"
    );

    for page in ["/", "/alerts"] {
        let body = browser.get(page).await.expect(200).body;
        assert!(body.contains("w.example") && body.contains("href=\"/witnesses\""), "{page}: {body}");
    }
    let page = browser.get("/witnesses").await.expect(200).body;
    let at = second.overview().await.evidence.iter().find(|row| row.name == "w.example").unwrap().id;
    for which in ["kept", "shown"] {
        let path = format!("/witnesses/evidence/{at}/{which}");
        assert!(page.contains(&path), "{page}");
        let file = browser.get(&path).await.expect(200);
        assert!(file.header("content-disposition").contains(&format!("shrink-{at}.{which}.note")));
        Checkpoint::open(&file.bytes, &log).expect("the log's own signature");
    }
    browser.get(&format!("/witnesses/evidence/{at}/other")).await.expect(404);
    browser.get("/witnesses/evidence/999999/kept").await.expect(404);
    second.platform.browser().get(&format!("/witnesses/evidence/{at}/kept")).await.expect(303);

    // Who sees to one bank sees that bank's, and may not take note of the other.
    let local = Principal {
        roles: vec![Assignment { role: Role::SuperAdmin, scope: Scope::Bank(second.bank) }],
        ..admin()
    };
    let which = ListAlerts { filter: AlertFilter::Open, before: None, limit: 50 };
    let seen = alerts::list(&second.platform.app, &local, which).await.unwrap();
    assert_eq!((seen.rows.len(), seen.open), (1, 1));
    let theirs = rows.iter().find(|row| row.site.is_none()).unwrap();
    assert!(alerts::acknowledge(&second.platform.app, &local, theirs.id).await.is_err());
    alerts::acknowledge(&second.platform.app, &admin(), theirs.id).await.unwrap();
    assert_eq!(second.alerts().await.len(), 1);
}

async fn a_witness_that_does_not_answer_is_an_alert_once(fresh: Fresh) {
    let log = http_support::platform().await.log_key;
    let (outside, opened) = outside(&log).await;
    let world = world(fresh.db, None, vec![opened]).await;
    world.platform.administrator().await;
    world.grow("first", 2).await;
    outside.behaves(Manner::Busy);
    world.linked.0.lock().unwrap().0 = bailee_domain::id::BankId::from_bytes([0; 16]);
    world.event("grown").await;
    world.platform.sequence().await;
    let rounds = SILENT_MS / ROUND_MS;
    for _ in 0..rounds {
        world.later().await;
    }
    assert!(world.alerts().await.is_empty(), "ten minutes are not over");
    world.later().await;
    assert_eq!(world.alerts().await, ["WitnessSilent"; 2], "the bank is online and says nothing either");
    assert_eq!(letters(&world).await, 2);
    world.later().await;
    assert_eq!(letters(&world).await, 2, "told once");
    let row = |overview: witnesses::Overview| overview.witnesses.into_iter().find(|row| row.bank.is_none());
    let now = world.platform.app.now();
    assert!(witnesses::is_silent(&row(world.overview().await).unwrap(), now));

    outside.behaves(Manner::Right);
    world.linked.0.lock().unwrap().0 = world.bank;
    world.later().await;
    let back = row(world.overview().await).unwrap();
    assert!(witnesses::is_current(&back, world.platform.app.now()) && back.unanswered_since.is_none());

    // A bank without a link is silent for a reason that has its own alert.
    for alert in world.alert_rows().await {
        alerts::acknowledge(&world.platform.app, &admin(), alert.id).await.unwrap();
    }
    world.platform.app.live().update(world.bank, |live| live.online = false);
    world.event("grown again").await;
    world.platform.sequence().await;
    for _ in 0..2 * rounds {
        world.later().await;
    }
    assert!(world.alerts().await.is_empty());
}

async fn proofs_of_entries_carry_the_cosignatures_there_are(fresh: Fresh) {
    let world = world(fresh.db, None, Vec::new()).await;
    let mut browser = world.platform.signed_in().await;
    world.grow("first", 3).await;
    let newest = async || {
        let sql = "SELECT MAX(id) FROM event WHERE leaf_index IS NOT NULL";
        let row = world.platform.app.db().read(async move |tx| tx.query_one(sql, params![]).await).await;
        row.unwrap().get::<i64>(0).unwrap()
    };
    let (early, policy) = (newest().await, world.policy());
    world.event("not yet cosigned").await;
    world.platform.sequence().await;
    let late = newest().await;
    for (event, is_cosigned) in [(1, true), (early, true), (late, false)] {
        let file = browser.get(&format!("/audit/{event}/proof")).await.expect(200).bytes;
        let proof = TlogProof::parse(&file).unwrap();
        let leaf = leaf_hash(proof.extra.as_deref().unwrap());
        proof.verify(leaf, &world.platform.log_key).unwrap();
        let note = proof.checkpoint.to_string();
        assert_eq!(
            policy.check(note.as_bytes(), world.now_s()).is_ok(),
            is_cosigned,
            "event {event}: {note}"
        );
    }
    world.later().await;
    let file = browser.get(&format!("/audit/{late}/proof")).await.expect(200).bytes;
    let note = TlogProof::parse(&file).unwrap().checkpoint.to_string();
    assert!(policy.check(note.as_bytes(), world.now_s()).is_ok(), "once it was asked");
    // Whoever drops such a file on the page has the keys there.
    let page = world.platform.browser().get("/verify").await.expect(200).body;
    assert!(
        page.contains(&world.bank_key().to_string()) && page.contains(&world.platform.log_key.to_string())
    );
}

async fn a_bundle_waits_for_the_witnesses_and_carries_their_word(fresh: Fresh) {
    let world = world(fresh.db, None, Vec::new()).await;
    world.grow("first", 2).await;
    let app = &world.platform.app;
    let asked = || Asked {
        subject: Subject::Span,
        from: None,
        until: None,
        reason: "Claim 4711".into(),
        telling: Telling::everything(),
        files: Files::LeftOut,
    };
    let id = evidence::ask(app, &admin(), asked()).await.unwrap();
    world.platform.sequence().await;
    assert!(!evidence::make_next(app).await.unwrap(), "the witnesses are about to cosign");
    world.later().await;
    assert!(evidence::make_next(app).await.unwrap());
    let (_, pieces) = evidence::fetch(app, &admin(), id).await.unwrap();
    let bytes = pieces.try_collect::<Vec<_>>().await.unwrap().concat();
    let options = Options { key: Some(world.platform.log_key.clone()), now: Some(app.now()) };
    let checked = check(Cursor::new(bytes), &options).unwrap();
    assert_eq!(checked.other_signatures, 1);
    assert!(world.policy().check(&checked.checkpoint, world.now_s()).is_ok());

    // Witnesses that do not come are not waited for longer than half a minute.
    evidence::ask(app, &admin(), asked()).await.unwrap();
    world.platform.sequence().await;
    assert!(!evidence::make_next(app).await.unwrap());
    world.platform.clock.advance_ms(2 * ROUND_MS);
    assert!(evidence::make_next(app).await.unwrap());
}

/// Waits until the bank has cosigned this many entries.
async fn cosigned_to(world: &World, size: u64) {
    let mut news = world.platform.app.live().watch();
    let waiting = async {
        while world.overview().await.witnesses.iter().all(|row| row.bank.is_none() || row.size < size) {
            while !matches!(news.recv().await, Ok(LiveChange::Log) | Err(_)) {}
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.expect("the bank cosigns");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_never_answers_holds_up_neither_the_others_nor_the_log() {
    let log = http_support::platform().await.log_key;
    let (outside, opened) = outside(&log).await;
    outside.behaves(Manner::Never);
    let slow = opened.within(std::time::Duration::from_secs(3_600));
    let world = world(another().await, None, vec![slow]).await;
    let (stop, stopped) = watch::channel(false);
    let asking = tokio::spawn(world.witnesses.clone().run(stopped));
    for round in 0..2 {
        world.event(&format!("round {round}")).await;
        world.platform.sequence().await;
        world.platform.clock.advance_ms(ROUND_MS);
        let size = world.overview().await.size;
        cosigned_to(&world, size).await;
    }
    let rows = world.overview().await.witnesses;
    assert!(rows.iter().any(|row| row.bank.is_none() && row.asked_at.is_some() && row.cosigned_at.is_none()));
    stop.send(true).unwrap();
    asking.await.unwrap();
}
