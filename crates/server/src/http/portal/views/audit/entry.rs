//! `/audit/{id}`: one event with its record, its hash, the drawn path to the signed root, and who vouches for that. The same as a
//! drawer beside the list.

use askama::Template;
use bailee_ui::layout::Page;

use super::super::{Shell, checking};
use super::{EventRow, Seal, ladder};

/// `/audit/{id}`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/event.html")]
pub struct Event {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// The ledger's state.
    pub seal: Seal,
    /// The event.
    pub entry: EntryView,
}

/// `/audit/{id}` beside the list: what `static/drawer.js` asks for.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/audit_drawer.html")]
pub struct Drawer {
    /// The language.
    pub page: Page,
    /// The event.
    pub entry: EntryView,
}

/// One event.
#[derive(Clone, Debug)]
pub struct EntryView {
    /// The level of its headings.
    pub level: u8,
    /// The same facts as in the list.
    pub event: EventRow,
    /// Lists of what else there is about the same things.
    pub about: Vec<About>,
    /// The fields of the signed record, in order: name and value as recorded, not translated.
    pub fields: Vec<(String, String)>,
    /// The leaf's hash in hexadecimal.
    pub leaf_hash: String,
    /// The exact bytes of the leaf in hexadecimal.
    pub leaf_bytes: String,
    /// Its place in the log; `None` while it has none.
    pub proven: Option<ProvenView>,
    /// Where the proof is as a file.
    pub proof: String,
    /// The verifier keys of the log and its witnesses, one a line.
    pub keys: String,
    /// The command that checks this log elsewhere.
    pub command: String,
}

/// A list to go to.
#[derive(Clone, Debug)]
pub struct About {
    /// Whose events.
    pub label: String,
    /// The list.
    pub href: String,
}

/// Where an event is in the log, and the proof.
#[derive(Clone, Debug)]
pub struct ProvenView {
    /// Its index.
    pub index: u64,
    /// Entries of the tree the path leads to.
    pub size: u64,
    /// The root the checkpoint signs, in hexadecimal.
    pub root_hash: String,
    /// Whether the path leads to that root.
    pub reaches: bool,
    /// The path, leaf to root.
    pub rungs: Vec<Rung>,
    /// The signed checkpoint as it is published, with the cosignatures for it.
    pub checkpoint: String,
    /// Since when that checkpoint is known here (RFC 3339, UTC).
    pub signed_at: String,
    /// Its age in words.
    pub age: String,
    /// Who cosigned it.
    pub witnesses: Vec<WitnessView>,
    /// Witnesses there are.
    pub all: usize,
}

/// A witness that cosigned a checkpoint.
#[derive(Clone, Debug)]
pub struct WitnessView {
    /// What it is called.
    pub name: String,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// How long ago, in words.
    pub age: String,
}

/// One step of an inclusion path (RFC 6962 §2.1.1).
#[derive(Clone, Debug)]
pub struct Rung {
    /// The height of the sibling above the leaves, from 0.
    pub level: u8,
    /// The sibling's hash in hexadecimal.
    pub hash: String,
    /// Whether the sibling stands to the left.
    pub left: bool,
    /// The hash of both, in hexadecimal: the node above.
    pub node: String,
}

impl EntryView {
    /// The words the module that checks the proof needs, by their keys.
    #[must_use]
    pub fn words(&self, page: &Page) -> Vec<(&'static str, String)> {
        checking::of_proofs(page)
    }
}

impl ProvenView {
    /// The path as a drawing, in SVG.
    #[must_use]
    pub fn ladder(&self, page: &Page, leaf_hash: &str) -> String {
        ladder::draw(page, self, leaf_hash)
    }
}

#[cfg(test)]
impl EntryView {
    fn sample(page: &Page, level: u8) -> Self {
        let hash = |seed: u64| format!("{:016x}", seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(4);
        let rung = |level: u8| Rung {
            level,
            hash: hash(u64::from(level) + 3),
            left: level.is_multiple_of(2),
            node: hash(u64::from(level) + 40),
        };
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let about = |label: &str| About { label: label.into(), href: "/audit?x".into() };
        Self {
            level,
            event: EventRow::samples(page).remove(2),
            about: ["Lobby", "Lobby · 04", "prc_01jd4", "Sam Sample"].map(about).into(),
            fields: vec![
                field("version", "1"),
                field("bank", "bnk_01jd8k"),
                field("sequence", "417"),
                field("at", "2026-11-23T08:58:12.204Z"),
                field("time_quality", "trusted"),
                field("kind", "ParcelCollected"),
                field("compartment", "4"),
                field("parcel", "prc_01jd4"),
                field("person", "commitment 9f2c…41aa"),
            ],
            leaf_hash: hash(1),
            leaf_bytes: hash(5),
            proven: Some(ProvenView {
                index: 1_198,
                size: 1_205,
                root_hash: hash(47),
                reaches: true,
                rungs: (0..8).map(rung).collect(),
                checkpoint: "bailee.example/harbour\n1205\nq3Zk0m1uY2Jr5g0w6o3y1m8v0p7c2b4n6d8f0h2j4l6=\n\n— bailee.example/harbour Az3grlgt…\n".into(),
                signed_at: "2026-11-23T08:40:55Z".into(),
                age: "12 s".into(),
                witnesses: ["Lobby", "Garage"]
                    .map(|name| WitnessView { name: name.into(), at: "2026-11-23T08:40:57Z".into(), age: "10 s".into() })
                    .into(),
                all: 3,
            }),
            proof: "/audit/1198/proof".into(),
            keys: "bailee/harbour-house+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".into(),
            command: "bailee verify ledger https://bailee.example/log/harbour".into(),
        }
    }
}

#[cfg(test)]
impl Event {
    pub(in super::super) fn sample(page: Page) -> Self {
        let entry = EntryView::sample(&page, 2);
        Self { shell: Shell::sample(super::super::Section::Audit), seal: Seal::sample(), entry, page }
    }

    pub(in super::super) fn sample_pending(page: Page) -> Self {
        let entry = EntryView { proven: None, ..EntryView::sample(&page, 2) };
        Self { shell: Shell::sample(super::super::Section::Audit), seal: Seal::default(), entry, page }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailee_ui::i18n::Locale;

    #[test]
    fn the_drawer_is_one_element_with_the_id_the_list_has() {
        let page = Page::new(Locale::En, "");
        let entry = EntryView::sample(&page, 3);
        let html = Drawer { page, entry }.render().expect("renders into memory");
        assert!(html.starts_with("<aside id=\"drawer\"") && html.trim_end().ends_with("</aside>"), "{html}");
        assert_eq!(html.matches("<aside").count(), 1);
        assert!(html.contains("<h2 ") && html.contains("<h3>") && !html.contains("<h1"), "{html}");
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_not_passed_over() {
        let page = Page::new(Locale::En, "");
        let mut entry = EntryView::sample(&page, 3);
        let draw = |entry: &EntryView| {
            Drawer { page: page.clone(), entry: entry.clone() }.render().expect("renders into memory")
        };
        assert!(!draw(&entry).contains("class=\"notice bad\""));
        entry.proven.as_mut().expect("a proof").reaches = false;
        assert!(draw(&entry).contains("class=\"notice bad\""));
    }
}
