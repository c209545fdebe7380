//! What ids look like.

/// Where a UUID has its hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// Octets of a UUID.
const UUID: usize = 36;

/// The form of an id in words: `decimal, 10 characters`.
pub(super) fn of_id(id: &[u8]) -> String {
    let kind = if id.is_empty() {
        return "empty".to_owned();
    } else if id.iter().all(u8::is_ascii_digit) {
        "decimal"
    } else if id.iter().all(u8::is_ascii_hexdigit) {
        "hexadecimal"
    } else if is_uuid(id) {
        "UUID"
    } else {
        "of its own form"
    };
    format!("{kind}, {} characters", id.len())
}

fn is_uuid(id: &[u8]) -> bool {
    let fits = |(at, octet): (usize, &u8)| {
        if HYPHENS.contains(&at) {
            *octet == b'-'
        } else {
            octet.is_ascii_hexdigit()
        }
    };
    id.len() == UUID && id.iter().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_forms() {
        for (id, form) in [
            ("", "empty"),
            ("0059113978", "decimal, 10 characters"),
            ("38601fa", "hexadecimal, 7 characters"),
            ("0e999f21-1f3c-4e0b-9d6a-0123456789ab", "UUID, 36 characters"),
            ("SAR-33612-1eedf843-2-1", "of its own form, 22 characters"),
        ] {
            assert_eq!(of_id(id.as_bytes()), form);
        }
    }
}
