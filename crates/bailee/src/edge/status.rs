//! `bailee edge status`: asks the controller on this machine how it is, and says it in words.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use bailee_wire::json::{BankHealth, HealthFinding};

const PATIENCE: Duration = Duration::from_secs(5);
/// More than the longest report.
const MAX_BYTES: u64 = 1 << 20;

/// Asks the controller whose kiosk listens there.
///
/// # Errors
/// When it does not answer, or with something else than a report.
pub fn ask(listen: SocketAddr, json: bool) -> anyhow::Result<String> {
    let body = fetch(listen).with_context(|| format!("no controller answers on {listen}"))?;
    if json {
        return Ok(body);
    }
    Ok(words(&serde_json::from_str(&body).context("the answer is no report")?))
}

fn fetch(listen: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect_timeout(&listen, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // HTTP/1.0: the answer ends with the connection.
    write!(stream, "GET /status HTTP/1.0\r\nHost: {listen}\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MAX_BYTES).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
    if !head.lines().next().unwrap_or_default().contains(" 200 ") {
        bail!("it said: {}", body.trim());
    }
    Ok(body.to_owned())
}

fn words(health: &BankHealth) -> String {
    let mut text = format!("{}: measured {} s ago, {}\n", health.level, health.age_s, health.software);
    for finding in &health.findings {
        text += &finding_words(finding);
    }
    let mut line = |name: &str, what: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<12} {what}");
    };
    line("up", format!("{} h", health.up_s / 3_600));
    line("backlog", format!("{} events", health.backlog));
    if let Some(disk) = &health.disk {
        line("disk", format!("{} of {} MB free", disk.free / 1_000_000, disk.total / 1_000_000));
    }
    for supply in &health.power {
        let charge = supply.charge.map(|percent| format!(" {percent} %")).unwrap_or_default();
        let volts = supply.millivolts.map(|mv| format!(" {}.{:03} V", mv / 1_000, mv % 1_000));
        line("power", format!("{} ({}){charge}{}", supply.name, supply.kind, volts.unwrap_or_default()));
    }
    for heat in &health.temperatures {
        line("temperature", format!("{} {} °C", heat.name, heat.millidegrees / 1_000));
    }
    let offset = health.clock_offset_ms.map(|ms| format!(", machine {ms} ms off")).unwrap_or_default();
    line("clock", format!("{}{offset}", health.clock));
    line("guard", health.guard.clone());
    for board in &health.boards {
        line("board", format!("{}: {} of {} failed this hour", board.number, board.failed, board.requests));
    }
    for door in &health.doors {
        let usual = door.usual_ms.map(|ms| format!(", usually {ms} ms")).unwrap_or_default();
        line("door", format!("{}: {} of {} opened{usual}", door.compartment, door.opened, door.tried));
    }
    text
}

fn finding_words(finding: &HealthFinding) -> String {
    let number = if finding.number == 0 { String::new() } else { format!(" {}", finding.number) };
    let since = finding.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
    format!("  {} {}{number}: {}{since}\n", finding.level.to_uppercase(), finding.matter, finding.why)
}
