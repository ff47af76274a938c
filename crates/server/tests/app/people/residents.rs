//! Residents: added, changed, found, removed, and nowhere readable.

use super::*;

on_every_engine![
    two_administrators_edit_at_once,
    an_email_address_belongs_to_one_person,
    two_additions_at_the_same_moment_make_one_person,
    every_wrong_field_is_named,
    a_look_at_a_person_is_logged_and_the_log_commits_to_the_details,
    lists_are_searched_and_paged_and_show_no_addresses,
    the_roster_lists_residents_as_they_are_now,
    a_removed_person_is_forgotten,
    nothing_confidential_is_readable_in_the_store,
];

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
