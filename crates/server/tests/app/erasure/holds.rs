//! What forbids erasing somebody, and who may.

use super::*;

on_every_engine![a_hold_blocks_erasure_until_it_is_lifted, custody_comes_first_and_strangers_may_not,];

async fn a_hold_blocks_erasure_until_it_is_lifted(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let parcel = house.delivered().await;
    house.collected(parcel).await;
    let on = |what| NewHold { what, reason: "Case 4711/26", owner: "Legal, Dana Owner" };
    for what in [Protected::Person(house.canary), Protected::Parcel(parcel)] {
        let hold = legal_hold::place(app, admin, on(what)).await.unwrap();
        let blocked = Refused::NotPossibleNow { why: "legal_hold" };
        let tried = erase::erase(app, admin, house.canary, "Request of 3 May").await;
        assert_eq!(refused(tried).err(), Some(blocked.clone()), "{what:?}");
        let version = people::find(app, admin, house.canary).await.unwrap().version;
        let removed = people::remove(app, admin, house.canary, version).await;
        assert_eq!(refused(removed), Err(blocked), "removing destroys the same");
        let shown = legal_hold::on_person(app, admin, house.canary).await.unwrap();
        assert_eq!((shown.len(), shown[0].reason.as_str()), (1, "Case 4711/26"));
        assert_eq!((shown[0].owner.as_str(), shown[0].what), ("Legal, Dana Owner", what));
        assert!(!contains(&house.rig.everything_stored().await, "Case 4711"), "reasons lie sealed");
        legal_hold::lift(app, admin, hold).await.unwrap();
        legal_hold::lift(app, admin, hold).await.unwrap();
        assert_eq!(legal_hold::on_person(app, admin, house.canary).await.unwrap(), []);
    }
    let filter = |kind: &str| LogFilter { kind: Some(kind.into()), ..LogFilter::default() };
    for (kind, times) in [("LegalHoldPlaced", 2), ("LegalHoldLifted", 2), ("ErasureRefused", 4)] {
        let page = ListLog { filter: filter(kind), before: None, limit: 100 };
        assert_eq!(log::list(app, admin, page).await.unwrap().rows.len(), times, "{kind}");
    }
    erase::erase(app, admin, house.canary, "Request of 3 May").await.unwrap();
    house.verified().await;
    let late = legal_hold::place(app, admin, on(Protected::Person(house.canary))).await;
    assert_eq!(refused(late).err(), Some(Refused::NotFound), "there is nothing left to hold");
}

async fn custody_comes_first_and_strangers_may_not(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let invalid = |code| Refused::Invalid(vec![FieldError { field: "reason", code }]);
    for (reason, code) in [(" ", "required"), ("zyxwina canarysdottir asked", "names_the_person")] {
        let tried = erase::erase(app, admin, house.canary, reason).await;
        assert_eq!(refused(tried).err(), Some(invalid(code)));
    }
    let parcel = house.delivered().await;
    let waiting = Refused::NotPossibleNow { why: "parcel_waiting" };
    assert_eq!(refused(erase::erase(app, admin, house.canary, "Request").await).err(), Some(waiting));
    house.collected(parcel).await;
    for role in Role::ALL {
        let whose = holding(7, &[(role, Scope::Organisation)]);
        let hold = NewHold { what: Protected::Person(house.canary), reason: "r", owner: "o" };
        let placed = refused(legal_hold::place(app, &whose, hold).await);
        let may = matches!(role, Role::Admin | Role::SuperAdmin);
        assert_eq!(placed.is_ok(), may, "{role:?}");
        match placed {
            Ok(hold) => legal_hold::lift(app, &whose, hold).await.unwrap(),
            Err(refusal) => {
                assert_eq!(refusal, not_allowed(Permission::ManageHolds));
                let tried = refused(erase::erase(app, &whose, house.canary, "Request").await).err();
                assert_eq!(tried, Some(not_allowed(Permission::ErasePeople)));
            }
        }
    }
    let last = match admin.actor {
        bailee_domain::platform::Actor::Person(person) => person,
        _ => panic!("a person"),
    };
    let only = Refused::NotPossibleNow { why: "last_administrator" };
    assert_eq!(refused(erase::erase(app, admin, last, "Request").await).err(), Some(only));
}
