//! Who asks, and which request it is.

use crate::domain::{ResellerId, TenantId};

/// What stands before the number of a reseller.
const RESELLER: char = 'r';

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyOwner {
    /// The operator's: may make resellers and tenants, and grant credits.
    Operator,
    /// A reseller's: may make tenants of its own, and act for them.
    Reseller(ResellerId),
    /// A tenant's.
    Tenant(TenantId),
}

impl KeyOwner {
    /// As it is stored beside a key's digest.
    pub(super) fn stored(text: &str) -> Option<Self> {
        match (text, text.strip_prefix(RESELLER)) {
            ("operator", _) => Some(Self::Operator),
            (_, Some(number)) => number.parse().ok().map(|number| Self::Reseller(ResellerId(number))),
            (number, None) => number.parse().ok().map(|number| Self::Tenant(TenantId(number))),
        }
    }

    /// The same the other way.
    pub(super) fn text(self) -> String {
        match self {
            Self::Operator => "operator".to_owned(),
            Self::Reseller(reseller) => format!("{RESELLER}{}", reseller.0),
            Self::Tenant(tenant) => tenant.0.to_string(),
        }
    }
}

impl From<TenantId> for KeyOwner {
    fn from(tenant: TenantId) -> Self {
        Self::Tenant(tenant)
    }
}

impl From<ResellerId> for KeyOwner {
    fn from(reseller: ResellerId) -> Self {
        Self::Reseller(reseller)
    }
}

/// What a request is known by whose work has no id yet, such as a direct message: the same request has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token(pub(crate) [u8; 16]);

impl Token {
    /// What moves credits for that reference: whoever asks again with it means the same.
    pub(crate) fn of_reference(owner: KeyOwner, reference: &str) -> Self {
        // No path of a request is called so.
        Self::of_key(owner, "reference", reference)
    }

    pub(crate) fn hex(self) -> String {
        self.0.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
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
    fn owners_come_back() {
        let all = [
            KeyOwner::Operator,
            KeyOwner::Reseller(ResellerId(7)),
            KeyOwner::Tenant(TenantId(7)),
        ];
        assert_eq!(all.map(|owner| KeyOwner::stored(&owner.text())), all.map(Some));
        assert_eq!(KeyOwner::stored("r"), None);
    }

    #[test]
    fn tokens_come_back() {
        let token = Token([7; 16]);
        assert_eq!(Token::from_hex(&token.hex()), Some(token));
        assert_eq!(Token::from_hex("07"), None);
    }
}
