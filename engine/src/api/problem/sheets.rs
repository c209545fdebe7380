//! What people read of a file of contacts that is not as it has to be.

use crate::domain::Language;
use crate::fault::{SheetProblem, WorkbookFlaw};

/// What is wrong, and what is allowed.
pub(super) fn words(problem: &SheetProblem, language: Language) -> String {
    match language {
        Language::Fr => french(problem),
        Language::En => english(problem),
    }
}

fn french(problem: &SheetProblem) -> String {
    match problem {
        SheetProblem::InvalidDay => "Une date, par exemple 03/04/1981, 03/04/81 ou 1981-04-03.".to_owned(),
        SheetProblem::NotYesOrNo => "Oui ou non.".to_owned(),
        SheetProblem::ConsentUnproven => {
            "Un consentement avec sa date et sa source (date_consentement, source_consentement).".to_owned()
        }
        SheetProblem::TwoNumbers => {
            "Les colonnes telephone et e164 ne disent pas le même numéro : videz celle qui n'est plus juste.".to_owned()
        }
        SheetProblem::DuplicateInFile => "Cette personne est déjà plus haut dans le fichier.".to_owned(),
        SheetProblem::NoNumberColumn { heads, within } => {
            let read = match heads {
                Some(line) => format!("Les titres des colonnes ont été lus à la ligne {line}"),
                None => format!("Aucune des {within} premières lignes n'a de titres de colonnes connus"),
            };
            format!(
                "Aucune colonne de numéros n'est reconnue : nommez-la « portable », ou dites les colonnes, par exemple \
                 ?columns=last_name,number,-. {read}."
            )
        }
        SheetProblem::NoNumber => "Cette ligne n'a pas de numéro.".to_owned(),
        SheetProblem::UnclosedQuote => {
            "Un guillemet ouvre cette cellule et rien ne la referme : retirez-le, ou doublez-le.".to_owned()
        }
        SheetProblem::EmptyFile => "Le fichier ne contient aucune ligne.".to_owned(),
        SheetProblem::RowTooLong { line, max } => {
            format!("La ligne {line} dépasse {max} octets : un guillemet n'est-il pas refermé ?")
        }
        SheetProblem::TooManyColumns { line, max } => format!("Ligne {line} : au plus {max} colonnes sont acceptées."),
        SheetProblem::TooManyRows { max } => format!("Au plus {max} lignes sont acceptées : découpez le fichier."),
        SheetProblem::OldWorkbook => {
            "Un ancien classeur Excel (.xls), ou protégé par un mot de passe : enregistrez-le en .xlsx ou en CSV."
                .to_owned()
        }
        SheetProblem::BrokenWorkbook(flaw) => format!(
            "Ce classeur ne peut pas être lu ({}) : enregistrez-le de nouveau, en .xlsx ou en CSV.",
            flaw_words(flaw, Language::Fr)
        ),
        SheetProblem::WorkbookTooLarge { max } => {
            format!("Au plus {max} octets sont acceptés pour un classeur : enregistrez-le en CSV.")
        }
    }
}

fn english(problem: &SheetProblem) -> String {
    match problem {
        SheetProblem::InvalidDay => "A day is expected, such as 03/04/1981, 03/04/81 or 1981-04-03.".to_owned(),
        SheetProblem::NotYesOrNo => "Yes or no is expected.".to_owned(),
        SheetProblem::ConsentUnproven => {
            "A consent needs its date and its source (consent_date, consent_source).".to_owned()
        }
        SheetProblem::TwoNumbers => {
            "The columns of the number and of e164 differ: empty the one that is out of date.".to_owned()
        }
        SheetProblem::DuplicateInFile => "This person stands further up in the file.".to_owned(),
        SheetProblem::NoNumberColumn { heads, within } => {
            let read = match heads {
                Some(line) => format!("The names of the columns were read in line {line}"),
                None => format!("None of the first {within} lines has names of columns that are known"),
            };
            format!(
                "No column of numbers is recognised: call it \"mobile\", or tell the columns, such as \
                 ?columns=last_name,number,-. {read}."
            )
        }
        SheetProblem::NoNumber => "This row has no number.".to_owned(),
        SheetProblem::UnclosedQuote => {
            "A quote opens this cell and nothing closes it: take it out, or double it.".to_owned()
        }
        SheetProblem::EmptyFile => "The file has no rows.".to_owned(),
        SheetProblem::RowTooLong { line, max } => {
            format!("Line {line} has more than {max} bytes: is a quote not closed?")
        }
        SheetProblem::TooManyColumns { line, max } => format!("Line {line}: at most {max} columns are accepted."),
        SheetProblem::TooManyRows { max } => format!("At most {max} rows are accepted: split the file."),
        SheetProblem::OldWorkbook => {
            "An old workbook of Excel (.xls), or one with a password: save it as .xlsx or as CSV.".to_owned()
        }
        SheetProblem::BrokenWorkbook(flaw) => format!(
            "This workbook cannot be read ({}): save it again, as .xlsx or as CSV.",
            flaw_words(flaw, Language::En)
        ),
        SheetProblem::WorkbookTooLarge { max } => {
            format!("At most {max} bytes are accepted of a workbook: save it as CSV.")
        }
    }
}

fn flaw_words(flaw: &WorkbookFlaw, language: Language) -> &str {
    let (french, english) = match flaw {
        WorkbookFlaw::TooManyParts => ("il a trop de parties", "it has too many parts"),
        WorkbookFlaw::EndsEarly => ("il s'arrête trop tôt", "it ends too early"),
        WorkbookFlaw::NoContents => ("il est tronqué ou abîmé", "it has no table of contents at its end"),
        WorkbookFlaw::NotUtf8 => ("il n'est pas écrit en UTF-8", "it is not written in UTF-8"),
        WorkbookFlaw::LongText => ("un texte y est trop long", "a text is too long"),
        WorkbookFlaw::LongTag => ("une balise y est trop longue", "a tag is too long"),
        WorkbookFlaw::TagInTag => ("une balise y est dans une autre", "a tag is within a tag"),
        WorkbookFlaw::NoPlace => (
            "une ligne ou une cellule n'y est nulle part",
            "a row or cell stands nowhere",
        ),
        WorkbookFlaw::NoOrder => (
            "ses lignes ou ses cellules sont en désordre",
            "rows or cells stand in no order",
        ),
        WorkbookFlaw::TooManyTexts => ("il a trop de textes", "it has too many texts"),
        WorkbookFlaw::Comments => (
            "il contient des commentaires ou des entités XML",
            "it has comments or entities of XML",
        ),
        WorkbookFlaw::Other(why) => ("il est abîmé, ou ce n'en est pas un", why.as_str()),
    };
    match language {
        Language::Fr => french,
        Language::En => english,
    }
}
