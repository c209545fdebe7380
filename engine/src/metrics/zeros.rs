//! What is shown as zero before it happens: a counter that appears with its first event shows no rise, and no alert sees it.

use super::Metrics;

const CONNECTIONS_CUT: [&str; 6] = [
    "gave_way",
    "refused",
    "late_handshake",
    "failed_handshake",
    "late_head",
    "unread",
];
const WRONG_KEYS: [&str; 2] = ["refused", "delayed"];
const CREDITS: [&str; 3] = ["debit", "refund", "release"];
const INBOUND: [&str; 3] = ["kept", "opt_out", "second_copy"];
const LAUNCHES: [&str; 3] = ["started", "blocked_credit", "failed"];
const REDIS_OPS: [&str; 7] = ["commit", "lease", "launch", "inbound", "index", "park", "parked"];
const SKIPPED: [&str; 4] = ["invalid_number", "not_mobile", "country_not_allowed", "duplicate"];

const BACKOFFS: [&str; 4] = ["throttled", "congested", "slow", "stopped"];
const PARKED: [&str; 7] = [
    "early",
    "unknown_id",
    "ambiguous",
    "implausible",
    "no_address",
    "contended",
    "no_room",
];
const PDU_ERRORS: [&str; 5] = [
    "length",
    "unexpected_response",
    "wrong_state",
    "unknown_command",
    "malformed",
];
const RETRIES: [&str; 8] = [
    "throttled",
    "queue_full",
    "temporary",
    "unsent",
    "in_doubt",
    "other_route",
    "stopped",
    "spaced",
];

impl Metrics {
    /// What the engine as a whole counts.
    pub(super) fn begin_at_zero(&self) {
        let counters = [
            (&self.credits_total, CREDITS.as_slice()),
            (&self.inbound_actions_total, &INBOUND),
            (&self.campaign_launches_total, &LAUNCHES),
            (&self.redis_errors_total, &REDIS_OPS),
            (&self.messages_skipped_total, &SKIPPED),
        ];
        for (counter, values) in counters {
            values
                .iter()
                .for_each(|value| counter.with_label_values(&[value]).inc_by(0));
        }
        for listener in ["public", "admin"] {
            let cut = &self.http_connections_cut_total;
            CONNECTIONS_CUT
                .iter()
                .for_each(|reason| cut.with_label_values(&[listener, reason]).inc_by(0));
            let wrong = &self.http_wrong_keys_total;
            WRONG_KEYS
                .iter()
                .for_each(|answer| wrong.with_label_values(&[listener, answer]).inc_by(0));
        }
    }

    /// What is counted of one SMSC.
    pub(super) fn begin_smsc_at_zero(&self, name: &str) {
        let counters = [
            (&self.smsc_backoffs_total, BACKOFFS.as_slice()),
            (&self.receipts_parked_total, &PARKED),
            (&self.submit_retries_total, &RETRIES),
            (&self.pdu_errors_total, &PDU_ERRORS),
        ];
        for (counter, values) in counters {
            values
                .iter()
                .for_each(|value| counter.with_label_values(&[name, value]).inc_by(0));
        }
        let alone = [
            &self.submit_late_responses_total,
            &self.inbound_total,
            &self.smsc_unpriced_segments_total,
        ];
        for counter in alone {
            counter.with_label_values(&[name]).inc_by(0);
        }
    }
}
