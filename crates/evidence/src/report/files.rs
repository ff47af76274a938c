//! Photos and other files: which the entries attach, and which of them are in the bundle.

use bailee_wire::event::hex;

use super::page::{INNER, Ink, MARGIN, Pages};
use super::parts::Sources;
use super::text::Face;

/// Files listed; the entries have them all.
const LISTED: usize = 60;

pub(super) fn draw(page: &mut Pages, sources: &Sources<'_>) {
    let files = &sources.facts.files;
    if files.is_empty() {
        return;
    }
    page.heading("Photos and files", 60.0);
    let muted = (Face::Regular, 8.5, Ink::Muted);
    let note = "Somebody attached these, and the log has the SHA-256 of each. A file that is here under data/files is the very one \
                that was attached then; one that is not was left out or destroyed.";
    page.paragraph((MARGIN, INNER), muted, note);
    page.y += 3.0;
    for (sha256, entry) in files.iter().take(LISTED) {
        let here = if sources.enclosed.contains_key(sha256) { "in the bundle" } else { "not in the bundle" };
        page.room(13.0);
        page.text((MARGIN, page.y + 9.0), (Face::Mono, 7.0, Ink::Text), &hex(sha256));
        page.text_to(
            (MARGIN + INNER, page.y + 9.0),
            (Face::Regular, 7.5, Ink::Muted),
            &format!("entry {entry}, {here}"),
        );
        page.y += 13.0;
    }
    if let Some(more) = files.len().checked_sub(LISTED).filter(|more| *more > 0) {
        page.paragraph((MARGIN, INNER), muted, &format!("… and {more} more, in entries.jsonl"));
    }
}
