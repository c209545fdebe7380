//! What the end of a message says of its number: whether it is worth writing to again.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{Ending, GivesBack, Reason, ResultSlot, Status};

/// Whether a number could be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Cleanse {
    /// Nobody has it, and nobody will soon.
    Hard,
    /// Not this time: off, away, full, barred.
    Soft,
    /// Nothing is known against it.
    None,
}

impl Cleanse {
    pub(crate) const CODES: [&str; 3] = [Self::Hard.code(), Self::Soft.code(), Self::None.code()];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    /// What clinics read; `None`: nothing is known against it.
    pub(crate) const fn french(self) -> Option<&'static str> {
        match self {
            Self::Hard => Some("À retirer"),
            Self::Soft => Some("Injoignable pour le moment"),
            Self::None => None,
        }
    }

    /// The same of a message whose credits may have been given back for that reason.
    pub(crate) const fn of_end(status: Status, reason: Reason) -> Self {
        match GivesBack::failure(reason) {
            Some(failure) => Self::of(failure),
            None => Self::of(status),
        }
    }

    /// What a status says of its number. Which codes of a carrier mean which status is data: `receipts.toml`, and the `receipts` of
    /// an SMSC. What failed before it came to a network, or has no receipt, says nothing.
    pub(crate) const fn of(status: Status) -> Self {
        match status {
            Status::UnknownNumber => Self::Hard,
            Status::ReceptionError => Self::Soft,
            Status::Delivered
            | Status::TransmissionFailed
            | Status::NotRouted
            | Status::Transmitted
            | Status::Recredited => Self::None,
        }
    }
}

impl ResultSlot {
    pub(crate) const fn cleanse(&self) -> Cleanse {
        match self.ending {
            Ending::Status { status, .. } => Cleanse::of_end(status, self.reason),
            Ending::Canceled | Ending::Skipped => Cleanse::None,
        }
    }

    pub(crate) const fn is_delivered(&self) -> bool {
        matches!(
            self.ending,
            Ending::Status {
                status: Status::Delivered,
                ..
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_seven_statuses_one_is_for_good_and_one_for_now() {
        let of = Status::ALL.iter().map(|status| Cleanse::of(*status).code());
        let wanted = ["none", "none", "soft", "hard", "none", "none", "none"];
        assert_eq!(of.collect::<Vec<_>>(), wanted);
        let given_back = |reason| Cleanse::of_end(Status::Recredited, reason);
        assert_eq!(given_back(Reason::UnknownNumber), Cleanse::Hard);
        assert_eq!(given_back(Reason::ReceptionError), Cleanse::Soft);
        assert_eq!(given_back(Reason::Receipt), Cleanse::None);
    }
}
