//! What the notification tests share: messages, certificates, foreign peers as processes, and canned servers.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "test code")]

// The simulator's mailbox alone, so that these tests build without the controller.
#[path = "../../../sim/src/mailbox/mod.rs"]
#[allow(unused_imports, reason = "each test binary uses its part")]
pub mod mailbox;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bailee_server::notify::{
    Accepted, Content, EmailContent, InlineImage, NotifyConfig, Outgoing, SendFailure, Sender, SmsContent,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A token like those that the platform issues.
pub const TOKEN: &str =
    "6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDEXWK G2EP4J0BGJLFX3R3VHXK.PJ:2DPF6R:5SVBHABV";
pub const RECIPIENT: &str = "ann@example.org";
pub const NUMBER: &str = "+12025550123";
/// Far longer than anything here takes, so that a loaded machine doesn't fail a test.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn email(id: &str) -> Outgoing {
    let content = EmailContent {
        to: RECIPIENT.parse().unwrap(),
        subject: "Ihr Paket ist da – مرحبا".parse().unwrap(),
        text: "Code: 1234 5678\n.\n..two dots\nKöln مرحبا".into(),
        html: Some("<p>Code: <b>1234 5678</b> <img src=\"cid:qr@bailee\"></p>".into()),
        image: Some(InlineImage::qr(TOKEN).unwrap()),
    };
    Outgoing::new(id.parse().unwrap(), 1_767_225_600_000, Content::Email(content)).unwrap()
}

pub fn sms(id: &str, text: &str) -> Outgoing {
    let content = Content::Sms(SmsContent { to: NUMBER.parse().unwrap(), text: text.into() });
    Outgoing::new(id.parse().unwrap(), 1_767_225_600_000, content).unwrap()
}

/// Sends through the channel that `config` sets up for `message`.
pub async fn send(config: &str, message: &Outgoing) -> Result<Accepted, SendFailure> {
    let senders = NotifyConfig::parse(config).unwrap().senders().unwrap();
    let sender: Box<dyn Sender> = match message.content {
        Content::Email(_) => Box::new(senders.email.unwrap()),
        Content::Sms(_) => Box::new(senders.sms.unwrap()),
    };
    timeout(PATIENCE, sender.send(message)).await.expect("a sender keeps its own deadline")
}

/// The kind of an answer, as one word.
pub fn kind(answer: &Result<Accepted, SendFailure>) -> &'static str {
    match answer {
        Ok(_) => "accepted",
        Err(SendFailure::Temporary(_)) => "temporary",
        Err(SendFailure::Permanent(_)) => "permanent",
        Err(SendFailure::Unknown(_)) => "unknown",
    }
}

pub fn private_file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// An authority and a certificate of its making for this machine, as PEM files.
pub struct Certificates {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub chain_der: Vec<u8>,
    pub key_der: Vec<u8>,
}

impl Certificates {
    pub fn make(folder: &Path, name: &str) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        Self {
            authority: private_file(folder, "authority.pem", &authority_pem),
            certificate: private_file(folder, "certificate.pem", &certificate.pem()),
            key: private_file(folder, "key.pem", &key.serialize_pem()),
            chain_der: certificate.der().to_vec(),
            key_der: key.serialize_der(),
        }
    }
}

/// Whether a test that needs a foreign peer goes on without it: says so, or fails where peers are required.
#[expect(clippy::disallowed_methods, reason = "a test setting, read where it is used")]
pub fn skip(peer: &str) {
    assert!(
        std::env::var("BAILEE_REQUIRE_PEERS").as_deref() != Ok("1"),
        "{peer} is required but not installed"
    );
    println!("skipped: {peer} is not installed");
}

/// A foreign process whose output is read line by line; it ends when this is dropped.
pub struct Process<R> {
    pub child: Child,
    lines: Lines<BufReader<R>>,
}

impl<R: AsyncRead + Unpin> Process<R> {
    /// Waits for a line that `wanted` recognises.
    pub async fn wait_for<T>(&mut self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let found = async {
            let mut seen = Vec::new();
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if let Some(found) = wanted(&line) {
                    return found;
                }
                seen.push(line);
            }
            panic!("the process ended before {what}: {seen:#?}");
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no {what} in time"))
    }
}

fn command(program: &str, arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Starts a program and reads its standard output.
pub fn start_for_output(
    program: &str,
    arguments: &[&str],
    folder: &Path,
) -> Process<tokio::process::ChildStdout> {
    let mut child =
        command(program, arguments, folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    Process { child, lines }
}

/// Starts a program and reads its log on standard error.
pub fn start_for_log(
    program: &str,
    arguments: &[&str],
    folder: &Path,
) -> Process<tokio::process::ChildStderr> {
    let mut child =
        command(program, arguments, folder).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    Process { child, lines }
}

/// A server that says `replies` one after another, each after it was told something, and then keeps silent.
pub async fn canned(replies: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(recite(stream, replies));
        }
    });
    address
}

/// Says the first reply at once when it is a greeting (`220`), the others after what they answer.
pub async fn recite(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, replies: &[&str]) {
    let mut heard = [0; 8192];
    for reply in replies {
        let greeting = reply.starts_with("220 hello");
        if !greeting && stream.read(&mut heard).await.unwrap_or(0) == 0 {
            return;
        }
        if stream.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
    while stream.read(&mut heard).await.unwrap_or(0) > 0 {}
}

/// A port that nothing listens on.
pub async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
