//! `log_index`: what the log page filters by. Opaque ids only, as numbers of `log_name`; everything here can be
//! made again from the entries.
//!
//! Written here; read in order of arrival by [`list`] and in order of time by [`explore`], whose pages cost the same however
//! long the log is.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::{Event, EventKind, Purpose, Severity};
use bailee_domain::id::{AlertId, BankId, GrantId, MessageId, OrgId, ParcelId, PersonId};
use bailee_domain::platform::{Actor, PlatformEvent, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_domain::truth::Teller;
use bailee_wire::event::{Leaf, NO_EVENT};

use super::{damaged, typed, typed_opt};
use crate::app::AppError;
use crate::params;
use crate::store::Tx;
use crate::store::names::{name_of, numbers};
use select::severity_number;

mod explore;
mod facets;
mod place;
mod select;
mod synthetic;

pub use explore::{Asked, Found, MOST_SEEN, Rest, explained, explore};
pub use facets::{Counted, Facets, MOST_COUNTED, facets};
pub use place::{Position, Turn};
pub use select::{LogFilter, LogOrder, LogRow, extent, list};
pub use synthetic::{Synthetic, fill};

/// One line of the log: what an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// When it happened, by its source's clock.
    pub at: WallTime,
    /// The name of its kind.
    pub kind: String,
    /// How soon somebody must look.
    pub severity: Severity,
    /// The bank it came from or is about.
    pub bank: Option<BankId>,
    /// The compartment.
    pub compartment: Option<CompartmentNo>,
    /// The parcel.
    pub parcel: Option<ParcelId>,
    /// The grant.
    pub grant: Option<GrantId>,
    /// The person it is about.
    pub person: Option<PersonId>,
    /// Who did it, as [`actor_text`] writes it.
    pub actor: String,
    message: Option<MessageId>,
    alert: Option<AlertId>,
}

impl Indexed {
    /// What an event of a bank says about itself.
    pub fn of_bank(bank: BankId, event: &Event) -> Self {
        let leaf = Leaf::Bank { bank, prev: NO_EVENT, event: event.clone() };
        let mut line = Self::plain(event.at, leaf.kind(), event.kind.severity(), Actor::Bank(bank));
        line.bank = Some(bank);
        line.compartment = event.kind.compartment();
        line.note_bank_ids(&event.kind);
        line
    }

    fn note_bank_ids(&mut self, kind: &EventKind) {
        match kind {
            EventKind::CourierSignedIn { courier, .. } => self.done_by(*courier),
            EventKind::OpeningIntended { purpose, .. } => {
                self.parcel = purpose.parcel();
                match purpose {
                    Purpose::DropOff { recipient, courier, .. } => {
                        self.person = Some(*recipient);
                        self.actor = courier.to_string();
                    }
                    Purpose::Pickup { grant, .. } => self.grant = Some(*grant),
                    Purpose::Inspect { by, .. } => self.actor = by.to_string(),
                }
            }
            EventKind::LockdownBegan { by: Some(person), .. }
            | EventKind::LockdownChanged { by: Some(person), .. }
            | EventKind::LockdownReleaseAsked { by: person, .. }
            | EventKind::LockdownReleased { by: person, .. }
            | EventKind::StaffSignedIn { person }
            | EventKind::SirenSilenced { by: person }
            | EventKind::OccupancyTold { teller: Teller::Person(person), .. } => self.done_by(*person),
            EventKind::ParcelDeposited(deposit) => {
                self.parcel = Some(deposit.parcel);
                self.grant = Some(deposit.grant);
                self.person = Some(deposit.recipient);
                self.actor = deposit.courier.to_string();
            }
            EventKind::DropOffCancelled { parcel, .. } => self.parcel = Some(*parcel),
            EventKind::ParcelCollected { parcel, grant, .. } | EventKind::GrantExpired { parcel, grant } => {
                self.parcel = Some(*parcel);
                self.grant = Some(*grant);
            }
            EventKind::GrantArmed { grant, .. } | EventKind::GrantRevoked { grant } => {
                self.grant = Some(*grant);
            }
            EventKind::KeyWaits { person, .. }
            | EventKind::KeyRemoved { person, .. }
            | EventKind::EnrolmentOffered { person, .. }
            | EventKind::BadgesForgotten { person } => self.person = Some(*person),
            EventKind::KeyAdmitted { person, by, .. } => {
                (self.person, self.actor) = (Some(*person), by.to_string());
            }
            EventKind::BadgeEnrolled { person, .. }
            | EventKind::OverrideAnswered { by: person, .. }
            | EventKind::RemoteOpeningRefused { by: Some(person), .. }
            | EventKind::TechnicianSignedIn { technician: person, .. } => self.done_by(*person),
            EventKind::WorkOrderOpened { technician, .. } => self.person = Some(*technician),
            EventKind::BankResynchronised { by } => self.actor = by.to_string(),
            EventKind::KeypadReset { by } | EventKind::ServiceChanged { by: Some(by), .. } => {
                self.actor = by.to_string();
            }
            _ => {}
        }
    }

    /// What an event of the platform says about itself.
    pub fn of_platform(org: OrgId, event: &PlatformEvent) -> Self {
        let leaf = Leaf::Platform { org, event: event.clone() };
        let mut line = Self::plain(event.at, leaf.kind(), platform_severity(&event.kind), event.actor);
        line.note_platform_ids(&event.kind);
        line
    }

    fn note_platform_ids(&mut self, kind: &PlatformEventKind) {
        use PlatformEventKind as Kind;
        match kind {
            Kind::AdministratorCreated { person, .. }
            | Kind::SignedIn { person }
            | Kind::PersonAdded { person, .. }
            | Kind::PersonChanged { person, .. }
            | Kind::PersonRemoved { person }
            | Kind::PersonalDataRead { person }
            | Kind::ErasureRefused { person }
            | Kind::PersonErased { person, .. }
            | Kind::ErasureCompleted { person }
            | Kind::KeyRegistered { person, .. }
            | Kind::KeyWithdrawn { person, .. }
            | Kind::BadgesRevoked { person }
            | Kind::CourierCodeIssued { courier: person } => self.person = Some(*person),
            Kind::NotificationSent { message, person, .. }
            | Kind::NotificationFailed { message, person, .. } => {
                self.person = Some(*person);
                self.message = Some(*message);
            }
            Kind::EnrolmentOffered { bank }
            | Kind::BankEnrolled { bank, .. }
            | Kind::ChainHead { bank, .. }
            | Kind::BankOffline { bank }
            | Kind::BankOnline { bank }
            | Kind::BankChainBroken { bank, .. }
            | Kind::WorkOrderFinished { bank, .. }
            | Kind::WorkOrderOverdue { bank, .. }
            | Kind::KeySealed { bank, .. }
            | Kind::KeyReleaseAsked { bank, .. }
            | Kind::KeyReleased { bank, .. }
            | Kind::KeyReleaseDropped { bank, .. }
            | Kind::KeyReturned { bank, .. }
            | Kind::KeyOverdue { bank, .. }
            | Kind::KeyRetired { bank, .. }
            | Kind::OpenedWithoutRelease { bank, .. }
            | Kind::HardwareRecorded { bank, .. }
            | Kind::BankAccepted { bank }
            | Kind::BankExcepted { bank, .. }
            | Kind::BankWithdrawn { bank }
            | Kind::BankOperationRequested { bank, .. } => self.bank = Some(*bank),
            Kind::InspectionPrepared { bank, compartment, .. } => {
                (self.bank, self.compartment) = (Some(*bank), Some(*compartment));
            }
            Kind::BadgeCodeSent { person, bank }
            | Kind::WorkOrderWritten { technician: person, bank, .. } => {
                (self.person, self.bank) = (Some(*person), Some(*bank));
            }
            Kind::CodeIssued { grant, .. } => self.grant = Some(*grant),
            Kind::ParcelOverdue { parcel } | Kind::ParcelExtended { parcel, .. } => {
                self.parcel = Some(*parcel);
            }
            Kind::FileAttached { bank, compartment, parcel, .. }
            | Kind::FileDestroyed { bank, compartment, parcel, .. } => {
                (self.bank, self.compartment, self.parcel) = (Some(*bank), *compartment, *parcel);
            }
            Kind::AlertAcknowledged { alert } => self.alert = Some(*alert),
            Kind::LegalHoldPlaced { person, parcel, .. } | Kind::LegalHoldLifted { person, parcel, .. } => {
                (self.person, self.parcel) = (*person, *parcel);
            }
            Kind::LogStarted
            | Kind::SignInRefused
            | Kind::PermissionDenied { .. }
            | Kind::CarrierAdded { .. }
            | Kind::SettingChanged { .. }
            | Kind::TokenCreated { .. }
            | Kind::TokenRevoked { .. }
            | Kind::WitnessRefused { .. }
            | Kind::WitnessNamed { .. }
            | Kind::LedgerKeyRolled { .. }
            | Kind::LogExported { .. }
            | Kind::EvidenceExported { .. } => {}
        }
    }

    /// The severity as its column has it.
    pub const fn stored_severity(&self) -> i64 {
        severity_number(self.severity)
    }

    fn plain(at: WallTime, kind: String, severity: Severity, actor: Actor) -> Self {
        Self {
            at,
            kind,
            severity,
            bank: None,
            compartment: None,
            parcel: None,
            grant: None,
            person: None,
            actor: actor_text(&actor),
            message: None,
            alert: None,
        }
    }

    fn done_by(&mut self, person: PersonId) {
        self.person = Some(person);
        self.actor = person.to_string();
    }
}

/// How soon somebody must look at an event of the platform.
const fn platform_severity(kind: &PlatformEventKind) -> Severity {
    match kind {
        PlatformEventKind::BankOffline { .. }
        | PlatformEventKind::BankChainBroken { .. }
        | PlatformEventKind::KeyOverdue { .. }
        | PlatformEventKind::OpenedWithoutRelease { .. }
        | PlatformEventKind::WitnessRefused { .. } => Severity::Alarm,
        PlatformEventKind::SignInRefused
        | PlatformEventKind::PermissionDenied { .. }
        | PlatformEventKind::NotificationFailed { .. }
        | PlatformEventKind::ErasureRefused { .. }
        | PlatformEventKind::LedgerKeyRolled { .. }
        | PlatformEventKind::WitnessNamed { .. }
        | PlatformEventKind::KeyRegistered { .. }
        | PlatformEventKind::KeyReleased { .. }
        | PlatformEventKind::WorkOrderOverdue { .. }
        | PlatformEventKind::BankExcepted { .. }
        | PlatformEventKind::BankWithdrawn { .. }
        | PlatformEventKind::ParcelOverdue { .. } => Severity::Notice,
        _ => Severity::Routine,
    }
}

/// An actor as text: an id, `platform` or `anonymous`.
pub fn actor_text(actor: &Actor) -> String {
    match actor {
        Actor::Platform => "platform".into(),
        Actor::Anonymous => "anonymous".into(),
        Actor::Person(person) => person.to_string(),
        Actor::Token(token) => token.to_string(),
        Actor::Bank(bank) => bank.to_string(),
    }
}

/// Reads what [`actor_text`] wrote.
///
/// # Errors
/// [`AppError::Damaged`] for anything else.
pub fn actor_from_text(text: &str) -> Result<Actor, AppError> {
    let person = || text.parse().map(Actor::Person);
    let token = || text.parse().map(Actor::Token);
    let bank = || text.parse().map(Actor::Bank);
    match text {
        "platform" => Ok(Actor::Platform),
        "anonymous" => Ok(Actor::Anonymous),
        _ => person().or_else(|_| token()).or_else(|_| bank()).map_err(|_| damaged("actor")),
    }
}

/// Stores a line, after adding what the ids in it lead to: the parcel of a grant or message, the person of a parcel, the place
/// of an alert.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, event_id: i64, mut line: Indexed) -> Result<(), AppError> {
    complete(tx, &mut line).await?;
    let (org, [bank, parcel]) =
        (org.to_string(), [line.bank.map(String::from), line.parcel.map(String::from)]);
    let [grant, person] = [line.grant.map(String::from), line.person.map(String::from)];
    let by_person = line.actor.starts_with(PersonId::PREFIX);
    let (done_by, actor) = if by_person { (Some(&line.actor), None) } else { (None, Some(&line.actor)) };
    let named = [
        Some(&org),
        Some(&line.kind),
        bank.as_ref(),
        parcel.as_ref(),
        grant.as_ref(),
        person.as_ref(),
        done_by,
        actor,
    ];
    let named = named.map(|name| name.map(String::as_str));
    let [org, kind, bank, parcel, grant, person, done_by, actor] = numbers(tx, named).await?;
    let sql = "INSERT INTO log_index
        (event_id, org, at, kind, severity, bank, compartment, parcel, grant_id, person, done_by, actor)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let (at, severity) = (line.at.unix_ms(), severity_number(line.severity));
    let door = line.compartment.map(|compartment| compartment.0);
    let values =
        params![event_id, org, at, kind, severity, bank, door, parcel, grant, person, done_by, actor];
    tx.exec(sql, values).await?;
    Ok(())
}

async fn complete(tx: &Tx, line: &mut Indexed) -> Result<(), AppError> {
    if let (Some(message), None) = (line.message, line.parcel) {
        let sql = "SELECT parcel FROM message WHERE id = $1";
        let row = tx.query_opt(sql, params![message.to_string()]).await?;
        line.parcel = row.map(|row| typed_opt(&row, "parcel")).transpose()?.flatten();
    }
    if let Some(alert) = line.alert {
        let sql = "SELECT bank, compartment FROM alert WHERE id = $1";
        if let Some(row) = tx.query_opt(sql, params![alert.to_string()]).await? {
            line.bank = typed_opt(&row, "bank")?;
            line.compartment = row.get::<Option<u16>>("compartment")?.map(CompartmentNo);
        }
    }
    let (column, value) = match (line.parcel, line.grant) {
        (Some(parcel), _) => ("id", parcel.to_string()),
        (None, Some(grant)) => ("grant_id", grant.to_string()),
        (None, None) => return Ok(()),
    };
    let sql = format!("SELECT id, bank, compartment, grant_id, recipient FROM parcel WHERE {column} = $1");
    if let Some(row) = tx.query_opt(&sql, params![value]).await? {
        line.parcel = Some(typed(&row, "id")?);
        line.grant = line.grant.or(Some(typed(&row, "grant_id")?));
        line.bank = line.bank.or(Some(typed(&row, "bank")?));
        line.compartment = line.compartment.or(Some(CompartmentNo(row.get("compartment")?)));
        line.person = line.person.or(Some(typed(&row, "recipient")?));
    }
    Ok(())
}

/// The parcel of the opening a bank announced under this number.
///
/// # Errors
/// The store's.
pub async fn parcel_of_opening(tx: &Tx, bank: BankId, seq: u64) -> Result<Option<ParcelId>, AppError> {
    let sql = format!(
        "SELECT {} AS parcel FROM event JOIN log_index ON log_index.event_id = event.id
        WHERE event.source = (SELECT id FROM log_name WHERE name = $1) AND event.source_seq = $2",
        name_of("log_index.parcel")
    );
    let row = tx.query_opt(&sql, params![bank.to_string(), i64::try_from(seq).unwrap_or(i64::MAX)]).await?;
    Ok(row.map(|row| typed_opt(&row, "parcel")).transpose()?.flatten())
}

/// The parcel of the last time a compartment's door was moved on purpose or by force.
///
/// # Errors
/// The store's.
pub async fn last_parcel_at(
    tx: &Tx,
    bank: BankId,
    compartment: CompartmentNo,
) -> Result<Option<ParcelId>, AppError> {
    let sql = format!(
        "SELECT {} AS parcel FROM log_index
        WHERE bank = (SELECT id FROM log_name WHERE name = $1) AND compartment = $2 AND kind IN (SELECT id FROM log_name
            WHERE name IN ('OpeningIntended', 'CompartmentOpened', 'CompartmentForced', 'CompartmentFoundOpen'))
        ORDER BY event_id DESC LIMIT 1",
        name_of("parcel")
    );
    let row = tx.query_opt(&sql, params![bank.to_string(), compartment.0]).await?;
    Ok(row.map(|row| typed_opt(&row, "parcel")).transpose()?.flatten())
}

/// Whether a bank has told this kind of thing once and no more.
///
/// # Errors
/// The store's.
pub async fn is_first(tx: &Tx, bank: BankId, kind: &str) -> Result<bool, AppError> {
    let sql = "SELECT event_id FROM log_index WHERE bank = (SELECT id FROM log_name WHERE name = $1)
        AND kind = (SELECT id FROM log_name WHERE name = $2) LIMIT 2";
    Ok(tx.query(sql, params![bank.to_string(), kind]).await?.len() < 2)
}
