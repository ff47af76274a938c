//! The store's promises, checked alike on every engine.

#![allow(clippy::unwrap_used, reason = "the checks are functions that the macro makes tests of")]

mod support;

use std::{
    future::pending,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

use bailee_server::{
    params,
    store::{Db, DbConfig, EngineKind, StoreError, Tx, Value, migrate},
};
use support::{Fresh, postgres::Cluster};

on_every_engine![
    null_doubles_and_then_values,
    every_kind_of_value_reads_back,
    sums_counts_and_exists_are_integers,
    a_wrong_number_or_kind_of_parameters_is_refused,
    violations_are_told_apart,
    a_refusal_leaves_nothing,
    a_failed_statement_dooms_its_transaction,
    a_panic_leaves_nothing_and_the_store_lives,
    awaiting_anything_else_is_refused,
    a_transaction_outside_its_closure_refuses,
    sixty_four_submitters_lose_nothing,
    transactions_are_as_if_one_after_another,
    a_read_changes_nothing,
    commits_are_counted_when_they_change_something,
    a_caller_who_leaves_harms_nobody,
    each_migration_applies_to_each_older_schema,
    a_changed_or_newer_schema_is_refused,
];

async fn script(db: &Db, statements: &'static [&'static str]) {
    let result: Result<(), StoreError> = db
        .tx(async move |tx| {
            for statement in statements {
                tx.exec(statement, params![]).await?;
            }
            Ok(())
        })
        .await;
    result.expect("the statements run");
}

async fn one<T: bailee_server::store::FromValue + Send + 'static>(db: &Db, sql: &'static str) -> T {
    let row = db.read(async move |tx| tx.query_one(sql, params![]).await).await;
    row.expect("the query runs").get(0).expect("the column has that type")
}

const NOTES: &[&str] = &["CREATE TABLE note (id BIGINT PRIMARY KEY, text TEXT NOT NULL)"];

async fn note(tx: &Tx, id: i64) -> Result<u64, StoreError> {
    tx.exec("INSERT INTO note (id, text) VALUES ($1, $2)", params![id, "a note"]).await
}

async fn notes(db: &Db) -> i64 {
    one(db, "SELECT COUNT(*) FROM note").await
}

async fn null_doubles_and_then_values(Fresh { db, .. }: Fresh) {
    script(&db, &["CREATE TABLE reading (id BIGINT PRIMARY KEY, level DOUBLE PRECISION)"]).await;
    let rows = db
        .tx(async |tx| {
            for (id, level) in [(1, None), (2, Some(1.5)), (3, None), (4, Some(-0.25))] {
                tx.exec("INSERT INTO reading (id, level) VALUES ($1, $2)", params![id, level]).await?;
            }
            tx.query("SELECT level FROM reading ORDER BY id", params![]).await
        })
        .await
        .unwrap();
    let levels: Vec<Option<f64>> = rows.iter().map(|row| row.get("level").unwrap()).collect();
    assert_eq!(levels, [None, Some(1.5), None, Some(-0.25)]);
    assert_eq!(one::<f64>(&db, "SELECT SUM(level) FROM reading").await, 1.25);
}

async fn every_kind_of_value_reads_back(Fresh { db, .. }: Fresh) {
    let blob = if db.engine() == EngineKind::Sqlite { "BLOB" } else { "BYTEA" };
    let create = format!("CREATE TABLE kinds (i BIGINT, f DOUBLE PRECISION, t TEXT, b {blob})");
    let given = [
        [
            Value::Int(i64::MIN),
            Value::Float(0.1),
            Value::Text("ø '$1' \u{1F4E6}".into()),
            Value::Blob(vec![0, 255]),
        ],
        [Value::Int(i64::MAX), Value::Float(-1e300), Value::Text(String::new()), Value::Blob(vec![])],
        [Value::Null, Value::Null, Value::Null, Value::Null],
    ];
    let sent = given.clone();
    let read = db
        .tx(async move |tx| {
            tx.exec(&create, params![]).await?;
            for [i, f, t, b] in &sent {
                // Parameters out of order, and a text that looks like one.
                let values = [b.clone(), t.clone(), f.clone(), i.clone()];
                tx.exec("INSERT INTO kinds (i, f, t, b) VALUES ($4, $3, $2, $1) /* $9 */", &values).await?;
            }
            tx.query("SELECT i, f, t, b, '$1' AS price FROM kinds ORDER BY i IS NULL, i", params![]).await
        })
        .await
        .unwrap();
    for (row, wanted) in read.iter().zip(&given) {
        let values: Vec<Value> = (0..4).map(|at| row.get(at).unwrap()).collect();
        assert_eq!(values, wanted);
        assert_eq!(row.get::<String>("price").unwrap(), "$1");
    }
    assert_eq!(read.len(), 3);
}

async fn sums_counts_and_exists_are_integers(Fresh { db, .. }: Fresh) {
    script(&db, &["CREATE TABLE n (i BIGINT)"]).await;
    assert_eq!(one::<Option<i64>>(&db, "SELECT SUM(i) FROM n").await, None);
    script(&db, &["INSERT INTO n VALUES (2000000000), (2000000000), (-5)"]).await;
    assert_eq!(one::<i64>(&db, "SELECT SUM(i) FROM n").await, 3_999_999_995);
    assert_eq!(one::<i64>(&db, "SELECT COUNT(*) FROM n").await, 3);
    assert!(one::<bool>(&db, "SELECT EXISTS (SELECT 1 FROM n WHERE i < 0)").await);
    assert!(!one::<bool>(&db, "SELECT EXISTS (SELECT 1 FROM n WHERE i = 0)").await);
}

async fn a_wrong_number_or_kind_of_parameters_is_refused(Fresh { db, .. }: Fresh) {
    script(&db, NOTES).await;
    for values in [vec![], vec![Value::Int(1), Value::Int(2), Value::Int(3)]] {
        let refused = db
            .tx(async move |tx| tx.exec("INSERT INTO note (id, text) VALUES ($1, $2)", &values).await)
            .await;
        assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    }
    let nothing = db.tx(async |tx| tx.query_one("SELECT id FROM note", params![]).await).await;
    assert!(matches!(nothing, Err(StoreError::NoRow)));
    assert_eq!(notes(&db).await, 0);
}

async fn violations_are_told_apart(Fresh { db, .. }: Fresh) {
    script(
        &db,
        &[
            "CREATE TABLE owner (id BIGINT PRIMARY KEY, mail TEXT NOT NULL, UNIQUE (mail))",
            "CREATE TABLE thing (id BIGINT PRIMARY KEY, owner BIGINT NOT NULL REFERENCES owner (id))",
            "INSERT INTO owner VALUES (1, 'secret@example.org')",
        ],
    )
    .await;
    let attempt =
        async |sql: &'static str| db.tx(async move |tx| tx.exec(sql, params![]).await).await.unwrap_err();
    for again in ["INSERT INTO owner VALUES (2, 'secret@example.org')", "INSERT INTO owner VALUES (1, 'x')"] {
        let error = attempt(again).await;
        assert!(matches!(error, StoreError::Unique(_)), "{error:?}");
        assert!(!error.constraint().is_empty());
        assert!(!format!("{error:?}").contains("secret"), "values must not reach a log: {error:?}");
    }
    for broken in ["INSERT INTO thing VALUES (1, 99)", "INSERT INTO thing VALUES (2, 77)"] {
        assert!(matches!(attempt(broken).await, StoreError::ForeignKey(_)));
    }
    assert!(matches!(attempt("INSERT INTO owner VALUES (3, NULL)").await, StoreError::Other(_)));
    assert!(matches!(attempt("INSERT INTO nowhere VALUES (3)").await, StoreError::Other(_)));
}

/// What a use case may say besides the store.
#[derive(Debug)]
enum Refused {
    TooMany,
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn a_refusal_leaves_nothing(Fresh { db, .. }: Fresh) {
    script(&db, NOTES).await;
    let refused: Result<(), Refused> = db
        .tx(async |tx| {
            note(&tx, 1).await?;
            Err(Refused::TooMany)
        })
        .await;
    assert!(matches!(refused, Err(Refused::TooMany)));
    let failed: Result<(), Refused> = db
        .tx(async |tx| {
            note(&tx, 1).await?;
            note(&tx, 1).await.map(|_| ()).map_err(Refused::from)
        })
        .await;
    assert!(matches!(failed, Err(Refused::Store(StoreError::Unique(_)))));
    assert_eq!(notes(&db).await, 0);
}

async fn a_failed_statement_dooms_its_transaction(Fresh { db, .. }: Fresh) {
    script(&db, NOTES).await;
    let doomed = db
        .tx(async |tx| {
            note(&tx, 1).await?;
            let _ = note(&tx, 1).await;
            assert!(matches!(note(&tx, 2).await, Err(StoreError::Unique(_))));
            Ok(7)
        })
        .await;
    assert!(matches!(doomed, Err(StoreError::Unique(_))), "{doomed:?}");
    assert_eq!(notes(&db).await, 0);
}

async fn a_panic_leaves_nothing_and_the_store_lives(Fresh { db, .. }: Fresh) {
    script(&db, NOTES).await;
    for _ in 0..20 {
        let panicked: Result<(), StoreError> = db
            .tx(async |tx| {
                note(&tx, 1).await?;
                panic!("a bug");
            })
            .await;
        assert!(
            matches!(&panicked, Err(StoreError::Panicked(said)) if said.to_string() == "a bug"),
            "{panicked:?}"
        );
    }
    db.tx(async |tx| note(&tx, 2).await).await.unwrap();
    assert_eq!(notes(&db).await, 1);
}

async fn awaiting_anything_else_is_refused(Fresh { db, .. }: Fresh) {
    script(&db, NOTES).await;
    let inner = db.clone();
    let nested = db
        .tx(async move |tx| {
            note(&tx, 1).await?;
            inner.tx(async |tx| note(&tx, 2).await).await
        })
        .await;
    let forever: Result<(), StoreError> = db.tx(async |_| pending().await).await;
    let asleep: Result<(), StoreError> = db
        .tx(async |tx| {
            note(&tx, 3).await?;
            tokio::time::sleep(Duration::from_hours(1)).await;
            Ok(())
        })
        .await;
    assert!(matches!(nested, Err(StoreError::ForeignAwait)), "{nested:?}");
    for refused in [forever, asleep] {
        assert!(matches!(refused, Err(StoreError::ForeignAwait)), "{refused:?}");
    }
    assert_eq!(one::<i64>(&db, "SELECT COUNT(*) FROM note WHERE id IN (1, 3)").await, 0);
    db.tx(async |tx| note(&tx, 4).await).await.unwrap();
}

async fn a_transaction_outside_its_closure_refuses(Fresh { db, .. }: Fresh) {
    script(&db, NOTES).await;
    let carried: Arc<Mutex<Option<Tx>>> = Arc::default();
    let out = carried.clone();
    db.tx(async move |tx| {
        note(&tx, 1).await?;
        *out.lock().unwrap() = Some(tx);
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let tx = carried.lock().unwrap().take().unwrap();
    assert!(matches!(note(&tx, 2).await, Err(StoreError::Other(_))));
    assert_eq!(notes(&db).await, 1);
}

const SUBMITTERS: i64 = 64;
const ROUNDS: i64 = 5;

async fn sixty_four_submitters_lose_nothing(Fresh { db, .. }: Fresh) {
    script(
        &db,
        &[
            "CREATE TABLE parcel (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)",
            "CREATE TABLE audit (who BIGINT NOT NULL, round BIGINT NOT NULL, PRIMARY KEY (who, round))",
        ],
    )
    .await;
    let before = *db.commits().borrow();
    let submit = |who: i64| {
        let db = db.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                db.tx(async move |tx| step(&tx, who, round).await).await.unwrap();
            }
        })
    };
    for submitter in (0..SUBMITTERS).map(submit).collect::<Vec<_>>() {
        submitter.await.unwrap();
    }
    assert_eq!(one::<i64>(&db, "SELECT COUNT(*) FROM audit").await, SUBMITTERS * ROUNDS);
    assert_eq!(one::<i64>(&db, "SELECT SUM(version) FROM parcel").await, SUBMITTERS * ROUNDS);
    assert_eq!(one::<i64>(&db, "SELECT COUNT(*) FROM parcel").await, 16);
    let commits = *db.commits().borrow() - before;
    assert!(commits <= (SUBMITTERS * ROUNDS) as u64, "{commits}");
}

/// A read, an insert and an upsert that insists on the version read; four submitters share each parcel.
async fn step(tx: &Tx, who: i64, round: i64) -> Result<(), StoreError> {
    let parcel = who % 16;
    let row = tx.query_opt("SELECT version FROM parcel WHERE id = $1", params![parcel]).await?;
    let version: i64 = row.map_or(Ok(0), |row| row.get(0))?;
    tx.exec("INSERT INTO audit (who, round) VALUES ($1, $2)", params![who, round]).await?;
    let upsert = "INSERT INTO parcel (id, version) VALUES ($1, 1)
        ON CONFLICT (id) DO UPDATE SET version = parcel.version + 1 WHERE parcel.version = $2";
    assert_eq!(tx.exec(upsert, params![parcel, version]).await?, 1, "nobody came between");
    Ok(())
}

/// Two accounts, and the rule that their sum stays positive: each withdrawal reads both and changes one.
async fn transactions_are_as_if_one_after_another(Fresh { db, .. }: Fresh) {
    script(&db, &["CREATE TABLE account (id BIGINT PRIMARY KEY, left_over BIGINT)"]).await;
    script(&db, &["INSERT INTO account VALUES (0, 10), (1, 10)"]).await;
    let withdraw = |who: i64| {
        let db = db.clone();
        tokio::spawn(async move {
            db.tx(async move |tx| {
                let sum: i64 = tx.query_one("SELECT SUM(left_over) FROM account", params![]).await?.get(0)?;
                if sum > 0 {
                    let sql = "UPDATE account SET left_over = left_over - 1 WHERE id = $1";
                    tx.exec(sql, params![who % 2]).await?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
        })
    };
    for withdrawal in (0..40).map(withdraw).collect::<Vec<_>>() {
        withdrawal.await.unwrap();
    }
    assert_eq!(one::<i64>(&db, "SELECT SUM(left_over) FROM account").await, 0);
}

async fn a_read_changes_nothing(Fresh { db, .. }: Fresh) {
    script(&db, NOTES).await;
    let refused = db.read(async |tx| note(&tx, 1).await).await;
    assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    let insert = "INSERT INTO note (id, text) VALUES (1, '') RETURNING id";
    let refused = db.read(async move |tx| tx.query(insert, params![]).await).await;
    assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    assert_eq!(notes(&db).await, 0);
    db.tx(async |tx| note(&tx, 1).await).await.unwrap();
    assert_eq!(notes(&db).await, 1);
}

async fn commits_are_counted_when_they_change_something(Fresh { db, .. }: Fresh) {
    script(&db, NOTES).await;
    let mut commits = db.commits();
    commits.mark_unchanged();
    notes(&db).await;
    db.tx(async |tx| tx.query("SELECT id FROM note", params![]).await).await.unwrap();
    db.tx(async |tx| tx.exec("DELETE FROM note", params![]).await).await.unwrap();
    db.tx(async |tx| note(&tx, 1).await.and(Err::<(), _>(StoreError::NoRow))).await.unwrap_err();
    assert!(!commits.has_changed().unwrap());
    db.tx(async |tx| note(&tx, 1).await).await.unwrap();
    assert!(commits.has_changed().unwrap());
}

async fn a_caller_who_leaves_harms_nobody(Fresh { db, .. }: Fresh) {
    script(&db, NOTES).await;
    for id in 0..40 {
        let work = db.tx(async move |tx| {
            note(&tx, 2 * id).await?;
            note(&tx, 2 * id + 1).await
        });
        tokio::select! { biased; _ = work => {}, () = tokio::task::yield_now() => {} }
    }
    db.tx(async |tx| note(&tx, 1_000).await).await.unwrap();
    let halves = "SELECT COUNT(*) FROM note AS a WHERE id < 100 AND NOT EXISTS
        (SELECT 1 FROM note AS b WHERE b.id / 2 = a.id / 2 AND b.id <> a.id)";
    assert_eq!(one::<i64>(&db, halves).await, 0);
}

async fn each_migration_applies_to_each_older_schema(Fresh { db, .. }: Fresh) {
    let all = migrate::ALL;
    for older in 0..=all.len() {
        let db = another(&db).await;
        assert_eq!(migrate::apply(&db, &all[..older]).await.unwrap(), older);
        assert_eq!(migrate::to_latest(&db).await.unwrap(), all.len() - older);
        assert_eq!(migrate::to_latest(&db).await.unwrap(), 0);
        let applied: i64 = one(&db, "SELECT COUNT(*) FROM schema_migration").await;
        assert_eq!(applied, all.len() as i64);
        assert_eq!(one::<i64>(&db, "SELECT COUNT(*) FROM event").await, 0);
    }
}

/// One more empty database of the same engine.
async fn another(db: &Db) -> Db {
    let config = match db.engine() {
        EngineKind::Sqlite => DbConfig::memory(),
        EngineKind::Postgres => {
            DbConfig::postgres(support::postgres::shared().expect("it is in use").fresh_database())
        }
    };
    Db::open(&config).await.expect("a fresh database opens")
}

macro_rules! files {
    ($($version:literal $name:literal $sql:literal),*) => {
        &[$(migrate::Migration { version: $version, name: $name, sql: $sql }),*]
    };
}

async fn a_changed_or_newer_schema_is_refused(Fresh { db, .. }: Fresh) {
    let two: &[migrate::Migration] =
        files![1 "1.sql" "CREATE TABLE a (i {{int}})", 2 "2.sql" "CREATE TABLE b (i {{id}})"];
    assert_eq!(migrate::apply(&db, two).await.unwrap(), 2);
    let refused = migrate::apply(&db, &two[..1]).await.unwrap_err();
    assert!(matches!(refused, migrate::MigrateError::TooNew { found: 2, known: 1 }), "{refused}");
    let changed: &[migrate::Migration] =
        files![1 "1.sql" "CREATE TABLE a (j {{int}})", 2 "2.sql" "CREATE TABLE b (i {{id}})"];
    let refused = migrate::apply(&db, changed).await.unwrap_err();
    assert!(matches!(&refused, migrate::MigrateError::Changed { name } if name == "1.sql"), "{refused}");
    let odd: &[migrate::Migration] = files![1 "1.sql" "CREATE TABLE a (i {{decimal}})"];
    assert!(matches!(migrate::apply(&db, odd).await, Err(migrate::MigrateError::Malformed { .. })));
    let gap: &[migrate::Migration] = files![2 "2.sql" ""];
    assert!(matches!(migrate::apply(&db, gap).await, Err(migrate::MigrateError::Malformed { .. })));
    let half: &[migrate::Migration] = files![
        1 "1.sql" "CREATE TABLE a (i {{int}})", 2 "2.sql" "CREATE TABLE b (i {{id}})",
        3 "3.sql" "CREATE TABLE c (i {{int}}); INSERT INTO nowhere VALUES (1)"
    ];
    assert!(matches!(migrate::apply(&db, half).await, Err(migrate::MigrateError::Store(_))));
    assert!(
        db.read(async |tx| tx.query("SELECT * FROM c", params![]).await).await.is_err(),
        "half of 3.sql was kept"
    );
    assert_eq!(migrate::apply(&db, two).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_submitters_share_a_commit() {
    let Fresh { db, dir: _dir, .. } = support::fresh(support::On::SqliteFile).await.unwrap();
    script(&db, NOTES).await;
    let before = *db.commits().borrow();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let holding = tokio::spawn({
        let db = db.clone();
        async move {
            db.tx(async move |tx| {
                gate.lock().unwrap().recv().ok(); // holds the writer, as a slow sync would
                note(&tx, 0).await
            })
            .await
        }
    });
    tokio::task::yield_now().await;
    let mut waiting: Vec<_> = (1..=64)
        .map(|id| {
            let db = db.clone();
            Box::pin(async move { db.tx(async move |tx| note(&tx, id).await).await })
        })
        .collect();
    for submitter in &mut waiting {
        assert!(submitter.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    open.send(()).unwrap();
    holding.await.unwrap().unwrap();
    for submitter in waiting {
        submitter.await.unwrap();
    }
    assert_eq!(notes(&db).await, 65);
    let commits = *db.commits().borrow() - before;
    assert!(commits <= 2, "{commits} commits for 65 transactions, 64 of which were waiting");
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let Fresh { db, dir: _dir, config } = support::fresh(support::On::SqliteFile).await.unwrap();
    script(&db, NOTES).await;
    db.tx(async |tx| note(&tx, 1).await).await.unwrap();
    drop(db);
    let db = Db::open(&config).await.unwrap();
    assert_eq!(notes(&db).await, 1);
}

#[tokio::test]
async fn a_full_disk_is_said_and_survived() {
    let Fresh { db, dir: _dir, .. } = support::fresh(support::On::SqliteFile).await.unwrap();
    script(&db, &["CREATE TABLE pile (id BIGINT PRIMARY KEY, bytes BLOB NOT NULL)"]).await;
    db.tx(async |tx| tx.query("PRAGMA max_page_count = 200", params![]).await).await.unwrap();
    let add = |id: i64, size: usize| {
        let db = db.clone();
        async move {
            let sql = "INSERT INTO pile (id, bytes) VALUES ($1, $2)";
            db.tx(async move |tx| tx.exec(sql, params![id, vec![7_u8; size]]).await).await
        }
    };
    add(1, 400_000).await.unwrap();
    let together = futures_util::future::join_all([add(2, 1_000), add(3, 600_000), add(4, 1_000)]).await;
    assert!(together[0].is_ok() && together[2].is_ok(), "small ones fit: {together:?}");
    assert!(matches!(together[1], Err(StoreError::Full(_))), "{together:?}");
    assert!(matches!(add(5, 600_000).await, Err(StoreError::Full(_))));
    assert_eq!(one::<i64>(&db, "SELECT COUNT(*) FROM pile").await, 3);
    db.tx(async |tx| tx.exec("DELETE FROM pile WHERE id = 1", params![]).await).await.unwrap();
    add(6, 400_000).await.unwrap();
    assert_eq!(one::<i64>(&db, "SELECT SUM(id) FROM pile").await, 12);
}

#[tokio::test]
async fn a_store_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let Fresh { db, dir, .. } = support::fresh(support::On::SqliteFile).await.unwrap();
    script(&db, NOTES).await;
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    std::fs::write(&path, [b'x'; 5_000]).unwrap();
    let refused = Db::open(&DbConfig::file(path)).await.err();
    assert!(matches!(refused, Some(StoreError::Other(_))), "{refused:?}");
    let nowhere = Db::open(&DbConfig::file(dir.path().join("no/such/folder/store.db"))).await.err();
    assert!(matches!(nowhere, Some(StoreError::Unavailable(_))), "{nowhere:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_and_returns() {
    let Some(cluster) = Cluster::start() else { return };
    let db = Db::open(&DbConfig::postgres(cluster.fresh_database())).await.unwrap();
    script(&db, NOTES).await;
    let add = async |ids: std::ops::Range<i64>| {
        futures_util::future::join_all(ids.map(|id| db.tx(async move |tx| note(&tx, id).await))).await
    };
    assert!(add(0..20).await.iter().all(Result::is_ok), "many connections are in the pool now");
    cluster.kill();
    for gone in add(20..30).await {
        assert!(matches!(gone, Err(StoreError::Unavailable(_))), "{gone:?}");
    }
    let gone = db.read(async |tx| tx.query("SELECT id FROM note", params![]).await).await;
    assert!(matches!(gone, Err(StoreError::Unavailable(_))), "{gone:?}");
    cluster.up();
    assert!(add(30..50).await.iter().all(Result::is_ok), "without being opened again");
    assert_eq!(notes(&db).await, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_migrate_at_once_agree() {
    let Some(cluster) = support::postgres::shared() else { return };
    let config = DbConfig::postgres(cluster.fresh_database());
    let node = async || {
        let db = Db::open(&config).await.unwrap();
        migrate::to_latest(&db).await.unwrap()
    };
    let applied = futures_util::future::join_all((0..4).map(|_| node())).await;
    assert_eq!(applied.iter().sum::<usize>(), migrate::ALL.len());
}

/// An HTTP server spawns its handlers: a transaction that captures references and lends them must be `Send` there too.
#[tokio::test]
async fn a_transaction_in_a_borrowing_function_can_be_spawned() {
    async fn insert(db: &Db, text: &'static str, ids: std::ops::Range<i64>) -> Result<(), StoreError> {
        db.tx(async move |tx| {
            for id in ids.clone() {
                let both = (text, &id);
                tx.exec("INSERT INTO note (id, text) VALUES ($1, $2)", params![*both.1, both.0]).await?;
                one_of(&tx, &both).await?;
            }
            Ok(())
        })
        .await
    }
    async fn one_of(tx: &Tx, both: &(&str, &i64)) -> Result<(), StoreError> {
        tx.query_one("SELECT text FROM note WHERE id = $1", params![*both.1]).await.map(|_| ())
    }
    let Fresh { db, .. } = support::fresh(support::On::SqliteMemory).await.unwrap();
    script(&db, NOTES).await;
    let handler = db.clone();
    tokio::spawn(async move { insert(&handler, "static", 0..3).await }).await.unwrap().unwrap();
    assert_eq!(notes(&db).await, 3);
}
