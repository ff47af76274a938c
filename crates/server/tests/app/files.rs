//! Photos and other files attached for evidence: what is taken, who may, and what destroys one.

use bailee_domain::access::{Permission, Role, Scope};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{BankId, FileId, ParcelId};
use bailee_server::app::files::{self, About, MAX_ABOUT_ONE, MAX_BYTES, NewFile};
use bailee_server::app::log::{self, ListLog, LogFilter, LogRow};
use bailee_server::app::{App, AppError, FieldError, Principal, Refused};

use crate::app_bank::FakeBank;
use crate::on_every_engine;
use crate::platform::{Rig, contains, holding, not_allowed, refused};
use crate::support::Fresh;

on_every_engine![
    a_file_is_attached_opened_and_destroyed_and_the_log_says_so,
    what_is_no_photo_or_document_is_not_taken,
    who_may_attach_open_and_destroy,
    one_thing_has_so_many_files_and_no_more,
];

const DOOR: CompartmentNo = CompartmentNo(4);
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on";

struct World {
    rig: Rig,
    admin: Principal,
    bank: FakeBank,
}

impl World {
    async fn new(fresh: Fresh) -> Self {
        let (rig, admin) = Rig::with_admin(fresh).await;
        let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
        Self { rig, admin, bank }
    }

    fn app(&self) -> &App {
        &self.rig.app
    }

    fn door(&self) -> About {
        About::Compartment(self.bank.id, DOOR)
    }

    async fn attach(&self, whose: &Principal, about: About, content: &[u8]) -> Result<FileId, AppError> {
        let (name, note) = ("C:\\photos\\door.png".into(), "A scratched door".into());
        files::attach(self.app(), whose, NewFile { about, name, note, content: content.to_vec() }).await
    }

    async fn lines(&self, kind: &str) -> Vec<LogRow> {
        let filter = LogFilter { kind: Some(kind.into()), ..LogFilter::default() };
        let page = ListLog { filter, before: None, limit: 100 };
        log::list(self.app(), &self.admin, page).await.unwrap().rows
    }
}

async fn a_file_is_attached_opened_and_destroyed_and_the_log_says_so(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (app, admin) = (world.app(), &world.admin);
    let id = world.attach(admin, world.door(), PNG).await.unwrap();
    let attached = world.lines("FileAttached").await;
    assert_eq!(attached.len(), 1);
    assert_eq!((attached[0].line.bank, attached[0].line.compartment), (Some(world.bank.id), Some(DOOR)));
    assert!(!contains(&world.rig.everything_stored().await, "and so on"), "the content lies sealed");
    assert!(!contains(&world.rig.everything_stored().await, "scratched"), "and so do its words");

    let listed = files::list(app, admin, world.door()).await.unwrap();
    assert_eq!((listed[0].name.as_str(), listed[0].note.as_str()), ("door.png", "A scratched door"));
    assert_eq!((listed[0].row.kind.as_str(), listed[0].row.bytes), ("png", PNG.len() as u64));
    let (_, content) = files::fetch(app, admin, id).await.unwrap();
    assert_eq!(content.expose(), PNG);

    files::destroy(app, admin, id).await.unwrap();
    files::destroy(app, admin, id).await.unwrap();
    assert_eq!(world.lines("FileDestroyed").await.len(), 1, "once");
    assert_eq!(refused(files::fetch(app, admin, id).await).err(), Some(Refused::NotFound));
    let listed = files::list(app, admin, world.door()).await.unwrap();
    assert!(listed[0].row.destroyed_at.is_some() && listed[0].name.is_empty() && listed[0].note.is_empty());
    assert_eq!(
        refused(files::destroy(app, admin, FileId::from_bytes([9; 16])).await).err(),
        Some(Refused::NotFound)
    );
}

async fn what_is_no_photo_or_document_is_not_taken(fresh: Fresh) {
    let world = World::new(fresh).await;
    let too_long = [PNG, &vec![0; MAX_BYTES]].concat();
    for (content, code) in [
        (&b""[..], "required"),
        (b"<script>alert(1)</script>", "not_a_file_kind"),
        (b"MZ\x90 a program called door.png", "not_a_file_kind"),
        (&too_long, "file_too_large"),
    ] {
        let wrong = vec![FieldError { field: "file", code }];
        let tried = world.attach(&world.admin, world.door(), content).await;
        assert_eq!(refused(tried), Err(Refused::Invalid(wrong)));
    }
    let nowhere = [
        About::Parcel(ParcelId::from_bytes([9; 16])),
        About::Compartment(world.bank.id, CompartmentNo(99)),
        About::Bank(BankId::from_bytes([9; 16])),
    ];
    for about in nowhere {
        assert_eq!(refused(world.attach(&world.admin, about, PNG).await), Err(Refused::NotFound), "{about}");
        assert_eq!(
            refused(files::list(world.app(), &world.admin, about).await).err(),
            Some(Refused::NotFound)
        );
    }
    assert!(world.lines("FileAttached").await.is_empty());
}

async fn who_may_attach_open_and_destroy(fresh: Fresh) {
    let world = World::new(fresh).await;
    let app = world.app();
    let id = world.attach(&world.admin, world.door(), PNG).await.unwrap();
    for role in Role::ALL {
        let whose = holding(7, &[(role, Scope::Organisation)]);
        let attached = refused(world.attach(&whose, world.door(), PNG).await);
        let may = matches!(role, Role::Operator | Role::Technician | Role::Admin | Role::SuperAdmin);
        assert_eq!(attached.is_ok(), may, "{role:?}");
        if !may {
            assert_eq!(attached.err(), Some(not_allowed(Permission::OperateBanks)));
        }
        let opened = refused(files::fetch(app, &whose, id).await);
        let may = matches!(role, Role::Operator | Role::Admin | Role::SuperAdmin);
        assert_eq!(opened.is_ok(), may, "photos may show people: {role:?}");
    }
    for role in [Role::Operator, Role::Technician, Role::Auditor] {
        let whose = holding(8, &[(role, Scope::Organisation)]);
        let tried = refused(files::destroy(app, &whose, id).await);
        assert_eq!(tried.err(), Some(not_allowed(Permission::ErasePeople)), "{role:?}");
    }
    let elsewhere =
        holding(9, &[(Role::Operator, Scope::Bank(bailee_domain::id::BankId::from_bytes([5; 16])))]);
    assert!(world.attach(&elsewhere, world.door(), PNG).await.is_err(), "an operator of another bank");
}

async fn one_thing_has_so_many_files_and_no_more(fresh: Fresh) {
    let world = World::new(fresh).await;
    let mut last = None;
    for _ in 0..MAX_ABOUT_ONE {
        last = Some(world.attach(&world.admin, world.door(), PNG).await.unwrap());
    }
    let full = Refused::NotPossibleNow { why: "too_many_files" };
    assert_eq!(refused(world.attach(&world.admin, world.door(), PNG).await), Err(full));
    let other = About::Compartment(world.bank.id, CompartmentNo(5));
    assert!(world.attach(&world.admin, other, PNG).await.is_ok());
    files::destroy(world.app(), &world.admin, last.unwrap()).await.unwrap();
    assert!(world.attach(&world.admin, world.door(), PNG).await.is_ok(), "one that is destroyed makes room");
}
