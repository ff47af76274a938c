//! One message on its way out: taken up, put into words, and what became of it.

use bailee_domain::id::PersonId;
use bailee_domain::parcel::Custody;
use bailee_domain::platform::{Actor, Channel, PlatformEventKind};
use bailee_domain::time::WallTime;

use super::alarm;
use super::outbox::{self, Letter};
use super::people::Contact;
use super::{App, AppError, Change, codes, people, templates};
use crate::notify::retry::{GIVE_UP_AFTER_MS, next_attempt};
use crate::notify::templates::{Facts, Language, Picture};
use crate::notify::{Content, EmailContent, InlineImage, Outgoing, SmsContent, qr};
use crate::store::tables::message::{self, MessageRow, MessageState};
use crate::store::tables::parcel;

/// A message being tried, and its words; a message that cannot be put into words never can.
pub struct Attempt {
    /// The message as it was before this attempt.
    pub row: MessageRow,
    /// What to hand over, or why there is nothing to.
    pub outgoing: Result<Outgoing, String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A gateway took it.
    Sent,
    /// It was not taken, or nobody knows; it is to be tried again.
    Later(String),
    /// It was refused for good.
    GivenUp(String),
}

/// Messages whose time has come, alarms first.
///
/// # Errors
/// The store's.
pub async fn due(app: &App, limit: u32) -> Result<Vec<MessageRow>, AppError> {
    let now = app.now();
    app.db().read(async move |tx| message::due(&tx, now, limit).await).await
}

/// Takes a message up for one attempt. `None` when there is none to make: somebody else made it, the message is not
/// needed any more, or (`elsewhere`) its channel has no gateway and the person is told by the other one.
///
/// # Errors
/// The store's.
pub async fn take_up(app: &App, row: MessageRow, elsewhere: bool) -> Result<Option<Attempt>, AppError> {
    let again_at = again_at(app, &row).unwrap_or(app.now().plus_ms(GIVE_UP_AFTER_MS));
    let this = app.clone();
    app.change(Actor::Platform, async move |change: &Change| {
        let contact = people::contact(&this, &change.tx, row.person).await?;
        let Some(address) = address(contact.as_ref(), row.channel) else {
            message::end(&change.tx, row.id, MessageState::Cancelled, Some("no address any more")).await?;
            return Ok(None);
        };
        if elsewhere && address_of_other(contact.as_ref(), row.channel) {
            let why = Some("no gateway is set up for this channel");
            message::end(&change.tx, row.id, MessageState::Cancelled, why).await?;
            return Ok(None);
        }
        if !message::take_up(&change.tx, &row, again_at).await? {
            return Ok(None);
        }
        let outgoing = words(&this, change, &row, &address).await?;
        Ok(Some(Attempt { row: row.clone(), outgoing }))
    })
    .await
}

fn address(contact: Option<&Contact>, channel: Channel) -> Option<String> {
    let contact = contact?;
    match channel {
        Channel::Email => contact.email.clone(),
        Channel::Sms => contact.phone.clone(),
    }
}

fn address_of_other(contact: Option<&Contact>, channel: Channel) -> bool {
    let other = match channel {
        Channel::Email => Channel::Sms,
        Channel::Sms => Channel::Email,
    };
    address(contact, other).is_some()
}

/// When to try again after the attempt that `row` is about to have; `None` when that is the last.
fn again_at(app: &App, row: &MessageRow) -> Option<WallTime> {
    let (first, now) = (row.created_at.unix_ms(), app.now().unix_ms());
    let attempts = row.attempts.saturating_add(1);
    app.draw(|mut rng| next_attempt(attempts, first, now, &mut rng)).map(WallTime::from_unix_ms)
}

/// The message in words; an inner error is for good, and holds neither a code nor an address.
async fn words(
    app: &App,
    change: &Change,
    row: &MessageRow,
    address: &str,
) -> Result<Result<Outgoing, String>, AppError> {
    let Some(sealed) = &row.variables else { return Ok(Err("nothing to say".to_owned())) };
    let Ok(letter) = outbox::open(app, row.id, sealed) else {
        return Ok(Err("what it says cannot be opened".to_owned()));
    };
    let mut letter = with_whole_link(app, letter);
    // What somebody reads is not known yet.
    let language = Language::En;
    letter.facts = letter.facts.told_in(language);
    let text = templates::text_for(&change.tx, change.org, letter.facts.key(), language).await?;
    Ok(content(row, &letter, &text, address))
}

/// A receipt's link is stored as a path of this platform: which address comes before it is known when the message leaves.
fn with_whole_link(app: &App, mut letter: Letter) -> Letter {
    if let Facts::Receipt { link, .. } = &mut letter.facts {
        let path = link.take();
        *link = path.zip(app.public_url()).map(|(path, url)| format!("{url}{path}"));
    }
    letter
}

fn content(
    row: &MessageRow,
    letter: &Letter,
    text: &crate::notify::templates::TemplateText,
    address: &str,
) -> Result<Outgoing, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let content = match row.channel {
        Channel::Email => {
            let png = letter.qr.as_deref().map(qr::png).transpose().map_err(|error| said(&error))?;
            let picture = if png.is_some() { Picture::Qr } else { Picture::None };
            let mail = letter.facts.email(text, picture).map_err(|error| said(&error))?;
            Content::Email(EmailContent {
                to: address.parse().map_err(|error| said(&error))?,
                subject: mail.subject.parse().map_err(|error| said(&error))?,
                text: mail.text,
                html: mail.html,
                image: png.map(|png| InlineImage { png }),
            })
        }
        Channel::Sms => {
            let sms = letter.facts.sms(text).map_err(|error| said(&error))?;
            let text = sms.ok_or("the template has no text message")?;
            Content::Sms(SmsContent { to: address.parse().map_err(|error| said(&error))?, text })
        }
    };
    let id = row.id.to_string().parse().map_err(|error| said(&error))?;
    Outgoing::new(id, row.created_at.unix_ms(), content).map_err(|error| said(&error))
}

/// Stores how an attempt ended. A stop before this means one more attempt with the same message.
///
/// # Errors
/// The store's.
pub async fn finish(app: &App, row: MessageRow, outcome: Outcome) -> Result<(), AppError> {
    let again_at = again_at(app, &row);
    let this = app.clone();
    app.change(Actor::Platform, async move |change: &Change| match (&outcome, again_at) {
        (Outcome::Sent, _) => sent(change, &row).await,
        (Outcome::Later(why), Some(at)) => message::put_off(&change.tx, row.id, at, why).await,
        (Outcome::Later(why) | Outcome::GivenUp(why), _) => given_up(&this, change, &row, why).await,
    })
    .await
}

async fn sent(change: &Change, row: &MessageRow) -> Result<(), AppError> {
    // Cancelled while it was being sent, it was said all the same.
    message::end(&change.tx, row.id, MessageState::Sent, None).await?;
    let (message, person): (_, PersonId) = (row.id, row.person);
    change.event(PlatformEventKind::NotificationSent { message, person, channel: row.channel }).await
}

async fn given_up(app: &App, change: &Change, row: &MessageRow, why: &str) -> Result<(), AppError> {
    if !message::end(&change.tx, row.id, MessageState::Failed, Some(why)).await? {
        return Ok(());
    }
    let (message, person) = (row.id, row.person);
    change.event(PlatformEventKind::NotificationFailed { message, person, channel: row.channel }).await?;
    let Some(id) = row.parcel else { return Ok(()) };
    match parcel::by_id(&change.tx, change.org, id).await? {
        Some(parcel) if parcel.custody == Custody::InBank => {
            codes::needs_a_person(app, change, &parcel, alarm::MESSAGE_FAILED).await
        }
        _ => Ok(()),
    }
}
