//! What messages of conversations are: in a word.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// What was made of a message, or why one of ours was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Made {
    /// It opts out; of ours: it says that this was heard.
    OptOut,
    /// It asks whose number it is; of ours: it says so.
    Contact,
    /// A rule fits; of ours: it is what the rule answers.
    Rule,
    /// It answers what a reminder has asked; of ours: it says that this was heard.
    Appointment,
    /// It says yes or no to an offer; of ours: it offers something, or says who has it.
    Offer,
    /// It answers a question of a survey; of ours: it asks one, or thanks.
    Survey,
    /// A rule fits perhaps.
    Unsure,
    /// None does.
    Unanswered,
    /// It says what we said last.
    Echo,
    /// So much was answered by itself that nothing more is for a while.
    Quiet,
    /// Nothing is sent from the number that it was written to.
    NotOurs,
    /// Somebody has written it.
    Person,
}

impl Made {
    /// The word in the API and in SQL.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}
