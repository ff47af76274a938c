//! Boot tags in the NV storage of a TPM 2.0, which no copy of a disk takes along; sealed keys are in [`TpmSeal`].
//!
//! Built with the cargo feature `tpm`: it links libtss2. One NV index of 16 bytes, made at the first put, read and
//! written under an authorisation value that lies sealed in the installation. It is changed once per start, so a part that bears
//! 100 000 writes outlives the cabinet. It never holds anything secret; whoever controls the machine's own system may
//! write it, see docs/security/rollback.md. Start with [`TpmTags::open`].

mod seal;

use std::str::FromStr as _;

use bailee_domain::boot_tag::BootTag;
use tss_esapi::Context;
use tss_esapi::attributes::NvIndexAttributesBuilder;
use tss_esapi::handles::{NvIndexHandle, NvIndexTpmHandle, TpmHandle};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::resource_handles::{NvAuth, Provision};
use tss_esapi::interface_types::session_handles::AuthSession;
use tss_esapi::structures::{Auth, MaxNvBuffer, NvPublicBuilder};
use tss_esapi::tcti_ldr::TctiNameConf;

pub use seal::TpmSeal;

use crate::rollback::{TagStore, TagStoreError};

const TAG_BYTES: usize = 16;

/// The index Bailee uses, in the range that owners may define.
pub const NV_INDEX: u32 = 0x0180_b001;

/// A TPM, opened anew for every call: nothing else on the machine is kept from it, and a TPM that was reset is no
/// lasting fault.
#[derive(Clone, Debug)]
pub struct TpmTags {
    device: String,
    auth: [u8; 32],
}

impl TpmTags {
    /// Boot tags in the TPM that this TCTI names, such as `device:/dev/tpmrm0`, under an authorisation value.
    pub fn open(device: &str, auth: [u8; 32]) -> Self {
        Self { device: device.to_owned(), auth }
    }

    fn context(&self) -> tss_esapi::Result<Context> {
        let mut context = Context::new(TctiNameConf::from_str(&self.device)?)?;
        context.set_sessions((Some(AuthSession::Password), None, None));
        Ok(context)
    }

    /// The index, if it is defined.
    fn index(&self, context: &mut Context) -> tss_esapi::Result<Option<NvIndexHandle>> {
        let number = NvIndexTpmHandle::new(NV_INDEX)?;
        let defined = tss_esapi::abstraction::nv::list(context)?;
        if !defined.iter().any(|(public, _)| public.nv_index() == number) {
            return Ok(None);
        }
        let handle =
            context.execute_without_session(|tpm| tpm.tr_from_tpm_public(TpmHandle::NvIndex(number)))?;
        context.tr_set_auth(handle, Auth::try_from(self.auth.to_vec())?)?;
        Ok(Some(handle.into()))
    }

    fn define(&self, context: &mut Context) -> tss_esapi::Result<NvIndexHandle> {
        let attributes = NvIndexAttributesBuilder::new()
            .with_auth_read(true)
            .with_auth_write(true)
            .with_no_da(true)
            .build()?;
        let public = NvPublicBuilder::new()
            .with_nv_index(NvIndexTpmHandle::new(NV_INDEX)?)
            .with_index_name_algorithm(HashingAlgorithm::Sha256)
            .with_index_attributes(attributes)
            .with_data_area_size(TAG_BYTES)
            .build()?;
        let auth = Auth::try_from(self.auth.to_vec())?;
        let handle = context.nv_define_space(Provision::Owner, Some(auth.clone()), public)?;
        context.tr_set_auth(handle.into(), auth)?;
        Ok(handle)
    }

    fn held(&self) -> tss_esapi::Result<Option<BootTag>> {
        let mut context = self.context()?;
        let Some(index) = self.index(&mut context)? else { return Ok(None) };
        let (public, _) = context.execute_without_session(|tpm| tpm.nv_read_public(index))?;
        if !public.attributes().written() {
            return Ok(None);
        }
        let bytes = context.nv_read(NvAuth::NvIndex(index), index, 16, 0)?;
        // An index of another length holds no tag of ours: whatever it is, it is not the one the journal names.
        Ok(Some(BootTag(bytes.value().try_into().unwrap_or([0; TAG_BYTES]))))
    }

    fn keep(&self, tag: BootTag) -> tss_esapi::Result<()> {
        let mut context = self.context()?;
        // A stop after this leaves an index never written, which reads as nothing held.
        let index = match self.index(&mut context)? {
            Some(index) => index,
            None => self.define(&mut context)?,
        };
        context.nv_write(NvAuth::NvIndex(index), index, MaxNvBuffer::try_from(tag.0.to_vec())?, 0)
    }

    /// Takes the index away, for a machine whose bank is enrolled anew.
    ///
    /// # Errors
    /// [`TagStoreError`] when the TPM does not answer or refuses.
    pub fn forget(&self) -> Result<(), TagStoreError> {
        let forget = || {
            let mut context = self.context()?;
            match self.index(&mut context)? {
                Some(index) => context.nv_undefine_space(Provision::Owner, index),
                None => Ok(()),
            }
        };
        forget().map_err(failed)
    }
}

impl TagStore for TpmTags {
    fn read(&mut self) -> Result<Option<BootTag>, TagStoreError> {
        self.held().map_err(failed)
    }

    fn put(&mut self, tag: BootTag) -> Result<(), TagStoreError> {
        self.keep(tag).map_err(failed)
    }
}

fn failed(error: tss_esapi::Error) -> TagStoreError {
    TagStoreError(Box::new(error))
}
