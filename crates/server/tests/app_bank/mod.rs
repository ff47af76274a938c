//! A bank in the same process: the real engine, the real event encoding and the real code checks, without a link.

#![allow(dead_code, reason = "each test binary uses its part")]

mod signing;
mod uploads;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bailee_domain::bank::io::{
    Action, Answer, Input, Output, Record, Request, Subject, UnlockResult, Verdict,
};
use bailee_domain::bank::screen::Screen;
use bailee_domain::bank::{Bank, Lasting};
use bailee_domain::code::Code;
use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Sensed, Size, Wiring};
use bailee_domain::event::{Event, EventKind};
use bailee_domain::id::{BankId, CommandId, GrantId, ParcelId, PersonId};
use bailee_domain::time::{MonoTime, Now, TimeQuality, WallTime};
use bailee_server::app::enrolment::{self, OfferEnrolment, Redeem};
use bailee_server::app::link::{Ask, Asking, NotAnswered};
use bailee_server::app::{App, Clock, Principal, TestClock};
use bailee_vault::Secret;
use bailee_vault::code::{BankCodeKey, Candidate, CodeSecret, find};
use bailee_vault::sign::SigningKey;
use bailee_vault::stretch::Cost;
use bailee_wire::enrol::Enrolment;
use bailee_wire::event::{Hash, NO_EVENT, chain_hash, encode_bank};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// A bank the test holds; cheap to clone.
#[derive(Clone)]
pub struct FakeBank {
    pub id: BankId,
    parts: Arc<Mutex<Parts>>,
    app: App,
}

struct Parts {
    engine: Bank,
    clock: Arc<TestClock>,
    rng: ChaCha20Rng,
    codes: BankCodeKey,
    device: SigningKey,
    head: Hash,
    leaves: Vec<(u64, Vec<u8>)>,
    events: Vec<Event>,
    open: BTreeMap<CompartmentNo, bool>,
    pending: VecDeque<Input>,
    replies: Vec<Answer>,
    uploaded: u64,
}

pub fn layout() -> Layout {
    let compartments = (1..=12u16).map(|n| Compartment {
        number: CompartmentNo(n),
        size: if n <= 8 { Size::Small } else { Size::Large },
        reach: Reach::Standard,
        wiring: Wiring { board: 1, channel: u8::try_from(n).unwrap() },
        column: n,
        row: 0,
        height: 1,
    });
    Layout::new(compartments.collect()).unwrap()
}

impl FakeBank {
    /// Enrols a bank the way a controller does, and connects it.
    pub async fn enrolled(
        app: &App,
        clock: &Arc<TestClock>,
        admin: &Principal,
        name: &str,
        seed: u8,
    ) -> Self {
        let org = app.org();
        let site =
            app.db().read(async move |tx| bailee_server::store::tables::site::first(&tx, org).await).await;
        let input = OfferEnrolment {
            site: site.unwrap().id,
            name: name.into(),
            address: "platform.example:8443".into(),
        };
        let offered = enrolment::offer(app, admin, input).await.unwrap();
        let token = Enrolment::parse(offered.token.expose()).unwrap();
        let device = SigningKey::from_seed(&Secret::new([seed; 32]));
        let request = Redeem {
            bank: token.bank,
            secret_hash: chain_hash(&token.secret),
            pin: [seed; 32],
            device_key: device.public().0,
            layout: layout(),
        };
        let given = enrolment::redeem(app, request).await.unwrap();
        let codes = BankCodeKey {
            tenant: app.org().to_bytes(),
            bank: given.bank.to_bytes(),
            epoch: given.code_epoch,
            key: given.code_key,
            salt: given.code_salt,
            cost: Cost::SIMULATION,
        };
        let mut rng = ChaCha20Rng::seed_from_u64(u64::from(seed));
        let (engine, out) = Bank::start(layout(), Lasting::default(), now(clock), &mut rng);
        let parts = Parts {
            engine,
            clock: clock.clone(),
            rng,
            codes,
            device,
            head: NO_EVENT,
            leaves: Vec::new(),
            events: Vec::new(),
            open: layout().iter().map(|c| (c.number, false)).collect(),
            pending: VecDeque::new(),
            replies: Vec::new(),
            uploaded: 0,
        };
        let this = Self { id: given.bank, parts: Arc::new(Mutex::new(parts)), app: app.clone() };
        this.parts().execute(this.id, out);
        this.poll_doors();
        this.connect();
        this.parts().ask(this.id, Request::TakeRoster(given.roster), clock.now().plus_ms(60_000));
        this.upload().await;
        this
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap()
    }

    pub fn connect(&self) {
        let now = self.parts().clock.now();
        self.app.live().update(self.id, |live| {
            live.online = true;
            live.last_heard = Some(now);
        });
    }

    pub fn disconnect(&self) {
        self.app.live().update(self.id, |live| live.online = false);
    }

    pub fn input(&self, input: Input) {
        let id = self.id;
        self.parts().input(id, input);
    }

    /// A step of its technician, which must be allowed.
    pub fn commission(&self, step: bailee_domain::commissioning::Step) {
        let mut parts = self.parts();
        let parts = &mut *parts;
        let (_, out) = parts.engine.commission(step, now(&parts.clock), &mut parts.rng).unwrap();
        parts.execute(self.id, out);
    }

    pub fn act(&self, action: Action) {
        self.input(Input::Kiosk(action));
    }

    pub fn screen(&self) -> Screen {
        let parts = self.parts();
        parts.engine.view(now(&parts.clock)).screen
    }

    pub fn enter(&self, code: &str) {
        self.act(Action::EnterCode(Code::parse(code).unwrap()));
    }

    pub fn close(&self, compartment: CompartmentNo) {
        self.parts().open.insert(compartment, false);
        self.input(Input::Door { compartment, sensed: Sensed::Closed });
    }

    pub fn force(&self, compartment: CompartmentNo) {
        self.parts().open.insert(compartment, true);
        self.input(Input::Door { compartment, sensed: Sensed::Open });
    }

    pub fn poll_doors(&self) {
        for compartment in layout().iter().map(|c| c.number) {
            let sensed = if self.parts().open[&compartment] { Sensed::Open } else { Sensed::Closed };
            self.input(Input::Door { compartment, sensed });
        }
    }

    /// A whole drop-off; returns the door, the parcel and its grant.
    pub fn drop_off(&self, courier_code: &str, person: PersonId) -> (CompartmentNo, ParcelId, GrantId) {
        self.enter(courier_code);
        self.act(Action::Pick(person));
        self.act(Action::ConfirmRecipient);
        self.act(Action::PickSize(Size::Small));
        let Screen::PlaceParcel { compartment, .. } = self.screen() else { panic!("{:?}", self.screen()) };
        self.close(compartment);
        self.act(Action::Finish);
        let deposit = self.parts().events.iter().rev().find_map(|event| match &event.kind {
            EventKind::ParcelDeposited(deposit) => Some(*deposit),
            _ => None,
        });
        let deposit = deposit.unwrap();
        (compartment, deposit.parcel, deposit.grant)
    }

    /// Types a code; returns the door that opened, if one did.
    pub fn tries(&self, code: &str) -> Option<CompartmentNo> {
        self.enter(code);
        match self.screen() {
            Screen::TakeParcel { compartment } => Some(compartment),
            _ => None,
        }
    }

    pub fn lockdowns(&self) -> Vec<bailee_domain::bank::screen::LockdownShown> {
        let parts = self.parts();
        parts.engine.lockdowns(now(&parts.clock).mono)
    }

    pub fn holds(&self, compartment: CompartmentNo) -> bool {
        self.parts().engine.holds(compartment, bailee_domain::lockdown::Way::Local)
    }

    pub fn last_seq(&self) -> u64 {
        self.parts().leaves.last().map_or(0, |(seq, _)| *seq)
    }

    pub fn leaf(&self, seq: u64) -> Vec<u8> {
        self.parts().leaves.iter().find(|(of, _)| *of == seq).unwrap().1.clone()
    }

    /// The number of its latest event of this kind.
    pub fn last_of(&self, is: impl Fn(&EventKind) -> bool) -> u64 {
        self.parts().events.iter().rev().find(|event| is(&event.kind)).unwrap().seq
    }

    /// Answers a request as it would one that came over the link.
    pub fn answers(&self, request: Request, deadline: WallTime) -> Answer {
        self.parts().ask(self.id, request, deadline)
    }

    /// Which of the candidates this code proves; each is a subject with the code that is its own.
    pub fn compares(&self, code: &str, candidates: &[(Subject, &str)]) -> Verdict {
        let parts = self.parts();
        let candidate = |(subject, own): &(Subject, &str)| {
            let tag = parts.codes.stretch(&CodeSecret::parse(own).unwrap());
            let (salt, bytes) = ([3; 16], subject_bytes(*subject));
            let mac = bailee_vault::code::verifier(&tag, &bytes, &salt);
            let verifier = bailee_domain::grant::Verifier { salt, mac };
            bailee_domain::bank::io::Candidate { subject: *subject, verifier }
        };
        let candidates: Vec<_> = candidates.iter().map(candidate).collect();
        parts.compare(Code::parse(code).unwrap(), &candidates)
    }
}

impl Parts {
    fn input(&mut self, id: BankId, input: Input) {
        self.pending.push_back(input);
        while let Some(input) = self.pending.pop_front() {
            let out = self.engine.handle(input, now(&self.clock), &mut self.rng);
            self.execute(id, out);
        }
    }

    fn ask(&mut self, id: BankId, request: Request, deadline: WallTime) -> Answer {
        self.input(id, Input::Platform { command: CommandId::from_bytes([1; 16]), deadline, request });
        *self.replies.last().unwrap()
    }

    fn execute(&mut self, id: BankId, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Record(Record::Event(event)) => {
                    let leaf = encode_bank(id, &self.head, &event);
                    self.head = chain_hash(&leaf);
                    self.leaves.push((event.seq, leaf));
                    self.events.push(event);
                }
                Output::Record(_) => {}
                Output::Verify { guess, code, candidates } => {
                    let outcome = self.compare(code, &candidates);
                    self.pending.push_back(Input::Verified { guess, outcome });
                }
                Output::Unlock { ticket, compartment, .. } => {
                    self.open.insert(compartment, true);
                    self.pending.push_back(Input::Unlocked { ticket, result: UnlockResult::Pulsed });
                    self.pending.push_back(Input::Door { compartment, sensed: Sensed::Open });
                }
                Output::Reply { answer, .. } => self.replies.push(answer),
                Output::Siren(_) | Output::StoreTag(_) => {}
                Output::CheckSignatures { check, statement, signatures } => {
                    let checked = signing::check(id, &statement, &signatures);
                    self.pending.push_back(Input::SignaturesChecked { check, checked });
                }
            }
        }
    }

    fn compare(&self, code: Code, candidates: &[bailee_domain::bank::io::Candidate]) -> Verdict {
        let entered = CodeSecret::parse(std::str::from_utf8(code.digits()).unwrap()).unwrap();
        let tag = self.codes.stretch(&entered);
        let live = |c: &bailee_domain::bank::io::Candidate| Candidate {
            subject: subject_bytes(c.subject),
            salt: c.verifier.salt,
            verifier: c.verifier.mac,
        };
        // A grant and a courier may be named by the same bytes; the verifier says which of them was proven.
        let subject = candidates.iter().find(|c| find(&tag, [live(c)]).is_some());
        subject.map_or(Verdict::Miss, |candidate| Verdict::Match(candidate.subject))
    }
}

fn subject_bytes(subject: Subject) -> [u8; 16] {
    match subject {
        Subject::Grant(grant) => grant.to_bytes(),
        Subject::Courier(person)
        | Subject::Keeper(person)
        | Subject::Enrolment(person)
        | Subject::Pin(person) => person.to_bytes(),
        Subject::WorkOrder(order) => order.to_bytes(),
    }
}

fn now(clock: &TestClock) -> Now {
    let wall = clock.now();
    let mono = MonoTime::from_ms(u64::try_from(wall.unix_ms()).unwrap());
    Now { mono, wall, quality: TimeQuality::Trusted }
}

/// Several banks behind one way of asking.
#[derive(Clone, Default)]
pub struct Banks(pub Vec<FakeBank>);

impl Ask for Banks {
    fn ask(&self, bank: BankId, request: Request, deadline: WallTime) -> Asking<'_> {
        let asked = self.0.iter().find(|fake| fake.id == bank && fake.app.live().bank(bank).online);
        let answer = asked.map(|fake| fake.parts().ask(bank, request, deadline));
        Box::pin(std::future::ready(answer.ok_or(NotAnswered)))
    }
}
