//! Whatever the engine tells of itself, and of what is done to it.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::database::Base;
use crate::audit::AuditLog;
use crate::bind::Board;
use crate::config::Config;
use crate::engines::Fed;
use crate::logs::Logs;
use crate::otel::Tracer;
use crate::traffic::{SmscStatus, Traffic};

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

/// How this engine stands with each SMSC, for the others.
pub(super) fn feeds(traffic: &Traffic, board: &Board) -> Arc<dyn Fn() -> Vec<Fed> + Send + Sync> {
    let (traffic, board) = (traffic.clone(), board.clone());
    Arc::new(move || {
        let binds = board.all();
        let bound = |name: &str| {
            binds
                .iter()
                .filter(|bind| bind.smsc == name && bind.has_own_session())
                .count()
        };
        let fed = |smsc: SmscStatus| Fed {
            bound: bound(&smsc.name),
            suspended: smsc.suspended,
            in_flight: smsc.in_flight,
            smsc: smsc.name,
        };
        traffic.smscs().into_iter().map(fed).collect()
    })
}
