//! A platform on disk with a resident, and files of it: a copy of its log, a receipt, a bundle.

use std::fs::File;
use std::path::{Path, PathBuf};

use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::compartment::Reach;
use bailee_domain::id::PersonId;
use bailee_domain::time::WallTime;
use bailee_evidence::Subject;
use bailee_ledger::disk::MemoryDisk;
use bailee_server::app::evidence::{self, Asked, Files, Telling};
use bailee_server::app::install::{self, LedgerDisk, Names, Outside};
use bailee_server::app::log::{self, ListLog, LogFilter};
use bailee_server::app::people::{self, ResidentInput};
use bailee_server::app::{App, Principal, TestClock};
use bailee_server::store::{Db, DbConfig};
use bailee_vault::OsRandom;
use bailee_vault::kek::MemoryKek;
use bailee_vault::stretch::Cost;

/// The operator at the command line.
pub fn operator() -> Principal {
    let everything = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    Principal { roles: vec![everything], ..Principal::PLATFORM }
}

/// Adds somebody with these details.
pub async fn resident(app: &App, name: &str, email: &str) -> PersonId {
    let input = ResidentInput { name, unit: "4B", email, phone: "", reach: Reach::Standard };
    people::add_resident(app, &operator(), input).await.unwrap()
}

/// What somebody who checks has in hand.
pub struct InHand {
    /// The verifying key of the log.
    pub key: String,
    /// A copy of the log.
    pub log: PathBuf,
    /// A receipt.
    pub receipt: PathBuf,
    /// A bundle.
    pub bundle: PathBuf,
}

/// Makes the files with a platform whose clock shows this time.
pub async fn files(dir: &Path, at: WallTime) -> InHand {
    let clock = std::sync::Arc::new(TestClock::at(at));
    let disk = LedgerDisk::Own(Box::new(MemoryDisk::default()));
    let outside =
        Outside { clock: Box::new(clock), rng: Box::new(OsRandom), cost: Cost::SIMULATION, ledger: disk };
    let names = Names { org: "Harbour Homes".into(), site: "Harbour House".into() };
    let db = Db::open(&DbConfig::memory()).await.unwrap();
    let app = install::open_or_create(db, &MemoryKek::random(&mut OsRandom), outside, &names).await.unwrap();
    resident(&app, "Sam Sample", "sam@example.org").await;
    let asked = Asked {
        subject: Subject::Span,
        from: None,
        until: None,
        reason: "Claim 4711".into(),
        telling: Telling::everything(),
        files: Files::Along,
    };
    let id = evidence::ask(&app, &operator(), asked).await.unwrap();
    install::sequencer(&app).run_once(at.unix_ms()).await.unwrap();
    let (log, receipt, bundle) = (dir.join("log"), dir.join("receipt.tlog-proof"), dir.join("bundle.zip"));
    std::fs::create_dir(&log).unwrap();
    app.ledger().reader().export(&log).await.unwrap();
    let key = install::log_key(&app).unwrap().verifying.to_string();
    std::fs::write(log.join("key"), &key).unwrap();
    let page = ListLog { filter: LogFilter::default(), before: None, limit: 1 };
    let newest = log::list(&app, &operator(), page).await.unwrap().rows[0].id;
    let proof = log::proof_file(&app, &operator(), newest).await.unwrap().unwrap();
    std::fs::write(&receipt, proof).unwrap();
    let out = File::options().read(true).write(true).create_new(true).open(&bundle).unwrap();
    evidence::write_to(&app, id, out).await.unwrap();
    InHand { key, log, receipt, bundle }
}
