use super::Ledger;

/// Submits of which it is remembered what came beside their text.
const EXTRAS_MAX: usize = 1_000_000;

/// What a submit has that most have not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras<'a> {
    pub(crate) service_type: &'a [u8],
    pub(crate) priority_flag: u8,
    pub(crate) schedule_delivery_time: &'a [u8],
    pub(crate) validity_period: &'a [u8],
    /// Optional parameters but for the text, as they stand in the PDU.
    pub(crate) tlvs: &'a [u8],
}

/// The same, kept.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptExtras {
    pub(super) service_type: Box<[u8]>,
    pub(super) priority_flag: u8,
    pub(super) schedule_delivery_time: Box<[u8]>,
    pub(super) validity_period: Box<[u8]>,
    pub(super) tlvs: Box<[u8]>,
}

impl Ledger {
    /// Remembers what the submit at that place has beside its text, if it has anything.
    pub(super) fn keep_extras(&mut self, place: u64, extras: &Extras<'_>) {
        if *extras == Extras::default() || self.extras.len() >= EXTRAS_MAX {
            return;
        }
        let kept = KeptExtras {
            service_type: extras.service_type.into(),
            priority_flag: extras.priority_flag,
            schedule_delivery_time: extras.schedule_delivery_time.into(),
            validity_period: extras.validity_period.into(),
            tlvs: extras.tlvs.into(),
        };
        self.extras.insert(place, kept);
    }

    /// Forgets those of rows that the ring has dropped.
    pub(super) fn forget_extras(&mut self) {
        if self
            .extras
            .first_key_value()
            .is_some_and(|(place, _)| *place < self.first)
        {
            self.extras = self.extras.split_off(&self.first);
        }
    }
}
