//! What a session's driver needs besides its connection.

use prometheus::IntGauge;
use smpp::frame::BindKind;
use smpp::text::Alphabet;
use tokio::sync::mpsc;

use super::seat::Fence;
use super::slots::Pool;
use super::trace::Tap;
use super::{Bound, Events};
use crate::clock::Clock;
use crate::domain::SmscId;
use crate::metrics::SmscMetrics;

/// What a driver needs besides its connection.
pub(super) struct Surroundings {
    pub(super) smsc: SmscId,
    /// What may go and come on its sessions.
    pub(super) kind: BindKind,
    /// How the SMSC writes its default alphabet.
    pub(super) alphabet: Alphabet,
    pub(super) clock: Clock,
    pub(super) pool: Pool,
    pub(super) events: mpsc::Sender<Events>,
    pub(super) metrics: SmscMetrics,
    pub(super) window: usize,
    /// Places of it that are used however slow the answers are.
    pub(super) window_min: usize,
    /// The most that the session is given, if that is limited.
    pub(super) bound: Option<Bound>,
    /// Submissions of this bind that are not answered, as of the last tick.
    pub(super) in_flight: IntGauge,
    /// Whether anything may leave it.
    pub(super) fence: Fence,
    /// For who wants to see its PDUs.
    pub(super) tap: Tap,
}
