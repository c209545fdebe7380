//! Settings in TOML, read table by table and key by key. Nothing stops the reading: a value that cannot be taken leaves
//! a fault and its default, so that all faults come out at once, each with its place, its key and what is allowed.
//!
//! ```
//! use kit::settings::Source;
//!
//! let source = Source::new("[redis]\nportions = 4\nmark = 101\n", "example.toml");
//! let document = source.parse().unwrap();
//! let faults = source
//!     .read(&document, |root| {
//!         let redis = root.table("redis");
//!         let settings = (redis.integer("partitions", 1..=64u16, 16), redis.integer("mark", 10..=100u8, 85));
//!         redis.finish();
//!         root.finish();
//!         settings
//!     })
//!     .unwrap_err();
//! assert_eq!(
//!     faults.to_string(),
//!     "example.toml:2: redis.portions: unknown key; did you mean \"partitions\"?\n\
//!      example.toml:3: redis.mark: 101 is not allowed: a whole number from 10 to 100"
//! );
//! ```
//!
//! The same reader can be asked which keys it knows: [`schema`].

mod read;
mod getters;
mod nesting;
mod table;
mod source;
mod notes;
mod kind;
mod given;
mod fault;
#[cfg(feature = "trial")]
mod trial;
#[cfg(test)]
mod tests;

pub use fault::{Fault, Faults, Place};
pub use given::Given;
pub use kind::Definition;
pub use read::schema;
pub use source::Source;
pub use table::Table;
#[cfg(feature = "trial")]
pub use trial::{Trial, trials};
