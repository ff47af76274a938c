//! Photos and other files that staff attach to a parcel, a compartment, an alert or a bank, for evidence.
//!
//! The custody log gets the SHA-256 of each ([`PlatformEventKind::FileAttached`]); the content lies in the store, sealed under a
//! key of its own, so that destroying the key destroys the file, and with it every bundle kept here that has it. A file
//! concerns the parcel it is about, or the last one that was in the compartment: it is destroyed with whoever that parcel was
//! for or came by, and a legal hold on those keeps it. Nothing here looks into a file beyond its first bytes. Start at [`attach`].

mod forgetting;
mod kind;
mod place;

use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::{EvidenceId, FileId, ParcelId};
use bailee_domain::platform::PlatformEventKind;
use bailee_vault::Secret;
use bailee_vault::seal::{Aad, PersonKey, SealError};

pub(in crate::app) use forgetting::forget_person;
pub use kind::Kind;
pub use place::About;

use super::people::text;
use super::{App, AppError, Change, FieldError, Principal, Refused, texts};
use crate::store::Tx;
use crate::store::tables::{attached_file, damaged, evidence, legal_hold, parcel};
use place::Spot;

pub use crate::store::tables::attached_file::FileRow;

/// Bytes of the largest file.
pub const MAX_BYTES: usize = 10 << 20;
/// Files attached to one thing.
pub const MAX_ABOUT_ONE: u32 = 50;
/// Bytes of the longest name kept.
const MAX_NAME: usize = 120;

/// A file to attach, as somebody sent it.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// To what.
    pub about: About,
    /// What it was called.
    pub name: String,
    /// What it shows, in a few words; may be empty.
    pub note: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// A file that was attached, and its words while it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Everything but words.
    pub row: FileRow,
    /// What it was called; empty once it was destroyed.
    pub name: String,
    /// What it shows.
    pub note: String,
}

/// Attaches a file.
///
/// # Errors
/// [`Refused::Invalid`] for a file that is too large, empty or of another kind than [`Kind`]; [`Refused::NotPossibleNow`] with
/// `too_many_files` or, for a parcel of somebody who was erased, `erased`; [`Refused::NotFound`]; not allowed.
pub async fn attach(app: &App, principal: &Principal, new: NewFile) -> Result<FileId, AppError> {
    let spot = place::find(app, new.about).await?;
    // Who may not come here learns nothing of what exists.
    let Some(spot) = spot else {
        app.authorise(principal, new.about.to_attach(), Scope::Organisation, None).await?;
        return Err(Refused::NotFound.into());
    };
    app.authorise(principal, new.about.to_attach(), Scope::Bank(spot.bank), Some(spot.site)).await?;
    let (kind, note) = checked(&new)?;
    let (row, content) = sealed(app, principal, &new, (kind, &note), &spot)?;
    let id = row.id;
    app.change(principal.actor, async move |change| {
        if attached_file::count(&change.tx, change.org, &row.about).await? >= MAX_ABOUT_ONE {
            return Err(Refused::NotPossibleNow { why: "too_many_files" }.into());
        }
        place::refuse_if_erased(&change.tx, change.org, row.parcel).await?;
        attached_file::insert(&change.tx, change.org, &row, &content).await?;
        let FileRow { id: file, sha256, bank, compartment, parcel, alert, .. } = row;
        change.event(PlatformEventKind::FileAttached { file, sha256, bank, compartment, parcel, alert }).await
    })
    .await?;
    Ok(id)
}

fn checked(new: &NewFile) -> Result<(Kind, String), Refused> {
    let mut wrong = Vec::new();
    let note = match new.note.trim() {
        "" => String::new(),
        note => text("note", note, &mut wrong),
    };
    let mut file = |code| wrong.push(FieldError { field: "file", code });
    let kind = Kind::of(&new.content);
    match (&kind, new.content.len()) {
        (_, 0) => file("required"),
        (_, length) if length > MAX_BYTES => file("file_too_large"),
        (None, _) => file("not_a_file_kind"),
        (Some(_), _) => {}
    }
    kind.filter(|_| wrong.is_empty()).map(|kind| (kind, note)).ok_or(Refused::Invalid(wrong))
}

/// The last part of a path, without what could mislead in a list or a header.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
    let mut plain = String::new();
    for c in kept {
        if plain.len() + c.len_utf8() > MAX_NAME {
            break;
        }
        plain.push(c);
    }
    plain.trim().to_owned()
}

/// The row and the sealed content of a new file, under a key of its own.
fn sealed(
    app: &App,
    principal: &Principal,
    new: &NewFile,
    (kind, note): (Kind, &str),
    spot: &Spot,
) -> Result<(FileRow, Vec<u8>), AppError> {
    let words = texts::encode(&[Some(&plain_name(&new.name)), Some(note)]);
    let now = app.now();
    let made = app.draw(|mut rng| {
        let id = FileId::new(now, &mut rng);
        let row = id.to_bytes();
        let (key, wrapped) = PersonKey::create(app.keys().secret(), &row, &mut rng)?;
        let words = key.seal(&words_at(&row), &words, &mut rng)?;
        let content = key.seal(&content_at(&row), &new.content, &mut rng)?;
        Ok::<_, SealError>((id, wrapped, words, content))
    });
    let (id, key, words, content) = made.map_err(|_| damaged("attached_file.file_key"))?;
    let row = FileRow {
        id,
        sha256: sha256(&new.content),
        kind: kind.name().to_owned(),
        bytes: new.content.len() as u64,
        bank: spot.bank,
        compartment: spot.compartment,
        parcel: spot.parcel,
        alert: spot.alert,
        about: new.about.to_string(),
        key: Some(key),
        words: Some(words),
        added_by: principal.name(),
        added_at: now,
        destroyed_at: None,
    };
    Ok((row, content))
}

fn sha256(content: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content).as_ref());
    hash
}

fn words_at(file: &[u8; 16]) -> Aad<'_> {
    Aad { table: "attached_file", column: "words", row: file }
}

fn content_at(file: &[u8; 16]) -> Aad<'_> {
    Aad { table: "attached_content", column: "bytes", row: file }
}

/// A file's own key; `None` once it was destroyed.
fn key_of(app: &App, row: &FileRow) -> Result<Option<PersonKey>, AppError> {
    let Some(wrapped) = &row.key else { return Ok(None) };
    let key = PersonKey::open(app.keys().secret(), &row.id.to_bytes(), wrapped);
    key.map(Some).map_err(|_| damaged("attached_file.file_key"))
}

fn opened(app: &App, row: FileRow) -> Result<File, AppError> {
    let broken = || damaged("attached_file.words");
    let (Some(key), Some(words)) = (key_of(app, &row)?, &row.words) else {
        return Ok(File { row, name: String::new(), note: String::new() });
    };
    let words = key.open_value(&words_at(&row.id.to_bytes()), words).map_err(|_| broken())?;
    let [name, note] = texts::decode(words.expose()).ok_or_else(broken)?;
    Ok(File { row, name: name.unwrap_or_default(), note: note.unwrap_or_default() })
}

/// What was attached to something, the newest first, also what was destroyed since.
///
/// # Errors
/// [`Refused::NotFound`]; not allowed; the store's.
pub async fn list(app: &App, principal: &Principal, about: About) -> Result<Vec<File>, AppError> {
    let Some(spot) = place::find(app, about).await? else {
        app.authorise(principal, about.to_see(), Scope::Organisation, None).await?;
        return Err(Refused::NotFound.into());
    };
    app.authorise(principal, about.to_see(), Scope::Bank(spot.bank), Some(spot.site)).await?;
    let (org, named) = (app.org(), about.to_string());
    let most = 2 * MAX_ABOUT_ONE;
    let rows = app
        .db()
        .read(async move |tx| Ok::<_, AppError>(attached_file::about(&tx, org, &named, most).await?))
        .await?;
    rows.into_iter().map(|row| opened(app, row)).collect()
}

/// Opens a file. It may show people, so this is for those who may see people, and a look is logged under the parcel's recipient.
///
/// # Errors
/// [`Refused::NotFound`], also once it was destroyed; not allowed; the store's.
pub async fn fetch(
    app: &App,
    principal: &Principal,
    id: FileId,
) -> Result<(File, Secret<Vec<u8>>), AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let org = app.org();
    let (row, recipient) = app
        .db()
        .read(async move |tx| {
            let row = attached_file::get(&tx, org, id).await?.ok_or(Refused::NotFound)?;
            let about = match row.parcel {
                Some(parcel) => parcel::by_id(&tx, org, parcel).await?,
                None => None,
            };
            Ok::<_, AppError>((row, about.map(|parcel| parcel.recipient)))
        })
        .await?;
    let content = content(app, &row).await?.ok_or(Refused::NotFound)?;
    if let Some(person) = recipient {
        let read = PlatformEventKind::PersonalDataRead { person };
        app.change(principal.actor, async move |change| change.event(read.clone()).await).await?;
    }
    Ok((opened(app, row)?, content))
}

/// The content of a file; `None` once it was destroyed.
pub(in crate::app) async fn content(app: &App, row: &FileRow) -> Result<Option<Secret<Vec<u8>>>, AppError> {
    let broken = || damaged("attached_content.bytes");
    let Some(key) = key_of(app, row)? else { return Ok(None) };
    let id = row.id;
    let sealed =
        app.db().read(async move |tx| Ok::<_, AppError>(attached_file::content(&tx, id).await?)).await?;
    let Some(sealed) = sealed else { return Ok(None) };
    let content = key.open_value(&content_at(&id.to_bytes()), &sealed).map_err(|_| broken())?;
    if sha256(content.expose()) == row.sha256 { Ok(Some(content)) } else { Err(broken()) }
}

/// Destroys a file and its key, and every bundle kept here that has it. Done again, it does nothing.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `legal_hold`; [`Refused::NotFound`]; not allowed.
pub async fn destroy(app: &App, principal: &Principal, id: FileId) -> Result<FileRow, AppError> {
    app.authorise(principal, Permission::ErasePeople, Scope::Organisation, None).await?;
    app.change(principal.actor, async move |change| {
        let row = attached_file::get(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
        if let Some(parcel) = row.parcel {
            refuse_if_held(&change.tx, change, parcel).await?;
        }
        end(change, &row).await?;
        Ok(row)
    })
    .await
}

async fn refuse_if_held(tx: &Tx, change: &Change, parcel: ParcelId) -> Result<(), AppError> {
    if legal_hold::on_parcel(tx, change.org, parcel).await?.is_empty() {
        return Ok(());
    }
    Err(Refused::NotPossibleNow { why: "legal_hold" }.into())
}

/// Takes a file that is there and the bundles it is in, with the event.
async fn end(change: &Change, row: &FileRow) -> Result<(), AppError> {
    if !attached_file::destroy(&change.tx, row.id, change.at).await? {
        return Ok(());
    }
    let bundles: Vec<EvidenceId> = attached_file::enclosing(&change.tx, row.id).await?;
    for export in bundles {
        evidence::gone_if_made(&change.tx, export).await?;
    }
    let FileRow { id: file, bank, compartment, parcel, alert, .. } = *row;
    change.event(PlatformEventKind::FileDestroyed { file, bank, compartment, parcel, alert }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_last_part_of_a_path_and_plain() {
        for (name, plain) in [
            ("IMG_0042.jpg", "IMG_0042.jpg"),
            ("C:\\Users\\x\\door.png", "door.png"),
            ("../../etc/passwd", "passwd"),
            ("a\r\nb\u{202e}gpj.exe", "abgpj.exe"),
            ("  ", ""),
        ] {
            assert_eq!(plain_name(name), plain);
        }
        assert!(plain_name(&"é".repeat(200)).len() <= MAX_NAME);
    }
}
