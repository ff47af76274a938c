//! The log names its witnesses before it is published with their word.

use bailee_audit::{Checkpoint, Note, Signers};
use bailee_domain::platform::PlatformEventKind;
use bailee_wire::event::{Leaf, decode};

use super::outside::outside;
use super::{World, world};
use crate::http_support;
use crate::support::Fresh;

/// Who may sign what the platform publishes, as its entries below a size say.
async fn named(world: &World, size: u64) -> Signers {
    let mut signers = Signers::default();
    signers.log(world.platform.log_key.clone());
    for (_, entry) in world.platform.app.ledger().reader().range(0, size).await.unwrap() {
        if let Leaf::Platform { event, .. } = decode(&entry).unwrap()
            && let PlatformEventKind::WitnessNamed { witness } = event.kind
        {
            signers.witness(witness.parse().unwrap());
        }
    }
    signers
}

pub async fn a_witness_is_asked_once_the_log_names_it(fresh: Fresh) {
    let log = http_support::platform().await.log_key;
    let (_kept, opened) = outside(&log).await;
    let mut world = world(fresh.db, None, Vec::new()).await;
    world.witnesses.once().await.unwrap();
    assert!(world.overview().await.witnesses.iter().all(|row| row.size == 0), "no entry names it yet");
    world.grow("first", 1).await;
    // Another one is set up while a round is open.
    world.witnesses.outside = vec![opened].into();
    world.event("later").await;
    world.platform.sequence().await;
    world.witnesses.once().await.unwrap();
    let row = world.overview().await.witnesses.into_iter().find(|row| row.bank.is_none()).unwrap();
    assert_eq!((row.size, row.named_at), (0, None));
    world.platform.sequence().await;
    world.later().await;
    let overview = world.overview().await;
    let row = overview.witnesses.iter().find(|row| row.bank.is_none()).unwrap();
    assert_eq!(row.size, overview.size, "it is asked with the next round");

    for step in 0..3 {
        world.grow(&format!("step {step}"), 2).await;
        for file in ["checkpoint", "witnessed"] {
            let note = Note::parse(world.file(file).await.1.as_bytes()).unwrap();
            let size = Checkpoint::from_text(note.text()).unwrap().size;
            assert_eq!(named(&world, size).await.check(&note), Ok(2), "{file}");
        }
    }
    // Naming is told once, however often they are met.
    let size = world.overview().await.size;
    let entries = world.platform.app.ledger().reader().range(0, size).await.unwrap();
    let is_naming = |entry: &[u8]| decode(entry).unwrap().kind() == "WitnessNamed";
    assert_eq!(entries.iter().filter(|(_, entry)| is_naming(entry)).count(), 2);
}
