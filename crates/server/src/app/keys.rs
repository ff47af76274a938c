//! The platform's keys: made at the first start, stored wrapped, opened once.

use std::sync::Arc;

use bailee_domain::platform::KeyHandOver;
use bailee_vault::blind::BlindKey;
use bailee_vault::kek::KeyProvider;
use bailee_vault::seal::{Keyring, Purpose, SealError, Sealer, StoredKey};
use bailee_vault::sign::SigningKey;
use bailee_vault::stretch::Cost;
use bailee_vault::{Secret, tls::Identity};
use rand_core::Rng;

use super::ledger_key::Held;

/// Purposes of the sealing keys, in the order they are made.
const SEALING: [&str; 4] = ["person", "outbox", "bank", "secret"];
/// Purposes of the 32-byte seeds, in the order they are made.
const SEEDS: [&str; 5] = ["log", "issuer", "link", "blind", "code-name"];

/// Every key the platform holds.
pub struct Keys {
    ring: Keyring,
    /// Signs checkpoints of the ledger.
    pub log: Arc<SigningKey>,
    /// How that key became the log's, oldest first.
    pub handed: Vec<KeyHandOver>,
    /// Signs QR tokens.
    pub issuer: SigningKey,
    /// The platform's identity on the link; banks pin it.
    pub link: Identity,
    /// Names codes so that alike ones are not given out.
    pub code_name: Secret<[u8; 32]>,
    /// What a guess at a password or code costs.
    pub cost: Cost,
    blind: Secret<[u8; 32]>,
}

impl Keys {
    /// The keys a new installation needs, wrapped for storing.
    ///
    /// # Errors
    /// The provider's.
    pub fn create(provider: &dyn KeyProvider, rng: &mut impl Rng) -> Result<Vec<StoredKey>, SealError> {
        let purposes = SEALING.iter().chain(SEEDS.iter());
        purposes.map(|purpose| StoredKey::create(provider, Purpose::new(purpose)?, rng)).collect()
    }

    /// Opens stored keys, oldest first within a purpose; `log` says which of the log's signs.
    ///
    /// # Errors
    /// [`SealError`] when a key is missing or the provider cannot open it.
    pub(super) fn open(
        provider: &dyn KeyProvider,
        stored: &[StoredKey],
        log: Held,
        cost: Cost,
    ) -> Result<Self, SealError> {
        let seed = |purpose: &str| -> Result<Secret<[u8; 32]>, SealError> {
            let newest = stored.iter().rev().find(|key| key.purpose.as_str() == purpose);
            newest.ok_or(SealError::NoKeyFor(Purpose::new(purpose)?))?.unwrap(provider)
        };
        Ok(Self {
            log: log.signing,
            handed: log.handed,
            issuer: SigningKey::from_seed(&seed("issuer")?),
            link: Identity::from_seed(&seed("link")?),
            code_name: seed("code-name")?,
            blind: seed("blind")?,
            cost,
            ring: Keyring::load(provider, stored.iter())?,
        })
    }

    /// Seals what is known of people: wraps each person's own key.
    pub fn person(&self) -> &Sealer {
        self.sealer("person")
    }

    /// Seals what waits to be sent.
    pub fn outbox(&self) -> &Sealer {
        self.sealer("outbox")
    }

    /// Seals the code keys of banks.
    pub fn bank(&self) -> &Sealer {
        self.sealer("bank")
    }

    /// Seals credentials of gateways and the like.
    pub fn secret(&self) -> &Sealer {
        self.sealer("secret")
    }

    /// The key for looking up values of one column without storing them.
    pub fn blind(&self, org: [u8; 16], table: &str, column: &str) -> BlindKey {
        BlindKey::for_column(&self.blind, &org, table, column)
    }

    fn sealer(&self, purpose: &str) -> &Sealer {
        let purpose = Purpose::new(purpose).expect("the purposes above are well formed");
        self.ring.sealer(&purpose).expect("every purpose above has a key, or opening the keys had failed")
    }
}
