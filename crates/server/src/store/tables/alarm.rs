//! `alert` as it is raised. How alerts are listed and acknowledged is in `alert`.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{AlertId, BankId, OrgId};
use bailee_domain::time::WallTime;

use crate::app::AppError;
use crate::params;
use crate::store::Tx;

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A bank.
    Bank(BankId),
    /// A witness that is no bank, by the name of its key.
    Witness(String),
}

impl About {
    /// The bank, when it is about one.
    #[must_use]
    pub const fn bank(&self) -> Option<BankId> {
        match self {
            Self::Bank(bank) => Some(*bank),
            Self::Witness(_) => None,
        }
    }

    /// The columns `bank` and `witness`: one of the two.
    fn columns(&self) -> (Option<String>, Option<&str>) {
        match self {
            Self::Bank(bank) => (Some(bank.to_string()), None),
            Self::Witness(name) => (None, Some(name)),
        }
    }
}

/// Something that needs somebody's attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlert {
    /// Its id.
    pub id: AlertId,
    /// What it is about.
    pub about: About,
    /// What is wrong.
    pub kind: String,
    /// Which door, if it is about one.
    pub compartment: Option<CompartmentNo>,
    /// The bank's event that raised it; the same event raises a kind once.
    pub event_seq: Option<u64>,
    /// Since when.
    pub at: WallTime,
}

/// What became of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// An alert stands that did not before.
    New,
    /// It counts on the alert of the same kind and door that nobody has acknowledged yet.
    Folded,
    /// Its event was told before.
    Known,
}

/// Raises an alert, or counts on the open one about the same, of the same kind and door; an event counts once for each kind.
///
/// # Errors
/// The store's.
pub async fn raise(tx: &Tx, org: OrgId, alert: &NewAlert) -> Result<Raised, AppError> {
    let open = open_like(tx, alert).await?;
    let stands = open.clone().unwrap_or_else(|| alert.id.to_string());
    if let (Some(seq), About::Bank(bank)) = (alert.event_seq, &alert.about)
        && !is_first(tx, *bank, (seq, &alert.kind), &stands).await?
    {
        return Ok(Raised::Known);
    }
    if let Some(open) = open {
        let sql = "UPDATE alert SET times = times + 1,
            last_at = CASE WHEN COALESCE(last_at, at) < $2 THEN $2 ELSE COALESCE(last_at, at) END WHERE id = $1";
        tx.exec(sql, params![open, alert.at.unix_ms()]).await?;
        return Ok(Raised::Folded);
    }
    let sql = "INSERT INTO alert (id, org, bank, witness, kind, compartment, event_seq, at, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open')";
    let (bank, witness) = alert.about.columns();
    let values = params![
        stands,
        org.to_string(),
        bank,
        witness,
        &alert.kind,
        alert.compartment.map(|compartment| compartment.0),
        alert.event_seq.map(number),
        alert.at.unix_ms(),
    ];
    tx.exec(sql, values).await?;
    Ok(Raised::New)
}

async fn open_like(tx: &Tx, alert: &NewAlert) -> Result<Option<String>, AppError> {
    let (column, of) = match &alert.about {
        About::Bank(bank) => ("bank", bank.to_string()),
        About::Witness(name) => ("witness", name.clone()),
    };
    let sql = format!(
        "SELECT id FROM alert WHERE {column} = $1 AND kind = $2 AND state = 'open'
        AND COALESCE(compartment, -1) = $3 ORDER BY id DESC LIMIT 1"
    );
    let door = alert.compartment.map_or(-1, |compartment| i64::from(compartment.0));
    let row = tx.query_opt(&sql, params![of, &alert.kind, door]).await?;
    row.map(|row| row.get("id")).transpose().map_err(AppError::Store)
}

/// Notes for which alert an event stands; tells whether it stood for none of this kind before.
async fn is_first(tx: &Tx, bank: BankId, (seq, kind): (u64, &str), stands: &str) -> Result<bool, AppError> {
    let sql = "INSERT INTO alert_event (bank, event_seq, kind, alert) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    let values = params![bank.to_string(), number(seq), kind, stands];
    Ok(tx.exec(sql, values).await? == 1)
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
