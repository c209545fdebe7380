use strum::{IntoStaticStr, VariantArray};

/// The state of a message in a receipt (3.4, 5.2.28 and appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Stat {
    /// On its way.
    Enroute = 1,
    /// On the handset.
    Delivrd = 2,
    /// Its validity ended before it was delivered.
    Expired = 3,
    /// Deleted by somebody.
    Deleted = 4,
    /// Not deliverable.
    Undeliv = 5,
    /// Read by the operator's staff, says the standard; accepted, mean carriers.
    Acceptd = 6,
    /// Nobody knows.
    Unknown = 7,
    /// Refused by the network.
    Rejectd = 8,
}

impl Stat {
    /// Its name in the text of a receipt.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the client asked for this receipt (3.4, 5.2.17; 3 is SMPP 5.0's "success only").
    pub(crate) fn is_wanted(self, registered_delivery: u8) -> bool {
        match registered_delivery & 3 {
            0 => false,
            1 => true,
            2 => self.is_failure(),
            _ => !self.is_failure(),
        }
    }

    /// Whether it is a failure, for a client that wants to hear of failures only (3.4, 5.2.17).
    pub fn is_failure(self) -> bool {
        match self {
            Self::Enroute | Self::Delivrd | Self::Acceptd => false,
            Self::Expired | Self::Deleted | Self::Undeliv | Self::Unknown | Self::Rejectd => true,
        }
    }
}
