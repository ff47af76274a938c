//! What becomes of attached files when somebody they concern is erased.

use super::*;
use bailee_domain::compartment::CompartmentNo;
use bailee_server::app::files::{self, About, NewFile};

on_every_engine![files_of_an_erased_persons_parcels_are_destroyed, a_hold_keeps_the_files_of_a_parcel];

const PHOTO: &[u8] = b"\xff\xd8\xff Zyxwina Canarysdottir opens her parcel";

impl House {
    async fn attach(&self, about: About, note: &str) -> bailee_domain::id::FileId {
        let new = NewFile { about, name: "photo.jpg".into(), note: note.into(), content: PHOTO.to_vec() };
        files::attach(&self.app, &self.admin, new).await.unwrap()
    }
}

async fn files_of_an_erased_persons_parcels_are_destroyed(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let parcel = house.delivered().await;
    house.collected(parcel).await;
    let theirs = house.attach(About::Parcel(parcel), "Inside").await;
    let door = About::Compartment(house.bank.id, CompartmentNo(5));
    let naming = house.attach(door, "as zyxwina canarysdottir said").await;
    let bundle = house.bundle(Subject::Span, Telling::Nobody, "Claim 4711").await;
    let secrets = house.secrets(house.canary).await;

    erase::erase(app, admin, house.canary, "Request of 3 May").await.unwrap();
    house.verified().await;
    assert_found_nowhere(&house, &CANARIES[..4], &secrets);
    assert_eq!(refused(files::fetch(app, admin, theirs).await).err(), Some(Refused::NotFound));
    assert!(files::list(app, admin, About::Parcel(parcel)).await.unwrap()[0].row.destroyed_at.is_some());
    let other = files::list(app, admin, door).await.unwrap().remove(0);
    assert_eq!(
        (other.row.id, other.note.as_str()),
        (naming, ""),
        "it stays, without the words that named them"
    );
    assert_eq!(files::fetch(app, admin, naming).await.unwrap().1.expose(), PHOTO);
    assert_eq!(evidence::find(app, admin, bundle).await.unwrap().row.state, State::Gone);
    let late = NewFile {
        about: About::Parcel(parcel),
        name: String::new(),
        note: String::new(),
        content: PHOTO.into(),
    };
    let erased = Refused::NotPossibleNow { why: "erased" };
    assert_eq!(refused(files::attach(app, admin, late).await).err(), Some(erased));
    house.bundle(Subject::Span, Telling::Nobody, "What is left").await;
}

async fn a_hold_keeps_the_files_of_a_parcel(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let parcel = house.delivered().await;
    let file = house.attach(About::Parcel(parcel), "Inside").await;
    for what in [Protected::Parcel(parcel), Protected::Person(house.canary), Protected::Person(house.courier)]
    {
        let hold = NewHold { what, reason: "Case 4711/26", owner: "Legal, Dana Owner" };
        let hold = legal_hold::place(app, admin, hold).await.unwrap();
        assert_eq!(legal_hold::on_parcel(app, admin, parcel).await.unwrap().len(), 1, "{what:?}");
        let held = Refused::NotPossibleNow { why: "legal_hold" };
        assert_eq!(refused(files::destroy(app, admin, file).await).err(), Some(held), "{what:?}");
        legal_hold::lift(app, admin, hold).await.unwrap();
    }
    files::destroy(app, admin, file).await.unwrap();
    assert!(files::fetch(app, admin, file).await.is_err());
}
