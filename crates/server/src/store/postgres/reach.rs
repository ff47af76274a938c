//! Where the server is, and what its connections must be like: in clear to this machine alone.

use std::path::Path;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::tls;

/// Reads a connection string, and makes it demand TLS of every server that isn't this machine.
///
/// # Errors
/// What is wrong with the string or with the file of authorities, in words for whoever wrote them.
pub(super) fn config(url: &str, ca_file: Option<&Path>) -> Result<(Config, MakeRustlsConnect), String> {
    let mut config = Config::from_str(url).map_err(|error| format!("the connection string: {error}"))?;
    if ca_file.is_some() || !is_here(&config) {
        if config.get_ssl_mode() == SslMode::Disable {
            return Err(
                "the connection string: sslmode=disable, and nothing but this machine may be reached \
                        without TLS"
                    .to_owned(),
            );
        }
        if config.get_hosts().is_empty()
            || config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_)))
        {
            return Err("the connection string: TLS needs the name of a host, which the server's certificate is for, and a \
                        Unix socket has none"
                .to_owned());
        }
        config.ssl_mode(SslMode::Require);
    } else if config.get_ssl_mode() == SslMode::Prefer {
        // Nobody is in between, and a certificate made for this machine alone would be refused.
        config.ssl_mode(SslMode::Disable);
    }
    let trusted = tls::trusting(ca_file).map_err(|why| match ca_file {
        Some(path) => format!("database.ca_file {}: {why}", path.display()),
        None => why,
    })?;
    Ok((config, MakeRustlsConnect::new(trusted.as_ref().clone())))
}

/// Whether every server named is on this machine. Names are not looked up: what they stand for may change.
fn is_here(config: &Config) -> bool {
    let is_here = |host: &Host| match host {
        Host::Tcp(name) => tls::is_loopback_name(name),
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(|addr| addr.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_in_clear() {
        let mode = |url: &str| config(url, None).map(|(config, _)| config.get_ssl_mode());
        for here in ["host=/run/postgresql", "host=localhost", "host=127.0.0.1 sslmode=prefer", "host=::1"] {
            assert_eq!(mode(&format!("{here} user=bailee")), Ok(SslMode::Disable), "{here}");
        }
        assert_eq!(mode("host=localhost sslmode=require"), Ok(SslMode::Require));
        for nameless in ["hostaddr=192.0.2.7", "host=/run/postgresql,db.example.org"] {
            let why = mode(&format!("{nameless} user=bailee")).expect_err("no certificate is for that");
            assert!(why.contains("the name of a host"), "{nameless}: {why}");
        }
        for elsewhere in [
            "host=db.example.org",
            "host=db.example.org hostaddr=127.0.0.1",
            "host=localhost hostaddr=192.0.2.7",
            "host=localhost,db.example.org",
            "host=10.0.0.7 sslmode=prefer",
        ] {
            assert_eq!(mode(&format!("{elsewhere} user=bailee")), Ok(SslMode::Require), "{elsewhere}");
            let clear = mode(&format!("{} sslmode=disable", elsewhere.replace("sslmode=prefer", "")));
            assert!(clear.is_err_and(|why| why.contains("without TLS")), "{elsewhere}");
        }
    }

    #[test]
    fn authorities_that_are_none_are_said() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let why = config("host=localhost", Some(file.path())).map(drop).expect_err("it is empty");
        assert!(why.starts_with("database.ca_file ") && why.ends_with("it holds no certificate"), "{why}");
        let why = config("host=localhost", Some(Path::new("/nowhere"))).map(drop).expect_err("nothing there");
        assert!(why.contains("/nowhere"), "{why}");
    }
}
