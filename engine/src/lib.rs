//! Campanile: a multi-tenant SMS campaign engine that talks SMPP to aggregators.
//!
//! The modules stand in the order of a message's life; ARCHITECTURE.md tells it.

pub mod domain;
pub mod fault;
pub mod config;
pub mod metrics;
pub mod clock;
pub mod shutdown;
pub mod pressure;
pub mod store;
pub mod compose;
pub mod audience;
pub mod account;
pub mod guard;
pub mod campaign;
pub mod api;
pub mod bind;
pub mod outcome;
pub mod receipt;
pub mod dispatch;
pub mod settle;
pub mod run;
pub mod demo;
pub mod cli;

pub use run::{Ready, RunFault, run};
