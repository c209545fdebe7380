/// For what does not come.
pub(super) const NEVER: u64 = u64::MAX;

/// What is wrong with one session.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Nothing is answered, and no timer runs: the connection just stays.
    pub(super) deaf: bool,
    /// Answers to our enquire_link are ignored.
    pub(super) link_deaf: bool,
    /// An answer to a bind that is put off: when, and the bind.
    pub(super) late_bind: Option<(u64, Box<[u8]>)>,
    pub(super) unbind_at_us: u64,
    pub(super) hang_up_at_us: u64,
    /// PDUs that were read, and the one that the session ends with.
    pub(super) pdus: u64,
    pub(super) pdus_max: u64,
}

impl Default for Trouble {
    fn default() -> Self {
        Self {
            deaf: false,
            link_deaf: false,
            late_bind: None,
            unbind_at_us: NEVER,
            hang_up_at_us: NEVER,
            pdus: 0,
            pdus_max: NEVER,
        }
    }
}

impl Trouble {
    /// When something is due next.
    pub(super) fn wake_us(&self) -> Option<u64> {
        let bind = self.late_bind.as_ref().map_or(NEVER, |&(at_us, _)| at_us);
        let next = bind.min(self.unbind_at_us).min(self.hang_up_at_us);
        (next != NEVER).then_some(next)
    }
}
