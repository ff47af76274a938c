//! The platform's configuration file.
//!
//! TOML, unknown keys refused, parsed once into types that are valid; secrets are named by the file that holds them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bailee_audit::Policy;
use bailee_vault::Secret;
use hyper::Uri;
use serde::Deserialize;

use crate::jobs::witnesses::{OutsideWitness, WitnessConfig};
use crate::notify::NotifyConfig;
use crate::store::DbConfig;

/// Fewest characters of the token of `/metrics`.
const MIN_TOKEN: usize = 16;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Folder for the key file and, without `database`, the store; only the platform's user may read it.
    pub data_dir: PathBuf,
    /// Where browsers and integrations are served.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The address people use, see [`ServerConfig::public_url`]; made of `listen` unless given.
    pub public_url: Option<String>,
    /// File that holds the token `/metrics` takes; without it only this machine may read them.
    pub metrics_token_file: Option<PathBuf>,
    /// Certificate and key for HTTPS. Without them `listen` must be a loopback address.
    pub tls: Option<TlsConfig>,
    /// Where banks are served.
    #[serde(default)]
    pub link: LinkConfig,
    /// A PostgreSQL server instead of the embedded store.
    pub database: Option<DatabaseConfig>,
    /// What the platform is called when it starts for the first time.
    #[serde(default)]
    pub first_start: FirstStart,
    /// The ways out for messages.
    #[serde(default)]
    pub notify: NotifyConfig,
    /// Witnesses of the custody log that others run; banks are witnesses without being named here.
    #[serde(default)]
    pub witness: Vec<WitnessConfig>,
    /// File with the policy (C2SP tlog-policy) that says whose cosignatures make a published checkpoint a witnessed one;
    /// without it more than half of the witnesses heard within a day.
    pub witness_policy_file: Option<PathBuf>,
}

const fn default_listen() -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080)
}

/// HTTPS by certificate files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificate chain in PEM form, the platform's own first.
    pub cert_file: PathBuf,
    /// Its private key in PEM form.
    pub key_file: PathBuf,
}

/// Where banks are served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkConfig {
    /// Where to listen; always TLS 1.3 with both sides pinned.
    pub listen: SocketAddr,
    /// How banks reach it, `host:port`, as written into enrolment tokens; `listen` unless given.
    pub address: Option<String>,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8443)), address: None }
    }
}

/// A PostgreSQL server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// File that holds the connection string in libpq form.
    pub url_file: PathBuf,
    /// PEM file of the authorities the server's certificate may be of, instead of Mozilla's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// What the platform is called when it starts for the first time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FirstStart {
    /// The organisation.
    pub organisation: String,
    /// Its first site.
    pub site: String,
}

impl Default for FirstStart {
    fn default() -> Self {
        Self { organisation: "Our organisation".to_owned(), site: "Our building".to_owned() }
    }
}

/// Why a configuration cannot be used. The text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML of the expected form; the source names line and column.
    #[error("{path} is not a valid configuration")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The settings do not fit together.
    #[error("{0}")]
    Invalid(String),
}

impl ServerConfig {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?;
        let config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) })?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.tls.is_none() && !self.listen.ip().is_loopback() {
            return Err(ConfigError::Invalid(format!(
                "listen = \"{}\" would serve plain HTTP to the network: add [tls] with cert_file and key_file, \
                 or listen on 127.0.0.1 behind a proxy",
                self.listen
            )));
        }
        self.public_url()?;
        self.witnesses()?;
        self.witness_policy()?;
        self.notify.validate().map_err(|error| ConfigError::Invalid(error.to_string()))
    }

    /// The address people use, without a slash at the end, where one is set.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for anything but `https://` (or, for this machine alone, `http://`), a host and a port.
    pub fn public_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(given) = &self.public_url else { return Ok(None) };
        let wrong = |why: &str| ConfigError::Invalid(format!("public_url = \"{given}\" {why}"));
        let url: Uri =
            given.parse().map_err(|_| wrong("is not an address such as https://lockers.example.org"))?;
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(wrong("must begin with https:// and name a host"));
        };
        match (scheme, authority.host()) {
            ("https", _) | ("http", "127.0.0.1" | "localhost" | "[::1]") => {}
            ("http", _) => return Err(wrong("must begin with https://; plain http is for 127.0.0.1 alone")),
            _ => return Err(wrong("must begin with https://")),
        }
        if authority.host().is_empty() || authority.as_str().contains('@') {
            return Err(wrong("must name a host, and no user"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(wrong("must end after the host: Bailee is served at /"));
        }
        Ok(Some(format!("{scheme}://{authority}").to_ascii_lowercase()))
    }

    /// The token `/metrics` takes, where one is set.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`]; [`ConfigError::Invalid`] for a token that could be guessed.
    pub fn metrics_token(&self) -> Result<Option<Secret<String>>, ConfigError> {
        let Some(path) = &self.metrics_token_file else { return Ok(None) };
        let token = read(path)?.trim().to_owned();
        if token.len() < MIN_TOKEN || token.contains(|c: char| !c.is_ascii_graphic()) {
            return Err(ConfigError::Invalid(format!(
                "metrics_token_file: {} must hold one token of {MIN_TOKEN} or more printable characters",
                path.display()
            )));
        }
        Ok(Some(Secret::new(token)))
    }

    /// The witnesses that others run.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for an address or a key that can't be used, and for a name given twice.
    pub fn witnesses(&self) -> Result<Vec<OutsideWitness>, ConfigError> {
        let mut names = std::collections::BTreeSet::new();
        let mut witnesses = Vec::new();
        for given in &self.witness {
            let witness = given.open().map_err(|error| ConfigError::Invalid(error.to_string()))?;
            if !names.insert(witness.key.name().clone()) {
                return Err(ConfigError::Invalid(format!(
                    "[[witness]] {} is given twice",
                    witness.key.name()
                )));
            }
            witnesses.push(witness);
        }
        Ok(witnesses)
    }

    /// The policy for witnessed checkpoints, where one is set.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`]; [`ConfigError::Invalid`] naming the line.
    pub fn witness_policy(&self) -> Result<Option<Policy>, ConfigError> {
        let Some(path) = &self.witness_policy_file else { return Ok(None) };
        let policy = Policy::parse(read(path)?.as_bytes());
        let wrong = |error| ConfigError::Invalid(format!("witness_policy_file: {}: {error}", path.display()));
        policy.map(Some).map_err(wrong)
    }

    /// Which store to open.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] when the file with the connection string cannot be read.
    pub fn db(&self) -> Result<DbConfig, ConfigError> {
        match &self.database {
            None => Ok(DbConfig::file(self.data_dir.join("bailee.db"))),
            Some(database) => Ok(DbConfig::Postgres {
                url: read(&database.url_file)?.trim().to_owned(),
                ca_file: database.ca_file.clone(),
            }),
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(line: &str) -> ServerConfig {
        toml::from_str(&format!("data_dir = \"/nowhere\"\n{line}")).expect("readable")
    }

    fn url(url: &str) -> Result<Option<String>, String> {
        with(&format!("public_url = \"{url}\"")).public_url().map_err(|error| error.to_string())
    }

    #[test]
    fn the_address_people_use_is_taken_without_its_slash() {
        for (given, taken) in [
            ("https://lockers.example.org", "https://lockers.example.org"),
            ("https://Lockers.example.org:8443/", "https://lockers.example.org:8443"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://localhost", "http://localhost"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(url(given), Ok(Some(taken.to_owned())));
        }
        assert_eq!(with("").public_url().expect("none is needed"), None);
    }

    #[test]
    fn plain_http_is_for_this_machine_and_every_complaint_names_the_key() {
        for wrong in [
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1@evil.example",
            "https://user@lockers.example.org",
            "http://lockers.example.org",
            "ftp://lockers.example.org",
            "lockers.example.org",
            "/",
            "",
            "https://",
            "https://lockers.example.org/portal",
            "https://lockers.example.org/?a=b",
            "https://two words.example",
        ] {
            let why = url(wrong).expect_err(wrong);
            assert!(why.starts_with(&format!("public_url = \"{wrong}\" ")), "{why}");
        }
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("token");
        let config = with(&format!("metrics_token_file = \"{}\"", path.display()));
        assert!(matches!(config.metrics_token(), Err(ConfigError::Unreadable { .. })));
        for (text, taken) in [
            ("", false),
            ("short\n", false),
            ("two words are no token\n", false),
            ("0123456789abcdef\n", true),
        ] {
            std::fs::write(&path, text).expect("a writable folder");
            let token = config.metrics_token();
            assert_eq!(token.is_ok(), taken, "{text:?}");
        }
        assert!(with("").metrics_token().expect("none is needed").is_none());
    }
}
