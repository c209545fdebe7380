use smpp::command_status::CommandStatus;
use smpp::frame::{Bind, BindResp, encode_bind_resp};

use super::Smsc;
use super::session::{BindState, End, Request, Turn};
use crate::version::Version;

/// How the simulator calls itself in bind responses: at most 15 octets (3.4, 4.1.2).
const SYSTEM_ID: &[u8] = b"smpp-sim";

impl Smsc {
    /// Lets a client in, or says why not and closes (3.4, 4.1).
    pub(super) fn bind(&mut self, turn: &mut Turn<'_>, request: Request, bind: &Bind<'_>) {
        let mut response = BindResp {
            system_id: SYSTEM_ID,
            sc_interface_version: None,
        };
        if turn.session.bound().is_some() {
            let refused = (CommandStatus::ESME_RALYBND, request.sequence);
            return encode_bind_resp(turn.out, bind.kind, refused, &response);
        }
        match self.accounts.admit(bind, turn.session.peer.ip(), &self.course.scenario) {
            Ok(account) => {
                let version = Version::of(bind.interface_version);
                let rights = &self.accounts[account].rights;
                // 3.3 knows no optional parameters (3.4, 3.4.1).
                response.sc_interface_version = rights.interface_version.filter(|_| version.has_tlvs());
                let accepted = (CommandStatus::ESME_ROK, request.sequence);
                encode_bind_resp(turn.out, bind.kind, accepted, &response);
                turn.session.version = version;
                turn.session.congestion = rights.congestion && version == Version::V50;
                turn.session.state = BindState::Bound {
                    account,
                    kind: bind.kind,
                };
                self.sessions.one_bound();
                self.accounts[account].sessions.push(turn.session.id);
                self.adopt_backlog(account, turn);
            }
            Err(status) => {
                encode_bind_resp(turn.out, bind.kind, (status, request.sequence), &response);
                turn.session.end = Some(End::Close);
            }
        }
    }
}
