/// A scenario that the program brings along.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// What `--scenario` takes.
    pub name: &'static str,
    /// Its file, as it stands in `scenarios/`.
    pub text: &'static str,
}

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
    "conversations",
    "mo-storm",
];
