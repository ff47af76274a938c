//! What the banks themselves signed: events that follow each other by hash, and heads signed by the enrolled device key.
//!
//! Unlike `wire::chain`, which checks a whole log, this checks the parts of chains that a bundle holds.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use bailee_domain::id::{BankId, OrgId};
use bailee_domain::platform::PlatformEventKind;
use bailee_wire::event::{Hash, Leaf, chain_hash, head_statement};

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// Banks with at least one event here.
    pub banks: u64,
    /// Events of banks.
    pub events: u64,
    /// Heads signed by a bank.
    pub heads: u64,
    /// Events that no signed head here covers.
    pub uncovered: u64,
}

struct Chain {
    device_key: [u8; 32],
    events: u64,
    heads: u64,
    /// The last event here.
    last: Option<(u64, Hash)>,
    /// Events since the last head here that has not covered them yet, by sequence number.
    open: BTreeMap<u64, Hash>,
}

/// Takes entries in log order.
#[derive(Default)]
pub struct Chains {
    org: Option<OrgId>,
    chains: BTreeMap<BankId, Chain>,
}

impl Chains {
    /// Checks the next entry.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub fn take(&mut self, leaf: &Leaf, bytes: &[u8]) -> Result<(), String> {
        match leaf {
            Leaf::Bank { bank, prev, event } => self.event(*bank, prev, event.seq, bytes),
            Leaf::Platform { org, event } => {
                if *self.org.get_or_insert(*org) != *org {
                    return Err(format!("belongs to the log of {org}"));
                }
                self.platform(&event.kind)
            }
        }
    }

    fn chain(&mut self, bank: BankId) -> Result<&mut Chain, String> {
        self.chains
            .get_mut(&bank)
            .ok_or_else(|| format!("is of bank {bank}, whose enrolment is not here before it"))
    }

    fn event(&mut self, bank: BankId, prev: &Hash, seq: u64, bytes: &[u8]) -> Result<(), String> {
        let chain = self.chain(bank)?;
        if let Some((last, hash)) = chain.last {
            if seq <= last {
                return Err(format!("is event {seq} of bank {bank} after its event {last}"));
            }
            if seq == last + 1 && hash != *prev {
                return Err(format!("is event {seq} of bank {bank} and does not continue the one before it"));
            }
        }
        let hash = chain_hash(bytes);
        chain.last = Some((seq, hash));
        chain.open.insert(seq, hash);
        chain.events += 1;
        Ok(())
    }

    fn platform(&mut self, kind: &PlatformEventKind) -> Result<(), String> {
        match kind {
            PlatformEventKind::BankEnrolled { bank, device_key } => {
                let fresh =
                    Chain { device_key: *device_key, events: 0, heads: 0, last: None, open: BTreeMap::new() };
                self.chains.entry(*bank).or_insert(fresh).device_key = *device_key;
                Ok(())
            }
            PlatformEventKind::ChainHead { bank, seq, head, signature } => {
                self.head(*bank, *seq, head, signature)
            }
            _ => Ok(()),
        }
    }

    fn head(&mut self, bank: BankId, seq: u64, head: &Hash, signature: &[u8; 64]) -> Result<(), String> {
        let chain = self.chain(bank)?;
        if chain.open.get(&seq).is_some_and(|logged| logged != head) {
            return Err(format!("is a head of bank {bank} at {seq} that is not the event's"));
        }
        let key = UnparsedPublicKey::new(&ED25519, chain.device_key);
        if key.verify(&head_statement(bank, seq, head), signature).is_err() {
            return Err(format!("is a head of bank {bank} at {seq} that its device key did not sign"));
        }
        chain.heads += 1;
        // It covers the run of events that ends with it; an event behind a gap is not shown to be below this head.
        let mut at = seq;
        while chain.open.remove(&at).is_some() {
            let Some(before) = at.checked_sub(1) else { break };
            at = before;
        }
        Ok(())
    }

    /// What has been checked so far.
    #[must_use]
    pub fn signed(&self) -> Signed {
        let sum = |count: fn(&Chain) -> u64| self.chains.values().map(count).sum();
        Signed {
            banks: self.chains.values().filter(|chain| chain.events > 0).count() as u64,
            events: sum(|chain| chain.events),
            heads: sum(|chain| chain.heads),
            uncovered: sum(|chain| chain.open.len() as u64),
        }
    }
}
