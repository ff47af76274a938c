//! The beginning of a run: a platform with an administrator, banks enrolled by token, people.

use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::platform::Actor;
use bailee_edge::journal::Unsynced;
use bailee_server::app::enrolment::{self, OfferEnrolment};
use bailee_server::app::set_up::{self, Administrator};
use bailee_server::app::{App, Principal, carriers};
use bailee_server::gateway::Redeem;
use bailee_server::store::StoreError;
use bailee_server::store::tables::site;
use bailee_vault::Secret;
use bailee_vault::sign::SigningKey;
use bailee_vault::tls::Identity;
use bailee_wire::enrol::Enrolment;

use super::agenda::Agenda;
use super::bank::{Installed, SimBank, layout};
use super::dice::Dice;
use super::platform::Platform;
use super::record::{Tally, Trace};
use super::watch::Watch;
use super::{Detail, Happening, World};

/// Things people do and things that break in one run.
const ACTIVITIES: u32 = 20;

impl World {
    pub(super) fn new(seed: u64, detail: Detail) -> Self {
        let mut dice = Dice::new(seed);
        let platform = Platform::new(&mut dice);
        let app = platform.app().expect("just started");
        let admin = administrator(&platform, &app);
        let org = app.org();
        let found = app.db().read(async move |tx| Ok::<_, StoreError>(site::first(&tx, org).await?.id));
        let site = platform.block_on(found).expect("the first start makes a site");
        let carrier = platform.block_on(carriers::add(&app, &admin, "Swift")).expect("a carrier is added");
        Self {
            dice,
            agenda: Agenda::default(),
            banks: Vec::new(),
            watches: Vec::new(),
            platform,
            admin,
            site,
            carrier,
            residents: Vec::new(),
            couriers: Vec::new(),
            letters: Vec::new(),
            posted: Default::default(),
            commands: Default::default(),
            answers: Default::default(),
            heads: Vec::new(),
            connections: 0,
            items: 0,
            activities: ACTIVITIES,
            next_activity_ms: 0,
            jobs_planned: false,
            healing: false,
            detail,
            trace: Trace::default(),
            tally: Tally::default(),
        }
    }

    pub(super) fn set_up(&mut self) {
        let app = self.platform.app().expect("just started");
        for number in 0..self.dice.between(2, 4) {
            self.enrol(&app, number);
        }
        for _ in 0..self.dice.between(3, 6) {
            self.add_resident(&app);
        }
        for number in 0..2 {
            self.add_courier(&app, number);
        }
        for bank in 0..self.banks.len() {
            self.switch_on(bank, Unsynced::Kept);
        }
        self.agenda.after(1_000, Happening::PlatformTick);
        self.agenda.after(500, Happening::Jobs { timer: true });
        self.pass(20_000);
    }

    /// A bank shows its token and is let in, as `gateway::enrol` does it.
    fn enrol(&mut self, app: &App, number: u64) {
        let offer = OfferEnrolment {
            site: self.site,
            name: format!("Bank {number}"),
            address: "sim.example:7443".into(),
        };
        let offered =
            self.platform.block_on(enrolment::offer(app, &self.admin, offer)).expect("a bank is offered");
        let token = Enrolment::parse(offered.token.expose()).expect("the platform's token");
        let doors = u16::try_from(self.dice.between(6, 24)).expect("small");
        let layout = layout(doors, &mut self.dice);
        let (device_seed, link_seed) = (self.dice.bytes(), self.dice.bytes());
        let ports = self.platform.ports().expect("just started");
        let redeem = Redeem {
            bank: token.bank,
            secret: token.secret,
            pin: Identity::from_seed(&Secret::new(link_seed)).pin(),
            device_key: SigningKey::from_seed(&Secret::new(device_seed)).public().0,
            layout: layout.clone(),
            software: "sim".into(),
        };
        let enrolled = self.platform.block_on(ports.enrolment.redeem(redeem)).expect("the token is accepted");
        let installed = Installed {
            org: enrolled.org.to_bytes(),
            code_key: enrolled.code_key,
            code_salt: enrolled.code_salt,
            code_epoch: enrolled.code_epoch,
        };
        self.banks.push(SimBank::new(enrolled.bank, layout, device_seed, installed, &mut self.dice));
        self.watches.push(Watch::new(enrolled.bank));
    }
}

fn administrator(platform: &Platform, app: &App) -> Principal {
    let link = platform.block_on(set_up::offer(app)).expect("a set-up link");
    let input =
        Administrator { name: "Ada Admin", email: "ada@sim.example", password: "correct horse battery" };
    let person = platform.block_on(set_up::redeem(app, link.expose(), input)).expect("an administrator");
    let role = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    Principal { actor: Actor::Person(person), roles: vec![role], limited_to: None }
}
