//! Whatever the engine tells of itself, and of what is done to it.

use tokio::task::JoinSet;

use super::database::Base;
use crate::audit::AuditLog;
use crate::config::Config;
use crate::logs::Logs;
use crate::otel::Tracer;

/// The log, the audit log, and the traces.
pub(super) struct Told {
    pub(super) logs: Logs,
    pub(super) audit: AuditLog,
    pub(super) tracer: Tracer,
    /// Where acts are written until the end.
    writing: JoinSet<()>,
}

impl Told {
    pub(super) fn start((logs, tracer): (Logs, Tracer), config: &Config, base: &Base) -> Self {
        let mut writing = JoinSet::new();
        let audit = AuditLog::start(&config.audit, (base.clock, &base.metrics), &mut writing);
        tracer.count_in(&base.metrics);
        Self {
            logs,
            audit,
            tracer,
            writing,
        }
    }

    /// The last lines and spans, within some seconds.
    pub(super) async fn end(&mut self) {
        tokio::join!(self.audit.end(), self.tracer.end());
        self.writing.shutdown().await;
    }
}
