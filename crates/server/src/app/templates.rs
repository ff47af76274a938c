//! The notification texts: as delivered until somebody changes them. What may stand in them is [`templates`]' to say.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::OrgId;
use bailee_domain::platform::PlatformEventKind;

use super::{App, AppError, Principal, Refused};
use crate::notify::templates::{
    self, EmailText, Language, TemplateFault, TemplateKey, TemplateText, default_text,
};
use crate::store::Tx;
use crate::store::tables::template::{self, TemplateRow};

/// A notification text and whether it is still ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What it is for.
    pub key: TemplateKey,
    /// The texts in use.
    pub text: TemplateText,
    /// Whether somebody changed them.
    pub edited: bool,
    /// What a change has to name; 0 before the first.
    pub version: i64,
}

/// How saving a text went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is in use from now on.
    Saved {
        /// Its version.
        version: i64,
    },
    /// It cannot be used; each fault says where and why, in words for whoever wrote it.
    Faulty(Vec<TemplateFault>),
}

/// A text with sample values: the e-mail and the text message.
pub type Preview = (EmailText, Option<String>);

/// Every text, in the order they are shown.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn all(app: &App, principal: &Principal) -> Result<Vec<Setting>, AppError> {
    app.authorise(principal, Permission::ManageSettings, Scope::Organisation, None).await?;
    let org = app.org();
    app.db()
        .read(async move |tx| {
            let mut settings = Vec::new();
            for key in TemplateKey::ALL {
                settings.push(load(&tx, org, key).await?);
            }
            Ok(settings)
        })
        .await
}

/// The text to write a message with.
///
/// # Errors
/// The store's, or [`AppError::Damaged`].
pub async fn text_for(
    tx: &Tx,
    org: OrgId,
    key: TemplateKey,
    language: Language,
) -> Result<TemplateText, AppError> {
    let setting = load(tx, org, key).await?;
    Ok(if setting.edited { setting.text } else { default_text(key, language) })
}

/// Changes a text, if nobody else has since `version`.
///
/// # Errors
/// [`Refused::Conflict`], or not allowed.
pub async fn change(
    app: &App,
    principal: &Principal,
    key: TemplateKey,
    text: TemplateText,
    version: i64,
) -> Result<Saved, AppError> {
    app.authorise(principal, Permission::ManageSettings, Scope::Organisation, None).await?;
    if let Err(faults) = templates::validate(key, &text) {
        return Ok(Saved::Faulty(faults));
    }
    let version = put(app, principal, key, Some(text), version).await?;
    Ok(Saved::Saved { version })
}

/// Goes back to the text as delivered, if nobody else has changed it since `version`.
///
/// # Errors
/// [`Refused::Conflict`], or not allowed.
pub async fn reset(
    app: &App,
    principal: &Principal,
    key: TemplateKey,
    version: i64,
) -> Result<i64, AppError> {
    app.authorise(principal, Permission::ManageSettings, Scope::Organisation, None).await?;
    put(app, principal, key, None, version).await
}

/// What a text looks like with sample values, or what is wrong with it.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn preview(
    app: &App,
    principal: &Principal,
    key: TemplateKey,
    text: &TemplateText,
) -> Result<Result<Preview, Vec<TemplateFault>>, AppError> {
    app.authorise(principal, Permission::ManageSettings, Scope::Organisation, None).await?;
    Ok(templates::preview(key, text))
}

async fn load(tx: &Tx, org: OrgId, key: TemplateKey) -> Result<Setting, AppError> {
    let row = template::get(tx, org, key.name()).await?;
    let (text, version) = row.map_or((None, 0), |row| (row.text, row.version));
    let edited = text.is_some();
    let text = text.unwrap_or_else(|| default_text(key, Language::En));
    Ok(Setting { key, text, edited, version })
}

async fn put(
    app: &App,
    principal: &Principal,
    key: TemplateKey,
    text: Option<TemplateText>,
    version: i64,
) -> Result<i64, AppError> {
    app.change(principal.actor, async move |change| {
        let stored = template::get(&change.tx, change.org, key.name()).await?;
        let current = stored.map_or(0, |row| row.version);
        if current != version {
            return Err(Refused::Conflict { current }.into());
        }
        let row = TemplateRow { text: text.clone(), version: version + 1 };
        template::put(&change.tx, change.org, key.name(), &row).await?;
        let what = format!("template.{}", key.name());
        change.event(PlatformEventKind::SettingChanged { what }).await?;
        Ok(row.version)
    })
    .await
}
