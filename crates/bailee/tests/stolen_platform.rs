//! A platform in a thief's hands, with every key it has, before a real `bailee edge` over the real link: it opens at most three
//! doors of a bank within the hour, and none without somebody there who signs.
//!
//! The hour itself, with days of it, restarts and power cuts, is `edge/tests/remote.rs`; here the keys are the platform's own.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod process;

use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::bank::io::{Answer, DoorStatus, Request};
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Reach, Sensed};
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::signer::{Act, KeyForm, KeyUse, Proof, PublicKey, Signature, Signed, Statement};
use bailee_edge::clock::Clocks;
use bailee_server::app::enrolment::{self, OfferEnrolment};
use bailee_server::app::openings::{self, Wish};
use bailee_server::app::people::{self, ResidentInput};
use bailee_server::app::person_keys::{self, KeyState, NewKey};
use bailee_server::app::{App, AppError, LiveChange, Principal, Refused, settings};
use bailee_server::config::ServerConfig;
use bailee_server::serve::{self, Demo, Running};
use bailee_server::store::tables::assignment;
use bailee_sim::cabinet::{BoardPlan, Cabinet, DoorPlace, Pacing, PtyCabinet};
use bailee_vault::Secret;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::hex;
use bailee_wire::{signed, statement};
use process::{Process, WITHIN, bank_config, get, run};

const DOORS: u16 = 4;

/// What the thief holds: the running platform with its store and keys, and the link to the bank.
struct Thief<'a> {
    platform: &'a Running,
    bank: BankId,
    kiosk: &'a str,
    cabinet: &'a PtyCabinet,
    all: Principal,
}

impl Thief<'_> {
    fn app(&self) -> &App {
        &self.platform.app
    }

    /// How often any lock of the cabinet was driven.
    fn pulses(&self) -> u32 {
        self.cabinet.look(|cabinet| (1..=4).map(|lock| cabinet.pulses(DoorPlace { board: 1, lock })).sum())
    }

    /// The eight digits on the kiosk's screen, which only somebody who stands there sees.
    fn on_the_screen(&self) -> Code {
        let page = get(self.kiosk, "/");
        let shown = page.split_once("k-remote").and_then(|(_, rest)| rest.split_once("<b dir=\"ltr\">"));
        let shown = shown.unwrap_or_else(|| panic!("a presence code on {page}")).1;
        Code::parse(shown.split('<').next().unwrap()).unwrap()
    }

    fn statement(&self, door: u16, presence: Option<Code>) -> Statement {
        let act = Act::Inspect { compartment: CompartmentNo(door), reason: [7; 32] };
        Statement { act, presence, expires: self.app().now().plus_ms(50_000) }
    }

    /// Straight onto the link, past everything the platform would check.
    async fn asks(&self, request: Request) -> Answer {
        self.platform.ask.ask(self.bank, request, self.app().now().plus_ms(20_000)).await.unwrap()
    }

    async fn signed_by(&self, person: PersonId, key: &SigningKey, statement: Statement) -> Answer {
        let proof = Proof::Plain(key.sign(&statement::bytes(self.bank, &statement)));
        let signatures = vec![Signature { person, public: PublicKey::Ed25519(key.public().0), proof }];
        self.asks(Request::Signed(Signed { statement, signatures })).await
    }

    /// Every key of the platform that signs, each tried as it is and then as an administrator's.
    async fn tries_every_key_of_the_platform(&self, ann: PersonId) {
        let keys = self.app().keys();
        let mallory = SigningKey::from_seed(&Secret::new([0xee; 32]));
        for key in [&keys.issuer, &keys.log, &mallory] {
            for presence in [None, Some(self.on_the_screen())] {
                let statement = self.statement(1, presence);
                assert_eq!(self.signed_by(ann, key, statement).await, Answer::NotAuthorised);
            }
            let public = hex(&key.public().0);
            let new = NewKey { used_for: KeyUse::Administrator, form: KeyForm::Plain, public: &public };
            person_keys::add(self.app(), &self.all, ann, new).await.unwrap();
            let roster = bailee_server::app::banks::roster(self.app(), self.bank).await.unwrap();
            assert!(matches!(
                self.asks(Request::TakeRoster(roster)).await,
                Answer::Done | Answer::Superseded
            ));
            let statement = self.statement(1, Some(self.on_the_screen()));
            let answer = self.signed_by(ann, key, statement).await;
            assert_eq!(answer, Answer::NotAuthorised, "a key the platform brings is not believed");
        }
        let unsigned =
            Signed { statement: self.statement(1, Some(self.on_the_screen())), signatures: Vec::new() };
        assert_eq!(self.asks(Request::Signed(unsigned)).await, Answer::Invalid);
    }
}

/// A platform in this process, whose store and keys the test may use like a thief.
struct Site {
    ann: PersonId,
    key: SigningKey,
    token: Secret<String>,
    bank: BankId,
}

async fn set_up(platform: &Running, all: &Principal) -> Site {
    let app = &platform.app;
    let input = ResidentInput {
        name: "Ann Example",
        unit: "1",
        email: "ann@example.org",
        phone: "",
        reach: Reach::Standard,
    };
    let ann = people::add_resident(app, all, input).await.unwrap();
    let role = Assignment { role: Role::Admin, scope: Scope::Organisation };
    app.db().tx(async move |tx| assignment::insert(&tx, ann, role).await).await.unwrap();
    let key = SigningKey::from_seed(&Secret::new([0xa1; 32]));
    let public = hex(&key.public().0);
    let new = NewKey { used_for: KeyUse::Administrator, form: KeyForm::Plain, public: &public };
    person_keys::add(app, all, ann, new).await.unwrap();
    let site = settings::site(app, all).await.unwrap().id;
    let input = OfferEnrolment { site, name: "Lobby".into(), address: platform.link_address.clone() };
    let offered = enrolment::offer(app, all, input).await.unwrap();
    Site { ann, key, token: offered.token, bank: offered.bank }
}

#[test]
fn a_platform_with_all_its_server_keys_opens_at_most_3_doors_per_bank_and_hour_none_without_presence() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "data_dir = '{}'\nlisten = '127.0.0.1:0'\n[link]\nlisten = '127.0.0.1:0'\n",
        dir.path().join("platform").display()
    );
    let config: ServerConfig = toml::from_str(&text).unwrap();
    let platform = runtime.block_on(serve::start(config, Demo::default())).unwrap();
    let everything = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    let all = Principal { roles: vec![everything], ..Principal::PLATFORM };
    let site = runtime.block_on(set_up(&platform, &all));
    let clock = Clocks::start();
    let cabinet = Cabinet::new(&[BoardPlan::usual(1, 4)], Pacing::Baud(9_600));
    let cabinet = PtyCabinet::start(cabinet, move || clock.elapsed()).unwrap();
    let path = dir.path().join("bank.toml");
    std::fs::write(&path, bank_config(dir.path(), &cabinet)).unwrap();
    let file = path.to_str().unwrap();
    let enrolled = run(&["edge", "enrol", site.token.expose(), "--config", file]);
    assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    let mut changes = platform.app.live().watch();
    let (controller, kiosk) = Process::start(&["edge", "run", "--config", file], "kiosk on ");
    let thief = Thief { platform: &platform, bank: site.bank, kiosk: &kiosk, cabinet: &cabinet, all };
    runtime.block_on(async {
        tokio::time::timeout(WITHIN, async {
            let live = || platform.app.live().bank(site.bank);
            while !(live().online && live().doors.len() == usize::from(DOORS)) {
                changes.recv().await.unwrap();
            }
        })
        .await
        .expect("the bank is heard");
        tokio::time::timeout(WITHIN, async {
            while !believes(&thief, site.ann).await {
                changes.recv().await.unwrap();
            }
        })
        .await
        .expect("the bank takes the first administrator's key with its first roster");
        attack(&thief, &site, &mut changes).await;
    });
    controller.stop();
    runtime.block_on(platform.shutdown());
}

/// Whether the bank holds the person's key, and needs nobody's signature for it.
async fn believes(thief: &Thief<'_>, person: PersonId) -> bool {
    let keys = person_keys::of_person(thief.app(), &thief.all, person).await.unwrap();
    let at = &keys[0].at;
    assert!(at.iter().all(|at| at.state != KeyState::NeedsSignatures));
    !at.is_empty() && at.iter().all(|at| at.state != KeyState::OnItsWay)
}

async fn attack(thief: &Thief<'_>, site: &Site, changes: &mut tokio::sync::broadcast::Receiver<LiveChange>) {
    thief.tries_every_key_of_the_platform(site.ann).await;
    assert_eq!(thief.pulses(), 0, "no key of the platform moves a lock");

    // Ann is deceived into signing whatever she is shown, but nobody stands there.
    for n in 0..5_u32 {
        let made_up = Code::parse(&format!("{:08}", 11_111_111 * n)).unwrap();
        let answer = thief.signed_by(site.ann, &site.key, thief.statement(1, Some(made_up))).await;
        assert_eq!(answer, Answer::NotPresent);
    }
    let alone = thief.signed_by(site.ann, &site.key, thief.statement(1, None)).await;
    assert_eq!(alone, Answer::NotPresent, "one person is no quorum");
    assert_eq!(thief.pulses(), 0, "nobody stood there");

    // She stands there: by the platform's own way, as text through the use case that the portal and the API call.
    for door in 1..=3 {
        opened_by_ann(thief, site, door).await.unwrap();
        let place = DoorPlace { board: 1, lock: u8::try_from(door).unwrap() };
        assert!(thief.cabinet.wait_until(WITHIN, |cabinet| cabinet.is_open(place)), "door {door} opens");
        let closed = async {
            for sensed in [Sensed::Open, Sensed::Closed] {
                let is = |it: &DoorStatus| it.compartment.0 == door && it.sensed == sensed;
                while !thief.app().live().bank(thief.bank).doors.iter().any(is) {
                    changes.recv().await.unwrap();
                }
                thief.cabinet.close(place);
            }
            // Then it says for some seconds that it is done, and shows a code again.
            while !get(thief.kiosk, "/").contains("k-remote") {
                tokio::task::yield_now().await;
            }
        };
        let shown = tokio::time::timeout(WITHIN, closed).await;
        assert!(
            shown.is_ok(),
            "{:?} {}",
            thief.app().live().bank(thief.bank).doors,
            get(thief.kiosk, "/").split("<main").nth(1).unwrap_or_default()
        );
    }
    let before = thief.pulses();
    for _ in 0..3 {
        let refused = opened_by_ann(thief, site, 4).await.unwrap_err();
        assert!(matches!(refused, Refused::NotPossibleNow { why: "breaker_open" }), "{refused:?}");
    }
    assert_eq!(thief.pulses(), before, "the fourth door within the hour stays shut");
    assert!(!thief.cabinet.look(|cabinet| cabinet.is_open(DoorPlace { board: 1, lock: 4 })));
}

async fn opened_by_ann(thief: &Thief<'_>, site: &Site, door: u16) -> Result<(), Refused> {
    let wish = Wish::Inspect { compartment: CompartmentNo(door), reason: "she was told to" };
    let presence = Some(thief.on_the_screen());
    let text = openings::prepare(thief.app(), &thief.all, thief.bank, wish, presence).await.unwrap();
    let (bank, mut all) = signed::parse(&text).unwrap();
    let proof = Proof::Plain(site.key.sign(&statement::bytes(bank, &all.statement)));
    let public = PublicKey::Ed25519(site.key.public().0);
    all.signatures.push(Signature { person: site.ann, public, proof });
    let text = signed::text(bank, &all);
    match openings::relay_text(thief.app(), &*thief.platform.ask, &thief.all, bank, &text).await {
        Ok(_) => Ok(()),
        Err(AppError::Refused(refused)) => Err(refused),
        Err(failure) => panic!("{failure:?}"),
    }
}
