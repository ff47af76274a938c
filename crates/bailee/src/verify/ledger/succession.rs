//! How the log's key was handed over, as the log's entries say it: a checkpoint may lead from the known key to another only
//! by hand-overs that everybody who reads the log can see.

use std::collections::BTreeMap;

use bailee_audit::key::KeyName;
use bailee_audit::note::MAX_NOTE_LEN;
use bailee_audit::verify::CHECKPOINT_PATH;
use bailee_audit::{Checkpoint, Edge, HandOver, Hash, Report, Source, VerifyingKey, leaf_hash};
use bailee_domain::platform::PlatformEventKind;
use bailee_server::app::ledger_key;
use bailee_wire::event::Leaf;

use super::NotWitnessed;

/// See the module.
pub(super) struct Succession {
    name: KeyName,
    /// The tree up to the last hand-over from the known key.
    edge: Edge,
    /// Trees that hand-overs from the known key name.
    named: BTreeMap<u64, Hash>,
    entries: Vec<(u64, HandOver)>,
    wrong: Option<u64>,
}

impl Succession {
    pub fn of(source: &mut impl Source, key: &VerifyingKey) -> Self {
        let note = source.read(CHECKPOINT_PATH, MAX_NOTE_LEN).unwrap_or_default();
        // What is wrong with the checkpoint is said by the check.
        let handed = Checkpoint::open(&note, key).map(|opened| opened.handed_over).unwrap_or_default();
        let named = handed.iter().map(|handed| (handed.head.size, handed.head.root)).collect();
        Self { name: key.name().clone(), edge: Edge::empty(), named, entries: Vec::new(), wrong: None }
    }

    /// Takes in the next entry's place in the tree.
    pub fn bytes(&mut self, entry: &[u8]) {
        if self.named.last_key_value().is_some_and(|(last, _)| self.edge.size() < *last) {
            self.edge.push(leaf_hash(entry), &mut |_, _| ());
            let size = self.edge.size();
            if self.named.get(&size).is_some_and(|root| *root != self.edge.root()) {
                self.wrong.get_or_insert(size);
            }
        }
    }

    /// Takes in what the entry says.
    pub fn entry(&mut self, index: u64, leaf: &Leaf) -> Result<(), String> {
        let Leaf::Platform { event, .. } = leaf else { return Ok(()) };
        let PlatformEventKind::LedgerKeyRolled { hand_over, .. } = &event.kind else { return Ok(()) };
        let handed = ledger_key::hand_over(&self.name, hand_over);
        if !handed.is_sound() || handed.head.size > index {
            return Err("the hand-over of the log's key does not hold".to_owned());
        }
        if self.entries.last().is_some_and(|(_, before)| before.new != handed.old) {
            return Err("the log's key was handed over by another than the one before".to_owned());
        }
        self.entries.push((index, handed));
        Ok(())
    }

    /// The hand-overs the log's entries tell of, oldest first.
    pub fn followed(&self) -> impl Iterator<Item = &HandOver> {
        self.entries.iter().map(|(_, handed)| handed)
    }

    /// Every hand-over that was followed must stand in the log.
    pub fn settled(&self, report: &Report) -> anyhow::Result<()> {
        if let Some(size) = self.wrong {
            let why = format!("the hand-over of the log's key names another tree of {size} entries");
            return Err(NotWitnessed(why).into());
        }
        let is_entry = |handed: &HandOver| self.entries.iter().any(|(_, entry)| entry == handed);
        match report.handed_over.iter().find(|handed| !is_entry(handed)) {
            Some(handed) => {
                let why = format!("the key {} took over without an entry in the log", handed.new);
                Err(NotWitnessed(why).into())
            }
            None => Ok(()),
        }
    }
}
