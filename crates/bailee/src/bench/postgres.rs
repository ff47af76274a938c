//! A PostgreSQL cluster for one bench, out of Debian's binaries: a Unix socket in its own folder, `fsync` as it comes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// A running cluster; stopped and removed when dropped, or when this process ends in any way.
pub struct Cluster {
    bin: PathBuf,
    dir: PathBuf,
    /// A shell that waits for its input to end, then stops the server by its folder and removes the folder.
    guard: Child,
}

impl Cluster {
    /// Starts a cluster; nothing where there is no PostgreSQL.
    ///
    /// # Errors
    /// When there is one and it does not start.
    pub fn start() -> anyhow::Result<Option<Self>> {
        let Some(bin) = newest_binaries() else { return Ok(None) };
        let made = output(as_owner("mktemp").args(["-d", "-t", "bailee-bench-pg.XXXXXX"]))?;
        let dir = PathBuf::from(made.trim());
        let cluster = Self { guard: guard(&bin, &dir)?, bin, dir };
        let data = cluster.dir.join("data");
        let init = ["--username=bailee", "--auth=trust", "--no-sync", "--encoding=UTF8", "--no-locale", "-D"];
        output(as_owner(cluster.bin.join("initdb")).args(init).arg(&data))?;
        let options = format!(
            "-c listen_addresses='' -c max_connections=2100 -c unix_socket_directories='{}'",
            cluster.dir.display()
        );
        let log = cluster.dir.join("log");
        let mut start = as_owner(cluster.bin.join("pg_ctl"));
        output(start.arg("-D").arg(&data).args(["-w", "-o", &options, "-l"]).arg(&log).arg("start"))?;
        Ok(Some(cluster))
    }

    /// Connection string of a new, empty database.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn database(&self) -> anyhow::Result<String> {
        let mut create = as_owner(self.bin.join("createdb"));
        output(create.arg("-h").arg(&self.dir).args(["-U", "bailee", "bench"]))?;
        Ok(format!("host={} user=bailee dbname=bench", self.dir.display()))
    }

    /// Inserts per second of that many clients, each a row of `bytes` in a transaction of its own, by `pgbench`.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn inserts(&self, clients: usize, bytes: usize, seconds: u32) -> anyhow::Result<f64> {
        let (script, sql) = (
            self.dir.join("insert.sql"),
            format!("INSERT INTO inserted (entry) VALUES (decode(repeat('5a', {bytes}), 'hex'));"),
        );
        let mut write = as_owner("sh");
        output(write.args(["-c", "printf '%s\\n' \"$1\" > \"$2\"", "sh", &sql]).arg(&script))?;
        let mut table = as_owner(self.bin.join("psql"));
        let make = "CREATE TABLE IF NOT EXISTS inserted (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, entry bytea)";
        output(table.arg("-h").arg(&self.dir).args(["-U", "bailee", "-d", "postgres", "-q", "-c", make]))?;
        let mut run = as_owner(self.bin.join("pgbench"));
        run.arg("-h").arg(&self.dir).args(["-U", "bailee", "-n", "-M", "prepared", "-j", "2"]);
        run.args(["-c", &clients.to_string(), "-T", &seconds.to_string(), "-f"]).arg(&script).arg("postgres");
        let printed = output(&mut run)?;
        let tps =
            printed.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        tps.with_context(|| format!("pgbench says no tps: {printed}"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // It has stopped the server and removed the folder, or there is nothing more to be done.
        let _ = self.guard.wait();
    }
}

fn newest_binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let bins = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists());
    let number = |bin: &PathBuf| bin.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    bins.max_by_key(number)
}

/// The server refuses to run as root, so root hands it to the user Debian made for it.
fn as_owner(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut command = if is_root { Command::new("setpriv") } else { Command::new(program.as_ref()) };
    if is_root {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    }
    command.current_dir("/").env_remove("PGDATA").env_remove("PGHOST");
    command
}

fn guard(bin: &Path, dir: &Path) -> anyhow::Result<Child> {
    let script = "cat >/dev/null; \"$1/pg_ctl\" -D \"$2/data\" -w -m immediate stop; cd /; rm -rf \"$2\"";
    let mut shell = as_owner("sh");
    shell.args(["-c", script, "sh"]).args([bin, dir]).stdin(Stdio::piped());
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("starting a shell")
}

/// Runs a command and gives what it printed. Into a file, since a server left running keeps a pipe open.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let printed = tempfile::NamedTempFile::new()?;
    // One offset for both: otherwise what goes to one overwrites what went to the other.
    let out = printed.as_file().try_clone()?;
    let errors = out.try_clone()?;
    let status = command.stdin(Stdio::null()).stdout(out).stderr(errors).status()?;
    let text = std::fs::read_to_string(printed.path())?;
    anyhow::ensure!(status.success(), "{:?}: {status}: {text}", command.get_program());
    Ok(text)
}
