//! What a database file may be when an engine starts.

use std::path::Path;

use super::*;
use crate::config;

pub(crate) async fn open(folder: &Path) -> Result<Database, DatabaseFault> {
    let settings = config::Database {
        url: None,
        file: folder.join("data/campanile.db"),
    };
    Ok(Database::open(&settings, redis("store-1", false)).await?.0)
}

/// How SQLite would find what a query asks for, step by step.
pub(crate) async fn plan(database: &Database, query: &Sql) -> Vec<String> {
    let mut explain = query.clone();
    explain.explain();
    let plan = database.rows(explain, |row| row.text(3)).await.unwrap();
    assert!(!plan.is_empty());
    plan
}

fn redis(id: &str, is_blank: bool) -> Redis<'_> {
    Redis { id, is_blank }
}

async fn put(database: &Database, name: &str, taken: i64) {
    let mut change = database.change().await.unwrap();
    let mut put = Sql::new("INSERT INTO number_series (name, taken) VALUES (");
    put.value(name).push(", ").value(taken).push(")");
    assert_eq!(change.run(put).await.unwrap(), 1);
    change.commit().await.unwrap();
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.unwrap();
    put(&database, "one", 7).await;
    drop(database);
    let database = open(folder.path()).await.unwrap();
    let taken = Sql::new("SELECT taken FROM number_series WHERE name = 'one'");
    assert_eq!(database.count(taken).await.unwrap(), 7);
}

#[tokio::test]
async fn numbers_are_given_once_and_an_undone_change_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.unwrap();
    let mut given = Vec::new();
    for (count, keep) in [(3, true), (2, false), (1, true)] {
        let mut change = database.change().await.unwrap();
        given.push(change.numbers("contact", count).await.unwrap());
        if keep {
            change.commit().await.unwrap();
        }
    }
    assert_eq!(given, [1, 4, 4]);
}

#[tokio::test]
async fn changes_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.unwrap();
    let changes = (0..40).map(|at| {
        let database = database.clone();
        async move { put(&database, &format!("series {at}"), at).await }
    });
    futures::future::join_all(changes).await;
    let count = Sql::new("SELECT COUNT(*) FROM number_series");
    assert_eq!(database.count(count).await.unwrap(), 40);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data/campanile.db");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "nom;prenom\n".repeat(1_000)).unwrap();
    let fault = open(folder.path()).await.err().unwrap().to_string();
    assert!(
        fault.contains("data/campanile.db") && fault.contains("not a database"),
        "{fault}"
    );
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let fault = open(folder.path()).await.err().unwrap().to_string();
    assert!(fault.contains("unable to open"), "{fault}");
}

#[tokio::test]
async fn tables_of_a_later_version_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path()).await.unwrap();
    let mut change = database.change().await.unwrap();
    let later = "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1";
    change.run(Sql::new(later)).await.unwrap();
    change.commit().await.unwrap();
    drop(database);
    let fault = open(folder.path()).await.err().unwrap();
    assert!(matches!(fault, DatabaseFault::Later { .. }), "{fault}");
}

#[tokio::test]
async fn a_database_with_people_goes_with_its_redis_or_with_a_blank_one_that_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let settings = config::Database {
        url: None,
        file: folder.path().join("data/campanile.db"),
    };
    let tied = async |redis| Database::open(&settings, redis).await.map(|(_, tie)| tie);
    drop(open(folder.path()).await.unwrap());
    // Nobody is in it yet: it goes with any.
    let (database, tie) = Database::open(&settings, redis("store-2", false)).await.unwrap();
    assert_eq!(tie, Tie::Holds);
    let mut change = database.change().await.unwrap();
    let list = "INSERT INTO list (id, tenant, name, name_folded, created_at) VALUES (1, 1, 'Marathon', 'marathon', 0)";
    change.run(Sql::new(list)).await.unwrap();
    change.commit().await.unwrap();
    let fault = tied(redis("store-1", false)).await.unwrap_err().to_string();
    assert!(
        fault.contains("belongs to another Redis") && fault.contains("store-2"),
        "{fault}"
    );
    assert_eq!(tied(redis("store-2", true)).await.unwrap(), Tie::Holds);
    assert_eq!(tied(redis("store-3", true)).await.unwrap(), Tie::Lost);
    // Half rebuilt when the engine was killed.
    assert_eq!(tied(redis("store-3", false)).await.unwrap(), Tie::Lost);
    database.is_rebuilt("store-3").await.unwrap();
    assert_eq!(tied(redis("store-3", false)).await.unwrap(), Tie::Holds);
    assert!(tied(redis("store-2", false)).await.is_err());
}
