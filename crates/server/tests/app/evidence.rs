//! From asking for evidence to a bundle that an ordinary verifier finds sound, on every engine.

use std::io::Cursor;

use crate::app_bank::FakeBank;
use crate::platform::{Rig, contains, holding, not_allowed, refused};
use crate::support::Fresh;
use bailee_domain::access::{Permission, Role, Scope};
use bailee_domain::compartment::{CompartmentNo, Reach};
use bailee_domain::id::{AlertId, EvidenceId, PersonId};
use bailee_evidence::{Checked, Note, Options, Subject, check};
use bailee_server::app::alerts::{self, AlertFilter, ListAlerts};
use bailee_server::app::evidence::{self, Asked, Files, ListExports, State, Telling};
use bailee_server::app::files::{self, About, NewFile};
use bailee_server::app::log::{self, ListLog, LogFilter, LogRow, epcis};
use bailee_server::app::people::{self, ResidentInput};
use bailee_server::app::{App, Principal, Refused, install};
use futures_util::TryStreamExt;

crate::on_every_engine![
    a_bundle_is_sound_and_its_export_is_in_the_log,
    people_are_told_of_only_to_those_who_may_see_them,
    a_bundle_is_gone_after_a_day,
    what_cannot_be_asked_for_is_refused,
    an_incident_is_the_alert_with_what_was_around_it,
    files_go_along_for_those_who_may_see_people,
];

const DOOR: CompartmentNo = CompartmentNo(4);

struct World {
    rig: Rig,
    admin: Principal,
    bank: FakeBank,
    bo: PersonId,
}

impl World {
    async fn new(fresh: Fresh) -> Self {
        let (rig, admin) = Rig::with_admin(fresh).await;
        let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
        let input = ResidentInput {
            name: "Bo Canary",
            unit: "1A",
            email: "bo@canary.example",
            phone: "",
            reach: Reach::Standard,
        };
        let bo = people::add_resident(&rig.app, &admin, input).await.unwrap();
        rig.later(60_000);
        bank.force(DOOR);
        bank.upload().await;
        rig.later(60_000);
        Self { rig, admin, bank, bo }
    }

    fn app(&self) -> &App {
        &self.rig.app
    }

    /// Asks, and lets the jobs that make it run.
    async fn made(&self, whose: &Principal, asked: Asked) -> EvidenceId {
        let id = evidence::ask(self.app(), whose, asked).await.unwrap();
        assert!(!evidence::make_next(self.app()).await.unwrap(), "the log has not signed its record yet");
        let sequencer = install::sequencer(self.app());
        sequencer.run_once(self.app().now().unix_ms()).await.unwrap();
        assert!(evidence::make_next(self.app()).await.unwrap());
        let export = evidence::find(self.app(), whose, id).await.unwrap();
        assert_eq!((export.row.state, export.row.error), (State::Made, None));
        id
    }

    async fn bytes(&self, whose: &Principal, id: EvidenceId) -> Vec<u8> {
        let (export, pieces) = evidence::fetch(self.app(), whose, id).await.unwrap();
        let pieces: Vec<_> = pieces.try_collect().await.unwrap();
        let bytes = pieces.concat();
        assert_eq!(export.row.bytes, Some(bytes.len() as u64));
        bytes
    }

    async fn lines(&self, filter: LogFilter) -> Vec<LogRow> {
        let input = ListLog { filter, before: None, limit: 100 };
        log::list(self.app(), &self.admin, input).await.unwrap().rows
    }

    fn check(&self, bytes: &[u8]) -> Checked {
        let key = install::log_key(self.app()).unwrap().verifying;
        check(Cursor::new(bytes), &Options { key: Some(key), now: Some(self.app().now()) }).unwrap()
    }
}

fn asked(subject: Subject, telling: Telling) -> Asked {
    Asked { subject, from: None, until: None, reason: "Claim 4711".into(), telling, files: Files::LeftOut }
}

async fn a_bundle_is_sound_and_its_export_is_in_the_log(fresh: Fresh) {
    let world = World::new(fresh).await;
    for subject in [Subject::Span, Subject::Bank(world.bank.id), Subject::Compartment(world.bank.id, DOOR)] {
        let id = world.made(&world.admin, asked(subject.clone(), Telling::everything())).await;
        let checked = world.check(&world.bytes(&world.admin, id).await);
        assert_eq!((checked.subject, checked.reason), (subject.to_string(), Some("Claim 4711".into())));
        assert_eq!(checked.exported_by, world.admin.name());
        assert!(checked.asked > 0 && checked.bank_events > 0 && checked.chain_heads > 0, "{subject}");
        assert_eq!(checked.notes, [], "{subject}: every event of the bank is under a signed head");
        assert!(checked.report_compared);
    }
    let of_kind = LogFilter { kind: Some("EvidenceExported".into()), ..LogFilter::default() };
    let exports = world.lines(of_kind).await;
    assert!(exports.len() == 3 && exports.iter().all(|row| row.line.actor == world.admin.name()));
    let all = ListExports { before: None, limit: 2 };
    let (listed, next) = evidence::list(world.app(), &world.admin, all).await.unwrap();
    assert!(listed.iter().all(|export| export.asked.reason == "Claim 4711") && next.is_some());
    let document = epcis_document(&world).await;
    assert!(document.starts_with("{\"@context\"") && document.ends_with("]}}\n"));
    assert!(!contains(&world.rig.everything_stored().await, "Claim 4711"), "reasons lie sealed");
}

async fn epcis_document(world: &World) -> String {
    let document = epcis(world.app(), &world.admin, LogFilter::default()).await.unwrap();
    document.try_collect().await.unwrap()
}

async fn people_are_told_of_only_to_those_who_may_see_them(fresh: Fresh) {
    let world = World::new(fresh).await;
    let about_bo = Subject::Person(world.bo);
    let told = world.made(&world.admin, asked(about_bo.clone(), Telling::of(|it| it == "name"))).await;
    let bytes = world.bytes(&world.admin, told).await;
    let checked = world.check(&bytes);
    assert!(checked.openings >= 1);
    let left_out = |what: &str| Note::LeftOut { what: format!("{what} of everybody") };
    assert_eq!(checked.notes, ["unit", "email", "phone", "reach"].map(left_out));
    let looks =
        LogFilter { person: Some(world.bo), kind: Some("PersonalDataRead".into()), ..LogFilter::default() };
    let looks = world.lines(looks).await;
    assert!(looks.len() == 1 && looks[0].line.actor == world.admin.name(), "the look is logged");

    let auditor = holding(7, &[(Role::Auditor, Scope::Organisation)]);
    let refusal = not_allowed(Permission::ViewPeople);
    let tells = evidence::ask(world.app(), &auditor, asked(about_bo.clone(), Telling::everything())).await;
    assert_eq!(refused(tells), Err(refusal.clone()));
    assert_eq!(refused(evidence::fetch(world.app(), &auditor, told).await).err(), Some(refusal));
    let silent = world.made(&auditor, asked(about_bo, Telling::Nobody)).await;
    let checked = world.check(&world.bytes(&auditor, silent).await);
    assert_eq!(checked.openings, 0);
    assert!(!contains(&world.rig.everything_stored().await, "Bo Canary"), "bundles lie sealed");
    let operator = holding(8, &[(Role::Operator, Scope::Organisation)]);
    let refusal = not_allowed(Permission::ExportLog);
    assert_eq!(refused(evidence::fetch(world.app(), &operator, silent).await).err(), Some(refusal));
}

async fn a_bundle_is_gone_after_a_day(fresh: Fresh) {
    let world = World::new(fresh).await;
    let id = world.made(&world.admin, asked(Subject::Span, Telling::Nobody)).await;
    world.rig.later(evidence::KEPT_MS);
    let gone = Refused::NotPossibleNow { why: "gone" };
    assert_eq!(refused(evidence::fetch(world.app(), &world.admin, id).await).err(), Some(gone.clone()));
    assert!(evidence::make_next(world.app()).await.unwrap());
    assert!(!evidence::make_next(world.app()).await.unwrap(), "there is nothing left to do");
    assert_eq!(evidence::find(world.app(), &world.admin, id).await.unwrap().row.state, State::Gone);
    assert_eq!(refused(evidence::fetch(world.app(), &world.admin, id).await).err(), Some(gone));
}

async fn what_cannot_be_asked_for_is_refused(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let silent = Asked { reason: " ".into(), ..asked(Subject::Span, Telling::Nobody) };
    assert!(matches!(refused(evidence::ask(&rig.app, &admin, silent).await), Err(Refused::Invalid(_))));
    let now = rig.app.now();
    let backwards = Asked { from: Some(now), until: Some(now), ..asked(Subject::Span, Telling::Nobody) };
    assert!(matches!(refused(evidence::ask(&rig.app, &admin, backwards).await), Err(Refused::Invalid(_))));
    let early = evidence::ask(&rig.app, &admin, asked(Subject::Span, Telling::Nobody)).await.unwrap();
    let not_made = Refused::NotPossibleNow { why: "not_made" };
    assert_eq!(refused(evidence::fetch(&rig.app, &admin, early).await).err(), Some(not_made));
}

impl World {
    /// The alert of the door that was forced.
    async fn alert(&self) -> AlertId {
        let all = ListAlerts { filter: AlertFilter::All, before: None, limit: 10 };
        let alerts = alerts::list(self.app(), &self.admin, all).await.unwrap().rows;
        alerts.iter().find(|alert| alert.kind == "CompartmentForced").unwrap().id
    }
}

async fn an_incident_is_the_alert_with_what_was_around_it(fresh: Fresh) {
    let world = World::new(fresh).await;
    let other = FakeBank::enrolled(world.app(), &world.rig.clock, &world.admin, "Garage", 2).await;
    let alert = world.alert().await;
    world.rig.later(50 * 60_000);
    alerts::acknowledge(world.app(), &world.admin, alert).await.unwrap();
    world.rig.later(50 * 60_000);
    world.bank.force(CompartmentNo(5));
    world.bank.upload().await;
    world.rig.later(3 * 3_600_000);
    for bank in [&world.bank, &other] {
        bank.force(CompartmentNo(6));
        bank.upload().await;
    }
    let id = world.made(&world.admin, asked(Subject::Incident(alert), Telling::Nobody)).await;
    let bytes = world.bytes(&world.admin, id).await;
    let checked = world.check(&bytes);
    assert_eq!(checked.subject, format!("incident {alert}"));
    assert_eq!(checked.banks, 1, "nothing of another bank");
    let table = table_of(&bytes);
    let count = |kind: &str| table.lines().filter(|line| line.contains(kind)).count();
    assert_eq!(
        count("CompartmentForced"),
        2,
        "within an hour of somebody seeing to it, not hours later: {table}"
    );
    assert_eq!(count("AlertAcknowledged"), 1, "{table}");
    let export = evidence::find(world.app(), &world.admin, id).await.unwrap();
    assert!(
        export.asked.from.is_some() && export.asked.until.is_some(),
        "the times are part of what was asked"
    );
    let nowhere = asked(Subject::Incident(AlertId::from_bytes([9; 16])), Telling::Nobody);
    assert_eq!(refused(evidence::ask(world.app(), &world.admin, nowhere).await), Err(Refused::NotFound));
}

fn table_of(bundle: &[u8]) -> String {
    let mut archive = bailee_evidence::archive::Archive::open(Cursor::new(bundle)).unwrap();
    let name = archive.names().find(|name| name.ends_with("data/events.csv")).unwrap().to_owned();
    String::from_utf8(archive.bytes(&name, 1 << 20).unwrap()).unwrap()
}

async fn files_go_along_for_those_who_may_see_people(fresh: Fresh) {
    let world = World::new(fresh).await;
    let photo = b"\xff\xd8\xff of the door".to_vec();
    for about in [About::Alert(world.alert().await), About::Compartment(world.bank.id, DOOR)] {
        let (name, note) = ("door.jpg".into(), "Bo Canary's door".into());
        let new = NewFile { about, name, note, content: photo.clone() };
        files::attach(world.app(), &world.admin, new).await.unwrap();
    }
    let along =
        |telling| Asked { files: Files::Along, ..asked(Subject::Compartment(world.bank.id, DOOR), telling) };
    let id = world.made(&world.admin, along(Telling::Nobody)).await;
    let checked = world.check(&world.bytes(&world.admin, id).await);
    assert_eq!(checked.enclosed, 1, "the same photo twice is one file");
    assert!(!contains(&world.rig.everything_stored().await, "of the door"), "files lie sealed");

    let without = world.made(&world.admin, asked(Subject::Span, Telling::Nobody)).await;
    let checked = world.check(&world.bytes(&world.admin, without).await);
    assert_eq!(checked.enclosed, 0);
    assert!(checked.notes.contains(&Note::LeftOut { what: "files".into() }));

    let auditor = holding(7, &[(Role::Auditor, Scope::Organisation)]);
    let refusal = not_allowed(Permission::ViewPeople);
    let tried = evidence::ask(world.app(), &auditor, along(Telling::Nobody)).await;
    assert_eq!(refused(tried), Err(refusal.clone()), "photos may show people");
    assert_eq!(refused(evidence::fetch(world.app(), &auditor, id).await).err(), Some(refusal));

    let listed =
        files::list(world.app(), &world.admin, About::Compartment(world.bank.id, DOOR)).await.unwrap();
    files::destroy(world.app(), &world.admin, listed[0].row.id).await.unwrap();
    let gone = Refused::NotPossibleNow { why: "gone" };
    assert_eq!(
        refused(evidence::fetch(world.app(), &world.admin, id).await).err(),
        Some(gone),
        "it held the photo"
    );
    let again = world.made(&world.admin, along(Telling::Nobody)).await;
    assert_eq!(
        world.check(&world.bytes(&world.admin, again).await).enclosed,
        1,
        "the other one is the same photo"
    );
}
