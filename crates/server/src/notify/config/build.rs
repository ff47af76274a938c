//! From settings to senders: reads the files that the settings name.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use zeroize::Zeroizing;

use super::{ConfigFailure, EmailConfig, Security, SmsConfig, base_url, deadline, from_mailbox};
use crate::notify::dial::Endpoint;
use crate::notify::email::{Email, Protection};
use crate::notify::http::Gateway;
use crate::notify::sms::kannel::Kannel;
use crate::notify::sms::twilio::Twilio;
use crate::notify::sms::{Shape, Sms};
use crate::tls;

pub(super) fn build_email(config: &EmailConfig) -> Result<Email, ConfigFailure> {
    let from = from_mailbox(&config.from)?;
    let hello = config.hello.clone().unwrap_or_else(|| from.email.domain().to_owned());
    let usual_port = match config.security {
        Security::Starttls => 587,
        Security::Tls => 465,
        Security::Plain => 25,
    };
    Ok(Email {
        server: Endpoint { host: config.host.clone(), port: config.port.unwrap_or(usual_port) },
        protection: protection(config)?,
        hello: match hello.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => ClientId::Ipv4(ip),
            Ok(IpAddr::V6(ip)) => ClientId::Ipv6(ip),
            Err(_) => ClientId::Domain(hello),
        },
        from,
        credentials: credentials(config)?,
        deadline: deadline("notify.email.deadline_ms", config.deadline_ms)?,
    })
}

fn protection(config: &EmailConfig) -> Result<Protection, ConfigFailure> {
    match config.security {
        Security::Plain => Ok(Protection::Plain),
        Security::Tls => Ok(Protection::Tls(tls("notify.email.ca_file", config.ca_file.as_deref())?)),
        Security::Starttls => {
            let key = "notify.email.ca_file";
            let pem = config.ca_file.as_deref().map(|path| read_file(key, path)).transpose()?;
            Protection::start_tls(&config.host, pem.as_deref()).map_err(|reason| ConfigFailure::File {
                key,
                path: config.ca_file.clone().unwrap_or_default(),
                reason,
            })
        }
    }
}

fn credentials(config: &EmailConfig) -> Result<Option<Credentials>, ConfigFailure> {
    match (&config.username, &config.password_file) {
        (Some(username), Some(path)) => {
            let password = read_secret("notify.email.password_file", path)?;
            Ok(Some(Credentials::new(username.clone(), password.to_string())))
        }
        _ => Ok(None),
    }
}

pub(super) fn build_sms(config: &SmsConfig) -> Result<Sms, ConfigFailure> {
    let (url, ca_file, deadline_ms) = match config {
        SmsConfig::Twilio(twilio) => (&twilio.url, &twilio.ca_file, twilio.deadline_ms),
        SmsConfig::Kannel(kannel) => (&kannel.url, &kannel.ca_file, kannel.deadline_ms),
    };
    let gateway = Gateway {
        base: base_url(url)?,
        tls: tls("notify.sms.ca_file", ca_file.as_deref())?,
        deadline: deadline("notify.sms.deadline_ms", deadline_ms)?,
    };
    let shape = match config {
        SmsConfig::Twilio(twilio) => Shape::Twilio(Twilio {
            account_sid: twilio.account_sid.clone(),
            auth_token: read_secret("notify.sms.auth_token_file", &twilio.auth_token_file)?,
            from: twilio.from.clone(),
        }),
        SmsConfig::Kannel(kannel) => Shape::Kannel(Kannel {
            username: kannel.username.clone(),
            password: read_secret("notify.sms.password_file", &kannel.password_file)?,
            from: kannel.from.clone(),
        }),
    };
    Ok(Sms { gateway, shape })
}

fn tls(key: &'static str, ca_file: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, ConfigFailure> {
    let path = ca_file.unwrap_or(Path::new(""));
    tls::trusting(ca_file).map_err(|reason| ConfigFailure::File { key, path: path.to_owned(), reason })
}

/// The most bytes of a secret or certificate file.
const FILE_BYTES: u64 = 1024 * 1024;

fn read_file(key: &'static str, path: &Path) -> Result<Vec<u8>, ConfigFailure> {
    let refuse = |reason: String| ConfigFailure::File { key, path: path.to_owned(), reason };
    let size = std::fs::metadata(path).map_err(|e| refuse(format!("can't be read ({})", e.kind())))?.len();
    if size > FILE_BYTES {
        return Err(refuse("is larger than 1 MiB".to_owned()));
    }
    std::fs::read(path).map_err(|e| refuse(format!("can't be read ({})", e.kind())))
}

/// A one-line secret; the line break at its end isn't part of it.
fn read_secret(key: &'static str, path: &Path) -> Result<Zeroizing<String>, ConfigFailure> {
    use std::os::unix::fs::PermissionsExt;
    let refuse = |reason: &str| ConfigFailure::File { key, path: path.to_owned(), reason: reason.to_owned() };
    let bytes = Zeroizing::new(read_file(key, path)?);
    let mode = std::fs::metadata(path).map_err(|_| refuse("can't be read"))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(refuse("is open to every user of this machine; chmod 600 it"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("is not UTF-8 text"))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.chars().any(char::is_control) {
        return Err(refuse("has to hold one line with the secret"));
    }
    Ok(Zeroizing::new(secret.to_owned()))
}
