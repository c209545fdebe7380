//! Commands of the people who run an engine: most ask its operators' listener, and say what it answers.

mod archive;
mod campaigns;
mod client;
mod contacts;
mod doctor;
mod door;
mod engines;
mod failure;
mod healthcheck;
mod keys;
mod log_filter;
mod messages;
mod output;
mod own;
mod queue;
mod reach;
mod receipts;
mod reload;
mod rules;
mod smscs;
mod status;
mod target;
mod tenants;
mod top;
mod trace;

use std::process::ExitCode;

use clap::Subcommand;

use door::EXIT_CODES;

pub(crate) use archive::{Backup, Restore};
pub(crate) use doctor::Doctor;
pub(crate) use failure::{Failure, INVALID_CONFIGURATION, UNREACHABLE, WENT_WRONG};
pub(crate) use healthcheck::Healthcheck;
pub(crate) use reach::reach;
pub(crate) use smscs::SmscAsk;

/// What is asked of a running engine.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Ask {
    /// Everything at a glance: ready or not and why, SMSCs with binds, windows and rates, what waits.
    #[command(after_help = "Examples:\n  campanile status\n  campanile status --json | jq .ready")]
    Status(status::StatusOf),
    /// The same, alive: a screen that is drawn anew every second. q ends it.
    Top(top::Top),
    /// What waits, line by line: route or SMSC, lane, gate, queued, deferred.
    Queue(queue::QueueOf),
    /// Campaigns of all tenants. Needs the operator's key.
    #[command(subcommand)]
    Campaign(campaigns::CampaignAsk),
    /// Campaigns of one tenant, over the API: made, estimated, launched, watched, reported. Needs its key.
    #[command(subcommand, after_help = EXIT_CODES)]
    Campaigns(own::CampaignsAsk),
    /// Single messages of one tenant. Needs its key.
    #[command(subcommand, after_help = EXIT_CODES)]
    Messages(own::MessagesAsk),
    /// Credits: a tenant's own with its key; to grant some needs its reseller's, or the operator's.
    #[command(subcommand, after_help = EXIT_CODES)]
    Credits(own::CreditsAsk),
    /// Figures of one tenant's messages, by what they have in common. Needs its key.
    #[command(
        after_help = "Examples:\n  campanile statistics --by month\n  campanile statistics --by campaign,status --since 2026-10-01 --csv october.csv"
    )]
    Statistics(own::StatisticsOf),
    /// Tenants and their credits. Needs a reseller's key, or the operator's.
    #[command(subcommand, visible_alias = "tenants", after_help = EXIT_CODES)]
    Tenant(tenants::TenantAsk),
    /// A tenant's keys. Needs the key of its reseller, or the operator's.
    #[command(subcommand, after_help = EXIT_CODES)]
    Keys(keys::KeysAsk),
    /// Contacts into the engine and out of it, as files. Needs a tenant's key.
    #[command(subcommand)]
    Contacts(contacts::ContactsAsk),
    /// What became of messages. Needs the operator's key.
    #[command(subcommand)]
    Message(messages::MessageAsk),
    /// Which engines work on one database, and what each of them has alone.
    Engines(engines::EnginesOf),
    /// Receipts that fit no message.
    #[command(subcommand)]
    Receipts(receipts::ReceiptsAsk),
    /// The PDUs of an SMSC's binds as they go and come, masked.
    #[command(after_help = "Example:\n  campanile trace north --seconds 60")]
    Trace(trace::TraceOf),
    /// What the log says, or what it says from now on until the engine ends.
    #[command(after_help = "Examples:\n  campanile log-filter\n  campanile log-filter info,campanile::bind=debug")]
    LogFilter(log_filter::LogFilter),
    /// When advertising may be sent, by law and charter. Nothing that runs is asked.
    #[command(subcommand)]
    Rules(rules::RulesAsk),
    /// Have the engine read its configuration again: all of it holds then, or nothing has changed.
    Reload(reload::Reload),
}

impl Ask {
    /// Asks, and prints the answer.
    pub(crate) fn run(&self) -> ExitCode {
        ended(match self {
            Self::Status(ask) => ask.run(),
            Self::Top(top) => top.run(),
            Self::Queue(ask) => ask.run(),
            Self::Campaign(ask) => ask.run(),
            Self::Campaigns(ask) => ask.run(),
            Self::Messages(ask) => ask.run(),
            Self::Credits(ask) => ask.run(),
            Self::Statistics(ask) => ask.run(),
            Self::Tenant(ask) => ask.run(),
            Self::Keys(ask) => ask.run(),
            Self::Contacts(ask) => ask.run(),
            Self::Message(ask) => ask.run(),
            Self::Engines(ask) => ask.run(),
            Self::Receipts(ask) => ask.run(),
            Self::Trace(trace) => trace.run(),
            Self::LogFilter(ask) => ask.run(),
            Self::Rules(ask) => ask.run(),
            Self::Reload(reload) => reload.run(),
        })
    }
}

/// How a command ended.
pub(crate) fn ended(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
