//! What the program weighs: memory of an idle platform and an idle bank, time from starting the process to its first
//! answer, bytes of the program. Both run as processes of their own, as they would be installed.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use bailee_edge::clock::Clocks;
use bailee_edge::config::{BoardConfig, CompartmentConfig};

use super::bank::{self, DOORS_96, ONE_BOARD, Shape};
use super::report::{Report, Table, number};
use super::stats::median;

/// How long a process is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);
/// A process that has not answered by then never will.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two questions whether a process answers.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// A code has been stretched and refused long before.
const CODE_TAKES: Duration = Duration::from_secs(1);
/// Wrong codes typed at the bank to see what is left of the memory they take; the keypad allows them without a pause.
const CODES: [&str; 4] = ["12345678", "23456789", "34567890", "45678901"];
const SERVE_RESIDENT_MB: f64 = 40.0;
const EDGE_RESIDENT_MB: f64 = 25.0;
const READY_MS: f64 = 300.0;
/// A bank serves again so soon after any stop.
const LADEN_READY_MS: f64 = 10_000.0;
/// Events since the last snapshot that it then has to read.
const LADEN_EVENTS: u32 = 100_000;

/// A started process, killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended need not be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn status(&self) -> std::io::Result<String> {
        std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))
    }
}

/// What one start showed.
struct Start {
    ready_ms: f64,
    resident_mb: f64,
    peak_mb: f64,
    /// Resident after [`CODES`] were typed; only banks take codes.
    used_mb: Option<f64>,
}

/// One kind of process.
struct Subject {
    arguments: Vec<String>,
    address: SocketAddr,
    codes: &'static [&'static str],
}

/// Runs the bench.
///
/// # Errors
/// When a process does not start.
pub async fn run(dir: &Path, rounds: u32) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let mut report =
        Report::new("u1 footprint", "memory idle, time to the first answer, size of the program");
    let mut table = Table::new(&[
        "round",
        "bare start ms",
        "what",
        "ready ms",
        "resident MB after 5 s idle",
        "peak MB",
        "resident MB after four codes",
    ]);
    let (mut first, mut again, mut edge, mut big) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut laden = Vec::new();
    let (cabinet, big_cabinet) = (bank::cabinet(clock, ONE_BOARD)?, bank::cabinet(clock, DOORS_96)?);
    for round in 1..=rounds {
        let platform = Subject::serve(&dir.join(format!("serve-{round}")))?;
        let bench_bank = Subject::edge(&dir.join(format!("edge-{round}")), cabinet.path(), ONE_BOARD)?;
        let big_bank = Subject::edge(&dir.join(format!("edge-96-{round}")), big_cabinet.path(), DOORS_96)?;
        let laden_bank = Subject::edge(&dir.join(format!("laden-{round}")), big_cabinet.path(), DOORS_96)?;
        fill(&dir.join(format!("laden-{round}")), big_cabinet.path(), clock)?;
        for (what, subject, all) in [
            ("serve, first start", &platform, &mut first),
            ("serve, later start", &platform, &mut again),
            ("edge run, 12 doors", &bench_bank, &mut edge),
            ("edge run, 96 doors", &big_bank, &mut big),
            ("edge run, 96 doors, 100,000 events since the last snapshot", &laden_bank, &mut laden),
        ] {
            let bare = bare_start(clock)?;
            let start = subject.start(clock).await.with_context(|| what.to_owned())?;
            let used = start.used_mb.map_or_else(|| "–".to_owned(), number);
            let numbers = [number(start.ready_ms), number(start.resident_mb), number(start.peak_mb), used];
            table.row([round.to_string(), number(bare), what.to_owned()].into_iter().chain(numbers));
            all.push(start);
        }
    }
    report.table(table);
    let mut add = |what: &str, starts: &[Start], resident: f64| {
        let of = |pick: fn(&Start) -> f64| median(&starts.iter().map(pick).collect::<Vec<_>>());
        report.value(format!("{what}: resident"), of(|start| start.resident_mb), "MB", Some(resident));
        report.value(format!("{what}: ready"), of(|start| start.ready_ms), "ms", Some(READY_MS));
    };
    add("serve, first start", &first, SERVE_RESIDENT_MB);
    add("serve, later start", &again, SERVE_RESIDENT_MB);
    add("edge run, 12 doors", &edge, EDGE_RESIDENT_MB);
    add("edge run, 96 doors", &big, EDGE_RESIDENT_MB);
    let ready: Vec<f64> = laden.iter().map(|start| start.ready_ms).collect();
    report.value("edge run, 96 doors, 100,000 events: ready", median(&ready), "ms", Some(LADEN_READY_MS));
    let resident: Vec<f64> = laden.iter().map(|start| start.resident_mb).collect();
    report.value("edge run, 96 doors, 100,000 events waiting: resident", median(&resident), "MB", None);
    for (doors, starts) in [(12, &edge), (96, &big)] {
        let used: Vec<f64> = starts.iter().filter_map(|start| start.used_mb).collect();
        let what = format!("edge run, {doors} doors, after four codes: resident");
        report.value(what, median(&used), "MB", Some(EDGE_RESIDENT_MB));
    }
    program(&mut report, dir)?;
    report.note("a MB is 1,000,000 bytes; ready is the first 200 after the process was started");
    report.note(
        "bare start is this program printing its version: what the system needs for any process of this size",
    );
    Ok(report)
}

/// Writes events into the journal of a bank made by [`Subject::edge`].
fn fill(dir: &Path, tty: &Path, clock: Clocks) -> anyhow::Result<()> {
    let config = bank::config(&dir.join("data"), tty, DOORS_96);
    let filled = bailee_sim::journal::fill(&config, LADEN_EVENTS, clock);
    filled.map(drop).map_err(|error| anyhow::anyhow!(error))
}

fn program(report: &mut Report, dir: &Path) -> anyhow::Result<()> {
    let program = std::env::current_exe()?;
    let stripped = dir.join("stripped");
    let mb = |path: &Path| Ok::<_, std::io::Error>(std::fs::metadata(path)?.len() as f64 / 1e6);
    report.value("program as built", mb(&program)?, "MB", None);
    match Command::new("strip").arg("-s").arg("-o").arg(&stripped).arg(&program).status() {
        Ok(status) if status.success() => {
            report.value("program stripped", mb(&stripped)?, "MB", None);
        }
        _ => report.note("no strip: the size without symbols is not known"),
    }
    Ok(())
}

fn bare_start(clock: Clocks) -> anyhow::Result<f64> {
    let from = clock.elapsed();
    let output = Command::new(std::env::current_exe()?).arg("--version").output()?;
    anyhow::ensure!(output.status.success(), "the program cannot print its version");
    Ok((clock.elapsed() - from).as_secs_f64() * 1e3)
}

impl Subject {
    fn serve(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let (address, link) = (free_address()?, free_address()?);
        let text = format!(
            "data_dir = {:?}\nlisten = \"{address}\"\n[link]\nlisten = \"{link}\"\n",
            dir.join("data")
        );
        let config = write(dir, &text)?;
        Ok(Self { arguments: vec!["serve".to_owned(), "--config".to_owned(), config], address, codes: &[] })
    }

    fn edge(dir: &Path, tty: &Path, shape: Shape) -> anyhow::Result<Self> {
        let data_dir = dir.join("data");
        std::fs::create_dir_all(&data_dir)?;
        bank::enrol(&data_dir)?;
        let address = free_address()?;
        let config = bank::config(&data_dir, tty, shape);
        let mut text =
            format!("data_dir = {data_dir:?}\n[kiosk]\nlisten = \"{address}\"\n[[bus]]\nline = {tty:?}\n");
        for BoardConfig { number, kind, address, channels, .. } in &config.buses[0].boards {
            let kind = kind.name();
            text += &format!(
                "[[bus.board]]\nnumber = {number}\nkind = {kind:?}\naddress = {address}\nchannels = {channels}\n"
            );
        }
        for CompartmentConfig { number, board, channel, column, row, .. } in &config.compartments {
            text += &format!(
                "[[compartment]]\nnumber = {number}\nsize = \"S\"\nboard = {board}\nchannel = {channel}\ncolumn = {column}\nrow = {row}\n"
            );
        }
        let config = write(dir, &text)?;
        let arguments = ["edge", "run", "--config"].map(str::to_owned).into_iter().chain([config]).collect();
        Ok(Self { arguments, address, codes: &CODES })
    }

    async fn start(&self, clock: Clocks) -> anyhow::Result<Start> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let from = clock.elapsed();
        let mut process = Process(command.spawn()?);
        while !self.answers() {
            if process.0.try_wait()?.is_some() || clock.elapsed() > from + PATIENCE {
                return Err(given_up(process));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        let ready_ms = (clock.elapsed() - from).as_secs_f64() * 1e3;
        tokio::time::sleep(IDLE).await;
        let status = process.status()?;
        for code in self.codes {
            self.type_code(code)?;
            tokio::time::sleep(CODE_TAKES).await;
        }
        let used_mb = match self.codes {
            [] => None,
            _ => Some(megabytes(&process.status()?, "VmRSS:")?),
        };
        let (resident_mb, peak_mb) = (megabytes(&status, "VmRSS:")?, megabytes(&status, "VmHWM:")?);
        Ok(Start { ready_ms, resident_mb, peak_mb, used_mb })
    }

    fn answers(&self) -> bool {
        self.ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    fn ask(&self) -> std::io::Result<String> {
        self.send(&format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address))
    }

    /// Types a code as the kiosk's page does.
    fn type_code(&self, code: &str) -> anyhow::Result<()> {
        let (address, form) = (self.address, format!("do=enter-code&code={code}"));
        let head = format!("POST /act HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n");
        let about = "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        let length = format!("Content-Length: {}\r\nConnection: close\r\n\r\n", form.len());
        let answer = self.send(&[head.as_str(), about, &length, &form].concat())?;
        anyhow::ensure!(answer.starts_with("HTTP/1.1 303"), "the kiosk took no code: {answer}");
        Ok(())
    }

    /// The beginning of the first line of the answer to a request.
    fn send(&self, request: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(String::from_utf8_lossy(&head).into_owned())
    }
}

fn given_up(mut process: Process) -> anyhow::Error {
    // One that has ended need not be killed.
    let _ = process.0.kill();
    let mut text = String::new();
    if let Some(mut errors) = process.0.stderr.take() {
        // What it said, as far as it can be read.
        let _ = errors.read_to_string(&mut text);
    }
    anyhow::anyhow!("the process never answered: {text}")
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn write(dir: &Path, text: &str) -> anyhow::Result<String> {
    let path: PathBuf = dir.join("config.toml");
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}

/// A line of `/proc/<pid>/status`, which is in KiB.
fn megabytes(status: &str, name: &str) -> anyhow::Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("the system does not tell")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_status_file() {
        let status = "Name:\tbailee\nVmHWM:\t   25000 kB\nVmRSS:\t   20000 kB\n";
        assert_eq!(megabytes(status, "VmRSS:").expect("it is there"), 20.48);
        assert!(megabytes(status, "VmSwap:").is_err());
    }
}
