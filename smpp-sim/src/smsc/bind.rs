use std::net::IpAddr;

use smpp::command_status::CommandStatus;
use smpp::frame::{Bind, BindResp, encode_bind_resp};

use super::Smsc;
use super::account::Account;
use super::session::{End, Phase, Request, Turn};
use crate::version::Version;

/// Accounts that may come to be where any system_id may bind: each keeps its own counters.
const ACCOUNTS_MAX: usize = 10_000;

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
        match self.admit(bind, turn.session.peer.ip()) {
            Ok(account) => {
                let version = Version::of(bind.interface_version);
                let rights = &self.accounts[account].rights;
                // 3.3 knows no optional parameters (3.4, 3.4.1).
                response.sc_interface_version = rights.interface_version.filter(|_| version.has_tlvs());
                let accepted = (CommandStatus::ESME_ROK, request.sequence);
                encode_bind_resp(turn.out, bind.kind, accepted, &response);
                turn.session.version = version;
                turn.session.congestion = rights.congestion && version == Version::V50;
                turn.session.phase = Phase::Bound {
                    account,
                    kind: bind.kind,
                };
                self.unbound -= 1;
                self.accounts[account].sessions.push(turn.session.id);
                self.adopt_backlog(account, turn);
            }
            Err(status) => {
                encode_bind_resp(turn.out, bind.kind, (status, request.sequence), &response);
                turn.session.end = Some(End::Close);
            }
        }
    }

    /// The place of the account that the bind belongs to, or what to refuse it with. An address or a version that is not
    /// allowed has no status of its own in the standard: the bind just fails.
    fn admit(&mut self, bind: &Bind<'_>, peer: IpAddr) -> Result<usize, CommandStatus> {
        let name = String::from_utf8_lossy(bind.system_id).into_owned();
        let place = self.account(&name).ok_or(CommandStatus::ESME_RINVSYSID)?;
        let account = &self.accounts[place];
        let rights = &account.rights;
        if !account.is_known() {
            return Err(CommandStatus::ESME_RINVSYSID);
        }
        let peer = peer.to_canonical();
        if !rights.allow.is_empty() && !rights.allow.iter().any(|network| network.contains(&peer)) {
            return Err(CommandStatus::ESME_RBINDFAIL);
        }
        if rights
            .password
            .as_ref()
            .is_some_and(|password| password.as_bytes() != bind.password)
            || bind.password.len() > rights.password_max
        {
            return Err(CommandStatus::ESME_RINVPASWD);
        }
        if rights
            .system_type
            .as_ref()
            .is_some_and(|system_type| system_type.as_bytes() != bind.system_type)
        {
            return Err(CommandStatus::ESME_RINVSYSTYP);
        }
        if !rights.binds.contains(&bind.kind) || !rights.versions.contains(&Version::of(bind.interface_version)) {
            return Err(CommandStatus::ESME_RBINDFAIL);
        }
        if account.sessions.len() >= rights.sessions {
            return Err(CommandStatus::ESME_RALYBND);
        }
        Ok(place)
    }

    /// The account of that name, which begins to exist with its first bind.
    fn account(&mut self, name: &str) -> Option<usize> {
        if let Some(place) = self.names.iter().position(|known| known == name) {
            return Some(place);
        }
        let rights = self.scenario.rights(name)?.clone();
        if self.names.len() >= ACCOUNTS_MAX {
            return None;
        }
        self.names.push(name.to_owned());
        self.accounts.push(Account::new(rights));
        Some(self.names.len() - 1)
    }
}
