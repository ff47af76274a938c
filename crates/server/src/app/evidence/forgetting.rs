//! What erasure does to evidence kept here: bundles that tell of the person go, and so do words that name them.

use bailee_domain::id::PersonId;
use bailee_evidence::Subject;
use bailee_vault::Secret;

use super::{Asked, State, open, seal};
use crate::app::people::Details;
use crate::app::{App, AppError};
use crate::store::Tx;
use crate::store::tables::evidence;

/// Forgets bundles that tell of a person, and why a bundle was asked for where that is about or names the person.
///
/// A bundle that goes can be asked for again. The salt of a request that is reworded is new, so the log's commitment to it
/// says nothing from then on.
///
/// # Errors
/// The store's, or [`AppError::Damaged`].
pub(in crate::app) async fn forget_person(
    app: &App,
    tx: &Tx,
    person: PersonId,
    known: Option<&Details>,
) -> Result<(), AppError> {
    for id in evidence::telling(tx, person).await? {
        evidence::end(tx, id, State::Gone, None).await?;
    }
    for row in evidence::all(tx, app.org()).await? {
        let (id, state) = (row.id, row.state);
        let asked = open(app, row)?.asked;
        let about = asked.subject == Subject::Person(person);
        if !about && !known.is_some_and(|known| known.is_named_in(&asked.reason)) {
            continue;
        }
        if state != State::Gone {
            evidence::end(tx, id, State::Gone, None).await?;
        }
        let salt = app.draw(|mut rng| *Secret::<[u8; 32]>::random(&mut rng).expose());
        let silent = Asked { reason: String::new(), ..asked };
        evidence::reword(tx, id, &seal(app, id, &silent, &salt)?).await?;
    }
    Ok(())
}
