//! `bailee evidence`: makes bundles at the command line, and bundles that tell less.

use std::fs::{File, OpenOptions};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{AlertId, BankId, ParcelId, PersonId};
use bailee_domain::time::WallTime;
use bailee_evidence::{LeaveOut, Options, Subject};
use bailee_server::app::evidence::{self, Asked, Files, Telling};
use bailee_server::app::{App, Principal, install};
use bailee_server::config::ServerConfig;
use bailee_server::ledger::LedgerError;
use bailee_server::serve;
use clap::{Args, Subcommand};

use crate::verify::bundle::key;

/// What can be done with evidence.
#[derive(Subcommand)]
pub enum Evidence {
    /// Write a bundle about a parcel, a compartment, a bank, a person or a time.
    Export(Export),
    /// Write a bundle that tells less than another and proves the same.
    Redact(Redact),
}

/// What `bailee evidence export` takes.
#[derive(Args)]
pub struct Export {
    /// The platform's configuration file.
    #[arg(long)]
    config: PathBuf,
    /// Everything about this parcel.
    #[arg(long, group = "subject")]
    parcel: Option<ParcelId>,
    /// Everything about this compartment, as `BANK/NUMBER`.
    #[arg(long, group = "subject", value_parser = compartment)]
    compartment: Option<(BankId, CompartmentNo)>,
    /// Everything from or about this bank.
    #[arg(long, group = "subject")]
    bank: Option<BankId>,
    /// Everything about or by this person.
    #[arg(long, group = "subject")]
    person: Option<PersonId>,
    /// An alert and what was around it; by default from an hour before to an hour after somebody saw to it.
    #[arg(long, group = "subject")]
    incident: Option<AlertId>,
    /// Not before this time (RFC 3339).
    #[arg(long)]
    from: Option<jiff::Timestamp>,
    /// Before this time (RFC 3339).
    #[arg(long)]
    until: Option<jiff::Timestamp>,
    /// Why, in a few words; the log commits to it.
    #[arg(long)]
    reason: String,
    /// What to tell of people, such as `name,unit`, and `files` for photos and files; `all`, or `none`.
    #[arg(long, default_value = "all")]
    tell: String,
    /// Where to write the bundle; a file that is there is not replaced.
    #[arg(long)]
    out: PathBuf,
}

/// What `bailee evidence redact` takes.
#[derive(Args)]
pub struct Redact {
    /// The bundle to leave something out of.
    bundle: PathBuf,
    /// What to leave out: `person:per_…`, `person:per_…:FIELD`, a field (name, unit, email, phone, reach), `reason`,
    /// `files`, or `file:SHA256`.
    #[arg(long = "drop", required = true)]
    drops: Vec<LeaveOut>,
    /// The log's verifier key; the bundle is checked first.
    #[arg(long)]
    key: Option<String>,
    /// Where to write the new bundle; a file that is there is not replaced.
    #[arg(long)]
    out: PathBuf,
}

fn compartment(text: &str) -> Result<(BankId, CompartmentNo), String> {
    let parts = text
        .split_once('/')
        .and_then(|(bank, number)| Some((bank.parse().ok()?, CompartmentNo(number.parse().ok()?))));
    parts.ok_or_else(|| "expected BANK/NUMBER, such as bnk_…/4".to_owned())
}

/// Runs `bailee evidence`.
pub async fn run(command: Evidence) -> anyhow::Result<()> {
    match command {
        Evidence::Export(args) => export(args).await,
        Evidence::Redact(args) => redact(&args),
    }
}

/// A new file only its owner may read; none is replaced.
fn create(path: &Path) -> anyhow::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
    file.with_context(|| format!("creating {}", path.display()))
}

async fn export(args: Export) -> anyhow::Result<()> {
    let config =
        ServerConfig::read(&args.config).with_context(|| format!("reading {}", args.config.display()))?;
    let asked = asked(&args)?;
    let app = serve::open(&config).await?;
    let out = create(&args.out)?;
    let made = make(&app, asked, out).await;
    if made.is_err() {
        // Half a bundle is no bundle.
        let _ = std::fs::remove_file(&args.out);
    }
    let entries = made?;
    crate::say(&format!("{}: {entries} entries; check it with `bailee verify bundle`", args.out.display()));
    Ok(())
}

fn asked(args: &Export) -> anyhow::Result<Asked> {
    let time = |at: Option<jiff::Timestamp>| at.map(|at| WallTime::from_unix_ms(at.as_millisecond()));
    let subject = match (args.parcel, args.compartment, args.bank, args.person, args.incident) {
        (Some(parcel), ..) => Subject::Parcel(parcel),
        (_, Some((bank, number)), ..) => Subject::Compartment(bank, number),
        (_, _, Some(bank), ..) => Subject::Bank(bank),
        (_, _, _, Some(person), _) => Subject::Person(person),
        (.., Some(alert)) => Subject::Incident(alert),
        _ if args.from.is_none() && args.until.is_none() => {
            bail!(
                "say about what: --parcel, --compartment, --bank, --person, --incident, or a time with --from and --until"
            )
        }
        _ => Subject::Span,
    };
    let (telling, files) = told(&args.tell)?;
    Ok(Asked {
        subject,
        from: time(args.from),
        until: time(args.until),
        reason: args.reason.clone(),
        telling,
        files,
    })
}

/// What is told of people, and whether files go along.
fn told(tell: &str) -> anyhow::Result<(Telling, Files)> {
    match tell {
        "all" => return Ok((Telling::everything(), Files::Along)),
        "none" => return Ok((Telling::Nobody, Files::LeftOut)),
        _ => {}
    }
    let (files, fields): (Vec<&str>, Vec<&str>) = tell.split(',').partition(|word| *word == "files");
    let telling = Telling::of(|name| fields.contains(&name));
    let known = match &telling {
        Telling::People(told) => told.len() == fields.len(),
        Telling::Nobody => fields.is_empty(),
    };
    if !known {
        bail!("--tell takes `all`, `none`, or a list of name, unit, email, phone, reach, files");
    }
    Ok((telling, if files.is_empty() { Files::LeftOut } else { Files::Along }))
}

/// Asks as the operator, has the log sign the record, and writes the bundle.
async fn make(app: &App, asked: Asked, out: File) -> anyhow::Result<u64> {
    let everything = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    let operator = Principal { roles: vec![everything], ..Principal::PLATFORM };
    let id = evidence::ask(app, &operator, asked).await?;
    let sequencer = install::sequencer(app);
    loop {
        match sequencer.run_once(app.now().unix_ms()).await {
            Ok(done) if done.is_full() => {}
            Ok(_) => break,
            // The platform that runs beside signs it within moments.
            Err(LedgerError::NotOurs) => {
                bail!("the platform is running: export in its portal or through its API, or stop it first")
            }
            Err(error) => return Err(error.into()),
        }
    }
    let made = evidence::write_to(app, id, out).await;
    evidence::written_elsewhere(app, id).await?;
    Ok(made?.1.entries.all)
}

fn redact(args: &Redact) -> anyhow::Result<()> {
    let options = Options { key: args.key.as_deref().map(key).transpose()?, now: None };
    let source = File::open(&args.bundle).with_context(|| format!("opening {}", args.bundle.display()))?;
    let out = create(&args.out)?;
    match bailee_evidence::redact(BufReader::new(source), out, &args.drops, &options) {
        Ok(written) => {
            crate::say(&format!("{}: {} entries, telling less", args.out.display(), written.entries.all));
            Ok(())
        }
        Err(error) => {
            let _ = std::fs::remove_file(&args.out);
            Err(error.into())
        }
    }
}
