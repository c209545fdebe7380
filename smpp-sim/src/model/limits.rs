use std::time::Duration;

/// How long the simulator waits for its peers, in wall time whatever the time scale.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// From connect to bind.
    pub bind: Duration,
    /// For the rest of a PDU that has begun.
    pub read: Duration,
    /// For the peer to take what was written.
    pub write: Duration,
    /// Idle time before an enquire_link.
    pub enquire_link: Duration,
    /// For its answer.
    pub enquire_link_answer: Duration,
    /// For the answer to our unbind.
    pub unbind: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            bind: seconds(10),
            read: seconds(10),
            write: seconds(30),
            enquire_link: seconds(30),
            enquire_link_answer: seconds(30),
            unbind: seconds(5),
        }
    }
}

/// How much the ledger keeps.
#[derive(Clone, Copy, Debug)]
pub struct LedgerLimits {
    /// Submits; 96 bytes each.
    pub rows_max: usize,
    /// What becomes of more.
    pub keep: Keep,
    /// Submits beyond `rows_max` that wait for their receipts; about 250 bytes each. Beyond, submits are answered
    /// `ESME_RMSGQFUL`.
    pub pending_max: usize,
    /// Bytes of texts.
    pub text_bytes_max: usize,
    /// Recipients whose attempts are remembered at least; at most twice as many are, 20 bytes each.
    pub recipients_max: usize,
}

/// What becomes of submits beyond `rows_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The oldest finished rows are dropped for them.
    Ring,
    /// They are answered `ESME_RMSGQFUL`: every row stays.
    All,
}

impl Default for LedgerLimits {
    fn default() -> Self {
        // 96 MB of rows, the texts of a million ordinary messages, and recipients in between.
        Self {
            rows_max: 1_000_000,
            keep: Keep::Ring,
            pending_max: 5_000_000,
            text_bytes_max: 128 << 20,
            // What a hash table of 2^20 places takes.
            recipients_max: 900_000,
        }
    }
}
