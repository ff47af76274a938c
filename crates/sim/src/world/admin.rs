//! What people do at the platform, and what its jobs do when nobody does anything.

use std::sync::Arc;

use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Reach};
use bailee_domain::id::ParcelId;
use bailee_domain::lockdown::{Area, Exercise, Grade};
use bailee_domain::parcel::{Custody, Parcel};
use bailee_domain::platform::Channel;
use bailee_domain::truth::Seen;
use bailee_server::app::banks::{self, ServiceWish};
use bailee_server::app::link::Ask as _;
use bailee_server::app::lockdown::{self, BeginLockdown};
use bailee_server::app::people::{self, ResidentInput};
use bailee_server::app::{App, AppError, couriers, delivery, outbox, parcels};
use bailee_server::notify::templates::Facts;
use bailee_server::store::tables::parcel;

use super::bank::true_time;
use super::record::Sometimes;
use super::watch::holds;
use super::{Answered, Happening, Letter, Posted, Resident, World};
use super::{Courier, post};

/// Between a commit and the reconcilers it wakes.
const WAKE_MS: u64 = 300;
/// The reconcilers run at least this often.
const TIMER_MS: u64 = 60_000;
const TICK_MS: u64 = 5_000;
const SLEEPING_TICK_MS: u64 = 1_800_000;
const NAP_MS: u64 = 900_000;

impl World {
    fn sleeps(&self) -> bool {
        self.next_activity_ms > self.now_ms() + NAP_MS
            && self.banks.iter().all(super::bank::SimBank::is_cut_off)
    }

    pub(super) fn platform_tick(&mut self) {
        self.platform.tick();
        let after = if self.sleeps() { SLEEPING_TICK_MS } else { TICK_MS };
        self.agenda.after(after, Happening::PlatformTick);
    }

    pub(super) fn plan_jobs(&mut self) {
        if !self.jobs_planned && self.platform.has_news() {
            self.jobs_planned = true;
            self.agenda.after(WAKE_MS, Happening::Jobs { timer: false });
        }
    }

    pub(super) fn jobs(&mut self, timer: bool) {
        if timer {
            let after = if self.sleeps() { SLEEPING_TICK_MS } else { TIMER_MS };
            self.agenda.after(after, Happening::Jobs { timer: true });
        } else {
            self.jobs_planned = false;
        }
        let Some(app) = self.platform.app() else { return };
        self.open_letters(&app);
        self.platform.run_jobs();
        self.deliver(&app);
        let known = self.heads.len();
        self.keep_head();
        if timer && self.heads.len() > known {
            self.platform.ask_witnesses();
        }
    }

    /// Looks into the messages that are due: what is sent can be read by its recipient only.
    fn open_letters(&mut self, app: &App) {
        let due = self.platform.block_on(delivery::due(app, 64)).expect("the store answers");
        for row in due {
            let Some(sealed) = &row.variables else { continue };
            let letter = outbox::open(app, row.id, sealed).expect("what the platform sealed opens");
            let posted = match (letter.facts, row.parcel) {
                (Facts::ParcelReady { code, .. }, Some(parcel)) => {
                    Posted::Pickup { parcel, code, qr: letter.qr }
                }
                (Facts::CourierCode { code, .. }, _) => Posted::CourierCode { person: row.person, code },
                _ => Posted::Other,
            };
            self.posted.insert(row.id.to_string(), posted);
        }
    }

    /// Hands over what the gateways took.
    fn deliver(&mut self, app: &App) {
        let (taken, refused) = post::lock(&self.platform.post).collect();
        (0..refused).for_each(|_| self.saw(Sometimes::MessageRefused));
        for message in taken {
            self.saw(Sometimes::MessageSent);
            match self.posted.remove(&message.id) {
                Some(Posted::Pickup { parcel, code, qr }) => {
                    self.letter_arrives(app, parcel, &code, qr, &message.text);
                }
                Some(Posted::CourierCode { person, code }) => {
                    let courier = self.couriers.iter_mut().find(|courier| courier.person == person);
                    courier.expect("a courier").code = Some(Code::parse(&code).expect("eight digits"));
                }
                // Written by this very run, which makes letters about alarms only.
                Some(Posted::Other) | None => {}
            }
        }
    }

    /// I18: a letter with a code goes out only for a parcel that lies in a bank which has acknowledged that code.
    fn letter_arrives(&mut self, app: &App, id: ParcelId, code: &str, qr: Option<String>, text: &str) {
        let parcel = self.stored_parcel(app, id);
        holds!(parcel.custody == Custody::InBank, "I18: a code was sent for a parcel that is gone");
        let bank = self.banks.iter().position(|bank| bank.id == parcel.bank).expect("one of the banks");
        let (grant, granted) =
            self.watches[bank].grant_of(id).expect("I18: a code was sent for a parcel no bank has");
        holds!(granted.generation > 0, "I18: a code was sent before bank {bank} had it");
        let code = Code::parse(code).expect("eight digits");
        let grouped = code.digits().chunks(4).map(|part| std::str::from_utf8(part).expect("digits"));
        let grouped = grouped.collect::<Vec<_>>().join(" ");
        holds!(text.contains(&grouped), "I18: the message does not hold its code");
        let generation = qr
            .as_ref()
            .and_then(|qr| bailee_wire::token::parse(qr).ok())
            .map_or(granted.generation, |token| token.fields.generation);
        self.note(format_args!("a letter for bank {bank}, generation {generation}"));
        self.letters.push(Letter { bank, parcel: id, grant, generation, code, qr });
    }

    pub(super) fn stored_parcel(&self, app: &App, id: ParcelId) -> Parcel {
        let org = app.org();
        let found = app.db().read(async move |tx| parcel::by_id(&tx, org, id).await);
        self.platform.block_on(found).expect("the store answers").expect("a letter is about a parcel")
    }

    /// Somebody with the right to do so does something at the platform.
    pub(super) fn somebody_manages(&mut self, bank: usize) {
        let Some(app) = self.platform.app() else { return };
        match self.dice.below(9) {
            0 | 1 => self.staff_look(bank),
            8 => self.lock_down(bank),
            2 => self.revoke(),
            3 => self.extend(&app),
            4 | 5 => self.send_again(&app),
            6 => self.people_change(&app),
            _ => self.courier_code(&app),
        }
    }

    fn waiting_parcel(&mut self) -> Option<(usize, ParcelId)> {
        let all: Vec<(usize, ParcelId)> = self
            .watches
            .iter()
            .enumerate()
            .flat_map(|(bank, watch)| watch.contents.values().map(move |parcel| (bank, *parcel)))
            .collect();
        (!all.is_empty()).then(|| self.dice.pick(&all))
    }

    /// Staff look at every compartment that is out of service and put it back, and reopen the keypad.
    pub(super) fn staff_look(&mut self, bank: usize) {
        let Some(running) = &self.banks[bank].running else { return };
        let Some(lasting) = running.controller.lasting() else { return };
        let out: Vec<_> = lasting.out_of_service.keys().copied().collect();
        let closed =
            !matches!(lasting.budget.keypad(true_time(self.now_ms())), bailee_domain::budget::Keypad::Ready);
        let doubted: Vec<_> = lasting.doubts.keys().copied().collect();
        let held: Vec<_> = lasting.lockdowns.keys().copied().collect();
        let (app, desk) = (self.platform.app(), self.platform.desk());
        let (Some(app), Some(desk)) = (app, desk) else { return };
        self.walk_round(bank, doubted);
        self.end_lockdowns(bank, held);
        for compartment in out {
            let tracked = self.watches[bank].contents.contains_key(&compartment);
            let door = self.banks[bank].doors.get_mut(&compartment).expect("of this bank");
            if !tracked {
                door.item = None;
            }
            door.doubtful = false;
            let (app, desk, admin) = (app.clone(), desk.clone(), self.admin.clone());
            let (id, answers) = (self.banks[bank].id, self.answers.clone());
            self.platform.spawn(async move {
                let asked =
                    banks::request_service(&app, &*desk, &admin, (id, compartment), ServiceWish::Back).await;
                answered(&answers, asked.is_ok(), Answered::PutBack);
            });
        }
        if closed {
            let (admin, id, answers) = (self.admin.clone(), self.banks[bank].id, self.answers.clone());
            self.platform.spawn(async move {
                let asked = banks::reset_keypad(&app, &*desk, &admin, id).await;
                answered(&answers, asked.is_ok(), Answered::KeypadReset);
            });
        }
    }

    /// Staff look into every compartment whose contents are in doubt and say what they saw.
    fn walk_round(&mut self, bank: usize, doubted: Vec<CompartmentNo>) {
        let look = |compartment: CompartmentNo| {
            let door = &self.banks[bank].doors[&compartment];
            (compartment, if door.item.is_some() { Seen::Full } else { Seen::Empty })
        };
        let seen: Vec<(CompartmentNo, Seen)> = doubted.into_iter().map(look).collect();
        let (Some(app), Some(desk)) = (self.platform.app(), self.platform.desk()) else { return };
        if seen.is_empty() {
            return;
        }
        let (admin, id, answers) = (self.admin.clone(), self.banks[bank].id, self.answers.clone());
        self.platform.spawn(async move {
            let told = lockdown::tell_seen(&app, &*desk, &admin, id, seen).await;
            answered(&answers, told.is_ok(), Answered::PutBack);
        });
    }

    /// Somebody locks a bank, a column or a door down for a while, in earnest or as a drill.
    fn lock_down(&mut self, bank: usize) {
        let doors: Vec<CompartmentNo> = self.banks[bank].doors.keys().copied().collect();
        let door = self.dice.pick(&doors);
        let wanted = BeginLockdown {
            area: self.dice.pick(&[Area::Door(door), Area::Zone(door.0), Area::Bank]),
            grade: self.dice.pick(&Grade::ALL),
            exercise: self.dice.pick(&[Exercise::Real, Exercise::Drill, Exercise::HoldingDrill]),
            lasts_s: self.dice.between(60, 3_600),
        };
        self.note(format_args!("bank {bank}: {wanted:?}"));
        let (Some(app), Some(desk)) = (self.platform.app(), self.platform.desk()) else { return };
        let (admin, id, answers) = (self.admin.clone(), self.banks[bank].id, self.answers.clone());
        self.platform.spawn(async move {
            let begun = lockdown::begin(&app, &*desk, &admin, id, wanted).await;
            answered(&answers, begun.is_ok(), Answered::PutBack);
        });
    }

    fn end_lockdowns(&mut self, bank: usize, held: Vec<u64>) {
        for number in held {
            let (Some(app), Some(desk)) = (self.platform.app(), self.platform.desk()) else { return };
            let (admin, id, answers) = (self.admin.clone(), self.banks[bank].id, self.answers.clone());
            self.platform.spawn(async move {
                let ended = lockdown::release(&app, &*desk, &admin, id, number).await;
                answered(&answers, ended.is_ok(), Answered::PutBack);
            });
        }
    }

    fn revoke(&mut self) {
        let Some((bank, parcel)) = self.waiting_parcel() else { return };
        let (Some((grant, _)), Some(desk)) = (self.watches[bank].grant_of(parcel), self.platform.desk())
        else {
            return;
        };
        let (id, answers) = (self.banks[bank].id, self.answers.clone());
        let deadline = true_time(self.now_ms()).plus_ms(15_000);
        self.platform.spawn(async move {
            let asked = desk.ask(id, Request::Revoke { grant }, deadline).await;
            answered(&answers, asked == Ok(Answer::Done), Answered::Revoked);
        });
    }

    fn extend(&mut self, app: &App) {
        let Some((_, parcel)) = self.waiting_parcel() else { return };
        let days = u16::try_from(self.dice.between(1, 30)).expect("small");
        let done = self.platform.block_on(parcels::extend(app, &self.admin, parcel, days));
        if refused_at_most(done) {
            self.saw(Sometimes::Extended);
        }
    }

    fn send_again(&mut self, app: &App) {
        let Some((_, parcel)) = self.waiting_parcel() else { return };
        let done = self.platform.block_on(parcels::send_again(app, &self.admin, parcel));
        if refused_at_most(done) {
            self.saw(Sometimes::SentAgain);
        }
    }

    fn people_change(&mut self, app: &App) {
        if self.residents.len() > 2 && self.dice.percent(40) {
            let at = self.dice.index(self.residents.len());
            let person = self.residents[at].person;
            let found = self.platform.block_on(people::find(app, &self.admin, person)).expect("a resident");
            if refused_at_most(self.platform.block_on(people::remove(
                app,
                &self.admin,
                person,
                found.version,
            ))) {
                self.note(format_args!("platform: a resident leaves"));
                self.residents.remove(at);
            }
        } else {
            self.add_resident(app);
        }
    }

    pub(super) fn add_resident(&mut self, app: &App) {
        self.items += 1;
        let number = self.items;
        let (name, unit) = (format!("Resident Nr{number}"), format!("U{number:03}"));
        let (email, phone) = (format!("r{number}@sim.example"), format!("+4930{:07}", 1_000_000 + number));
        let (email, phone) = match self.dice.below(4) {
            0 => (email.as_str(), ""),
            1 => (email.as_str(), phone.as_str()),
            _ => ("", phone.as_str()),
        };
        let reach = self.dice.pick(&[Reach::Standard, Reach::Standard, Reach::Low]);
        let input = ResidentInput { name: &name, unit: &unit, email, phone, reach };
        let person = self
            .platform
            .block_on(people::add_resident(app, &self.admin, input))
            .expect("a resident is added");
        self.residents.push(Resident { person, unit });
    }

    fn courier_code(&mut self, app: &App) {
        let at = self.dice.index(self.couriers.len());
        let person = self.couriers[at].person;
        let done = self.platform.block_on(couriers::issue_code(app, &self.admin, person));
        if let Ok(issued) = done {
            holds!(issued.channel == Channel::Email, "couriers have e-mail");
        }
    }

    pub(super) fn add_courier(&mut self, app: &App, number: usize) {
        let (name, email) = (format!("Courier Nr{number}"), format!("c{number}@sim.example"));
        let input = couriers::CourierInput { name: &name, carrier: self.carrier, email: &email, phone: "" };
        let added =
            self.platform.block_on(couriers::add(app, &self.admin, input)).expect("a courier is added");
        self.couriers.push(Courier { person: added.person, code: None });
    }
}

fn answered(answers: &Arc<std::sync::Mutex<Vec<Answered>>>, done: bool, what: Answered) {
    if done && let Ok(mut answers) = answers.lock() {
        answers.push(what);
    }
}

/// Whether it was done; a failure is a broken run, a refusal an answer.
fn refused_at_most<T>(done: Result<T, AppError>) -> bool {
    match done {
        Ok(_) => true,
        Err(AppError::Refused(_)) => false,
        Err(error) => panic!("a use case failed: {error}"),
    }
}
