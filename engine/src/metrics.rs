//! Every metric of the engine: its name, its meaning, its labels; declared here and nowhere else.
//!
//! Labels are closed lists or configured names, never a campaign, a recipient or a message. The hot path uses children
//! that were looked up once (see [`SmscMetrics`]) and adds once a batch.

#[macro_use]
mod making;
mod declared;
pub(crate) mod reference;
mod smsc;
mod tenants;
mod counted;
mod duty;
mod shown;
mod zeros;

use std::ops::Deref;
use std::sync::{Arc, Mutex};

use prometheus::{
    Counter, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry,
};

pub use declared::{Kind, Metric, PROCESS};
pub(crate) use smsc::SmscMetrics;
use tenants::TenantLabels;

/// From the submission to its answer.
const ANSWER_BUCKETS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// From the answer to the receipt: three minutes is what people quote, three days what carriers try for.
const RECEIPT_BUCKETS: [f64; 22] = [
    0.05, 0.1, 0.25, 0.5, 1.0, 1.25, 1.5, 2.0, 5.0, 10.0, 30.0, 60.0, 180.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0,
    43200.0, 86400.0, 172_800.0, 259_200.0,
];

/// Round trips to Redis and HTTP requests.
const CALL_BUCKETS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 1.0, 5.0,
];

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $field:ident: $kind:ident $labels:tt $($buckets:expr)?;)*) => {
        /// Each by its name.
        pub(crate) struct Registered {
            registry: Registry,
            /// Held while several that belong together are set, and while all are read.
            together: Mutex<()>,
            /// Which tenants have a label of their own.
            tenants: TenantLabels,
            $($(#[doc = $doc])+ pub $field: $kind,)*
        }

        /// What is known of each metric, by its name without `campanile_`.
        #[derive(Debug)]
        pub struct Declared {
            $($(#[doc = $doc])+ pub $field: Metric,)*
        }

        /// Every metric of the engine.
        pub static METRICS: Declared = Declared {
            $($field: Metric {
                name: concat!("campanile_", stringify!($field)),
                kind: kind!($kind),
                labels: &$labels,
                doc: &[$($doc),+],
            },)*
        };

        impl Declared {
            /// All of them, in the order of the reference page.
            pub fn all(&self) -> Vec<Metric> {
                vec![$(self.$field),*]
            }
        }

        impl Metrics {
            /// Every metric, registered, at zero; that many tenants have labels of their own.
            ///
            /// # Errors
            /// When two have one name, which the tests rule out.
            pub(crate) fn new(tenants_max: usize) -> prometheus::Result<Self> {
                let registry = Registry::new_custom(Some("campanile".into()), None)?;
                $(let $field = make!($kind, stringify!($field), METRICS.$field.meaning(), $labels $(, $buckets)?)?;
                registry.register(Box::new($field.clone()))?;)*
                let tenants = TenantLabels::new(tenants_max);
                let metrics = Self(Arc::new(Registered { registry, together: Mutex::default(), tenants, $($field,)* }));
                metrics.begin_at_zero();
                Ok(metrics)
            }
        }
    };
}

metrics! {
    /// Whether the bind is in that state: disconnected, waiting (binds_per_hour is used up), connecting, binding, bound, stalled
    /// (bound, but submissions are not answered), draining, elsewhere (another engine has the session).
    ///
    /// When no bind of an SMSC is bound, nothing is submitted to it: `last_error` of `GET /v1/binds` says why.
    bind_state: IntGaugeVec ["smsc", "bind", "state"];
    /// Attempts to bind by result: ok, refused, timeout, closed (before the answer), tcp_error, tls_error.
    ///
    /// When it rises without ok, the SMSC refuses us or cannot be reached: `GET /v1/binds` has its words.
    bind_attempts_total: IntCounterVec ["smsc", "bind", "result"];
    /// Sessions that ended, by reason: remote_close, enquire_timeout, unresponsive, unbind, protocol, tls_error, local,
    /// renewed (session_max_age).
    ///
    /// When it rises, sessions are lost; unresponsive and enquire_timeout are silent connections, remote_close is the SMSC's
    /// doing.
    bind_disconnects_total: IntCounterVec ["smsc", "bind", "reason"];
    /// When the bind was last bound, in seconds since 1970.
    bind_bound_timestamp_seconds: GaugeVec ["smsc", "bind"];
    /// How busy the SMSC said last that it is: 0 idle to 99; absent where it says nothing (congestion_state, SMPP 5.0).
    ///
    /// From 80 on the SMSC is given half of its rate.
    bind_congestion_state: IntGaugeVec ["smsc", "bind"];
    /// When the time of a TLS certificate is over, in seconds since 1970: the SMSC's (server) as of the last connection, or
    /// ours (client); without an smsc, that of our own listeners (public, admin).
    ///
    /// When less than two weeks are left, the certificate is to be renewed: nobody can bind, or ask us, without it.
    tls_certificate_expiry_timestamp_seconds: IntGaugeVec ["smsc", "side"];
    /// From enquire_link to its answer.
    ///
    /// When it rises, the line or the SMSC is slow; answers to submissions follow.
    enquire_link_rtt_seconds: HistogramVec ["smsc"] ANSWER_BUCKETS;
    /// PDUs by direction (in, out) and command.
    pdus_total: IntCounterVec ["smsc", "direction", "command"];
    /// Octets on the wire by direction.
    pdu_bytes_total: IntCounterVec ["smsc", "direction"];
    /// PDUs that were malformed, unexpected or truncated, by kind.
    ///
    /// When it rises, the SMSC speaks another dialect or the line damages octets: follow `GET /v1/smscs/{name}/trace`.
    pdu_errors_total: IntCounterVec ["smsc", "kind"];
    /// Unanswered submissions that hold a place in the window; one that is overdue gives its place back.
    ///
    /// When it stays at window_effective, answers are what limits the speed.
    window_in_flight: IntGaugeVec ["smsc", "bind"];
    /// The most unanswered submissions that are allowed.
    window_size: IntGaugeVec ["smsc", "bind"];
    /// Of these, those that may be used now: fewer while answers are slow.
    ///
    /// When it is under window_size, answers take much longer than usual.
    window_effective: IntGaugeVec ["smsc", "bind"];
    /// How long the dispatcher waited for a place in a window.
    ///
    /// When it rises, the window is full: answers are slow, or the window is small for the rate.
    window_wait_seconds: HistogramVec ["smsc"] CALL_BUCKETS;
    /// 1: an operator has suspended the SMSC, and nothing is submitted to it.
    ///
    /// `POST /v1/smscs/{name}/resume` ends it.
    smsc_suspended: IntGaugeVec ["smsc"];
    /// The share of the SMSC's newest messages that was delivered within the usual time, to that of its past: 1 when it is as usual.
    /// Absent until enough is known.
    ///
    /// Under 0.6, the SMSC delivers much worse than it did: ask the carrier, or give its routes another priority.
    smsc_quality: GaugeVec ["smsc"];
    /// What the segments that the SMSC accepted cost by its prices, in millionths of the currency.
    smsc_cost_micros_total: IntCounterVec ["smsc", "currency"];
    /// Segments that an SMSC with prices accepted, and for whose numbers it has none.
    ///
    /// When it rises, the price list lacks prefixes that are sent to.
    smsc_unpriced_segments_total: IntCounterVec ["smsc"];
    /// 1: the SMSC takes nothing from its account, and is given nothing but one message now and then.
    ///
    /// When it is 1, ask the carrier about credit and contract; `POST /v1/smscs/{name}/resume` tries again at once.
    smsc_stopped: IntGaugeVec ["smsc"];
    /// How often an account was given less than before, by cause: throttled (its rate was cut), congested (it said that it is
    /// busy), slow (a window shrank), stopped (it takes nothing).
    ///
    /// When it rises, the SMSC takes less than it is given: see throttle_effective_messages_per_second and window_effective.
    smsc_backoffs_total: IntCounterVec ["smsc", "cause"];
    /// Segments submitted, by result: ok, error, timeout (never answered), unsent.
    ///
    /// When error or timeout is more than a few percent, see submit_errors_total and submit_unknown_outcome_total.
    submits_total: IntCounterVec ["smsc", "result"];
    /// Answers that refused, by command_status; vendors' codes are other.
    ///
    /// Which answer rises says what is wrong; what each means here stands in `[[smsc]] answers`.
    submit_errors_total: IntCounterVec ["smsc", "command_status"];
    /// From the submission to its answer.
    ///
    /// When it rises, the SMSC answers slowly, and the window limits the speed.
    submit_duration_seconds: HistogramVec ["smsc"] ANSWER_BUCKETS;
    /// Messages deferred to be submitted again, by reason: throttled, queue_full, temporary, unsent, in_doubt, other_route
    /// (another SMSC is asked), stopped (the SMSC takes nothing); spaced: for the first time, when sender_rate or recipient_rate
    /// allow it.
    ///
    /// When it rises, messages wait though they were leased; the reason says on what.
    submit_retries_total: IntCounterVec ["smsc", "reason"];
    /// Answers that came after the response timeout.
    ///
    /// When it rises, response_timeout is too short for the SMSC, or the SMSC too slow for it.
    submit_late_responses_total: IntCounterVec ["smsc"];
    /// Messages whose submission nobody answered: in doubt.
    ///
    /// When it rises, connections broke with submissions under way: they wait for a receipt, or are treated as
    /// engine.in_doubt says.
    submit_unknown_outcome_total: IntCounterVec ["smsc"];
    /// The configured rate in segments a second; absent when unlimited.
    throttle_limit_messages_per_second: GaugeVec ["smsc"];
    /// The rate that holds now, in segments a second: the configured one, or less while the SMSC throttles or is busy; absent when
    /// nothing limits it.
    ///
    /// When it stays far under the limit, agree on a rate with the carrier and configure that.
    throttle_effective_messages_per_second: GaugeVec ["smsc"];
    /// How often sending was slowed down: by the SMSC's answer, or locally by the rate.
    ///
    /// By smsc: the configured rate is above what the SMSC takes. By local: there is more to send than the rate lets out.
    throttled_total: IntCounterVec ["smsc", "by"];
    /// Messages in the queues by route, paused campaigns' included.
    ///
    /// It grows when more is launched than goes out; see the binds, the rates, and what is suspended.
    queue_messages: IntGaugeVec ["route", "lane"];
    /// Messages that are deferred to a later time or wait behind another to the same person, by route; by `@` and the SMSC
    /// for those of which that has a part, or which others of the route do not take.
    ///
    /// When it rises, messages wait for another try: see submit_retries_total.
    queue_deferred_messages: IntGaugeVec ["route"];
    /// Messages that wait, by why. in_review (their campaign's reseller has to look at it first) and credit (the balance did not cover the
    /// launch) are of campaigns of which nothing is queued. Of what is queued: guard (the state of Redis or of the clocks stops everything), tenant_suspended, paused, no_route (no SMSC is
    /// configured any more that may take them), closed_hours, suspended (an operator said so), stopped (the SMSC takes nothing
    /// from the account), not_bound, behind (another to the same person has no answer), brake (the SMSC throttles or is busy),
    /// retry (it did not take them for now), rate (the configured one), window (they go as answers come). Each has the first of
    /// these that holds; together, the first two aside, they are queue_messages and queue_deferred_messages.
    waiting_messages: IntGaugeVec ["reason"];
    /// How long the oldest message that is due waits: since its launch, its acceptance by the API, or the time of its retry, and
    /// not from before the hours of advertising began; what is closed now is not due.
    /// Of a line's tenants some dozens are looked at, those whose turn it is next; paused campaigns are not.
    queue_oldest_age_seconds: GaugeVec ["lane"];
    /// From the launch, or the acceptance by the API, to the lease; of advertising, not from before its hours began.
    ///
    /// When it rises for transactional, reminders come late: see queue_messages, the rates and the binds.
    time_in_queue_seconds: HistogramVec ["lane"] RECEIPT_BUCKETS;
    /// Messages that were leased.
    leased_messages_total: IntCounterVec ["smsc"];
    /// Segments that were composed to be submitted, by encoding: gsm7, latin1, ucs2. What is composed again counts again.
    ///
    /// When ucs2 rises, texts have signs that the alphabet of phones lacks: such a message takes two segments or more from the 71st sign on.
    message_segments_total: IntCounterVec ["smsc", "encoding"];
    /// Segments of advertising that an SMSC accepted, and that left outside the hours of the recipient, by the rules themselves: what has let
    /// them through is not asked.
    ///
    /// It does not rise, ever. When it does, stop advertising at once, and look at the clock of the machine.
    submits_outside_hours_total: IntCounterVec ["smsc"];
    /// Messages that reached a status: the seven, counted when the message enters it.
    messages_total: IntCounterVec ["smsc", "status"];
    /// Recipients that got nothing, by reason. Not taken into a campaign: invalid_number, not_mobile, country_not_allowed, not_a_guest,
    /// duplicate, no_consent, unreachable, value_too_long, values_refused. Left out when it was their turn: opted_out. Either: frequency_cap.
    ///
    /// When invalid_number or not_mobile rises, a tenant's list is bad.
    messages_skipped_total: IntCounterVec ["reason"];
    /// Final receipts and others by stat in small letters; what is no standard one is other.
    ///
    /// When undeliv, expired or rejectd rises, the SMSC delivers worse.
    receipts_total: IntCounterVec ["smsc", "stat"];
    /// From the answer to the final receipt.
    ///
    /// When it rises, the SMSC or the operators behind it are slow.
    receipt_latency_seconds: HistogramVec ["smsc"] RECEIPT_BUCKETS;
    /// From the arrival of a deliver_sm to its deliver_sm_resp: what it brought is stored then.
    ///
    /// When it rises, settling does not keep up, mostly since Redis is slow; SMSCs resend what is not acknowledged.
    receipt_ack_seconds: Histogram [] CALL_BUCKETS;
    /// Messages that an SMSC took and whose final receipt has not come, as of the last walk through all records, which takes some
    /// seconds, a quarter of an hour for a million records.
    receipts_pending: IntGaugeVec ["smsc"];
    /// Of these, those that were taken before engine.receipt_overdue: longer ago than messages are valid.
    ///
    /// When it is more than one of a hundred messages, the SMSC does not report, or its receipts match nothing: see receipts_parked.
    receipts_overdue: IntGaugeVec ["smsc"];
    /// How long the oldest message waits for its final receipt, as of that walk; it ends as transmitted after
    /// engine.receipt_timeout.
    receipts_pending_oldest_age_seconds: GaugeVec ["smsc"];
    /// Receipts that were parked since they matched no message, by reason: early, unknown_id, ambiguous, implausible,
    /// no_address, contended; no_room for those that could not be kept.
    ///
    /// When unknown_id rises, receipts are of somebody else's messages or their ids are written in another way: `campanile
    /// decode ids`. no_room are lost: the place for what matches nothing is full.
    receipts_parked_total: IntCounterVec ["smsc", "reason"];
    /// Recipients with receipts that are parked.
    ///
    /// `GET /v1/receipts/parked` lists them; `POST /v1/receipts/parked/{id}/replay` tries one again.
    receipts_parked: IntGauge [];
    /// Second copies of receipts that had settled a message.
    ///
    /// When it rises, the SMSC sends again what was acknowledged, mostly since it was acknowledged late.
    receipt_duplicates_total: IntCounterVec ["smsc"];
    /// Inbound messages that are no receipts.
    inbound_total: IntCounterVec ["smsc"];
    /// What became of inbound messages: kept, opt_out (kept, and the person is sent no more marketing), second_copy.
    inbound_actions_total: IntCounterVec ["action"];
    /// What was made of what people wrote to our numbers: opt_out, contact, rule (a rule answers it), appointment (it answers a reminder), offer (it says yes or no to an offer), survey (it answers a question of a survey), unsure (one does perhaps), unanswered (none does), echo (it says what we said), quiet (so much was answered by itself that nothing more is for a while), not_ours (nothing is sent from that number).
    ///
    /// When quiet rises, machines answer each other: the conversations say which.
    replies_total: IntCounterVec ["made"];
    /// From the time at which an answer was due, mostly that of the message that it answers, to its place among the messages to be sent.
    ///
    /// When it rises, the database of people or Redis is slow.
    reply_latency_seconds: Histogram [] CALL_BUCKETS;
    /// From the submission to the settled receipt in the store.
    submitted_to_settled_seconds: Histogram [] RECEIPT_BUCKETS;
    /// How often something that is sent by itself (reminder, reply) could not be taken as a message and was put off, by why: credit, review
    /// (its reseller has to look first), busy.
    ///
    /// When credit rises, a tenant's reminders or answers wait for credits; what is not sent in its time is never sent.
    sends_put_off_total: IntCounterVec ["what", "why"];
    /// Short links that were followed, by whom: person, program (one that shows what is behind a link).
    link_clicks_total: IntCounterVec ["by"];
    /// Launches by result: started, blocked_credit, daily_max, failed.
    ///
    /// blocked_credit: the tenant's balance does not cover the campaign; an operator grants credits.
    campaign_launches_total: IntCounterVec ["result"];
    /// Launches and messages whose traffic is unusual for their tenant: flagged (for the first time), held, rejected.
    ///
    /// When held or rejected rise, a tenant sends to numbers that its reseller has not accepted: see /v1/flagged.
    unusual_traffic_total: IntCounterVec ["result"];
    /// From the launch of a campaign to the lease of its first message, a pause between them included; each campaign counts once.
    ///
    /// When it rises, campaigns start late: see waiting_messages, the rates and the binds.
    campaign_start_delay_seconds: HistogramVec ["lane"] RECEIPT_BUCKETS;
    /// How long after the time that it was planned for a campaign launched by itself.
    ///
    /// When it is more than a second, no engine ran at that time, or Redis was away: the campaign was launched afterwards.
    campaign_schedule_delay_seconds: Histogram [] RECEIPT_BUCKETS;
    /// Recipients that were enqueued.
    campaign_fanout_recipients_total: IntCounter [];
    /// From the launch to the last recipient enqueued.
    campaign_fanout_duration_seconds: Histogram [] RECEIPT_BUCKETS;
    /// Credits of campaigns that were booked, by type: debit (spent), refund (spent, and given back), release (held, and not
    /// needed).
    credits_total: IntCounterVec ["type"];
    /// 1: the configuration was read again without a fault when that was asked for last, or was never asked for.
    ///
    /// When it is 0, the file has a fault and the configuration before it holds: `campanile check` says all.
    config_last_reload_successful: IntGauge [];
    /// When the configuration that holds was read, in seconds since 1970.
    config_last_reload_timestamp_seconds: Gauge [];
    /// Acts of administration that could not be written to the audit log's file; they stand in the log.
    ///
    /// When it rises, look at the disk that audit.path is on, and at the file's owner; the log says what is wrong.
    audit_lines_lost_total: IntCounter [];
    /// Lines of the message log that could not be written.
    ///
    /// When it rises, look at the disk that message_log.path is on, and at the file's owner; the log says what is wrong.
    message_log_lines_lost_total: IntCounter [];
    /// Spans that no receiver of traces took.
    ///
    /// When it rises, the receiver of traces.endpoint is away, or refuses them: the log says which. Messages go on.
    trace_spans_lost_total: IntCounter [];
    /// HTTP requests by route, method and code.
    ///
    /// When codes from 500 on rise, see redis_errors_total and guard_stopped.
    http_requests_total: IntCounterVec ["route", "method", "code"];
    /// How long HTTP requests took.
    ///
    /// When it rises, see redis_op_duration_seconds and the machine's load.
    http_request_duration_seconds: HistogramVec ["route"] CALL_BUCKETS;
    /// HTTP requests that are being answered, by listener: public, admin, links.
    ///
    /// When it rises and stays, something behind them does not answer: see redis_op_duration_seconds.
    http_requests_in_flight: IntGaugeVec ["listener"];
    /// HTTP connections that are open, by listener: public, admin.
    ///
    /// When it stays at api.connections_max, others are cut off.
    http_connections: IntGaugeVec ["listener"];
    /// HTTP connections that were cut off, by reason: gave_way (it waited longest when another needed its place), refused
    /// (all places were being served), late_handshake, failed_handshake (no TLS, or a certificate that one of the two does not
    /// trust), late_head, unread (its answer was not taken).
    ///
    /// When it rises, clients are slow or too many: api.connections_max, api.address_connections_max. failed_handshake: they
    /// speak plain HTTP, do not trust our certificate, or show none that client_ca_file knows; the log says which at debug.
    http_connections_cut_total: IntCounterVec ["listener", "reason"];
    /// Requests with a key that nobody has, by listener (public, admin) and answer: refused (401), delayed (429: the key was not
    /// looked up, since its address has tried api.wrong_keys_max others).
    ///
    /// When delayed rises, somebody guesses keys, or one of many machines behind an address has old ones; the log names the address.
    http_wrong_keys_total: IntCounterVec ["listener", "answer"];
    /// Round trips to Redis by what they are for: commit, lease, launch, replicas (until redis.wait_replicas have a lease).
    ///
    /// When it rises, Redis is busy, forks, or its disk is slow: `redis-cli --latency`, `INFO persistence`.
    redis_op_duration_seconds: HistogramVec ["op"] CALL_BUCKETS;
    /// Round trips to Redis that failed, by what they were for: commit, lease, launch, inbound, index, park, parked and others of
    /// campaigns; they are repeated.
    ///
    /// When it rises, Redis is away or refuses: nothing is sent meanwhile, and nothing is lost.
    redis_errors_total: IntCounterVec ["op"];
    /// Script calls, by what they were for.
    redis_script_items_total: IntCounterVec ["op"];
    /// Scripts that Redis had forgotten and was told again, as after its restart.
    ///
    /// When it goes on rising, something empties Redis's scripts (`SCRIPT FLUSH`), and calls take two round trips.
    redis_script_noscript_total: IntCounter [];
    /// Memory that Redis uses.
    ///
    /// At redis.intake_mark of maxmemory nothing more is taken in, at redis.lease_mark nothing more is sent.
    redis_used_memory_bytes: IntGauge [];
    /// 1 while Redis has settings that lose data and redis.allow_loss accepts them.
    ///
    /// When it is 1, a crash of Redis may lose messages and credits: set appendonly and maxmemory-policy.
    redis_loss_allowed: IntGauge [];
    /// By how many seconds a clock was set while the engine ran: host, server. 0 once it is believed again.
    ///
    /// When it is not 0, a clock was set; expiries stop until it is believed again. See to NTP.
    clock_step_seconds: GaugeVec ["clock"];
    /// 1 while the state of Redis or of the clocks stops that work: intake, leases, expiries.
    ///
    /// When it is 1, `GET /readyz?verbose=1` says why.
    guard_stopped: IntGaugeVec ["work"];
    /// Messages of a tenant that reached a status, counted when the books have it.
    ///
    /// It sums to messages_total and what was never leased, a second later; it says whose messages fail. When it stands still while
    /// tenant_queue_oldest_age_seconds rises, others are served and this tenant is not.
    tenant_messages_total: IntCounterVec ["tenant", "status"];
    /// People who wrote STOP in answer to a tenant's messages, sandboxes aside.
    ///
    /// When it rises, somebody sends what people do not want: ask the tenant about consent.
    tenant_opt_outs_total: IntCounterVec ["tenant"];
    /// Messages of a tenant that are to be sent, those on the wire without an answer among them; absent when it has nothing under
    /// way. Looked at 200 campaigns in two seconds.
    ///
    /// It sums to `queued` of the tenant's campaigns. When it stands still, `GET /v1/campaigns/{id}` says why.
    tenant_queue_messages: IntGaugeVec ["tenant"];
    /// How long a tenant's oldest message that was never leased waits, since its launch or its acceptance by the API; absent when
    /// none waits. Paused campaigns are not looked at, and of a line's tenants some dozens, those whose turn it is next.
    ///
    /// A large campaign makes it rise by itself: see tenant_messages_total.
    tenant_queue_oldest_age_seconds: GaugeVec ["tenant"];
    /// 1, with the name of the tenant that has that number in the other metrics; its name as of the last look.
    tenant_info: IntGaugeVec ["tenant", "name"];
    /// Credits that a tenant may still use.
    ///
    /// When it is 0, its campaigns are refused; an operator grants credits with `POST /v1/tenants/{id}/credits`.
    credit_balance: IntGaugeVec ["tenant"];
    /// Credits that are set aside for a tenant's campaigns under way.
    credit_held: IntGaugeVec ["tenant"];
    /// How often something was shown under the tenant `_other`, since metrics.tenants others have labels of their own.
    ///
    /// When it rises and each tenant is to be seen, raise metrics.tenants.
    metrics_label_overflow_total: IntCounter [];
    /// Campaigns by state, as of the auditor's last walk.
    campaigns: IntGaugeVec ["state"];
    /// By how many credits the books of tenants differ from granted = available + held + spent, in sum.
    ///
    /// It is 0, always. When it is not, credits were made or lost; the log names the tenants.
    ledger_imbalance: IntGauge [];
    /// By how many messages campaigns differ from total = what was sent, ended, canceled and skipped, in sum.
    ///
    /// It is 0, always. When it is not, messages were lost or doubled; the log names the campaigns.
    status_imbalance: IntGauge [];
    /// When the auditor had last looked at every tenant and campaign, in seconds since 1970.
    ///
    /// When it stands still, the auditor cannot read from Redis, and the two imbalances are old.
    reconciliation_last_run_timestamp_seconds: Gauge [];
    /// Messages that were not in one place, by what was found: lost (nowhere), queued_twice, recorded_twice, ended_twice, never_due;
    /// campaigns with rows that nobody would have leased (adrift); and how many were counted as queued and were not, or the other way
    /// (miscounted). Each is mended at once; what is lost, when its campaign does not move, and a count, when its partition does not.
    ///
    /// It does not rise, ever. When it does, something wrote into the database besides the engine, or the engine has a fault; the
    /// log names the messages.
    misplaced_messages_total: IntCounterVec ["found"];
    /// When the auditor had last looked where every message is, in seconds since 1970.
    ///
    /// When it stands still, the auditor cannot read from Redis, or the books do not follow the journal.
    roll_call_last_run_timestamp_seconds: Gauge [];
    /// Connections to Redis of the API and of operators' calls, by state: idle, used, awaited (calls that wait for one).
    ///
    /// When awaited stays above 0, Redis is too slow for the calls that come.
    redis_pool_connections: IntGaugeVec ["state"];
    /// POSTs to webhooks by result: delivered, refused (an answer other than 2xx), timeout, unreachable, forbidden (a private address).
    ///
    /// When refused, timeout or unreachable rise for long, a receiver is away or does not like what it is told: its tenant sees
    /// which attempts failed at GET /v1/webhooks/{id}/deliveries.
    webhook_deliveries_total: IntCounterVec ["result"];
    /// How long a POST to a webhook took, from the look-up of its name to its answer.
    webhook_duration_seconds: Histogram [] ANSWER_BUCKETS;
    /// Deliveries that wait for webhooks, of up to 100 events each, those for disabled ones included.
    ///
    /// When it rises for long, a receiver is away or too slow, or what is told is more than four POSTs at once take.
    webhook_backlog: IntGauge [];
    /// Webhooks that are disabled: their receivers have failed for days or are gone, or their tenants want it so.
    webhook_endpoints_disabled: IntGauge [];
    /// Events that webhooks were never told of, by reason: full (webhooks.backlog), old (webhooks.keep).
    ///
    /// When it rises, a receiver has been away for longer than its backlog lasts. Its tenant sees how many events at the webhook.
    webhook_dropped_events_total: IntCounterVec ["reason"];
    /// How long ago the journal was read to its end for webhooks; 0 when there are none.
    ///
    /// Above some seconds, the SQL database does not keep up or does not answer; after two minutes the journal is trimmed
    /// all the same.
    webhook_lag_seconds: Gauge [];
    /// How long ago the journal was read to its end for history; some seconds while much is sent.
    ///
    /// When it rises for minutes, the SQL database does not keep up or does not answer. Nothing is lost: the journal waits.
    history_lag_seconds: Gauge [];
    /// Octets of Redis that the journal takes: what is still to be booked, told and written down.
    ///
    /// At `history.journal_max` the guard stops leases (`campanile_guard_stopped`) until history has caught up.
    history_journal_bytes: IntGauge [];
    /// Rows of history that were written.
    history_rows_total: IntCounter [];
    /// How long ledgers and opt-outs could not be copied to the SQL database; 0 when they can.
    ///
    /// When it rises, the database does not answer: what would be lost with Redis grows with it.
    mirror_lag_seconds: Gauge [];
    /// Times that a partition's journal was trimmed before it was read for webhooks: they are not told of what stood there.
    webhook_journal_passed_over_total: IntCounter [];
    /// What waits to be settled: the age of the oldest.
    ///
    /// From 0.1 on leases wait: Redis or the processor does not keep up.
    settle_lag_seconds: Gauge [];
    /// 1 for each pack of hours of advertising that is obeyed (`rules.packs`), with its country and first day.
    rule_pack_info: IntGaugeVec ["pack", "version", "country", "valid_from"];
    /// Until when somebody has looked that a pack is still what the law says (its valid_until), in seconds since 1970; absent where it says nothing.
    ///
    /// When less than a month is left, look whether the law or the charter has changed, and write another pack. The old one holds on.
    rule_pack_valid_until_timestamp_seconds: IntGaugeVec ["pack"];
    /// Whether advertising may go in that zone now, by its packs.
    hours_open: IntGaugeVec ["zone"];
    /// 1 at the engine that has the duty: it does what one engine at a time does (plans, audits, copies to SQL).
    ///
    /// When no engine has it for a minute, see the engines' logs: plans and reminders stand still.
    duty: IntGauge [];
    /// Threads of the runtime that run tasks.
    tokio_workers: IntGauge [];
    /// Tasks of the runtime that are alive.
    ///
    /// When it rises for hours without more connections, tasks do not end.
    tokio_alive_tasks: IntGauge [];
    /// Tasks that wait for a thread in the queue that all threads share.
    ///
    /// When it stays above some hundreds, the processors do not keep up.
    tokio_queued_tasks: IntGauge [];
    /// For how long the runtime's threads were busy, in sum.
    ///
    /// When it rises as fast as there are threads, the processors are what limits the engine.
    tokio_busy_seconds_total: Counter [];
    /// 1, with the version.
    build_info: IntGaugeVec ["version"];
}

/// The metrics of one engine, in a registry of its own. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Registered>);

impl Deref for Metrics {
    type Target = Registered;

    fn deref(&self) -> &Registered {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Status;

    #[test]
    fn every_metric_has_a_name_of_its_own_and_a_unit() {
        let metrics = Metrics::new(1).unwrap();
        metrics.smsc("north").status(Status::Delivered);
        let text = String::from_utf8(metrics.exposition()).unwrap();
        assert!(text.contains("campanile_messages_total{smsc=\"north\",status=\"delivered\"} 1"));
        assert!(
            text.contains("# HELP campanile_receipts_parked Recipients with receipts"),
            "{text}"
        );
    }
}
