//! The harness of the end-to-end tests, on top of `lab`: it starts the real programs (engine, simulator, Redis, other projects'
//! peers), talks to them as their users do, and compares the ledgers of engine and simulator. Start reading at [`Stand`].
//!
//! Everything here panics when it cannot do its work, with what the programs last said: a test has nothing else to do then.
//! Programs are stopped by their process id when their owner is dropped.

#![allow(
    clippy::disallowed_methods,
    reason = "tests wait on the real clock, and read CAMPANILE_PEERS, CAMPANILE_FUZZ_SECONDS and CAMPANILE_TEST_DATABASE, which are theirs alone"
)]

pub mod wait;
pub mod fail;
pub mod http;
pub mod redis_server;
pub mod sim;
pub mod engine;
pub mod tenant;
pub mod ledgers;
pub mod authority;
pub mod peers;
pub mod readme;
pub mod programs;
pub mod clock;
pub mod receiver;
pub mod tap;
pub mod drawbridge;
pub mod stand;
pub mod prometheus;
pub mod scenarios;
pub mod quirks;

pub use ::lab::{EngineSettings, SmscSettings};
pub use drawbridge::Drawbridge;
pub use engine::Engine;
pub use http::{Answer, Http, text};
pub use ledgers::Ledgers;
pub use peers::PeerServer;
pub use programs::{Lab, Programs, started};
pub use prometheus::Monitoring;
pub use receiver::{Manner, Posted, Receiver};
pub use redis_server::RedisServer;
pub use sim::Sim;
pub use stand::Stand;
pub use tap::Tap;
pub use tenant::{Campaign, CampaignOrder, CampaignView, Tenant, recipients};
pub use wait::eventually;
