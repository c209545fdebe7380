//! One form for all the ways in which SMSCs write the same id: the equalities of [`smpp::receipt::relation`], made fit
//! for an index.

/// 64 well mixed bits of an id, padding left out.
pub(super) fn hash(id: &[u8]) -> u64 {
    let id = trimmed(id);
    let mut hash = 0x243F_6A88_85A3_08D3 ^ id.len() as u64;
    for chunk in id.chunks(8) {
        let mut octets = [0; 8];
        octets[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(octets)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^= hash >> 29;
        hash = hash.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash ^= hash >> 32;
    }
    hash
}

/// The id in lower case, without hyphens, without what follows an `@`, at most 32 characters; a number also without `0x`
/// and zeros in front. `None`: that is what it is already.
pub(super) fn folded(id: &[u8]) -> Option<Vec<u8>> {
    let id = trimmed(id);
    // The ordinary id is a decimal number: one look.
    if id.len() <= CHARACTERS_MAX && id.first() != Some(&b'0') && id.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let before_at = id.split(|&octet| octet == b'@').next().unwrap_or(id);
    let mut form: Vec<u8> = before_at.to_ascii_lowercase();
    if form.len() >= UNHYPHENATED_MIN {
        form.retain(|&octet| octet != b'-');
    }
    let digits = form.strip_prefix(b"0x").unwrap_or(&form);
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit) {
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        form = digits[zeros..].to_vec();
    }
    form.truncate(CHARACTERS_MAX);
    (form != id).then_some(form)
}

/// A folded id read in the other base: hexadecimal as decimal and the reverse.
pub(super) fn other_bases(form: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(form) else {
        return Vec::new();
    };
    let as_hexadecimal = text.parse::<u128>().ok().map(|number| format!("{number:x}"));
    let as_decimal = u128::from_str_radix(text, 16).ok().map(|number| number.to_string());
    [as_hexadecimal, as_decimal]
        .into_iter()
        .flatten()
        .map(String::into_bytes)
        .collect()
}

/// SMSCs that cut ids off do so with UUIDs, in a field of 32 characters.
const CHARACTERS_MAX: usize = 32;

/// Without hyphens `1-23` and `12-3` would be one: shorter ids keep theirs.
const UNHYPHENATED_MIN: usize = 8;

/// Without the NULs and spaces that ids are padded with.
fn trimmed(id: &[u8]) -> &[u8] {
    let end = id.iter().position(|&octet| octet == 0).unwrap_or(id.len());
    id[..end].trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ordinary_id_is_its_own_form() {
        assert_eq!(folded(b"1795363200000000000"), None);
        assert_eq!(folded(b"abc"), None);
        assert_eq!(folded(b"00ABC\0"), Some(b"abc".to_vec()));
        assert_eq!(folded(b"1-23"), None);
        assert_eq!(
            folded(b"0Z1"),
            Some(b"0z1".to_vec()),
            "zeros mean nothing only in numbers"
        );
    }

    #[test]
    fn hashes_differ_where_ids_do() {
        let mut hashes: Vec<u64> = (0..200_000u64)
            .map(|n| hash((1_795_363_200_000_000_000 + n).to_string().as_bytes()))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 200_000);
        assert_eq!(hash(b"12 \0\0"), hash(b"12"));
    }
}
