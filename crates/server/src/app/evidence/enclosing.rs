//! The photos and other files that go along with a bundle: those its entries attach and that are still there.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

use bailee_domain::id::{EvidenceId, FileId};
use bailee_evidence::Attached;

use super::{Asked, Files};
use crate::app::files::{self, Kind};
use crate::app::{App, AppError};
use crate::evidence::collect::{Chosen, Index};
use crate::evidence::{CollectError, MAX_ENCLOSED};
use crate::store::tables::{attached_file, damaged, evidence};

/// Opens the files, each into a temporary file of its own, and notes that the bundle has them.
///
/// # Errors
/// [`CollectError::TooManyFiles`]; the store's.
pub(super) async fn enclose(
    app: &App,
    index: &Index<'_>,
    (id, asked): (EvidenceId, &Asked),
    chosen: &Chosen,
) -> Result<Vec<Attached<'static>>, CollectError> {
    app.db().tx(async move |tx| Ok::<_, AppError>(evidence::begin_anew(&tx, id).await?)).await?;
    if asked.files == Files::LeftOut {
        return Ok(Vec::new());
    }
    let mut enclosed: Vec<Attached<'static>> = Vec::new();
    for file in index.attached(&chosen.attaching).await? {
        let Some((sha256, kind, content)) = open(app, id, file).await? else { continue };
        if enclosed.iter().any(|other| other.sha256 == sha256) {
            continue;
        }
        if enclosed.len() >= MAX_ENCLOSED {
            return Err(CollectError::TooManyFiles);
        }
        let ending = kind.ending().to_owned();
        enclosed.push(Attached { ending, sha256, content: Box::new(content) });
    }
    Ok(enclosed)
}

async fn open(
    app: &App,
    id: EvidenceId,
    file: FileId,
) -> Result<Option<([u8; 32], Kind, File)>, CollectError> {
    let org = app.org();
    let row = app.db().tx(async move |tx| {
        let row = attached_file::get(&tx, org, file).await?.filter(|row| row.key.is_some());
        if row.is_some() {
            attached_file::enclose(&tx, id, file).await?;
        }
        Ok::<_, AppError>(row)
    });
    let Some(row) = row.await? else { return Ok(None) };
    let Some(content) = files::content(app, &row).await? else { return Ok(None) };
    let kind = Kind::from_name(&row.kind).ok_or(damaged("attached_file.kind")).map_err(CollectError::App)?;
    let mut spooled = tempfile::tempfile()?;
    spooled.write_all(content.expose())?;
    spooled.seek(SeekFrom::Start(0))?;
    Ok(Some((row.sha256, kind, spooled)))
}
