//! Events of the platform itself: what people and integrations did there. No personal data, only opaque ids and
//! salted commitments.

use alloc::string::String;

use crate::access::{Permission, Role};
use crate::compartment::CompartmentNo;
use crate::id::{
    AlertId, BankId, CarrierId, CustodyId, FileId, GrantId, HoldId, MessageId, ParcelId, PersonId, TokenId,
    WorkOrderId,
};
use crate::signer::KeyUse;
use crate::time::WallTime;

/// One fact the platform wrote to the custody log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformEvent {
    /// When.
    pub at: WallTime,
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub kind: PlatformEventKind,
}

/// Who acted at the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The platform itself: a timer or a reconciler.
    Platform,
    /// A signed-in person.
    Person(PersonId),
    /// An API token.
    Token(TokenId),
    /// A bank over its link.
    Bank(BankId),
    /// Somebody not signed in.
    Anonymous,
}

/// A salted SHA-256 commitment to personal data; its opening lives in the store until erased.
pub type Commitment = [u8; 32];

/// What happened at the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformEventKind {
    /// The organisation's log begins.
    LogStarted,
    /// The one-time set-up link was used to make the first administrator.
    AdministratorCreated { person: PersonId, details: Commitment },
    /// Somebody signed in.
    SignedIn { person: PersonId },
    /// A sign-in was refused; unknown users and wrong passwords look the same.
    SignInRefused,
    /// A signed-in caller asked for something not allowed to them.
    PermissionDenied { permission: Permission },
    /// A person was added in a role.
    PersonAdded { person: PersonId, role: Role, details: Commitment },
    /// A person's details changed.
    PersonChanged { person: PersonId, details: Commitment },
    /// A person was removed from every bank.
    PersonRemoved { person: PersonId },
    /// Somebody looked at a person's data.
    PersonalDataRead { person: PersonId },
    /// A carrier was added; carriers are companies, not people.
    CarrierAdded { carrier: CarrierId, name: String },
    /// A courier's personal code was made anew and sent.
    CourierCodeIssued { courier: PersonId },
    /// An enrolment token was made for a bank.
    EnrolmentOffered { bank: BankId },
    /// The bank proved possession of its device key, which signs its chain heads from now on.
    BankEnrolled { bank: BankId, device_key: [u8; 32] },
    /// The bank's signed statement that its chain had this head at this sequence number.
    ChainHead { bank: BankId, seq: u64, head: [u8; 32], signature: [u8; 64] },
    /// A bank has not been heard for 60 seconds.
    BankOffline { bank: BankId },
    /// It is heard again.
    BankOnline { bank: BankId },
    /// A new code was made for a grant; the platform keeps none.
    CodeIssued { grant: GrantId, generation: u8 },
    /// A notification was accepted by a gateway.
    NotificationSent { message: MessageId, person: PersonId, channel: Channel },
    /// A notification was given up.
    NotificationFailed { message: MessageId, person: PersonId, channel: Channel },
    /// A parcel is past its time.
    ParcelOverdue { parcel: ParcelId },
    /// Its recipient got more time.
    ParcelExtended { parcel: ParcelId, expires: WallTime },
    /// Somebody acknowledged an alert.
    AlertAcknowledged { alert: AlertId },
    /// A setting changed; `what` names it, never its secret value.
    SettingChanged { what: String },
    /// An API token was made.
    TokenCreated { token: TokenId },
    /// An API token was revoked.
    TokenRevoked { token: TokenId },
    /// The log was exported.
    LogExported { entries: u64 },
    /// A person asked a bank to take a compartment out of service or put it back, or to reopen its keypad.
    BankOperationRequested { bank: BankId, what: String },
    /// An evidence bundle was made; what was asked for and why is committed to.
    EvidenceExported { request: Commitment },
    /// Nothing about this person, or this parcel and the people it names, may be erased; why and who answers for it is committed to.
    LegalHoldPlaced { hold: HoldId, person: Option<PersonId>, parcel: Option<ParcelId>, details: Commitment },
    /// That hold has ended.
    LegalHoldLifted { hold: HoldId, person: Option<PersonId>, parcel: Option<ParcelId> },
    /// A person's erasure was asked for and refused, by a hold or because custody is not over.
    ErasureRefused { person: PersonId },
    /// Everything known of a person was destroyed at the platform, their key first; why is committed to.
    PersonErased { person: PersonId, reason: Commitment },
    /// The store's files hold nothing of an erased person any more, and every bank has taken a roster without them.
    ErasureCompleted { person: PersonId },
    /// A file was attached; who has it can compare it with this SHA-256. The parcel is the one it is about or, for a compartment
    /// or an alert, the last one that was there.
    FileAttached {
        file: FileId,
        sha256: [u8; 32],
        bank: BankId,
        compartment: Option<CompartmentNo>,
        parcel: Option<ParcelId>,
        alert: Option<AlertId>,
    },
    /// An attached file and its key were destroyed; its hash stays in the log.
    FileDestroyed {
        file: FileId,
        bank: BankId,
        compartment: Option<CompartmentNo>,
        parcel: Option<ParcelId>,
        alert: Option<AlertId>,
    },
    /// A witness, by the name of its key, does not cosign the log's checkpoint of this size: an alarm.
    WitnessRefused { witness: String, size: u64, reason: String },
    /// Checkpoints are published with this witness's cosignatures from here on; it is named by its verifier key (C2SP `vkey`).
    WitnessNamed { witness: String },
    /// A bank's events do not continue what the platform holds, at this event where one can be named: an alarm.
    BankChainBroken { bank: BankId, seq: Option<u64> },
    /// A public key was registered for a person; each bank judges when it counts. `key` is its fingerprint.
    KeyRegistered { person: PersonId, key: [u8; 32], used_for: KeyUse },
    /// A person's public key was taken off the rosters.
    KeyWithdrawn { person: PersonId, key: [u8; 32], used_for: KeyUse },
    /// Somebody gave a reason for opening a door from afar, for an administrator to sign; the words are committed to.
    InspectionPrepared { bank: BankId, compartment: CompartmentNo, reason: Commitment },
    /// A person was sent a code to enrol a badge with at a bank's kiosk.
    BadgeCodeSent { person: PersonId, bank: BankId },
    /// A person's badges are to be forgotten by every bank.
    BadgesRevoked { person: PersonId },
    /// A work order was written; what is to be done is committed to.
    WorkOrderWritten { order: WorkOrderId, bank: BankId, technician: PersonId, details: Commitment },
    /// A work order was closed by staff; what was done is committed to.
    WorkOrderFinished { order: WorkOrderId, bank: BankId, details: Commitment },
    /// A work order's time is over and nobody has said what was done.
    WorkOrderOverdue { order: WorkOrderId, bank: BankId },
    /// A key was put into a sealed enclosure with this seal number.
    KeySealed { item: CustodyId, bank: BankId, seal: String },
    /// The first of two people asked for a key in custody; why is committed to.
    KeyReleaseAsked { item: CustodyId, bank: BankId, reason: Commitment },
    /// A second person agreed: the key is out until this time.
    KeyReleased { item: CustodyId, bank: BankId, first: PersonId, until: WallTime },
    /// The first person's request for a key ended without a second one.
    KeyReleaseDropped { item: CustodyId, bank: BankId },
    /// A key came back and lies under a new seal.
    KeyReturned { item: CustodyId, bank: BankId, seal: String },
    /// A key that is out was not back in time.
    KeyOverdue { item: CustodyId, bank: BankId },
    /// A key is no longer kept.
    KeyRetired { item: CustodyId, bank: BankId },
    /// An enclosure or a door was opened mechanically while no key of the bank was out, as this event of it says: an alarm.
    OpenedWithoutRelease { bank: BankId, seq: u64 },
    /// The log's key ended and named its successor; why is committed to.
    LedgerKeyRolled { hand_over: KeyHandOver, reason: Commitment },
    /// What a bank is built of was recorded; the record is committed to.
    HardwareRecorded { bank: BankId, details: Commitment },
    /// A bank is what its site demands, and was taken into use.
    BankAccepted { bank: BankId },
    /// A bank falls short in so many ways and was taken into use all the same; why is committed to.
    BankExcepted { bank: BankId, shortfalls: u16, reason: Commitment },
    /// A bank was taken out of use.
    BankWithdrawn { bank: BankId },
}

/// The statement with which the key of a log ends: from that tree on the new key is the log's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHandOver {
    /// The key that ends.
    pub old: [u8; 32],
    /// The key that begins.
    pub new: [u8; 32],
    /// Entries the old key had signed for.
    pub size: u64,
    /// The root of their tree.
    pub root: [u8; 32],
    /// When, in seconds since 1970.
    pub time_s: u64,
    /// The old key's signature over the statement.
    pub signature: [u8; 64],
    /// The new key's.
    pub possession: [u8; 64],
}

/// How a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// By e-mail.
    Email,
    /// By text message.
    Sms,
}
