//! Who asks, and which request it is.

use crate::domain::TenantId;

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyOwner {
    /// The operator's: may make tenants and grant credits.
    Operator,
    /// A tenant's.
    Tenant(TenantId),
}

impl KeyOwner {
    /// As it is stored beside a key's digest.
    pub(super) fn stored(text: &str) -> Option<Self> {
        match text {
            "operator" => Some(Self::Operator),
            number => number.parse().ok().map(|number| Self::Tenant(TenantId(number))),
        }
    }
}

/// What a request is known by whose work has no id yet, such as a direct message: the same request has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token(pub(crate) [u8; 16]);

impl Token {
    pub(super) fn hex(self) -> String {
        self.0.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let mut token = [0; 16];
        if text.len() != 32 {
            return None;
        }
        for (at, octet) in token.iter_mut().enumerate() {
            *octet = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back() {
        let token = Token([7; 16]);
        assert_eq!(Token::from_hex(&token.hex()), Some(token));
        assert_eq!(Token::from_hex("07"), None);
    }
}
