//! What is demanded of a run.

use std::time::Duration;

use clap::Args;

use super::load::duration;
use crate::threshold::Threshold;

/// Thresholds: exit code 99 if one does not hold.
#[derive(Args, Clone, Debug)]
pub(crate) struct JudgeArguments {
    /// What must hold, as in 'submit_latency:p(99)<250ms', 'lost==0', 'error_rate<0.01'; may be given several times
    #[arg(long, value_name = "CONDITION", help_heading = "Thresholds")]
    pub(crate) threshold: Vec<Threshold>,
    /// End the sending as soon as a threshold does not hold; those of the end (lost, unanswered) wait for it
    #[arg(long, help_heading = "Thresholds")]
    pub(crate) abort_on_fail: bool,
    /// With --abort-on-fail: thresholds are not looked at before this time has passed
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration, help_heading = "Thresholds")]
    pub(crate) grace: Duration,
}
