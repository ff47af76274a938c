//! Each bank's witness: the real rule over a memory whose writes can be cut by a loss of power, and the invariant about it.
//!
//! The links carry the platform's real questions. A platform that was put back is no happening of a run, since nothing else would
//! hold after it; it is played at the end, against every witness as the run left it: see [`World::put_back`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailee_audit::key::KeyName;
use bailee_audit::witness::{AddCheckpoint, Answer, Misconduct, Refusal, Remembered, Seen, Slot, Witness};
use bailee_audit::{Checkpoint, Cosigner, Hash, Note, TreeHead, VerifyingKey};
use bailee_domain::id::BankId;
use bailee_edge::uplink;
use bailee_server::app::install;
use bailee_wire::link::{Cosign, Witnessed};

use super::World;
use super::record::Sometimes;
use super::watch::holds;

/// The power goes at a write of the witness's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing of it is durable.
    Before,
    /// It is durable, and nobody was told.
    After,
}

/// The power is gone.
#[derive(Clone, Copy, Debug)]
pub struct PowerCut;

/// Where the memory lies; replaced as a whole, as a file is by renaming.
#[derive(Clone, Debug, Default)]
struct Paper(Arc<Mutex<Sheet>>);

#[derive(Debug, Default)]
struct Sheet {
    written: Option<Vec<u8>>,
    /// What befalls the next write.
    cut: Option<Cut>,
}

impl Paper {
    fn sheet(&self) -> MutexGuard<'_, Sheet> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot for Paper {
    type Error = PowerCut;

    fn read(&mut self) -> Result<Option<Vec<u8>>, PowerCut> {
        Ok(self.sheet().written.clone())
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), PowerCut> {
        let mut sheet = self.sheet();
        let cut = sheet.cut.take();
        if cut != Some(Cut::Before) {
            sheet.written = Some(bytes.to_vec());
        }
        cut.map_or(Ok(()), |_| Err(PowerCut))
    }
}

/// One bank's witness.
pub struct SimWitness {
    witness: Witness<Remembered<Paper>>,
    paper: Paper,
    name: KeyName,
    /// Every tree it cosigned, in order.
    pub cosigned: Vec<TreeHead>,
}

impl SimWitness {
    /// The witness of a bank that has cosigned nothing.
    pub fn new(bank: BankId, seed: [u8; 32]) -> Self {
        let name = KeyName::new(&format!("bailee/{bank}")).expect("an id is a key name");
        let paper = Paper::default();
        Self { witness: open(&paper, &name, seed), paper, name, cosigned: Vec::new() }
    }

    /// Its verifier key.
    pub fn key(&self) -> String {
        self.witness.cosigner().key().to_string()
    }

    /// The bank starts again: what is known is what was durable.
    pub fn restart(&mut self) {
        self.witness = open(&self.paper, &self.name, [0; 32]);
    }

    /// The newest tree it knows to have cosigned, also if nobody heard of it.
    fn last(&mut self) -> Option<TreeHead> {
        let known = self.witness.memory().now().expect("there is power");
        known.seen.values().map(Seen::head).max_by_key(|head| head.size)
    }

    /// Answers as a bank's controller does; a bank believes the first key of the log it is told.
    ///
    /// # Errors
    /// [`PowerCut`]: nobody hears an answer.
    fn answer(&mut self, asked: &Cosign, now_s: u64, cut: Option<Cut>) -> Result<(u16, Answer), PowerCut> {
        self.paper.sheet().cut = cut;
        let told: VerifyingKey = asked.log_key.parse().expect("the platform's key");
        let pinned = self.witness.memory().pin(&told).map_err(|_| PowerCut)?;
        self.witness.watch(pinned);
        let request = AddCheckpoint::parse(&asked.request).expect("the platform's request");
        let answer = self.witness.add_checkpoint(&request, now_s).map_err(|_| PowerCut);
        self.paper.sheet().cut = None;
        match answer? {
            Answer::Cosigned { seen, line } => {
                self.cosigned.push(seen.head());
                Ok((200, Answer::Cosigned { seen, line }))
            }
            Answer::Refused { refusal, misconduct, kept } => {
                Ok((refusal.http_status(), Answer::Refused { refusal, misconduct, kept }))
            }
        }
    }

    /// What it says to a request of somebody who holds the log's key.
    fn judges(&mut self, log_key: &VerifyingKey, request: &AddCheckpoint) -> Answer {
        let asked =
            Cosign { size: 0, log_key: log_key.to_string(), request: request.to_string().into_bytes() };
        self.answer(&asked, 1, None).expect("there is power").1
    }
}

fn open(paper: &Paper, name: &KeyName, seed: [u8; 32]) -> Witness<Remembered<Paper>> {
    let mut memory =
        Remembered::open(paper.clone(), || seed).unwrap_or_else(|_| panic!("I22: a damaged memory"));
    let known = memory.now().unwrap_or_else(|_| panic!("I22: a damaged memory")).clone();
    let cosigner = Cosigner::from_seed(name.clone(), &known.seed).expect("any seed will do");
    let mut witness = Witness::new(cosigner, memory);
    known.pinned.into_values().for_each(|log| witness.watch(log));
    witness
}

impl World {
    /// The platform asks a bank's witness.
    pub(super) fn cosign(&mut self, bank: usize, asked: &Cosign) {
        let now = self.now_ms();
        let cut = match self.dice.below(60) {
            0 if !self.healing => Some(Cut::Before),
            1 if !self.healing => Some(Cut::After),
            _ => None,
        };
        let Some(time) = self.banks[bank].now(now) else { return };
        let seconds = u64::try_from(time.wall.unix_ms() / 1_000).unwrap_or(1);
        let (status, answer) = match self.banks[bank].witness.answer(asked, seconds, cut) {
            Ok(answered) => answered,
            Err(PowerCut) => {
                self.note(format_args!("bank {bank} loses its power while it cosigns"));
                self.saw(Sometimes::CosigningCut);
                return self.power_lost(bank);
            }
        };
        let body = match answer {
            Answer::Cosigned { seen, line } => {
                self.note(format_args!("bank {bank} cosigns {}", seen.head().size));
                self.saw(Sometimes::Cosigned);
                format!("{line}\n")
            }
            Answer::Refused { refusal: Refusal::WrongOldSize { have }, misconduct: None, .. } => {
                format!("{have}\n")
            }
            Answer::Refused { refusal, .. } => panic!("I22: bank {bank} refuses a true log: {refusal}"),
        };
        let (size, body) = (asked.size, body.into_bytes());
        let answer = Witnessed { size, status, body, misconduct: None, kept: Vec::new() };
        self.link(bank, uplink::Input::Witnessed(answer));
    }

    /// I22: whatever a bank cosigned is one log, the one that stands at the end; and a platform put back to an older copy, or
    /// one that goes on differently, is noticed by every bank that had cosigned past it, also after another loss of power.
    pub(super) fn put_back(&mut self) {
        let (log, app) = (self.platform.log().expect("healed"), self.platform.app().expect("healed"));
        let key = install::log_key(&app).expect("the log has a key");
        for bank in 0..self.banks.len() {
            for head in self.banks[bank].witness.cosigned.clone() {
                let root = self.platform.block_on(log.root_at(head.size)).expect("a size the log had");
                holds!(root == head.root, "I22: bank {bank} cosigned another tree of {}", head.size);
            }
            if self.dice.percent(50) {
                self.banks[bank].witness.restart();
            }
            let Some(last) = self.banks[bank].witness.last() else { continue };
            let of = |head: TreeHead| {
                Checkpoint::new(key.verifying.name().as_str(), head)
                    .sign(&[&*key.signer])
                    .expect("the key signs")
            };
            let request = |old_size: u64, note: Note| AddCheckpoint { old_size, proof: Vec::new(), note };
            let other = Hash(self.dice.bytes());
            let older: Vec<TreeHead> =
                self.heads.iter().copied().filter(|head| head.size < last.size).collect();
            let mut shown = vec![
                (request(last.size, of(TreeHead { root: other, ..last })), Misconduct::Fork),
                (request(last.size, of(TreeHead { size: last.size + 7, root: other })), Misconduct::Gap),
            ];
            if !older.is_empty() {
                let copy = self.dice.pick(&older);
                shown.push((request(copy.size, of(copy)), Misconduct::Shrink));
                shown.push((request(copy.size, of(TreeHead { root: other, ..copy })), Misconduct::Shrink));
            }
            for (request, noticed) in shown {
                let said = self.banks[bank].witness.judges(&key.verifying, &request);
                let is_noticed = matches!(&said, Answer::Refused { misconduct, kept: Some(_), .. } if *misconduct == Some(noticed));
                holds!(is_noticed, "I22: bank {bank} says {said:?} instead of {noticed:?}");
                self.saw(Sometimes::PutBackNoticed);
            }
            let still = self.banks[bank].witness.judges(&key.verifying, &request(last.size, of(last)));
            holds!(
                matches!(still, Answer::Cosigned { .. }),
                "I22: bank {bank} no longer believes the true log"
            );
        }
    }
}
