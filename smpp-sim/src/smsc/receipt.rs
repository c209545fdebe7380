use std::collections::VecDeque;

use bytes::BytesMut;
use jiff::Timestamp;
use jiff::tz::Offset;
use smpp::address::Address;
use smpp::frame::{Sm, Tlvs, put_tlv, tag};

use super::Smsc;
use super::ids::{for_version, write_receipt_id};
use super::session::{Job, JobKind, Turn};
use crate::ledger::Row;
use crate::number::write_decimal;
use crate::outcome::{ReceiptPlan, Stat};

/// `esm_class` of a receipt, and of an intermediate one (3.4, 5.2.12).
const ESM_CLASS_RECEIPT: u8 = 0x04;
const ESM_CLASS_INTERMEDIATE: u8 = 0x20;

/// `network_error_code` of a GSM network (3.4, 5.3.2.31).
const NETWORK_GSM: u8 = 3;

/// How much of a message its receipt repeats (3.4, appendix B).
const TEXT_OCTETS: usize = 20;

const MINUTE_US: u64 = 60_000_000;

/// Buffers that are used again for every PDU.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) id: Vec<u8>,
    pub(super) jobs: VecDeque<Job>,
    /// How late the destinations of the submit_multi that is being read are answered; `None`: none is.
    pub(super) delays: Option<Vec<u64>>,
    /// The id of those of its destinations that are accepted, once one is.
    pub(super) multi_id: Option<u64>,
    text: Vec<u8>,
    tlvs: BytesMut,
    source: Vec<u8>,
    destination: Vec<u8>,
    submitted: Minute,
    done: Minute,
}

/// The last minute that was written, since most receipts are of the same one.
#[derive(Debug, Default)]
struct Minute {
    since_1970: u64,
    digits: [u8; 10],
}

impl Minute {
    /// `YYMMDDhhmm` in UTC.
    fn digits(&mut self, at_us: u64) -> &[u8] {
        let minute = at_us / MINUTE_US;
        if minute != self.since_1970 {
            let moment = Timestamp::from_second((minute * 60) as i64).unwrap_or(Timestamp::UNIX_EPOCH);
            let civil = Offset::UTC.to_datetime(moment);
            let pairs = [
                civil.year().rem_euclid(100) as i8,
                civil.month(),
                civil.day(),
                civil.hour(),
                civil.minute(),
            ];
            for (place, pair) in pairs.into_iter().enumerate() {
                self.digits[place * 2] = b'0' + pair as u8 / 10;
                self.digits[place * 2 + 1] = b'0' + pair as u8 % 10;
            }
            self.since_1970 = minute;
        }
        &self.digits
    }
}

impl Smsc {
    /// Writes the deliver_sm of a job.
    pub(super) fn write_delivery(&mut self, turn: &mut Turn<'_>, job: Job, sequence: u32) {
        match job.kind {
            JobKind::Inbound => self.write_inbound(turn, job, sequence),
            JobKind::Receipt | JobKind::Enroute => self.write_receipt(turn, job, sequence),
            JobKind::Answer | JobKind::DataAnswer | JobKind::MultiAnswer | JobKind::Reply | JobKind::Script => {}
        }
    }

    fn write_receipt(&mut self, turn: &mut Turn<'_>, job: Job, sequence: u32) {
        let Some(row) = self.ledger.row(job.row) else { return };
        let outcome = &self.outcomes[usize::from(row.outcome)];
        let Some(plan) = &outcome.receipt else { return };
        let (stat, esm_class) = match job.kind {
            JobKind::Enroute => (Stat::Enroute, ESM_CLASS_INTERMEDIATE),
            JobKind::Receipt
            | JobKind::Inbound
            | JobKind::Answer
            | JobKind::DataAnswer
            | JobKind::MultiAnswer
            | JobKind::Reply
            | JobKind::Script => (row.stat.unwrap_or(plan.stat), ESM_CLASS_RECEIPT),
        };
        let err = if row.is_deleted() { 0 } else { plan.err };
        let tlvs_taken = turn.session.version.has_tlvs();
        let skew_us = self.accounts[usize::from(row.account)].rights.faults.clock_skew_us;
        let scratch = &mut self.scratch;
        scratch.id.clear();
        let (format, id) = for_version(row.version(), outcome.message_id, row.id);
        write_receipt_id(format, id, &mut scratch.id);
        scratch.text.clear();
        scratch.tlvs.clear();
        if plan.form.has_text() || !tlvs_taken {
            let skewed = |at_us: u64| at_us.saturating_add_signed(skew_us);
            let dates = (skewed(row.received_at_us), skewed(turn.now_us));
            scratch.write_text(row, (plan, stat, err), dates, self.ledger.text(row));
        }
        if plan.form.has_tlvs() && tlvs_taken {
            scratch.write_tlvs(plan, stat, err);
        }
        scratch.source.clear();
        scratch.destination.clear();
        self.numbers.write(row.source, &mut scratch.source);
        self.numbers.write(row.recipient, &mut scratch.destination);
        let [source_ton, source_npi, ton, npi] = row.plans;
        let receipt = Sm {
            source: Address {
                ton,
                npi,
                digits: &scratch.destination,
            },
            destination: Address {
                ton: source_ton,
                npi: source_npi,
                digits: &scratch.source,
            },
            esm_class,
            short_message: &scratch.text,
            tlvs: Tlvs(&scratch.tlvs),
            ..Sm::default()
        };
        receipt.encode_deliver(turn.out, sequence);
    }
}

impl Scratch {
    /// The form of 3.4, appendix B.
    fn write_text(
        &mut self,
        row: &Row,
        (plan, stat, err): (&ReceiptPlan, Stat, u16),
        dates: (u64, u64),
        text: Option<&[u8]>,
    ) {
        let out = &mut self.text;
        if plan.with_id {
            out.extend_from_slice(b"id:");
            out.extend_from_slice(&self.id);
            out.push(b' ');
        }
        let delivered: &[u8] = if stat == Stat::Delivrd { b"001" } else { b"000" };
        out.extend_from_slice(b"sub:001 dlvrd:");
        out.extend_from_slice(delivered);
        out.extend_from_slice(b" submit date:");
        out.extend_from_slice(self.submitted.digits(dates.0));
        out.extend_from_slice(b" done date:");
        out.extend_from_slice(self.done.digits(dates.1));
        out.extend_from_slice(b" stat:");
        out.extend_from_slice(stat.name().as_bytes());
        out.extend_from_slice(b" err:");
        for unit in [100, 10, 1] {
            write_decimal(u64::from(err / unit % 10), out);
        }
        out.extend_from_slice(b" text:");
        // Only what is the same in every alphabet: a receipt has no data_coding of its own.
        let shown =
            text.filter(|text| row.text.data_coding == 0 && text.iter().all(|octet| (b' '..=b'z').contains(octet)));
        let shown = shown.unwrap_or_default();
        out.extend_from_slice(&shown[..shown.len().min(TEXT_OCTETS)]);
    }

    fn write_tlvs(&mut self, plan: &ReceiptPlan, stat: Stat, err: u16) {
        if plan.with_id {
            self.id.push(0); // a C-string (3.4, 5.3.2.12)
            put_tlv(&mut self.tlvs, tag::RECEIPTED_MESSAGE_ID, &self.id);
        }
        put_tlv(&mut self.tlvs, tag::MESSAGE_STATE, &[stat as u8]);
        let [high, low] = err.to_be_bytes();
        put_tlv(&mut self.tlvs, tag::NETWORK_ERROR_CODE, &[NETWORK_GSM, high, low]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_written_in_utc() {
        let mut minute = Minute::default();
        assert_eq!(minute.digits(1_795_363_261_000_000), b"2611221601");
        assert_eq!(minute.digits(951_782_400_000_000), b"0002290000");
    }
}
