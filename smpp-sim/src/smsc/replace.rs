use smpp::command_status::CommandStatus;
use smpp::frame::ReplaceSm;

use super::find::Found;
use super::session::{Request, Turn};
use super::{Smsc, empty_response};
use crate::ledger::Replacement;

/// Characters of a time, absolute or relative (3.4, 7.1.1).
const TIME_CHARACTERS: usize = 16;

impl Smsc {
    /// replace_sm: another text, validity and wish for a receipt for a message that is on its way (3.4, 4.10).
    pub(super) fn replace(&mut self, turn: &mut Turn<'_>, request: Request, replace: &ReplaceSm<'_>) {
        let Some(account) = turn.session.transmitting() else {
            return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS);
        };
        let status = match self.named(turn, account, (replace.message_id, replace.source)) {
            Found::Nothing => CommandStatus::ESME_RINVMSGID,
            Found::OtherSource => CommandStatus::ESME_RREPLACEFAIL,
            Found::Rows(_) if !is_time(replace.schedule_delivery_time) => CommandStatus::ESME_RINVSCHED,
            Found::Rows(_) if !is_time(replace.validity_period) => CommandStatus::ESME_RINVEXPIRY,
            Found::Rows(rows) => self.replace_rows(turn, rows, replace),
        };
        empty_response(turn, request, status);
    }

    fn replace_rows(&mut self, turn: &mut Turn<'_>, rows: Vec<u32>, replace: &ReplaceSm<'_>) -> CommandStatus {
        let mut status = CommandStatus::ESME_RREPLACEFAIL;
        for place in rows {
            let row = self.ledger.row(place);
            if row.is_some_and(|row| row.accepted && !row.is_final(turn.now_us)) {
                self.replace_row(turn, place, replace);
                status = CommandStatus::ESME_ROK;
            }
        }
        status
    }

    fn replace_row(&mut self, turn: &mut Turn<'_>, place: u32, replace: &ReplaceSm<'_>) {
        let Some(row) = self.ledger.row(place) else { return };
        let (before, final_at_us) = (row.due, row.final_at_us());
        let plan = self.outcomes[usize::from(row.outcome)]
            .receipt
            .as_ref()
            .filter(|plan| plan.stat.is_wanted(replace.registered_delivery));
        let due = plan.map_or(0, |plan| before.max(plan.copies));
        let replacement = Replacement {
            text: replace.text(),
            validity_period: replace.validity_period,
            registered_delivery: replace.registered_delivery,
            due,
            stat: plan.map(|plan| plan.stat),
        };
        self.ledger.replace(place, replacement);
        if before == 0
            && let Some(due_us) = final_at_us
        {
            self.post_receipts(turn, place, due_us);
        }
    }
}

/// Whether a time has the standard's form: nothing, or 15 digits and a sign.
fn is_time(time: &[u8]) -> bool {
    match time {
        [] => true,
        [digits @ .., sign] => {
            time.len() == TIME_CHARACTERS && digits.iter().all(u8::is_ascii_digit) && b"+-R".contains(sign)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_nonsense() {
        assert!(is_time(b"") && is_time(b"000002000000000R") && is_time(b"261122160100000+"));
        assert!(!is_time(b"tomorrow") && !is_time(b"000002000000000") && !is_time(b"0000020000000000"));
    }
}
