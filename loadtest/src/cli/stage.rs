//! The programs of a measurement that starts them all.

use std::path::PathBuf;

use clap::Args;

use super::load::whole;

/// Engine, simulator and Redis, each a process of its own.
#[derive(Args, Clone, Debug)]
pub(crate) struct StageArguments {
    /// Sessions between engine and simulator
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = whole::<1, 64>, help_heading = "Stage")]
    pub(crate) sessions: u32,
    /// Unanswered submit_sm in each
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = whole::<1, 10_000>, help_heading = "Stage")]
    pub(crate) window: u32,
    /// Where `campanile` and `smpp-sim` are; absent: beside this program
    #[arg(long, value_name = "DIRECTORY", help_heading = "Stage")]
    pub(crate) bin_dir: Option<PathBuf>,
    /// The redis-server to run
    #[arg(long, value_name = "FILE", default_value = "redis-server", help_heading = "Stage")]
    pub(crate) redis_server: PathBuf,
    /// Keep the working directory: configuration, logs, Redis data. Its path is printed
    #[arg(long, help_heading = "Stage")]
    pub(crate) keep: bool,
}
