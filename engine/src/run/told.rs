//! Whatever the engine tells of itself, and of what is done to it.

use tokio::task::JoinSet;

use super::database::Base;
use crate::audit::AuditLog;
use crate::config::Config;
use crate::logs::Logs;

/// The log and the audit log.
pub(super) struct Told {
    pub(super) logs: Logs,
    pub(super) audit: AuditLog,
    /// Where acts are written until the end.
    writing: JoinSet<()>,
}

impl Told {
    pub(super) fn start(logs: Logs, config: &Config, base: &Base) -> Self {
        let mut writing = JoinSet::new();
        let audit = AuditLog::start(&config.audit, (base.clock, &base.metrics), &mut writing);
        Self { logs, audit, writing }
    }

    /// The last lines, within some seconds.
    pub(super) async fn end(&mut self) {
        self.audit.end().await;
        self.writing.shutdown().await;
    }
}
