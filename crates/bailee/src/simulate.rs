//! `bailee simulate cabinet`: lock boards that are not there, on a line that is, for trying a controller's
//! configuration, for demonstrations and for finding out what a fault looks like at the kiosk.
//!
//! It listens on the loopback alone and obeys whoever reaches it: it is a tool for the bench, never for a bank.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;
use bailee_edge::clock::Clocks;
use bailee_sim::cabinet::{
    BoardPlan, Cabinet, CabinetEvent, Command, Family, Fault, LiveCabinet, Pacing, PtyCabinet, TcpCabinet,
};
use clap::{Args, Subcommand};
use tokio::net::TcpListener;

/// Things that can be simulated.
#[derive(Subcommand)]
pub enum Simulate {
    /// A cabinet: lock boards with latches, doors, switches and item sensors, and faults on request.
    Cabinet(CabinetArgs),
}

/// What `bailee simulate cabinet` takes.
#[derive(Args)]
pub struct CabinetArgs {
    /// What the boards speak: 8a80, cu12, cu16, cu48 or modbus-relay.
    #[arg(long)]
    family: Family,
    /// Doors in all; as many boards as they need.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=400))]
    doors: u16,
    /// Be a serial port: a link to the pseudo terminal is made here.
    #[arg(long, conflicts_with = "tcp", required_unless_present = "tcp")]
    pty_link: Option<PathBuf>,
    /// Be a serial gateway on this port of the loopback; 0 picks one.
    #[arg(long)]
    tcp: Option<u16>,
    /// Take commands by HTTP on this port of the loopback as well as by typing; 0 picks one.
    #[arg(long)]
    control: Option<u16>,
    /// How long coils are energised, in milliseconds, where boards are not told.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(50..=2_000))]
    pulse_ms: u16,
    /// Start with this fault on every board.
    #[arg(long, value_parser = fault)]
    fault: Vec<Fault>,
}

fn fault(word: &str) -> Result<Fault, String> {
    word.parse().map_err(|()| format!("there are {}", Fault::words()))
}

/// A cabinet on either kind of line.
enum Line {
    Pty(PtyCabinet, Link),
    Tcp(TcpCabinet),
}

/// A name for the pseudo terminal, taken away again.
struct Link(PathBuf);

impl Link {
    fn make(at: &Path, tty: &Path) -> anyhow::Result<Self> {
        if at.is_symlink() {
            std::fs::remove_file(at)?;
        }
        std::os::unix::fs::symlink(tty, at).with_context(|| format!("linking {}", at.display()))?;
        Ok(Self(at.to_owned()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Somebody may have taken it away already.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Line {
    fn live(&self) -> &LiveCabinet {
        match self {
            Self::Pty(cabinet, _) => cabinet,
            Self::Tcp(cabinet) => cabinet,
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Pty(_, link) => link.0.display().to_string(),
            Self::Tcp(cabinet) => format!("tcp://{}", cabinet.address()),
        }
    }

    /// Does what a line of words says, and answers in words.
    fn obey(&self, words: &str) -> Result<String, String> {
        let command: Command = words.parse().map_err(|error| format!("{error}"))?;
        self.live().change(|cabinet, now| {
            let done = cabinet.command(now, command);
            done.map(|()| cabinet.state()).map_err(|error| error.to_string())
        })
    }
}

/// Runs until Ctrl-C.
///
/// # Errors
/// When the boards don't fit on a line, or the line or the control port can't be had.
pub async fn run(command: Simulate) -> anyhow::Result<()> {
    let Simulate::Cabinet(args) = command;
    let stop = crate::stop_signal()?;
    let plans = plans(&args)?;
    let line = Arc::new(start(&args, &plans)?);
    crate::say(&format!("# {} doors on {}\n{}", args.doors, line.address(), config(&line.address(), &plans)));
    if let Some(port) = args.control {
        let address = control(port, line.clone()).await?;
        crate::say(&format!(
            "# commands: curl --data 'force 1 3' http://{address}/ ; curl http://{address}/"
        ));
    }
    crate::say("# type a command, such as: state");
    listen_to_keyboard(line.clone());
    let seen = tokio::spawn(tell_what_happens(line.clone()));
    stop.await;
    seen.abort();
    Ok(())
}

fn plans(args: &CabinetArgs) -> anyhow::Result<Vec<BoardPlan>> {
    let most = args.family.most_locks();
    let count = args.doors.div_ceil(u16::from(most));
    let last = u16::from(args.family.first_address()) + count - 1;
    if last > highest_address(args.family) {
        bail!("{} doors need {count} {} boards: more than a line has addresses for", args.doors, args.family);
    }
    let mut left = args.doors;
    let plan = |address: u16| {
        let locks = left.min(u16::from(most));
        left -= locks;
        let (address, locks) = (u8::try_from(address)?, u8::try_from(locks)?);
        let pulse = Duration::from_millis(args.pulse_ms.into());
        Ok(BoardPlan { pulse, ..BoardPlan::of(args.family, address, locks) })
    };
    (u16::from(args.family.first_address())..=last).map(plan).collect()
}

const fn highest_address(family: Family) -> u16 {
    match family {
        Family::Xor8a80 => 99,
        Family::Cu12 | Family::Cu16 => 14,
        Family::Cu48 => 9,
        Family::ModbusRelay => 247,
    }
}

fn start(args: &CabinetArgs, plans: &[BoardPlan]) -> anyhow::Result<Line> {
    let mut cabinet = Cabinet::new(plans, Pacing::Baud(args.family.baud()));
    for plan in plans {
        args.fault.iter().for_each(|fault| cabinet.set_fault(plan.address, *fault));
    }
    let clock = Clocks::start();
    Ok(match (&args.pty_link, args.tcp) {
        (Some(at), _) => {
            let cabinet = PtyCabinet::start(cabinet, move || clock.elapsed())?;
            let link = Link::make(at, cabinet.path())?;
            Line::Pty(cabinet, link)
        }
        (None, port) => {
            Line::Tcp(TcpCabinet::start(cabinet, port.unwrap_or_default(), move || clock.elapsed())?)
        }
    })
}

/// What a controller's configuration says about these boards.
fn config(line: &str, plans: &[BoardPlan]) -> String {
    let mut text = format!("[[bus]]\nline = \"{line}\"\n");
    for (number, plan) in (1..).zip(plans) {
        let kind = match plan.family {
            Family::Xor8a80 => "8A/80",
            Family::Cu12 => "CU12",
            Family::Cu16 => "CU16",
            Family::Cu48 => "CU48",
            Family::ModbusRelay => "modbus-relay",
        };
        let BoardPlan { address, locks, .. } = plan;
        text.push_str(&format!(
            "[[bus.board]]\nnumber = {number}\nkind = \"{kind}\"\naddress = {address}\nchannels = {locks}\n"
        ));
    }
    text
}

fn listen_to_keyboard(line: Arc<Line>) {
    // It waits for a line for ever, and so is not waited for: the process ends without it.
    std::thread::spawn(move || {
        for words in std::io::stdin().lines().map_while(Result::ok).filter(|words| !words.trim().is_empty()) {
            crate::say(line.obey(&words).unwrap_or_else(|error| error).trim_end());
        }
    });
}

/// Says what happens to doors and coils, as it happens.
async fn tell_what_happens(line: Arc<Line>) {
    let mut told = 0;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        let new: Vec<CabinetEvent> = line.live().look(|cabinet| cabinet.log()[told..].to_vec());
        told += new.len();
        for CabinetEvent { at, what } in new {
            crate::say(&format!("{:.3} {what:?}", at.as_secs_f64()));
        }
    }
}

async fn control(port: u16, line: Arc<Line>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.context("the control port")?;
    let address = listener.local_addr()?;
    let router = axum::Router::new().route("/", get(state).post(obey)).with_state(line);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

type Said = (StatusCode, String);

async fn state(State(line): State<Arc<Line>>) -> String {
    line.live().look(Cabinet::state)
}

async fn obey(State(line): State<Arc<Line>>, headers: HeaderMap, words: String) -> Said {
    // A page in some browser must not play with it.
    if headers.contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, "not from a browser\n".to_owned());
    }
    match line.obey(&words) {
        Ok(state) => (StatusCode::OK, state),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}

#[cfg(test)]
mod tests {
    use bailee_edge::config::EdgeConfig;

    use super::*;

    fn args(family: Family, doors: u16) -> CabinetArgs {
        CabinetArgs {
            family,
            doors,
            pty_link: None,
            tcp: Some(0),
            control: None,
            pulse_ms: 500,
            fault: vec![Fault::Echo],
        }
    }

    #[test]
    fn every_family_gets_as_many_boards_as_its_doors_need_and_a_configuration_that_fits() {
        for (family, doors, boards) in [
            (Family::Xor8a80, 101, 3),
            (Family::Cu12, 24, 2),
            (Family::Cu16, 48, 3),
            (Family::Cu48, 96, 2),
            (Family::ModbusRelay, 33, 2),
        ] {
            let plans = plans(&args(family, doors)).unwrap();
            assert_eq!(plans.len(), boards, "{family}");
            assert_eq!(plans.iter().map(|plan| u16::from(plan.locks)).sum::<u16>(), doors, "{family}");
            let compartment =
                "[[compartment]]\nnumber = 1\nsize = 'S'\nboard = 1\nchannel = 1\ncolumn = 0\nrow = 0";
            let text = format!("data_dir = '/x'\n{}{compartment}", config("/dev/pts/7", &plans));
            toml::from_str::<EdgeConfig>(&text).unwrap().check().unwrap();
        }
        assert!(plans(&args(Family::Cu16, 241)).is_err());
    }

    #[test]
    fn a_cabinet_obeys_words() {
        let args = args(Family::Cu16, 16);
        let line = start(&args, &plans(&args).unwrap()).unwrap();
        assert!(line.obey("force 0 3").unwrap().contains("door 0 3: open"));
        assert!(line.obey("force 9 9").unwrap_err().contains("no such board"));
        assert!(line.obey("dance").unwrap_err().contains("not understood"));
    }

    #[test]
    fn a_link_names_the_terminal_and_goes_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("ttyCABINET");
        let link = Link::make(&at, Path::new("/dev/null")).unwrap();
        assert_eq!(std::fs::read_link(&at).unwrap(), Path::new("/dev/null"));
        drop(link);
        assert!(!at.is_symlink());
        std::fs::write(&at, "somebody's file").unwrap();
        assert!(Link::make(&at, Path::new("/dev/null")).is_err());
    }
}
