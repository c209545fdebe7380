//! The states of a campaign.

/// Where a campaign is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumString, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum CampaignState {
    /// Made, not launched.
    Draft,
    /// Launched, or planned: the reseller has not looked at it yet.
    InReview,
    /// Launched: it is being found out whom it means.
    Resolving,
    /// Launched: its audience is being enqueued.
    Launching,
    /// Enqueued.
    Running,
    /// Halted by the tenant; goes on with resume.
    Paused,
    /// Launches by itself at its time.
    Scheduled,
    /// Launch was refused: the balance did not cover the estimate. May be launched again.
    #[strum(serialize = "blocked_insufficient_credit")]
    Blocked,
    /// Nothing of it is to be sent any more; receipts may still come.
    Completed,
    /// Canceled before its launch.
    Canceled,
    /// Stopped after its launch: what was not sent is canceled.
    Stopped,
}

impl CampaignState {
    pub(crate) const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Their words.
    pub(crate) const CODES: [&'static str; Self::ALL.len()] = {
        let mut codes = [""; Self::ALL.len()];
        let mut at = 0;
        while at < codes.len() {
            codes[at] = Self::ALL[at].code();
            at += 1;
        }
        codes
    };

    /// Those from which a campaign may be launched.
    pub(crate) const BEFORE_LAUNCH: [Self; 4] = [Self::Draft, Self::InReview, Self::Scheduled, Self::Blocked];

    /// Those in which a campaign may be edited: nothing of it is planned, and nobody looks at it.
    pub(crate) const EDITABLE: [Self; 2] = [Self::Draft, Self::Blocked];

    /// Whether it may still be launched.
    pub(crate) fn is_before_launch(self) -> bool {
        Self::BEFORE_LAUNCH.contains(&self)
    }

    /// The word in the API and in the store.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// Some states as scripts are told them.
pub(super) fn states(of: &[CampaignState]) -> String {
    of.iter()
        .fold(String::from(","), |list, state| list + state.code() + ",")
}
