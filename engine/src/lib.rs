//! Campanile: a multi-tenant SMS campaign engine that talks SMPP to aggregators.
//!
//! The modules stand in the order of a message's life; ARCHITECTURE.md tells it.

pub mod domain;
pub mod fault;
pub mod config;
pub mod metrics;
mod clock;
pub mod shutdown;
mod store;
mod compose;
mod audience;
mod account;
mod campaign;
mod api;
mod bind;
mod outcome;
mod receipt;
mod dispatch;
mod settle;
mod run;
mod demo;
pub mod cli;

pub use run::{Ready, RunFault, run};
