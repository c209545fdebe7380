//! Every account that has bound, and who is let in.

use std::net::IpAddr;
use std::ops::{Index, IndexMut};

use smpp::command_status::CommandStatus;
use smpp::frame::Bind;

use super::account::LiveAccount;
use super::schedule::Schedule;
use super::session::Session;
use crate::model::Scenario;
use crate::version::Version;

/// Accounts that may come to be where any system_id may bind: each keeps its own counters.
const ACCOUNTS_MAX: usize = 10_000;

/// The accounts, each at a place that sessions and rows name it by.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    all: Vec<LiveAccount>,
    names: Vec<String>,
}

impl Index<usize> for Accounts {
    type Output = LiveAccount;

    fn index(&self, place: usize) -> &LiveAccount {
        &self.all[place]
    }
}

impl IndexMut<usize> for Accounts {
    fn index_mut(&mut self, place: usize) -> &mut LiveAccount {
        &mut self.all[place]
    }
}

impl Accounts {
    /// Their system_ids, by place.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Whether nothing is answered any more on a session.
    pub(super) fn is_mute(&self, session: &Session) -> bool {
        session.bound().is_some_and(|(account, _)| self.all[account].is_mute())
    }

    /// From now on, they have the rights that this scenario gives them; faults are counted from here on.
    pub(super) fn obey(&mut self, scenario: &Scenario) {
        for (account, name) in self.all.iter_mut().zip(&self.names) {
            match scenario.rights(name) {
                Some(rights) => account.rights = rights.clone(),
                None => account.rights.binds.clear(),
            }
            account.restart_faults();
        }
    }

    /// Drops what no session could take.
    pub(super) fn forget_backlogs(&mut self) {
        for account in &mut self.all {
            account.backlog = Schedule::default();
        }
    }

    /// The place of the account that the bind belongs to, or what to refuse it with. An address or a version that is not
    /// allowed has no status of its own in the standard: the bind just fails.
    pub(super) fn admit(&mut self, bind: &Bind<'_>, peer: IpAddr, scenario: &Scenario) -> Result<usize, CommandStatus> {
        let name = String::from_utf8_lossy(bind.system_id).into_owned();
        let place = self
            .place_or_new(&name, scenario)
            .ok_or(CommandStatus::ESME_RINVSYSID)?;
        let account = &self.all[place];
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
    fn place_or_new(&mut self, name: &str, scenario: &Scenario) -> Option<usize> {
        if let Some(place) = self.place(name) {
            return Some(place);
        }
        let rights = scenario.rights(name)?.clone();
        if self.names.len() >= ACCOUNTS_MAX {
            return None;
        }
        self.names.push(name.to_owned());
        self.all.push(LiveAccount::new(rights));
        Some(self.names.len() - 1)
    }
}
