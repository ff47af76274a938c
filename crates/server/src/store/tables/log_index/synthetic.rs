//! A log that never happened, as large as wanted: for benches and tests of how the log page grows. Never called by the platform.

use bailee_domain::id::{BankId, OrgId, ParcelId, PersonId};

use crate::app::AppError;
use crate::params;
use crate::store::Tx;

/// Milliseconds between two events.
const STEP_MS: i64 = 7_000;
/// Banks, parcels and people the events are spread over.
const BANKS: i64 = 64;
const DOORS: i64 = 48;
const EVENTS_OF_A_PARCEL: i64 = 8;
const PEOPLE: i64 = 5_000;
const KINDS: [&str; 7] = [
    "CompartmentForced",
    "AccessRefused",
    "ParcelDeposited",
    "NotificationSent",
    "ParcelCollected",
    "CompartmentOpened",
    "CompartmentClosed",
];

/// Who and what a synthetic log is about; all of it depends on the organisation and a number alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synthetic;

impl Synthetic {
    /// A bank, of 64.
    #[must_use]
    pub fn bank(number: u8) -> BankId {
        BankId::from_bytes(bytes(i64::from(number) % BANKS))
    }

    /// A person, of 5,000.
    #[must_use]
    pub fn person(number: u16) -> PersonId {
        PersonId::from_bytes(bytes(i64::from(number) % PEOPLE))
    }

    /// A parcel; eight events each.
    #[must_use]
    pub fn parcel(number: u32) -> ParcelId {
        ParcelId::from_bytes(bytes(i64::from(number)))
    }
}

/// An id of zeros with a number in its last two digits of base 32, as [`fill`] writes it.
fn bytes(number: i64) -> [u8; 16] {
    u128::try_from(number).unwrap_or(0).to_be_bytes()
}

/// An SQL expression for the text form of an id: 26 digits of Crockford's base32 (as `domain::id` writes them).
fn id_of(prefix: &str, number: &str) -> String {
    let digit = |place: u32| {
        let power = 32_i64.pow(place);
        format!(
            "substr('0123456789abcdefghjkmnpqrstvwxyz', CAST((({number}) / {power}) % 32 AS INTEGER) + 1, 1)"
        )
    };
    let digits: Vec<String> = (0..6).rev().map(digit).collect();
    format!("'{prefix}{}' || {}", "0".repeat(20), digits.join(" || "))
}

/// Adds `count` events after the first `from`, the oldest first, each seven seconds after the one before.
///
/// # Errors
/// The store's.
pub async fn fill(tx: &Tx, org: OrgId, (from, count): (i64, i64), start_ms: i64) -> Result<(), AppError> {
    let numbers =
        "WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2)";
    let end = from + count;
    // The mixing keeps neighbours apart: bank, door, parcel and person of a row are as good as drawn.
    let mixed = "(i * 2654435761) % 4294967296";
    let (bank, parcel) =
        (id_of("bnk_", &format!("({mixed}) % {BANKS}")), id_of("prc_", &format!("i / {EVENTS_OF_A_PARCEL}")));
    let person = id_of("per_", &format!("({mixed}) / 64 % {PEOPLE}"));
    let kinds = KINDS.map(|kind| format!("SELECT '{kind}'")).join(" UNION ");
    let names = format!(
        "INSERT INTO log_name (name) SELECT name FROM ({numbers} SELECT $3 AS name UNION SELECT {bank} FROM n
            UNION SELECT {parcel} FROM n UNION SELECT {person} FROM n UNION {kinds}) AS named
        WHERE name NOT IN (SELECT name FROM log_name)"
    );
    tx.exec(&names, params![from, end, org.to_string()]).await?;
    let of = |name: &str| format!("(SELECT id FROM log_name WHERE name = {name})");
    let (org_number, bank, parcel, person) = (of("$3"), of(&bank), of(&parcel), of(&person));
    let events = format!(
        "INSERT INTO event (id, org, source, source_seq, received_at, leaf_index)
        {numbers} SELECT i + 1, {org_number}, {org_number}, i, $4 + i * {STEP_MS}, i FROM n"
    );
    tx.exec(&events, params![from, end, org.to_string(), start_ms]).await?;
    let kind = of("CASE WHEN i % 100000 = 77 THEN 'CompartmentForced' WHEN i % 500 = 3 THEN 'AccessRefused'
                WHEN i % 8 = 1 THEN 'ParcelDeposited' WHEN i % 8 = 2 THEN 'NotificationSent'
                WHEN i % 8 = 6 THEN 'ParcelCollected' WHEN i % 2 = 0 THEN 'CompartmentOpened' ELSE 'CompartmentClosed' END");
    let index = format!(
        "INSERT INTO log_index
            (event_id, org, at, kind, severity, bank, compartment, parcel, grant_id, person, done_by, actor)
        {numbers} SELECT i + 1, {org_number}, $4 + i * {STEP_MS}, {kind},
            CASE WHEN i % 100000 = 77 THEN 2 WHEN i % 500 = 3 THEN 1 ELSE 0 END,
            {bank}, ({mixed}) / 7 % {DOORS} + 1, {parcel}, NULL, {person},
            CASE WHEN i % 8 = 1 THEN {person} END, CASE WHEN i % 8 = 1 THEN NULL ELSE {bank} END
        FROM n"
    );
    tx.exec(&index, params![from, end, org.to_string(), start_ms]).await?;
    Ok(())
}
