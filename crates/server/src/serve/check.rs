//! The check of a platform's ledger from its configuration, with the platform running or not. Nothing is written or made.

use bailee_ledger::disk::FolderDisk;
use bailee_vault::kek::FileKek;

use super::{ServeError, io};
use crate::app::install::{self, InstallError};
use crate::config::ServerConfig;
use crate::ledger::check::{Kept, Report, check};
use crate::store::migrate;
use crate::store::{Db, DbConfig, SqlitePlace};

/// Checks everything the platform stores about its log against everything else it stores, and against checkpoints that
/// others kept. `progress` hears how many entries were looked at, and of how many.
///
/// # Errors
/// [`ServeError`]: what kept it from being checked. What is wrong is in the report.
pub async fn check_ledger(
    config: &ServerConfig,
    kept: &[Kept],
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Report, ServeError> {
    config.check()?;
    let missing = |what: String| io(what)(std::io::ErrorKind::NotFound.into());
    let db = config.db()?;
    if let DbConfig::Sqlite { place: SqlitePlace::File(path), .. } = &db
        && !path.exists()
    {
        return Err(missing(format!("there is no database at {}", path.display())));
    }
    let kek = FileKek::open(&config.data_dir.join("kek"))?;
    let db = Db::open(&db).await?;
    if !migrate::is_latest(&db).await.map_err(InstallError::from)? {
        return Err(missing("a start of this version has yet to bring the database up to date".to_owned()));
    }
    let known = install::look(&db, &kek).await?;
    let known = known.ok_or_else(|| missing("the platform has never been started".to_owned()))?;
    let folder = config.data_dir.join("ledger");
    let disk = FolderDisk::beside(&folder).map_err(io(folder.display()))?;
    let keys: Vec<_> = std::iter::once(known.key.verifying).chain(known.key.earlier).collect();
    let whose = (&known.log, known.org.as_str());
    let report = check(&db, whose, &keys, Box::new(disk), kept, progress).await;
    Ok(report.map_err(InstallError::from)?)
}
