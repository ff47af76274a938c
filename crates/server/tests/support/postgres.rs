//! A throw-away PostgreSQL cluster out of Debian's binaries.
//!
//! It listens on a Unix socket in its own folder only, with `fsync` as it comes. A small shell outlives the tests by a
//! moment: when the pipe from the test process closes, however that process ended, it stops the server by the process
//! id in its folder and removes the folder.

use std::{
    fs::Permissions,
    io::Read,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A running cluster; stopped and removed when dropped or when the process ends.
pub struct Cluster {
    bin: PathBuf,
    dir: PathBuf,
    guard: Child,
    databases: AtomicU32,
    /// The number in the socket's name, and the port where it listens, if it does.
    port: u16,
    /// Further settings of the server.
    options: String,
}

/// The cluster all tests of this process share, or `None` (with a line saying so) where there is no PostgreSQL.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(Cluster::start).as_ref()
}

impl Cluster {
    /// Starts a cluster of its own.
    ///
    /// # Panics
    /// If there is no PostgreSQL although `BAILEE_REQUIRE_PEERS=1`, or it does not start.
    pub fn start() -> Option<Self> {
        let cluster = Self::made()?;
        cluster.up();
        Some(cluster)
    }

    /// Starts a cluster of its own that also listens on the loopback; with TLS if it is given a certificate and its key, both
    /// PEM.
    ///
    /// # Panics
    /// As [`Cluster::start`].
    pub fn listening(tls: Option<(&str, &str)>) -> Option<Self> {
        let mut cluster = Self::made()?;
        let owner = std::fs::metadata(cluster.data()).expect("it was made").uid();
        for (name, text) in tls.iter().flat_map(|(chain, key)| [("server.crt", chain), ("server.key", key)]) {
            let path = cluster.data().join(name);
            std::fs::write(&path, text).expect("it is written");
            std::os::unix::fs::chown(&path, Some(owner), None).expect("it is handed over");
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is closed");
        }
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        cluster.port = free.local_addr().expect("it is bound").port();
        drop(free);
        let ssl = if tls.is_some() { "on" } else { "off" };
        cluster.options = format!("-c listen_addresses=127.0.0.1 -c port={} -c ssl={ssl}", cluster.port);
        cluster.up();
        Some(cluster)
    }

    /// A new folder of data, not served yet.
    fn made() -> Option<Self> {
        let Some(bin) = newest_binaries() else {
            let required = std::env::var_os("BAILEE_REQUIRE_PEERS").is_some_and(|value| value == "1");
            assert!(
                !required,
                "BAILEE_REQUIRE_PEERS=1, but there is no PostgreSQL below /usr/lib/postgresql"
            );
            println!("skipped: no PostgreSQL below /usr/lib/postgresql");
            return None;
        };
        let made = output(as_owner("mktemp").args(["-d", "/tmp/bailee-pg.XXXXXX"]));
        let dir = PathBuf::from(made.trim());
        let guard = guard(&bin, &dir);
        let (databases, options) = (AtomicU32::new(0), "-c listen_addresses=''".to_owned());
        let cluster = Self { bin, dir, guard, databases, port: 5432, options };
        let data = cluster.data();
        let init = ["--username=bailee", "--auth=trust", "--no-sync", "--encoding=UTF8", "--no-locale", "-D"];
        output(as_owner(cluster.bin.join("initdb")).args(init).arg(&data));
        Some(cluster)
    }

    /// Starts the server again after [`Cluster::kill`].
    pub fn up(&self) {
        let options = format!("{} -c unix_socket_directories='{}'", self.options, self.dir.display());
        let log = self.dir.join("log");
        output(self.pg_ctl().args(["-w", "-o", &options, "-l"]).arg(log).arg("start"));
    }

    /// Stops the server at once, as a power cut would: connections drop, recovery follows at the next start.
    pub fn kill(&self) {
        output(self.pg_ctl().args(["-w", "-m", "immediate", "stop"]));
    }

    /// Connection string of a new, empty database.
    pub fn fresh_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        let port = self.port.to_string();
        let mut createdb = as_owner(self.bin.join("createdb"));
        output(createdb.arg("-h").arg(&self.dir).args(["-p", &port, "-U", "bailee", &name]));
        format!("host={} port={port} user=bailee dbname={name}", self.dir.display())
    }

    /// Connection string of a new, empty database, reached on the loopback under a host's name.
    pub fn fresh_database_at(&self, host: &str) -> String {
        let local = self.fresh_database();
        let (_, rest) = local.split_once(" port=").expect("it names the port");
        format!("host={host} hostaddr=127.0.0.1 port={rest}")
    }

    fn pg_ctl(&self) -> Command {
        let mut command = as_owner(self.bin.join("pg_ctl"));
        command.arg("-D").arg(self.data());
        command
    }

    /// Has the server write everything it holds in memory to its files, and drop files of tables that are gone.
    pub fn checkpoint(&self) {
        let mut psql = as_owner(self.bin.join("psql"));
        output(psql.arg("-h").arg(&self.dir).args(["-U", "bailee", "-d", "postgres", "-c", "CHECKPOINT"]));
    }

    /// The folder of all its databases.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait(); // it has stopped the server and removed the folder
    }
}

fn newest_binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let bins = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists());
    bins.max_by_key(|bin| {
        bin.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok())
    })
}

/// The server refuses to run as root, so root hands it to the user Debian made for it.
fn as_owner(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut command = if root { Command::new("setpriv") } else { Command::new(program.as_ref()) };
    if root {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    }
    command.current_dir("/").env_remove("PGDATA").env_remove("PGHOST");
    command
}

fn guard(bin: &Path, dir: &Path) -> Child {
    let script = "cat >/dev/null; \"$1/pg_ctl\" -D \"$2/data\" -w -m immediate stop; cd /; rm -rf \"$2\"";
    as_owner("sh")
        .args(["-c", script, "sh"])
        .args([bin, dir])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell starts")
}

/// Runs a command and returns what it printed. A file takes the output, since a server left behind keeps a pipe open.
fn output(command: &mut Command) -> String {
    let mut printed = tempfile::tempfile().expect("a temporary file");
    let copy = || Stdio::from(printed.try_clone().expect("a second handle"));
    let status =
        command.stdin(Stdio::null()).stdout(copy()).stderr(copy()).status().expect("the program starts");
    let mut text = String::new();
    std::io::Seek::rewind(&mut printed).expect("a file rewinds");
    printed.read_to_string(&mut text).expect("the output is text");
    assert!(status.success(), "{command:?}: {status}\n{text}");
    text
}
