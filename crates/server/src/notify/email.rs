//! E-mail over SMTP (RFC 5321), one connection per message.
//!
//! The conversation has two halves with a deadline each: until the server asks for the content, nothing has been
//! handed over and every silence is `Temporary`; after that, every silence is `Unknown`. It must never send a
//! password or a message without TLS, except to this machine. Start with [`Email::send`](super::Sender::send).

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters, TlsVersion,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::dial::{self, DialFailure, Endpoint, Reach};
use super::message::{Channel, Content, Outgoing};
use super::{Accepted, SendFailure, Sender, Sending, mime, peer_reference, peer_words};
use crate::tls;

/// How the connection is protected.
pub(super) enum Protection {
    /// In clear, to this machine only.
    Plain,
    /// Turned to TLS by `STARTTLS`, or not used.
    StartTls(TlsParameters),
    /// TLS from the first byte.
    Tls(Arc<ClientConfig>),
}

impl Protection {
    /// `STARTTLS` with TLS 1.3 to `host`, trusting `authority` (PEM) or Mozilla's authorities.
    pub(super) fn start_tls(host: &str, authority: Option<&[u8]>) -> Result<Self, String> {
        let mut builder = TlsParameters::builder(host.to_owned())
            .set_min_tls_version(TlsVersion::Tlsv13)
            .certificate_store(CertificateStore::WebpkiRoots);
        if let Some(pem) = authority {
            tls::certificates(pem)?;
            let certificate = Certificate::from_pem(pem).map_err(|_| "it holds no certificate".to_owned())?;
            builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
        }
        builder.build_rustls().map(Self::StartTls).map_err(|_| "it holds no usable certificate".to_owned())
    }
}

/// Sends e-mail through one SMTP server.
pub struct Email {
    pub(super) server: Endpoint,
    pub(super) protection: Protection,
    pub(super) hello: ClientId,
    pub(super) from: Mailbox,
    pub(super) credentials: Option<Credentials>,
    pub(super) deadline: Duration,
}

impl Sender for Email {
    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}

impl Email {
    async fn deliver(&self, message: &Outgoing) -> Result<Accepted, SendFailure> {
        let Content::Email(mail) = &message.content else {
            return Err(SendFailure::Permanent("a text message can't be sent as e-mail".to_owned()));
        };
        let composed = mime::compose(&self.from, &message.id, message.written_ms, mail)
            .map_err(|_| SendFailure::Permanent("the message can't be put into an envelope".to_owned()))?;
        let recipient = mail.to.as_str();
        let ready = Box::pin(self.until_content(composed.envelope(), recipient));
        let mut connection = timeout(self.deadline, ready)
            .await
            .map_err(|_| SendFailure::Temporary("the server didn't answer in time".to_owned()))??;
        let content = composed.formatted();
        let taken = timeout(self.deadline, connection.message(&content))
            .await
            .map_err(|_| SendFailure::Unknown("the server didn't confirm in time".to_owned()))?
            .map_err(|failure| after_content(&failure, recipient))?;
        let _ = timeout(self.deadline.min(Duration::from_secs(1)), connection.quit()).await;
        let words: Vec<&str> = taken.message().collect();
        Ok(Accepted { reference: peer_reference(&words.join(" "), recipient) })
    }

    /// Up to the server's invitation to send the content.
    async fn until_content(
        &self,
        envelope: &lettre::address::Envelope,
        recipient: &str,
    ) -> Result<AsyncSmtpConnection, SendFailure> {
        let refused = |failure: smtp::Error| before_content(&failure, recipient);
        let mut connection = self.greeted(recipient).await?;
        if let Some(credentials) = &self.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, credentials).await.map_err(refused)?;
        }
        connection.command(Mail::new(envelope.from().cloned(), Vec::new())).await.map_err(refused)?;
        for to in envelope.to() {
            connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(refused)?;
        }
        connection.command(Data).await.map_err(refused)?;
        Ok(connection)
    }

    /// Connected, protected and greeted.
    async fn greeted(&self, recipient: &str) -> Result<AsyncSmtpConnection, SendFailure> {
        let stream: Box<dyn AsyncTokioStream> = match &self.protection {
            Protection::Plain => Box::new(dial::connect(&self.server, Reach::ThisMachine).await?),
            Protection::StartTls(_) => Box::new(dial::connect(&self.server, Reach::Anywhere).await?),
            Protection::Tls(config) => Box::new(dial::connect_tls(&self.server, Arc::clone(config)).await?),
        };
        let refused = |failure: smtp::Error| before_content(&failure, recipient);
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await.map_err(refused)?;
        if let Protection::StartTls(parameters) = &self.protection {
            // A relay that stops offering TLS may be an attacker in between: wait for it, never go on in clear.
            if !connection.can_starttls() {
                return Err(SendFailure::Temporary("the server offers no STARTTLS".to_owned()));
            }
            connection.starttls(parameters.clone(), &self.hello).await.map_err(refused)?;
        }
        Ok(connection)
    }
}

/// No connection: nothing was handed over, and what is wrong may be put right. The operator reads the cause too.
impl From<DialFailure> for SendFailure {
    fn from(failure: DialFailure) -> Self {
        let cause = std::error::Error::source(&failure).map(ToString::to_string).unwrap_or_default();
        let reason = format!("{failure}: {}", peer_words(&cause, ""));
        Self::Temporary(reason.trim_end_matches(": ").chars().take(160).collect())
    }
}

/// Nothing was handed over yet: only a clear 5xx is final.
fn before_content(failure: &smtp::Error, recipient: &str) -> SendFailure {
    let reason = words(failure, recipient);
    if failure.is_permanent() { SendFailure::Permanent(reason) } else { SendFailure::Temporary(reason) }
}

/// The content is on its way: only a clear 4xx or 5xx says that the server doesn't have it.
fn after_content(failure: &smtp::Error, recipient: &str) -> SendFailure {
    let reason = words(failure, recipient);
    if failure.is_permanent() {
        SendFailure::Permanent(reason)
    } else if failure.is_transient() {
        SendFailure::Temporary(reason)
    } else {
        SendFailure::Unknown(reason)
    }
}

/// What happened, with the server's words where it said some.
fn words(failure: &smtp::Error, recipient: &str) -> String {
    let said = std::error::Error::source(failure).map(ToString::to_string).unwrap_or_default();
    let said = peer_words(&said, recipient);
    let what = match failure.status() {
        Some(code) => format!("the server answered {code}"),
        None if failure.is_response() => "the server's answer was not SMTP".to_owned(),
        None if failure.is_client() => "the server lacks something this configuration needs".to_owned(),
        None if failure.is_tls() => "no trusted TLS connection".to_owned(),
        None => "the connection failed".to_owned(),
    };
    let line = if said.is_empty() { what } else { format!("{what}: {said}") };
    line.chars().take(160).collect()
}
