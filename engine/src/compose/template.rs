//! A text with merge fields: `Bonjour [Prenom|cher patient]`, `{{last_name}}`.

use std::ops::Range;

use kit::words::nearest;

use crate::fault::{FieldFault, FieldProblem};

use super::fold::fold;

/// What is shown of a merge field that cannot be read.
const SHOWN_MAX: usize = 20;

/// Names that mean the same column; tried when no column has the field's own name.
const SYNONYMS: &[&[&str]] = &[
    &["nom", "lastname", "surname", "nomdefamille"],
    &["prenom", "firstname", "givenname"],
];

/// Stands for whatever a field leaves, in what all recipients read: a letter that no word has.
const ANYTHING: char = '\u{a66e}';

/// What every recipient reads of a text: of a field, neither its value nor what stands for an empty one. What cannot be read as a
/// field is text.
pub(super) fn said_to_all(text: &str) -> String {
    let (mut said, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        at = match next_piece(text, at) {
            Ok(Next::Literal { range, next }) => {
                said.push_str(&text[range]);
                next
            }
            Ok(Next::Field { next, .. }) => {
                said.push(ANYTHING);
                next
            }
            Err(_) => {
                said.push_str(rest);
                text.len()
            }
        };
    }
    said
}

/// The first field of a text that has such a name, as it stands there. What cannot be read as a field is text.
pub(crate) fn first_field(text: &str, is_such: impl Fn(&str) -> bool) -> Option<&str> {
    let mut at = 0;
    while at < text.len() {
        at = match next_piece(text, at) {
            Ok(Next::Field { name, next, .. }) if is_such(&text[name.clone()]) => return text.get(at..next),
            Ok(Next::Literal { next, .. } | Next::Field { next, .. }) => next,
            // Its bracket is one octet.
            Err(_) => at + 1,
        };
    }
    None
}

/// Whether a link is called that.
pub(crate) fn is_link(name: &str) -> bool {
    LINK.contains(&fold(name).as_str())
}

/// A text whose merge fields are bound to columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    text: String,
    pieces: Vec<Piece>,
    /// What a link of its recipient's own is as long as, if there is one.
    link: String,
}

/// A piece of the text; ranges are octets of [`Template::text`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Range<usize>),
    Field { column: usize, fallback: Range<usize> },
    Link,
}

/// What a link is called, whatever column has that name.
const LINK: [&str; 2] = ["lien", "link"];

impl Template {
    /// Reads a text. A field is `[Name]` or `{{name}}`, with what stands for an empty value after a bar:
    /// `[Prenom|cher patient]`. Names are those of `columns`, whatever their case and accents. `[[` is a literal `[`.
    ///
    /// # Errors
    /// Every field that is no column, has no end or name, or another one in its fallback, as a fault of the field `/text`.
    pub(crate) fn parse<C: AsRef<str>>(text: &str, columns: &[C]) -> Result<Self, Vec<FieldFault>> {
        Self::parse_linked(text, columns, None)
    }

    /// The same; `[Lien]` or `{{link}}` stands for a link of the recipient's own, which is as long as that one.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub(crate) fn parse_linked<C: AsRef<str>>(
        text: &str,
        columns: &[C],
        link: Option<&str>,
    ) -> Result<Self, Vec<FieldFault>> {
        check_fallbacks(text)?;
        Self::kept(text, columns, link)
    }

    /// One that was taken before: whatever stands in a fallback is text.
    ///
    /// # Errors
    /// Every field that is no column, or has no end or name, as a fault of the field `/text`.
    pub(crate) fn kept<C: AsRef<str>>(text: &str, columns: &[C], link: Option<&str>) -> Result<Self, Vec<FieldFault>> {
        let columns = Names::new(columns);
        Self::read(text, link, |name| {
            columns.find(name).ok_or_else(|| columns.unknown(name))
        })
    }

    /// The names of the fields of a text that was taken before, each once, in their order; its link is none of them.
    ///
    /// # Errors
    /// Every field that has no end or name, as a fault of the field `/text`.
    pub(crate) fn names(text: &str, link: Option<&str>) -> Result<Vec<String>, Vec<FieldFault>> {
        let read = Self::read_open::<&str>(text, &[], link);
        read.map(|(_, names)| names)
    }

    /// Reads a text whose columns are not all known yet: a field that is none of them leaves its fallback. Returns the names of
    /// these as well, each once, in their order.
    ///
    /// # Errors
    /// Every field that has no end or name, or another one in its fallback, as a fault of the field `/text`.
    pub(crate) fn parse_open<C: AsRef<str>>(text: &str, columns: &[C]) -> Result<(Self, Vec<String>), Vec<FieldFault>> {
        Self::parse_open_linked(text, columns, None)
    }

    /// The same, with a link as [`Template::parse_linked`] has it.
    ///
    /// # Errors
    /// As [`Template::parse_open`].
    pub(crate) fn parse_open_linked<C: AsRef<str>>(
        text: &str,
        columns: &[C],
        link: Option<&str>,
    ) -> Result<(Self, Vec<String>), Vec<FieldFault>> {
        check_fallbacks(text)?;
        Self::read_open(text, columns, link)
    }

    fn read_open<C: AsRef<str>>(
        text: &str,
        columns: &[C],
        link: Option<&str>,
    ) -> Result<(Self, Vec<String>), Vec<FieldFault>> {
        let known = Names::new(columns);
        let mut others: Vec<String> = Vec::new();
        let template = Self::read(text, link, |name| {
            let column = known.find(name);
            if column.is_none() && !others.iter().any(|other| fold(other) == fold(name)) {
                others.push(name.trim().to_owned());
            }
            Ok(column.unwrap_or(columns.len()))
        })?;
        Ok((template, others))
    }

    /// Reads a text whose fields have the columns that `column_of` says.
    fn read(
        text: &str,
        link: Option<&str>,
        mut column_of: impl FnMut(&str) -> Result<usize, FieldProblem>,
    ) -> Result<Self, Vec<FieldFault>> {
        let (mut pieces, mut faults) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < text.len() {
            let (piece, next) = match next_piece(text, at) {
                Ok(Next::Literal { range, next }) => (Ok(Piece::Literal(range)), next),
                Ok(Next::Field { name, next, .. }) if link.is_some() && is_link(&text[name.clone()]) => {
                    (Ok(Piece::Link), next)
                }
                Ok(Next::Field { name, fallback, next }) => {
                    let column = column_of(&text[name]);
                    (column.map(|column| Piece::Field { column, fallback }), next)
                }
                Err(problem) => (Err(problem), text.len()),
            };
            match piece {
                Ok(piece) => pieces.push(piece),
                Err(problem) => faults.push(FieldFault::new("/text", problem)),
            }
            at = next;
        }
        if faults.is_empty() {
            Ok(Self {
                text: text.to_owned(),
                pieces,
                link: link.unwrap_or_default().to_owned(),
            })
        } else {
            Err(faults)
        }
    }

    /// The text as it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Appends the text for one recipient to `out`. `values` are its columns' values; one that is missing or blank
    /// leaves the field's fallback.
    pub(crate) fn render(&self, values: &[&str], out: &mut String) {
        self.render_linked(values, &self.link, out);
    }

    /// The same with that link; [`Template::render`] has one of its length.
    pub(crate) fn render_linked(&self, values: &[&str], link: &str, out: &mut String) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(range) => out.push_str(&self.text[range.clone()]),
                Piece::Link => out.push_str(link),
                Piece::Field { column, fallback } => {
                    let value = values.get(*column).map_or("", |value| value.trim());
                    out.push_str(if value.is_empty() {
                        &self.text[fallback.clone()]
                    } else {
                        value
                    });
                }
            }
        }
    }

    /// Whether every recipient gets the same text, but for a link, which is as long for all.
    pub(crate) fn is_constant(&self) -> bool {
        self.pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Literal(_) | Piece::Link))
    }

    /// The columns that it names, each as often, with what stands for an empty value.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (usize, &str)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field { column, fallback } => Some((*column, &self.text[fallback.clone()])),
            Piece::Literal(_) | Piece::Link => None,
        })
    }

    /// The domain of its links.
    pub(crate) fn link_domain(&self) -> Option<&str> {
        let domain = self.link.split('/').next()?;
        Some(domain).filter(|domain| !domain.is_empty())
    }

    /// Whether it has a link of its recipient's own.
    pub(crate) fn has_link(&self) -> bool {
        self.pieces.contains(&Piece::Link)
    }
}

/// The column of that name, whatever its case and accents.
pub(crate) fn find_column<C: AsRef<str>>(name: &str, columns: &[C]) -> Option<usize> {
    Names::new(columns).find(name)
}

/// The column that was probably meant by a name that is not one.
pub(crate) fn nearest_column<C: AsRef<str>>(name: &str, columns: &[C]) -> Option<String> {
    let folded: Vec<String> = columns.iter().map(|column| fold(column.as_ref())).collect();
    let nearest = nearest(&fold(name), folded.iter().map(String::as_str))?;
    let position = folded.iter().position(|column| column == nearest)?;
    columns.get(position).map(|column| column.as_ref().to_owned())
}

enum Next {
    Literal {
        range: Range<usize>,
        next: usize,
    },
    Field {
        name: Range<usize>,
        fallback: Range<usize>,
        next: usize,
    },
}

/// Whether no field has a bracket in what stands for an empty value: a field there would be read as text, by people.
fn check_fallbacks(text: &str) -> Result<(), Vec<FieldFault>> {
    let (mut faults, mut at) = (Vec::new(), 0);
    while at < text.len() {
        at = match next_piece(text, at) {
            Ok(Next::Field { fallback, next, .. }) => {
                let fallback = &text[fallback];
                if fallback.contains('[') || fallback.contains("{{") {
                    faults.push(FieldFault::new("/text", broken(&text[at..])));
                }
                next
            }
            Ok(Next::Literal { next, .. }) => next,
            // Whoever reads the text says so.
            Err(_) => text.len(),
        };
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn broken(from: &str) -> FieldProblem {
    FieldProblem::BrokenMergeField {
        near: from.chars().take(SHOWN_MAX).collect(),
    }
}

/// The piece that begins at `at`, and where the next one does.
fn next_piece(text: &str, at: usize) -> Result<Next, FieldProblem> {
    let rest = &text[at..];
    if rest.starts_with("[[") {
        return Ok(Next::Literal {
            range: at..at + 1,
            next: at + 2,
        });
    }
    for (open, close) in [("[", "]"), ("{{", "}}")] {
        let Some(inside) = rest.strip_prefix(open) else {
            continue;
        };
        let length = inside.find(close).ok_or_else(|| broken(rest))?;
        let start = at + open.len();
        let (name, fallback) = match inside[..length].find('|') {
            Some(bar) => {
                let fallback = &inside[bar + 1..length];
                let begin = start + length - fallback.trim_start().len();
                (start..start + bar, begin..begin + fallback.trim().len())
            }
            None => (start..start + length, start + length..start + length),
        };
        if text[name.clone()].trim().is_empty() || text[name.clone()].contains(['[', '{']) {
            return Err(broken(rest));
        }
        return Ok(Next::Field {
            name,
            fallback,
            next: start + length + close.len(),
        });
    }
    // No field begins here, so that the search for the next one may start a character later.
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let length = ["[", "{{"].iter().filter_map(|open| rest[first..].find(open)).min();
    let end = length.map_or(text.len(), |length| at + first + length);
    Ok(Next::Literal {
        range: at..end,
        next: end,
    })
}

/// Columns by their folded names.
struct Names<'c, C> {
    columns: &'c [C],
    folded: Vec<String>,
}

impl<'c, C: AsRef<str>> Names<'c, C> {
    fn new(columns: &'c [C]) -> Self {
        Self {
            columns,
            folded: columns.iter().map(|column| fold(column.as_ref())).collect(),
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        let name = fold(name);
        let position = |wanted: &str| self.folded.iter().position(|column| column == wanted);
        position(&name).or_else(|| {
            let synonyms = SYNONYMS.iter().find(|synonyms| synonyms.contains(&name.as_str()))?;
            synonyms.iter().find_map(|synonym| position(synonym))
        })
    }

    fn unknown(&self, name: &str) -> FieldProblem {
        let name = name.trim().to_owned();
        FieldProblem::UnknownMergeField {
            nearest: nearest_column(&name, self.columns),
            name,
            columns: self.columns.iter().map(|column| column.as_ref().to_owned()).collect(),
            french: Box::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, columns: &[&str], values: &[&str]) -> String {
        let mut out = String::new();
        Template::parse(text, columns).unwrap().render(values, &mut out);
        out
    }

    fn problems(text: &str, columns: &[&str]) -> Vec<FieldProblem> {
        let faults = Template::parse(text, columns).unwrap_err();
        assert!(faults.iter().all(|fault| fault.pointer == "/text"));
        faults.into_iter().map(|fault| fault.problem).collect()
    }

    #[test]
    fn fields_are_filled_in() {
        let columns = ["Nom", "Prénom", "last_name"];
        let values = ["Martin", " Zoé ", "Doe"];
        assert_eq!(
            render("Bonjour [Prenom] [NOM] !", &columns, &values),
            "Bonjour Zoé Martin !"
        );
        assert_eq!(render("{{last_name}}{{Last Name}}", &columns, &values), "DoeDoe");
        assert_eq!(render("été sans champ", &columns, &values), "été sans champ");
        assert_eq!(render("[Nom]é[Nom]", &columns, &values), "MartinéMartin");
        assert_eq!(render("", &columns, &values), "");
    }

    #[test]
    fn an_empty_or_missing_value_leaves_the_fallback() {
        let columns = ["Nom", "Prenom"];
        assert_eq!(
            render("Bonjour [Prenom|cher patient],", &columns, &["Martin", " "]),
            "Bonjour cher patient,"
        );
        assert_eq!(
            render("Bonjour {{prenom|cher patient}},", &columns, &["Martin"]),
            "Bonjour cher patient,"
        );
        assert_eq!(render("Bonjour [Prenom],", &columns, &[]), "Bonjour ,");
        assert_eq!(render("[Prenom|a|b]", &columns, &[]), "a|b");
        // As values are, it is said without the spaces around it.
        assert_eq!(render("Bonjour {{ prenom | vous }},", &columns, &[]), "Bonjour vous,");
        assert_eq!(render("[Prenom| ]", &columns, &[]), "");
    }

    #[test]
    fn french_and_english_names_mean_the_same_column() {
        assert_eq!(
            render("{{first_name}} [Nom]", &["Prenom", "last_name"], &["Zoé", "Martin"]),
            "Zoé Martin"
        );
    }

    #[test]
    fn brackets_can_be_written() {
        assert_eq!(
            render("[[Promo] {1} ] }} [[[Nom]", &["Nom"], &["M"]),
            "[Promo] {1} ] }} [M"
        );
        assert!(Template::parse("[[Promo]", &["Nom"]).unwrap().is_constant());
        assert!(!Template::parse("[Nom]", &["Nom"]).unwrap().is_constant());
    }

    #[test]
    fn values_are_not_read_as_templates() {
        assert_eq!(render("[Nom]", &["Nom"], &["[Nom]{{x}}"]), "[Nom]{{x}}");
    }

    #[test]
    fn unknown_fields_are_all_named_with_the_column_that_was_meant() {
        let wanted = [
            FieldProblem::UnknownMergeField {
                name: "Prenon".to_owned(),
                nearest: Some("Prénom".to_owned()),
                columns: ["Nom".to_owned(), "Prénom".to_owned()].into(),
                french: Box::default(),
            },
            FieldProblem::UnknownMergeField {
                name: "Ville".to_owned(),
                nearest: None,
                columns: ["Nom".to_owned(), "Prénom".to_owned()].into(),
                french: Box::default(),
            },
        ];
        assert_eq!(problems("[Prenon] [Ville] [nom]", &["Nom", "Prénom"]), wanted);
        assert_eq!(problems("[Nom]", &[]).len(), 1);
    }

    #[test]
    fn a_text_is_read_before_its_columns_are_known() {
        let (template, others) =
            Template::parse_open("[Prenom|vous] [nom] {{Nom}} [ Ville ]", &["first_name"]).unwrap();
        assert_eq!(others, ["nom", "Ville"]);
        let mut out = String::new();
        template.render(&["Zoé"], &mut out);
        assert_eq!(out, "Zoé   ");
        assert!(Template::parse_open("[Nom", &["Nom"]).is_err());
    }

    #[test]
    fn a_field_of_a_known_name_is_found_and_other_brackets_are_text() {
        let found = |text| first_field(text, |name| ["prenom", "nom"].contains(&fold(name).as_str()));
        for (text, field) in [
            ("Bonjour [Prenom] [nom]", Some("[Prenom]")),
            ("Bonjour {{ prénom | vous }},", Some("{{ prénom | vous }}")),
            ("[URGENT] Bonjour [Nom|x]", Some("[Nom|x]")),
            ("[ [] [Prenom]", Some("[Prenom]")),
            ("é[ [Nom", None),
            ("[URGENT] {1} [1] {{x}} [Cabinet Martin]", None),
            ("[[Prenom]", None),
            ("", None),
        ] {
            assert_eq!(found(text), field, "{text}");
        }
    }

    #[test]
    fn a_link_stands_for_its_name_whatever_column_has_it() {
        let longest = "l.cabinet.fr/00000000000000";
        let text = "RDV : https://[Lien] ou {{link}}";
        let template = Template::parse_linked(text, &["lien"], Some(longest)).unwrap();
        assert!(template.is_constant() && template.has_link());
        let mut out = String::new();
        template.render(&["x"], &mut out);
        assert_eq!(out, format!("RDV : https://{longest} ou {longest}"));
        out.clear();
        template.render_linked(&["x"], "l.cabinet.fr/A", &mut out);
        assert_eq!(out, "RDV : https://l.cabinet.fr/A ou l.cabinet.fr/A");
        assert!(!Template::parse("[Lien]", &["lien"]).unwrap().has_link());
        let (_, others) = Template::parse_open_linked("[Lien] [Nom]", &[""; 0], Some(longest)).unwrap();
        assert_eq!(others, ["Nom"]);
    }

    #[test]
    fn broken_fields_are_faults() {
        for text in [
            "a [Nom",
            "a {{Nom}",
            "[]",
            "[|x]",
            "{{ }}",
            "[a [Nom]",
            "[Nom|[Nom]]",
            "[Nom|a {{Nom}}]",
            "{{Nom|[Nom]}}",
            "[Nom|[[a]",
        ] {
            let problems = problems(text, &["Nom"]);
            assert!(
                matches!(problems.as_slice(), [FieldProblem::BrokenMergeField { .. }]),
                "{text}: {problems:?}"
            );
        }
    }

    #[test]
    fn a_text_that_was_taken_before_is_read_as_it_was() {
        let template = Template::kept("[Nom|[Nom]] !", &["Nom"], None).unwrap();
        let said = |values: &[&str]| {
            let mut out = String::new();
            template.render(values, &mut out);
            out
        };
        assert_eq!(
            (said(&["Zoé"]), said(&[""])),
            ("Zoé] !".to_owned(), "[Nom] !".to_owned())
        );
        assert_eq!(Template::names("[Nom|[a]] [Lien]", Some("l.fr/A")).unwrap(), ["Nom"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_either_read_or_refused(text in "[\\[\\]{}|aé]{0,12}") {
            if let Ok(template) = Template::parse(&text, &["a", "é"]) {
                template.render(&["x"], &mut String::new());
            }
        }
    }
}
