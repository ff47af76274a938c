//! Handshakes over memory: who gets in, who does not, and with what cryptography.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests may panic like the tests themselves")]

use std::io::Write;
use std::sync::Arc;

use bailee_vault::Secret;
use bailee_vault::tls::{
    ClientAuth, Identity, Pin, PinSet, client_config, peer_pin, public_server_config, server_config,
};
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    AlertDescription, CipherSuite, ClientConfig, ClientConnection, Error, HandshakeKind, NamedGroup,
    PeerIncompatible, ProtocolVersion, ServerConfig, ServerConnection,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

fn identity(seed: u8) -> Identity {
    Identity::from_seed(&Secret::new([seed; 32]))
}

fn platform() -> Identity {
    identity(1)
}

fn bank() -> Identity {
    identity(2)
}

fn pinned(pin: Pin) -> PinSet {
    PinSet::new(pin)
}

struct Link {
    client: ClientConnection,
    server: ServerConnection,
}

/// Passes bytes both ways until nobody has any more to say, or one side refuses.
fn shake(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Result<Link, Error> {
    let name = "some.other.name".try_into().unwrap();
    let mut link = Link {
        client: ClientConnection::new(client.clone(), name).unwrap(),
        server: ServerConnection::new(server.clone()).unwrap(),
    };
    link.client.writer().write_all(b"hello").unwrap();
    link.settle()?;
    assert!(!link.client.is_handshaking() && !link.server.is_handshaking());
    Ok(link)
}

impl Link {
    fn settle(&mut self) -> Result<(), Error> {
        while self.client.wants_write() || self.server.wants_write() {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            while self.client.wants_write() {
                self.client.write_tls(&mut up).unwrap();
            }
            read_all(&up, |bytes| self.server.read_tls(bytes));
            let server = self.server.process_new_packets();
            while self.server.wants_write() {
                self.server.write_tls(&mut down).unwrap();
            }
            read_all(&down, |bytes| self.client.read_tls(bytes));
            // The first to notice says why; the other only hears an alert.
            server?;
            self.client.process_new_packets()?;
        }
        Ok(())
    }
}

fn read_all(mut bytes: &[u8], mut read: impl FnMut(&mut &[u8]) -> std::io::Result<usize>) {
    while !bytes.is_empty() {
        read(&mut bytes).unwrap();
    }
}

fn connect(client: ClientConfig, server: ServerConfig) -> Result<Link, Error> {
    shake(&Arc::new(client), &Arc::new(server))
}

#[test]
fn both_sides_know_each_other_by_their_keys() {
    let client = client_config(Some(&bank()), pinned(platform().pin()));
    let link = connect(client, server_config(&platform(), ClientAuth::Required)).unwrap();
    assert_eq!(peer_pin(&link.server), Some(bank().pin()));
    assert_eq!(peer_pin(&link.client), Some(platform().pin()));
    assert_eq!(link.client.alpn_protocol(), Some(b"http/1.1".as_slice()));
}

#[test]
fn the_hybrid_exchange_and_aes_256_are_negotiated() {
    let client = client_config(Some(&bank()), pinned(platform().pin()));
    let link = connect(client, server_config(&platform(), ClientAuth::Required)).unwrap();
    let group = link.server.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, NamedGroup::X25519MLKEM768);
    let suite = link.server.negotiated_cipher_suite().unwrap().suite();
    assert_eq!(suite, CipherSuite::TLS13_AES_256_GCM_SHA384);
    assert_eq!(link.server.protocol_version(), Some(ProtocolVersion::TLSv1_3));
}

#[test]
fn a_backup_pin_is_as_good_as_the_current_one() {
    let pins = PinSet::with_backups(identity(9).pin(), &[platform().pin()]).unwrap();
    let link = connect(client_config(Some(&bank()), pins), server_config(&platform(), ClientAuth::Required));
    assert!(link.is_ok());
}

#[test]
fn a_server_with_another_key_is_refused() {
    let client = client_config(Some(&bank()), pinned(platform().pin()));
    let refused = connect(client, server_config(&identity(9), ClientAuth::Required)).err().unwrap();
    assert!(matches!(refused, Error::InvalidCertificate(_)), "{refused}");
}

#[test]
fn a_client_with_another_key_shows_another_pin() {
    let client = client_config(Some(&identity(9)), pinned(platform().pin()));
    let link = connect(client, server_config(&platform(), ClientAuth::Required)).unwrap();
    assert_ne!(peer_pin(&link.server), Some(bank().pin()));
}

#[test]
fn a_client_without_a_certificate_gets_in_only_where_it_is_optional() {
    let client = || client_config(None, pinned(platform().pin()));
    let refused = connect(client(), server_config(&platform(), ClientAuth::Required)).err().unwrap();
    assert_eq!(refused, Error::NoCertificatesPresented);
    let link = connect(client(), server_config(&platform(), ClientAuth::Optional)).unwrap();
    assert_eq!(peer_pin(&link.server), None);
}

/// The certificate of `shown` with the private key of another: what a copied certificate is worth.
fn impostor(shown: &Identity, provider: &CryptoProvider) -> Arc<SingleCertAndKey> {
    let link = connect(
        client_config(Some(shown), pinned(platform().pin())),
        server_config(&platform(), ClientAuth::Required),
    )
    .unwrap();
    let certificates = link.server.peer_certificates().unwrap().to_vec();
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let other = PrivateKeyDer::try_from(other.serialize_der()).unwrap();
    let key = provider.key_provider.load_private_key(other).unwrap();
    Arc::new(SingleCertAndKey::from(CertifiedKey::new(certificates, key)))
}

#[test]
fn a_copied_client_certificate_does_not_let_its_thief_in() {
    for client_auth in [ClientAuth::Required, ClientAuth::Optional] {
        let mut client = client_config(Some(&bank()), pinned(platform().pin()));
        client.client_auth_cert_resolver = impostor(&bank(), client.crypto_provider());
        let refused = connect(client, server_config(&platform(), client_auth)).err().unwrap();
        assert_eq!(refused, Error::InvalidCertificate(rustls::CertificateError::BadSignature));
    }
}

#[test]
fn a_copied_server_certificate_does_not_deceive_a_bank() {
    let mut server = server_config(&platform(), ClientAuth::Required);
    server.cert_resolver = impostor(&platform(), server.crypto_provider());
    let client = client_config(Some(&bank()), pinned(platform().pin()));
    let refused = connect(client, server).err().unwrap();
    assert_eq!(refused, Error::InvalidCertificate(rustls::CertificateError::BadSignature));
}

#[test]
fn nothing_is_ever_resumed() {
    let client = Arc::new(client_config(Some(&bank()), pinned(platform().pin())));
    let server = Arc::new(server_config(&platform(), ClientAuth::Required));
    for _ in 0..3 {
        let link = shake(&client, &server).unwrap();
        assert_eq!(link.server.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(link.client.tls13_tickets_received(), 0);
        assert_eq!(peer_pin(&link.server), Some(bank().pin()));
    }
}

#[test]
fn a_client_that_would_resume_gets_no_ticket() {
    // Another program's client, which keeps sessions: the servers must give it none.
    let (cert, key) = certificate_files();
    let servers = [
        server_config(&Identity::from_pem(&cert, &key).unwrap(), ClientAuth::Optional),
        public_server_config(&cert, &key).unwrap(),
    ];
    for server in servers {
        let (client, server) = (Arc::new(browser(&cert)), Arc::new(server));
        for _ in 0..2 {
            let link = browse(&client, &server).unwrap();
            assert_eq!(link.server.handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(link.client.tls13_tickets_received(), 0);
        }
    }
}

#[test]
fn the_portal_serves_its_certificate_to_browsers() {
    let (cert, key) = certificate_files();
    let server = Arc::new(public_server_config(&cert, &key).unwrap());
    let link = browse(&Arc::new(browser(&cert)), &server).unwrap();
    assert_eq!(link.server.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(peer_pin(&link.server), None);
}

#[test]
fn a_client_of_tls_1_2_is_refused() {
    let (cert, key) = certificate_files();
    let servers =
        [server_config(&platform(), ClientAuth::Optional), public_server_config(&cert, &key).unwrap()];
    for server in servers {
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        read_all(&tls12_client_hello(), |bytes| server.read_tls(bytes));
        let refused = server.process_new_packets().unwrap_err();
        let expected = [
            PeerIncompatible::SupportedVersionsExtensionRequired,
            PeerIncompatible::Tls12NotOfferedOrEnabled,
        ];
        assert!(expected.map(Error::PeerIncompatible).contains(&refused), "{refused:?}");
        let mut answer = Vec::new();
        server.write_tls(&mut answer).unwrap();
        assert_eq!(answer.last(), Some(&u8::from(AlertDescription::ProtocolVersion)));
    }
}

#[test]
fn garbage_is_refused() {
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0; 64], &[0x16, 3, 1, 0xff, 0xff, 1, 2, 3]] {
        let server = server_config(&platform(), ClientAuth::Required);
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        read_all(bytes, |bytes| server.read_tls(bytes));
        let outcome = server.process_new_packets();
        assert!(outcome.is_err() || server.is_handshaking());
        assert_eq!(peer_pin(&server), None);
    }
}

fn certificate_files() -> (Vec<u8>, Vec<u8>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["portal.example".into()]).unwrap();
    (params.self_signed(&key).unwrap().pem().into_bytes(), key.serialize_pem().into_bytes())
}

fn browser(cert_pem: &[u8]) -> ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(cert_pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn browse(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Result<Link, Error> {
    let name = "portal.example".try_into().unwrap();
    let mut link = Link {
        client: ClientConnection::new(client.clone(), name).unwrap(),
        server: ServerConnection::new(server.clone()).unwrap(),
    };
    link.settle()?;
    assert!(!link.client.is_handshaking());
    Ok(link)
}

/// A ClientHello of RFC 5246: version 3.3, two AES-GCM suites, signature algorithms and groups, and no
/// `supported_versions`.
fn tls12_client_hello() -> Vec<u8> {
    let extensions = [
        &[0, 13, 0, 6, 0, 4, 0x04, 0x03, 0x08, 0x07][..], // signature_algorithms: ECDSA P-256, Ed25519
        &[0, 10, 0, 4, 0, 2, 0, 29],                      // supported_groups: X25519
        &[0, 11, 0, 2, 1, 0],                             // ec_point_formats: uncompressed
    ]
    .concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]); // random
    body.push(0); // no session id
    body.extend([0, 4, 0xc0, 0x2c, 0xc0, 0x2b]);
    body.extend([1, 0]); // no compression
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut record = vec![0x16, 3, 1];
    record.extend(u16::try_from(body.len() + 4).unwrap().to_be_bytes());
    record.push(1);
    record.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    record.extend(body);
    record
}
