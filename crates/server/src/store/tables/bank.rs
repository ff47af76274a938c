//! `bank`: the banks, their keys and how far their chains are held.

use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Size, Wiring};
use bailee_domain::id::{BankId, OrgId, SiteId};
use bailee_domain::time::WallTime;

use super::{damaged, typed};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// What a bank is to the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BankState {
    /// An enrolment token is out; no controller has come with it yet.
    Offered,
    /// It has proved its keys and is served.
    Enrolled,
    /// It is not served any more.
    Removed,
}

impl BankState {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Enrolled => "enrolled",
            Self::Removed => "removed",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Offered, Self::Enrolled, Self::Removed].into_iter().find(|state| state.name() == name)
    }
}

/// A bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankRow {
    /// Its id.
    pub id: BankId,
    /// Whose it is.
    pub org: OrgId,
    /// Where it stands.
    pub site: SiteId,
    /// What it is called.
    pub name: String,
    /// What it is to the platform.
    pub state: BankState,
    /// SHA-256 of the public key it shows on the link.
    pub pin: Option<[u8; 32]>,
    /// The Ed25519 key that signs its chain heads.
    pub device_key: Option<[u8; 32]>,
    /// How it is built.
    pub layout: Option<Layout>,
    /// `K_bank`, sealed.
    pub code_key: Vec<u8>,
    /// Salt of the stretch.
    pub code_salt: [u8; 16],
    /// Counts its key changes.
    pub code_epoch: u32,
    /// The roster it is known to have taken.
    pub roster_acked: u64,
    /// The last of its events held, 0 for none.
    pub last_seq: u64,
    /// The hash of that event.
    pub last_hash: [u8; 32],
    /// Whether it counts as connected in the log.
    pub online: bool,
    /// When it was last heard before it went offline.
    pub last_seen: Option<WallTime>,
    /// When it was first offered.
    pub created_at: WallTime,
}

const COLUMNS: &str = "id, org, site, name, state, pin, device_key, layout, code_key, code_salt, code_epoch,
    roster_acked, last_seq, last_hash, online, last_seen, created_at";

fn read(row: &Row) -> Result<BankRow, AppError> {
    let layout = row.get::<Option<Vec<u8>>>("layout")?;
    Ok(BankRow {
        id: typed(row, "id")?,
        org: typed(row, "org")?,
        site: typed(row, "site")?,
        name: row.get("name")?,
        state: BankState::from_name(&row.get::<String>("state")?).ok_or(damaged("bank.state"))?,
        pin: row.get("pin")?,
        device_key: row.get("device_key")?,
        layout: layout.map(|bytes| layout_from(&bytes).ok_or(damaged("bank.layout"))).transpose()?,
        code_key: row.get("code_key")?,
        code_salt: row.get("code_salt")?,
        code_epoch: row.get("code_epoch")?,
        roster_acked: row.get("roster_acked")?,
        last_seq: row.get("last_seq")?,
        last_hash: row.get("last_hash")?,
        online: row.get("online")?,
        last_seen: row.get::<Option<i64>>("last_seen")?.map(WallTime::from_unix_ms),
        created_at: WallTime::from_unix_ms(row.get("created_at")?),
    })
}

/// Adds a bank for which an enrolment token is being made.
///
/// # Errors
/// The store's.
pub async fn insert_offered(tx: &Tx, bank: &BankRow) -> Result<(), AppError> {
    let sql =
        "INSERT INTO bank (id, org, site, name, state, code_key, code_salt, code_epoch, roster_revision,
            roster_acked, last_seq, last_hash, online, created_at)
        VALUES ($1, $2, $3, $4, 'offered', $5, $6, $7, 0, 0, 0, $8, 0, $9)";
    let values = params![
        bank.id.to_string(),
        bank.org.to_string(),
        bank.site.to_string(),
        &bank.name,
        &bank.code_key,
        bank.code_salt,
        bank.code_epoch,
        bank.last_hash,
        bank.created_at.unix_ms(),
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// Makes an offered bank an enrolled one.
///
/// # Errors
/// The store's.
pub async fn enrol(
    tx: &Tx,
    id: BankId,
    (pin, device_key): ([u8; 32], [u8; 32]),
    layout: &Layout,
) -> Result<bool, AppError> {
    let sql = "UPDATE bank SET state = 'enrolled', pin = $2, device_key = $3, layout = $4
        WHERE id = $1 AND state = 'offered'";
    Ok(tx.exec(sql, params![id.to_string(), pin, device_key, layout_bytes(layout)]).await? == 1)
}

/// The bank with this id.
///
/// # Errors
/// The store's.
pub async fn by_id(tx: &Tx, org: OrgId, id: BankId) -> Result<Option<BankRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM bank WHERE org = $1 AND id = $2");
    tx.query_opt(&sql, params![org.to_string(), id.to_string()]).await?.as_ref().map(read).transpose()
}

/// The enrolled bank that shows this key on the link.
///
/// # Errors
/// The store's.
pub async fn by_pin(tx: &Tx, pin: [u8; 32]) -> Result<Option<BankRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM bank WHERE pin = $1 AND state = 'enrolled'");
    tx.query_opt(&sql, params![pin]).await?.as_ref().map(read).transpose()
}

/// Every bank that is offered or enrolled, by name.
///
/// # Errors
/// The store's.
pub async fn all(tx: &Tx, org: OrgId) -> Result<Vec<BankRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM bank WHERE org = $1 AND state <> 'removed' ORDER BY name, id");
    tx.query(&sql, params![org.to_string()]).await?.iter().map(read).collect()
}

/// Whether a bank of this name stands at the site.
///
/// # Errors
/// The store's.
pub async fn is_name_taken(tx: &Tx, site: SiteId, name: &str) -> Result<bool, AppError> {
    let sql = "SELECT id FROM bank WHERE site = $1 AND name = $2 AND state <> 'removed' LIMIT 1";
    Ok(tx.query_opt(sql, params![site.to_string(), name]).await?.is_some())
}

/// Whether the organisation has this site.
///
/// # Errors
/// The store's.
pub async fn is_site(tx: &Tx, org: OrgId, site: SiteId) -> Result<bool, AppError> {
    let sql = "SELECT id FROM site WHERE org = $1 AND id = $2";
    Ok(tx.query_opt(sql, params![org.to_string(), site.to_string()]).await?.is_some())
}

/// Enrolled banks that are not known to have this revision of the roster.
///
/// # Errors
/// The store's.
pub async fn behind(tx: &Tx, org: OrgId, revision: u64) -> Result<Vec<BankId>, AppError> {
    let sql = "SELECT id FROM bank WHERE org = $1 AND state = 'enrolled' AND roster_acked < $2 ORDER BY id";
    let rows = tx.query(sql, params![org.to_string(), number(revision)]).await?;
    rows.iter().map(|row| typed(row, "id")).collect()
}

/// Notes that a bank has taken this revision of the roster.
///
/// # Errors
/// The store's.
pub async fn roster_taken(tx: &Tx, id: BankId, revision: u64) -> Result<(), AppError> {
    let sql = "UPDATE bank SET roster_acked = $2 WHERE id = $1 AND roster_acked < $2";
    tx.exec(sql, params![id.to_string(), number(revision)]).await?;
    Ok(())
}

/// Notes what a bank says when it connects: the roster it works with, and how it is built.
///
/// # Errors
/// The store's.
pub async fn greeted(tx: &Tx, id: BankId, revision: u64, layout: &Layout) -> Result<(), AppError> {
    let sql = "UPDATE bank SET roster_acked = $2, layout = $3
        WHERE id = $1 AND state = 'enrolled' AND (roster_acked <> $2 OR layout <> $3)";
    tx.exec(sql, params![id.to_string(), number(revision), layout_bytes(layout)]).await?;
    Ok(())
}

/// Moves the end of a bank's chain; tells whether it was where the caller found it.
///
/// # Errors
/// The store's.
pub async fn advance(
    tx: &Tx,
    id: BankId,
    found: u64,
    (seq, hash): (u64, [u8; 32]),
) -> Result<bool, AppError> {
    let sql = "UPDATE bank SET last_seq = $3, last_hash = $4 WHERE id = $1 AND last_seq = $2";
    Ok(tx.exec(sql, params![id.to_string(), number(found), number(seq), hash]).await? == 1)
}

/// Notes whether a bank counts as connected; tells whether that changed.
///
/// # Errors
/// The store's.
pub async fn set_online(
    tx: &Tx,
    id: BankId,
    online: bool,
    heard: Option<WallTime>,
) -> Result<bool, AppError> {
    let sql = "UPDATE bank SET online = $2, last_seen = COALESCE($3, last_seen)
        WHERE id = $1 AND online <> $2 AND state = 'enrolled'";
    let values = params![id.to_string(), online, heard.map(WallTime::unix_ms)];
    Ok(tx.exec(sql, values).await? == 1)
}

/// Where a bank stands and what its site has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the bank is called.
    pub bank_name: String,
    /// The site.
    pub site: SiteId,
    /// What the site is called.
    pub site_name: String,
    /// Whom to call, as shown on the kiosk.
    pub help: String,
    /// Days a parcel may wait.
    pub expiry_days: u16,
}

/// Where a bank stands.
///
/// # Errors
/// The store's.
pub async fn place(tx: &Tx, id: BankId) -> Result<Option<Place>, AppError> {
    let sql = "SELECT bank.name AS bank_name, site.id AS site, site.name AS site_name, site.help,
            site.expiry_days FROM bank JOIN site ON site.id = bank.site WHERE bank.id = $1";
    let Some(row) = tx.query_opt(sql, params![id.to_string()]).await? else { return Ok(None) };
    Ok(Some(Place {
        bank_name: row.get("bank_name")?,
        site: typed(&row, "site")?,
        site_name: row.get("site_name")?,
        help: row.get("help")?,
        expiry_days: row.get("expiry_days")?,
    }))
}

/// A claimed revision this far ahead of ours cannot come from a backup that was restored.
const FURTHEST_CLAIM: u64 = 1 << 20;
/// No claim moves the roster beyond this revision: a bank, and a new one too, takes a step of at most 2³².
const LAST_CLAIMED: u64 = 1 << 31;

/// What a bank's word on the roster it has is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It may have been given that revision.
    Plausible,
    /// It was never given that revision; the word of one bank must not use up the numbers of all.
    Absurd,
}

/// Moves the organisation's roster beyond a revision a bank has and the platform never gave out, as it is after a
/// restore from an old backup: banks never go back to an older one. An absurd claim moves nothing.
///
/// # Errors
/// The store's.
pub async fn roster_beyond(tx: &Tx, org: OrgId, revision: u64) -> Result<Claim, AppError> {
    let given = super::org::roster_revision(tx, org).await?;
    if revision <= given {
        return Ok(Claim::Plausible);
    }
    if revision - given > FURTHEST_CLAIM || revision > LAST_CLAIMED {
        return Ok(Claim::Absurd);
    }
    super::org::raise_roster(tx, org, revision + 1).await?;
    Ok(Claim::Plausible)
}

/// Counts an alarm of a bank that is to be told; returns since when alarms are counted and how many they are, this
/// one included. An hour (`hour_ms`) after the first of them, or when the clock went back, it starts again.
///
/// # Errors
/// The store's.
pub async fn count_alarm(
    tx: &Tx,
    id: BankId,
    now: WallTime,
    hour_ms: i64,
) -> Result<(WallTime, u32), AppError> {
    let sql = "UPDATE bank SET
            alarm_letters = CASE WHEN alarm_hour > $3 AND alarm_hour <= $2 THEN alarm_letters + 1 ELSE 1 END,
            alarm_hour = CASE WHEN alarm_hour > $3 AND alarm_hour <= $2 THEN alarm_hour ELSE $2 END
        WHERE id = $1 RETURNING alarm_hour, alarm_letters";
    let values = params![id.to_string(), now.unix_ms(), now.plus_ms(-hour_ms).unix_ms()];
    let row = tx.query_one(sql, values).await?;
    Ok((WallTime::from_unix_ms(row.get("alarm_hour")?), row.get("alarm_letters")?))
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A layout as stored: a version, then 12 bytes for each compartment, numbers big-endian.
fn layout_bytes(layout: &Layout) -> Vec<u8> {
    let mut bytes = vec![1];
    for c in layout.iter() {
        bytes.extend(c.number.0.to_be_bytes());
        bytes.push(u8::try_from(u32::from(c.size.code())).expect("sizes are ASCII letters"));
        bytes.push(u8::from(c.reach == Reach::Low));
        bytes.extend([c.wiring.board, c.wiring.channel]);
        for n in [c.column, c.row, c.height] {
            bytes.extend(n.to_be_bytes());
        }
    }
    bytes
}

fn layout_from(bytes: &[u8]) -> Option<Layout> {
    let (1, rest) = bytes.split_first()? else { return None };
    let two = |at: &[u8], i: usize| u16::from_be_bytes([at[i], at[i + 1]]);
    let (chunks, left) = rest.as_chunks::<12>();
    let compartments = chunks.iter().map(|c| {
        Some(Compartment {
            number: CompartmentNo(two(c, 0)),
            size: Size::from_code(char::from(c[2]))?,
            reach: if c[3] == 1 { Reach::Low } else { Reach::Standard },
            wiring: Wiring { board: c[4], channel: c[5] },
            column: two(c, 6),
            row: two(c, 8),
            height: two(c, 10),
        })
    });
    let layout = Layout::new(compartments.collect::<Option<_>>()?).ok()?;
    left.is_empty().then_some(layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_stored_as_it_is() {
        let compartments = (1..=24u16).map(|n| Compartment {
            number: CompartmentNo(n * 11),
            size: Size::ALL[usize::from(n % 4)],
            reach: if n % 3 == 0 { Reach::Low } else { Reach::Standard },
            wiring: Wiring { board: u8::try_from(n / 12).unwrap(), channel: u8::try_from(n).unwrap() },
            column: n / 6,
            row: n % 6 * 300,
            height: 300,
        });
        let layout = Layout::new(compartments.collect()).unwrap();
        let bytes = layout_bytes(&layout);
        assert_eq!(layout_from(&bytes), Some(layout));
        assert_eq!(layout_from(&bytes[..bytes.len() - 1]), None);
        assert_eq!(layout_from(&[]), None);
    }
}
