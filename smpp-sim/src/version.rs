use std::fmt;

/// A version of the protocol, as a bind says it in `interface_version` (3.4, 5.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 3.3 and before: no optional parameters, no data_sm, message ids of at most 8 hexadecimal digits.
    V33,
    /// 3.4.
    #[default]
    V34,
    /// 5.0: optional parameters in every response.
    V50,
}

impl Version {
    /// Names in a scenario.
    pub(crate) const NAMES: &[(&str, Self)] = &[("3.3", Self::V33), ("3.4", Self::V34), ("5.0", Self::V50)];

    /// What a bind means by that octet: up to 0x33 it is 3.3 or older, says the standard; what lies between two versions
    /// can do what the lower one can.
    pub(crate) fn of(interface_version: u8) -> Self {
        match interface_version {
            0x00..=0x33 => Self::V33,
            0x34..=0x4F => Self::V34,
            0x50..=0xFF => Self::V50,
        }
    }

    /// The octet that stands for it.
    pub(crate) fn octet(self) -> u8 {
        match self {
            Self::V33 => 0x33,
            Self::V34 => 0x34,
            Self::V50 => 0x50,
        }
    }

    /// Whether optional parameters may be sent to, and taken from, such a peer (3.4, 3.4.1).
    pub(crate) fn has_tlvs(self) -> bool {
        match self {
            Self::V33 => false,
            Self::V34 | Self::V50 => true,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V33 => "3.3",
            Self::V34 => "3.4",
            Self::V50 => "5.0",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_is_some_version() {
        let versions = [0x00, 0x33, 0x34, 0x40, 0x50, 0xFF].map(Version::of);
        use Version::{V33, V34, V50};
        assert_eq!(versions, [V33, V33, V34, V34, V50, V50]);
        assert!(
            Version::NAMES
                .iter()
                .all(|(name, version)| version.to_string() == *name)
        );
    }
}
