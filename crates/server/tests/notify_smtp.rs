//! E-mail against a foreign SMTP server (aiosmtpd) with TLS, and against one that misbehaves in every way we know.
#![allow(clippy::unwrap_used, reason = "test code")]

mod notify_support;

use std::path::Path;

use bailee_server::notify::SendFailure;
use base64::Engine;
use notify_support::mailbox::{Behaviour, Mailbox, SmtpPeer};
use notify_support::*;
use serde_json::Value;

/// The foreign server, or nothing when it isn't installed.
struct Foreign {
    process: Process<tokio::process::ChildStdout>,
    port: u64,
}

impl Foreign {
    async fn start(mode: &str, certificates: &Certificates, newest: &str, folder: &Path) -> Option<Self> {
        let Some(python) = python_with_aiosmtpd() else {
            skip("aiosmtpd");
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/notify_support/aiosmtpd_peer.py");
        let (certificate, key) =
            (certificates.certificate.to_str().unwrap(), certificates.key.to_str().unwrap());
        let arguments = [script, mode, certificate, key, "lockers", "geheim", newest];
        let mut process = start_for_output(python, &arguments, folder);
        let port = process.wait_for("a port", |line| json(line)["port"].as_u64()).await;
        Some(Self { process, port })
    }

    async fn next_message(&mut self) -> Value {
        self.process
            .wait_for("a message", |line| Some(json(line)).filter(|value| value["subject"].is_string()))
            .await
    }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_default()
}

fn python_with_aiosmtpd() -> Option<&'static str> {
    let knows = |python: &&str| {
        let tried = std::process::Command::new(python).args(["-c", "import aiosmtpd.smtp"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    ["/usr/bin/python3", "python3"].into_iter().find(knows)
}

/// A configuration for a server at `host`, with the short waits that only silent servers use up.
fn config(host: &str, port: u64, security: &str, more: &str) -> String {
    format!(
        "[email]\nhost = '{host}'\nport = {port}\nsecurity = '{security}'\nfrom = 'Lockers <lockers@example.org>'\n{more}"
    )
}

fn signed_in(folder: &Path, certificates: &Certificates, password: &str) -> String {
    let file = private_file(folder, "password", &format!("{password}\n"));
    let (file, authority) = (file.display(), certificates.authority.display());
    format!("username = 'lockers'\npassword_file = '{file}'\nca_file = '{authority}'\n")
}

#[tokio::test]
async fn a_foreign_server_gets_the_whole_message_over_tls_1_3() {
    for mode in ["starttls", "tls"] {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::make(folder.path(), "localhost");
        let Some(mut peer) = Foreign::start(mode, &certificates, "1.3", folder.path()).await else { return };
        let more = signed_in(folder.path(), &certificates, "geheim");
        let accepted = send(&config("localhost", peer.port, mode, &more), &email("msg_1")).await;
        assert_eq!(accepted.map(|accepted| accepted.reference), Ok("2.0.0 kept".to_owned()), "{mode}");

        let got = peer.next_message().await;
        assert_eq!(got["tls"], "TLSv1.3", "{mode}");
        assert_eq!(got["user"], "lockers");
        assert_eq!(got["sender"], "lockers@example.org");
        assert_eq!(got["recipients"], serde_json::json!([RECIPIENT]));
        assert_eq!(got["subject"], "Ihr Paket ist da – مرحبا");
        assert_eq!(got["message_id"], "<msg_1@example.org>");
        let text = got["text"].as_str().unwrap().replace("\r\n", "\n");
        assert_eq!(text.trim_end(), "Code: 1234 5678\n.\n..two dots\nKöln مرحبا");
        assert!(got["html"].as_str().unwrap().contains("cid:qr@bailee"));
        assert_eq!(got["image_id"], "<qr@bailee>");
        assert_eq!(scanned(got["image"].as_str().unwrap()), TOKEN);
    }
}

/// What a camera reads from a base64 PNG.
fn scanned(base64_png: &str) -> String {
    let file = base64::engine::general_purpose::STANDARD.decode(base64_png).unwrap();
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut grey = vec![0; reader.output_buffer_size().unwrap()];
    let side = reader.next_frame(&mut grey).unwrap().width as usize;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| grey[y * side + x]);
    image.detect_grids()[0].decode().unwrap().1
}

#[tokio::test]
async fn a_wrong_password_is_final() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path(), "localhost");
    let Some(peer) = Foreign::start("starttls", &certificates, "1.3", folder.path()).await else { return };
    let more = signed_in(folder.path(), &certificates, "falsch");
    let answer = send(&config("localhost", peer.port, "starttls", &more), &email("msg_1")).await;
    assert_eq!(kind(&answer), "permanent", "{answer:?}");
    assert!(answer.unwrap_err().to_string().contains("535"));
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_cannot_prove_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path(), "localhost");
    let other_folder = tempfile::tempdir().unwrap();
    let other = Certificates::make(other_folder.path(), "other.example");
    for mode in ["starttls", "tls"] {
        let trusted = signed_in(folder.path(), &certificates, "geheim");
        let distrusted = signed_in(folder.path(), &other, "geheim");
        let Some(peer) = Foreign::start(mode, &certificates, "1.3", folder.path()).await else { return };
        let unknown_authority =
            send(&config("localhost", peer.port, mode, &distrusted), &email("msg_1")).await;
        assert_eq!(kind(&unknown_authority), "temporary", "{unknown_authority:?}");
        assert!(unknown_authority.unwrap_err().to_string().contains("invalid peer certificate"));
        let wrong_name = send(&config("127.0.0.1", peer.port, mode, &trusted), &email("msg_1")).await;
        assert_eq!(kind(&wrong_name), "temporary", "{wrong_name:?}");
        let Some(old) = Foreign::start(mode, &certificates, "1.2", folder.path()).await else { return };
        let old_tls = send(&config("localhost", old.port, mode, &trusted), &email("msg_1")).await;
        assert_eq!(kind(&old_tls), "temporary", "{old_tls:?}");
    }
}

#[tokio::test]
async fn a_server_that_stops_offering_tls_gets_nothing() {
    let mailbox = Mailbox::new(|| 0);
    let peer = SmtpPeer::start(mailbox.clone()).await.unwrap();
    let config = config("localhost", peer.address().port().into(), "starttls", "");
    let answer = send(&config, &email("msg_1")).await;
    assert_eq!(answer, Err(SendFailure::Temporary("the server offers no STARTTLS".into())));
    assert!(mailbox.messages().is_empty());
}

#[tokio::test]
async fn answers_smuggled_in_before_tls_are_not_believed() {
    let forged = &[
        "220 hello\r\n",
        "250-me\r\n250 STARTTLS\r\n",
        "220 go ahead\r\n250-me\r\n250 AUTH PLAIN\r\n235 in\r\n",
    ];
    let address = canned(forged).await;
    let answer = send(&config("localhost", address.port().into(), "starttls", ""), &email("msg_1")).await;
    assert_eq!(kind(&answer), "temporary", "{answer:?}");
    assert!(answer.unwrap_err().to_string().contains("the connection failed"));
}

/// Sends once to a peer that behaves like that.
async fn tried(behaviour: Behaviour, mailbox: &Mailbox) -> Result<String, SendFailure> {
    let peer = SmtpPeer::start(mailbox.clone()).await.unwrap();
    peer.set_behaviour(behaviour);
    let deadline_ms = match behaviour {
        Behaviour::HangAfterConnect => 400,
        // Long enough for a loaded machine to get as far as handing the message over.
        Behaviour::HangAfterData => 3_000,
        _ => 20_000,
    };
    let more = format!("deadline_ms = {deadline_ms}");
    let config = config("127.0.0.1", peer.address().port().into(), "plain", &more);
    send(&config, &email("msg_1")).await.map(|accepted| accepted.reference)
}

#[tokio::test]
async fn every_misbehaviour_has_its_answer() {
    for (behaviour, expected) in [
        (Behaviour::RefuseConnection, "temporary"),
        (Behaviour::Temporary, "temporary"),
        (Behaviour::Permanent, "permanent"),
        (Behaviour::HangAfterConnect, "temporary"),
        (Behaviour::HangAfterData, "unknown"),
        (Behaviour::DropAfterData, "unknown"),
        (Behaviour::Garbage, "temporary"),
        (Behaviour::GarbageAfterData, "unknown"),
        (Behaviour::Huge, "temporary"),
    ] {
        let mailbox = Mailbox::new(|| 0);
        let answer =
            tried(behaviour, &mailbox).await.map(|reference| bailee_server::notify::Accepted { reference });
        assert_eq!(kind(&answer), expected, "{behaviour:?}: {answer:?}");
        let reason = answer.unwrap_err().to_string();
        assert!(
            reason.len() < 200 && !reason.contains(RECIPIENT) && !reason.contains(char::is_control),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_lying_server_is_believed_and_counted() {
    let mailbox = Mailbox::new(|| 0);
    assert_eq!(tried(Behaviour::Lie, &mailbox).await, Ok("2.0.0 taken".to_owned()));
    assert_eq!((mailbox.messages().len(), mailbox.lost()), (0, 1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_later() {
    let config = config("127.0.0.1", closed_port().await.into(), "plain", "");
    assert_eq!(kind(&send(&config, &email("msg_1")).await), "temporary");
}

#[tokio::test]
async fn a_repeated_message_can_be_recognised() {
    let mailbox = Mailbox::new(|| 1_767_225_600_000);
    let mut news = mailbox.subscribe();
    assert!(matches!(tried(Behaviour::DropAfterData, &mailbox).await, Err(SendFailure::Unknown(_))));
    tried(Behaviour::Good, &mailbox).await.unwrap();
    let (first, second) = (news.recv().await.unwrap(), news.recv().await.unwrap());
    assert_eq!(first, second);
    assert_eq!(first.message_id.as_deref(), Some("msg_1@example.org"));
    assert_eq!(first.subject.as_deref(), Some("Ihr Paket ist da – مرحبا"));
    assert!(first.text.contains("1234 5678\n.\n..two dots") && first.html.unwrap().contains("cid:qr@bailee"));
    assert_eq!(first.attachments.len(), 1);
    let picture = &first.attachments[0];
    assert_eq!(
        (picture.media_type.as_str(), picture.content_id.as_deref()),
        ("image/png", Some("qr@bailee"))
    );
    assert_eq!(scanned(&base64::engine::general_purpose::STANDARD.encode(&picture.bytes)), TOKEN);
}

#[tokio::test]
async fn a_text_message_is_not_sent_as_email() {
    let senders = bailee_server::notify::NotifyConfig::parse(&config("127.0.0.1", 1, "plain", "")).unwrap();
    let sender = senders.senders().unwrap().email.unwrap();
    let answer = bailee_server::notify::Sender::send(&sender, &sms("msg_1", "Hello")).await;
    assert_eq!(kind(&answer), "permanent");
}
