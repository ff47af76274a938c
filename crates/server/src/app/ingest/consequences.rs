//! What an event of a bank means for the platform's own state.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::{Deposit, Event, EventKind, Purpose, Severity};
use bailee_domain::id::{BankId, GrantId, ParcelId};
use bailee_domain::parcel::Parcel;
use bailee_domain::platform::Actor;
use bailee_domain::time::WallTime;

use super::super::alarm::{self, About, Alarm};
use super::super::{
    App, AppError, Change, badges, codes, custody, openings, people, person_keys, receipts, work_orders,
};
use super::{Checked, roster_claimed};
use crate::store::tables::bank::{BankRow, Claim};
use crate::store::tables::log_index::{self, Indexed};
use crate::store::tables::{bank, code, event, parcel};

/// No bank gives a grant longer than this.
const LONGEST_GRANT_MS: i64 = 31 * 86_400_000;
/// A clock that runs further ahead than two years is not one.
const FURTHEST_CLOCK_MS: i64 = 2 * 366 * 86_400_000;

/// Stores one new event and everything that follows from it.
pub(super) async fn follow(
    app: &App,
    change: &Change,
    bank: &BankRow,
    checked: &Checked<'_>,
) -> Result<(), AppError> {
    let happened = &checked.event;
    let line = line(change, bank.id, happened).await?;
    let at = (bank.id, happened.seq);
    let row = event::append_bank(&change.tx, change.org, at, (checked.bytes, line), change.at).await?;
    receipts::issue(app, change, bank, (row, happened)).await?;
    match &happened.kind {
        EventKind::ParcelDeposited(deposit) => deposited(app, change, bank, happened, deposit).await?,
        EventKind::ParcelCollected { grant, .. } => {
            after(change, bank.id, *grant, happened).await?;
            codes::close(change, bank.id, *grant).await?;
        }
        EventKind::GrantArmed { grant, generation, .. } => {
            after(change, bank.id, *grant, happened).await?;
            codes::armed(app, change, (bank.id, *grant), *generation).await?;
            catch_up(change, bank.id, *grant, *generation).await?;
        }
        EventKind::GrantExpired { grant, .. } => expired(change, bank.id, *grant, happened).await?,
        EventKind::GrantRevoked { grant } => codes::close(change, bank.id, *grant).await?,
        EventKind::RosterTaken { revision } => {
            match bank::roster_beyond(&change.tx, change.org, *revision).await? {
                Claim::Plausible => {
                    bank::roster_taken(&change.tx, bank.id, *revision).await?;
                    person_keys::roster_taken(app, change, bank, happened, *revision).await?;
                }
                Claim::Absurd => roster_claimed(app, change, bank.id, Some(happened.seq)).await?,
            }
        }
        EventKind::OpeningIntended { purpose: Purpose::Inspect { authority, .. }, .. } => {
            openings::opened(change, bank.id, *authority, happened.at).await?;
        }
        EventKind::BadgeEnrolled { .. } | EventKind::BadgesForgotten { .. } => {
            badges::heard(change, bank.id, happened).await?;
        }
        EventKind::TamperBegan { .. } | EventKind::CompartmentForced { .. } => {
            custody::heard(app, change, bank.id, happened).await?;
        }
        EventKind::WorkOrderClosed { .. } => work_orders::heard(change, happened).await?,
        EventKind::KeyWaits { .. } | EventKind::KeyAdmitted { .. } | EventKind::KeyRemoved { .. } => {
            person_keys::key_event(change, bank.id, happened).await?;
        }
        _ => {}
    }
    alarm(app, change, bank, happened).await
}

/// The event's line in the index, with the parcel that its compartment or opening leads to.
async fn line(change: &Change, bank: BankId, happened: &Event) -> Result<Indexed, AppError> {
    let mut line = Indexed::of_bank(bank, happened);
    if line.parcel.is_none() {
        line.parcel = parcel_of(change, bank, &happened.kind).await?;
    }
    Ok(line)
}

async fn parcel_of(change: &Change, bank: BankId, kind: &EventKind) -> Result<Option<ParcelId>, AppError> {
    match kind {
        EventKind::CompartmentOpened { opening, .. } | EventKind::CompartmentDidNotOpen { opening, .. } => {
            log_index::parcel_of_opening(&change.tx, bank, *opening).await
        }
        EventKind::CompartmentForced { compartment } | EventKind::CompartmentFoundOpen { compartment } => {
            let lying = parcel::lying_in(&change.tx, bank, *compartment).await?;
            Ok(lying.map(|parcel| parcel.id))
        }
        EventKind::CompartmentClosed { compartment }
        | EventKind::CompartmentHeldOpen { compartment }
        | EventKind::ProblemReported { compartment, .. } => {
            log_index::last_parcel_at(&change.tx, bank, *compartment).await
        }
        _ => Ok(None),
    }
}

async fn deposited(
    app: &App,
    change: &Change,
    bank: &BankRow,
    happened: &Event,
    deposit: &Deposit,
) -> Result<(), AppError> {
    let built = bank.layout.as_ref().is_none_or(|layout| layout.find(deposit.compartment).is_some());
    if !built || parcel::lying_in(&change.tx, bank.id, deposit.compartment).await?.is_some() {
        return raise(app, change, bank, happened, alarm::PARCEL_CONFLICT).await;
    }
    let in_time = is_in_time(deposit, happened.at, change.at);
    let mut new = Parcel::deposited(bank.id, happened.at, deposit);
    if !in_time {
        new.expires = new.expires.min(change.at.plus_ms(LONGEST_GRANT_MS));
    }
    // What lies there is kept in any case; but no code is made on the word of a bank that contradicts itself.
    if !parcel::insert(&change.tx, change.org, &new).await? || !in_time {
        return raise(app, change, bank, happened, alarm::PARCEL_CONFLICT).await;
    }
    // Deleted while the bank could not be told: the parcel is there all the same, and staff must see to it.
    if people::contact(app, &change.tx, deposit.recipient).await?.is_none() {
        return raise(app, change, bank, happened, alarm::RECIPIENT_UNKNOWN).await;
    }
    codes::order(change, (bank.id, deposit.grant), (1, deposit.expires), Actor::Platform).await
}

/// Whether a grant made `at` the bank's time can end when it is said to. A bank may have been alone for long and its
/// clock may be wrong, but it counts the time of a grant by its own clock.
fn is_in_time(deposit: &Deposit, at: WallTime, now: WallTime) -> bool {
    let lasts_ms = deposit.expires.since_ms(at);
    (1..=LONGEST_GRANT_MS).contains(&lasts_ms) && at.since_ms(now) <= FURTHEST_CLOCK_MS
}

async fn after(change: &Change, bank: BankId, grant: GrantId, happened: &Event) -> Result<(), AppError> {
    match parcel::by_grant(&change.tx, bank, grant).await? {
        Some(parcel) => parcel::update(&change.tx, &parcel.after(happened)).await,
        None => Ok(()),
    }
}

/// Keeps the count of generations not behind the bank's, as it is after a restore from an old backup.
async fn catch_up(change: &Change, bank: BankId, grant: GrantId, generation: u8) -> Result<(), AppError> {
    match code::of_grant(&change.tx, bank, grant).await? {
        Some(mut order) if order.generation < generation => {
            order.generation = generation;
            order.state = code::OrderState::Armed;
            code::put(&change.tx, &order).await
        }
        _ => Ok(()),
    }
}

/// The code is dead, unless more time was ordered in the meantime.
async fn expired(change: &Change, bank: BankId, grant: GrantId, happened: &Event) -> Result<(), AppError> {
    match code::of_grant(&change.tx, bank, grant).await? {
        Some(order) if order.expires > happened.at => Ok(()),
        _ => codes::close(change, bank, grant).await,
    }
}

/// Raises the alert of an event that is an alarm.
pub(super) async fn alarm(
    app: &App,
    change: &Change,
    bank: &BankRow,
    happened: &Event,
) -> Result<(), AppError> {
    if happened.kind.severity() != Severity::Alarm {
        return Ok(());
    }
    let kind = Indexed::of_bank(bank.id, happened).kind;
    raise(app, change, bank, happened, &kind).await
}

async fn raise(
    app: &App,
    change: &Change,
    bank: &BankRow,
    happened: &Event,
    kind: &str,
) -> Result<(), AppError> {
    let door = match &happened.kind {
        EventKind::ParcelDeposited(deposit) => Some(deposit.compartment),
        kind => kind.compartment(),
    };
    // Doors a bank does not have are no reason for an alert each.
    let exists = |door: &CompartmentNo| bank.layout.as_ref().is_some_and(|built| built.find(*door).is_some());
    let alarm = Alarm {
        about: About::Bank(bank.id),
        kind: kind.to_owned(),
        compartment: door.filter(exists),
        event_seq: Some(happened.seq),
        at: happened.at,
    };
    alarm::raise(app, change, &alarm).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use bailee_domain::compartment::Size;
    use bailee_domain::id::{CarrierId, PersonId};

    use super::*;

    const NOW: WallTime = WallTime::from_unix_ms(1_800_000_000_000);
    const DAY_MS: i64 = 86_400_000;

    fn lasts(at: WallTime, expires: WallTime) -> bool {
        let deposit = Deposit {
            parcel: ParcelId::from_bytes([1; 16]),
            grant: GrantId::from_bytes([1; 16]),
            compartment: CompartmentNo(1),
            recipient: PersonId::from_bytes([1; 16]),
            courier: PersonId::from_bytes([2; 16]),
            carrier: CarrierId::from_bytes([3; 16]),
            size: Size::Small,
            expires,
        };
        is_in_time(&deposit, at, NOW)
    }

    #[test]
    fn a_grant_ends_after_it_began_and_within_its_time() {
        let end = WallTime::from_unix_ms(i64::MAX);
        for days in [-4_000, -400, 0, 366] {
            let at = NOW.plus_ms(days * DAY_MS);
            assert!(lasts(at, at.plus_ms(7 * DAY_MS)) && lasts(at, at.plus_ms(31 * DAY_MS)), "{days}");
            assert!(!lasts(at, at) && !lasts(at, at.plus_ms(-1)) && !lasts(at, at.plus_ms(32 * DAY_MS)));
            assert!(!lasts(at, end) && !lasts(at, WallTime::from_unix_ms(i64::MIN)));
        }
        assert!(!lasts(end.plus_ms(-DAY_MS), end));
        assert!(!lasts(WallTime::from_unix_ms(i64::MIN), end));
    }
}
