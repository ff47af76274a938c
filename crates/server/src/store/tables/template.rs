//! `template`: the notification texts an operator has changed. Without a subject, the texts as delivered apply.

use bailee_domain::id::OrgId;

use crate::notify::templates::TemplateText;
use crate::params;
use crate::store::{StoreError, Tx};

/// A text as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRow {
    /// The texts; `None` for those delivered.
    pub text: Option<TemplateText>,
    /// Rises with every change, resets included.
    pub version: i64,
}

/// The text of that name, if it was ever changed.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, name: &str) -> Result<Option<TemplateRow>, StoreError> {
    let sql = "SELECT subject, text, html, sms, version FROM template WHERE org = $1 AND name = $2";
    let Some(row) = tx.query_opt(sql, params![org.to_string(), name]).await? else { return Ok(None) };
    let (subject, text): (Option<String>, Option<String>) = (row.get("subject")?, row.get("text")?);
    let (html, sms) = (row.get("html")?, row.get("sms")?);
    let text = subject.zip(text).map(|(subject, text)| TemplateText { subject, text, html, sms });
    Ok(Some(TemplateRow { text, version: row.get("version")? }))
}

/// Stores a text under its next version.
///
/// # Errors
/// The store's.
pub async fn put(tx: &Tx, org: OrgId, name: &str, row: &TemplateRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO template (org, name, subject, text, html, sms, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (org, name) DO UPDATE SET subject = excluded.subject, text = excluded.text,
             html = excluded.html, sms = excluded.sms, version = excluded.version";
    let part = |of: fn(&TemplateText) -> Option<&String>| row.text.as_ref().and_then(of).cloned();
    let values = params![
        org.to_string(),
        name,
        part(|it| Some(&it.subject)),
        part(|it| Some(&it.text)),
        part(|it| it.html.as_ref()),
        part(|it| it.sms.as_ref()),
        row.version
    ];
    tx.exec(sql, values).await?;
    Ok(())
}
