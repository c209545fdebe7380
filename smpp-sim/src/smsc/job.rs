/// Something that a session has to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) kind: JobKind,
    /// Place in the ledger, or in the list of inbound messages.
    pub(super) row: u32,
    /// For answers, the sequence number of the request; for inbound messages, which segment.
    pub(super) sequence: u32,
    /// How often it was sent already.
    pub(super) tries: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobKind {
    /// submit_sm_resp.
    Answer,
    /// data_sm_resp.
    DataAnswer,
    /// submit_multi_resp; `row` is that of the first destination.
    MultiAnswer,
    /// An intermediate receipt.
    Enroute,
    /// A final receipt.
    Receipt,
    /// An inbound message: one deliver_sm of it.
    Inbound,
    /// Somebody replies to the message in that row of the ledger; `sequence` says by which rule and with which text.
    Reply,
    /// A script goes on; `row` says which rule's, and `sequence` its place among the account's.
    Script,
}

impl JobKind {
    pub(super) fn is_answer(self) -> bool {
        matches!(self, Self::Answer | Self::DataAnswer | Self::MultiAnswer)
    }
}
