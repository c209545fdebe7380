//! Numbers as people read them: thousands apart, three digits of what was measured, a unit where it is not in the heading.

/// A count: `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// A measured number with three significant digits, and all the digits before the point: `0.0123`, `4.57`, `23.4`,
/// `98,765`. What is not finite is a dash.
pub(crate) fn measured(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    // Below a ten-thousandth of a unit nothing here is measured: milliseconds come from whole microseconds.
    let decimals = match size {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 => 3,
        size if size >= 0.0001 => 4,
        _ => 0,
    };
    let text = format!("{size:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

/// Octets in the largest unit of which there is one: `1.46 GiB`.
pub(crate) fn octets(value: u64) -> String {
    let mut rest = value as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if rest < 1024.0 {
            return format!("{} {unit}", measured(rest));
        }
        rest /= 1024.0;
    }
    format!("{} TiB", measured(rest))
}

/// `part` of `whole` in per cent: `99.2 %`; a small part never reads as none, nor a large one as all.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let percent = part as f64 / whole as f64 * 100.0;
    match percent {
        _ if part == whole => "100 %".to_owned(),
        _ if part == 0 => "0 %".to_owned(),
        percent if percent < 0.01 => "< 0.01 %".to_owned(),
        percent if percent > 99.99 => "> 99.99 %".to_owned(),
        percent if !(1.0..=99.0).contains(&percent) => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn three_digits_are_shown() {
        let cases = [
            (0.0, "0"),
            (0.01234, "0.0123"),
            (0.5, "0.500"),
            (4.567, "4.57"),
            (23.45, "23.4"),
            (234.5, "234"),
            (98_765.4, "98,765"),
            (-1_234.0, "-1,234"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(measured(value), text, "{value}");
        }
    }

    #[test]
    fn octets_have_the_unit_that_fits() {
        assert_eq!(octets(0), "0 B");
        assert_eq!(octets(1_536), "1.50 KiB");
        assert_eq!(octets(25_769_803_776), "24.0 GiB");
        assert_eq!(octets(u64::MAX), "16,777,216 TiB");
    }

    #[test]
    fn a_small_share_is_not_none() {
        assert_eq!(share(0, 10), "0 %");
        assert_eq!(share(1, 1_000_000), "< 0.01 %");
        assert_eq!(share(999_999, 1_000_000), "> 99.99 %");
        assert_eq!(share(5, 1_000), "0.50 %");
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(10, 10), "100 %");
        assert_eq!(share(0, 0), "–");
    }
}
