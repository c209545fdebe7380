//! What is asked of a partition, and what comes of that.

use std::sync::Arc;
use std::time::Instant;

use crate::bind::Lease;
use crate::domain::{GateId, Partition, RouteId, SmscId, UnixMicros};
use crate::store::LeasedMessage;

/// What a dispatcher wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) smsc: SmscId,
    pub(super) partition: Partition,
    pub(super) segments: usize,
    pub(super) routes: &'a [RouteId],
    pub(super) gates: &'a [GateId],
    pub(super) version: u32,
}

impl Wanted<'_> {
    /// Only what a lost reply said.
    pub(super) fn nothing(smsc: SmscId, partition: Partition) -> Self {
        Self {
            smsc,
            partition,
            segments: 0,
            routes: &[],
            gates: &[],
            version: 0,
        }
    }
}

/// What it got.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) lease: Arc<Lease>,
    /// When it was asked for first: opt-outs and hours were looked at then, at the earliest.
    pub(super) since: Instant,
    /// As many replicas have it as have to. What they do not have goes back.
    pub(super) is_kept: bool,
    pub(super) messages: Vec<LeasedMessage>,
    pub(super) more: bool,
    pub(super) next_due: Option<UnixMicros>,
    pub(super) stale: bool,
}
