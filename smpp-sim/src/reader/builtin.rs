use kit::settings::Faults;
use kit::words::nearest;

/// A scenario that the program brings along.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// What `--scenario` takes.
    pub name: &'static str,
    /// Its file, as it is in `scenarios/`.
    pub text: &'static str,
}

/// What the names of those begin with that show one personality each: too many for a list in a sentence.
pub(crate) const QUIRKS: &str = "quirks-";

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(BuiltIn { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) }),*]
    };
}

/// Every scenario in `scenarios/`.
pub const BUILT_IN: &[BuiltIn] = built_in![
    "healthy",
    "fr-4379",
    "magic",
    "unreliable",
    "throttling",
    "silent",
    "dead",
    "flaky",
    "early-receipts",
    "double-receipts",
    "slow",
    "bad-day",
    "capped",
    "chaos",
    "half-open",
    "malformed",
    "refusing",
    "slow-loris",
    "dlr-storm",
    "long-messages",
    "quirks-id-hex-upper",
    "quirks-id-hex-lower",
    "quirks-id-uuid",
    "quirks-id-hex-answer-decimal-receipt",
    "quirks-id-decimal-answer-hex-receipt",
    "quirks-id-padded",
    "quirks-id-padded-receipt",
    "quirks-id-stripped-receipt",
    "quirks-id-padded-hex-receipt",
    "quirks-id-hex-answer-padded-decimal-receipt",
    "quirks-id-hex-case",
    "quirks-id-uuid-upper",
    "quirks-id-uuid-case",
    "quirks-id-even-hex",
    "quirks-id-even-hex-answer-decimal-receipt",
    "quirks-id-uuid-plain-tlv",
    "quirks-id-uuid-cut",
    "quirks-id-uuid-tlv-only",
    "quirks-id-over-i64",
    "quirks-id-over-u64",
    "quirks-id-digits-30",
    "quirks-id-at-host",
    "quirks-id-at-host-tlv",
    "quirks-id-dotted",
    "quirks-id-colon",
    "quirks-id-base36",
    "quirks-id-sar",
    "quirks-id-sar-case",
    "quirks-id-empty-answer",
    "quirks-id-tlv-differs",
    "quirks-id-text-differs",
    "quirks-id-hex-tlv-padded-text",
    "quirks-id-tlv-only",
    "quirks-id-text-only",
    "quirks-id-missing",
    "quirks-id-reused",
    "quirks-id-short-hex",
    "quirks-date-8",
    "quirks-date-12",
    "quirks-date-12-century",
    "quirks-date-14",
    "quirks-date-16",
    "quirks-date-mixed",
    "quirks-date-zero",
    "quirks-date-month-zero",
    "quirks-date-done-before-submit",
    "quirks-stat-undeliverable",
    "quirks-stat-failed",
    "quirks-stat-number",
    "quirks-stat-lower",
    "quirks-stat-mixed",
    "quirks-err-1-digit",
    "quirks-err-4-digits",
    "quirks-err-hex",
    "quirks-err-nul",
    "quirks-err-empty",
    "quirks-err-vendor",
    "quirks-err-on-delivered",
    "quirks-keys-upper",
    "quirks-keys-mixed",
    "quirks-keys-order",
    "quirks-keys-few",
    "quirks-keys-no-stat-key",
    "quirks-keys-no-stat",
    "quirks-keys-hlr",
    "quirks-separators",
    "quirks-double-spaces",
    "quirks-nul-terminated",
    "quirks-space-padded",
    "quirks-garbage-before-id",
    "quirks-forged-id",
    "quirks-counts-zero",
    "quirks-counts-unpadded",
    "quirks-binary-text",
    "quirks-ucs2-ascii",
    "quirks-utf16",
    "quirks-utf16-payload",
    "quirks-header",
    "quirks-data-sm",
    "quirks-payload",
    "quirks-tlvs-only",
    "quirks-text-only",
    "quirks-id-and-state-text",
    "quirks-esm-class-0",
    "quirks-esm-class-acknowledgement",
    "quirks-esm-class-intermediate",
    "quirks-network-error-text",
    "quirks-tlv-id-without-nul",
    "quirks-tlv-vendor",
    "quirks-tlv-truncated",
    "quirks-tlv-state-skipped",
    "quirks-receipt-first",
    "quirks-receipt-again",
    "quirks-out-of-order",
    "quirks-other-session",
    "quirks-receiver-only",
    "quirks-first-segment-only",
    "quirks-last-segment-only",
    "quirks-aggregate",
    "quirks-enroute-first",
    "quirks-enroute-in-final",
    "quirks-accepted-first",
    "quirks-buffered-first",
    "quirks-accepted-final",
    "quirks-days-late",
    "quirks-unrequested",
    "quirks-orphan",
    "quirks-redelivery",
    "quirks-late-answer",
    "conversations",
    "mo-storm",
];

/// The fault of a name that is not built in: with the one that is meant, or with the most general.
pub(super) fn no_such_scenario(name: &str) -> Faults {
    let hint = match nearest(name, BUILT_IN.iter().map(|built_in| built_in.name)) {
        Some(known) => format!("did you mean {known:?}?"),
        None => {
            let general = BUILT_IN.iter().map(|built_in| built_in.name);
            let names: Vec<_> = general.filter(|name| !name.starts_with(QUIRKS)).collect();
            format!(
                "there are {}, and those that `smpp-sim scenarios` lists",
                names.join(", ")
            )
        }
    };
    Faults::of_file(name, format!("no such file, and no scenario of that name; {hint}"))
}
