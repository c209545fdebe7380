use bytes::{BufMut, BytesMut};
use smpp::command_status::CommandStatus;
use smpp::frame::{CommandId, HEADER_LENGTH};

use super::session::{Request, Turn};
use super::{Smsc, empty_response};
use crate::outcome::Stat;

impl Smsc {
    /// query_sm: the state of one message (3.4, 4.8). Until its receipt has gone out it is on its way.
    pub(super) fn query(&mut self, turn: &mut Turn<'_>, request: Request, body: &[u8]) {
        if turn.session.bound().is_none() {
            return empty_response(turn, request, CommandStatus::ESME_RINVBNDSTS);
        }
        let id = body.split(|&octet| octet == 0).next().unwrap_or_default();
        let Some(row) = self.find_message(id).and_then(|place| self.ledger.row(place)) else {
            return empty_response(turn, request, CommandStatus::ESME_RQUERYFAIL);
        };
        let final_stat = row.stat.filter(|_| row.sent > 0);
        let stat = final_stat.unwrap_or(Stat::Enroute);
        write_query_resp(turn.out, request.sequence, id, stat);
    }
}

/// message_id, final_date (left empty), message_state, error_code (3.4, 4.8.2).
fn write_query_resp(out: &mut BytesMut, sequence: u32, id: &[u8], stat: Stat) {
    let body_length = id.len() + 1 + 1 + 2;
    out.put_u32((HEADER_LENGTH + body_length) as u32);
    out.put_u32(CommandId::QUERY_SM_RESP.0);
    out.put_u32(CommandStatus::ESME_ROK.0);
    out.put_u32(sequence);
    out.put_slice(id);
    out.put_slice(&[0, 0, stat as u8, 0]);
}
