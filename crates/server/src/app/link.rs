//! The platform's side of the gateway's four ports, and the desk where requests to banks wait for their answers.
//!
//! A request lives in memory only: whoever made it (a reconciler, or a person who waits) makes it again if the
//! process stops. Start at [`ports`]; [`Ask`] is how the rest of the platform talks to a bank.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::id::{BankId, CommandId};
use bailee_domain::platform::Actor;
use bailee_domain::time::WallTime;
use bailee_vault::tls::Pin as TlsPin;
use bailee_wire::event::chain_hash;
use bailee_wire::link::{Cosign, Enrolled, Hello, Witnessed};
use tokio::sync::oneshot;

use super::banks::{self, Presence};
use super::ingest::{self, Taken, Upload};
use super::{App, AppError, Change, LiveChange, Refused, enrolment, health, install, witnesses};
use crate::gateway::{
    BankRegistry, Batch, Breach, Command, Commands, Enrolment, Ingest, KnownBank, Moment, News, NotAccepted,
    Pending, Ports, Position, Redeem, Unavailable,
};
use crate::store::tables::bank::{self, Claim};

/// The bank is not connected, or its answer did not come in time; what became of the request is then not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bank did not answer")]
pub struct NotAnswered;

/// A bank's answer, later.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Answer, NotAnswered>> + Send + 'a>>;

/// A witness's answer, later.
pub type Cosigning<'a> = Pin<Box<dyn Future<Output = Result<Witnessed, NotAnswered>> + Send + 'a>>;

/// Asks banks: the desk behind the gateway, or a bank in the same process for tests and simulation.
pub trait Ask: Send + Sync {
    /// Asks the witness of a connected bank, and waits for its answer until a deadline; at once [`NotAnswered`] when the
    /// bank is not connected or is no witness.
    fn cosign(&self, _bank: BankId, _cosign: Cosign, _deadline: WallTime) -> Cosigning<'_> {
        Box::pin(std::future::ready(Err(NotAnswered)))
    }

    /// Hands a request to a connected bank and waits for its answer; at once [`NotAnswered`] when it is not
    /// connected. The bank must not obey after `deadline`, and the answer is waited for no longer than a little more.
    fn ask(&self, bank: BankId, request: Request, deadline: WallTime) -> Asking<'_>;
}

/// How long after a deadline an answer on its way is still waited for, in milliseconds.
const GRACE_MS: i64 = 2_000;

/// Requests that wait for a bank to take or answer them.
pub struct Desk {
    app: App,
    waiting: Mutex<BTreeMap<(BankId, CommandId), Waiting>>,
    nudge: Mutex<Option<Nudge>>,
    ahead: Mutex<BTreeMap<BankId, i64>>,
    /// What witnesses are asked; the request is gone once it was sent.
    witnesses: Mutex<BTreeMap<BankId, Asked>>,
}

/// What a witness is asked, until it was sent, and who waits for the answer.
type Asked = (Option<Cosign>, oneshot::Sender<Witnessed>);

/// Tells the gateway that a bank has commands waiting.
type Nudge = Arc<dyn Fn(BankId) + Send + Sync>;

struct Waiting {
    command: Command,
    answer: oneshot::Sender<Answer>,
}

impl Desk {
    /// An empty desk.
    pub fn new(app: &App) -> Arc<Self> {
        let (waiting, nudge, ahead, witnesses) = Default::default();
        Arc::new(Self { app: app.clone(), waiting, nudge, ahead, witnesses })
    }

    /// Says whom to tell that a bank has commands waiting: `Gateway::nudge`.
    pub fn on_command(&self, nudge: impl Fn(BankId) + Send + Sync + 'static) {
        *self.nudge.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(nudge));
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<(BankId, CommandId), Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A bank's clock never goes back: one that runs ahead of ours gets deadlines that mean the same moment to it.
    fn clock_of(&self, bank: BankId, clock: WallTime) {
        let ahead = clock.since_ms(self.app.now()).max(0);
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).insert(bank, ahead);
    }

    fn ahead_ms(&self, bank: BankId) -> i64 {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).get(&bank).copied().unwrap_or(0)
    }

    fn put(
        &self,
        bank: BankId,
        request: Request,
        deadline: WallTime,
    ) -> (CommandId, oneshot::Receiver<Answer>) {
        let at = self.app.now();
        let id = self.app.draw(|mut rng| CommandId::new(at, &mut rng));
        let (answer, answered) = oneshot::channel();
        let deadline = deadline.plus_ms(self.ahead_ms(bank));
        let command = Command { id, deadline, request };
        self.waiting().insert((bank, id), Waiting { command, answer });
        self.nudge(bank);
        (id, answered)
    }

    fn nudge(&self, bank: BankId) {
        let nudge = self.nudge.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(nudge) = nudge {
            nudge(bank);
        }
    }

    fn witnessed(&self, bank: BankId, witnessed: Witnessed) {
        let waiting = self.witnesses.lock().unwrap_or_else(PoisonError::into_inner).remove(&bank);
        // An answer nobody waits for any more says nothing new: the witness is asked again.
        if let Some((_, answer)) = waiting {
            let _ = answer.send(witnessed);
        }
    }
}

impl Ask for Desk {
    fn cosign(&self, bank: BankId, cosign: Cosign, deadline: WallTime) -> Cosigning<'_> {
        Box::pin(async move {
            if !self.app.live().bank(bank).online {
                return Err(NotAnswered);
            }
            let wait_ms = deadline.since_ms(self.app.now());
            let size = cosign.size;
            let (answer, answered) = oneshot::channel();
            self.witnesses
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(bank, (Some(cosign), answer));
            self.nudge(bank);
            let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
            let answer = tokio::time::timeout(wait, answered).await;
            answer.ok().and_then(Result::ok).filter(|answer| answer.size == size).ok_or(NotAnswered)
        })
    }

    fn ask(&self, bank: BankId, request: Request, deadline: WallTime) -> Asking<'_> {
        Box::pin(async move {
            if !self.app.live().bank(bank).online {
                return Err(NotAnswered);
            }
            let wait_ms = deadline.since_ms(self.app.now()).saturating_add(GRACE_MS);
            let (id, answered) = self.put(bank, request, deadline);
            let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
            let answer = tokio::time::timeout(wait, answered).await;
            self.waiting().remove(&(bank, id));
            answer.ok().and_then(Result::ok).ok_or(NotAnswered)
        })
    }
}

impl Commands for Desk {
    fn pending(&self, bank: BankId, limit: usize) -> Pending<'_, Result<Vec<Command>, Unavailable>> {
        let waiting = self.waiting();
        let of_bank = waiting.iter().filter(|((of, _), _)| *of == bank).map(|(_, w)| w.command.clone());
        let commands = of_bank.take(limit).collect();
        Box::pin(std::future::ready(Ok(commands)))
    }

    fn cosign(&self, bank: BankId) -> Option<Cosign> {
        self.witnesses.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&bank)?.0.take()
    }

    fn answered(&self, bank: BankId, command: CommandId, answer: Answer) -> Pending<'_, ()> {
        if let Some(waiting) = self.waiting().remove(&(bank, command)) {
            // Whoever asked may have gone.
            let _ = waiting.answer.send(answer);
        }
        Box::pin(std::future::ready(()))
    }

    fn expired(&self, bank: BankId, command: CommandId, _sent: bool) -> Pending<'_, ()> {
        self.waiting().remove(&(bank, command));
        Box::pin(std::future::ready(()))
    }
}

/// What the gateway needs, served by this platform.
pub fn ports(app: &App, desk: &Arc<Desk>, clock: Arc<dyn Fn() -> Moment + Send + Sync>) -> Ports {
    let app = Arc::new(app.clone());
    let ingest = Arc::new(Ears { app: app.clone(), desk: desk.clone() });
    Ports { registry: app.clone(), ingest, commands: desk.clone(), enrolment: app, clock }
}

/// Takes what banks send, and tells the desk how their clocks stand.
struct Ears {
    app: Arc<App>,
    desk: Arc<Desk>,
}

/// Every enrolled bank, for `Gateway::expect` at the start.
///
/// # Errors
/// The store's.
pub async fn known_banks(app: &App) -> Result<Vec<KnownBank>, AppError> {
    let org = app.org();
    let banks = app.db().read(async move |tx| bank::all(&tx, org).await).await?;
    Ok(banks.iter().filter_map(known).collect())
}

fn known(bank: &bank::BankRow) -> Option<KnownBank> {
    let device_key = bank.device_key.filter(|_| bank.state == bank::BankState::Enrolled)?;
    Some(KnownBank { bank: bank.id, org: bank.org, device_key })
}

/// Logs a failure, where the gateway is told no more than that the platform cannot serve now.
fn unavailable(what: &'static str, error: &AppError) -> Unavailable {
    let source = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(%error, source, what, "the link is not served");
    Unavailable
}

impl BankRegistry for App {
    fn by_pin(&self, pin: TlsPin) -> Pending<'_, Result<Option<KnownBank>, Unavailable>> {
        Box::pin(async move {
            let found = self.db().read(async move |tx| bank::by_pin(&tx, pin.0).await).await;
            let found: Option<bank::BankRow> =
                found.map_err(|error: AppError| unavailable("look-up", &error))?;
            Ok(found.as_ref().and_then(known))
        })
    }
}

impl Ingest for Ears {
    fn position(&self, id: BankId) -> Pending<'_, Result<Position, Unavailable>> {
        Box::pin(async move {
            let org = self.app.org();
            let found = self.app.db().read(async move |tx| bank::by_id(&tx, org, id).await).await;
            let found: Option<bank::BankRow> =
                found.map_err(|error: AppError| unavailable("position", &error))?;
            let found = found.ok_or(Unavailable)?;
            Ok(Position { seq: found.last_seq, head: found.last_hash })
        })
    }

    fn store(&self, batch: Batch) -> Pending<'_, Result<(), Unavailable>> {
        Box::pin(async move {
            let upload = Upload {
                bank: batch.bank,
                events: batch.events.into_iter().map(|checked| (checked.event.seq, checked.leaf)).collect(),
                head_signature: batch.head.map(|head| head.signature),
            };
            match ingest::store(&self.app, upload).await {
                Ok(Taken::UpTo(_)) => Ok(()),
                // The alert stands; the bank is made to start over from what is held.
                Ok(Taken::Refused(_)) => Err(Unavailable),
                Err(error) => Err(unavailable("upload", &error)),
            }
        })
    }

    fn news(&self, id: BankId, news: News) -> Pending<'_, ()> {
        if let News::Greeted(hello) = &news {
            self.desk.clock_of(id, hello.clock);
        }
        Box::pin(async move {
            let news = match news {
                News::Witnessed(witnessed) => return self.desk.witnessed(id, witnessed),
                news => news,
            };
            if let Err(error) = heard(&self.app, id, news).await {
                unavailable("news", &error);
            }
        })
    }
}

async fn heard(app: &App, id: BankId, news: News) -> Result<(), AppError> {
    let now = app.now();
    let present = |online| {
        app.live().update(id, |live| {
            live.online = online;
            if online {
                live.last_heard = Some(now);
            }
        });
    };
    match news {
        News::Greeted(hello) => {
            present(true);
            greeted(app, id, *hello).await?;
            app.wake();
        }
        News::Status(status) => {
            app.live().update(id, |live| {
                live.last_heard = Some(now);
                live.doors = status.doors;
                live.lockdowns = status.lockdowns;
                live.truth = status.truth;
                live.tampers = status.tampers;
                live.warnings = status.warnings;
            });
            if let Some(report) = status.health {
                health::heard(app, id, *report).await?;
            }
        }
        News::Online => {
            present(true);
            banks::mark(app, id, Presence::Online, Some(now)).await?;
        }
        News::Offline => {
            present(false);
            let heard = app.live().bank(id).last_heard;
            banks::mark(app, id, Presence::Offline, heard).await?;
        }
        // Told to the desk.
        News::Witnessed(_) => {}
        News::Alarm { event, leaf } => ingest::alarm_preview(app, id, event.seq, &leaf).await?,
        News::ChainBroken(breach) => ingest::chain_broken(app, id, breach_seq(breach)).await?,
    }
    Ok(())
}

async fn greeted(app: &App, id: BankId, hello: Hello) -> Result<(), AppError> {
    if let Some(key) = &hello.witness {
        witnesses::announced(app, id, key).await?;
    }
    let this = app.clone();
    app.change(Actor::Bank(id), async move |change: &Change| {
        let Some(bank) = bank::by_id(&change.tx, change.org, id).await? else { return Ok(()) };
        let roster = match bank::roster_beyond(&change.tx, change.org, hello.roster_revision).await? {
            Claim::Plausible => hello.roster_revision,
            Claim::Absurd => {
                ingest::roster_claimed(&this, change, id, None).await?;
                bank.roster_acked
            }
        };
        bank::greeted(&change.tx, id, roster, &hello.layout).await
    })
    .await?;
    app.live().tell(LiveChange::Bank(id));
    Ok(())
}

const fn breach_seq(breach: Breach) -> Option<u64> {
    match breach {
        Breach::Gap { expected: seq, .. }
        | Breach::Fork { seq }
        | Breach::ChangedRepeat { seq }
        | Breach::OldRepeat { seq }
        | Breach::OtherBank { seq }
        | Breach::Unreadable { seq, .. }
        | Breach::PreviewDiffers { seq }
        | Breach::HeadSignature { seq }
        | Breach::RolledBack { claimed: seq, .. } => Some(seq),
    }
}

impl Enrolment for App {
    fn redeem(&self, request: Redeem) -> Pending<'_, Result<Enrolled, NotAccepted>> {
        Box::pin(async move {
            let input = enrolment::Redeem {
                bank: request.bank,
                secret_hash: chain_hash(&request.secret),
                pin: request.pin.0,
                device_key: request.device_key,
                layout: request.layout,
            };
            match enrolment::redeem(self, input).await {
                Ok(redeemed) => Ok(Enrolled {
                    bank: redeemed.bank,
                    org: self.org(),
                    roster: redeemed.roster,
                    code_key: *redeemed.code_key.expose(),
                    code_salt: redeemed.code_salt,
                    code_epoch: redeemed.code_epoch,
                    log_key: install::log_key(self).ok().map(|key| key.verifying.to_string()),
                }),
                Err(AppError::Refused(Refused::NoLongerValid)) => Err(NotAccepted::Token),
                Err(error) => {
                    unavailable("enrolment", &error);
                    Err(NotAccepted::Unavailable)
                }
            }
        })
    }
}
