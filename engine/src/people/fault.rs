//! Why something cannot be done with people.

use crate::database::DatabaseError;
use crate::fault::FieldFault;

/// Why a request about people is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeopleFault {
    /// There is no such person, list or segment, or it is another tenant's.
    #[error("no such person, list or segment")]
    NotFound,
    /// The request is wrong, and where.
    #[error("{} faults in the request", .0.len())]
    Fields(Vec<FieldFault>),
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}
