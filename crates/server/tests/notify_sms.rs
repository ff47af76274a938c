//! Text messages against a real Kannel with its fake network, against our own gateway in both shapes, and against
//! gateways that misbehave.
#![allow(clippy::unwrap_used, reason = "test code")]

mod notify_support;

use std::path::Path;
use std::sync::Arc;

use bailee_server::notify::{Accepted, SendFailure};
use notify_support::mailbox::{Behaviour, Credentials, GatewayPeer, Mailbox};
use notify_support::*;
use tokio::net::TcpListener;

const BEARERBOX: &str = "/usr/sbin/bearerbox";
const SMSBOX: &str = "/usr/sbin/smsbox";
const NETWORK: &str = "/usr/lib/kannel/test/fakesmsc";

/// Kannel with a network that prints what it would have delivered.
struct Kannel {
    _bearerbox: Process<tokio::process::ChildStderr>,
    _smsbox: Process<tokio::process::ChildStderr>,
    network: Process<tokio::process::ChildStderr>,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Kannel {
    async fn start() -> Option<Self> {
        if ![BEARERBOX, SMSBOX, NETWORK].iter().all(|program| Path::new(program).exists()) {
            skip("Kannel (kannel, kannel-extras)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let [admin, boxes, network, port] = free_ports().await;
        std::fs::write(folder.path().join("kannel.conf"), kannel_conf(admin, boxes, network, port)).unwrap();
        let mut bearerbox = start_for_log(BEARERBOX, &["kannel.conf"], folder.path());
        bearerbox
            .wait_for("the start of bearerbox", |line| line.contains("entering mainloop").then_some(()))
            .await;
        let mut smsbox = start_for_log(SMSBOX, &["kannel.conf"], folder.path());
        smsbox
            .wait_for("the start of smsbox", |line| line.contains("Connected to bearerbox").then_some(()))
            .await;
        let network = network.to_string();
        let arguments = ["-H", "127.0.0.1", "-r", &network, "-i", "1000", "-m", "0", "100 200 text nop"];
        let network = start_for_log(NETWORK, &arguments, folder.path());
        Some(Self { _bearerbox: bearerbox, _smsbox: smsbox, network, port, _folder: folder })
    }

    /// The next message that reaches the network: recipient, alphabet and text.
    async fn delivered(&mut self) -> (String, String, String) {
        let line = self
            .network
            .wait_for("a delivered message", |line| {
                line.split_once("Got message").map(|(_, rest)| rest.to_owned())
            })
            .await;
        let message = line.split_once('<').unwrap().1.strip_suffix('>').unwrap();
        let mut words = message.splitn(4, ' ').skip(1).map(ToOwned::to_owned);
        (words.next().unwrap(), words.next().unwrap(), words.next().unwrap())
    }
}

async fn free_ports() -> [u16; 4] {
    let mut listeners = Vec::new();
    for _ in 0..4 {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    [0, 1, 2, 3].map(|at: usize| listeners[at].local_addr().unwrap().port())
}

fn kannel_conf(admin: u16, boxes: u16, network: u16, sendsms: u16) -> String {
    format!(
        "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = unused\n\
         smsbox-port = {boxes}\nsmsbox-interface = 127.0.0.1\nbox-allow-ip = 127.0.0.1\n\n\
         group = smsc\nsmsc = fake\nsmsc-id = fake\nport = {network}\nconnect-allow-ip = 127.0.0.1\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {sendsms}\nsendsms-interface = 127.0.0.1\n\
         global-sender = 13013\n\n\
         group = sms-service\nkeyword = default\nmax-messages = 0\ntext = \"\"\n\n\
         group = sendsms-user\nusername = lockers\npassword = geheim\nmax-messages = 3\nconcatenation = true\n"
    )
}

/// The text of a UCS-2 message as the fake network prints it: percent-encoded bytes of UTF-16.
fn from_ucs2(printed: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = printed.bytes();
    while let Some(byte) = rest.next() {
        let digits = if byte == b'%' { rest.next().zip(rest.next()) } else { None };
        bytes.push(match (byte, digits) {
            (_, Some((high, low))) => {
                u8::from_str_radix(&format!("{}{}", char::from(high), char::from(low)), 16).unwrap()
            }
            (b'+', _) => b' ',
            _ => byte,
        });
    }
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).unwrap()
}

fn kannel(port: u16, folder: &Path, password: &str) -> String {
    let file = private_file(folder, "password", password);
    format!(
        "[sms]\ngateway = 'kannel'\nurl = 'http://127.0.0.1:{port}'\nusername = 'lockers'\npassword_file = '{}'\n",
        file.display()
    )
}

fn twilio(address: &str, folder: &Path, token: &str) -> String {
    let file = private_file(folder, "token", token);
    format!(
        "[sms]\ngateway = 'twilio'\nurl = '{address}'\naccount_sid = 'lockers'\nauth_token_file = '{}'\nfrom = '+12025550100'\n",
        file.display()
    )
}

#[tokio::test]
async fn kannel_delivers_texts_in_every_alphabet() {
    let Some(mut peer) = Kannel::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = kannel(peer.port, folder.path(), "geheim");

    let western = "Parcel at Köln & Co, 5 €. Code 1234 5678 + QR";
    let accepted = send(&config, &sms("msg_1", western)).await.unwrap();
    assert!(accepted.reference.contains("delivery"), "{accepted:?}");
    assert_eq!(peer.delivered().await, (NUMBER.to_owned(), "text".to_owned(), western.to_owned()));

    let arabic = "طرد في الردهة. الرمز 1234 5678";
    send(&config, &sms("msg_2", arabic)).await.unwrap();
    let (to, alphabet, text) = peer.delivered().await;
    assert_eq!((to.as_str(), alphabet.as_str(), from_ucs2(&text).as_str()), (NUMBER, "ucs-2", arabic));
}

#[tokio::test]
async fn kannel_refuses_a_wrong_password_for_good() {
    let Some(peer) = Kannel::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let answer = send(&kannel(peer.port, folder.path(), "falsch"), &sms("msg_1", "Hello")).await;
    let expected = "the gateway answered 403: Authorization failed for sendsms".to_owned();
    assert_eq!(answer, Err(SendFailure::Permanent(expected)));
}

/// Sends once, in one shape, to a gateway that behaves like that.
async fn tried(shape: &str, behaviour: Behaviour, mailbox: &Mailbox) -> Result<Accepted, SendFailure> {
    let folder = tempfile::tempdir().unwrap();
    let credentials = Credentials { user: "lockers".into(), password: "geheim".into() };
    let peer = GatewayPeer::start(mailbox.clone(), credentials).await.unwrap();
    peer.set_behaviour(behaviour);
    let mut config = match shape {
        "twilio" => twilio(&format!("http://{}", peer.address()), folder.path(), "geheim"),
        _ => kannel(peer.address().port(), folder.path(), "geheim"),
    };
    let deadline_ms = match behaviour {
        Behaviour::HangAfterConnect => 400,
        // Long enough for a loaded machine to get as far as handing the message over.
        Behaviour::HangAfterData => 3_000,
        _ => 20_000,
    };
    config += &format!("deadline_ms = {deadline_ms}\n");
    send(&config, &sms("msg_1", "Code 1234 5678 – مرحبا")).await
}

#[tokio::test]
async fn both_shapes_deliver() {
    for shape in ["twilio", "kannel"] {
        let mailbox = Mailbox::new(|| 42);
        let accepted = tried(shape, Behaviour::Good, &mailbox).await.unwrap();
        let expected =
            if shape == "twilio" { "SM00000000000000000000000000000001" } else { "0: Accepted for delivery" };
        assert_eq!(accepted.reference, expected);
        let kept = mailbox.messages();
        assert_eq!(kept.len(), 1);
        assert_eq!(
            (kept[0].to.as_str(), kept[0].text.as_str(), kept[0].at_ms),
            (NUMBER, "Code 1234 5678 – مرحبا", 42)
        );
        assert_eq!(kept[0].message_id.as_deref(), Some("msg_1"), "{shape}");
    }
}

#[tokio::test]
async fn every_misbehaviour_has_its_answer() {
    for (behaviour, expected) in [
        (Behaviour::RefuseConnection, ["temporary", "unknown"].as_slice()),
        (Behaviour::Temporary, &["temporary"]),
        (Behaviour::Permanent, &["permanent"]),
        (Behaviour::HangAfterConnect, &["unknown"]),
        (Behaviour::HangAfterData, &["unknown"]),
        (Behaviour::DropAfterData, &["unknown"]),
        (Behaviour::Garbage, &["unknown"]),
        (Behaviour::GarbageAfterData, &["unknown"]),
        (Behaviour::Huge, &["unknown"]),
        (Behaviour::Lie, &["accepted"]),
    ] {
        for shape in ["twilio", "kannel"] {
            let mailbox = Mailbox::new(|| 0);
            let answer = tried(shape, behaviour, &mailbox).await;
            assert!(expected.contains(&kind(&answer)), "{shape} {behaviour:?}: {answer:?}");
            assert_eq!(mailbox.lost(), u64::from(behaviour == Behaviour::Lie));
            if let Err(failure) = answer {
                let reason = failure.to_string();
                assert!(
                    reason.len() < 200 && !reason.contains(NUMBER) && !reason.contains("1234 5678"),
                    "{reason}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_tried_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let config = kannel(closed_port().await, folder.path(), "geheim");
    assert_eq!(kind(&send(&config, &sms("msg_1", "Hello")).await), "temporary");
}

#[tokio::test]
async fn a_wrong_token_is_final() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = Credentials { user: "lockers".into(), password: "geheim".into() };
    let peer = GatewayPeer::start(Mailbox::new(|| 0), credentials).await.unwrap();
    let config = twilio(&format!("http://{}", peer.address()), folder.path(), "falsch");
    let answer = send(&config, &sms("msg_1", "Hello")).await;
    assert_eq!(
        answer,
        Err(SendFailure::Permanent("the gateway answered 401: error 20003, Authenticate".into()))
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = Mailbox::new(|| 0);
    let address =
        canned(&["HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"])
            .await;
    let answer =
        send(&twilio(&format!("http://{address}"), folder.path(), "geheim"), &sms("msg_1", "Hello")).await;
    assert_eq!(answer, Err(SendFailure::Permanent("the gateway answered 307".into())));
    assert!(mailbox.messages().is_empty());
}

/// A gateway over TLS that says the same to everybody.
async fn canned_tls(certificates: &Certificates, reply: &'static [&'static str]) -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(certificates.key_der.clone());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificates.chain_der.clone().into()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                recite(stream, reply).await;
            }
        }
    });
    port
}

#[tokio::test]
async fn gateways_over_tls_have_to_prove_their_name() {
    let (folder, other_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let certificates = Certificates::make(folder.path(), "localhost");
    let other = Certificates::make(other_folder.path(), "localhost");
    let reply = &["HTTP/1.1 202 Accepted\r\nContent-Length: 24\r\n\r\n0: Accepted for delivery"];
    let port = canned_tls(&certificates, reply).await;
    let base = kannel(port, folder.path(), "geheim");
    let with = |host: &str, ca: &Path| {
        base.replace("http://127.0.0.1", &format!("https://{host}"))
            + &format!("ca_file = '{}'\n", ca.display())
    };
    let message = sms("msg_1", "Hello");
    assert!(send(&with("localhost", &certificates.authority), &message).await.is_ok());
    assert_eq!(kind(&send(&with("localhost", &other.authority), &message).await), "temporary");
    assert_eq!(kind(&send(&with("127.0.0.1", &certificates.authority), &message).await), "temporary");
}
