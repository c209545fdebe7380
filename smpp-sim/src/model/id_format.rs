use strum::{IntoStaticStr, VariantArray};

/// What message ids look like: in the answer, in the text of a receipt, and in its TLV `receipted_message_id`.
/// All three are written from the same number, so that a test can tell which belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdFormat {
    /// In submit_sm_resp and data_sm_resp. [`Base::Absent`]: an empty message_id.
    pub answer: IdShape,
    /// After `id:` in the text of a receipt.
    pub text: IdShape,
    /// In the TLV of a receipt (3.4, 5.3.2.12).
    pub tlv: IdShape,
}

/// How a number becomes an id: prefix, digits, suffix, and then what `cut` leaves of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdShape {
    /// The digits it is written with.
    pub base: Base,
    /// Letters among the digits are capitals.
    pub upper: bool,
    /// The fewest digits; leading zeros make up for the rest. 0: no zeros are added.
    pub width: u8,
    /// An even number of digits: one zero before an odd number of them.
    pub even: bool,
    /// The most characters; the rest is cut off. 0: nothing is cut off.
    pub cut: u8,
    /// Added to the number, for ids beyond 64 bits and for ids that seem to have nothing to do with the answer's.
    pub plus: u128,
    /// The number is the message's place in order of arrival, and begins at 0 again after this many messages.
    /// 0: the number never repeats.
    pub reuse: u32,
    /// Before the digits. `{recipient}`, `{total}` and `{part}` are filled in.
    pub prefix: String,
    /// After the digits, likewise.
    pub suffix: String,
}

/// The digits of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Base {
    /// No id at all, and nothing of its prefix and suffix either.
    Absent,
    /// 0 to 9.
    Decimal,
    /// 0 to f.
    Hex,
    /// 0 to z.
    Base36,
    /// A version 4 UUID with its hyphens: 36 characters.
    Uuid,
    /// The same without them: 32 characters.
    UuidPlain,
}

impl IdShape {
    /// The digits of that base, and nothing else.
    pub fn of(base: Base) -> Self {
        Self::digits(base, false)
    }

    /// The same, with capitals or not.
    pub(crate) const fn digits(base: Base, upper: bool) -> Self {
        Self {
            base,
            upper,
            width: 0,
            even: false,
            cut: 0,
            plus: 0,
            reuse: 0,
            prefix: String::new(),
            suffix: String::new(),
        }
    }

    fn capitals(self) -> Self {
        Self { upper: true, ..self }
    }

    fn padded(self, width: u8) -> Self {
        Self { width, ..self }
    }

    fn even(self) -> Self {
        Self { even: true, ..self }
    }

    fn cut_at(self, cut: u8) -> Self {
        Self { cut, ..self }
    }

    fn plus(self, plus: u128) -> Self {
        Self { plus, ..self }
    }

    fn reused_after(self, reuse: u32) -> Self {
        Self { reuse, ..self }
    }

    fn between(self, prefix: &str, suffix: &str) -> Self {
        let (prefix, suffix) = (prefix.to_owned(), suffix.to_owned());
        Self { prefix, suffix, ..self }
    }
}

/// What lifts a number over i64::MAX, over u64::MAX, and to 30 digits.
const OVER_I64: u128 = 8_000_000_000_000_000_000;
const OVER_U64: u128 = 60_000_000_000_000_000_000;
const DIGITS_30: u128 = 171_026_125_222_636_445_993_424_531_920;

fn decimal() -> IdShape {
    IdShape::of(Base::Decimal)
}

fn hex() -> IdShape {
    IdShape::of(Base::Hex)
}

fn capital_hex() -> IdShape {
    hex().capitals()
}

fn uuid() -> IdShape {
    IdShape::of(Base::Uuid)
}

fn absent() -> IdShape {
    IdShape::of(Base::Absent)
}

fn sar(shape: IdShape) -> IdShape {
    shape.between("SAR-{recipient}-", "-{total}-{part}")
}

/// A format by its name in a scenario.
type Named = (&'static str, fn() -> IdFormat);

/// Every format that has a name. "A then B" is: A in the answer, B in the receipt.
pub(crate) const ID_FORMATS: &[Named] = &[
    ("decimal", || IdFormat::same(decimal())),
    ("hex_upper", || IdFormat::same(capital_hex())),
    ("hex_lower", || IdFormat::same(hex())),
    ("uuid", || IdFormat::same(uuid())),
    ("hex_answer_decimal_receipt", || {
        IdFormat::differs(capital_hex(), decimal())
    }),
    ("decimal_answer_hex_receipt", || {
        IdFormat::differs(decimal(), capital_hex())
    }),
    ("padded", || IdFormat::same(decimal().padded(24))),
    ("padded_receipt", || IdFormat::differs(decimal(), decimal().padded(24))),
    ("stripped_receipt", || {
        IdFormat::differs(decimal().padded(24), decimal())
    }),
    ("padded_hex_receipt", || {
        IdFormat::differs(decimal(), capital_hex().padded(20))
    }),
    ("hex_answer_padded_decimal_receipt", || {
        IdFormat::differs(hex(), decimal().padded(24))
    }),
    ("hex_case", || IdFormat::differs(hex(), capital_hex())),
    ("uuid_upper", || IdFormat::same(uuid().capitals())),
    ("uuid_case", || IdFormat::differs(uuid(), uuid().capitals())),
    ("even_hex", || IdFormat::same(capital_hex().even())),
    ("even_hex_answer_decimal_receipt", || {
        IdFormat::differs(capital_hex().even(), decimal())
    }),
    ("uuid_plain_tlv", || {
        IdFormat::each(uuid(), uuid(), IdShape::of(Base::UuidPlain))
    }),
    ("uuid_cut", || IdFormat::differs(uuid(), uuid().cut_at(32))),
    ("uuid_tlv_only", || IdFormat::each(uuid(), absent(), uuid())),
    ("over_i64", || {
        IdFormat::differs(capital_hex().plus(OVER_I64), decimal().plus(OVER_I64))
    }),
    ("over_u64", || IdFormat::same(decimal().plus(OVER_U64))),
    ("digits_30", || IdFormat::same(decimal().plus(DIGITS_30))),
    ("at_host", || IdFormat::same(decimal().between("", "@1154905154"))),
    ("at_host_tlv", || {
        IdFormat::each(decimal(), decimal(), decimal().between("", "@1154905154"))
    }),
    ("dotted", || IdFormat::same(decimal().between("1479978899.", ""))),
    ("colon", || IdFormat::same(decimal().between("ns:", ""))),
    ("base36", || IdFormat::same(IdShape::of(Base::Base36))),
    ("sar", || IdFormat::same(sar(hex()))),
    ("sar_case", || IdFormat::differs(sar(hex()), sar(capital_hex()))),
    ("empty_answer", || IdFormat::each(absent(), decimal(), decimal())),
    ("tlv_differs", || {
        IdFormat::each(decimal(), decimal(), decimal().plus(1000))
    }),
    ("text_differs", || {
        IdFormat::each(decimal(), decimal().plus(1000), decimal())
    }),
    ("hex_tlv_padded_text", || {
        IdFormat::each(hex(), decimal().padded(24), hex())
    }),
    ("tlv_only", || IdFormat::each(decimal(), absent(), decimal())),
    ("text_only", || IdFormat::each(decimal(), decimal(), absent())),
    ("missing", || IdFormat::each(decimal(), absent(), absent())),
    ("reused", || IdFormat::same(decimal().padded(6).reused_after(1000))),
    ("short_hex", || {
        IdFormat::same(capital_hex().padded(8).reused_after(u32::MAX))
    }),
];

impl IdFormat {
    /// The one of that name; the names are in docs/scenario-keys.md.
    pub fn named(name: &str) -> Option<Self> {
        let found = ID_FORMATS.iter().find(|named| named.0 == name);
        found.map(|named| named.1())
    }

    fn same(shape: IdShape) -> Self {
        Self::differs(shape.clone(), shape)
    }

    fn differs(answer: IdShape, receipt: IdShape) -> Self {
        Self::each(answer, receipt.clone(), receipt)
    }

    fn each(answer: IdShape, text: IdShape, tlv: IdShape) -> Self {
        Self { answer, text, tlv }
    }
}

/// Decimal everywhere: what an SMSC does that nobody complains about.
impl Default for IdFormat {
    fn default() -> Self {
        Self::same(decimal())
    }
}
