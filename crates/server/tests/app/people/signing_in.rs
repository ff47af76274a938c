//! Signing in, guessing, and the end of sessions.

use super::*;

on_every_engine![
    unknown_people_and_wrong_passwords_look_the_same,
    guessing_is_slowed_down_and_ends,
    sessions_end_by_idleness_and_by_age,
    a_session_is_new_with_every_sign_in_and_ends_with_sign_out,
];

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
