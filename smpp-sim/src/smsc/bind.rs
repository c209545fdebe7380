use smpp::command_status::CommandStatus;
use smpp::frame::{Bind, encode_bind_resp};

use super::Smsc;
use super::account::Account;
use super::session::{End, Phase, Request, Turn};

/// Accounts that may come to be where any system_id may bind: each keeps its own counters.
const ACCOUNTS_MAX: usize = 10_000;

/// How the simulator calls itself in bind responses: at most 15 octets (3.4, 4.1.2).
pub(super) const SYSTEM_ID: &[u8] = b"smpp-sim";

impl Smsc {
    /// Lets a client in, or says why not and closes (3.4, 4.1).
    pub(super) fn bind(&mut self, turn: &mut Turn<'_>, request: Request, bind: &Bind<'_>) {
        if turn.session.bound().is_some() {
            let refused = (CommandStatus::ESME_RALYBND, request.sequence);
            return encode_bind_resp(turn.out, bind.kind, refused, SYSTEM_ID);
        }
        match self.admit(bind) {
            Ok(account) => {
                let accepted = (CommandStatus::ESME_ROK, request.sequence);
                encode_bind_resp(turn.out, bind.kind, accepted, SYSTEM_ID);
                turn.session.phase = Phase::Bound {
                    account,
                    kind: bind.kind,
                };
                self.unbound -= 1;
                self.accounts[account].sessions.push(turn.session.id);
                self.adopt_backlog(account, turn);
            }
            Err(status) => {
                encode_bind_resp(turn.out, bind.kind, (status, request.sequence), SYSTEM_ID);
                turn.session.end = Some(End::Close);
            }
        }
    }

    /// The place of the account that the bind belongs to, or what to refuse it with.
    fn admit(&mut self, bind: &Bind<'_>) -> Result<usize, CommandStatus> {
        let name = String::from_utf8_lossy(bind.system_id).into_owned();
        let place = self.account(&name).ok_or(CommandStatus::ESME_RINVSYSID)?;
        let account = &self.accounts[place];
        let rights = &account.rights;
        if !account.is_known() {
            return Err(CommandStatus::ESME_RINVSYSID);
        }
        if rights
            .password
            .as_ref()
            .is_some_and(|password| password.as_bytes() != bind.password)
        {
            return Err(CommandStatus::ESME_RINVPASWD);
        }
        if !rights.binds.contains(&bind.kind) {
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
