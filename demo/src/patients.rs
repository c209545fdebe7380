//! The clinic's file of patients, as a French spreadsheet saves it: semicolons, Windows-1252, and numbers whose first zero is gone.

use jiff::ToSpan;
use jiff::civil::Date;
use lab::number_of;

/// The practice that moves, and the other one.
pub(crate) const MOVES: &str = "Lyon";
const STAYS: &str = "Villeurbanne";

/// Patients of the practice that moves, with a mobile, seen within the last months: as many as the scenario has outcomes for.
pub(crate) const MEANT: u32 = 4_379;

/// Those of the same practice who have not come for more than a year, and those of the other one.
const NOT_SEEN: u32 = 812;
const ELSEWHERE: u32 = 1_236;

/// Patients of the practice that moves whose only number is a landline.
const LANDLINES: u32 = 9;

/// Rows whose number a spreadsheet has made a power of ten.
const BROKEN: u32 = 4;

/// Rows that are there twice.
const TWICE: u32 = 3;

/// Every so many patients one has a name that makes the text longer than one segment.
const LONG_NAME_EVERY: u32 = 40;

const HEAD: &str = "Nom;Prénom;Portable;Cabinet;Dernière visite";

const FIRST_NAMES: [&str; 16] = [
    "Camille", "Louis", "Zoé", "Hugo", "Chloé", "Lucas", "Inès", "Nathan", "Jeanne", "Arthur", "Louise", "Gabriel",
    "Emma", "Raphaël", "Alice", "Jules",
];

const LAST_NAMES: [&str; 16] = [
    "Martin",
    "Bernard",
    "Dubois",
    "Thomas",
    "Robert",
    "Richard",
    "Petit",
    "Durand",
    "Leroy",
    "Moreau",
    "Lefèvre",
    "Laurent",
    "Béranger",
    "Michel",
    "Garcia",
    "Fontaine",
];

const LONG_NAMES: [(&str, &str); 3] = [
    ("de La Rochefoucauld", "Marie-Antoinette"),
    ("Lefebvre-Fontaine", "Anne-Charlotte"),
    ("Saint-Exupéry de Montmorency", "Jean-Baptiste"),
];

/// A row of the file.
struct Patient {
    last_name: &'static str,
    first_name: &'static str,
    number: String,
    practice: &'static str,
    /// How many days ago.
    seen: i64,
}

impl Patient {
    fn numbered(n: u32) -> Self {
        let (last_name, first_name) = if n % LONG_NAME_EVERY == LONG_NAME_EVERY - 1 {
            LONG_NAMES[(n / LONG_NAME_EVERY) as usize % LONG_NAMES.len()]
        } else {
            let names = FIRST_NAMES.len() as u32;
            let (first, last) = (n % names, n / names % LAST_NAMES.len() as u32);
            (LAST_NAMES[last as usize], FIRST_NAMES[first as usize])
        };
        Self {
            last_name,
            first_name,
            number: spelt(n),
            practice: MOVES,
            seen: 1 + i64::from(n % 300),
        }
    }

    fn line(&self, today: Date) -> String {
        let day = today.saturating_sub(self.seen.days()).strftime("%d/%m/%Y");
        let Self {
            last_name,
            first_name,
            number,
            practice,
            ..
        } = self;
        format!("{last_name};{first_name};{number};{practice};{day}\r\n")
    }
}

/// The file, in Windows-1252.
pub(crate) fn file(today: Date) -> Vec<u8> {
    let meant = (0..MEANT).map(Patient::numbered);
    let not_seen = (MEANT..MEANT + NOT_SEEN).map(|n| Patient {
        seen: 400 + i64::from(n % 900),
        ..Patient::numbered(n)
    });
    let after = MEANT + NOT_SEEN;
    let elsewhere = (after..after + ELSEWHERE).map(|n| Patient {
        practice: STAYS,
        ..Patient::numbered(n)
    });
    let landlines = (0..LANDLINES).map(|n| Patient {
        number: format!("04 78 00 00 {n:02}"),
        ..Patient::numbered(n)
    });
    let broken = (0..BROKEN).map(|n| Patient {
        number: "3,36123E+10".to_owned(),
        ..Patient::numbered(n)
    });
    let twice = (0..TWICE).map(Patient::numbered);
    let all = meant
        .chain(not_seen)
        .chain(elsewhere)
        .chain(landlines)
        .chain(broken)
        .chain(twice);
    let text: String = all.map(|patient| patient.line(today)).collect();
    windows_1252(&format!("{HEAD}\r\n{text}"))
}

/// The number of a patient as people and spreadsheets write it.
fn spelt(n: u32) -> String {
    let national = (number_of(n.into()) % 1_000_000_000).to_string();
    let pairs = |between: &str| {
        let whole = format!("0{national}");
        let pairs: Vec<&str> = (0..5).map(|pair| &whole[2 * pair..2 * pair + 2]).collect();
        pairs.join(between)
    };
    match n % 3 {
        // A cell of numbers has no zero in front.
        0 => national,
        1 => pairs(" "),
        _ => pairs("."),
    }
}

/// Windows-1252 has the letters of Latin-1 in their places; no other ones are in the file.
fn windows_1252(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| u8::try_from(letter).unwrap_or(b'?'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_one_that_a_spreadsheet_writes() {
        let octets = file(jiff::civil::date(2026, 3, 1));
        assert!(std::str::from_utf8(&octets).is_err(), "it is no UTF-8");
        assert!(!octets.contains(&b'?'), "every letter is in Windows-1252");
        let text: String = octets.iter().map(|octet| char::from(*octet)).collect();
        let rows = MEANT + NOT_SEEN + ELSEWHERE + LANDLINES + BROKEN + TWICE;
        assert_eq!(text.lines().count() as u32, rows + 1);
        assert_eq!(text.lines().nth(1), Some("Martin;Camille;610000000;Lyon;28/02/2026"));
        assert!(
            text.lines().all(|line| line.matches(';').count() == 4),
            "no cell is quoted"
        );
    }
}
