//! What the store says before the log's files are read: how far it has come, and what witnesses cosigned.

use bailee_audit::cosignature::CosignerKey;
use bailee_audit::hash::{Hash, TreeHead};
use bailee_audit::note::{Note, NoteSignature};

use super::finding::{Findings, Kind};
use super::tree::{Claim, Tree};
use super::{Kept, rows};
use crate::ledger::{LedgerError, LogId};
use crate::store::tables::witness::{self, CosignatureRow, RoundRow, WitnessRow};
use crate::store::tables::witness_evidence::{self, EvidenceRow};
use crate::store::{Db, Tx};

/// What the store says before the files are read.
pub(super) struct Before {
    pub mark: TreeHead,
    pub witnesses: Vec<WitnessRow>,
    rounds: Vec<(RoundRow, Vec<CosignatureRow>)>,
    evidence: Vec<EvidenceRow>,
    orphans: u64,
}

impl Before {
    /// Reads it, on one snapshot.
    pub async fn read(db: &Db, log: &LogId, org: &str) -> Result<Self, LedgerError> {
        let (log, org) = (log.clone(), org.to_owned());
        db.read(async move |tx: Tx| {
            let row = crate::ledger::rows::log(&tx, &log).await?;
            let mut rounds = Vec::new();
            for round in witness::rounds(&tx, log.as_str()).await? {
                let lines = witness::of_round(&tx, log.as_str(), round.size).await?;
                rounds.push((round, lines));
            }
            Ok(Self {
                mark: row.map_or(TreeHead { size: 0, root: Hash::EMPTY_TREE }, |row| row.head),
                witnesses: witness::all(&tx, log.as_str()).await?,
                rounds,
                evidence: witness_evidence::newest(&tx, log.as_str(), u32::MAX >> 1).await?,
                orphans: rows::orphans(&tx, &org).await?,
            })
        })
        .await
    }

    /// Collects everything that was said about the tree of some size; tells how many cosignatures held.
    pub fn claims(&self, kept: &[Kept], tree: &mut Tree, findings: &mut Findings) -> u64 {
        let mut good = 0;
        tree.claim(Claim {
            head: self.mark,
            if_other: Kind::Mark,
            if_beyond: Kind::LogBehind,
            who: "the store's mark".into(),
        });
        for (round, lines) in &self.rounds {
            let who = format!("the checkpoint of {} that {} witnesses cosigned", round.size, lines.len());
            let note = round.checkpoint.as_bytes();
            if let Some(head) = tree.signed(note, &who, findings) {
                let (if_other, if_beyond) = match lines.is_empty() {
                    true => (Kind::Root, Kind::LogBehind),
                    false => (Kind::WitnessFork, Kind::WitnessAhead),
                };
                tree.claim(Claim { head, if_other, if_beyond, who });
            }
            good += cosignatures(round, lines, &self.witnesses, findings);
        }
        for Kept { name, note } in kept {
            if let Some(head) = tree.signed(note, name, findings) {
                let (if_other, if_beyond) = (Kind::WitnessFork, Kind::WitnessAhead);
                tree.claim(Claim { head, if_other, if_beyond, who: name.clone() });
            }
        }
        for row in &self.evidence {
            // A bank may claim what it likes: only what the log signed counts.
            if let Some(head) = tree.opened(row.kept.as_bytes()) {
                let who = format!("the checkpoint that {} holds against the log", row.name);
                let (if_other, if_beyond) = (Kind::WitnessFork, Kind::WitnessAhead);
                tree.claim(Claim { head, if_other, if_beyond, who });
            }
        }
        if self.orphans > 0 {
            let what = format!("{} line(s) of the search index have no event", self.orphans);
            findings.add(Kind::IndexMissing, what);
        }
        tree.begin(findings);
        good
    }
}

/// How many of a round's cosignatures hold; those of witnesses not known any more are passed over.
fn cosignatures(
    round: &RoundRow,
    lines: &[CosignatureRow],
    witnesses: &[WitnessRow],
    findings: &mut Findings,
) -> u64 {
    let Ok(note) = Note::parse(round.checkpoint.as_bytes()) else { return 0 };
    let mut good = 0;
    for row in lines {
        let known = witnesses.iter().find(|witness| witness.name == row.name);
        let Some(key) = known.and_then(|witness| witness.vkey.parse::<CosignerKey>().ok()) else { continue };
        let line = NoteSignature::parse(&row.line);
        match line.filter(|line| key.is_of(line)).map(|line| key.time_of(note.text(), &line)) {
            Some(Ok(_)) => good += 1,
            Some(Err(_)) => {
                let what = format!("the cosignature of {} on the checkpoint of {}", row.name, round.size);
                findings.add(Kind::Cosignature, format!("{what} does not hold"));
            }
            // A witness that has another key by now.
            None => {}
        }
    }
    good
}
