//! What goes wrong, as RFC 9457 has it.

use serde::Serialize;
use utoipa::ToSchema;

/// Where the types of problems are described; a code is the fragment.
pub const PROBLEM_TYPES: &str = "/api/docs";

/// `application/problem+json`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The address of its description.
    pub r#type: String,
    /// Its status in words.
    pub title: String,
    /// Its status.
    pub status: u16,
    /// What happened, in English.
    pub detail: String,
    /// The stable code to decide by.
    pub code: String,
    /// The request's id, for asking whoever runs the platform.
    pub instance: String,
    /// What is wrong with single fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// A JSON pointer (RFC 6901) to the field.
    pub pointer: String,
    /// The stable code.
    pub code: String,
}

impl FieldProblem {
    /// What is wrong with the field of this name.
    #[must_use]
    pub fn new(field: &str, code: &str) -> Self {
        Self { pointer: format!("/{field}"), code: code.into() }
    }
}
