//! What staff may do: roles, tokens, settings, texts, alerts.

use super::*;

on_every_engine![
    roles_are_kept_apart,
    the_last_administrator_stays,
    a_token_is_worth_no_more_than_its_maker,
    a_token_ends_by_time_and_by_hand,
    settings_are_versioned_and_bounded,
    texts_are_checked_changed_and_reset,
    alerts_are_seen_and_acknowledged_within_scope,
    a_repeated_request_gets_the_first_answer,
];

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
