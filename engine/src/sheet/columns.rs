//! What the columns of a file are: told by whoever sends it, else recognised by their names in the first row, else guessed.

use std::fmt;
use std::str::FromStr;

use kit::words::nearest;

use super::cell::{bare, forbidden};
use crate::compose::fold;
use crate::fault::FieldProblem;

/// The most columns of a file.
pub(crate) const COLUMNS_MAX: usize = 256;

/// The most characters of an attribute's name, and the most attributes of a contact: as many as a campaign has variables.
pub(crate) const ATTRIBUTE_NAME_MAX: usize = crate::audience::COLUMN_NAME_MAX;
pub(crate) const ATTRIBUTES_MAX: usize = crate::audience::COLUMNS_MAX;

/// What a column is called that is left out.
const IGNORED: &str = "-";

/// Before the name of an attribute that could be taken for a field.
const ATTRIBUTE_PREFIX: &str = "attributes.";

/// Columns that a list of errors has, and its file must not give back.
const OF_ERRORS: [&str; 4] = ["ligne", "erreur", "line", "error"];

/// A field of a contact that a column may hold; the code is its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Field {
    Reference,
    /// A mobile, in any spelling.
    Number,
    /// A number that wins over what other columns say, in E.164.
    E164,
    /// Numbers of any kind; the first mobile is the contact's if no other column has one.
    OtherNumbers,
    FirstName,
    LastName,
    Kind,
    BirthDate,
    Practices,
    Tags,
    LastVisit,
    LastVisitPractice,
    Consent,
    ConsentDate,
    ConsentSource,
    ConsentWording,
}

/// Further names of columns, as [`key`] has them, between spaces.
const SYNONYMS: [(Field, &str); 16] = [
    (
        Field::Reference,
        "ref id identifiant dossier numerodossier ndossier nodossier numdossier externalid patientid \
         idpatient numeropatient npatient nopatient",
    ),
    (
        Field::Number,
        "portable mobile gsm sms cell cellphone mobilephone telephoneportable telephonemobile \
         telportable telmobile telgsm numeroportable numerodeportable numeromobile numerodemobile numero phonenumber to \
         nmobile nomobile nportable noportable ndeportable nodeportable ndemobile nodemobile ntelephone ntel notel \
         ndetelephone nodetelephone numerodetelephone numerotelephone numerodetelephoneportable \
         numerodetelephonemobile ndetelephoneportable nodetelephoneportable ntelephoneportable numerotelephoneportable \
         mobilenumber cellnumber numsms numeromobileportable portablesms mobilesms telsms telephonesms \
         portable1 mobile1 gsm1 portable2 mobile2 gsm2 telephoneportable1 telephoneportable2 telportable1 telportable2 \
         telmobile1 telmobile2 portableperso mobileperso portablepersonnel mobilepersonnel telephone1 \
         numtel numerotel numtelephone numtelportable numport numportable nummobile numgsm telport tport telmob",
    ),
    (Field::E164, "msisdn"),
    (
        Field::OtherNumbers,
        "tel tel1 phone fixe telephonefixe telfixe domicile teldomicile telephonedomicile landline \
         homephone autretelephone autrenumero autresnumeros tel2 telephone2",
    ),
    (Field::FirstName, "prenoms prenom1 prenomusuel givenname forename"),
    (Field::LastName, "nomdefamille nomusuel surname familyname name"),
    (Field::Kind, "typedecontact categorie"),
    (
        Field::BirthDate,
        "datedenaissance naissance neele nele ddn anniversaire birthday dateofbirth dob \
         datenaiss datenais datnaiss datnais datedenaiss dtnaiss dtnaissance naiss",
    ),
    (
        Field::Practices,
        "cabinet practice centre centres clinique cliniques site clinic",
    ),
    (Field::Tags, "etiquette tag groupe groupes group groups"),
    (
        Field::LastVisit,
        "rdv dernierrdv datederniererdv datedernierrdv dernierrendezvous datedernierevisite \
         datededernierevisite lastvisitdate lastappointment daterdv rendezvous \
         dernvisite datedernvisite dernrdv datedernrdv dernierpassage datedernierpassage \
         derniereconsultation datederniereconsultation datedederniereconsultation",
    ),
    (
        Field::LastVisitPractice,
        "cabinetdedernierevisite lieuderniererdv cabinetrdv lieurdv",
    ),
    (
        Field::Consent,
        "optin accord consentementsms smsconsent rgpd accordsms smsaccord accordpoursms accordauxsms \
         consentementauxsms consentementpoursms consentementrgpd accordrgpd optinsms smsoptin acceptesms accepterlessms \
         acceptelessms autorisationsms autorisesms smsautorise",
    ),
    (
        Field::ConsentDate,
        "dateduconsentement consentat datedeconsentement dateoptin optindate dateaccord datedelaccord \
         dateaccordsms dateconsentementsms",
    ),
    (
        Field::ConsentSource,
        "sourceduconsentement origineconsentement origineduconsentement optinsource",
    ),
    (
        Field::ConsentWording,
        "texteduconsentement libelleconsentement formulation mention",
    ),
];

impl Field {
    const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    /// Its column in an export for French spreadsheets.
    pub(super) const fn french(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Number => "telephone",
            Self::E164 => "e164",
            Self::OtherNumbers => "autres_telephones",
            Self::FirstName => "prenom",
            Self::LastName => "nom",
            Self::Kind => "type",
            Self::BirthDate => "date_naissance",
            Self::Practices => "cabinets",
            Self::Tags => "etiquettes",
            Self::LastVisit => "derniere_visite",
            Self::LastVisitPractice => "cabinet_derniere_visite",
            Self::Consent => "consentement",
            Self::ConsentDate => "date_consentement",
            Self::ConsentSource => "source_consentement",
            Self::ConsentWording => "texte_consentement",
        }
    }

    /// Further names of its column, as [`key`] has them.
    fn synonyms(self) -> impl Iterator<Item = &'static str> {
        let own = SYNONYMS.iter().filter(move |(field, _)| *field == self);
        own.flat_map(|(_, names)| names.split_whitespace())
    }

    /// Whether several columns may hold it, one after the other.
    const fn repeats(self) -> bool {
        matches!(self, Self::Number | Self::OtherNumbers | Self::Practices | Self::Tags)
    }

    fn by_name(name: &str) -> Option<Self> {
        let name = key(name);
        let behind = BEHIND.iter().find_map(|whose| name.strip_suffix(*whose));
        let before = BEFORE.iter().find_map(|whose| name.strip_prefix(*whose));
        let names = [Some(name.as_str()), behind, before];
        names.into_iter().flatten().find_map(Self::by_key)
    }

    /// That of a name as [`key`] has it.
    fn by_key(name: &str) -> Option<Self> {
        let is = |field: &&Self| {
            [field.code(), field.french()]
                .into_iter()
                .any(|known| key(known) == name)
                || field.synonyms().any(|known| known == name)
        };
        Self::ALL.iter().find(is).copied()
    }
}

/// The name of a column as people write it with dots, brackets and signs, and without: `N° de portable (SMS)` is `ndeportablesms`.
fn key(name: &str) -> String {
    // `º` is a letter to Unicode, and to whoever types it the sign of a number.
    let counts = |letter: &char| letter.is_alphanumeric() && *letter != 'º';
    fold(name).chars().filter(counts).collect()
}

/// Whose a column says it is, before or behind its name: a file of patients has nobody else. What is longer comes first.
const BEHIND: [&str; 4] = ["dupatient", "patient", "duclient", "client"];
const BEFORE: [&str; 2] = ["patient", "client"];

/// Words by which a column of numbers says that these are mobiles.
const MOBILE: [&str; 5] = ["portable", "mobile", "gsm", "sms", "cell"];

/// Whether a column of that name has mobiles, and not whatever number there is.
pub(super) fn says_mobile(name: &str) -> bool {
    let key = key(&bare(name));
    MOBILE.iter().any(|word| key.contains(word))
}

/// Words by which a column says that it has an appointment, and those by which it says that this was the last.
const APPOINTMENT: [&str; 3] = ["rdv", "rendezvous", "appointment"];
const LAST: [&str; 2] = ["dern", "last"];

/// Whether a column of that name has appointments, past ones or such as are to come.
pub(super) fn says_appointment(name: &str) -> bool {
    let key = key(&bare(name));
    let says = |words: &[&str]| words.iter().any(|word| key.contains(word));
    says(&APPOINTMENT) && !says(&LAST)
}

/// A column of that name, whatever it says, as an attribute.
///
/// # Errors
/// Its name is none that an attribute may have.
pub(super) fn as_attribute(name: &str) -> Result<Column, FieldProblem> {
    attribute(&bare(name)).map(Column::Attribute)
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Field(Field),
    /// A text under its own name.
    Attribute(String),
    Ignored,
}

impl Column {
    /// Whether several columns of a file may hold it.
    pub(crate) const fn may_repeat(&self) -> bool {
        match self {
            Self::Field(field) => field.repeats(),
            Self::Attribute(_) => false,
            Self::Ignored => true,
        }
    }
}

/// What a caller may tell a column as.
const TOLD: [&str; Field::ALL.len() + 2] = {
    let mut told = [IGNORED; Field::ALL.len() + 2];
    let mut at = 0;
    while at < Field::ALL.len() {
        told[at] = Field::ALL[at].code();
        at += 1;
    }
    told[at] = "attributes.…";
    told
};

/// As a caller tells it: `number`, `attributes.Ville`, `-`.
impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => f.write_str(field.code()),
            Self::Attribute(name) => write!(f, "{ATTRIBUTE_PREFIX}{name}"),
            Self::Ignored => f.write_str(IGNORED),
        }
    }
}

impl FromStr for Column {
    type Err = FieldProblem;

    fn from_str(told: &str) -> Result<Self, FieldProblem> {
        let told = told.trim();
        if told == IGNORED {
            return Ok(Self::Ignored);
        }
        if let Some(name) = told.strip_prefix(ATTRIBUTE_PREFIX) {
            return attribute(name).map(Self::Attribute);
        }
        let field = Field::ALL.iter().find(|field| field.code() == told);
        field.copied().map(Self::Field).ok_or_else(|| {
            let names = Field::ALL.iter().map(|field| field.code());
            FieldProblem::NotOneOf {
                name: told.chars().take(ATTRIBUTE_NAME_MAX).collect(),
                nearest: nearest(told, names).map(str::to_owned),
                allowed: &TOLD,
            }
        })
    }
}

/// The name of an attribute.
fn attribute(name: &str) -> Result<String, FieldProblem> {
    let given = name.chars().count();
    if name.is_empty() || name.contains(forbidden) {
        return Err(FieldProblem::Empty);
    }
    if given > ATTRIBUTE_NAME_MAX {
        let max = ATTRIBUTE_NAME_MAX;
        return Err(FieldProblem::TooLong { max, given });
    }
    Ok(name.to_owned())
}

/// The name that an export gives an attribute's column, so that it is recognised as one again.
pub(super) fn attribute_column(name: &str) -> String {
    let recognised = recognised(name);
    if recognised == Ok(Column::Attribute(name.to_owned())) {
        name.to_owned()
    } else {
        format!("{ATTRIBUTE_PREFIX}{name}")
    }
}

/// What a column of that name holds.
///
/// # Errors
/// Its name is none that an attribute may have.
pub(super) fn recognised(name: &str) -> Result<Column, FieldProblem> {
    let name = bare(name);
    if let Some(name) = name.strip_prefix(ATTRIBUTE_PREFIX) {
        return attribute(name).map(Column::Attribute);
    }
    if name.is_empty() || OF_ERRORS.contains(&fold(&name).as_str()) {
        return Ok(Column::Ignored);
    }
    match Field::by_name(&name) {
        Some(field) => Ok(Column::Field(field)),
        None => attribute(&name).map(Column::Attribute),
    }
}

/// Whether a name is that of a field, and so no value.
pub(super) fn is_of_field(name: &str) -> bool {
    Field::by_name(&bare(name)).is_some()
}

/// Sees to it that a field has one column: a further one of the same meaning is an attribute under its own name.
#[derive(Debug, Default)]
pub(super) struct Settled {
    columns: Vec<Column>,
    attributes: usize,
}

impl Settled {
    /// # Errors
    /// The column is one attribute too many.
    pub(super) fn add(&mut self, column: Column, name: &str) -> Result<(), FieldProblem> {
        let column = if column.may_repeat() || !self.columns.contains(&column) {
            column
        } else {
            self.numbered(&bare(name))?
        };
        self.attributes += usize::from(matches!(column, Column::Attribute(_)));
        if self.attributes > ATTRIBUTES_MAX {
            return Err(FieldProblem::TooMany { max: ATTRIBUTES_MAX });
        }
        self.columns.push(column);
        Ok(())
    }

    /// The first of `name`, `name 2`, `name 3`… that no column has.
    fn numbered(&self, name: &str) -> Result<Column, FieldProblem> {
        let names = (2..=COLUMNS_MAX).map(|number| format!("{name} {number}"));
        for name in std::iter::once(name.to_owned()).chain(names) {
            let column = Column::Attribute(attribute(&name)?);
            if !self.columns.contains(&column) {
                return Ok(column);
            }
        }
        Err(FieldProblem::TooMany { max: ATTRIBUTES_MAX })
    }

    pub(super) fn columns(self) -> Vec<Column> {
        self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(name: &str) -> String {
        recognised(name).unwrap().to_string()
    }

    #[test]
    fn columns_are_recognised_by_what_people_call_them() {
        for (names, field) in [
            ("Portable|mobile|GSM|Téléphone|N° mobile|Nº mobile|numero", "number"),
            (
                "Tél. portable|Mobile 1|N° de portable|Portable (SMS)|Tel.Mobile :",
                "number",
            ),
            ("Numéro de téléphone portable|No de téléphone|Tél_portable *", "number"),
            ("E164", "e164"),
            (
                "Tel|Tél.|Téléphone fixe|Tél. domicile|autres_telephones",
                "other_numbers",
            ),
            ("Nom|NOM DE FAMILLE|last_name", "last_name"),
            ("Prénom|first name|prénoms", "first_name"),
            ("Cabinet|cabinets|practices", "practices"),
            ("Date de naissance|né(e) le|birth_date|DDN", "birth_date"),
            ("RDV|dernière visite|last_visit|Dernier rdv", "last_visit"),
            (
                "NOM_PATIENT|Nom du patient|nom patient|Client nom|NOM CLIENT",
                "last_name",
            ),
            ("PRENOM_PATIENT|Prénom du patient|patient prénom", "first_name"),
            (
                "TEL_PORTABLE|TEL_PORTABLE_PATIENT|Num. portable|N° portable patient|Portable patient",
                "number",
            ),
            ("DATE_NAISS|Date naiss.|DATE_NAISSANCE|Née le|DTNAISS", "birth_date"),
            (
                "Accord SMS|Consentement SMS|ACCORD_SMS|Opt-in SMS|Accord SMS du patient|Autorisation SMS",
                "consent",
            ),
            ("Date accord SMS|Date de l'accord", "consent_date"),
            ("Dernière consultation|DATE_DERN_VISITE", "last_visit"),
            ("Patient", "attributes.Patient"),
            ("E-mail patient", "attributes.E-mail patient"),
            ("Référence|ID|n° dossier|dossier|Patient ID|ID client", "reference"),
            ("Étiquettes|tags", "tags"),
            ("Consentement|consent", "consent"),
            ("consent_date|date du consentement|date_consentement", "consent_date"),
            ("consent_source|Source du consentement", "consent_source"),
            ("Ligne|Erreur||  ", "-"),
            ("Ville", "attributes.Ville"),
            ("'=Ville", "attributes.=Ville"),
            ("attributes.nom", "attributes.nom"),
        ] {
            for name in names.split('|') {
                assert_eq!(by(name), field, "{name}");
            }
        }
    }

    #[test]
    fn no_two_fields_share_a_name() {
        for field in Field::ALL {
            for name in [field.code(), field.french()].into_iter().chain(field.synonyms()) {
                assert_eq!(Field::by_name(name), Some(*field), "{name}");
                assert!(field.synonyms().all(|name| key(name) == name), "{name}");
            }
            assert_eq!(field.code().parse(), Ok(Column::Field(*field)));
        }
    }

    #[test]
    fn what_is_told_is_taken_or_refused() {
        assert_eq!("-".parse(), Ok(Column::Ignored));
        assert_eq!("attributes.Ville".parse(), Ok(Column::Attribute("Ville".into())));
        let Err(FieldProblem::NotOneOf { name, nearest, allowed }) = "lastname".parse::<Column>() else {
            panic!("it is no column")
        };
        assert_eq!((name.as_str(), nearest.as_deref()), ("lastname", Some("last_name")));
        assert!(
            ["number", "last_name", "attributes.…", "-"]
                .iter()
                .all(|told| allowed.contains(told))
        );
        assert!("attributes.".parse::<Column>().is_err());
        assert!(format!("attributes.{}", "x".repeat(65)).parse::<Column>().is_err());
    }

    #[test]
    fn a_further_column_of_the_same_meaning_is_an_attribute() {
        let mut settled = Settled::default();
        for name in ["Nom", "name", "name", "Mobile", "Portable", "", "", "Ville", "Ville"] {
            settled.add(recognised(name).unwrap(), name).unwrap();
        }
        let columns: Vec<_> = settled.columns().iter().map(Column::to_string).collect();
        let expected =
            "last_name,attributes.name,attributes.name 2,number,number,-,-,attributes.Ville,attributes.Ville 2";
        assert_eq!(columns.join(","), expected);
        let mut settled = Settled::default();
        for number in 0..ATTRIBUTES_MAX {
            settled.add(Column::Attribute(number.to_string()), "").unwrap();
        }
        assert!(settled.add(Column::Attribute("x".into()), "x").is_err());
    }

    #[test]
    fn an_attribute_that_could_be_a_field_says_what_it_is() {
        for (name, column) in [
            ("Ville", "Ville"),
            ("nom", "attributes.nom"),
            ("Ligne", "attributes.Ligne"),
            ("attributes.x", "attributes.attributes.x"),
            (" x", "attributes. x"),
        ] {
            assert_eq!(attribute_column(name), column);
            assert_eq!(
                recognised(&super::super::cell::guarded(column)),
                Ok(Column::Attribute(name.to_owned()))
            );
        }
    }
}
