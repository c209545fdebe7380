//! Starts the programs of the product and talks to them as their users do. The end-to-end tests, the load tester and the
//! demo are built on it.
//!
//! Start reading at [`Site`]: a [`RedisServer`], a [`Sim`] and an [`Engine`] are started on one, each as a process of its own
//! that ends with its value. [`Api`] does over HTTP what resellers and tenants do; [`ledgers`] compares what engine and
//! simulator say of each message. [`Supervisor`] ends everything on a signal or a time limit.
//!
//! Everything returns a [`Fault`] that carries what the program said last. Nothing here knows what is measured or tested.

mod fault;
mod wait;
mod scratch;
mod patients;
pub mod exposition;
pub mod usage;
mod process;
mod http;
mod redis_server;
mod redis_nodes;
mod postgres_server;
mod api;
mod sim;
mod engine;
pub mod ledgers;
mod supervise;

pub use api::{
    Api, Campaign, CampaignCredits, Credits, Draft, Estimate, Listed, Progress, Report, ReportedStatus, Tenant,
};
pub use engine::{Engine, EngineSettings, SmscSettings};
pub use fault::{Fault, Result};
pub use http::{Answer, Http};
pub use patients::{CampaignBody, Lane, number_of, variable_octets};
pub use postgres_server::{Lock, PostgresServer};
pub use process::{Process, Processes, Signal, Site, program};
pub use redis_nodes::{RedisCluster, RedisNode, WatchedRedis};
pub use redis_server::{RedisInfo, RedisServer, RedisSettings};
pub use scratch::Scratch;
pub use sim::{Row, Scenario, Sim, SimSettings, Totals};
pub use supervise::{Cause, Ended, Supervisor, wait_for_stop};
pub use wait::{now, poll};
