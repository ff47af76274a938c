//! The words of `static/check.js`: what it can say about a file, as keys of texts without their `verify-`. In them, `%1` and `%2`
//! stand for values.

use bailee_ui::layout::Page;

/// What can be said about the proof of an entry.
const PROOF: &[&str] = &[
    "sound",
    "unsound",
    "unusable",
    "busy",
    "done",
    "undone",
    "did-form",
    "did-checkpoint",
    "did-entry",
    "did-witness",
    "not-key",
    "not-witness",
    "not-signatures",
    "not-others",
    "foreign",
    "too-long",
    "extra",
    "index",
    "hash",
    "hashes",
    "checkpoint",
    "note",
    "signature-line",
    "signatures",
    "signer",
    "handover",
    "signature",
    "cosignature",
    "beyond",
    "length",
    "path",
    "entry",
    "future",
    "no-extra",
    "key",
    "no-webcrypto",
    "no-ed25519",
    "unread",
    "opened",
    "forced",
    "found-open",
    "says",
    "at",
    "source",
    "seq",
    "quality",
    "log",
    "place",
    "leaf",
];

/// What can be said beyond that about a bundle.
const BUNDLE: &[&str] = &[
    "did-manifest",
    "did-entries",
    "did-heads",
    "not-own-key",
    "not-left-out",
    "not-openings",
    "not-tables",
    "zip",
    "zip-name",
    "zip-bomb",
    "zip-crc",
    "bag",
    "missing",
    "unlisted",
    "changed",
    "unattached",
    "statement",
    "line",
    "order",
    "bundle-entry",
    "chain",
    "no-inflate",
    "says-bundle",
    "size",
    "subject",
    "reason",
    "exported",
    "by",
];

/// What a bundle can be about, with the keys of whole texts.
const ABOUT: [(&str, &str); 6] = [
    ("about-span", "evidence-about-span"),
    ("about-parcel", "evidence-about-parcel"),
    ("about-compartment", "evidence-about-compartment"),
    ("about-bank", "evidence-about-bank"),
    ("about-person", "evidence-about-person"),
    ("about-incident", "evidence-about-incident"),
];

/// The words for proofs of entries, by their keys.
#[must_use]
pub fn of_proofs(page: &Page) -> Vec<(&'static str, String)> {
    PROOF.iter().map(|word| (*word, page.t(&format!("verify-{word}")))).collect()
}

/// The words for every file there is.
#[must_use]
pub fn of_files(page: &Page) -> Vec<(&'static str, String)> {
    let bundle = BUNDLE.iter().map(|word| (*word, page.t(&format!("verify-{word}"))));
    let about = ABOUT.iter().map(|(word, text)| (*word, page.t(text)));
    of_proofs(page).into_iter().chain(bundle).chain(about).collect()
}
