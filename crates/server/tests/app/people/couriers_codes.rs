//! Couriers, their carriers and their codes.

use super::*;

on_every_engine![
    a_couriers_code_works_at_every_bank_and_is_kept_nowhere,
    a_code_one_slip_from_another_is_not_given_out,
    a_courier_moves_to_another_carrier,
    a_bank_enrolled_later_is_named_until_the_next_code,
    a_courier_without_a_bank_gets_a_code_later,
];

// Couriers

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
    let free = crate::support::fresh(crate::support::On::SqliteMemory).await.unwrap();
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
