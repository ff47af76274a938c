//! What is known of a person: checked when it comes in, sealed under the person's own key from then on.
//!
//! The sealed value is `salt[32] ‖ name, unit, e-mail, phone, reach` (each a text as `texts` writes it); the custody log
//! holds the commitment to these as a field set under that salt, so that each can be told or left out alone. Destroying the key destroys both, and the commitment
//! then says nothing.

use bailee_domain::compartment::Reach;
use bailee_domain::id::PersonId;
use bailee_domain::platform::Commitment;
use bailee_domain::time::WallTime;
use bailee_evidence::commitment;
use bailee_vault::blind::{normalise_email, normalise_phone};
use bailee_vault::seal::{Aad, PersonKey};
use bailee_vault::{Secret, blind::NotNormal};

use crate::app::{App, AppError, FieldError, Keys, texts};
use crate::notify::EmailAddress;
use crate::store::tables::person::PersonRow;

/// Most characters of a name, a unit and the like; their bytes are bounded by the same number.
pub const MAX_TEXT: usize = 200;
/// Under which label the custody log commits to a person's details.
pub const COMMITMENT_LABEL: &str = commitment::PERSON;

const LOW: &str = "low";
const STANDARD: &str = "standard";

/// What is known of a person. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Details {
    /// Full name.
    pub name: String,
    /// Flat, room or office; empty for people who do not live or work here.
    pub unit: String,
    /// E-mail address, lower-case.
    pub email: Option<String>,
    /// Phone number in E.164.
    pub phone: Option<String>,
    reach: Reach,
}

impl std::fmt::Debug for Details {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Details")
    }
}

/// The same as somebody typed it.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// Full name.
    pub name: &'a str,
    /// Flat, room or office.
    pub unit: &'a str,
    /// E-mail address, or nothing.
    pub email: &'a str,
    /// Phone number with its country, or nothing.
    pub phone: &'a str,
    /// Whether the person needs a door within reach.
    pub reach: Reach,
}

/// Whether a unit has to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// It has.
    Required,
    /// It does not apply.
    Unused,
}

impl Details {
    /// Checks what somebody typed and brings it to its normal form.
    ///
    /// # Errors
    /// Every field that cannot be accepted.
    pub fn check(typed: Typed<'_>, unit: Unit) -> Result<Self, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let name = text("name", typed.name, &mut wrong);
        let unit = match unit {
            Unit::Required => text("unit", typed.unit, &mut wrong),
            Unit::Unused => String::new(),
        };
        let email = optional(typed.email, email, "email", &mut wrong);
        let phone = optional(typed.phone, phone, "phone", &mut wrong);
        if typed.email.trim().is_empty() && typed.phone.trim().is_empty() {
            wrong.push(FieldError { field: "email", code: "email_or_phone_required" });
        }
        let reach = typed.reach;
        if wrong.is_empty() { Ok(Self { name, unit, email, phone, reach }) } else { Err(wrong) }
    }

    /// Whether the person needs a door within reach; sealed like the rest, for what it may say about health.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The fields the custody log commits to, in order.
    pub(in crate::app) fn committed(&self) -> [(&'static str, Option<&str>); 5] {
        let reach = if self.reach == Reach::Low { LOW } else { STANDARD };
        let values =
            [Some(&*self.name), Some(&*self.unit), self.email.as_deref(), self.phone.as_deref(), Some(reach)];
        std::array::from_fn(|at| (commitment::PERSON_FIELDS[at], values[at]))
    }

    /// What is sealed after the salt.
    fn canonical(&self) -> Secret<Vec<u8>> {
        let reach = if self.reach == Reach::Low { LOW } else { STANDARD };
        let (email, phone) = (self.email.as_deref(), self.phone.as_deref());
        Secret::new(texts::encode(&[Some(&self.name), Some(&self.unit), email, phone, Some(reach)]))
    }

    fn from_canonical(bytes: &[u8]) -> Option<Self> {
        let [name, unit, email, phone, reach] = texts::decode(bytes)?;
        let reach = match reach?.as_str() {
            LOW => Reach::Low,
            STANDARD => Reach::Standard,
            _ => return None,
        };
        Some(Self { name: name?, unit: unit?, email, phone, reach })
    }
}

/// A person ready to be stored, and what the custody log is to say of them.
#[derive(Clone)]
pub(in crate::app) struct SealedPerson {
    pub row: PersonRow,
    pub commitment: Commitment,
}

/// Seals a new person's details under a new key.
pub(in crate::app) fn seal_new(app: &App, details: &Details, at: WallTime) -> Result<SealedPerson, AppError> {
    let (id, made) = app.draw(|mut rng| {
        let id = PersonId::new(at, &mut rng);
        (id, PersonKey::create(app.keys().person(), &id.to_bytes(), &mut rng))
    });
    let (key, wrapped) = made.map_err(|_| AppError::Damaged { what: "person.person_key" })?;
    let empty = PersonRow {
        id,
        key: wrapped,
        details: Vec::new(),
        email_index: None,
        phone_index: None,
        version: 1,
        created_at: at,
    };
    seal_under(app, &key, empty, details)
}

/// Seals changed details of a person under the key the person has.
pub(in crate::app) fn reseal(app: &App, row: PersonRow, details: &Details) -> Result<SealedPerson, AppError> {
    let key = key_of(app.keys(), &row)?;
    seal_under(app, &key, row, details)
}

/// Opens what is known of a person.
pub(in crate::app) fn open(keys: &Keys, row: &PersonRow) -> Result<Details, AppError> {
    open_salted(keys, row).map(|(details, _salt)| details)
}

/// Opens what is known of a person, with the salt of its commitment.
pub(in crate::app) fn open_salted(
    keys: &Keys,
    row: &PersonRow,
) -> Result<(Details, Secret<[u8; 32]>), AppError> {
    let damaged = || AppError::Damaged { what: "person.details" };
    let opened =
        key_of(keys, row)?.open_value(&place(&row.id.to_bytes()), &row.details).map_err(|_| damaged())?;
    let (salt, details) = opened.expose().split_first_chunk::<32>().ok_or_else(damaged)?;
    Ok((Details::from_canonical(details).ok_or_else(damaged)?, Secret::new(*salt)))
}

/// The index by which the person with this e-mail address is found; `None` when it is no address.
pub(in crate::app) fn email_index(app: &App, email: &str) -> Option<[u8; 32]> {
    let normal = normalise_email(email).ok()?;
    Some(app.keys().blind(app.org().to_bytes(), "person", "email").index(&normal))
}

fn seal_under(
    app: &App,
    key: &PersonKey,
    mut row: PersonRow,
    details: &Details,
) -> Result<SealedPerson, AppError> {
    let canonical = details.canonical();
    let id = row.id.to_bytes();
    let (commitment, sealed) = app.draw(|mut rng| {
        let salt = Secret::<[u8; 32]>::random(&mut rng);
        let plain = Secret::new([salt.expose().as_slice(), canonical.expose()].concat());
        let commitment = commitment::commit(COMMITMENT_LABEL, &details.committed(), salt.expose());
        (commitment, key.seal(&place(&id), plain.expose(), &mut rng))
    });
    row.details = sealed.map_err(|_| AppError::Damaged { what: "person.details" })?;
    let (keys, org) = (app.keys(), app.org().to_bytes());
    row.email_index = details.email.as_deref().map(|it| keys.blind(org, "person", "email").index(it));
    row.phone_index = details.phone.as_deref().map(|it| keys.blind(org, "person", "phone").index(it));
    Ok(SealedPerson { row, commitment })
}

fn key_of(keys: &Keys, row: &PersonRow) -> Result<PersonKey, AppError> {
    PersonKey::open(keys.person(), &row.id.to_bytes(), &row.key)
        .map_err(|_| AppError::Damaged { what: "person.person_key" })
}

fn place(person: &[u8; 16]) -> Aad<'_> {
    Aad { table: "person", column: "details", row: person }
}

/// A text of one line that must be there, at most [`MAX_TEXT`] bytes and characters.
pub(in crate::app) fn text(field: &'static str, typed: &str, wrong: &mut Vec<FieldError>) -> String {
    let typed = typed.trim();
    let code = if typed.is_empty() {
        "required"
    } else if typed.len() > MAX_TEXT {
        "too_long"
    } else if typed.chars().any(char::is_control) {
        "control_character"
    } else {
        return typed.to_owned();
    };
    wrong.push(FieldError { field, code });
    String::new()
}

fn optional(
    typed: &str,
    check: fn(&str) -> Result<String, &'static str>,
    field: &'static str,
    wrong: &mut Vec<FieldError>,
) -> Option<String> {
    if typed.trim().is_empty() {
        return None;
    }
    check(typed).map_err(|code| wrong.push(FieldError { field, code })).ok()
}

fn email(typed: &str) -> Result<String, &'static str> {
    if typed.trim().len() > MAX_TEXT {
        return Err("too_long");
    }
    let normal = normalise_email(typed).map_err(|_| "not_an_email")?;
    // Also something the mail sender can take: an address nobody can write to is no way to reach a person.
    if normal.parse::<EmailAddress>().is_ok() { Ok(normal) } else { Err("not_an_email") }
}

fn phone(typed: &str) -> Result<String, &'static str> {
    normalise_phone(typed).map_err(|not| match not {
        NotNormal::PhoneWithoutCountry => "phone_without_country",
        _ => "not_a_phone",
    })
}

/// An address as a list shows it: enough to recognise, too little to write to.
pub(in crate::app) fn masked_email(email: &str) -> String {
    let (name, host) = email.split_once('@').unwrap_or((email, ""));
    format!("{}…@{host}", name.chars().next().unwrap_or('…'))
}

/// A number as a list shows it.
pub(in crate::app) fn masked_phone(phone: &str) -> String {
    let last = phone.len().saturating_sub(2);
    format!("…{}", phone.get(last..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        name: &str,
        unit: &str,
        email: &str,
        phone: &str,
    ) -> Result<Details, Vec<(&'static str, &'static str)>> {
        let typed = Typed { name, unit, email, phone, reach: Reach::Standard };
        Details::check(typed, Unit::Required)
            .map_err(|wrong| wrong.iter().map(|it| (it.field, it.code)).collect())
    }

    #[test]
    fn details_are_brought_to_their_normal_form() {
        let details = check(" Ann Lee ", "4B", " Ann@Example.org", "+49 151 234567").unwrap();
        assert_eq!(details.name, "Ann Lee");
        assert_eq!(details.email.as_deref(), Some("ann@example.org"));
        assert_eq!(details.phone.as_deref(), Some("+49151234567"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        assert_eq!(
            check("", &"x".repeat(201), "ann", "0151 1234567"),
            Err(vec![
                ("name", "required"),
                ("unit", "too_long"),
                ("email", "not_an_email"),
                ("phone", "phone_without_country"),
            ])
        );
        assert_eq!(check("Ann", "4B", "", " "), Err(vec![("email", "email_or_phone_required")]));
        assert_eq!(check("A\nB", "4B", "a@b.example", ""), Err(vec![("name", "control_character")]));
        assert_eq!(check("Ann", "4B", "a\"b@c.example", ""), Err(vec![("email", "not_an_email")]));
    }

    #[test]
    fn a_list_shows_no_whole_address() {
        assert_eq!(masked_email("ann@example.org"), "a…@example.org");
        assert_eq!(masked_phone("+49151234567"), "…67");
    }
}
