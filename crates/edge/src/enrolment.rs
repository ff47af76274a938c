//! `bailee edge enrol`: a new bank uses up its token and writes down who it is.

use bailee_vault::sign::SigningKey;
use bailee_vault::tls::Identity;
use bailee_vault::{OsRandom, Secret};
use bailee_wire::enrol::{EnrolError, Enrolment};

use crate::config::{ConfigError, EdgeConfig};
use crate::installation::{Enrolled, Installation, InstallationError};
use crate::kek::Home;
use crate::rollback::TagStoreError;
use crate::uplink::{EnrolmentFailed, NewBank, TcpDial, enrol};
use crate::witness::{BankWitness, BankWitnessError};

/// Why a bank could not be enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The text is no enrolment token.
    #[error("the enrolment token cannot be used")]
    Token(#[from] EnrolError),
    /// The configuration.
    #[error("the configuration cannot be used")]
    Config(#[from] ConfigError),
    /// The data folder.
    #[error("the data folder cannot be used")]
    Installation(#[from] InstallationError),
    /// The TPM.
    #[error("the TPM does not forget the bank that was here before")]
    Tpm(#[from] TagStoreError),
    /// The bank's witness.
    #[error("the bank is enrolled, but its witness cannot remember the platform's log")]
    Witness(#[from] BankWitnessError),
    /// The platform.
    #[error("the platform did not let this bank in")]
    Platform(#[from] EnrolmentFailed),
}

/// Enrols the bank of this configuration with a token's text; works once per token and once per data folder.
///
/// # Errors
/// [`EnrolmentError`]; nothing is written unless the platform said yes.
pub async fn run(config: &EdgeConfig, token: &str) -> Result<Installation, EnrolmentError> {
    Installation::refuse_second(&config.data_dir)?;
    let token = Enrolment::parse(token)?;
    let link_seed = Secret::<[u8; 32]>::random(&mut OsRandom);
    let device_seed = Secret::<[u8; 32]>::random(&mut OsRandom);
    let device = SigningKey::from_seed(&device_seed);
    let new = NewBank {
        token: &token,
        identity: &Identity::from_seed(&link_seed),
        device: &device,
        layout: config.layout_so_far()?,
        software: concat!("bailee ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let given = enrol(&TcpDial, new).await?;
    // A stop here leaves a bank the platform knows and this folder does not: it is enrolled anew with a new token.
    let enrolled = Enrolled {
        bank: given.bank,
        org: given.org,
        address: token.address.clone(),
        pins: token.pins.clone(),
        link_seed: *link_seed.expose(),
        device_seed: *device_seed.expose(),
        code_key: given.code_key,
        code_salt: given.code_salt,
        code_epoch: given.code_epoch,
    };
    let home = Home::of(config);
    forget_tag(config)?;
    let installation = Installation::create(&home, &enrolled, &mut OsRandom)?;
    // A stop here leaves a bank that believes the first log key it is told over the pinned link.
    if let Some(log_key) = &given.log_key {
        BankWitness::open(&home, given.bank)?.pin(log_key)?;
    }
    Ok(installation)
}

/// A machine that is enrolled anew keeps no tag of the bank before: the new one could not read it.
#[cfg(feature = "tpm")]
fn forget_tag(config: &EdgeConfig) -> Result<(), TagStoreError> {
    // The owner removes it, so the value it was written under is not needed.
    config.tpm.as_ref().map_or(Ok(()), |device| crate::tpm::TpmTags::open(device, [0; 32]).forget())
}

#[cfg(not(feature = "tpm"))]
#[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
const fn forget_tag(_: &EdgeConfig) -> Result<(), TagStoreError> {
    Ok(())
}
