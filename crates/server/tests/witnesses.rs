//! Witnesses of the platform's log: a bank over its link and another's over HTTP, a platform put back to an older store
//! that signs another history, and witnesses that lie.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
mod http_support;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use app_bank::FakeBank;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bailee_audit::key::KeyName;
use bailee_audit::witness::{AddCheckpoint, Answer, Misconduct, Refusal, Remembered, Slot, Witness};
use bailee_audit::{Checkpoint, Cosigner, CosignerKey, Note, Policy, VerifyingKey};
use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::event::Misconduct as Told;
use bailee_domain::id::BankId;
use bailee_domain::platform::Actor;
use bailee_domain::time::WallTime;
use bailee_server::app::alerts::{self, AlertFilter, ListAlerts};
use bailee_server::app::link::{Ask, Asking, Cosigning, NotAnswered};
use bailee_server::app::witnesses::{self, Overview, ROUND_MS};
use bailee_server::app::{Principal, settings};
use bailee_server::jobs::witnesses::{OutsideWitness, WitnessConfig, Witnesses};
use bailee_wire::link::{Cosign, Witnessed};
use http_support::Platform;

fn admin() -> Principal {
    Principal {
        actor: Actor::Platform,
        roles: vec![Assignment { role: Role::SuperAdmin, scope: Scope::Organisation }],
        limited_to: None,
    }
}

/// A disk in memory.
#[derive(Default)]
struct Slate(Option<Vec<u8>>);

impl Slot for Slate {
    type Error = Infallible;

    fn read(&mut self) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.clone())
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0 = Some(bytes.to_vec());
        Ok(())
    }
}

type Remembering = Witness<Remembered<Slate>>;

fn witness(name: &str, seed: u8, log: &VerifyingKey) -> Remembering {
    let memory = Remembered::open(Slate::default(), || [seed; 32]).unwrap();
    let cosigner = Cosigner::from_seed(KeyName::new(name).unwrap(), &[seed; 32]).unwrap();
    let mut witness = Witness::new(cosigner, memory);
    witness.watch(log.clone());
    witness
}

/// A bank's witness, which outlives the platforms it is linked to.
#[derive(Clone)]
struct Linked(Arc<Mutex<(BankId, Remembering)>>);

impl Ask for Linked {
    fn ask(&self, _: BankId, _: bailee_domain::bank::io::Request, _: WallTime) -> Asking<'_> {
        Box::pin(std::future::ready(Err(NotAnswered)))
    }

    fn cosign(&self, bank: BankId, cosign: Cosign, now: WallTime) -> Cosigning<'_> {
        let mut linked = self.0.lock().unwrap();
        let answer = (linked.0 == bank).then(|| answered(&mut linked.1, &cosign, now)).ok_or(NotAnswered);
        Box::pin(std::future::ready(answer))
    }
}

/// As a bank's controller answers.
fn answered(witness: &mut Remembering, asked: &Cosign, now: WallTime) -> Witnessed {
    let request = AddCheckpoint::parse(&asked.request).unwrap();
    let seconds = u64::try_from(now.unix_ms() / 1_000).unwrap();
    let said = |status: u16, body: String| Witnessed {
        size: asked.size,
        status,
        body: body.into_bytes(),
        misconduct: None,
        kept: Vec::new(),
    };
    match witness.add_checkpoint(&request, seconds).unwrap() {
        Answer::Cosigned { line, .. } => said(200, format!("{line}\n")),
        Answer::Refused { refusal, misconduct, kept } => {
            let body = match refusal {
                Refusal::WrongOldSize { have } | Refusal::Fork { have } => format!("{have}\n"),
                other => format!("{other}\n"),
            };
            let misconduct = misconduct.map(|misconduct| match misconduct {
                Misconduct::Fork => Told::Fork,
                Misconduct::Shrink => Told::Shrink,
                Misconduct::Gap => Told::Gap,
            });
            let kept = kept.map(|seen| seen.note().to_string().into_bytes()).unwrap_or_default();
            Witnessed { misconduct, kept, ..said(refusal.http_status(), body) }
        }
    }
}

struct World {
    platform: Platform,
    bank: BankId,
    linked: Linked,
    witnesses: Witnesses,
}

/// A platform with one bank that is a witness. Every such platform has the same keys and the same first events: a second
/// one is the first as it was then, put back from a copy.
async fn world(linked: Option<Linked>, outside: Vec<OutsideWitness>) -> World {
    let platform = http_support::platform().await;
    let bank = FakeBank::enrolled(&platform.app, &platform.clock, &admin(), "Lobby", 1).await.id;
    let linked = linked.unwrap_or_else(|| {
        let witness = witness(&format!("bailee/{bank}"), 9, &platform.log_key);
        Linked(Arc::new(Mutex::new((bank, witness))))
    });
    assert_eq!(linked.0.lock().unwrap().0, bank, "the copies agree");
    let key = linked.0.lock().unwrap().1.cosigner().key().to_string();
    witnesses::announced(&platform.app, bank, &key).await.unwrap();
    platform.app.live().update(bank, |live| live.online = true);
    let witnesses = Witnesses {
        app: platform.app.clone(),
        ask: Arc::new(linked.clone()),
        outside: outside.into(),
        log_key: platform.log_key.to_string(),
    };
    World { platform, bank, linked, witnesses }
}

impl World {
    /// Some events, a signed checkpoint, and every witness asked.
    async fn grow(&self, what: &str, events: usize) {
        for number in 0..events {
            self.event(&format!("{what} {number}")).await;
        }
        self.platform.sequence().await;
        self.platform.clock.advance_ms(ROUND_MS);
        self.witnesses.once().await.unwrap();
    }

    async fn event(&self, help: &str) {
        let site = settings::site(&self.platform.app, &admin()).await.unwrap();
        let (name, expiry_days, version) = (site.name.as_str(), site.expiry_days, site.version);
        let input = settings::SiteInput { name, help, expiry_days, version };
        settings::change_site(&self.platform.app, &admin(), input).await.unwrap();
    }

    async fn overview(&self) -> Overview {
        witnesses::overview(&self.platform.app, &admin(), None).await.unwrap()
    }

    async fn file(&self, name: &str) -> (u16, String) {
        let path = format!("/log/{}/{name}", self.platform.app.log_id());
        let page = self.platform.browser().get(&path).await;
        (page.status, page.body)
    }

    fn bank_key(&self) -> CosignerKey {
        self.linked.0.lock().unwrap().1.cosigner().key().clone()
    }

    fn policy(&self) -> Policy {
        let text = format!("log {}\nwitness bank {}\nquorum bank\n", self.platform.log_key, self.bank_key());
        Policy::parse(text.as_bytes()).unwrap()
    }

    fn now_s(&self) -> u64 {
        u64::try_from(self.platform.app.now().unix_ms() / 1_000).unwrap()
    }

    async fn alerts(&self) -> Vec<String> {
        let which = ListAlerts { filter: AlertFilter::Open, before: None, limit: 50 };
        let page = alerts::list(&self.platform.app, &admin(), which).await.unwrap();
        page.rows.into_iter().map(|row| row.kind).collect()
    }
}

#[tokio::test]
async fn a_banks_cosignatures_are_published_with_the_log() {
    let world = world(None, Vec::new()).await;
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

#[tokio::test]
async fn a_platform_put_back_that_signs_another_history_is_refused_with_evidence() {
    let first = world(None, Vec::new()).await;
    first.grow("true", 10).await;
    let kept = first.linked.0.lock().unwrap().1.memory().now().unwrap().seen.clone();
    let true_size = first.overview().await.size;

    // An older copy of the store, the same keys, and other events.
    let second = world(Some(first.linked.clone()), Vec::new()).await;
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

#[tokio::test]
async fn a_bank_with_another_key_is_noticed() {
    let world = world(None, Vec::new()).await;
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

/// How a witness over HTTP behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Right,
    OtherKey,
    Garbage,
    Endless,
    NotFound,
    Ahead,
}

struct Outside {
    manner: Mutex<Manner>,
    witness: Mutex<Remembering>,
    other: Mutex<Remembering>,
}

async fn submit(State(outside): State<Arc<Outside>>, body: Bytes) -> Response {
    let request = AddCheckpoint::parse(&body).unwrap();
    let manner = *outside.manner.lock().unwrap();
    let seconds = 1_795_500_000;
    match manner {
        Manner::NotFound => StatusCode::NOT_FOUND.into_response(),
        Manner::Ahead => (StatusCode::CONFLICT, "999999\n").into_response(),
        Manner::Garbage => "\u{2014} w.example AAAA\nnonsense\n".into_response(),
        Manner::Endless => "x".repeat(1 << 20).into_response(),
        Manner::OtherKey => {
            let line = outside.other.lock().unwrap().cosigner().cosign(request.note.text(), seconds).unwrap();
            format!("{line}\n").into_response()
        }
        Manner::Right => match outside.witness.lock().unwrap().add_checkpoint(&request, seconds).unwrap() {
            Answer::Cosigned { line, .. } => format!("{line}\n").into_response(),
            Answer::Refused { refusal: Refusal::WrongOldSize { have }, .. } => {
                (StatusCode::CONFLICT, format!("{have}\n")).into_response()
            }
            Answer::Refused { refusal, .. } => {
                StatusCode::from_u16(refusal.http_status()).unwrap().into_response()
            }
        },
    }
}

async fn outside(log: &VerifyingKey) -> (Arc<Outside>, OutsideWitness) {
    let outside = Arc::new(Outside {
        manner: Mutex::new(Manner::Right),
        witness: Mutex::new(witness("w.example", 20, log)),
        other: Mutex::new(witness("w.example", 21, log)),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/prefix", listener.local_addr().unwrap());
    let router = Router::new().route("/prefix/add-checkpoint", post(submit)).with_state(outside.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let vkey = outside.witness.lock().unwrap().cosigner().key().to_string();
    let opened = WitnessConfig { url, vkey }.open().unwrap();
    (outside, opened)
}

#[tokio::test]
async fn a_witness_over_http_is_believed_as_far_as_its_signature_goes() {
    let log = http_support::platform().await.log_key;
    let (outside, opened) = outside(&log).await;
    let world = world(None, vec![opened]).await;
    let mut step = 0;
    for (manner, refusal) in [
        (Manner::Right, ""),
        (Manner::OtherKey, "wrong-cosignature"),
        (Manner::Garbage, "wrong-cosignature"),
        (Manner::NotFound, "unknown-log"),
        (Manner::Ahead, "shrink"),
        (Manner::Endless, "shrink"),
        (Manner::Right, ""),
    ] {
        *outside.manner.lock().unwrap() = manner;
        step += 1;
        world.grow(&format!("step {step}"), 2).await;
        let overview = world.overview().await;
        let row = overview.witnesses.iter().find(|row| row.bank.is_none()).unwrap();
        assert_eq!(row.refusal, refusal, "{manner:?}: an answer too long is no answer");
        assert_eq!(row.size == overview.size, manner == Manner::Right, "{manner:?}");
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
    let second = self::world(Some(world.linked.clone()), Vec::new()).await;
    assert_eq!(second.overview().await.witnesses.len(), 1, "witnesses not configured are forgotten");
}

#[tokio::test]
async fn an_idle_log_is_cosigned_again_so_that_its_word_stays_fresh() {
    let world = world(None, Vec::new()).await;
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
