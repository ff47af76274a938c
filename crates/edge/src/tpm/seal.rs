//! A key sealed by a TPM 2.0: bytes on the disk that only this TPM opens, and if asked for only while its PCRs are as they were.
//!
//! The key is the data of a keyed-hash object under an elliptic-curve storage key, which the TPM makes again from its owner seed and
//! one template each time (TCG TPM 2.0 Library, part 1, "sealed data blob"). Clearing the TPM, or another TPM, makes another storage key.

use std::str::FromStr as _;

use bailee_vault::Secret;
use tss_esapi::attributes::ObjectAttributesBuilder;
use tss_esapi::constants::SessionType;
use tss_esapi::handles::KeyHandle;
use tss_esapi::interface_types::algorithm::{HashingAlgorithm, PublicAlgorithm};
use tss_esapi::interface_types::ecc::EccCurve;
use tss_esapi::interface_types::resource_handles::Hierarchy;
use tss_esapi::interface_types::session_handles::{AuthSession, PolicySession};
use tss_esapi::structures::{
    Digest, EccPoint, KeyedHashScheme, PcrSelectionListBuilder, PcrSlot, Private, Public, PublicBuilder,
    PublicEccParametersBuilder, PublicKeyedHashParameters, SensitiveData, SymmetricDefinition,
    SymmetricDefinitionObject,
};
use tss_esapi::tcti_ldr::TctiNameConf;
use tss_esapi::traits::{Marshall as _, UnMarshall as _};
use tss_esapi::{Context, Error, WrapperErrorKind};

use crate::kek::{Sealing, SealingError};

/// Seals with the TPM that a TCTI names.
#[derive(Clone, Debug)]
pub struct TpmSeal {
    device: String,
    /// Measurements that must be as they were; none binds to the TPM alone.
    pcrs: Vec<u8>,
}

impl TpmSeal {
    /// Seals with this TPM, such as `device:/dev/tpmrm0`, while these of its SHA-256 PCRs are as they are now.
    pub fn new(device: &str, pcrs: Vec<u8>) -> Self {
        Self { device: device.to_owned(), pcrs }
    }

    fn context(&self) -> tss_esapi::Result<Context> {
        let mut context = Context::new(TctiNameConf::from_str(&self.device)?)?;
        context.set_sessions((Some(AuthSession::Password), None, None));
        Ok(context)
    }

    /// A session whose policy is the PCRs as they are.
    fn policy(&self, context: &mut Context) -> tss_esapi::Result<Option<(AuthSession, Digest)>> {
        if self.pcrs.is_empty() {
            return Ok(None);
        }
        let slot = |pcr: &u8| PcrSlot::try_from(1_u32.checked_shl((*pcr).into()).unwrap_or(0));
        let slots = self.pcrs.iter().map(slot).collect::<tss_esapi::Result<Vec<_>>>()?;
        let selection =
            PcrSelectionListBuilder::new().with_selection(HashingAlgorithm::Sha256, &slots).build()?;
        context.execute_without_session(|tpm| {
            let session = tpm.start_auth_session(
                None,
                None,
                None,
                SessionType::Policy,
                SymmetricDefinition::AES_128_CFB,
                HashingAlgorithm::Sha256,
            )?;
            let session = session.ok_or(Error::WrapperError(WrapperErrorKind::WrongValueFromTpm))?;
            let policy = PolicySession::try_from(session)?;
            // An empty digest stands for the values the TPM has now.
            tpm.policy_pcr(policy, Digest::default(), selection)?;
            Ok(Some((session, tpm.policy_get_digest(policy)?)))
        })
    }

    fn sealed(&self, key: &Secret<[u8; 32]>) -> tss_esapi::Result<Vec<u8>> {
        let mut context = self.context()?;
        let policy = self.policy(&mut context)?.map(|(_, digest)| digest);
        let parent = storage_key(&mut context)?;
        let data = SensitiveData::try_from(key.expose().to_vec())?;
        let made = context.create(parent, template(policy)?, None, Some(data), None, None)?;
        let (public, private) = (made.out_public.marshall()?, made.out_private.value());
        let length =
            u16::try_from(public.len()).map_err(|_| Error::WrapperError(WrapperErrorKind::WrongParamSize))?;
        Ok([&length.to_be_bytes(), public.as_slice(), private].concat())
    }

    fn opened(&self, sealed: &[u8]) -> tss_esapi::Result<Option<Secret<[u8; 32]>>> {
        let Some((length, rest)) = sealed.split_first_chunk::<2>() else { return Ok(None) };
        let Some((public, private)) = rest.split_at_checked(u16::from_be_bytes(*length).into()) else {
            return Ok(None);
        };
        let mut context = self.context()?;
        let policy = self.policy(&mut context)?;
        let parent = storage_key(&mut context)?;
        let (public, private) = (Public::unmarshall(public)?, Private::try_from(private.to_vec())?);
        let object = context.load(parent, private, public)?;
        let session = policy.map_or(AuthSession::Password, |(session, _)| session);
        let data = context.execute_with_session(Some(session), |tpm| tpm.unseal(object.into()))?;
        Ok(Secret::from_slice(data.value()))
    }
}

impl Sealing for TpmSeal {
    fn seal(&self, key: &Secret<[u8; 32]>) -> Result<Vec<u8>, SealingError> {
        self.sealed(key).map_err(|error| SealingError(Box::new(error)))
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Secret<[u8; 32]>, SealingError> {
        let opened = self.opened(sealed).map_err(|error| SealingError(Box::new(error)))?;
        opened.ok_or_else(|| SealingError("the file is not of a form this program reads".into()))
    }
}

/// The storage key of the owner hierarchy: the same on the same TPM, never anywhere else.
fn storage_key(context: &mut Context) -> tss_esapi::Result<KeyHandle> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_no_da(true)
        .with_decrypt(true)
        .with_restricted(true)
        .build()?;
    let parameters = PublicEccParametersBuilder::new_restricted_decryption_key(
        SymmetricDefinitionObject::AES_128_CFB,
        EccCurve::NistP256,
    );
    let public = PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Ecc)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_ecc_parameters(parameters.build()?)
        .with_ecc_unique_identifier(EccPoint::default())
        .build()?;
    Ok(context.create_primary(Hierarchy::Owner, public, None, None, None, None)?.key_handle)
}

/// The sealed object: opened by the policy alone where there is one.
fn template(policy: Option<Digest>) -> tss_esapi::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_no_da(true)
        .with_admin_with_policy(policy.is_some())
        .with_user_with_auth(policy.is_none())
        .build()?;
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::KeyedHash)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_auth_policy(policy.unwrap_or_default())
        .with_keyed_hash_parameters(PublicKeyedHashParameters::new(KeyedHashScheme::Null))
        .with_keyed_hash_unique_identifier(Digest::default())
        .build()
}
