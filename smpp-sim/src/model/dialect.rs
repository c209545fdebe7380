use strum::{IntoStaticStr, VariantArray};

use super::stat::Stat;
use super::template::Template;

/// How an SMSC writes its receipts: everything that the standard leaves open, and what carriers do beyond it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialect {
    /// What its text says.
    pub text: Template,
    /// How many octets of the message `{text}` repeats.
    pub text_octets: u8,
    /// `stat` in the text, by the state's number less one.
    pub stats: [String; 8],
    /// `message_state` in the TLV, likewise.
    pub states: [u8; 8],
    /// How `err` is written.
    pub err: ErrStyle,
    /// Seconds that `submit date` is off.
    pub submit_shift: i64,
    /// Seconds that `done date` is off.
    pub done_shift: i64,
    /// Optional parameters, in order.
    pub tlvs: Vec<Parameter>,
    /// `esm_class` of a final receipt.
    pub esm_class: u8,
    /// `esm_class` of an intermediate one.
    pub intermediate_esm_class: u8,
    /// By data_sm rather than deliver_sm.
    pub data_sm: bool,
    /// The text in `message_payload` rather than `short_message`.
    pub payload: bool,
    /// What `data_coding` says.
    pub data_coding: u8,
    /// Whether the text is UTF-16, big endian, rather than octets.
    pub utf16: bool,
    /// A user data header before the text; it also sets the indicator in `esm_class`.
    pub header: Vec<u8>,
    /// Which addresses it bears, and how they are written.
    pub addresses: Addresses,
}

/// The addresses of a receipt. Usual: from the recipient, to the sender, as they came with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Addresses {
    /// From the recipient, to the sender.
    Usual,
    /// From the sender, to the recipient: as in the message.
    Swapped,
    /// Neither address is filled in.
    Missing,
    /// The recipient with `+` before it.
    Plus,
    /// The recipient with `00` before it.
    Zeros,
}

/// How a receipt writes its error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrStyle {
    /// The fewest digits; leading zeros make up for the rest.
    pub digits: u8,
    /// In hexadecimal rather than decimal digits.
    pub hex: bool,
    /// What is written in place of certain numbers; `None` is any other.
    pub words: Vec<(Option<u16>, String)>,
}

/// One optional parameter of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `receipted_message_id` (3.4, 5.3.2.12), with the NUL of a C-string.
    MessageId,
    /// The same without its NUL.
    MessageIdBare,
    /// `message_state` (3.4, 5.3.2.35).
    State,
    /// `network_error_code` (3.4, 5.3.2.31): the network's type and a number.
    NetworkError,
    /// The same as three ASCII digits.
    NetworkErrorText,
    /// A vendor's own: tag and value.
    Vendor(u16, Vec<u8>),
    /// One whose length says more octets than there are.
    Truncated,
}

impl Addresses {
    /// What stands before the recipient.
    pub(crate) fn before_recipient(self) -> &'static [u8] {
        match self {
            Self::Plus => b"+",
            Self::Zeros => b"00",
            Self::Usual | Self::Swapped | Self::Missing => b"",
        }
    }
}

impl Parameter {
    /// Names in a scenario.
    pub(crate) const NAMES: &[(&str, Self)] = &[
        ("receipted_message_id", Self::MessageId),
        ("receipted_message_id_without_nul", Self::MessageIdBare),
        ("message_state", Self::State),
        ("network_error_code", Self::NetworkError),
        ("network_error_code_text", Self::NetworkErrorText),
        ("truncated", Self::Truncated),
    ];
}

/// `esm_class` of a receipt, and of an intermediate one (3.4, 5.2.12).
const ESM_CLASS_RECEIPT: u8 = 0x04;
const ESM_CLASS_INTERMEDIATE: u8 = 0x20;

/// How much of a message its receipt repeats (3.4, appendix B).
const TEXT_OCTETS: u8 = 20;

impl Default for Dialect {
    /// The standard's example (3.4, appendix B), and the three optional parameters.
    fn default() -> Self {
        Self {
            text: Template::default(),
            text_octets: TEXT_OCTETS,
            stats: std::array::from_fn(|place| Stat::VARIANTS[place].name().to_owned()),
            states: std::array::from_fn(|place| Stat::VARIANTS[place] as u8),
            err: ErrStyle {
                digits: 3,
                hex: false,
                words: Vec::new(),
            },
            submit_shift: 0,
            done_shift: 0,
            tlvs: vec![Parameter::MessageId, Parameter::State, Parameter::NetworkError],
            esm_class: ESM_CLASS_RECEIPT,
            intermediate_esm_class: ESM_CLASS_INTERMEDIATE,
            data_sm: false,
            payload: false,
            data_coding: 0,
            utf16: false,
            header: Vec::new(),
            addresses: Addresses::Usual,
        }
    }
}

impl Dialect {
    /// `stat` as the text has it.
    pub(crate) fn stat(&self, stat: Stat) -> &str {
        &self.stats[stat as usize - 1]
    }

    /// `message_state` as the TLV has it.
    pub(crate) fn state(&self, stat: Stat) -> u8 {
        self.states[stat as usize - 1]
    }
}

impl ErrStyle {
    /// The word that stands for a number, if one does.
    pub(crate) fn word(&self, err: u16) -> Option<&str> {
        let exact = self.words.iter().find(|word| word.0 == Some(err));
        let found = exact.or_else(|| self.words.iter().find(|word| word.0.is_none()));
        found.map(|word| word.1.as_str())
    }
}
