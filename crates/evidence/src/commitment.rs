//! Field sets: salted commitments to several named fields at once, each of which can be told or left out alone.
//!
//! The custody log holds the set's commitment only. Who knows the set's salt can tell a field by giving its value and its own
//! salt, and leave one out by giving its commitment. `docs/reference/evidence-bundle.md` has the formulas.

use aws_lc_rs::digest::{Context, SHA256};
use bailee_wire::event::Hash;

/// The set that says what is known of a person.
pub const PERSON: &str = "person-details";
/// The fields of [`PERSON`], in order.
pub const PERSON_FIELDS: [&str; 5] = ["name", "unit", "email", "phone", "reach"];
/// The set that says what was exported and why.
pub const REQUEST: &str = "evidence-request";
/// The fields of [`REQUEST`], in order.
pub const REQUEST_FIELDS: [&str; 2] = ["subject", "reason"];

/// The salt of one field, which says nothing of the set's salt or of another field's.
#[must_use]
pub fn field_salt(salt: &[u8; 32], name: &str) -> [u8; 32] {
    sha256(&[b"bailee/field-salt/v1", salt, name.as_bytes()])
}

/// The commitment to one field under its own salt; `None` is a field that has no value.
#[must_use]
pub fn field(set: &str, name: &str, value: Option<&str>, salt: &[u8; 32]) -> Hash {
    let label = format!("{set}/{name}");
    let value = match value {
        Some(text) => [&[1], text.as_bytes()].concat(),
        None => vec![0],
    };
    let length = |bytes: &[u8]| (bytes.len() as u64).to_be_bytes();
    let label = label.as_bytes();
    sha256(&[b"bailee/commit/v1", salt, &length(label), label, &length(&value), &value])
}

/// The commitment to a set, from those to its fields in order.
#[must_use]
pub fn set(fields: &[Hash]) -> Hash {
    let mut parts: Vec<&[u8]> = vec![b"bailee/commit-set/v1"];
    parts.extend(fields.iter().map(<[u8; 32]>::as_slice));
    sha256(&parts)
}

/// The commitment to a whole set under the set's salt.
#[must_use]
pub fn commit(name: &str, fields: &[(&str, Option<&str>)], salt: &[u8; 32]) -> Hash {
    let hashes: Vec<Hash> = fields
        .iter()
        .map(|(field_name, value)| field(name, field_name, *value, &field_salt(salt, field_name)))
        .collect();
    set(&hashes)
}

pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use bailee_wire::event::hex;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_format_is_fixed() {
        // Computed apart from this code, from the formulas; log entries depend on them.
        let fields = [("subject", Some("span\n-\n-")), ("reason", None)];
        let expected = "10fde18b3a08ae15303c011a483d5f46b1538f321b502666bdc517d4d097885d";
        assert_eq!(hex(&commit(REQUEST, &fields, &[7; 32])), expected);
    }

    proptest! {
        #[test]
        fn a_field_can_be_left_out_and_none_can_be_changed(
            salt: [u8; 32], name in "[a-c]{0,4}", phone in prop::option::of("[a-c]{0,4}"), other in "[a-c]{0,4}",
        ) {
            let fields = [("name", Some(name.as_str())), ("phone", phone.as_deref())];
            let logged = commit("x", &fields, &salt);
            let (name_salt, phone_salt) = (field_salt(&salt, "name"), field_salt(&salt, "phone"));
            let told = field("x", "name", Some(&name), &name_salt);
            let left_out = field("x", "phone", phone.as_deref(), &phone_salt);
            prop_assert_eq!(set(&[told, left_out]), logged);
            prop_assert_eq!(field("x", "name", Some(&other), &name_salt) == told, other == name);
            prop_assert_ne!(field("x", "name", None, &name_salt), told);
            prop_assert_ne!(set(&[left_out, told]), logged);
            prop_assert_ne!(field("y", "name", Some(&name), &name_salt), told);
        }
    }
}
