//! Words that somebody typed as a reason or a note: sealed with a salt, and committed to in the custody log.
//!
//! The sealed value is `salt[32] ‖ texts`; the log holds the field set's commitment under that salt. What may not be sealed here
//! is anything that has to go with a person: that stands under the person's own key.

use bailee_evidence::commitment;
use bailee_vault::Secret;
use bailee_vault::seal::Aad;

use super::{App, AppError, texts};
use crate::store::tables::damaged;

/// Where sealed words stand, and what the commitment to them is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The name of the field set the custody log commits to.
    pub label: &'static str,
    /// The names of the fields, in order.
    pub fields: &'static [&'static str],
}

/// Seals the words of the row `row` names; gives the sealed value and the commitment.
pub(super) fn seal(
    app: &App,
    place: Place,
    row: &[u8],
    words: &[&str],
) -> Result<(Vec<u8>, [u8; 32]), AppError> {
    let (salt, committed) = commit(app, place, words);
    Ok((seal_under(app, place, row, &salt, words)?, committed))
}

/// The commitment to words under a new salt, for a row that is named by it.
pub(super) fn commit(app: &App, place: Place, words: &[&str]) -> (Secret<[u8; 32]>, [u8; 32]) {
    let salt = app.draw(|mut rng| Secret::<[u8; 32]>::random(&mut rng));
    let fields: Vec<(&str, Option<&str>)> =
        place.fields.iter().copied().zip(words.iter().map(|word| Some(*word))).collect();
    let committed = commitment::commit(place.label, &fields, salt.expose());
    (salt, committed)
}

/// Seals words with the salt they were committed to under.
pub(super) fn seal_under(
    app: &App,
    place: Place,
    row: &[u8],
    salt: &Secret<[u8; 32]>,
    words: &[&str],
) -> Result<Vec<u8>, AppError> {
    let words: Vec<Option<&str>> = words.iter().map(|word| Some(*word)).collect();
    let plain = Secret::new([salt.expose().as_slice(), &texts::encode(&words)].concat());
    let aad = Aad { table: place.table, column: place.column, row };
    let sealed = app.draw(|mut rng| app.keys().secret().seal(&aad, plain.expose(), &mut rng));
    sealed.map_err(|_| damaged(place.column))
}

/// Opens what was sealed so.
pub(super) fn open<const N: usize>(
    app: &App,
    place: Place,
    row: &[u8],
    sealed: &[u8],
) -> Result<[String; N], AppError> {
    let broken = || damaged(place.column);
    let aad = Aad { table: place.table, column: place.column, row };
    let opened = app.keys().secret().open(&aad, sealed).map_err(|_| broken())?;
    let (_salt, words) = opened.expose().split_first_chunk::<32>().ok_or_else(broken)?;
    let words = texts::decode::<N>(words).ok_or_else(broken)?;
    let whole: Option<Vec<String>> = words.into_iter().collect();
    whole.and_then(|words| words.try_into().ok()).ok_or_else(broken)
}
