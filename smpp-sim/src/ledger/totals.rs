use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Serialize;
use smpp::command_status::CommandStatus;
use strum::VariantArray;

use super::Ledger;
use super::row::Row;
use crate::model::{Outcome, Stat};

/// Counters that move with every row, so that reading them costs nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) submits: u64,
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    pub(crate) answered: u64,
    pub(crate) lost: u64,
    pub(crate) unrecorded: u64,
    pub(crate) receipts_due: u64,
    pub(crate) receipts_sent: u64,
    pub(crate) receipts_resent: u64,
    pub(crate) receipts_acked: u64,
    pub(crate) receipts_refused: u64,
    pub(crate) duplicates: u64,
    pub(crate) inbound_sent: u64,
    pub(crate) inbound_acked: u64,
    pub(crate) inbound_dropped: u64,
    pub(crate) cancelled: u64,
    pub(crate) replaced: u64,
    by_status: FxHashMap<u32, u64>,
    by_stat: [u64; 9],
    pub(crate) by_outcome: FxHashMap<u16, u64>,
    by_account: FxHashMap<u16, (u64, u64)>,
}

impl Counters {
    pub(super) fn submitted(&mut self, row: &Row) {
        self.submits += 1;
        self.accepted += u64::from(row.accepted);
        self.receipts_due += u64::from(row.due);
        self.duplicates += u64::from(row.due.saturating_sub(1));
        *self.by_outcome.entry(row.outcome).or_default() += 1;
        let account = self.by_account.entry(row.account).or_default();
        account.0 += 1;
        account.1 += u64::from(row.accepted);
    }

    pub(super) fn answered(&mut self, status: CommandStatus) {
        self.answered += 1;
        assert!(self.answered <= self.submits, "more answers than submits");
        self.rejected += u64::from(status != CommandStatus::ESME_ROK);
        *self.by_status.entry(status.0).or_default() += 1;
    }

    /// A message is to get another number of receipts than it was.
    pub(super) fn due_changed(&mut self, before: u8, now: u8) {
        assert!(
            self.receipts_due >= u64::from(before),
            "receipts of a row were never counted as due"
        );
        self.receipts_due = self.receipts_due - u64::from(before) + u64::from(now);
        let copies = |due: u8| u64::from(due.saturating_sub(1));
        self.duplicates = self.duplicates - copies(before) + copies(now);
    }

    pub(super) fn receipt_acked(&mut self, stat: Option<Stat>) {
        self.receipts_acked += 1;
        self.by_stat[stat.map_or(0, |stat| stat as usize)] += 1;
    }
}

/// What `GET /ledger/totals` says; the README has the meaning of each counter.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the README explains each counter")]
pub struct Totals {
    pub submits: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub lost: u64,
    pub unrecorded: u64,
    pub answered: u64,
    pub unanswered: u64,
    pub receipts_due: u64,
    pub receipts_sent: u64,
    pub receipts_resent: u64,
    pub receipts_acked: u64,
    pub receipts_refused: u64,
    pub duplicates: u64,
    pub recipients: u64,
    pub messages: u64,
    pub inbound_sent: u64,
    pub inbound_acked: u64,
    pub inbound_dropped: u64,
    pub replies_due: u64,
    pub cancelled: u64,
    pub replaced: u64,
    pub sessions: u64,
    pub by_status: BTreeMap<String, u64>,
    pub by_stat: BTreeMap<&'static str, u64>,
    pub by_outcome: BTreeMap<String, u64>,
    pub by_reply: BTreeMap<String, u64>,
    pub by_account: BTreeMap<String, AccountTotals>,
}

/// One account's share.
#[derive(Clone, Copy, Debug, Serialize)]
#[allow(missing_docs, reason = "as in the totals")]
pub struct AccountTotals {
    pub submits: u64,
    pub accepted: u64,
}

/// What the ledger does not know itself.
pub(crate) struct Names<'a> {
    pub(crate) accounts: &'a [String],
    pub(crate) outcomes: &'a [Outcome],
}

impl Totals {
    /// The value of a counter by its name, for conditions; `None` when no counter has that name.
    pub fn counter(&self, name: &str) -> Option<u64> {
        Some(match name {
            "submits" => self.submits,
            "accepted" => self.accepted,
            "rejected" => self.rejected,
            "lost" => self.lost,
            "unrecorded" => self.unrecorded,
            "answered" => self.answered,
            "unanswered" => self.unanswered,
            "receipts_due" => self.receipts_due,
            "receipts_sent" => self.receipts_sent,
            "receipts_resent" => self.receipts_resent,
            "receipts_acked" => self.receipts_acked,
            "receipts_refused" => self.receipts_refused,
            "duplicates" => self.duplicates,
            "recipients" => self.recipients,
            "messages" => self.messages,
            "inbound_sent" => self.inbound_sent,
            "inbound_acked" => self.inbound_acked,
            "inbound_dropped" => self.inbound_dropped,
            "replies_due" => self.replies_due,
            "cancelled" => self.cancelled,
            "replaced" => self.replaced,
            "sessions" => self.sessions,
            _ => return None,
        })
    }
}

impl Ledger {
    /// The totals; `recipients`, `messages`, `sessions` and the replies are the caller's to fill in.
    pub(crate) fn totals(&self, names: &Names<'_>) -> Totals {
        let counters = &self.counters;
        let status = |(&status, &count): (&u32, &u64)| (CommandStatus(status).to_string(), count);
        let stats = Stat::VARIANTS
            .iter()
            .map(|&stat| (stat.name(), counters.by_stat[stat as usize]));
        let mut by_outcome = BTreeMap::new();
        for (&outcome, count) in &counters.by_outcome {
            let name = names
                .outcomes
                .get(usize::from(outcome))
                .map_or("unknown", |outcome| &outcome.name);
            *by_outcome.entry(name.to_owned()).or_default() += count;
        }
        let account = |(&account, &(submits, accepted)): (&u16, &(u64, u64))| {
            let name = names.accounts.get(usize::from(account)).cloned().unwrap_or_default();
            (name, AccountTotals { submits, accepted })
        };
        Totals {
            submits: counters.submits,
            accepted: counters.accepted,
            rejected: counters.rejected,
            lost: counters.lost,
            unrecorded: counters.unrecorded,
            answered: counters.answered,
            unanswered: counters.submits - counters.answered,
            receipts_due: counters.receipts_due,
            receipts_sent: counters.receipts_sent,
            receipts_resent: counters.receipts_resent,
            receipts_acked: counters.receipts_acked,
            receipts_refused: counters.receipts_refused,
            duplicates: counters.duplicates,
            recipients: 0,
            messages: 0,
            inbound_sent: counters.inbound_sent,
            inbound_acked: counters.inbound_acked,
            inbound_dropped: counters.inbound_dropped,
            replies_due: 0,
            cancelled: counters.cancelled,
            replaced: counters.replaced,
            sessions: 0,
            by_status: counters.by_status.iter().map(status).collect(),
            by_stat: stats.filter(|&(_, count)| count > 0).collect(),
            by_outcome,
            by_reply: BTreeMap::new(),
            by_account: counters.by_account.iter().map(account).collect(),
        }
    }
}
