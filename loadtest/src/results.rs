//! What a run has found: the one document from which every report is made.
//!
//! Versioned by [`SCHEMA`]: fields are added, never renamed; what reads an older one gives new fields their defaults.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of this document. It grows when a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Results {
    /// [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// `smpp`, `api`, `capacity`, `e2e`, `soak`, `replay`, `self-check`, `bench`.
    pub mode: String,
    /// What the run was asked to do, as keys and values: the arguments and the profile, without secrets.
    pub configuration: BTreeMap<String, String>,
    /// SHA-256 of the configuration, in hexadecimal: two runs with the same one asked for the same.
    pub configuration_hash: String,
    /// What every random draw depended on.
    pub seed: u64,
    /// When it began, as RFC 3339 in UTC.
    pub started_at: String,
    /// How long was measured, warm-up and drain excluded, in seconds.
    pub seconds: f64,
    /// Where it ran.
    pub machine: Machine,
    /// How many of everything.
    pub counts: Counts,
    /// Rates in messages a second over the measured time.
    pub rates: Rates,
    /// Latencies by name: `submit` (to submit_sm_resp), `receipt` (from the answer to the final receipt), `end_to_end` (from the intended time, or
    /// the API's acceptance, to the final receipt), `queue` (from the intended time to the write), `api`.
    pub latencies: BTreeMap<String, Latency>,
    /// Answers by command_status, by its name or number.
    pub answers: BTreeMap<String, u64>,
    /// Final receipts by stat.
    pub receipts: BTreeMap<String, u64>,
    /// Closed connections, time-outs, bad PDUs, failed calls: by kind.
    pub errors: BTreeMap<String, u64>,
    /// One entry for each second since the beginning, warm-up included.
    pub per_second: Vec<Second>,
    /// CPU time in µs per message: `loadtest`, `engine`, `redis`, `simulator`, `target`, as far as they could be read.
    pub cpu_us_per_message: BTreeMap<String, f64>,
    /// The most memory in octets, of the same.
    pub peak_rss_bytes: BTreeMap<String, u64>,
    /// Whether ledgers agree; `None` where there is only one ledger.
    pub conservation: Option<Conservation>,
    /// How evenly tenants were served; `None` with fewer than two.
    pub fairness: Option<Fairness>,
    /// Why the generator, not the target, may have been the limit. Empty: it was not, and the rates are the target's.
    pub saturation: Vec<String>,
    /// Why the figures mean nothing, or next to nothing. Empty: nothing speaks against them.
    pub doubts: Vec<String>,
    /// What a search for the highest rate has found; `None` in every other mode.
    pub capacity: Option<Capacity>,
    /// What was demanded, and what came of it.
    pub thresholds: Vec<Verdict>,
    /// What the reader should know besides.
    pub notes: Vec<String>,
}

/// Where a run took place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores that the run could use.
    pub cores: u32,
    /// Memory in octets.
    pub memory_bytes: u64,
    /// Kernel and release.
    pub kernel: String,
    /// Version of this program.
    pub version: String,
}

/// How many of everything, in the measured time and its drain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counts {
    /// Messages that were due by the load model.
    pub offered: u64,
    /// submit_sm written.
    pub submitted: u64,
    /// submit_sm answered, with whatever status.
    pub answered: u64,
    /// Answered ESME_ROK.
    pub accepted: u64,
    /// Answered with an error.
    pub refused: u64,
    /// Final receipts of messages of this run, second copies excluded.
    pub receipts: u64,
    /// Receipts that are not final.
    pub intermediate: u64,
    /// Accepted with a receipt asked for, and none came before the drain was over.
    pub lost: u64,
    /// Second copies of final receipts.
    pub doubled: u64,
    /// Accepted with a receipt asked for, under an id that is empty or another message's: their receipts cannot be told.
    pub untraceable: u64,
    /// Receipts of messages that this run has not sent.
    pub unknown: u64,
    /// Inbound messages.
    pub inbound: u64,
    /// Submits without an answer at the end.
    pub unanswered: u64,
    /// Due messages that were given up because too many waited.
    pub dropped: u64,
    /// Sessions that ended without being told to.
    pub disconnects: u64,
    /// submit_sm of the warm-up, which are in no other count.
    pub warm_up: u64,
}

/// Messages a second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Rates {
    /// Due by the load model; 0 in a closed model.
    pub offered: f64,
    /// Written.
    pub submits_per_second: f64,
    /// Answered.
    pub answers_per_second: f64,
    /// Receipted.
    pub receipts_per_second: f64,
}

/// The same events seen twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Latency {
    /// From the moment at which the load model wanted the message sent: what a caller feels.
    pub corrected: Distribution,
    /// From the moment at which it was written: what the other side does.
    pub raw: Distribution,
}

/// Milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Distribution {
    /// How many values.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// Percentiles.
    pub p50: f64,
    /// 75 %.
    pub p75: f64,
    /// 90 %.
    pub p90: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p999: f64,
    /// The most.
    pub max: f64,
    /// The curve for a chart: (percentile 0 to 100, milliseconds, values up to there).
    pub curve: Vec<(f64, f64, u64)>,
    /// The whole histogram in µs, three digits: HdrHistogram's V2 compressed encoding in base64.
    pub histogram: String,
}

/// One second of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Second {
    /// From the beginning, from 0.
    pub second: u64,
    /// Whether it belongs to the warm-up.
    pub warm_up: bool,
    /// Due by the load model.
    pub offered: u64,
    /// Written.
    pub submitted: u64,
    /// Answered.
    pub answered: u64,
    /// Answered with an error.
    pub refused: u64,
    /// Receipts, final ones.
    pub receipts: u64,
    /// Unanswered submits at its end.
    pub in_flight: u64,
    /// Due and not yet written at its end.
    pub backlog: u64,
    /// Of the submits answered in it: corrected latency in ms.
    pub p50: f64,
    /// 99 % of them.
    pub p99: f64,
    /// The most.
    pub max: f64,
    /// 99 % without correction.
    pub raw_p99: f64,
}

/// What must be 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Conservation {
    /// Which ledgers were compared: `engine and simulator`, `loadtest and simulator`.
    pub between: String,
    /// Messages that only one side has.
    pub lost: u64,
    /// Messages that arrived more often than they were sent.
    pub doubled: u64,
    /// Messages whose status differs from what the simulator did.
    pub wrong_status: u64,
    /// Credits granted less those available, held and spent; and spent less what the statuses cost.
    pub credit_delta: i64,
    /// Messages sent to a number after it said STOP; `None`: the engine has no such notion yet.
    pub sent_after_stop: Option<u64>,
    /// Messages sent outside the hours in which they may be; `None`: the engine has no such notion yet.
    pub sent_outside_window: Option<u64>,
    /// The first few messages that disagree, for people.
    pub examples: Vec<String>,
}

impl Conservation {
    /// Whether everything that must be 0 is.
    pub fn holds(&self) -> bool {
        let notions = [self.sent_after_stop, self.sent_outside_window];
        self.lost + self.doubled + self.wrong_status == 0
            && self.credit_delta == 0
            && notions.iter().all(|count| count.unwrap_or(0) == 0)
    }
}

/// How evenly tenants of equal weight were served.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Fairness {
    /// How many tenants.
    pub tenants: u64,
    /// Jain's index over their throughputs: 1 is even, 1/tenants is one for all.
    pub jain_index: f64,
    /// The longest wait in ms of any tenant's first message...
    pub max_wait_ms: f64,
    /// ...and the median of these waits.
    pub median_wait_ms: f64,
}

/// The highest rate at which a target kept to its limits, as far as it was looked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Capacity {
    /// In messages a second; 0: not even the lowest rate that was tried.
    pub per_second: f64,
    /// What 99 % of the messages had to be answered within, in ms from the moment at which they were due.
    pub p99_limit_ms: f64,
    /// Why nothing higher is claimed.
    pub limited_by: String,
    /// Every rate that was tried, in turn.
    pub steps: Vec<Step>,
}

/// A rate that was tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Step {
    /// In messages a second.
    pub per_second: f64,
    /// 99 % of the messages were answered within, in ms from the moment at which they were due.
    pub p99_ms: f64,
    /// Why it is too much; empty: it held.
    pub too_much: String,
}

/// A threshold and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Verdict {
    /// As it was written: `submit_latency:p(99)<250ms`.
    pub threshold: String,
    /// What was measured, in the threshold's unit.
    pub measured: f64,
    /// Whether it holds.
    pub held: bool,
    /// Whether the run was ended by it.
    pub aborted: bool,
}
