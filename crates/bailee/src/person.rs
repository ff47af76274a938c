//! `bailee erase person`: destroys everything known of a person, from the command line of the platform's machine.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::bank::io::Request;
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::time::WallTime;
use bailee_server::app::link::{Ask, Asking, NotAnswered};
use bailee_server::app::people::erase::{self, Erasure};
use bailee_server::app::{AppError, Principal, Refused, legal_hold};
use bailee_server::config::ServerConfig;
use bailee_server::serve;
use bailee_wire::event::time_text;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::say;

/// What can be erased.
#[derive(Subcommand)]
pub enum Erase {
    /// Destroy everything known of a person; asked for again, show how far it has come.
    Person(Person),
}

/// What `bailee erase person` takes.
#[derive(Args)]
pub struct Person {
    /// Whom: `per_…`.
    person: PersonId,
    /// The platform's configuration file.
    #[arg(long)]
    config: PathBuf,
    /// Why, without naming the person: it is kept.
    #[arg(long)]
    reason: String,
}

/// The link to banks belongs to the running platform, which tells them.
struct NoLink;

impl Ask for NoLink {
    fn ask(&self, _: BankId, _: Request, _: WallTime) -> Asking<'_> {
        Box::pin(std::future::ready(Err(NotAnswered)))
    }
}

/// Runs `bailee erase`.
///
/// # Errors
/// Why the person can't be erased, with each hold's reason and owner; what went wrong with the store.
pub async fn run(command: Erase, json: bool) -> anyhow::Result<()> {
    let Erase::Person(args) = command;
    let config =
        ServerConfig::read(&args.config).with_context(|| format!("reading {}", args.config.display()))?;
    let app = serve::open(&config).await?;
    let everything = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    let operator = Principal { roles: vec![everything], ..Principal::PLATFORM };
    match erase::erase(&app, &operator, args.person, &args.reason).await {
        Err(AppError::Refused(Refused::NotPossibleNow { why: "legal_hold" })) => {
            let holds = legal_hold::on_person(&app, &operator, args.person).await?;
            let each = holds.iter().map(|hold| format!("\n  {}: {} ({})", hold.id, hold.reason, hold.owner));
            bail!("not erased: a legal hold is in force{}", each.collect::<String>());
        }
        done => done?,
    };
    erase::carry_on(&app, &NoLink).await?;
    let status = erase::status(&app, &operator, args.person).await?;
    say(&if json { as_json(&status) } else { as_text(&status) });
    Ok(())
}

fn as_json(status: &Erasure) -> String {
    let banks: Vec<String> = status.banks_waiting.iter().map(|(bank, _)| bank.to_string()).collect();
    json!({
        "person": status.person.to_string(),
        "asked_at": time_text(status.asked_at),
        "scrubbed_at": status.scrubbed_at.map(time_text),
        "completed_at": status.completed_at.map(time_text),
        "banks_waiting": banks,
    })
    .to_string()
}

fn as_text(status: &Erasure) -> String {
    let files = match status.scrubbed_at {
        Some(_) => "the platform's files hold nothing of them",
        None => {
            "the platform's files will be cleared once nobody reads an older state; `bailee serve` does it"
        }
    };
    let names: Vec<&str> = status.banks_waiting.iter().map(|(_, name)| name.as_str()).collect();
    let banks = match (status.completed_at, names.is_empty()) {
        (Some(_), _) => "every bank has forgotten them".to_owned(),
        (None, true) => "every bank has answered; completion is noted next".to_owned(),
        (None, false) => format!("banks that may still know them, until they answer: {}", names.join(", ")),
    };
    format!(
        "{}: erased\n{files}\n{banks}\nout of reach: messages already sent, evidence already handed out, backups made before",
        status.person
    )
}
