use smpp::command_status::CommandStatus;
use smpp::frame::ReplaceSm;

use super::lifetime::{BadTime, Lifetime};
use super::records::Found;
use super::session::{Request, Turn};
use super::{Smsc, empty_response};
use crate::ledger::Replacement;
use crate::model::{ReceiptPlan, Stat};

impl Smsc {
    /// replace_sm: another text, validity and wish for a receipt for a message that is on its way (3.4, 4.10).
    pub(super) fn replace(&mut self, turn: &mut Turn<'_>, request: Request, replace: &ReplaceSm<'_>) {
        let Some(account) = turn.session.transmitting() else {
            return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS);
        };
        let status = match self
            .records
            .named(turn.now_us, account, (replace.message_id, replace.source))
        {
            Found::Nothing => CommandStatus::ESME_RINVMSGID,
            Found::OtherSource => CommandStatus::ESME_RREPLACEFAIL,
            Found::Rows(rows) => {
                let times = (replace.schedule_delivery_time, replace.validity_period);
                match Lifetime::read(times, turn.now_us) {
                    Ok(_) => self.replace_rows(turn, rows, replace),
                    Err(BadTime::Schedule) => CommandStatus::ESME_RINVSCHED,
                    Err(BadTime::Validity) => CommandStatus::ESME_RINVEXPIRY,
                }
            }
        };
        empty_response(turn, request, status);
    }

    fn replace_rows(&mut self, turn: &mut Turn<'_>, rows: Vec<u32>, replace: &ReplaceSm<'_>) -> CommandStatus {
        let mut status = CommandStatus::ESME_RREPLACEFAIL;
        for place in rows {
            let row = self.records.ledger.row(place);
            if row.is_some_and(|row| row.accepted && !row.is_final(turn.now_us)) {
                self.replace_row(turn, place, replace);
                status = CommandStatus::ESME_ROK;
            }
        }
        status
    }

    fn replace_row(&mut self, turn: &mut Turn<'_>, place: u32, replace: &ReplaceSm<'_>) {
        let Some(row) = self.records.ledger.row(place) else {
            return;
        };
        let (before, final_at_us, expires) = (row.due, row.final_at_us(), row.expires());
        // The new validity is written down; when the message is final stays as it was dealt.
        let stat = |plan: &ReceiptPlan| if expires { Stat::Expired } else { plan.stat };
        let plan = self
            .records
            .receipt(row)
            .filter(|plan| stat(plan).is_wanted(replace.registered_delivery));
        let due = plan.map_or(0, |plan| before.max(plan.copies));
        let replacement = Replacement {
            text: replace.text(),
            validity_period: replace.validity_period,
            registered_delivery: replace.registered_delivery,
            due,
            stat: plan.map(stat),
        };
        self.records.ledger.replace(place, replacement);
        if before == 0
            && let Some(due_us) = final_at_us
        {
            self.post_receipts(turn, place, due_us);
        }
    }
}
