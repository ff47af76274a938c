//! Evidence bundles: asking for one, making what was asked for, fetching it, and who asked for what and why.
//!
//! Asking writes [`PlatformEventKind::EvidenceExported`] with a commitment to what and why; the bundle holds that entry, so
//! nobody exports unseen or under another's name. Names of people go in only if the asker may see people, and each person told
//! of is a [`PlatformEventKind::PersonalDataRead`]. Bundles lie sealed in the store for [`KEPT_MS`]. Start at [`ask`]; the
//! reconciler calls [`make_next`].

mod enclosing;
mod forgetting;
mod incident;
mod making;

use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::EvidenceId;
use bailee_domain::platform::PlatformEventKind;
use bailee_domain::time::WallTime;
use bailee_evidence::commitment::PERSON_FIELDS;
use bailee_evidence::{Request, Subject};
use bailee_vault::Secret;
use bailee_vault::seal::Aad;
use bytes::Bytes;
use futures_util::stream::{self, Stream};

pub(in crate::app) use forgetting::forget_person;
pub use making::{make_next, write_to, written_elsewhere};

use super::people::text;
use super::{App, AppError, FieldError, Principal, Refused, texts};
use crate::store::tables::damaged;
use crate::store::tables::evidence::{self, EvidenceRow};

pub use crate::store::tables::evidence::State;

/// How long a bundle can be fetched, in milliseconds: a day.
pub const KEPT_MS: i64 = 86_400_000;
/// The word for files among what is told.
const FILES: &str = "files";
/// Most exports on a page.
pub const MAX_PAGE: u32 = 200;

/// Whose personal data a bundle tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Nobody's: opaque ids only.
    Nobody,
    /// Of everybody in it, these fields of [`PERSON_FIELDS`].
    People(Vec<&'static str>),
}

impl Telling {
    /// Everything of everybody.
    #[must_use]
    pub fn everything() -> Self {
        Self::People(PERSON_FIELDS.to_vec())
    }

    /// The fields of that name, in order; none of them is [`Telling::Nobody`].
    #[must_use]
    pub fn of(told: impl Fn(&str) -> bool) -> Self {
        let fields: Vec<&'static str> = PERSON_FIELDS.into_iter().filter(|name| told(name)).collect();
        if fields.is_empty() { Self::Nobody } else { Self::People(fields) }
    }

    fn fields(&self) -> &[&'static str] {
        match self {
            Self::Nobody => &[],
            Self::People(fields) => fields,
        }
    }
}

/// Whether photos and other files go along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// Those that the entries attach and that are still there.
    Along,
    /// None; their hashes are in the entries.
    LeftOut,
}

/// What evidence is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// About what.
    pub subject: Subject,
    /// Not before this time.
    pub from: Option<WallTime>,
    /// Before this time.
    pub until: Option<WallTime>,
    /// Why, in the asker's words.
    pub reason: String,
    /// What to tell of people.
    pub telling: Telling,
    /// Whether photos and other files go along.
    pub files: Files,
}

impl Asked {
    /// Whether the bundle may show people, by their details or in a photo.
    fn shows_people(&self) -> bool {
        self.telling != Telling::Nobody || self.files == Files::Along
    }
}

/// An export as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// What was asked for.
    pub asked: Asked,
    /// Who asked, when, and how far it is.
    pub row: EvidenceRow,
    salt: [u8; 32],
}

/// Asks for a bundle. It is made within seconds, or minutes for a long time.
///
/// # Errors
/// [`Refused::Invalid`] without a reason or with an end before the beginning; [`Refused::NotFound`] for an incident that is none;
/// not allowed, also to show people.
pub async fn ask(app: &App, principal: &Principal, asked: Asked) -> Result<EvidenceId, AppError> {
    app.authorise(principal, Permission::ExportLog, Scope::Organisation, None).await?;
    if asked.shows_people() {
        app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    }
    let asked = checked(incident::timed(app, asked).await?)?;
    let salt = app.draw(|mut rng| *Secret::<[u8; 32]>::random(&mut rng).expose());
    let id = app.draw(|mut rng| EvidenceId::new(app.now(), &mut rng));
    let sealed = seal(app, id, &asked, &salt)?;
    let span = (asked.from, asked.until);
    let request = Request::commitment(&asked.subject, span, &asked.reason, &salt);
    let asked_by = principal.name();
    app.change(principal.actor, async move |change| {
        let row = EvidenceRow {
            id,
            asked_by: asked_by.clone(),
            asked_at: change.at,
            request: sealed.clone(),
            state: State::Wanted,
            done: 0,
            total: 0,
            entries: None,
            bytes: None,
            sha256: None,
            error: None,
            expires_at: None,
        };
        evidence::insert(&change.tx, change.org, &row).await?;
        change.event(PlatformEventKind::EvidenceExported { request }).await
    })
    .await?;
    Ok(id)
}

fn checked(asked: Asked) -> Result<Asked, Refused> {
    let mut wrong = Vec::new();
    let reason = text("reason", &asked.reason, &mut wrong);
    if asked.from.zip(asked.until).is_some_and(|(from, until)| until <= from) {
        wrong.push(FieldError { field: "until", code: "ends_before_it_begins" });
    }
    if wrong.is_empty() { Ok(Asked { reason, ..asked }) } else { Err(Refused::Invalid(wrong)) }
}

/// Which exports to list.
#[derive(Clone, Copy, Debug)]
pub struct ListExports {
    /// The last of the page before.
    pub before: Option<EvidenceId>,
    /// How many, 1 to [`MAX_PAGE`].
    pub limit: u32,
}

/// Exports, the newest first, with who asked and why, and where the next page begins.
///
/// # Errors
/// Not allowed; the store's.
pub async fn list(
    app: &App,
    principal: &Principal,
    which: ListExports,
) -> Result<(Vec<Export>, Option<EvidenceId>), AppError> {
    app.authorise(principal, Permission::ExportLog, Scope::Organisation, None).await?;
    let (org, limit) = (app.org(), which.limit.clamp(1, MAX_PAGE));
    let rows = app
        .db()
        .read(async move |tx| Ok::<_, AppError>(evidence::newest(&tx, org, which.before, limit + 1).await?));
    let mut rows = rows.await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = if more { rows.last().map(|row| row.id) } else { None };
    let opened: Result<Vec<Export>, AppError> = rows.into_iter().map(|row| open(app, row)).collect();
    Ok((opened?, next))
}

/// One export.
///
/// # Errors
/// [`Refused::NotFound`]; not allowed; the store's.
pub async fn find(app: &App, principal: &Principal, id: EvidenceId) -> Result<Export, AppError> {
    app.authorise(principal, Permission::ExportLog, Scope::Organisation, None).await?;
    load(app, id).await
}

async fn load(app: &App, id: EvidenceId) -> Result<Export, AppError> {
    let org = app.org();
    let row = app.db().read(async move |tx| Ok::<_, AppError>(evidence::get(&tx, org, id).await?)).await?;
    open(app, row.ok_or(Refused::NotFound)?)
}

/// Fetches a bundle, piece by piece. One that tells of people is for those who may see people.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `not_made` or `gone`; [`Refused::NotFound`]; not allowed; the store's, also within
/// the stream.
pub async fn fetch(
    app: &App,
    principal: &Principal,
    id: EvidenceId,
) -> Result<(Export, impl Stream<Item = Result<Bytes, AppError>> + Send + use<>), AppError> {
    let export = find(app, principal, id).await?;
    if export.asked.shows_people() {
        app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    }
    match export.row.state {
        State::Made if export.row.expires_at.is_some_and(|at| at > app.now()) => {}
        State::Made | State::Gone => return Err(Refused::NotPossibleNow { why: "gone" }.into()),
        State::Wanted | State::Failed => return Err(Refused::NotPossibleNow { why: "not_made" }.into()),
    }
    let pieces = stream::try_unfold((app.clone(), 0), move |(app, piece)| async move {
        let sealed =
            app.db().read(async move |tx| Ok::<_, AppError>(evidence::piece(&tx, id, piece).await?)).await?;
        let Some(sealed) = sealed else { return Ok(None) };
        let row = piece_row(id, piece);
        let place = Aad { table: "evidence_piece", column: "bytes", row: &row };
        let opened = app.keys().secret().open(&place, &sealed);
        let opened = opened.map_err(|_| damaged("evidence_piece.bytes"))?;
        Ok(Some((Bytes::copy_from_slice(opened.expose()), (app, piece + 1))))
    });
    Ok((export, pieces))
}

fn piece_row(id: EvidenceId, piece: u32) -> Vec<u8> {
    [id.to_bytes().as_slice(), &piece.to_be_bytes()].concat()
}

fn place(id: &[u8; 16]) -> Aad<'_> {
    Aad { table: "evidence_export", column: "request", row: id }
}

fn seal(app: &App, id: EvidenceId, asked: &Asked, salt: &[u8; 32]) -> Result<Vec<u8>, AppError> {
    let time = |at: Option<WallTime>| at.map(|at| at.unix_ms().to_string());
    let (subject, from, until) = (asked.subject.to_string(), time(asked.from), time(asked.until));
    let mut told = asked.telling.fields().to_vec();
    told.extend((asked.files == Files::Along).then_some(FILES));
    let (told, salt) = (told.join(","), bailee_wire::event::hex(salt));
    let plain = texts::encode(&[
        Some(&subject),
        from.as_deref(),
        until.as_deref(),
        Some(&asked.reason),
        Some(&told),
        Some(&salt),
    ]);
    let sealed = app.draw(|mut rng| app.keys().secret().seal(&place(&id.to_bytes()), &plain, &mut rng));
    sealed.map_err(|_| damaged("evidence_export.request"))
}

fn open(app: &App, row: EvidenceRow) -> Result<Export, AppError> {
    let broken = || damaged("evidence_export.request");
    let opened = app.keys().secret().open(&place(&row.id.to_bytes()), &row.request).map_err(|_| broken())?;
    let [subject, from, until, reason, told, salt] = texts::decode(opened.expose()).ok_or_else(broken)?;
    let time = |text: Option<String>| text.map(|it| it.parse().map(WallTime::from_unix_ms)).transpose();
    let told = told.ok_or_else(broken)?;
    let told: Vec<&str> = told.split(',').collect();
    let asked = Asked {
        subject: subject.and_then(|it| it.parse().ok()).ok_or_else(broken)?,
        from: time(from).map_err(|_| broken())?,
        until: time(until).map_err(|_| broken())?,
        reason: reason.ok_or_else(broken)?,
        telling: Telling::of(|name| told.contains(&name)),
        files: if told.contains(&FILES) { Files::Along } else { Files::LeftOut },
    };
    let salt = salt.and_then(|salt| salt_from(&salt)).ok_or_else(broken)?;
    Ok(Export { asked, row, salt })
}

fn salt_from(text: &str) -> Option<[u8; 32]> {
    let mut salt = [0; 32];
    for (byte, at) in salt.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(salt)
}
