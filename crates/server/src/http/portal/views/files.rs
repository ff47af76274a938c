//! `/files?about=…`: photos and other files attached to something. Posts `file`, `note` and `about` to `/files` as a form with a
//! file; `about` to `/files/{id}/destroy`; `/files/{id}` is the file.

use super::Shell;
use askama::Template;
use bailee_ui::form::Field;
use bailee_ui::layout::Page;

/// A file that was attached.
#[derive(Clone, Debug)]
pub struct FileView {
    /// `fil_…`
    pub id: String,
    /// What it was called, or its id.
    pub name: String,
    /// What it is, in the reader's language.
    pub kind: String,
    /// How large, such as "2.4 MB".
    pub size: String,
    /// What it shows, in the words of whoever attached it.
    pub note: String,
    /// Who attached it.
    pub by: String,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// When it was destroyed (RFC 3339, UTC); empty while it is there.
    pub destroyed_at: String,
}

/// `/files?about=…`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/files.html")]
pub struct Files {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// What they are attached to, as it is sent.
    pub about: String,
    /// The page of that.
    pub back: String,
    /// The same in the reader's language.
    pub what: String,
    /// Where evidence with these files is asked for.
    pub evidence: Option<String>,
    /// Whether the reader may attach one.
    pub may_attach: bool,
    /// Whether the reader may open them: they may show people.
    pub may_open: bool,
    /// Whether the reader may destroy them.
    pub may_destroy: bool,
    /// The file to attach.
    pub file: Field,
    /// What it shows.
    pub note: Field,
    /// The newest first.
    pub rows: Vec<FileView>,
}

#[cfg(test)]
impl Files {
    pub(super) fn sample(page: Page) -> Self {
        let row = |n: u8, name: &str, kind: &str, size: &str, note: &str, destroyed: &str| FileView {
            id: format!("fil_01jd{n}"),
            name: name.into(),
            kind: page.t(kind),
            size: size.into(),
            note: note.into(),
            by: "Alex Example".into(),
            at: "2026-11-23T08:58:12Z".into(),
            sha256: format!("{n:02x}4f5c7b8d9e0a1b2c3d4e5f60718293").repeat(2),
            destroyed_at: destroyed.into(),
        };
        Self {
            shell: Shell::sample(super::Section::Parcels),
            about: "parcel prc_01jd4".into(),
            back: "/parcels/prc_01jd4".into(),
            what: page.t("parcel"),
            evidence: Some("/evidence?parcel=prc_01jd4".into()),
            may_attach: true,
            may_open: true,
            may_destroy: true,
            file: Field::default(),
            note: Field::default(),
            rows: vec![
                row(
                    1,
                    "IMG_20261123_095802.jpg",
                    "file-kind-jpeg",
                    "3.4 MB",
                    "The door from outside, after it was forced",
                    "",
                ),
                row(2, "police-report-with-quite-a-long-name-4711.pdf", "file-kind-pdf", "212 kB", "", ""),
                row(3, "fil_01jd3", "file-kind-png", "96 kB", "", "2026-11-23T09:20:00Z"),
            ],
            page,
        }
    }

    pub(super) fn sample_empty(page: Page) -> Self {
        let file = Field::default().wrong(page.t("error-not-a-file-kind"));
        Self { rows: Vec::new(), file, may_destroy: false, ..Self::sample(page) }
    }
}
