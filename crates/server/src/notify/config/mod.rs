//! How messages leave this platform: the `[notify]` part of the configuration.
//!
//! Unknown keys are refused, passwords are named by file and never written here. Start with
//! [`NotifyConfig::validate`], then [`NotifyConfig::senders`], which reads the files.

mod build;

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use serde::Deserialize;

use super::email::Email;
use super::http::BaseUrl;
use super::message::EmailAddress;
use super::sms::Sms;
use crate::tls;

/// Why a configuration can't be used; names the key and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFailure {
    /// It isn't TOML, or has unknown or missing keys.
    #[error("the notification settings can't be read: {}", .0.message())]
    Parse(#[source] Box<toml::de::Error>),
    /// A value isn't usable.
    #[error("{key}: {reason}")]
    Value {
        /// The key, as written in the file.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that a key names can't be used.
    #[error("{key}: {} {reason}", .path.display())]
    File {
        /// The key, as written in the file.
        key: &'static str,
        /// The file it names.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The channels that are set up; a channel that is absent sends nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyConfig {
    /// E-mail over SMTP.
    pub email: Option<EmailConfig>,
    /// Text messages over an HTTP gateway.
    pub sms: Option<SmsConfig>,
}

/// An SMTP server and how to use it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// The server's name, as its certificate has it.
    pub host: String,
    /// The server's port; by default 587, 465 or 25, as `security` says.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: Security,
    /// The sender, such as `Lockers <lockers@example.org>`.
    pub from: String,
    /// The user to sign in as; without one there is no sign-in.
    pub username: Option<String>,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// A PEM file with the one authority to trust, instead of the public ones.
    pub ca_file: Option<PathBuf>,
    /// The name to greet with; by default the domain of `from`.
    pub hello: Option<String>,
    /// How long to wait for each half of a delivery, in milliseconds (100 to 300000).
    #[serde(default = "smtp_deadline_ms")]
    pub deadline_ms: u64,
}

/// How an SMTP connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// `STARTTLS`, required.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// In clear, to this machine only.
    Plain,
}

/// A text message gateway, by the shape of its interface.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "gateway", rename_all = "lowercase")]
pub enum SmsConfig {
    /// Twilio's Messages API, or a gateway that speaks it.
    Twilio(TwilioConfig),
    /// Kannel's `sendsms`, or a gateway that speaks it.
    Kannel(KannelConfig),
}

/// A gateway with Twilio's Messages API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwilioConfig {
    /// The gateway's address; `http://` only to this machine.
    #[serde(default = "twilio_url")]
    pub url: String,
    /// The account's identifier (`AC…`).
    pub account_sid: String,
    /// The file that holds the account's secret.
    pub auth_token_file: PathBuf,
    /// The sending number or sender name.
    pub from: String,
    /// A PEM file with the authorities to trust, instead of the public ones.
    pub ca_file: Option<PathBuf>,
    /// How long to wait for the connection, and then for the answer, in milliseconds (100 to 300000).
    #[serde(default = "http_deadline_ms")]
    pub deadline_ms: u64,
}

/// A gateway with Kannel's `sendsms`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KannelConfig {
    /// The gateway's address, without `/cgi-bin/sendsms`; `http://` only to this machine.
    pub url: String,
    /// The `sendsms-user`.
    pub username: String,
    /// The file that holds the user's password.
    pub password_file: PathBuf,
    /// The sending number or sender name, where the gateway doesn't set it.
    pub from: Option<String>,
    /// A PEM file with the authorities to trust, instead of the public ones.
    pub ca_file: Option<PathBuf>,
    /// How long to wait for the connection, and then for the answer, in milliseconds (100 to 300000).
    #[serde(default = "http_deadline_ms")]
    pub deadline_ms: u64,
}

fn smtp_deadline_ms() -> u64 {
    30_000
}

fn http_deadline_ms() -> u64 {
    10_000
}

fn twilio_url() -> String {
    "https://api.twilio.com".to_owned()
}

/// The channels that work.
#[derive(Default)]
pub struct Senders {
    /// E-mail, when set up.
    pub email: Option<Email>,
    /// Text messages, when set up.
    pub sms: Option<Sms>,
}

impl NotifyConfig {
    /// Reads and validates a TOML text that is the `[notify]` part alone, so with `[email]` and `[sms]` at its top.
    ///
    /// # Errors
    /// [`ConfigFailure::Parse`] for what isn't understood, otherwise as [`NotifyConfig::validate`].
    pub fn parse(text: &str) -> Result<Self, ConfigFailure> {
        let config: Self = toml::from_str(text).map_err(|e| ConfigFailure::Parse(Box::new(e)))?;
        config.validate()?;
        Ok(config)
    }

    /// Checks every value without touching a file or the network.
    ///
    /// # Errors
    /// [`ConfigFailure::Value`] for the first value that can't be used.
    pub fn validate(&self) -> Result<(), ConfigFailure> {
        self.email.as_ref().map_or(Ok(()), validate_email)?;
        match &self.sms {
            Some(SmsConfig::Twilio(twilio)) => validate_twilio(twilio),
            Some(SmsConfig::Kannel(kannel)) => validate_kannel(kannel),
            None => Ok(()),
        }
    }

    /// Reads the secrets and certificates, and builds the senders.
    ///
    /// # Errors
    /// As [`NotifyConfig::validate`], and [`ConfigFailure::File`] for a file that is missing, readable by everybody,
    /// empty or not what it should be.
    pub fn senders(&self) -> Result<Senders, ConfigFailure> {
        self.validate()?;
        let email = self.email.as_ref().map(build::build_email).transpose()?;
        let sms = self.sms.as_ref().map(build::build_sms).transpose()?;
        Ok(Senders { email, sms })
    }
}

fn value<T>(key: &'static str, reason: impl Into<String>) -> Result<T, ConfigFailure> {
    Err(ConfigFailure::Value { key, reason: reason.into() })
}

fn validate_email(config: &EmailConfig) -> Result<(), ConfigFailure> {
    plain_word("notify.email.host", &config.host)?;
    if config.security == Security::Plain && !tls::is_loopback_name(&config.host) {
        return value(
            "notify.email.security",
            "plain is for a server on this machine only; use starttls or tls",
        );
    }
    from_mailbox(&config.from)?;
    if config.username.is_some() != config.password_file.is_some() {
        return value("notify.email.password_file", "username and password_file go together");
    }
    config.username.as_deref().map_or(Ok(()), |name| plain_word("notify.email.username", name))?;
    config.hello.as_deref().map_or(Ok(()), |name| plain_word("notify.email.hello", name))?;
    deadline("notify.email.deadline_ms", config.deadline_ms).map(|_| ())
}

fn validate_twilio(config: &TwilioConfig) -> Result<(), ConfigFailure> {
    base_url(&config.url)?;
    let sid = &config.account_sid;
    if sid.is_empty() || sid.len() > 64 || !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return value("notify.sms.account_sid", "an account SID is letters and digits, such as AC…");
    }
    sms_from(&config.from)?;
    deadline("notify.sms.deadline_ms", config.deadline_ms).map(|_| ())
}

fn validate_kannel(config: &KannelConfig) -> Result<(), ConfigFailure> {
    base_url(&config.url)?;
    plain_word("notify.sms.username", &config.username)?;
    config.from.as_deref().map_or(Ok(()), sms_from)?;
    deadline("notify.sms.deadline_ms", config.deadline_ms).map(|_| ())
}

/// One printable ASCII word: fit for a command line of SMTP and for a header.
fn plain_word(key: &'static str, word: &str) -> Result<(), ConfigFailure> {
    let fits = (1..=255).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(()) } else { value(key, "one word of printable ASCII characters is needed") }
}

fn sms_from(from: &str) -> Result<(), ConfigFailure> {
    let fits = (1..=40).contains(&from.len()) && from.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if fits {
        Ok(())
    } else {
        value("notify.sms.from", "a number such as +12025550123 or a short sender name is needed")
    }
}

fn from_mailbox(from: &str) -> Result<Mailbox, ConfigFailure> {
    let reason = "an address such as Lockers <lockers@example.org> is needed";
    let mailbox: Option<Mailbox> = if from.chars().any(char::is_control) { None } else { from.parse().ok() };
    let Some(mailbox) = mailbox else { return value("notify.email.from", reason) };
    match mailbox.email.to_string().parse::<EmailAddress>() {
        Ok(_) => Ok(mailbox),
        Err(_) => value("notify.email.from", reason),
    }
}

fn base_url(url: &str) -> Result<BaseUrl, ConfigFailure> {
    BaseUrl::parse(url).map_err(|reason| ConfigFailure::Value { key: "notify.sms.url", reason })
}

fn deadline(key: &'static str, milliseconds: u64) -> Result<Duration, ConfigFailure> {
    if (100..=300_000).contains(&milliseconds) {
        Ok(Duration::from_millis(milliseconds))
    } else {
        value(key, "100 to 300000 milliseconds")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn check(text: &str) -> String {
        match NotifyConfig::parse(text) {
            Ok(_) => "taken".to_owned(),
            Err(failure) => failure.to_string(),
        }
    }

    const EMAIL: &str = "[email]\nhost = 'mail.example.org'\nfrom = 'Lockers <lockers@example.org>'\n";
    const KANNEL: &str =
        "[sms]\ngateway = 'kannel'\nurl = 'http://127.0.0.1:13013'\nusername = 'u'\npassword_file = 'p'\n";
    const TWILIO: &str =
        "[sms]\ngateway = 'twilio'\naccount_sid = 'AC1'\nauth_token_file = 't'\nfrom = '+12025550100'\n";

    #[test]
    fn short_configurations_are_enough() {
        for text in ["", EMAIL, KANNEL, TWILIO, &format!("{EMAIL}{TWILIO}")] {
            assert_eq!(check(text), "taken", "{text}");
        }
        assert_eq!(NotifyConfig::parse(EMAIL).unwrap().email.unwrap().security, Security::Starttls);
    }

    #[test]
    fn unknown_keys_are_named() {
        assert!(check("[pager]\n").contains("pager"));
        assert!(check(&format!("{EMAIL}tls = true\n")).contains("`tls`"));
        assert!(
            check(&format!("{KANNEL}passwort = 'x'\n")).contains("passwort"),
            "{}",
            check(&format!("{KANNEL}passwort = 'x'\n"))
        );
        assert!(check("[sms]\ngateway = 'carrier-pigeon'\n").contains("carrier-pigeon"));
    }

    #[test]
    fn unusable_values_are_named_with_what_to_write() {
        for (text, key) in [
            (format!("{EMAIL}security = 'plain'\n"), "notify.email.security"),
            (format!("{EMAIL}username = 'u'\n"), "notify.email.password_file"),
            (format!("{EMAIL}deadline_ms = 5\n"), "notify.email.deadline_ms"),
            (format!("{EMAIL}hello = \"a\\r\\nRCPT\"\n"), "notify.email.hello"),
            (EMAIL.replace("mail.example.org", "mail example"), "notify.email.host"),
            (
                EMAIL.replace("'Lockers <lockers@example.org>'", "\"L\\r\\nBcc: x@y.example <a@b.example>\""),
                "notify.email.from",
            ),
            (KANNEL.replace("127.0.0.1", "10.0.0.1"), "notify.sms.url"),
            (KANNEL.replace("'u'", "\"u\\r\\nX: y\""), "notify.sms.username"),
            (TWILIO.replace("AC1", "../AC1"), "notify.sms.account_sid"),
            (TWILIO.replace("'+12025550100'", "\"+1\\r\\nX: y\""), "notify.sms.from"),
        ] {
            assert!(check(&text).starts_with(key), "{text}: {}", check(&text));
        }
    }

    #[test]
    fn secrets_are_read_from_private_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let text = KANNEL.replace("'p'", &format!("'{}'", path.display()));
        let failure =
            |text: &str| NotifyConfig::parse(text).unwrap().senders().map(|_| ()).unwrap_err().to_string();
        assert!(failure(&text).contains("can't be read (entity not found)"), "{}", failure(&text));
        std::fs::write(&path, "hunter2\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(failure(&text).contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(NotifyConfig::parse(&text).unwrap().senders().unwrap().sms.is_some());
        std::fs::write(&path, "two\nlines\n").unwrap();
        assert!(failure(&text).contains("one line"));
        std::fs::write(&path, "").unwrap();
        assert!(failure(&text).contains("one line"));
    }

    #[test]
    fn an_authority_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "not a certificate").unwrap();
        for security in ["tls", "starttls"] {
            let text = format!("{EMAIL}security = '{security}'\nca_file = '{}'\n", path.display());
            let failure = NotifyConfig::parse(&text).unwrap().senders().map(|_| ()).unwrap_err();
            assert!(failure.to_string().starts_with("notify.email.ca_file"), "{security}: {failure}");
        }
    }
}
