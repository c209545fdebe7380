use smpp::command_status::CommandStatus;
use smpp::frame::{CancelSm, Sm};

use super::job::{Job, JobKind};
use super::records::{Alike, Found};
use super::session::{Request, Turn};
use super::{Smsc, empty_response};
use crate::model::Stat;

impl Smsc {
    /// cancel_sm: deletes one message by its id, or all that are alike (3.4, 4.9), as long as they are on their way.
    pub(super) fn cancel(&mut self, turn: &mut Turn<'_>, request: Request, cancel: &CancelSm<'_>) {
        let Some(account) = turn.session.transmitting() else {
            return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS);
        };
        let rows = match self.meant(turn, account, cancel) {
            Found::Rows(rows) => rows,
            Found::OtherSource => Vec::new(),
            Found::Nothing => return empty_response(turn, request, CommandStatus::ESME_RINVMSGID),
        };
        let (before, now_us) = (self.records.ledger.counters.cancelled, turn.now_us);
        for place in rows {
            let row = self.records.ledger.row(place);
            if row.is_some_and(|row| row.accepted && !row.is_final(now_us)) {
                self.delete(turn, place);
            }
        }
        let status = if self.records.ledger.counters.cancelled > before {
            CommandStatus::ESME_ROK
        } else {
            CommandStatus::ESME_RCANCELFAIL
        };
        empty_response(turn, request, status);
    }

    /// The messages that a cancel_sm means. With an id, service type and destination narrow it if they are there.
    fn meant(&mut self, turn: &Turn<'_>, account: usize, cancel: &CancelSm<'_>) -> Found {
        let service = (!cancel.service_type.is_empty()).then(|| self.records.service(cancel.service_type));
        let recipient = self.records.numbers.known(cancel.destination.digits);
        if !cancel.message_id.is_empty() {
            let mut rows = match self
                .records
                .named(turn.now_us, account, (cancel.message_id, cancel.source))
            {
                Found::Rows(rows) => rows,
                other @ (Found::OtherSource | Found::Nothing) => return other,
            };
            rows.retain(|&place| {
                self.records.ledger.row(place).is_some_and(|row| {
                    service.is_none_or(|service| row.service == service)
                        && (cancel.destination.digits.is_empty() || recipient == Some(row.recipient))
                })
            });
            return Found::Rows(rows);
        }
        let source = self.records.numbers.known(cancel.source.digits);
        let (Some(source), Some(recipient)) = (source, recipient) else {
            return Found::Rows(Vec::new());
        };
        let alike = Alike {
            account,
            source,
            recipient,
            service,
        };
        Found::Rows(self.records.pending(turn.now_us, alike))
    }

    /// Deletes a message that is on its way. Its receipt, if it is to get one, says so at once.
    fn delete(&mut self, turn: &mut Turn<'_>, place: u32) {
        let Some(row) = self.records.ledger.row(place) else {
            return;
        };
        let has_receipts = self.records.receipt(row).is_some();
        let wanted = has_receipts && Stat::Deleted.is_wanted(row.registered_delivery());
        let due = if wanted { row.due.max(1) } else { 0 };
        self.records.ledger.delete(place, turn.now_us, due);
        self.post_receipts(turn, place, turn.now_us);
    }

    /// Posts the final receipts of a message whose plans have changed; what was posted before is void by then.
    pub(super) fn post_receipts(&mut self, turn: &mut Turn<'_>, place: u32, due_us: u64) {
        let due = self.records.ledger.row(place).map_or(0, |row| row.due);
        for _ in 0..due {
            let job = Job {
                kind: JobKind::Receipt,
                row: place,
                sequence: 0,
                tries: 0,
            };
            self.post(turn, due_us, job);
        }
    }

    /// The messages on their way that a submit with replace_if_present_flag takes the place of (3.4, 5.2.18). None for
    /// the later segments of a message: the first has done it.
    pub(super) fn replaceable(&mut self, account: usize, sm: &Sm<'_>, (now_us, part): (u64, u8)) -> Vec<u32> {
        if sm.replace_if_present != 1 || part > 1 {
            return Vec::new();
        }
        let addresses = (sm.source.digits, sm.destination.digits);
        let (Some(source), Some(recipient)) = (
            self.records.numbers.known(addresses.0),
            self.records.numbers.known(addresses.1),
        ) else {
            return Vec::new();
        };
        let alike = Alike {
            account,
            source,
            recipient,
            service: Some(self.records.service(sm.service_type)),
        };
        self.records.pending(now_us, alike)
    }

    /// The message in that row takes the place of those, which are deleted. Segments that came before their first one
    /// belong to it.
    pub(super) fn take_place(&mut self, turn: &mut Turn<'_>, row: u32, replaced: &[u32]) {
        let Some(&new) = self.records.ledger.row(row).filter(|row| row.accepted) else {
            return;
        };
        for &place in replaced {
            if self
                .records
                .ledger
                .row(place)
                .is_some_and(|old| old.attempt != new.attempt)
            {
                self.delete(turn, place);
            }
        }
    }
}
