//! What stands between the cells of a text: the sign that its first lines have alike, or that a line of names has below a title.

use super::columns::is_of_field;
use super::heads::HEADS_WITHIN;

/// Of several that are equally good, the first.
const DELIMITERS: [u8; 4] = [b';', b',', b'\t', b'|'];

/// Lines that are looked at.
const LINES_MAX: usize = 20;

/// How Excel is told the delimiter, in a line before all others: `sep=;`.
const TOLD: &[u8] = b"sep=";

/// The delimiter of a file that begins like that, and how many octets say nothing but this.
pub(super) fn sniff(head: &[u8]) -> (u8, usize) {
    if let Some(told) = told(head) {
        return told;
    }
    if let Some(delimiter) = below_title(head) {
        return (delimiter, 0);
    }
    let alike = |delimiter: &u8| {
        let counts = counts(head, *delimiter);
        let first = counts.first().copied().unwrap_or_default();
        let same = counts.iter().filter(|count| **count == first).count();
        // How many lines are like the first one, and by how many cells.
        (first > 0).then_some((same, first))
    };
    // max_by_key has the last of equals.
    let best = DELIMITERS
        .into_iter()
        .rev()
        .filter_map(|delimiter| Some((alike(&delimiter)?, delimiter)))
        .max_by_key(|(alike, _)| *alike);
    (best.map_or(DELIMITERS[0], |(_, delimiter)| delimiter), 0)
}

/// That of the names of columns, where these do not stand in the first line, whose signs say nothing then.
fn below_title(head: &[u8]) -> Option<u8> {
    let text = String::from_utf8_lossy(head);
    let lines = text.split(['\r', '\n']).filter(|line| !line.trim().is_empty());
    let names = lines.take(HEADS_WITHIN).enumerate().flat_map(|(at, line)| {
        DELIMITERS.map(|delimiter| {
            let cells = line.split(char::from(delimiter));
            let known = cells.filter(|cell| is_of_field(cell.trim().trim_matches('"')));
            (known.count(), at, delimiter)
        })
    });
    // Of equals, the first line, which has the sign that the others are measured by.
    let (known, at, delimiter) = names.max_by_key(|(known, at, _)| (*known, HEADS_WITHIN - at))?;
    (known > 1 && at > 0).then_some(delimiter)
}

fn told(head: &[u8]) -> Option<(u8, usize)> {
    let (begin, rest) = head.split_at_checked(TOLD.len())?;
    if !begin.eq_ignore_ascii_case(TOLD) {
        return None;
    }
    match rest {
        [delimiter, b'\r' | b'\n', ..] if DELIMITERS.contains(delimiter) => Some((*delimiter, TOLD.len() + 1)),
        _ => None,
    }
}

/// How often a sign stands outside quotes, in each of the first lines that are not blank.
fn counts(head: &[u8], delimiter: u8) -> Vec<usize> {
    let mut counts = Vec::new();
    let (mut count, mut blank, mut quoted, mut opens) = (0, true, false, true);
    for octet in head {
        let line_ends = !quoted && matches!(octet, b'\r' | b'\n');
        if line_ends && !blank {
            counts.push(count);
            if counts.len() == LINES_MAX {
                return counts;
            }
        }
        if line_ends {
            (count, blank, opens) = (0, true, true);
            continue;
        }
        blank = false;
        if *octet == b'"' && (opens || quoted) {
            quoted = !quoted;
        }
        let between = !quoted && *octet == delimiter;
        count += usize::from(between);
        // A doubled quote closes and opens again.
        opens = between || (*octet == b'"' && !quoted);
    }
    // The last line may be cut off; it counts only when there is no other.
    if counts.is_empty() {
        counts.push(count);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_tell() {
        for (head, delimiter) in [
            ("nom;mobile\nMartin, Zoé;06\n", b';'),
            ("nom,mobile\r\nMartin;Z,06\r\n", b','),
            ("nom\tmobile\rMartin;Z\t06\r", b'\t'),
            ("nom|mobile\nMartin|06", b'|'),
            ("\"nom; prénom\",mobile\n\"a;b;c\",06\n", b','),
            ("\"say \"\"x;y\"\"\",b\n1,2\n", b','),
            ("\n\nnom;mobile\n", b';'),
            ("mobile\n0612345678\n", b';'),
            ("a 5\" tube,b\n1,2\n", b','),
            ("", b';'),
        ] {
            assert_eq!(sniff(head.as_bytes()), (delimiter, 0), "{head}");
        }
    }

    #[test]
    fn a_title_above_the_names_says_nothing() {
        for (head, delimiter) in [
            ("Patients, Lyon\nNom;Mobile\nMartin;06\n", b';'),
            ("Liste des patients\r\n\r\nNom,Mobile\r\nMartin,06\r\n", b','),
            ("Liste; mars | avril\n\"Nom\"\t\"Mobile\"\nMartin\t06\n", b'\t'),
            ("Nom;Mobile\nNom, Mobile;06\n", b';'),
        ] {
            assert_eq!(sniff(head.as_bytes()), (delimiter, 0), "{head}");
        }
    }

    #[test]
    fn excel_may_be_told() {
        assert_eq!(sniff(b"sep=,\r\na;b,c;d\r\n"), (b',', 5));
        assert_eq!(sniff(b"SEP=|\na\n"), (b'|', 5));
        assert_eq!(sniff(b"sep=x\na;b\n"), (b';', 0));
    }
}
