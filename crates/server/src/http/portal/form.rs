//! What somebody sent: the fields of a form or of a query, bounded, each name once.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bailee_ui::form::Field;
use bailee_ui::layout::Page;

use super::words;
use crate::app::FieldError;

/// Most fields of a form or a query: a walk-round has one for each of at most 500 doors.
const MOST: usize = 600;

/// The fields of a form.
#[derive(Clone, Default)]
pub struct Form(BTreeMap<String, String>);

/// The fields of a query.
#[derive(Clone, Default)]
pub struct Query(pub Form);

impl Form {
    /// Reads `application/x-www-form-urlencoded`; the last of several fields of one name counts.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(bytes)
                .take(MOST)
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    /// A form with these fields, as if it had been sent.
    #[must_use]
    pub fn of<const N: usize>(fields: [(&str, &str); N]) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Sets a field, as if it had been sent so.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// A field's text; empty when it was not sent.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A field's text, unless it is empty or was not sent.
    #[must_use]
    pub fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty())
    }

    /// A field that names or counts something, if it does.
    #[must_use]
    pub fn read<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.some(name)?.parse().ok()
    }

    /// The field to show again, with what was wrong with it.
    #[must_use]
    pub fn field(&self, page: &Page, name: &str, wrong: &[FieldError]) -> Field {
        again(page, self.text(name), name, wrong)
    }

    /// The names of all fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All fields but some, as a query.
    #[must_use]
    pub fn query_without(&self, without: &[&str]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let kept =
            |(name, value): &(&String, &String)| !without.contains(&name.as_str()) && !value.is_empty();
        query.extend_pairs(self.0.iter().filter(kept));
        query.finish()
    }
}

/// A field holding `value`, with what was wrong with it.
#[must_use]
pub fn again(page: &Page, value: &str, name: &str, wrong: &[FieldError]) -> Field {
    let field = Field::new(value);
    match wrong.iter().find(|it| it.field == name) {
        Some(it) => field.wrong(words::field_error(page, it.field, it.code)),
        None => field,
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Form::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_kept_without_its_cursor() {
        let form = Form::parse(b"view=all&cursor=x&q=a%26b&bank=");
        assert_eq!(form.query_without(&["cursor"]), "q=a%26b&view=all");
        assert_eq!(form.some("bank"), None);
        assert_eq!(form.read::<u16>("view"), None);
    }
}
