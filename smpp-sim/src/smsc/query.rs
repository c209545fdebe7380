use jiff::Timestamp;
use jiff::tz::Offset;
use smpp::command_status::CommandStatus;
use smpp::frame::{QuerySm, QuerySmResp};

use super::records::Found;
use super::session::{Request, Turn};
use super::{Smsc, empty_response};
use crate::ledger::Row;
use crate::model::Stat;

impl Smsc {
    /// query_sm: the state of one message as of now (3.4, 4.8). It is on its way until its receipt is due, whether one
    /// was asked for or not. A submit_multi is on its way until all its destinations are final, and then in the state of
    /// the last of them.
    pub(super) fn query(&mut self, turn: &mut Turn<'_>, request: Request, query: &QuerySm<'_>) {
        let Some(account) = turn.session.transmitting() else {
            return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS);
        };
        let rows = match self
            .records
            .named(turn.now_us, account, (query.message_id, query.source))
        {
            Found::Rows(rows) => rows,
            Found::OtherSource => return empty_response(turn, request, CommandStatus::ESME_RQUERYFAIL),
            Found::Nothing => return empty_response(turn, request, CommandStatus::ESME_RINVMSGID),
        };
        let accepted = rows
            .iter()
            .filter_map(|&place| self.records.ledger.row(place))
            .filter(|row| row.accepted);
        let last = accepted.max_by_key(|row| row.final_at_us().unwrap_or(u64::MAX));
        let Some(row) = last else {
            return empty_response(turn, request, CommandStatus::ESME_RQUERYFAIL);
        };
        let (stat, error_code) = self.state(row, turn.now_us);
        let date = row.final_at_us().filter(|&at| at <= turn.now_us).map(absolute_time);
        let response = QuerySmResp {
            message_id: query.message_id,
            final_date: date.as_deref().unwrap_or_default().as_bytes(),
            message_state: stat as u8,
            error_code,
        };
        response.encode(turn.out, request.sequence);
    }

    /// Where a message is by now, and the network's error: one octet of it (3.4, 4.8.2), 255 when it is more.
    fn state(&self, row: &Row, now_us: u64) -> (Stat, u8) {
        let plan = self.records.receipt(row);
        match plan {
            _ if row.is_deleted() => (Stat::Deleted, 0),
            Some(_) | None if row.expires() && row.is_final(now_us) => (Stat::Expired, 0),
            Some(plan) if row.is_final(now_us) => (plan.stat, u8::try_from(plan.err).unwrap_or(u8::MAX)),
            Some(_) | None => (Stat::Enroute, 0),
        }
    }
}

/// `YYMMDDhhmmsstnnp` in UTC (3.4, 7.1.1).
fn absolute_time(at_us: u64) -> String {
    let moment = Timestamp::from_microsecond(at_us as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    let civil = Offset::UTC.to_datetime(moment);
    let tenth = civil.subsec_nanosecond() / 100_000_000;
    format!("{}{tenth}00+", civil.strftime("%y%m%d%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_times_have_16_characters() {
        assert_eq!(absolute_time(1_795_363_261_250_000), "261122160101200+");
    }
}
