//! Campanile: a multi-tenant SMS campaign engine that talks SMPP to aggregators.
//!
//! The modules stand in the order of a message's life; ARCHITECTURE.md tells it.
#![allow(dead_code, unused_imports)]

pub mod domain;
pub mod fault;
pub mod config;
pub mod metrics;
mod clock;
mod store;
mod compose;
mod audience;
mod account;
mod campaign;
mod api;
mod bind;
mod outcome;
mod dispatch;
mod receipt;
mod settle;
