//! The only TLS configurations in use: TLS 1.3, AES-256-GCM, X25519MLKEM768 first.
//!
//! Between banks and platform both sides are known by the SHA-256 of their public key ([`Pin`]) and by
//! nothing else. Names, issuers and validity dates in certificates are ignored: a bank whose clock is wrong,
//! or that was cut off for a year, must still connect, and an authority we do not run must not be able to
//! vouch for anybody. Keys end by being unpinned, not by a date.
//!
//! - [`client_config`] (bank): the platform must prove a key of the [`PinSet`], or the handshake fails.
//! - [`server_config`] (platform): a client proves the key in its certificate; **whose key that is, the caller
//!   must look up** with [`peer_pin`] after every handshake, before reading a byte from it.
//! - [`public_server_config`] (portal): ordinary certificate files, no client certificates.
//!
//! There is no resumption anywhere: no tickets, no session store, no early data. A resumed session would skip
//! the verifiers, and a revoked bank would come back in.
//!
//! This module must never trust a certificate whose key was not proven by a signature over this handshake, and
//! is the only place allowed to call rustls' `dangerous` methods.

mod identity;
mod pin;
mod verify;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

pub use identity::{Identity, generate_pkcs8};
pub use pin::{Pin, PinError, PinSet, peer_pin};
pub use verify::ClientAuth;

use verify::{AnyProvenClient, PinnedServer};

const ALPN: &[u8] = b"http/1.1";

/// Why an identity or a configuration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Not PKCS#8, or of an algorithm that is not supported.
    #[error("not a usable private key: it must be PKCS#8 (Ed25519, P-256, P-384 or RSA)")]
    Key,
    /// The PEM text holds no certificate, or one that cannot be read.
    #[error("the certificate file holds no usable PEM certificate")]
    Certificate,
    /// The PEM text holds no private key.
    #[error("the key file holds no PEM private key")]
    KeyFile,
    /// The certificate was made for another key.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
}

/// Configuration of a bank calling the platform; `identity` is missing only before enrolment.
pub fn client_config(identity: Option<&Identity>, pins: PinSet) -> ClientConfig {
    // No roots: should the verifier below ever not be set, nobody is trusted.
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the cipher suite belongs to TLS 1.3")
        .with_root_certificates(RootCertStore::empty());
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity.resolver()),
        None => builder.with_no_client_auth(),
    };
    #[expect(clippy::disallowed_methods, reason = "the pin verifier replaces names and authorities")]
    config.dangerous().set_certificate_verifier(Arc::new(PinnedServer::new(pins, &provider())));
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config
}

/// Configuration of the platform's listener for banks; see the module about what the caller must check.
pub fn server_config(identity: &Identity, client_auth: ClientAuth) -> ServerConfig {
    let verifier = Arc::new(AnyProvenClient::new(client_auth, &provider()));
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the cipher suite belongs to TLS 1.3")
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(identity.resolver());
    without_resumption(config)
}

/// Configuration of the portal's listener from PEM certificate and key files.
///
/// # Errors
/// [`TlsError`], with the file that is at fault named.
pub fn public_server_config(cert_pem: &[u8], key_pem: &[u8]) -> Result<ServerConfig, TlsError> {
    let identity = Identity::from_pem(cert_pem, key_pem)?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the cipher suite belongs to TLS 1.3")
        .with_no_client_auth()
        .with_cert_resolver(identity.resolver());
    Ok(without_resumption(config))
}

fn without_resumption(mut config: ServerConfig) -> ServerConfig {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config
}

/// aws-lc-rs with one cipher suite, so that "AES-256 in transit" is true, and the hybrid exchange first.
fn provider() -> Arc<CryptoProvider> {
    use aws_lc_rs::{cipher_suite, kx_group};
    Arc::new(CryptoProvider {
        cipher_suites: vec![cipher_suite::TLS13_AES_256_GCM_SHA384],
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    })
}

impl Identity {
    fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(self.certified_key()))
    }
}
