use std::sync::Arc;
use std::time::Duration;

use smpp::command_status::CommandStatus;

use super::dialect::{Dialect, Parameter};
use super::id_format::IdFormat;
use super::outcome::{Answer, Defaults, Outcome};
use super::receipt_plan::{Form, ReceiptPlan, ReceiptedSegments, Route};
use super::stat::Stat;
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
    /// Answered with that error at that many first attempts, then delivered.
    RefusedAtFirst(u32, u16),
    /// A receipt of that kind.
    Receipt(Stat, u16),
    /// Accepted, no receipt.
    NoReceipt,
    /// No answer.
    Silence { accepted: bool },
    /// The answer is that late.
    LateAnswer(Duration),
    /// Ids of the format of that name.
    Ids(&'static str),
    /// Another receipt than the scenario's.
    Plan(fn(&mut ReceiptPlan)),
    /// A receipt that is written in another way.
    Dialect(fn(&mut Dialect)),
    /// Refused with that error, and a receipt comes all the same.
    Orphan(u32),
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
    row(
        912,
        "magic_912_receipt_first",
        Behaviour::Plan(|plan| plan.first = true),
    ),
    row(913, "magic_913_receipt_twice", Behaviour::Plan(|plan| plan.copies = 2)),
    row(
        914,
        "magic_914_hex_then_decimal",
        Behaviour::Ids("hex_answer_decimal_receipt"),
    ),
    row(
        915,
        "magic_915_enroute_first",
        Behaviour::Plan(|plan| plan.intermediate = Some(Stat::Enroute)),
    ),
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
    row(
        918,
        "magic_918_receipt_without_id",
        Behaviour::Plan(|plan| plan.with_id = false),
    ),
    row(
        919,
        "magic_919_tlvs_only",
        Behaviour::Plan(|plan| plan.form = Form::Tlv),
    ),
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
        Behaviour::Ids("decimal_answer_hex_receipt"),
    ),
    row(924, "magic_924_uuid", Behaviour::Ids("uuid")),
    row(925, "magic_925_vendor_code", Behaviour::Refused(0x0400)),
    row(926, "magic_926_padded_receipt_id", Behaviour::Ids("padded_receipt")),
    row(927, "magic_927_stripped_receipt_id", Behaviour::Ids("stripped_receipt")),
    row(928, "magic_928_id_case", Behaviour::Ids("hex_case")),
    row(929, "magic_929_uuid_plain_tlv", Behaviour::Ids("uuid_plain_tlv")),
    row(930, "magic_930_uuid_cut", Behaviour::Ids("uuid_cut")),
    row(931, "magic_931_id_of_30_digits", Behaviour::Ids("digits_30")),
    row(932, "magic_932_id_in_tlv_only", Behaviour::Ids("tlv_only")),
    row(933, "magic_933_id_in_text_only", Behaviour::Ids("text_only")),
    row(934, "magic_934_text_id_unrelated", Behaviour::Ids("text_differs")),
    row(935, "magic_935_empty_answer_id", Behaviour::Ids("empty_answer")),
    row(
        936,
        "magic_936_data_sm",
        Behaviour::Dialect(|dialect| dialect.data_sm = true),
    ),
    row(
        937,
        "magic_937_message_payload",
        Behaviour::Dialect(|dialect| dialect.payload = true),
    ),
    row(
        938,
        "magic_938_esm_class_0",
        Behaviour::Dialect(|dialect| dialect.esm_class = 0),
    ),
    row(
        939,
        "magic_939_text_only",
        Behaviour::Plan(|plan| plan.form = Form::Text),
    ),
    row(
        940,
        "magic_940_undeliverable",
        Behaviour::Plan(|plan| spelled(plan, "UNDELIVERABLE")),
    ),
    row(941, "magic_941_failed", Behaviour::Plan(|plan| spelled(plan, "FAILED"))),
    row(
        942,
        "magic_942_utf16",
        Behaviour::Dialect(|dialect| (dialect.utf16, dialect.data_coding) = (true, 8)),
    ),
    row(
        943,
        "magic_943_vendor_tlv",
        Behaviour::Dialect(|dialect| dialect.tlvs.push(Parameter::Vendor(0x1400, b"vendor".to_vec()))),
    ),
    row(
        944,
        "magic_944_truncated_tlv",
        Behaviour::Dialect(|dialect| dialect.tlvs.push(Parameter::Truncated)),
    ),
    row(
        945,
        "magic_945_enroute_in_0x04",
        Behaviour::Plan(|plan| {
            plan.intermediate = Some(Stat::Enroute);
            Arc::make_mut(&mut plan.dialect).intermediate_esm_class = 0x04;
        }),
    ),
    row(946, "magic_946_accepted", Behaviour::Receipt(Stat::Acceptd, 0)),
    row(
        947,
        "magic_947_receipt_again",
        Behaviour::Plan(|plan| {
            (plan.copies, plan.copies_delay) = (2, Delay::Fixed(AGAIN));
        }),
    ),
    row(
        948,
        "magic_948_other_session",
        Behaviour::Plan(|plan| plan.route = Route::Other),
    ),
    row(
        949,
        "magic_949_orphan",
        Behaviour::Orphan(CommandStatus::ESME_RSUBMITFAIL.0),
    ),
    row(
        950,
        "magic_950_last_segment_only",
        Behaviour::Plan(|plan| plan.segments = ReceiptedSegments::Last),
    ),
    row(
        951,
        "magic_951_aggregate",
        Behaviour::Plan(|plan| plan.segments = ReceiptedSegments::Aggregate),
    ),
    row(
        952,
        "magic_952_unrequested",
        Behaviour::Plan(|plan| plan.unrequested = true),
    ),
    row(
        953,
        "magic_953_done_before_submit",
        Behaviour::Dialect(|dialect| dialect.done_shift = -2 * HOUR),
    ),
];

/// When the second copy of 947 comes.
const AGAIN: Duration = Duration::from_secs(1);

const HOUR: i64 = 3600;

fn spelled(plan: &mut ReceiptPlan, word: &str) {
    (plan.stat, plan.err) = (Stat::Undeliv, 1);
    word.clone_into(&mut Arc::make_mut(&mut plan.dialect).stats[Stat::Undeliv as usize - 1]);
}

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
        let mut receipt = defaults.receipt.clone();
        match self.behaviour {
            Behaviour::Refused(status) | Behaviour::Orphan(status) => {
                outcome.answer = Answer::Status(CommandStatus(status));
            }
            Behaviour::RefusedAtFirst(status, attempts) => {
                outcome.answer = Answer::Status(CommandStatus(status));
                outcome.then = Some((attempts, delivered));
            }
            Behaviour::Receipt(stat, err) => (receipt.stat, receipt.err) = (stat, err),
            Behaviour::NoReceipt => {}
            Behaviour::Silence { accepted } => outcome.answer = Answer::Silence { accepted },
            Behaviour::LateAnswer(by) => outcome.answer_delay = Delay::Fixed(by),
            Behaviour::Ids(name) => outcome.message_id = Arc::new(IdFormat::named(name).unwrap_or_default()),
            Behaviour::Plan(change) => change(&mut receipt),
            Behaviour::Dialect(change) => change(Arc::make_mut(&mut receipt.dialect)),
        }
        let orphan = matches!(self.behaviour, Behaviour::Orphan(_));
        let has_receipt = orphan || (outcome.accepts() && !matches!(self.behaviour, Behaviour::NoReceipt));
        outcome.receipt = has_receipt.then_some(receipt);
        outcome
    }
}
