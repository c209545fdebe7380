//! The tables, made step by step. What was released is never changed: another step is added.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

/// A step's number, name and statements. Numbers stay: a gap may be filled by what was made elsewhere at the same time.
const STEPS: [(i64, &str, &str); 9] = [
    (1, "people", include_str!("../data/migrations/0001_people.sql")),
    (2, "imports", include_str!("../data/migrations/0002_imports.sql")),
    (3, "webhooks", include_str!("../data/migrations/0003_webhooks.sql")),
    (4, "accounts", include_str!("../data/migrations/0004_accounts.sql")),
    (5, "history", include_str!("../data/migrations/0005_history.sql")),
    (6, "templates", include_str!("../data/migrations/0006_templates.sql")),
    (7, "cleaning", include_str!("../data/migrations/0007_cleaning.sql")),
    (10, "statistics", include_str!("../data/migrations/0010_statistics.sql")),
    (30, "resellers", include_str!("../data/migrations/0030_resellers.sql")),
];

pub(super) fn all() -> Migrator {
    let steps = STEPS.map(|(version, name, sql)| {
        // A file of ours.
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(steps.into())
}
