//! What is shown as zero before it happens: a counter that appears with its first event shows no rise, and no alert sees it.

use super::Metrics;
use crate::domain::{Purpose, Status};

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
const REPLIES: [&str; 11] = [
    "opt_out",
    "contact",
    "rule",
    "appointment",
    "offer",
    "survey",
    "unsure",
    "unanswered",
    "echo",
    "quiet",
    "not_ours",
];
const LAUNCHES: [&str; 4] = ["started", "blocked_credit", "daily_max", "failed"];
const UNUSUAL: [&str; 3] = ["flagged", "held", "rejected"];
const MISPLACED: [&str; 7] = [
    "lost",
    "queued_twice",
    "recorded_twice",
    "ended_twice",
    "never_due",
    "adrift",
    "miscounted",
];
const REDIS_OPS: [&str; 8] = [
    "commit", "lease", "replicas", "launch", "inbound", "index", "park", "parked",
];
const DROPPED: [&str; 2] = ["full", "old"];
const POSTED: [&str; 5] = ["delivered", "refused", "timeout", "unreachable", "forbidden"];
const SKIPPED: [&str; 11] = [
    "invalid_number",
    "not_mobile",
    "country_not_allowed",
    "not_a_guest",
    "duplicate",
    "no_consent",
    "unreachable",
    "opted_out",
    "frequency_cap",
    "value_too_long",
    "values_refused",
];
const PUT_OFF: [&str; 3] = ["credit", "review", "busy"];
const FOLLOWED: [&str; 2] = ["person", "program"];

const BIND_ATTEMPTS: [&str; 6] = ["ok", "refused", "timeout", "closed", "tcp_error", "tls_error"];
const BIND_DISCONNECTS: [&str; 8] = [
    "remote_close",
    "enquire_timeout",
    "unresponsive",
    "unbind",
    "protocol",
    "tls_error",
    "local",
    "renewed",
];

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
/// The commonest: the standard has 80 more, and vendors have theirs.
const REFUSALS: [&str; 6] = [
    "ESME_RTHROTTLED",
    "ESME_RMSGQFUL",
    "ESME_RSYSERR",
    "ESME_RSUBMITFAIL",
    "ESME_RINVDSTADR",
    "other",
];
const STATS: [&str; 8] = [
    "delivrd", "undeliv", "expired", "rejectd", "deleted", "unknown", "acceptd", "other",
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
            (&self.replies_total, &REPLIES),
            (&self.campaign_launches_total, &LAUNCHES),
            (&self.unusual_traffic_total, &UNUSUAL),
            (&self.misplaced_messages_total, &MISPLACED),
            (&self.redis_errors_total, &REDIS_OPS),
            (&self.messages_skipped_total, &SKIPPED),
            (&self.link_clicks_total, &FOLLOWED),
            (&self.webhook_deliveries_total, &POSTED),
            (&self.webhook_dropped_events_total, &DROPPED),
        ];
        for (counter, values) in counters {
            values
                .iter()
                .for_each(|value| counter.with_label_values(&[value]).inc_by(0));
        }
        for purpose in Purpose::ALL {
            self.campaign_start_delay_seconds.with_label_values(&[purpose.code()]);
        }
        for what in ["reminder", "reply"] {
            let put_off = &self.sends_put_off_total;
            PUT_OFF
                .iter()
                .for_each(|why| put_off.with_label_values(&[what, why]).inc_by(0));
        }
        for listener in ["public", "admin", "links"] {
            self.http_requests_in_flight.with_label_values(&[listener]).set(0);
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
            (&self.submit_errors_total, &REFUSALS),
            (&self.receipts_total, &STATS),
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
    /// What is counted of one bind.
    pub(crate) fn begin_bind_at_zero(&self, smsc: &str, bind: &str) {
        let counters = [
            (&self.bind_attempts_total, BIND_ATTEMPTS.as_slice()),
            (&self.bind_disconnects_total, &BIND_DISCONNECTS),
        ];
        for (counter, values) in counters {
            values
                .iter()
                .for_each(|value| counter.with_label_values(&[smsc, bind, value]).inc_by(0));
        }
    }

    /// What is counted of the tenants that are shown under a label.
    pub(crate) fn begin_tenant_at_zero(&self, label: &str) {
        let counter = &self.tenant_messages_total;
        Status::ALL
            .iter()
            .for_each(|status| counter.with_label_values(&[label, status.code()]).inc_by(0));
        self.tenant_opt_outs_total.with_label_values(&[label]).inc_by(0);
    }
}
