//! The way to a PostgreSQL server elsewhere: TLS with a certificate of the right host, or nothing at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::PathBuf;

use bailee_server::params;
use bailee_server::store::{Db, DbConfig};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use support::postgres::Cluster;
use tempfile::TempDir;

const HOST: &str = "db.example.org";

/// An authority, and a certificate of its for [`HOST`].
struct House {
    dir: TempDir,
    certificate: String,
    key: String,
}

impl House {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(params, key);
        let own = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec![HOST.to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
        Self { dir, certificate: server.pem(), key: own.serialize_pem() }
    }

    fn ca_file(&self) -> Option<PathBuf> {
        Some(self.dir.path().join("ca.pem"))
    }
}

async fn refused(url: String, ca_file: Option<PathBuf>) -> String {
    let opened = Db::open(&DbConfig::Postgres { url, ca_file }).await;
    opened.err().map(|error| format!("{error:?}")).expect("it must not connect")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_is_spoken_to_over_tls_with_its_own_certificate() {
    let house = House::new("Database authority");
    let Some(cluster) = Cluster::listening(Some((&house.certificate, &house.key))) else { return };
    let url = cluster.fresh_database_at(HOST);
    let db = Db::open(&DbConfig::Postgres { url: url.clone(), ca_file: house.ca_file() }).await.unwrap();
    let sql = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
    let row = db.read(async |tx| tx.query_one(sql, params![]).await).await.unwrap();
    assert_eq!(row.get::<String>("version").unwrap(), "TLSv1.3");

    let said = refused(url.clone(), House::new("Somebody else").ca_file()).await;
    assert!(said.contains("certificate"), "another authority: {said}");
    let said = refused(url.clone(), None).await;
    assert!(said.contains("certificate"), "Mozilla knows no such authority: {said}");
    let said = refused(cluster.fresh_database_at("other.example.org"), house.ca_file()).await;
    assert!(said.contains("certificate"), "the certificate is another host's: {said}");
    let said = refused(format!("{url} sslmode=disable"), house.ca_file()).await;
    assert!(said.contains("sslmode=disable"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_without_tls_is_told_nothing() {
    let Some(cluster) = Cluster::listening(None) else { return };
    let house = House::new("Database authority");
    for (host, ca_file) in [(HOST, None), (HOST, house.ca_file()), ("localhost", house.ca_file())] {
        let said = refused(cluster.fresh_database_at(host), ca_file).await;
        assert!(said.contains("server does not support TLS"), "{host}: {said}");
    }
    // In clear it is served, to this machine.
    let url = cluster.fresh_database_at("localhost");
    Db::open(&DbConfig::postgres(url)).await.unwrap();
}
