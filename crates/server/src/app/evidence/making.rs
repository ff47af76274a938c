//! Makes a bundle that was asked for. A stop at any step leaves it wanted, and the next run begins again: nothing of a
//! bundle can be fetched before the last step.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};

use aws_lc_rs::digest::{Context, SHA256};
use bailee_audit::{Checkpoint, TreeHead, VerifyingKey};
use bailee_domain::id::{EvidenceId, PersonId};
use bailee_domain::platform::PlatformEventKind;
use bailee_evidence::commitment::{self, PERSON, PERSON_FIELDS};
use bailee_evidence::entries::Why;
use bailee_evidence::{Draft, Exported, Log, Opening, Place, Request, Statement, WriteError, Written};
use bailee_vault::seal::Aad;
use bailee_wire::event::time_text;

use super::{Asked, Export, Files, KEPT_MS, State, Telling, enclosing, incident, load, piece_row};
use crate::app::people::open_salted;
use crate::app::{App, AppError, install, witnesses};
use crate::evidence::collect::{Chosen, Index, Wanted, wanted_of};
use crate::evidence::{CollectError, prove};
use crate::ledger::LogReader;
use crate::store::tables::log_index::{LogFilter, actor_from_text};
use crate::store::tables::{bank, damaged, evidence, person, site};

/// Bytes of a piece.
const PIECE: usize = 1 << 20;

/// Makes the next bundle that is wanted and forgets those whose time is over; returns whether there was anything to do.
///
/// # Errors
/// The store's. A bundle that cannot be made is noted as failed, with why.
pub async fn make_next(app: &App) -> Result<bool, AppError> {
    let (org, now) = (app.org(), app.now());
    let looked = app.db().read(async move |tx| {
        let expired = evidence::expired(&tx, org, now).await?;
        Ok::<_, AppError>((expired, evidence::first_wanted(&tx, org).await?))
    });
    let (expired, wanted) = looked.await?;
    let gone = !expired.is_empty();
    for id in expired {
        app.db()
            .tx(async move |tx| Ok::<_, AppError>(evidence::end(&tx, id, State::Gone, None).await?))
            .await?;
    }
    let Some(wanted) = wanted else { return Ok(gone) };
    let id = wanted.id;
    let file = tempfile::tempfile().map_err(CollectError::from);
    let made = match file {
        Ok(file) => write(app, id, file, Patience::Waits).await,
        Err(error) => Err(error),
    };
    match made {
        Ok((file, written)) => store(app, id, file, written).await.map(|()| true),
        Err(CollectError::NotSignedYet) => Ok(gone),
        Err(CollectError::App(error)) => Err(error),
        Err(error) => {
            tracing::error!(%id, ?error, "evidence could not be made");
            let why = if matches!(error, CollectError::TooMany | CollectError::TooManyFiles) {
                "too_many"
            } else {
                "failed"
            };
            let end =
                async move |tx| Ok::<_, AppError>(evidence::end(&tx, id, State::Failed, Some(why)).await?);
            app.db().tx(end).await.map(|()| true)
        }
    }
}

/// Makes a bundle into a file; the caller decides where that lies.
///
/// # Errors
/// [`CollectError::NotSignedYet`] until the log has signed the record of the export; see [`CollectError`].
pub async fn write_to(app: &App, id: EvidenceId, out: File) -> Result<(File, Written), CollectError> {
    write(app, id, out, Patience::Goes).await
}

/// Whether the witnesses are waited for. A bundle lasts for years: their word is worth some seconds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Waits,
    Goes,
}

async fn write(
    app: &App,
    id: EvidenceId,
    out: File,
    patience: Patience,
) -> Result<(File, Written), CollectError> {
    let export = load(app, id).await?;
    let reader = app.ledger().reader();
    let index = Index { db: app.db(), org: app.org(), log: &reader };
    let asked = &export.asked;
    let span = (asked.from, asked.until);
    let request = Request::commitment(&asked.subject, span, &asked.reason, &export.salt);
    let record = index.record(request, u64::MAX).await?;
    let asked_at = export.row.asked_at;
    if patience == Patience::Waits && witnesses::worth_waiting(app, (record.index, asked_at)).await? {
        return Err(CollectError::NotSignedYet);
    }
    let (checkpoint, key, tree, origin) = signed(app, &reader, record.index).await?;
    let wanted = wanted_of(&asked.subject, incident::place(app, &asked.subject).await?);
    let filter = LogFilter { from: asked.from, until: asked.until, ..wanted.filter };
    let mut chosen = index.choose(Wanted { filter, ..wanted }, record, tree.size).await?;
    let files = enclosing::enclose(app, &index, (id, asked), &chosen).await?;
    let openings = tell(app, &index, &export, &mut chosen, tree.size).await?;
    let places = places(app, &chosen).await?;
    let progress = prove::Progress { db: app.db().clone(), id };
    let spooled = prove::spool(&reader, &tree, &chosen.entries, &progress).await?;
    let log = Log { origin, size: tree.size, root: tree.root.to_string() };
    let exported =
        Exported { at: time_text(export.row.asked_at), by: export.row.asked_by.clone(), entry: record.index };
    let request = Request::new(&asked.subject, span, &asked.reason, &export.salt);
    let statement = Statement::new(log, request, exported, left_out(asked, &chosen));
    let draft = Draft { statement, checkpoint, key, openings, places, files };
    let written = tokio::task::spawn_blocking(move || {
        let mut out = out;
        let written = bailee_evidence::write(&mut out, draft, &mut BufReader::new(spooled))?;
        out.sync_all()?;
        Ok::<_, WriteError>((out, written))
    });
    match written.await {
        Ok(Ok(written)) => Ok(written),
        Ok(Err(WriteError::Failed(error))) => Err(error.into()),
        Ok(Err(error)) => Err(CollectError::Unsound(error.to_string())),
        Err(error) => Err(CollectError::Unsound(error.to_string())),
    }
}

type Signed = (String, VerifyingKey, TreeHead, String);

/// The checkpoint that most witnesses cosigned of those that cover an entry, otherwise the newest.
async fn signed(app: &App, reader: &LogReader, entry: u64) -> Result<Signed, CollectError> {
    let key = install::log_key(app).map_err(|_| damaged("org.log_id")).map_err(CollectError::App)?.verifying;
    let cosigned = witnesses::cosigned_checkpoint(app, entry).await.map_err(AppError::from)?;
    let text = match cosigned.filter(|note| Checkpoint::open(note.as_bytes(), &key).is_ok()) {
        Some(cosigned) => cosigned,
        None => reader.checkpoint().await?,
    };
    let opened = Checkpoint::open(text.as_bytes(), &key);
    let opened = opened.map_err(|error| CollectError::Unsound(error.to_string()))?;
    let (tree, origin) = (opened.checkpoint.head(), opened.checkpoint.origin);
    if tree.size <= entry {
        return Err(CollectError::NotSignedYet);
    }
    Ok((text, key, tree, origin))
}

/// What is told of the people in a bundle, each look written to the log.
async fn tell(
    app: &App,
    index: &Index<'_>,
    export: &Export,
    chosen: &mut Chosen,
    tree: u64,
) -> Result<Vec<Opening>, CollectError> {
    let Telling::People(fields) = &export.asked.telling else { return Ok(Vec::new()) };
    let people: BTreeSet<PersonId> = std::mem::take(&mut chosen.people);
    let mut openings = Vec::new();
    let mut told = Vec::new();
    for person in people {
        let Some((entry, logged)) = index.commitment(person, tree).await? else { continue };
        let org = app.org();
        let row =
            app.db().read(async move |tx| Ok::<_, AppError>(person::get(&tx, org, person).await?)).await?;
        let Some(row) = row else { continue };
        let (details, salt) = open_salted(app.keys(), &row)?;
        let committed = details.committed();
        if commitment::commit(PERSON, &committed, salt.expose()) != logged {
            continue;
        }
        let mut opening = Opening::of_person(entry, person, &committed, salt.expose());
        for field in PERSON_FIELDS.iter().filter(|field| !fields.contains(field)) {
            opening.leave_out(field);
        }
        chosen.add(entry, Why::Opening);
        openings.push(opening);
        told.push(person);
    }
    let actor = actor_from_text(&export.row.asked_by)?;
    let id = export.row.id;
    app.change(actor, async move |change| {
        evidence::tells(&change.tx, id, &told).await?;
        for person in &told {
            change.event(PlatformEventKind::PersonalDataRead { person: *person }).await?;
        }
        Ok(())
    })
    .await?;
    Ok(openings)
}

fn left_out(asked: &Asked, chosen: &Chosen) -> Vec<String> {
    let mut left_out = match &asked.telling {
        Telling::Nobody => vec!["what is known of people".to_owned()],
        Telling::People(fields) => {
            let absent = PERSON_FIELDS.into_iter().filter(|field| !fields.contains(field));
            absent.map(|field| format!("{field} of everybody")).collect()
        }
    };
    if asked.files == Files::LeftOut && !chosen.attaching.is_empty() {
        left_out.push("files".to_owned());
    }
    left_out
}

async fn places(app: &App, chosen: &Chosen) -> Result<Vec<Place>, CollectError> {
    let (org, wanted) = (app.org(), chosen.banks.clone());
    let read = app.db().read(async move |tx| {
        let home = site::first(&tx, org).await?;
        let banks = bank::all(&tx, org).await?;
        let named = |row: &bank::BankRow| {
            let site = if row.site == home.id { home.name.as_str() } else { "" };
            Place::new(row.id, &row.name, site, row.layout.as_ref())
        };
        Ok::<_, AppError>(banks.iter().filter(|row| wanted.contains(&row.id)).map(named).collect())
    });
    Ok(read.await?)
}

/// Seals the bundle into the store, piece by piece, and only then says that it is there.
async fn store(app: &App, id: EvidenceId, mut file: File, written: Written) -> Result<(), AppError> {
    let unreadable = |_| damaged("the temporary file of evidence");
    app.db().tx(async move |tx| Ok::<_, AppError>(evidence::drop_pieces(&tx, id).await?)).await?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let (mut hash, mut bytes, mut piece) = (Context::new(&SHA256), 0_u64, 0_u32);
    loop {
        let mut plain = Vec::with_capacity(PIECE);
        (&mut file).take(PIECE as u64).read_to_end(&mut plain).map_err(unreadable)?;
        if plain.is_empty() {
            break;
        }
        hash.update(&plain);
        bytes += plain.len() as u64;
        let row = piece_row(id, piece);
        let place = Aad { table: "evidence_piece", column: "bytes", row: &row };
        let sealed = app.draw(|mut rng| app.keys().secret().seal(&place, &plain, &mut rng));
        let sealed = sealed.map_err(|_| damaged("evidence_piece.bytes"))?;
        let put = async move |tx| Ok::<_, AppError>(evidence::put_piece(&tx, id, piece, &sealed).await?);
        app.db().tx(put).await?;
        piece += 1;
    }
    let sha256 = hash.finish().as_ref().try_into().map_err(|_| damaged("SHA-256"))?;
    let (until, entries) = (app.now().plus_ms(KEPT_MS), written.entries.asked);
    let done = async move |tx| {
        // Somebody it tells of was erased meanwhile, or a file destroyed: it is made again, without them.
        if evidence::is_outdated(&tx, id).await? {
            return Ok(evidence::drop_pieces(&tx, id).await?);
        }
        evidence::progress(&tx, id, written.entries.all, written.entries.all).await?;
        Ok::<_, AppError>(evidence::made(&tx, id, (entries, bytes, sha256), until).await?)
    };
    app.db().tx(done).await
}

/// Notes that a bundle was written elsewhere, such as to a file at the command line.
///
/// # Errors
/// The store's.
pub async fn written_elsewhere(app: &App, id: EvidenceId) -> Result<(), AppError> {
    app.db().tx(async move |tx| Ok::<_, AppError>(evidence::end(&tx, id, State::Gone, None).await?)).await
}
