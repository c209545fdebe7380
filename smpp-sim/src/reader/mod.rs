//! Reads TOML into the model, checks all of it before a port opens, and names every fault at once. Begin with `setup`
//! (a whole file) and `scenario` (one SMSC); the other files are one section each. They read with
//! `kit::settings`.

mod values;
mod delays;
mod builtin;
mod preset;
mod dialect;
mod ids;
mod receipts;
mod outcomes;
mod fault_keys;
mod accounts;
mod inbound;
mod recipients;
mod scenario;
mod phases;
mod setup;
mod schema;
#[cfg(test)]
mod tests;

pub(crate) use builtin::QUIRKS;
pub use builtin::{BUILT_IN, BuiltIn};
pub use kit::settings::{Fault, Faults, Place};
pub use schema::schema;
pub(crate) use values::{RATE, parse_rate};
