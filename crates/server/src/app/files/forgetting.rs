//! What erasure does to attached files: those that concern the person go, and so do words that name them.

use bailee_domain::id::PersonId;

use super::{end, key_of, opened, words_at};
use crate::app::people::Details;
use crate::app::{App, AppError, Change, texts};
use crate::store::tables::{attached_file, damaged};

/// Destroys the files of parcels a person was to get or brought, and takes the words of others that name the person.
///
/// # Errors
/// The store's, or [`AppError::Damaged`].
pub(in crate::app) async fn forget_person(
    app: &App,
    change: &Change,
    person: PersonId,
    known: Option<&Details>,
) -> Result<(), AppError> {
    for row in attached_file::concerning(&change.tx, change.org, person).await? {
        end(change, &row).await?;
    }
    let Some(known) = known else { return Ok(()) };
    for row in attached_file::all(&change.tx, change.org).await? {
        let Some(key) = key_of(app, &row)? else { continue };
        let id = row.id;
        let file = opened(app, row)?;
        if !known.is_named_in(&file.name) && !known.is_named_in(&file.note) {
            continue;
        }
        let silent = texts::encode(&[Some(""), Some("")]);
        let sealed = app.draw(|mut rng| key.seal(&words_at(&id.to_bytes()), &silent, &mut rng));
        let sealed = sealed.map_err(|_| damaged("attached_file.words"))?;
        attached_file::reword(&change.tx, id, &sealed).await?;
    }
    Ok(())
}
