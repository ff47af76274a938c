//! Small parts of reading rows that several tables share.

use std::fmt::Write;
use std::str::FromStr;

use crate::app::AppError;
use crate::store::{Row, Value};

/// A stored text that is not what its column promises.
pub(crate) const fn damaged(what: &'static str) -> AppError {
    AppError::Damaged { what }
}

/// Reads a column that holds an id or another value with a text form.
///
/// # Errors
/// [`AppError::Damaged`] when the text is not one; the store's when there is no such column.
pub(crate) fn typed<T: FromStr>(row: &Row, column: &'static str) -> Result<T, AppError> {
    row.get::<String>(column)?.parse().map_err(|_| damaged(column))
}

/// As [`typed`], for a column that may hold nothing.
///
/// # Errors
/// As [`typed`].
pub(crate) fn typed_opt<T: FromStr>(row: &Row, column: &'static str) -> Result<Option<T>, AppError> {
    row.get::<Option<String>>(column)?.map(|text| text.parse().map_err(|_| damaged(column))).transpose()
}

/// A `WHERE` clause put together from the filters somebody chose; values never become part of the text.
pub(crate) struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Starts with `column = value`.
    pub(crate) fn new(column: &str, value: impl Into<Value>) -> Self {
        Self { text: format!("{column} = $1"), values: vec![value.into()] }
    }

    /// Starts with `test`, in which `?` stands for the value.
    pub(crate) fn of(test: &str, value: impl Into<Value>) -> Self {
        Self { text: test.replace('?', "$1"), values: vec![value.into()] }
    }

    /// Adds `test` with `?` standing for the value.
    pub(crate) fn and(&mut self, test: &str, value: impl Into<Value>) {
        let place = self.place(value);
        let _ = write!(self.text, " AND {}", test.replace('?', &place));
    }

    /// Adds `column IN (values)`; with no values nothing matches.
    pub(crate) fn and_in(&mut self, column: &str, values: Vec<Value>) {
        if values.is_empty() {
            self.text.push_str(" AND 1 = 0");
            return;
        }
        let places: Vec<String> = values.into_iter().map(|value| self.place(value)).collect();
        let _ = write!(self.text, " AND {column} IN ({})", places.join(", "));
    }

    /// Adds that the column is the number of one of these names; with none nothing matches.
    pub(crate) fn and_named(&mut self, column: &str, names: Vec<Value>) {
        if names.is_empty() {
            self.text.push_str(" AND 1 = 0");
            return;
        }
        let places: Vec<String> = names.into_iter().map(|name| self.place(name)).collect();
        let _ = write!(
            self.text,
            " AND {column} IN (SELECT id FROM log_name WHERE name IN ({}))",
            places.join(", ")
        );
    }

    /// The placeholder of one more value, for `LIMIT`.
    pub(crate) fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// The text after `WHERE`.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The values, in order.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }
}
