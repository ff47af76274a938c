//! The tree of the entries as they are found, compared with everything that was ever said about it.

use std::collections::BTreeMap;

use bailee_audit::checkpoint::Checkpoint;
use bailee_audit::hash::{Hash, TreeHead};
use bailee_audit::key::{KeyName, VerifyingKey};
use bailee_audit::tree::Edge;

use super::finding::{Findings, Kind};

/// Somebody's word about the tree of some size.
pub(super) struct Claim {
    /// The tree.
    pub head: TreeHead,
    /// What it is if the tree is another.
    pub if_other: Kind,
    /// What it is if the log does not reach that far.
    pub if_beyond: Kind,
    /// Who says it.
    pub who: String,
}

/// See the module.
pub(super) struct Tree {
    keys: Vec<VerifyingKey>,
    /// Ends where entries are unknown.
    edge: Option<Edge>,
    claims: BTreeMap<u64, Vec<Claim>>,
    /// Checkpoints whose signature held.
    pub checkpoints: u64,
}

impl Tree {
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        Self { keys, edge: Some(Edge::empty()), claims: BTreeMap::new(), checkpoints: 0 }
    }

    /// The log's name.
    pub fn name(&self) -> Option<KeyName> {
        self.keys.first().map(|key| key.name().clone())
    }

    /// Remembers a word about a tree until it is reached. To be called before the first entry.
    pub fn claim(&mut self, claim: Claim) {
        self.claims.entry(claim.head.size).or_default().push(claim);
    }

    /// Begins: words about the tree of no entries are looked at.
    pub fn begin(&mut self, findings: &mut Findings) {
        self.compare(findings);
    }

    pub fn push(&mut self, leaf: Hash, findings: &mut Findings) {
        let Some(edge) = &mut self.edge else { return };
        edge.push(leaf, &mut |_, _| ());
        self.compare(findings);
    }

    /// From here on the tree can't be computed.
    pub fn stop(&mut self) {
        self.edge = None;
    }

    fn compare(&mut self, findings: &mut Findings) {
        let Some(edge) = &self.edge else { return };
        let Some(claims) = self.claims.remove(&edge.size()) else { return };
        let head = edge.head();
        for claim in claims.iter().filter(|claim| claim.head != head) {
            let (size, said, found) = (head.size, claim.head.root, head.root);
            let what = format!("{} says root {said} of {size} entries; the entries give {found}", claim.who);
            findings.add(claim.if_other, what);
        }
    }

    /// The tree of a checkpoint that a key of the log signed, without a word if none did.
    pub fn opened(&self, note: &[u8]) -> Option<TreeHead> {
        self.keys.iter().find_map(|key| Some(Checkpoint::open(note, key).ok()?.checkpoint.head()))
    }

    /// Checks the signature of a checkpoint; `None` if no key of the log made it.
    pub fn signed(&mut self, note: &[u8], who: &str, findings: &mut Findings) -> Option<TreeHead> {
        let mut wrong = None;
        for key in &self.keys {
            match Checkpoint::open(note, key) {
                Ok(opened) => {
                    self.checkpoints += 1;
                    return Some(opened.checkpoint.head());
                }
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        let why = wrong.map_or_else(String::new, |error| error.to_string());
        findings.add(Kind::CheckpointSignature, format!("{who}: {why}"));
        None
    }

    /// A checkpoint stored behind so many entries.
    pub fn note(&mut self, note: &[u8], size: u64, name: &str, findings: &mut Findings) {
        let who = format!("the checkpoint in {name} after entry {size}");
        let Some(signed) = self.signed(note, &who, findings) else { return };
        let Some(edge) = &self.edge else { return };
        if signed.size != size {
            findings.add(Kind::Root, format!("{who} signs {} entries", signed.size));
        } else if edge.size() == size && edge.root() != signed.root {
            findings
                .add(Kind::Root, format!("{who} signs {}; the entries give {}", signed.root, edge.root()));
        }
    }

    /// Ends after so many entries: what was said of larger trees is left, if it is known that there is no more.
    pub fn end(self, size: Option<u64>, findings: &mut Findings) {
        let Some(size) = size else { return };
        for claim in self.claims.values().flatten().filter(|claim| claim.head.size > size) {
            let what = format!("{} says {} entries; the log has {size}", claim.who, claim.head.size);
            findings.add(claim.if_beyond, what);
        }
    }
}
