//! What switches, item sensors, boards and readers said last, to be told to an engine that starts again.

use std::collections::BTreeMap;

use bailee_domain::bank::io::Input;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::tamper::{Sign, Source, SwitchState, Tamper};
use bailee_domain::truth::ItemSensed;

/// Bounded by what the configuration names: every key is one input of the controller.
#[derive(Debug, Default)]
pub(super) struct Seen {
    switches: BTreeMap<Source, SwitchState>,
    items: BTreeMap<CompartmentNo, ItemSensed>,
    signs: BTreeMap<(Source, Tamper), Sign>,
}

impl Seen {
    pub(super) fn take(&mut self, input: &Input) {
        match input {
            Input::Switch { source, state } => {
                self.switches.insert(*source, *state);
            }
            Input::Item { compartment, item } => {
                self.items.insert(*compartment, *item);
            }
            // Frames are counted one by one: each is told once.
            Input::Tamper { tamper: Tamper::BadFrames | Tamper::Unsolicited, .. } => {}
            Input::Tamper { source, tamper, sign } => {
                self.signs.insert((*source, *tamper), *sign);
            }
            _ => {}
        }
    }

    /// All of it as inputs.
    pub(super) fn inputs(&self) -> Vec<Input> {
        let switches =
            self.switches.iter().map(|(source, state)| Input::Switch { source: *source, state: *state });
        let items = self
            .items
            .iter()
            .map(|(compartment, item)| Input::Item { compartment: *compartment, item: *item });
        let signs = self.signs.iter().map(|((source, tamper), sign)| Input::Tamper {
            source: *source,
            tamper: *tamper,
            sign: *sign,
        });
        switches.chain(items).chain(signs).collect()
    }
}
