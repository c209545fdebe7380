use smpp::address::Address;
use smpp::command_status::CommandStatus;
use smpp::frame::{DESTINATIONS_MAX, Destination, Sm, SubmitMulti, SubmitMultiResp, Unsuccess};

use super::job::Job;
use super::session::{Request, Turn};
use super::submit::Addressee;
use super::{Smsc, empty_response};
use crate::ledger::Row;

/// The submit_multi that is being read.
#[derive(Debug)]
pub(super) struct Multi {
    /// How late the destinations so far are answered.
    delays: Vec<u64>,
    /// The id of those that are accepted, once one is.
    pub(super) id: Option<u64>,
}

impl Smsc {
    /// submit_multi: a row of the ledger, and an outcome, for every destination; one id and one answer for all (3.4, 4.5).
    /// The answer is as late as the latest of its destinations, and never comes when one of them is never answered.
    pub(super) fn submit_multi(&mut self, turn: &mut Turn<'_>, request: Request, multi: &SubmitMulti<'_>) {
        if turn.session.transmitting().is_none() {
            return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS);
        }
        let count = multi.destinations.len();
        if !(1..=DESTINATIONS_MAX).contains(&count) {
            return empty_response(turn, request, CommandStatus::ESME_RINVNUMDESTS);
        }
        if self.records.is_full() {
            self.records.ledger.counters.unrecorded += count as u64;
            return empty_response(turn, request, CommandStatus::ESME_RMSGQFUL);
        }
        let first = self.records.ledger.next_place() as u32;
        self.multi = Some(Multi {
            delays: Vec::with_capacity(count),
            id: None,
        });
        for (place, destination) in multi.destinations.iter().enumerate() {
            let (destination, list) = match destination {
                Destination::Address(address) => (address, false),
                Destination::List(digits) => (
                    Address {
                        digits,
                        ..Address::default()
                    },
                    true,
                ),
            };
            let sm = Sm {
                destination,
                ..multi.sm.clone()
            };
            let of_multi = place as u8;
            self.submit_one(turn, request, (&sm, Addressee { of_multi, list }));
        }
        let delays = self.multi.take().map(|multi| multi.delays).unwrap_or_default();
        debug_assert!(delays.len() <= count, "a destination is answered twice");
        if let (Some(&delay_us), true) = (delays.iter().max(), delays.len() == count) {
            self.hold_or_answer(turn, request.job(first), delay_us);
        } else {
            self.never_answered(request.job(first));
        }
        self.hang_up_if_full(turn);
    }

    /// The one answer: an error when no destination was accepted, theirs if it is the same for all.
    pub(super) fn write_multi_answer(&mut self, turn: &mut Turn<'_>, job: Job) {
        let places = self.records.destinations_of(job.row);
        let rows: Vec<Row> = places
            .iter()
            .filter_map(|&place| self.records.ledger.row(place))
            .copied()
            .collect();
        let Some(first) = rows.first() else { return };
        let refused = || rows.iter().filter(|row| !row.accepted);
        let status = match rows.iter().any(|row| row.accepted) {
            true => CommandStatus::ESME_ROK,
            false if rows.iter().all(|row| row.status == first.status) => first.status,
            false => CommandStatus::ESME_RSUBMITFAIL,
        };
        self.writer.id.clear();
        if status == CommandStatus::ESME_ROK {
            let accepted = rows.iter().find(|row| row.accepted).unwrap_or(first);
            let place = job.row.wrapping_add(u32::from(accepted.of_multi));
            self.records.write_id(accepted, place, &mut self.writer.id);
        }
        let digits: Vec<String> = refused().map(|row| self.records.numbers.text(row.recipient)).collect();
        let response = SubmitMultiResp {
            message_id: &self.writer.id,
            unsuccess: refused()
                .zip(&digits)
                .map(|(row, digits)| Unsuccess {
                    destination: Address {
                        ton: row.ton_npi[2],
                        npi: row.ton_npi[3],
                        digits: digits.as_bytes(),
                    },
                    status: row.status,
                })
                .collect(),
        };
        response.encode(turn.out, (status, job.sequence));
        for place in places {
            self.records.ledger.answered(place, turn.now_us);
        }
    }

    /// Keeps the delay of one destination's answer for the answer to all; false when it is that one.
    pub(super) fn collect(&mut self, delay_us: u64) -> bool {
        let Some(multi) = &mut self.multi else {
            return false;
        };
        multi.delays.push(delay_us);
        true
    }
}
