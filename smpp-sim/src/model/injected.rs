use strum::IntoStaticStr;

/// A fault that the answer to one submit was made with, as the ledger names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Injected {
    /// Accepted, never answered.
    NoAnswer,
    /// Neither accepted nor answered.
    Lost,
    /// Refused with the fault's status.
    Refused,
    /// Answered later than its outcome says.
    Late,
    /// Answered with a sequence number that no request had.
    WrongSequence,
    /// Answered with a response that belongs to another command.
    WrongCommand,
    /// Answered with a generic_nack.
    GenericNack,
    /// Answered twice, the second time with the same octets.
    AnswerTwice,
    /// Answered, and an answer to nothing comes before.
    UnaskedAnswer,
    /// Before the answer: `command_length` 8, less than a header.
    LengthTooSmall,
    /// Before the answer: `command_length` 2,147,483,647, more than anybody takes.
    LengthOversized,
    /// Before the answer: `command_length` says more octets than there are, so that what follows is taken for them.
    LengthBeyondBody,
    /// Before the answer: `command_length` says fewer octets than there are, so that the rest is taken for a header.
    LengthShort,
    /// Before the answer: a `command_id` that no standard knows.
    UnknownCommand,
    /// Before the answer: a deliver_sm whose last optional parameter is cut off.
    TruncatedTlv,
    /// Before the answer: a deliver_sm whose source address has no NUL.
    MissingNul,
    /// Before the answer: a deliver_sm whose `sm_length` says more octets than there are.
    BadTextLength,
    /// Before the answer: a deliver_sm without any body.
    EmptyBody,
}

/// Every kind of malformed PDU.
pub const MALFORMED: [Injected; 9] = [
    Injected::LengthTooSmall,
    Injected::LengthOversized,
    Injected::LengthBeyondBody,
    Injected::LengthShort,
    Injected::UnknownCommand,
    Injected::TruncatedTlv,
    Injected::MissingNul,
    Injected::BadTextLength,
    Injected::EmptyBody,
];

impl Injected {
    /// Its name in the ledger and in a scenario.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
