use std::time::Duration;

use smpp::command_status::CommandStatus;

use super::{Answer, Defaults, Form, IdFormat, Outcome, ReceiptPlan, Stat};
use crate::delay::Delay;

/// A recipient's last three digits and what they do.
#[derive(Clone, Copy, Debug)]
pub struct MagicNumber {
    /// 901 to 999.
    pub digits: u16,
    /// The outcome's name in the ledger.
    pub name: &'static str,
    behaviour: Behaviour,
}

#[derive(Clone, Copy, Debug)]
enum Behaviour {
    /// Answered with that error.
    Refused(u32),
    /// Answered with that error at the first so many attempts, then delivered.
    RefusedAtFirst(u32, u16),
    /// A receipt of that kind.
    Receipt(Stat, u16),
    /// Accepted, no receipt.
    NoReceipt,
    /// No answer.
    Silence {
        accepted: bool,
    },
    /// The answer is that late.
    LateAnswer(Duration),
    /// Ids of that kind.
    Ids(IdFormat),
    ReceiptFirst,
    ReceiptTwice,
    Intermediate,
    ReceiptWithoutId,
    TlvsOnly,
}

const fn row(digits: u16, name: &'static str, behaviour: Behaviour) -> MagicNumber {
    MagicNumber {
        digits,
        name,
        behaviour,
    }
}

/// The table of the README. It only grows; a number never changes its meaning.
pub const TABLE: &[MagicNumber] = &[
    row(
        901,
        "magic_901_invalid_destination",
        Behaviour::Refused(CommandStatus::ESME_RINVDSTADR.0),
    ),
    row(
        902,
        "magic_902_submit_failed",
        Behaviour::Refused(CommandStatus::ESME_RSUBMITFAIL.0),
    ),
    row(
        903,
        "magic_903_throttled_once",
        Behaviour::RefusedAtFirst(CommandStatus::ESME_RTHROTTLED.0, 1),
    ),
    row(
        904,
        "magic_904_queue_full_once",
        Behaviour::RefusedAtFirst(CommandStatus::ESME_RMSGQFUL.0, 1),
    ),
    row(905, "magic_905_undelivered_027", Behaviour::Receipt(Stat::Undeliv, 27)),
    row(906, "magic_906_undelivered_001", Behaviour::Receipt(Stat::Undeliv, 1)),
    row(907, "magic_907_expired", Behaviour::Receipt(Stat::Expired, 0)),
    row(908, "magic_908_rejected", Behaviour::Receipt(Stat::Rejectd, 99)),
    row(909, "magic_909_no_receipt", Behaviour::NoReceipt),
    row(910, "magic_910_no_answer", Behaviour::Silence { accepted: true }),
    row(911, "magic_911_lost", Behaviour::Silence { accepted: false }),
    row(912, "magic_912_receipt_first", Behaviour::ReceiptFirst),
    row(913, "magic_913_receipt_twice", Behaviour::ReceiptTwice),
    row(
        914,
        "magic_914_hex_then_decimal",
        Behaviour::Ids(IdFormat::HexAnswerDecimalReceipt),
    ),
    row(915, "magic_915_enroute_first", Behaviour::Intermediate),
    row(
        916,
        "magic_916_late_answer",
        Behaviour::LateAnswer(Duration::from_secs(2)),
    ),
    row(
        917,
        "magic_917_system_error_once",
        Behaviour::RefusedAtFirst(CommandStatus::ESME_RSYSERR.0, 1),
    ),
    row(918, "magic_918_receipt_without_id", Behaviour::ReceiptWithoutId),
    row(919, "magic_919_tlvs_only", Behaviour::TlvsOnly),
    row(920, "magic_920_deleted", Behaviour::Receipt(Stat::Deleted, 0)),
    row(921, "magic_921_unknown", Behaviour::Receipt(Stat::Unknown, 0)),
    row(
        922,
        "magic_922_throttled_thrice",
        Behaviour::RefusedAtFirst(CommandStatus::ESME_RTHROTTLED.0, 3),
    ),
    row(
        923,
        "magic_923_decimal_then_hex",
        Behaviour::Ids(IdFormat::DecimalAnswerHexReceipt),
    ),
    row(924, "magic_924_uuid", Behaviour::Ids(IdFormat::Uuid)),
    row(925, "magic_925_vendor_code", Behaviour::Refused(0x0400)),
];

/// The outcomes of the table, in its order. `delivered` is the place of an ordinary outcome that those fall back to
/// which hold for the first attempts only.
pub(crate) fn outcomes(defaults: &Defaults, delivered: usize) -> impl Iterator<Item = Outcome> {
    TABLE.iter().map(move |number| number.outcome(defaults, delivered))
}

impl MagicNumber {
    fn outcome(&self, defaults: &Defaults, delivered: usize) -> Outcome {
        let mut outcome = Outcome {
            name: self.name.to_owned(),
            ..Outcome::delivered(defaults)
        };
        let mut receipt = ReceiptPlan::delivered(defaults);
        match self.behaviour {
            Behaviour::Refused(status) => outcome.answer = Answer::Status(CommandStatus(status)),
            Behaviour::RefusedAtFirst(status, attempts) => {
                outcome.answer = Answer::Status(CommandStatus(status));
                outcome.then = Some((attempts, delivered));
            }
            Behaviour::Receipt(stat, err) => (receipt.stat, receipt.err) = (stat, err),
            Behaviour::NoReceipt => {}
            Behaviour::Silence { accepted } => outcome.answer = Answer::Silence { accepted },
            Behaviour::LateAnswer(by) => outcome.answer_delay = Delay::Fixed(by),
            Behaviour::Ids(format) => outcome.message_id = format,
            Behaviour::ReceiptFirst => receipt.first = true,
            Behaviour::ReceiptTwice => receipt.copies = 2,
            Behaviour::Intermediate => receipt.intermediate = true,
            Behaviour::ReceiptWithoutId => receipt.with_id = false,
            Behaviour::TlvsOnly => receipt.form = Form::Tlv,
        }
        let has_receipt = outcome.accepts() && !matches!(self.behaviour, Behaviour::NoReceipt);
        outcome.receipt = has_receipt.then_some(receipt);
        outcome
    }
}
