//! The platform's configuration file.
//!
//! TOML, unknown keys refused, parsed once into types that are valid; secrets are named by the file that holds them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::notify::NotifyConfig;
use crate::store::DbConfig;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Folder for the key file and, without `database`, the store; only the platform's user may read it.
    pub data_dir: PathBuf,
    /// Where browsers and integrations are served.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The address people use, without a slash at the end; `http://` followed by `listen` unless given.
    pub public_url: Option<String>,
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
    /// File that holds the connection string in libpq form: over a Unix socket or the loopback.
    pub url_file: PathBuf,
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
        if let Some(url) = &self.public_url
            && !(url.starts_with("https://") || url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost"))
        {
            return Err(ConfigError::Invalid("public_url must begin with https:// (plain http only for 127.0.0.1)".into()));
        }
        self.notify.validate().map_err(|error| ConfigError::Invalid(error.to_string()))
    }

    /// Which store to open.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] when the file with the connection string cannot be read.
    pub fn db(&self) -> Result<DbConfig, ConfigError> {
        match &self.database {
            None => Ok(DbConfig::file(self.data_dir.join("bailee.db"))),
            Some(database) => Ok(DbConfig::Postgres { url: read(&database.url_file)?.trim().to_owned() }),
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}
