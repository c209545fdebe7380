//! The tables, made step by step. What was released is never changed: another step is added.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

const STEPS: [(i64, &str, &str); 15] = [
    (1, "people", include_str!("../data/migrations/0001_people.sql")),
    (2, "imports", include_str!("../data/migrations/0002_imports.sql")),
    (3, "webhooks", include_str!("../data/migrations/0003_webhooks.sql")),
    (4, "accounts", include_str!("../data/migrations/0004_accounts.sql")),
    (5, "history", include_str!("../data/migrations/0005_history.sql")),
    (6, "templates", include_str!("../data/migrations/0006_templates.sql")),
    (7, "cleaning", include_str!("../data/migrations/0007_cleaning.sql")),
    (8, "codes", include_str!("../data/migrations/0008_codes.sql")),
    (
        9,
        "automations",
        include_str!("../data/migrations/0009_automations.sql"),
    ),
    (10, "statistics", include_str!("../data/migrations/0010_statistics.sql")),
    (11, "resellers", include_str!("../data/migrations/0011_resellers.sql")),
    (12, "replies", include_str!("../data/migrations/0012_replies.sql")),
    (50, "agenda", include_str!("../data/migrations/0050_agenda.sql")),
    (
        51,
        "consent asked",
        include_str!("../data/migrations/0051_consent_asked.sql"),
    ),
    (52, "repeats", include_str!("../data/migrations/0052_repeats.sql")),
];

pub(super) fn all() -> Migrator {
    let steps = STEPS.into_iter().map(|(version, name, sql)| {
        // A file of ours.
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(steps.collect())
}
