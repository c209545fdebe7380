//! Campanile: a multi-tenant SMS campaign engine that talks SMPP to aggregators.
//!
//! The modules stand in the order of a message's life; ARCHITECTURE.md tells it.

mod domain;
mod fault;
mod config;
mod metrics;
mod clock;
mod shutdown;
mod pressure;
mod logs;
mod rotated;
mod audit;
mod otel;
mod encryption;
mod store;
mod database;
mod compose;
mod audience;
mod sheet;
mod mirror;
mod engagement;
mod links;
mod account;
mod people;
mod import;
mod message_log;
mod flagged;
mod history;
mod engines;
mod webhooks;
mod guard;
mod campaign;
mod automation;
mod rights;
mod agenda;
mod api;
mod bind;
mod outcome;
mod receipt;
mod numbers;
mod replies;
mod inbound;
mod reload;
mod traffic;
mod hours;
mod waiting;
mod dispatch;
mod settle;
mod run;
mod decode;
mod probe;
mod ctl;
pub mod cli;

pub use metrics::{Declared, Kind, METRICS, Metric, PROCESS};

/// How many cases a property is tried with: so many, or more when `make fuzz` says so.
#[cfg(test)]
fn test_cases(least: u32) -> proptest::test_runner::Config {
    let default = proptest::test_runner::Config::default();
    proptest::test_runner::Config {
        cases: default.cases.max(least),
        ..default
    }
}
