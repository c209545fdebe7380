//! The tables, made step by step. What was released is never changed: another step is added.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

const STEPS: &[(&str, &str)] = &[
    ("people", include_str!("../data/migrations/0001_people.sql")),
    ("imports", include_str!("../data/migrations/0002_imports.sql")),
    ("webhooks", include_str!("../data/migrations/0003_webhooks.sql")),
    ("accounts", include_str!("../data/migrations/0004_accounts.sql")),
    ("history", include_str!("../data/migrations/0005_history.sql")),
    ("templates", include_str!("../data/migrations/0006_templates.sql")),
    ("cleaning", include_str!("../data/migrations/0007_cleaning.sql")),
    ("codes", include_str!("../data/migrations/0008_codes.sql")),
    ("automations", include_str!("../data/migrations/0009_automations.sql")),
    ("statistics", include_str!("../data/migrations/0010_statistics.sql")),
    ("resellers", include_str!("../data/migrations/0011_resellers.sql")),
    ("replies", include_str!("../data/migrations/0012_replies.sql")),
    ("transfers", include_str!("../data/migrations/0013_transfers.sql")),
    (
        "balance alerts",
        include_str!("../data/migrations/0014_balance_alerts.sql"),
    ),
    (
        "erased people",
        include_str!("../data/migrations/0015_erased_people.sql"),
    ),
    (
        "consent forms",
        include_str!("../data/migrations/0016_consent_forms.sql"),
    ),
    (
        "trial messages",
        include_str!("../data/migrations/0017_trial_messages.sql"),
    ),
    ("agenda", include_str!("../data/migrations/0018_agenda.sql")),
    (
        "consent asked",
        include_str!("../data/migrations/0019_consent_asked.sql"),
    ),
    ("repeats", include_str!("../data/migrations/0020_repeats.sql")),
    ("answers", include_str!("../data/migrations/0021_answers.sql")),
    ("links", include_str!("../data/migrations/0022_links.sql")),
    ("clicks", include_str!("../data/migrations/0023_clicks.sql")),
    ("click news", include_str!("../data/migrations/0024_click_news.sql")),
    ("engagement", include_str!("../data/migrations/0025_engagement.sql")),
    ("offers", include_str!("../data/migrations/0026_offers.sql")),
    ("surveys", include_str!("../data/migrations/0027_surveys.sql")),
    ("freed slots", include_str!("../data/migrations/0028_freed_slots.sql")),
    ("flagged", include_str!("../data/migrations/0029_flagged.sql")),
    (
        "sender requests",
        include_str!("../data/migrations/0030_sender_requests.sql"),
    ),
    ("guests", include_str!("../data/migrations/0031_guests.sql")),
    ("margins", include_str!("../data/migrations/0032_margins.sql")),
    ("moved slots", include_str!("../data/migrations/0033_moved_slots.sql")),
    (
        "reseller watch",
        include_str!("../data/migrations/0034_reseller_watch.sql"),
    ),
    (
        "rules of messages",
        include_str!("../data/migrations/0035_rules_of_messages.sql"),
    ),
    ("owners", include_str!("../data/migrations/0036_owners.sql")),
    ("given states", include_str!("../data/migrations/0037_given_states.sql")),
    ("withdrawals", include_str!("../data/migrations/0038_withdrawals.sql")),
    (
        "answers put off",
        include_str!("../data/migrations/0039_answers_put_off.sql"),
    ),
    ("references", include_str!("../data/migrations/0040_references.sql")),
    ("oppositions", include_str!("../data/migrations/0041_oppositions.sql")),
    (
        "past campaigns",
        include_str!("../data/migrations/0042_past_campaigns.sql"),
    ),
    ("texts", include_str!("../data/migrations/0043_texts.sql")),
    ("recalls", include_str!("../data/migrations/0044_recalls.sql")),
    ("keywords", include_str!("../data/migrations/0045_keywords.sql")),
    ("double entry", include_str!("../data/migrations/0046_double_entry.sql")),
    ("told imports", include_str!("../data/migrations/0047_told_imports.sql")),
    (
        "contact sources",
        include_str!("../data/migrations/0048_contact_sources.sql"),
    ),
    ("own links", include_str!("../data/migrations/0049_own_links.sql")),
    ("back", include_str!("../data/migrations/0050_back.sql")),
    ("opted in", include_str!("../data/migrations/0051_opted_in.sql")),
    ("past at once", include_str!("../data/migrations/0052_past_at_once.sql")),
    (
        "reseller withdrawals",
        include_str!("../data/migrations/0053_reseller_withdrawals.sql"),
    ),
    ("edited links", include_str!("../data/migrations/0054_edited_links.sql")),
    (
        "told refusals",
        include_str!("../data/migrations/0055_told_refusals.sql"),
    ),
    (
        "ended erasures",
        include_str!("../data/migrations/0056_ended_erasures.sql"),
    ),
];

pub(super) fn all() -> Migrator {
    let steps = (1..).zip(STEPS).map(|(version, (name, sql))| {
        // A file of ours.
        let sql = AssertSqlSafe(*sql).into_sql_str();
        Migration::new(version, (*name).into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(steps.collect())
}
