//! Whom the platform trusts when it connects to a peer, and which peers it may speak to in clear: this machine alone.
//!
//! TLS 1.3 only. Used for gateways, mail servers, witnesses and the database; the link with banks has pinned keys instead.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Whether a host, as written in the configuration, is this machine.
pub(crate) fn is_loopback_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The certificates in a PEM text.
///
/// # Errors
/// When there is none, or one can't be read.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err("it holds no certificate".to_owned()),
        Ok(found) => Ok(found),
        Err(_) => Err("it is not PEM".to_owned()),
    }
}

/// The most bytes of a file of authorities.
const FILE_BYTES: u64 = 1024 * 1024;

/// TLS 1.3 with the authorities in a PEM file, or with Mozilla's when there is none.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn trusting(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let read = |path: &Path| {
        let failed = |error: io::Error| format!("can't be read ({})", error.kind());
        if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES {
            return Err("is larger than 1 MiB".to_owned());
        }
        certificates(&std::fs::read(path).map_err(failed)?)
    };
    client_config(ca_file.map(read).transpose()?.as_deref())
}

/// TLS 1.3 with the given authorities, or with Mozilla's when there are none.
///
/// # Errors
/// When a certificate can't serve as an authority.
fn client_config(authorities: Option<&[CertificateDer<'static>]>) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_| "TLS 1.3 is not available".to_owned())?;
    let trusting = match authorities {
        None => builder.with_webpki_roots(),
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            for authority in authorities {
                roots
                    .add(authority.clone())
                    .map_err(|_| "a certificate can't serve as an authority".to_owned())?;
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(Arc::new(trusting.with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_counts_as_loopback() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in ["localhost.example", "127.0.0.1.example", "0.0.0.0", "10.0.0.1", "", "::ffff:8.8.8.8"] {
            assert!(!is_loopback_name(host), "{host}");
        }
    }
}
