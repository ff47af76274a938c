//! People, sign-in, couriers, tokens and settings, as a user would notice them, on every engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/platform.rs"]
mod platform;
mod support;

use bailee_domain::access::{Permission, Role, Scope};
use bailee_domain::compartment::Reach;
use bailee_domain::id::{AlertId, PersonId};
use bailee_domain::platform::{Actor, Channel, PlatformEventKind};
use bailee_domain::roster::Recipient;
use bailee_evidence::commitment;
use bailee_ledger::disk::MemoryDisk;
use bailee_server::app::alerts::{self, AlertFilter, ListAlerts};
use bailee_server::app::couriers::{self, CodeIssued, CourierInput};
use bailee_server::app::idempotency::{self, Begun};
use bailee_server::app::people::{self, ListPeople, ResidentInput};
use bailee_server::app::set_up::{self, Administrator};
use bailee_server::app::settings::{self, SiteInput};
use bailee_server::app::sign_in::{self, Step};
use bailee_server::app::templates::{self, Saved};
use bailee_server::app::tokens::{self, NewToken};
use bailee_server::app::{AppError, FieldError, Principal, Refused, carriers, install};
use bailee_server::notify::templates::{Language, TemplateKey, default_text};
use bailee_server::params;
use bailee_server::store::tables::{code, courier, org, person};
use bailee_vault::Secret;
use bailee_vault::code::{BankCodeKey, Candidate, CodeIndex, CodeSecret, find};
use bailee_vault::kek::MemoryKek;
use bailee_vault::seal::{Aad, PersonKey};
use bailee_vault::stretch::Cost;
use platform::{ADMIN_EMAIL, PASSWORD, Rig, START, ada, contains, holding, not_allowed, refused};
use support::Fresh;

on_every_engine![
    the_set_up_link_works_once,
    an_expired_or_replaced_set_up_link_does_nothing,
    a_bad_name_or_password_leaves_the_link_usable,
    a_second_start_opens_the_same_platform,
    a_wrong_key_file_does_not_open_the_platform,
    unknown_people_and_wrong_passwords_look_the_same,
    guessing_is_slowed_down_and_ends,
    sessions_end_by_idleness_and_by_age,
    a_session_is_new_with_every_sign_in_and_ends_with_sign_out,
    two_administrators_edit_at_once,
    an_email_address_belongs_to_one_person,
    two_additions_at_the_same_moment_make_one_person,
    every_wrong_field_is_named,
    a_look_at_a_person_is_logged_and_the_log_commits_to_the_details,
    lists_are_searched_and_paged_and_show_no_addresses,
    the_roster_lists_residents_as_they_are_now,
    a_removed_person_is_forgotten,
    nothing_confidential_is_readable_in_the_store,
    a_couriers_code_works_at_every_bank_and_is_kept_nowhere,
    a_code_one_slip_from_another_is_not_given_out,
    a_courier_moves_to_another_carrier,
    two_first_starts_at_once_make_one_platform,
    a_bank_enrolled_later_is_named_until_the_next_code,
    a_courier_without_a_bank_gets_a_code_later,
    roles_are_kept_apart,
    the_last_administrator_stays,
    a_token_is_worth_no_more_than_its_maker,
    a_token_ends_by_time_and_by_hand,
    settings_are_versioned_and_bounded,
    texts_are_checked_changed_and_reset,
    alerts_are_seen_and_acknowledged_within_scope,
    a_repeated_request_gets_the_first_answer,
];

const EVERYWHERE: Scope = Scope::Organisation;

fn resident<'a>(name: &'a str, unit: &'a str, email: &'a str) -> ResidentInput<'a> {
    ResidentInput { name, unit, email, phone: "", reach: Reach::Standard }
}

fn listed(role: Role, search: &str) -> ListPeople {
    ListPeople { role, search: search.into(), after: None, limit: 50 }
}

// Set-up and first start

async fn the_set_up_link_works_once(fresh: Fresh) {
    let rig = Rig::new(fresh).await;
    let link = set_up::offer(&rig.app).await.unwrap();
    assert!(set_up::is_valid(&rig.app, link.expose()).await.unwrap());
    let person = set_up::redeem(&rig.app, link.expose(), ada()).await.unwrap();
    let (by, event) = rig.last_event().await;
    assert_eq!(by, Actor::Anonymous);
    assert!(matches!(event, PlatformEventKind::AdministratorCreated { person: made, .. } if made == person));

    let eve = Administrator { name: "Eve", email: "eve@canary.example", password: PASSWORD };
    let again = set_up::redeem(&rig.app, link.expose(), eve).await;
    assert_eq!(refused(again), Err(Refused::NoLongerValid));
    let another = refused(set_up::offer(&rig.app).await).unwrap_err();
    assert_eq!(another, Refused::NotPossibleNow { why: "administrator_exists" });
    assert!(rig.signs_in(ADMIN_EMAIL, PASSWORD).await.is_ok());
}

async fn an_expired_or_replaced_set_up_link_does_nothing(fresh: Fresh) {
    let rig = Rig::new(fresh).await;
    let replaced = set_up::offer(&rig.app).await.unwrap();
    let expired = set_up::offer(&rig.app).await.unwrap();
    let tried = set_up::redeem(&rig.app, replaced.expose(), ada()).await;
    assert_eq!(refused(tried), Err(Refused::NoLongerValid));
    rig.later(set_up::VALID_MS);
    let tried = set_up::redeem(&rig.app, expired.expose(), ada()).await;
    assert_eq!(refused(tried), Err(Refused::NoLongerValid));
    let tried = set_up::redeem(&rig.app, "blu_nonsense", ada()).await;
    assert_eq!(refused(tried), Err(Refused::NoLongerValid));

    let link = set_up::offer(&rig.app).await.unwrap();
    rig.later(set_up::VALID_MS - 1);
    assert!(set_up::redeem(&rig.app, link.expose(), ada()).await.is_ok());
}

async fn a_bad_name_or_password_leaves_the_link_usable(fresh: Fresh) {
    let rig = Rig::new(fresh).await;
    let link = set_up::offer(&rig.app).await.unwrap();
    let bad = Administrator { name: " ", email: "ada", password: "short" };
    let tried = refused(set_up::redeem(&rig.app, link.expose(), bad).await).unwrap_err();
    let wrong = |field, code| FieldError { field, code };
    let expected =
        vec![wrong("name", "required"), wrong("email", "not_an_email"), wrong("password", "too_short")];
    assert_eq!(tried, Refused::Invalid(expected));
    assert!(set_up::redeem(&rig.app, link.expose(), ada()).await.is_ok());
}

async fn a_second_start_opens_the_same_platform(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let id = people::add_resident(&rig.app, &admin, resident("Bo", "1A", "bo@canary.example")).await.unwrap();
    let again = platform::open(rig.fresh.db.clone(), &rig.kek, rig.clock.clone(), 2).await;
    assert_eq!((again.org(), again.log_id()), (rig.app.org(), rig.app.log_id()));
    assert_eq!(people::find(&again, &admin, id).await.unwrap().details.name, "Bo");
    let started = rig.events().await.into_iter().filter(|(_, kind)| *kind == PlatformEventKind::LogStarted);
    assert_eq!(started.count(), 1);
    let (_, verifying) = (install::sequencer(&again), install::log_key(&again).unwrap().verifying);
    assert_eq!(verifying, install::log_key(&rig.app).unwrap().verifying);
}

async fn a_wrong_key_file_does_not_open_the_platform(fresh: Fresh) {
    let rig = Rig::new(fresh).await;
    let other = MemoryKek::from_key(&Secret::new([8; 32]));
    let outside = install::Outside {
        clock: Box::new(rig.clock.clone()),
        rng: Box::new(<rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::seed_from_u64(3)),
        cost: Cost::SIMULATION,
        ledger: install::LedgerDisk::Own(Box::new(MemoryDisk::default())),
    };
    let names = install::Names { org: "Oak Court".into(), site: "Oak Court".into() };
    let opened = install::open_or_create(rig.fresh.db.clone(), &other, outside, &names).await;
    assert!(matches!(opened, Err(install::InstallError::Keys(_))));
}

// Sign-in

async fn unknown_people_and_wrong_passwords_look_the_same(fresh: Fresh) {
    let (rig, _) = Rig::with_admin(fresh).await;
    for (email, password) in [
        (ADMIN_EMAIL, "wrong password, this one"),
        ("nobody@canary.example", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        (ADMIN_EMAIL, &"x".repeat(5_000)),
    ] {
        assert_eq!(rig.signs_in(email, password).await, Err(Refused::WrongCredentials), "{email}");
        assert_eq!(rig.last_event().await, (Actor::Anonymous, PlatformEventKind::SignInRefused));
    }
    assert!(rig.signs_in(" Ada@Canary.example", PASSWORD).await.is_ok(), "case and spaces do not matter");
}

async fn guessing_is_slowed_down_and_ends(fresh: Fresh) {
    let (rig, _) = Rig::with_admin(fresh).await;
    for email in [ADMIN_EMAIL, "nobody@canary.example"] {
        for _ in 0..5 {
            assert_eq!(rig.signs_in(email, "a wrong password").await, Err(Refused::WrongCredentials));
        }
        let waits = Err(Refused::TooManyTries { wait_s: 30 });
        assert_eq!(rig.signs_in(email, "a wrong password").await, waits);
        assert_eq!(rig.signs_in(email, PASSWORD).await, waits, "not even the right one");
    }
    rig.later(30_000);
    assert!(rig.signs_in(ADMIN_EMAIL, PASSWORD).await.is_ok());
    assert_eq!(
        rig.signs_in(ADMIN_EMAIL, "a wrong password").await,
        Err(Refused::WrongCredentials),
        "a success starts the count anew"
    );
    for _ in 0..200 {
        rig.later(3_600_000);
        let _ = rig.signs_in(ADMIN_EMAIL, "a wrong password").await;
    }
    rig.later(365 * 86_400_000);
    assert!(matches!(rig.signs_in(ADMIN_EMAIL, PASSWORD).await, Err(Refused::TooManyTries { .. })));
    sign_in::reopen(&rig.app, ADMIN_EMAIL).await.unwrap();
    assert!(rig.signs_in(ADMIN_EMAIL, PASSWORD).await.is_ok());
}

async fn sessions_end_by_idleness_and_by_age(fresh: Fresh) {
    let (rig, _) = Rig::with_admin(fresh).await;
    let token = rig.signs_in(ADMIN_EMAIL, PASSWORD).await.unwrap();
    let asks = async || refused(sign_in::principal_of_session(&rig.app, &token).await).map(|it| it.person);
    rig.later(sign_in::IDLE_MS - 1);
    assert!(asks().await.is_ok());
    rig.later(sign_in::IDLE_MS - 1);
    assert!(asks().await.is_ok(), "use keeps it");
    rig.later(sign_in::IDLE_MS);
    assert_eq!(asks().await, Err(Refused::NotSignedIn));

    let token = rig.signs_in(ADMIN_EMAIL, PASSWORD).await.unwrap();
    let asks = async || refused(sign_in::principal_of_session(&rig.app, &token).await).map(|it| it.person);
    for _ in 0..71 {
        rig.later(10 * 60_000);
        assert!(asks().await.is_ok());
    }
    rig.later(10 * 60_000);
    assert_eq!(asks().await, Err(Refused::NotSignedIn), "twelve hours are the end, used or not");
}

async fn a_session_is_new_with_every_sign_in_and_ends_with_sign_out(fresh: Fresh) {
    let (rig, _) = Rig::with_admin(fresh).await;
    let first = rig.signs_in(ADMIN_EMAIL, PASSWORD).await.unwrap();
    let Step::SignedIn(second) =
        sign_in::with_password(&rig.app, ADMIN_EMAIL, PASSWORD, Some(&first)).await.unwrap();
    let second = second.token.expose().to_owned();
    assert_ne!(first, second);
    let gone = sign_in::principal_of_session(&rig.app, &first).await;
    assert_eq!(refused(gone), Err(Refused::NotSignedIn));
    assert!(sign_in::principal_of_session(&rig.app, &second).await.is_ok());
    sign_in::sign_out(&rig.app, &second).await.unwrap();
    for token in [second.as_str(), "bls_nonsense", ""] {
        let gone = sign_in::principal_of_session(&rig.app, token).await;
        assert_eq!(refused(gone), Err(Refused::NotSignedIn));
    }
}

// People

async fn two_administrators_edit_at_once(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    let id = people::add_resident(app, &admin, resident("Bo", "1A", "bo@canary.example")).await.unwrap();
    let seen = people::find(app, &admin, id).await.unwrap().version;
    people::change(app, &admin, id, seen, resident("Bo", "2B", "bo@canary.example")).await.unwrap();
    let late = people::change(app, &admin, id, seen, resident("Bo", "3C", "bo@canary.example")).await;
    assert_eq!(refused(late), Err(Refused::Conflict { current: seen + 1 }));
    assert_eq!(
        refused(people::remove(app, &admin, id, seen).await),
        Err(Refused::Conflict { current: seen + 1 })
    );
    assert_eq!(people::find(app, &admin, id).await.unwrap().details.unit, "2B");
    people::change(app, &admin, id, seen + 1, resident("Bo", "3C", "bo@canary.example")).await.unwrap();
}

async fn an_email_address_belongs_to_one_person(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    people::add_resident(app, &admin, resident("Bo", "1A", "bo@canary.example")).await.unwrap();
    let taken = Err(Refused::AlreadyInUse { field: "email" });
    let second = people::add_resident(app, &admin, resident("Bob", "1B", "BO@canary.example ")).await;
    assert_eq!(refused(second), taken.clone());
    let cy = people::add_resident(app, &admin, resident("Cy", "1C", "cy@canary.example")).await.unwrap();
    let moved = people::change(app, &admin, cy, 1, resident("Cy", "1C", "bo@canary.example")).await;
    assert_eq!(refused(moved).map(|()| cy), taken);
    let other = people::find(app, &admin, cy).await.unwrap();
    assert_eq!(other.details.email.as_deref(), Some("cy@canary.example"));
}

async fn two_additions_at_the_same_moment_make_one_person(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let add = || people::add_resident(&rig.app, &admin, resident("Bo", "1A", "bo@canary.example"));
    let (one, other) = tokio::join!(add(), add());
    let results = [refused(one), refused(other)];
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    assert!(results.contains(&Err(Refused::AlreadyInUse { field: "email" })));
}

async fn every_wrong_field_is_named(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let long = "x".repeat(201);
    let input =
        ResidentInput { name: &long, unit: "", email: "bo", phone: "0151 1234567", reach: Reach::Low };
    let tried = refused(people::add_resident(&rig.app, &admin, input).await).unwrap_err();
    let wrong = |field, code| FieldError { field, code };
    let expected = vec![
        wrong("name", "too_long"),
        wrong("unit", "required"),
        wrong("email", "not_an_email"),
        wrong("phone", "phone_without_country"),
    ];
    assert_eq!(tried, Refused::Invalid(expected));
    let unreachable = refused(people::add_resident(&rig.app, &admin, resident("Bo", "1A", "")).await);
    let expected = vec![wrong("email", "email_or_phone_required")];
    assert_eq!(unreachable, Err(Refused::Invalid(expected)));
}

async fn a_look_at_a_person_is_logged_and_the_log_commits_to_the_details(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let id = people::add_resident(&rig.app, &admin, resident("Bo", "1A", "bo@canary.example")).await.unwrap();
    let (by, added) = rig.last_event().await;
    assert_eq!(by, admin.actor);
    let PlatformEventKind::PersonAdded { person, role: Role::Resident, details } = added else {
        panic!("{added:?}")
    };
    assert_eq!(person, id);
    let person = people::find(&rig.app, &admin, id).await.unwrap();
    assert_eq!(rig.last_event().await, (admin.actor, PlatformEventKind::PersonalDataRead { person: id }));
    // Whoever holds the person's key can prove what was logged; nobody else can even guess at it.
    let (salt, _) = sealed_details(&rig, id).await;
    let fields = [
        ("name", Some("Bo")),
        ("unit", Some("1A")),
        ("email", Some("bo@canary.example")),
        ("phone", None),
        ("reach", Some("standard")),
    ];
    assert_eq!(commitment::commit(people::COMMITMENT_LABEL, &fields, &salt), details);
    assert_ne!(commitment::commit(people::COMMITMENT_LABEL, &fields, &[0; 32]), details);
    assert_eq!(person.details.name, "Bo");
    let missing = people::find(&rig.app, &admin, PersonId::from_bytes([9; 16])).await;
    assert_eq!(refused(missing).map(|it| it.id), Err(Refused::NotFound));
}

/// What is sealed of a person: the salt of the commitment, and what it was made of.
async fn sealed_details(rig: &Rig, id: PersonId) -> ([u8; 32], Vec<u8>) {
    let org = rig.app.org();
    let row = rig.fresh.db.read(async move |tx| person::get(&tx, org, id).await).await.unwrap().unwrap();
    let bytes = id.to_bytes();
    let key = PersonKey::open(rig.app.keys().person(), &bytes, &row.key).unwrap();
    let place = Aad { table: "person", column: "details", row: &bytes };
    let opened = key.open_value(&place, &row.details).unwrap();
    let (salt, logged) = opened.expose().split_first_chunk().unwrap();
    (*salt, logged.to_vec())
}

async fn lists_are_searched_and_paged_and_show_no_addresses(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    for (name, unit, email) in [
        ("Bo", "1A", "bo@canary.example"),
        ("Cy", "2B", "cy@canary.example"),
        ("Di", "12A", "di@canary.example"),
    ] {
        rig.later(1);
        people::add_resident(&rig.app, &admin, resident(name, unit, email)).await.unwrap();
    }
    let names = |page: &people::PeoplePage| page.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    let before = rig.events().await.len();
    let all = people::list(&rig.app, &admin, listed(Role::Resident, "")).await.unwrap();
    assert_eq!((names(&all), all.total, all.next), (vec!["Bo".into(), "Cy".into(), "Di".into()], 3, None));
    assert_eq!(all.rows[0].email.as_deref(), Some("b…@canary.example"));
    let found = people::list(&rig.app, &admin, listed(Role::Resident, "2")).await.unwrap();
    assert_eq!(names(&found), ["Cy", "Di"]);
    let mut which = ListPeople { limit: 2, ..listed(Role::Resident, "") };
    let first = people::list(&rig.app, &admin, which.clone()).await.unwrap();
    assert_eq!(names(&first), ["Bo", "Cy"]);
    which.after = first.next;
    let second = people::list(&rig.app, &admin, which).await.unwrap();
    assert_eq!((names(&second), second.next), (vec!["Di".into()], None));
    assert_eq!(rig.events().await.len(), before, "a list is not a look at one person");
}

async fn the_roster_lists_residents_as_they_are_now(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let (app, org) = (rig.app.clone(), rig.app.org());
    let revision =
        async || rig.fresh.db.read(async move |tx| org::roster_revision(&tx, org).await).await.unwrap();
    let before = revision().await;
    let input = ResidentInput { reach: Reach::Low, ..resident("Bo", "1A", "bo@canary.example") };
    let person = people::add_resident(&app, &admin, input).await.unwrap();
    assert!(revision().await > before);
    let reader = app.clone();
    let rows: Result<_, AppError> =
        rig.fresh.db.read(async move |tx| people::roster_rows(&reader, &tx).await).await;
    let expected = Recipient { person, unit: "1A".into(), name: "Bo".into(), reach: Reach::Low };
    assert_eq!(rows.unwrap(), [expected], "the administrator gets no parcels");
}

async fn a_removed_person_is_forgotten(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    let id = people::add_resident(app, &admin, resident("Bo", "1A", "bo@canary.example")).await.unwrap();
    let text = id.to_string();
    let row = async || {
        let id = text.clone();
        let sql = "SELECT person_key, details, email_index, phone_index FROM person WHERE id = $1";
        let row = rig.fresh.db.read(async move |tx| tx.query_one(sql, params![&id]).await).await.unwrap();
        (0..4).map(|at| row.get::<Option<Vec<u8>>>(at).unwrap()).collect::<Vec<_>>()
    };
    let kept = row().await;
    people::remove(app, &admin, id, 1).await.unwrap();
    assert_eq!(rig.last_event().await, (admin.actor, PlatformEventKind::PersonRemoved { person: id }));
    assert_eq!(row().await, [None, None, None, None]);
    assert_eq!(refused(people::find(app, &admin, id).await).map(|it| it.id), Err(Refused::NotFound));

    // Somebody who kept the sealed details reads nothing: they do not open under any key that is left.
    let details = kept[1].clone().unwrap();
    let row = id.to_bytes();
    let place = Aad { table: "person", column: "details", row: &row };
    assert!(app.keys().person().open(&place, &details).is_err());
    assert!(!contains(&details, "Bo"));

    let again = people::add_resident(app, &admin, resident("Bo", "1A", "bo@canary.example")).await;
    assert!(again.is_ok(), "the address is free again");
}

async fn nothing_confidential_is_readable_in_the_store(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    rig.enrolled_bank("Lobby").await;
    let input = ResidentInput {
        name: "Zyxwina Canarysdottir",
        unit: "Unit-Quokka-77",
        email: "zyxwina@canary.example",
        phone: "+49 151 55512345",
        reach: Reach::Low,
    };
    let id = people::add_resident(app, &admin, input).await.unwrap();
    people::change(app, &admin, id, 1, ResidentInput { unit: "Unit-Numbat-78", ..input }).await.unwrap();
    people::find(app, &admin, id).await.unwrap();
    people::list(app, &admin, listed(Role::Resident, "zyx")).await.unwrap();
    let carrier = carriers::add(app, &admin, "Swift Parcels").await.unwrap();
    let courier = CourierInput { name: "Kurt Canary", carrier, email: "kurt@canary.example", phone: "" };
    let courier = couriers::add(app, &admin, courier).await.unwrap();
    let code = code_sent_to(&rig, courier.person).await;
    let session = rig.signs_in(ADMIN_EMAIL, PASSWORD).await.unwrap();
    let _ = rig.signs_in("stranger@canary.example", "a wrong password").await;
    let wanted = NewToken { name: "test", permissions: vec![Permission::ViewBanks], days: 1 };
    let token = tokens::create(app, &admin, wanted).await.unwrap().token;
    idempotency::begin(app, &admin, "key-1", [1; 32]).await.unwrap();
    idempotency::finish(app, &admin, "key-1", 201, token.expose().as_bytes()).await.unwrap();

    let mut bytes = rig.everything_stored().await;
    for file in std::fs::read_dir(rig.fresh.dir.path()).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    assert!(
        contains(&bytes, "Swift Parcels"),
        "carriers are companies: the search does find what is in clear"
    );
    for canary in [
        "Zyxwina",
        "Canarysdottir",
        "Quokka",
        "Numbat",
        "canary.example",
        "15155512345",
        "Kurt",
        "Ada Canary",
        PASSWORD,
        session.as_str(),
        token.expose(),
        code.as_str(),
        &format!("{} {}", &code[..4], &code[4..]),
    ] {
        assert!(!contains(&bytes, canary), "{canary} is readable");
    }
}

// Couriers

/// The code in the letter that waits for a courier: what a gateway would be handed.
async fn code_sent_to(rig: &Rig, person: PersonId) -> String {
    let sql = "SELECT id, variables FROM message WHERE person = $1 AND template = 'courier_code'
        AND state = 'waiting'";
    let row = rig
        .fresh
        .db
        .read(async move |tx| tx.query_one(sql, params![person.to_string()]).await)
        .await
        .unwrap();
    let id: bailee_domain::id::MessageId = row.get::<String>("id").unwrap().parse().unwrap();
    let (id, sealed) = (id.to_bytes(), row.get::<Vec<u8>>("variables").unwrap());
    let place = Aad { table: "message", column: "variables", row: &id };
    let clear = rig.app.keys().outbox().open(&place, &sealed).unwrap();
    let digits = clear.expose().windows(8).find(|eight| eight.iter().all(u8::is_ascii_digit)).unwrap();
    String::from_utf8(digits.to_vec()).unwrap()
}

/// Whose code a bank takes this for.
async fn bank_recognises(rig: &Rig, bank: bailee_domain::id::BankId, code: &str) -> Option<PersonId> {
    let org = rig.app.org();
    let passes = rig.fresh.db.read(async move |tx| courier::passes_at(&tx, org, bank).await).await.unwrap();
    let key = BankCodeKey {
        tenant: org.to_bytes(),
        bank: bank.to_bytes(),
        epoch: 1,
        key: Secret::new([9; 32]),
        salt: [4; 16],
        cost: Cost::SIMULATION,
    };
    let candidates = passes.iter().map(|pass| Candidate {
        subject: pass.person.to_bytes(),
        salt: pass.verifier.salt,
        verifier: pass.verifier.mac,
    });
    find(&key.stretch(&CodeSecret::parse(code).unwrap()), candidates).map(PersonId::from_bytes)
}

async fn add_courier(rig: &Rig, admin: &Principal) -> couriers::Added {
    let carrier = carriers::add(&rig.app, admin, "Swift Parcels").await.unwrap();
    let input = CourierInput { name: "Kurt", carrier, email: "kurt@canary.example", phone: "" };
    couriers::add(&rig.app, admin, input).await.unwrap()
}

async fn a_couriers_code_works_at_every_bank_and_is_kept_nowhere(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let banks = [rig.enrolled_bank("Lobby").await, rig.enrolled_bank("Garage").await];
    let kurt = add_courier(&rig, &admin).await;
    assert_eq!(kurt.code, Some(CodeIssued { generation: 1, channel: Channel::Email, banks: 2 }));
    assert!(rig.events().await.iter().any(|(by, kind)| *by == admin.actor
        && *kind == PlatformEventKind::CourierCodeIssued { courier: kurt.person }));
    let first = code_sent_to(&rig, kurt.person).await;
    for bank in banks {
        assert_eq!(bank_recognises(&rig, bank, &first).await, Some(kurt.person));
    }
    assert!(!contains(&rig.everything_stored().await, &first));

    couriers::issue_code(&rig.app, &admin, kurt.person).await.unwrap();
    let second = code_sent_to(&rig, kurt.person).await;
    assert_ne!(first, second);
    for bank in banks {
        assert_eq!(bank_recognises(&rig, bank, &second).await, Some(kurt.person));
        assert_eq!(bank_recognises(&rig, bank, &first).await, None, "the code before is dead");
    }
    couriers::remove(&rig.app, &admin, kurt.person, 1).await.unwrap();
    assert_eq!(bank_recognises(&rig, banks[0], &second).await, None);
}

async fn a_code_one_slip_from_another_is_not_given_out(fresh: Fresh) {
    // Two platforms with the same randomness would give out the same code, were it not taken on one of them.
    let free = support::fresh(support::On::SqliteMemory).await.unwrap();
    let (free, admin) = Rig::with_admin(free).await;
    free.enrolled_bank("Lobby").await;
    let kurt = add_courier(&free, &admin).await;
    let code = CodeSecret::parse(&code_sent_to(&free, kurt.person).await).unwrap();

    let (taken, admin) = Rig::with_admin(fresh).await;
    let bank = taken.enrolled_bank("Lobby").await;
    let names = CodeIndex::new(&taken.app.keys().code_name, bank.to_bytes());
    let neighbour = names.name(&code.neighbours()[40]);
    let took =
        taken.fresh.db.tx(async move |tx| code::take_name(&tx, bank, neighbour, "another").await).await;
    took.unwrap();
    let kurt = add_courier(&taken, &admin).await;
    assert_ne!(code_sent_to(&taken, kurt.person).await, code.expose());
}

async fn a_courier_moves_to_another_carrier(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let bank = rig.enrolled_bank("Lobby").await;
    let kurt = add_courier(&rig, &admin).await.person;
    let code = code_sent_to(&rig, kurt).await;
    let carrier = carriers::add(&rig.app, &admin, "Night Mail").await.unwrap();
    let input = CourierInput { name: "Kurt", carrier, email: "", phone: "+49 151 5551234" };
    couriers::change(&rig.app, &admin, kurt, 1, input).await.unwrap();
    let late = couriers::change(&rig.app, &admin, kurt, 1, input).await;
    assert_eq!(refused(late), Err(Refused::Conflict { current: 2 }));
    let found = people::find(&rig.app, &admin, kurt).await.unwrap();
    assert_eq!(found.courier.unwrap().carrier_name, "Night Mail");
    assert_eq!((found.details.email, found.details.phone.as_deref()), (None, Some("+491515551234")));
    assert_eq!(bank_recognises(&rig, bank, &code).await, Some(kurt), "the code stays");
    let again = couriers::issue_code(&rig.app, &admin, kurt).await.unwrap();
    assert_eq!(again.channel, Channel::Sms);
    let counts = carriers::list(&rig.app, &admin).await.unwrap();
    let counts: Vec<_> = counts.iter().map(|row| (row.name.as_str(), row.couriers)).collect();
    assert_eq!(counts, [("Night Mail", 1), ("Swift Parcels", 0)]);
    let twice = carriers::add(&rig.app, &admin, "Night Mail").await;
    assert_eq!(refused(twice), Err(Refused::AlreadyInUse { field: "name" }));
}

async fn two_first_starts_at_once_make_one_platform(fresh: Fresh) {
    let kek = MemoryKek::from_key(&Secret::new([7; 32]));
    let clock = std::sync::Arc::new(bailee_server::app::TestClock::at(START));
    let start = |seed| platform::open(fresh.db.clone(), &kek, clock.clone(), seed);
    let (one, other) = tokio::join!(start(1), start(2));
    assert_eq!(one.org(), other.org());
    assert_eq!(one.keys().log.public().0, other.keys().log.public().0);
}

async fn a_bank_enrolled_later_is_named_until_the_next_code(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    rig.enrolled_bank("Lobby").await;
    let kurt = add_courier(&rig, &admin).await;
    let later = rig.enrolled_bank("Garage").await;
    let missing = async || {
        let page = couriers::list(&rig.app, &admin, "", None, 50).await.unwrap();
        assert_eq!((page.rows.len(), page.total), (1, 1));
        page.rows[0].missing_at.clone()
    };
    assert_eq!(missing().await, [(later, "Garage".to_owned())]);
    couriers::issue_code(&rig.app, &admin, kurt.person).await.unwrap();
    assert_eq!(missing().await, []);
}

async fn a_courier_without_a_bank_gets_a_code_later(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let kurt = add_courier(&rig, &admin).await;
    assert_eq!(kurt.code, None);
    let tried = couriers::issue_code(&rig.app, &admin, kurt.person).await;
    assert_eq!(refused(tried), Err(Refused::NotPossibleNow { why: "no_bank_enrolled" }));
    rig.enrolled_bank("Lobby").await;
    assert!(couriers::issue_code(&rig.app, &admin, kurt.person).await.is_ok());
    let nobody = couriers::issue_code(&rig.app, &admin, PersonId::from_bytes([3; 16])).await;
    assert_eq!(refused(nobody), Err(Refused::NotFound));
}

// Rights

async fn roles_are_kept_apart(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    let site = Scope::Site(rig.site().await);
    let bo = resident("Bo", "1A", "bo@canary.example");
    for (role, scope) in [
        (Role::Resident, EVERYWHERE),
        (Role::Courier, EVERYWHERE),
        (Role::Technician, EVERYWHERE),
        (Role::Auditor, EVERYWHERE),
        (Role::Operator, site),
    ] {
        let caller = holding(1, &[(role, scope)]);
        let tried = refused(people::add_resident(app, &caller, bo).await);
        assert_eq!(tried, Err(not_allowed(Permission::ManagePeople)), "{role:?}");
        let denied = PlatformEventKind::PermissionDenied { permission: Permission::ManagePeople };
        assert_eq!(rig.last_event().await, (caller.actor, denied));
    }
    let nobody = Principal { actor: Actor::Anonymous, roles: Vec::new(), limited_to: None };
    let before = rig.events().await.len();
    assert_eq!(refused(people::add_resident(app, &nobody, bo).await), Err(Refused::NotSignedIn));
    assert_eq!(rig.events().await.len(), before, "strangers cannot fill the log");

    let operator = holding(2, &[(Role::Operator, EVERYWHERE)]);
    people::add_resident(app, &operator, bo).await.unwrap();
    let Actor::Person(ada) = admin.actor else { panic!() };
    let takeover = people::change(app, &operator, ada, 1, resident("Eve", "", "eve@canary.example")).await;
    assert_eq!(refused(takeover), Err(not_allowed(Permission::ManageStaff)));
    let plain_admin = holding(3, &[(Role::Admin, EVERYWHERE)]);
    let over = people::remove(app, &plain_admin, ada, 1).await;
    assert_eq!(refused(over), Err(not_allowed(Permission::ManageStaff)), "nobody is above themselves");
    let refused_settings = templates::all(app, &operator).await;
    assert_eq!(refused(refused_settings).map(|_| ()), Err(not_allowed(Permission::ManageSettings)));
}

async fn the_last_administrator_stays(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let Actor::Person(ada) = admin.actor else { panic!() };
    let tried = people::remove(&rig.app, &admin, ada, 1).await;
    assert_eq!(refused(tried), Err(Refused::NotPossibleNow { why: "last_administrator" }));
    let bo = people::add_resident(&rig.app, &admin, resident("Bo", "1A", "bo@canary.example")).await.unwrap();
    rig.give(bo, Role::SuperAdmin, EVERYWHERE).await;
    let session = rig.signs_in(ADMIN_EMAIL, PASSWORD).await.unwrap();
    people::remove(&rig.app, &admin, ada, 1).await.unwrap();
    let gone = sign_in::principal_of_session(&rig.app, &session).await;
    assert_eq!(refused(gone), Err(Refused::NotSignedIn));
    assert_eq!(rig.signs_in(ADMIN_EMAIL, PASSWORD).await, Err(Refused::WrongCredentials));
}

async fn a_token_is_worth_no_more_than_its_maker(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    let wanted = |permissions| NewToken { name: "test", permissions, days: 30 };
    let made =
        tokens::create(app, &admin, wanted(vec![Permission::ViewPeople, Permission::ManageTokens])).await;
    let made = made.unwrap();
    let program = sign_in::principal_of_token(app, made.token.expose()).await.unwrap();
    assert_eq!(program.actor, Actor::Token(made.id));
    assert!(people::list(app, &program, listed(Role::Resident, "")).await.is_ok());
    let bo = resident("Bo", "1A", "bo@canary.example");
    let more = people::add_resident(app, &program, bo).await;
    assert_eq!(refused(more), Err(not_allowed(Permission::ManagePeople)));
    let child = tokens::create(app, &program, wanted(vec![Permission::ViewPeople])).await;
    assert_eq!(refused(child).map(|it| it.id), Err(not_allowed(Permission::ManageTokens)));

    let site_admin = holding(4, &[(Role::Admin, Scope::Site(rig.site().await))]);
    let tried = tokens::create(app, &site_admin, wanted(vec![Permission::ViewBanks])).await;
    assert_eq!(refused(tried).map(|it| it.id), Err(not_allowed(Permission::ManageTokens)));

    // The maker's removal takes the token's power with it.
    let Actor::Person(ada) = admin.actor else { panic!() };
    let bo = people::add_resident(app, &admin, bo).await.unwrap();
    rig.give(bo, Role::SuperAdmin, EVERYWHERE).await;
    people::remove(app, &admin, ada, 1).await.unwrap();
    let program = sign_in::principal_of_token(app, made.token.expose()).await.unwrap();
    let tried = people::list(app, &program, listed(Role::Resident, "")).await;
    assert_eq!(refused(tried).map(|_| ()), Err(not_allowed(Permission::ViewPeople)));
}

async fn a_token_ends_by_time_and_by_hand(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    let wanted = |days| NewToken { name: "test", permissions: vec![Permission::ViewBanks], days };
    for days in [0, 366] {
        let tried = refused(tokens::create(app, &admin, wanted(days)).await).map(|it| it.id);
        let wrong = FieldError { field: "days", code: "not_1_to_365" };
        assert_eq!(tried, Err(Refused::Invalid(vec![wrong])));
    }
    let short = tokens::create(app, &Principal::PLATFORM, wanted(1)).await.unwrap();
    let long = tokens::create(app, &admin, wanted(365)).await.unwrap();
    assert!(sign_in::principal_of_token(app, short.token.expose()).await.is_ok());
    rig.later(86_400_000);
    let tried = sign_in::principal_of_token(app, short.token.expose()).await;
    assert_eq!(refused(tried), Err(Refused::NotSignedIn));
    assert!(sign_in::principal_of_token(app, long.token.expose()).await.is_ok());
    assert_eq!(tokens::list(app, &admin).await.unwrap().len(), 2);
    tokens::revoke(app, &admin, long.id).await.unwrap();
    tokens::revoke(app, &admin, long.id).await.unwrap();
    let tried = sign_in::principal_of_token(app, long.token.expose()).await;
    assert_eq!(refused(tried), Err(Refused::NotSignedIn));
    assert_eq!(rig.last_event().await.1, PlatformEventKind::TokenRevoked { token: long.id });
}

// Settings, texts, alerts, idempotency

async fn settings_are_versioned_and_bounded(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    let now = settings::site(app, &admin).await.unwrap();
    assert_eq!((now.name.as_str(), now.expiry_days), ("Oak Court", 7));
    let input = SiteInput {
        name: "Elm Court",
        help: "Call 555",
        expiry_days: 10,
        receipt_days: Some(30),
        version: now.version,
    };
    settings::change_site(app, &admin, input).await.unwrap();
    let late = settings::change_site(app, &admin, input).await;
    assert_eq!(refused(late), Err(Refused::Conflict { current: now.version + 1 }));
    let wrong = SiteInput { name: "", help: "a\tb", expiry_days: 31, receipt_days: Some(366), ..input };
    let bad = SiteInput { version: now.version + 1, ..wrong };
    let Err(Refused::Invalid(wrong)) = refused(settings::change_site(app, &admin, bad).await) else {
        panic!()
    };
    assert_eq!(
        wrong.iter().map(|it| it.field).collect::<Vec<_>>(),
        ["name", "help", "expiry_days", "receipt_days"]
    );
    let changed: Vec<_> = rig
        .events()
        .await
        .into_iter()
        .filter_map(|(_, kind)| match kind {
            PlatformEventKind::SettingChanged { what } if what.starts_with("site") => Some(what),
            _ => None,
        })
        .collect();
    assert_eq!(changed, ["site.name", "site.help", "site.expiry_days", "site.receipt_days"]);
}

async fn texts_are_checked_changed_and_reset(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    let key = TemplateKey::CourierCode;
    let mut text = default_text(key, Language::En);
    text.subject = "Your code, {{ name }}".into();
    let Saved::Faulty(faults) = templates::change(app, &admin, key, text.clone(), 0).await.unwrap() else {
        panic!("a name must never stand in a text")
    };
    assert_eq!(faults.len(), 1);
    text.subject = "Your code for {{ site }}".into();
    assert!(templates::preview(app, &admin, key, &text).await.unwrap().is_ok());
    let saved = templates::change(app, &admin, key, text.clone(), 0).await.unwrap();
    assert_eq!(saved, Saved::Saved { version: 1 });
    let late = templates::change(app, &admin, key, text.clone(), 0).await;
    assert_eq!(refused(late), Err(Refused::Conflict { current: 1 }));
    let find = async || {
        let all = templates::all(app, &admin).await.unwrap();
        all.into_iter().find(|setting| setting.key == key).unwrap()
    };
    assert_eq!((find().await.text, find().await.edited), (text, true));
    assert_eq!(templates::reset(app, &admin, key, 1).await.unwrap(), 2);
    assert_eq!((find().await.text, find().await.edited), (default_text(key, Language::En), false));
}

async fn alerts_are_seen_and_acknowledged_within_scope(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    let banks = [rig.enrolled_bank("Lobby").await, rig.enrolled_bank("Garage").await];
    let org = app.org().to_string();
    let ids = [1, 2, 3].map(|n| AlertId::from_bytes([n; 16]));
    let raised: Result<(), AppError> = rig
        .fresh
        .db
        .tx(async move |tx| {
            for (id, bank) in ids.iter().zip([banks[0], banks[1], banks[0]]) {
                let sql =
                    "INSERT INTO alert (id, org, bank, kind, at, state) VALUES ($1, $2, $3, $4, $5, 'open')";
                let kind = "CompartmentForced";
                tx.exec(sql, params![id.to_string(), &org, bank.to_string(), kind, START.unix_ms()]).await?;
            }
            Ok(())
        })
        .await;
    raised.unwrap();
    let which = |before| ListAlerts { filter: AlertFilter::Open, before, limit: 2 };
    let page = alerts::list(app, &admin, which(None)).await.unwrap();
    assert_eq!((page.rows.len(), page.open, page.next), (2, 3, Some(ids[1])));
    let rest = alerts::list(app, &admin, which(page.next)).await.unwrap();
    assert_eq!((rest.rows[0].id, rest.rows.len(), rest.next), (ids[0], 1, None));

    let local = holding(5, &[(Role::Technician, Scope::Bank(banks[1]))]);
    let seen = alerts::list(app, &local, which(None)).await.unwrap();
    assert_eq!((seen.rows.len(), seen.open, seen.rows[0].name.as_str()), (1, 1, "Garage"));
    let elsewhere = alerts::acknowledge(app, &local, ids[0]).await;
    assert_eq!(refused(elsewhere), Err(not_allowed(Permission::HandleAlerts)));
    alerts::acknowledge(app, &local, ids[1]).await.unwrap();
    let by = PlatformEventKind::AlertAcknowledged { alert: ids[1] };
    assert_eq!(rig.last_event().await, (local.actor, by));
    let events = rig.events().await.len();
    alerts::acknowledge(app, &admin, ids[1]).await.unwrap();
    assert_eq!(rig.events().await.len(), events, "the first to do so stands");
    let auditor = holding(6, &[(Role::Auditor, EVERYWHERE)]);
    assert_eq!(alerts::list(app, &auditor, which(None)).await.unwrap().open, 2);
    let resident = holding(7, &[(Role::Resident, EVERYWHERE)]);
    let tried = alerts::list(app, &resident, which(None)).await;
    assert_eq!(refused(tried).map(|_| ()), Err(not_allowed(Permission::ViewAlerts)));
    let unknown = alerts::acknowledge(app, &admin, AlertId::from_bytes([9; 16])).await;
    assert_eq!(refused(unknown), Err(Refused::NotFound));
}

async fn a_repeated_request_gets_the_first_answer(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let app = &rig.app;
    let begin = async |who: &Principal, key: &str, hash: u8| {
        refused(idempotency::begin(app, who, key, [hash; 32]).await)
    };
    let other = holding(8, &[(Role::Admin, EVERYWHERE)]);
    assert_eq!(begin(&admin, "k", 1).await, Ok(Begun::New));
    assert_eq!(begin(&admin, "k", 1).await, Ok(Begun::InFlight));
    assert_eq!(begin(&other, "k", 1).await, Ok(Begun::New), "keys are the caller's own");
    idempotency::finish(app, &admin, "k", 201, b"answer").await.unwrap();
    let answer = Begun::Replay { status: 201, body: b"answer".to_vec() };
    assert_eq!(begin(&admin, "k", 1).await, Ok(answer));
    assert_eq!(begin(&admin, "k", 2).await, Ok(Begun::Mismatch));
    idempotency::forget(app, &other, "k").await.unwrap();
    assert_eq!(begin(&other, "k", 2).await, Ok(Begun::New));
    rig.later(idempotency::KEPT_MS + 1);
    assert_eq!(begin(&admin, "k", 2).await, Ok(Begun::New), "after a day the key is free");
    let nobody = Principal { actor: Actor::Anonymous, roles: Vec::new(), limited_to: None };
    assert_eq!(begin(&nobody, "k", 1).await, Err(Refused::NotSignedIn));
    assert!(matches!(begin(&admin, &"k".repeat(129), 1).await, Err(Refused::Invalid(_))));
}

/// Web handlers run on several threads: what a use case returns has to be movable between them.
#[test]
fn a_use_case_can_be_awaited_by_a_handler() {
    fn movable<T: Send>(_: &T) {}
    fn check(app: &bailee_server::app::App, who: &Principal) {
        movable(&people::add_resident(app, who, resident("", "", "")));
        movable(&couriers::issue_code(app, who, PersonId::from_bytes([0; 16])));
        movable(&sign_in::with_password(app, "", "", None));
        movable(&idempotency::begin(app, who, "", [0; 32]));
    }
    let _ = check;
}
