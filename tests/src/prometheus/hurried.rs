//! The committed rules, for a test that cannot wait for hours.

/// How many times faster than time the rules go.
pub const SPEED: u32 = 60;

/// A range has to hold some samples, of which there is one a second.
const RANGE_MIN: u32 = 5;

/// What stands before a time that a series is looked at earlier by.
const OFFSET: &str = " offset ";

/// The rules of a committed file with every time of theirs divided by [`SPEED`]: how often they are looked at, for how long
/// they have to hold (`for`), and the ranges and offsets of their expressions, which stay at five seconds at least. Nothing else is
/// changed: what is compared with what stays as it is committed, ages and latencies in seconds too.
pub fn hurried(rules: &str) -> String {
    rules.lines().map(|line| hurried_line(line) + "\n").collect()
}

fn hurried_line(line: &str) -> String {
    let (head, value) = line.split_at(line.find(": ").map_or(line.len(), |at| at + 2));
    match head.trim() {
        "interval:" | "for:" => format!("{head}{}s", seconds(value).div_ceil(SPEED).max(1)),
        "expr:" => format!("{head}{}", with_short_ranges(value)),
        _ => line.to_owned(),
    }
}

/// `[10m]` → `[10s]`, `offset 10m` → `offset 10s`.
fn with_short_ranges(expr: &str) -> String {
    let mut parts = expr.split('[');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (range, rest) = part.split_once(']').expect("a range ends");
        short += &format!("[{}s]{rest}", short_range(range));
    }
    let mut parts = short.split(OFFSET);
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (time, rest) = part.split_at(part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len()));
        all += &format!("{OFFSET}{}s{rest}", short_range(time));
    }
    all
}

fn short_range(time: &str) -> u32 {
    seconds(time).div_ceil(SPEED).max(RANGE_MIN)
}

/// Of `30s`, `5m`, `1h`, `7d`.
fn seconds(time: &str) -> u32 {
    let (number, unit) = time.split_at(time.len() - 1);
    let number: u32 = number.parse().unwrap_or_else(|_| panic!("{time} is no time"));
    match unit {
        "s" => number,
        "m" => number * 60,
        "h" => number * 3_600,
        "d" => number * 86_400,
        other => panic!("{other} is no unit of time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shortened_and_nothing_else() {
        let rules = "    interval: 30s\n      - alert: A\n        expr: 'rate(a{b=\"5m\"}[5m]) > 60 and c[1d] > 4 * 3600 or d > (d offset 10m)'\n        for: 10m\n";
        let expected = "    interval: 1s\n      - alert: A\n        expr: 'rate(a{b=\"5m\"}[5s]) > 60 and c[1440s] > 4 * 3600 or d > (d offset 10s)'\n        for: 10s\n";
        assert_eq!(hurried(rules), expected);
    }
}
