//! Ids: small numbers inside, opaque prefixed strings outside.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Partitions a database may have: a power of two up to this.
pub(crate) const PARTITIONS_MAX: u16 = 64;

/// Bits of a [`MessageId`] that number the message within its campaign.
const INDEX_BITS: u32 = 24;

/// The bit of a tenant's number that says that it is a sandbox: tenants are counted up, and never come to it.
const SANDBOX: u32 = 1 << 31;

/// A text that is no id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub(crate) struct UnknownId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($number:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), opaque(u64::from(self.0)))
            }
        }

        impl FromStr for $name {
            type Err = UnknownId;

            fn from_str(text: &str) -> Result<Self, UnknownId> {
                let number = text.strip_prefix(concat!($prefix, "_")).and_then(number).ok_or(UnknownId)?;
                <$number>::try_from(number).map(Self).map_err(|_| UnknownId)
            }
        }

        /// What [`opaque`] makes of numbers.
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": concat!("^", $prefix, "_[0-9a-hjkmnp-tv-z]{13}$") })
            }
        }
    };
}

id! {
    /// Who hosts clinics.
    ResellerId(u32), "res"
}
id! {
    /// A clinic.
    TenantId(u32), "ten"
}
impl TenantId {
    /// The sandbox of a tenant: a tenant by itself in everything that is kept, whose messages go to simulators and cost nothing.
    pub(crate) const fn sandbox(self) -> Self {
        Self(self.0 | SANDBOX)
    }

    pub(crate) const fn is_sandbox(self) -> bool {
        self.0 & SANDBOX != 0
    }

    /// Whose sandbox it is; of any other tenant itself.
    pub(crate) const fn live(self) -> Self {
        Self(self.0 & !SANDBOX)
    }
}

id! {
    /// A campaign: 40 bits, counted up. The messages that a tenant sends one by one are gathered in a *direct
    /// campaign* of their own, one an hour.
    CampaignId(u64), "cmp"
}
id! {
    /// A person whom a clinic knows.
    ContactId(u64), "con"
}
id! {
    /// What one of these has agreed to.
    ConsentId(u64), "cns"
}
id! {
    /// Some of these, put together by hand.
    ListId(u64), "lst"
}
id! {
    /// A filter under a name.
    SegmentId(u64), "seg"
}
id! {
    /// A text under a name, for campaigns.
    TemplateId(u64), "tpl"
}
id! {
    /// Campaigns that are made again and again.
    AutomationId(u64), "aut"
}
id! {
    /// By which a message is answered.
    AutoReplyId(u64), "arp"
}
id! {
    /// What one person and one of our numbers have written to each other.
    ConversationId(u64), "cnv"
}
id! {
    /// One of our numbers.
    NumberId(u64), "num"
}
id! {
    /// A tenant asks for one of these.
    NumberRequestId(u64), "nrq"
}
id! {
    /// Something that few may have, offered to many.
    OfferId(u64), "ofr"
}
id! {
    /// What people are asked after a visit.
    SurveyId(u64), "svy"
}
id! {
    /// Somebody who is asked.
    SurveyRunId(u64), "svr"
}
id! {
    /// Something in the diary of a practice.
    EventId(u64), "evt"
}
id! {
    /// What people are told of these, and when.
    ReminderPlanId(u64), "rpl"
}
id! {
    /// Codes for campaigns, each given once.
    CodePoolId(u64), "cpl"
}
id! {
    /// A form in which people agree, on a page of a tenant.
    FormId(u64), "frm"
}
id! {
    /// A tenant asks for a name to write under.
    SenderRequestId(u64), "srq"
}
id! {
    /// A text that a reseller looks at.
    FlaggedId(u64), "flg"
}
id! {
    /// A file of these that came.
    ImportId(u64), "imp"
}
id! {
    /// A message: its campaign in the upper 40 bits, its index in the lower 24.
    ///
    /// The index is `position × partitions + partition`, where `position` counts the campaign's recipients within
    /// their partition: the id tells where everything about the message lies, and expanding an audience twice makes
    /// the same ids twice.
    MessageId(u64), "msg"
}

/// A short link of one message by itself, which nobody outside is told: what its message is asked for with says which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OwnLinkId(pub u64);

id! {
    /// Where a tenant is told of events.
    EndpointId(u64), "whk"
}
id! {
    /// Something that an endpoint is to be told, however often it is tried.
    DeliveryId(u64), "dlv"
}

impl MessageId {
    /// By so many bits its campaign's number stands above: what SQL shifts by.
    pub(crate) const CAMPAIGN_SHIFT: u32 = INDEX_BITS;

    /// All that a campaign may have.
    pub(crate) const fn all_of(campaign: CampaignId) -> std::ops::Range<Self> {
        Self(campaign.0 << INDEX_BITS)..Self((campaign.0 + 1) << INDEX_BITS)
    }

    /// Messages that one campaign can have in one partition of `partitions`.
    pub(crate) const fn positions_max(partitions: u16) -> u32 {
        (1 << INDEX_BITS) / partitions as u32
    }

    /// The id of the `position`-th recipient of a campaign within `partition`.
    pub(crate) const fn new(campaign: CampaignId, partition: Partition, partitions: u16, position: u32) -> Self {
        Self(campaign.0 << INDEX_BITS | (position * partitions as u32 + partition.0 as u32) as u64)
    }

    /// The campaign that it belongs to.
    pub(crate) const fn campaign(self) -> CampaignId {
        CampaignId(self.0 >> INDEX_BITS)
    }

    /// Partition and position within it, in a database of `partitions`.
    pub(crate) const fn place(self, partitions: u16) -> (Partition, u32) {
        let index = (self.0 & ((1 << INDEX_BITS) - 1)) as u32;
        (Partition((index % partitions as u32) as u16), index / partitions as u32)
    }
}

/// A recipient: E.164 digits as a number, `+33612345678` is 33612345678. At most 15 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Recipient(pub(crate) u64);

impl Recipient {
    /// The partition that holds all that is live about this recipient.
    pub(crate) const fn partition(self, partitions: u16) -> Partition {
        // Fibonacci hashing: neighbouring numbers, which campaigns are full of, go to different partitions.
        Partition(((self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % partitions as u64) as u16)
    }

    /// For logs: country code, operator's digit and the last four stay.
    pub(crate) fn masked(self) -> String {
        let digits = self.0.to_string();
        let (head, tail) = (
            digits.len().min(3),
            digits.len().saturating_sub(4).max(3).min(digits.len()),
        );
        format!("+{}{}{}", &digits[..head], "•".repeat(tail - head), &digits[tail..])
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

/// One slice of the database: everything live about a recipient is in one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Partition(pub(crate) u16);

/// Some of the partitions, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartitionSet(u64);

impl PartitionSet {
    pub(crate) fn insert(&mut self, partition: Partition) {
        self.0 |= 1 << partition.0;
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    pub(crate) fn contains(self, partition: Partition) -> bool {
        self.0 & 1 << partition.0 != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// An SMSC by the number that the database gave its name. 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SmscId(pub(crate) u16);

impl SmscId {
    /// Nobody knows which: of a message that was lost, and may have been sent.
    pub(crate) const UNKNOWN: Self = Self(0);
}

/// A route by the number that the database gave it: a named, ordered choice of SMSCs. 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RouteId(pub(crate) u16);

impl RouteId {
    /// No SMSC takes such a number.
    pub(crate) const NONE: Self = Self(0);
}

/// Rows that share their hours, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GateId(pub(crate) u16);

impl GateId {
    /// The gate that never closes: what is transactional, and replies.
    pub(crate) const OPEN: Self = Self(0);
}

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// An odd factor and its inverse modulo 2^64: neighbouring numbers look unrelated, and come back exactly. This hides
/// how many there are from a reader, not from an attacker; who may see what is decided by the tenant, not by the id.
const SCRAMBLE: u64 = 0xD134_2543_DE82_EF95;
const UNSCRAMBLE: u64 = inverse(SCRAMBLE);

const fn inverse(odd: u64) -> u64 {
    // Newton's iteration doubles the correct bits each time: 3 → 6 → … → 96.
    let mut x = odd;
    let mut step = 0;
    while step < 5 {
        x = x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
        step += 1;
    }
    x
}

fn opaque(number: u64) -> String {
    let scrambled = number.wrapping_mul(SCRAMBLE);
    (0..13)
        .rev()
        .map(|digit| char::from(ALPHABET[(scrambled >> (5 * digit) & 31) as usize]))
        .collect()
}

fn number(text: &str) -> Option<u64> {
    if text.len() != 13 {
        return None;
    }
    let scrambled = text.bytes().try_fold(0u128, |value, letter| {
        let digit = ALPHABET.iter().position(|&known| known == letter)?;
        Some(value << 5 | digit as u128)
    })?;
    u64::try_from(scrambled)
        .ok()
        .map(|value| value.wrapping_mul(UNSCRAMBLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_and_are_of_their_kind() {
        for number in [0, 1, 2, 4379, u64::MAX >> 24] {
            let id = CampaignId(number);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().parse::<MessageId>(), Err(UnknownId));
        }
        assert_eq!("ten_zzzzzzzzzzzzz".parse::<TenantId>(), Err(UnknownId));
        assert_eq!("cmp_".parse::<CampaignId>(), Err(UnknownId));
    }

    #[test]
    fn a_message_id_tells_its_place() {
        for partitions in [1, 16, 64] {
            for position in [0, 1, MessageId::positions_max(partitions) - 1] {
                let partition = Partition(partitions - 1);
                let id = MessageId::new(CampaignId(77), partition, partitions, position);
                assert_eq!(id.campaign(), CampaignId(77));
                assert_eq!(id.place(partitions), (partition, position));
            }
        }
    }

    #[test]
    fn numbers_are_masked_and_spread() {
        assert_eq!(Recipient(33_612_345_678).masked(), "+336••••5678");
        assert_eq!(Recipient(12).masked(), "+12");
        let mut counts = [0; 16];
        for number in 33_600_000_000..33_600_016_000u64 {
            counts[usize::from(Recipient(number).partition(16).0)] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}
