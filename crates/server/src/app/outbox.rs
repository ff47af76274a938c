//! Letters: what a message says, sealed in the outbox until a gateway took it.
//!
//! A letter may hold a code, so it exists in clear only while it is sealed, opened or rendered. Nothing here sends:
//! that is `jobs::messages`. Start at [`post`].

use bailee_domain::id::{MessageId, ParcelId, PersonId};
use bailee_domain::platform::Channel;
use bailee_domain::time::WallTime;
use bailee_vault::Secret;
use bailee_vault::seal::Aad;

use super::{App, AppError, Change};
use crate::notify::templates::Facts;
use crate::store::tables::damaged;
use crate::store::tables::message::{self, MessageRow, MessageState};

/// What a message says, whatever the words.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The facts its template is filled with.
    pub facts: Facts,
    /// The text of the QR code shown beside them.
    pub qr: Option<String>,
}

/// Puts a letter to one person into the outbox.
///
/// # Errors
/// The store's.
pub async fn post(
    app: &App,
    change: &Change,
    (person, channel): (PersonId, Channel),
    letter: &Letter,
    parcel: Option<ParcelId>,
) -> Result<MessageId, AppError> {
    // Drawn within the transaction: a run that is undone leaves nothing sealed with what it drew.
    let id = app.draw(|mut rng| MessageId::new(change.at, &mut rng));
    let row = MessageRow {
        id,
        person,
        channel,
        template: letter.facts.key().name().to_owned(),
        variables: Some(seal(app, id, letter)?),
        state: MessageState::Waiting,
        attempts: 0,
        next_at: change.at,
        created_at: change.at,
        error: None,
        parcel,
    };
    message::insert(&change.tx, change.org, &row).await?;
    Ok(id)
}

/// Seals a letter for the message with this id.
///
/// # Errors
/// [`AppError::Damaged`] when it is too long.
pub fn seal(app: &App, id: MessageId, letter: &Letter) -> Result<Vec<u8>, AppError> {
    let clear = Secret::new(encode(letter));
    app.draw(|mut rng| app.keys().outbox().seal(&place(&id.to_bytes()), clear.expose(), &mut rng))
        .map_err(|_| damaged("message.variables"))
}

/// Opens the letter of a message.
///
/// # Errors
/// [`AppError::Damaged`] when it was changed or belongs to another message.
pub fn open(app: &App, id: MessageId, sealed: &[u8]) -> Result<Letter, AppError> {
    let clear = app.keys().outbox().open(&place(&id.to_bytes()), sealed);
    let clear = clear.map_err(|_| damaged("message.variables"))?;
    decode(clear.expose()).ok_or(damaged("message.variables"))
}

fn place(id: &[u8; 16]) -> Aad<'_> {
    Aad { table: "message", column: "variables", row: id }
}

/// A time as letters show it; times of a site's own zone are not known yet.
pub fn shown_time(at: WallTime) -> String {
    let Ok(at) = jiff::Timestamp::from_millisecond(at.unix_ms()) else { return "-".into() };
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// One byte for the kind, then each text after its length in four bytes; an absent text has length `0xffffffff`.
fn encode(letter: &Letter) -> Vec<u8> {
    let (kind, texts): (u8, [Option<&String>; 5]) = match &letter.facts {
        Facts::ParcelReady { code, site, bank, expires, link } => {
            (1, [Some(code), Some(site), Some(bank), Some(expires), link.as_ref()])
        }
        Facts::ParcelReminder { site, bank, expires, link } => {
            (2, [None, Some(site), Some(bank), Some(expires), link.as_ref()])
        }
        Facts::Alarm { alarm, site, bank, at, link } => {
            (3, [Some(alarm), Some(site), Some(bank), Some(at), link.as_ref()])
        }
        Facts::CourierCode { code, site, expires, link } => {
            (4, [Some(code), Some(site), None, Some(expires), link.as_ref()])
        }
        Facts::Receipt { what, site, bank, at, link } => {
            (5, [Some(what), Some(site), Some(bank), Some(at), link.as_ref()])
        }
        Facts::BadgeCode { code, site, bank, expires, link } => {
            (6, [Some(code), Some(site), Some(bank), Some(expires), link.as_ref()])
        }
        Facts::WorkCode { code, site, bank, expires, link } => {
            (7, [Some(code), Some(site), Some(bank), Some(expires), link.as_ref()])
        }
    };
    let mut bytes = vec![kind];
    for text in texts.into_iter().chain([letter.qr.as_ref()]) {
        let length = text.map_or(u32::MAX, |text| u32::try_from(text.len()).expect("letters are short"));
        bytes.extend(length.to_be_bytes());
        bytes.extend(text.map_or(&[][..], |text| text.as_bytes()));
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Letter> {
    let (kind, mut rest) = bytes.split_first()?;
    let mut next = || -> Option<Option<String>> {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length);
        if length == u32::MAX {
            rest = after;
            return Some(None);
        }
        let (text, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        Some(Some(String::from_utf8(text.to_vec()).ok()?))
    };
    let (first, site, bank, time, link, qr) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let facts = match kind {
        1 => Facts::ParcelReady { code: first?, site: site?, bank: bank?, expires: time?, link },
        2 => Facts::ParcelReminder { site: site?, bank: bank?, expires: time?, link },
        3 => Facts::Alarm { alarm: first?, site: site?, bank: bank?, at: time?, link },
        4 => Facts::CourierCode { code: first?, site: site?, expires: time?, link },
        6 => Facts::BadgeCode { code: first?, site: site?, bank: bank?, expires: time?, link },
        7 => Facts::WorkCode { code: first?, site: site?, bank: bank?, expires: time?, link },
        5 => Facts::Receipt { what: first?, site: site?, bank: bank?, at: time?, link },
        _ => return None,
    };
    rest.is_empty().then_some(Letter { facts, qr })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters() -> Vec<Letter> {
        let text = |s: &str| s.to_owned();
        let link = Some(text("https://x.example"));
        vec![
            Letter {
                facts: Facts::ParcelReady {
                    code: text("01234567"),
                    site: text("Oak Court"),
                    bank: text("Lobby"),
                    expires: text("1 May"),
                    link: link.clone(),
                },
                qr: Some(text("QR")),
            },
            Letter {
                facts: Facts::ParcelReminder {
                    site: text("é"),
                    bank: text(""),
                    expires: text("1 May"),
                    link: None,
                },
                qr: None,
            },
            Letter {
                facts: Facts::Alarm {
                    alarm: text("forced"),
                    site: text("s"),
                    bank: text("b"),
                    at: text("now"),
                    link,
                },
                qr: None,
            },
            Letter {
                facts: Facts::CourierCode {
                    code: text("1"),
                    site: text("s"),
                    expires: text("never"),
                    link: None,
                },
                qr: None,
            },
            Letter {
                facts: Facts::Receipt {
                    what: text("was opened"),
                    site: text("s"),
                    bank: text("b"),
                    at: text("now"),
                    link: Some(text("/receipt?of=x")),
                },
                qr: None,
            },
        ]
    }

    #[test]
    fn a_letter_is_read_as_it_was_written_and_nothing_else_is() {
        for letter in letters() {
            let bytes = encode(&letter);
            assert!(decode(&bytes) == Some(letter));
            for end in 0..bytes.len() {
                assert!(decode(&bytes[..end]).is_none());
            }
            assert!(decode(&[bytes.as_slice(), &[0]].concat()).is_none());
        }
        assert!(decode(&[9; 40]).is_none());
    }

    #[test]
    fn a_time_is_shown_with_its_zone() {
        assert_eq!(shown_time(WallTime::from_unix_ms(1_800_000_000_000)), "15 January 2027, 08:00 UTC");
    }
}
