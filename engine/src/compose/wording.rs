//! What a tenant's texts and senders have to be like, and the clause that says how to write STOP.

use std::sync::Arc;

use super::clause;
use super::fold::fold;
use super::template::said_to_all;
use super::{OwnedSenders, ProtectedNames, Sender};
use super::{is_blank, links};
use crate::domain::{Purpose, StopClause, TenantId, Terms};
use crate::fault::{FieldProblem, Forbidden, WordingProblem};

/// Control characters that texts may have: lines, the page break of GSM 03.38 (3GPP TS 23.038, 6.2.1.1), and what is sent as a space.
const BLANKS: [char; 4] = ['\n', '\r', '\u{c}', '\t'];

/// Whether a text has no other control characters than lines and pages take.
///
/// # Errors
/// [`FieldProblem::ForbiddenCharacter`].
pub(crate) fn check_characters(text: &str) -> Result<(), FieldProblem> {
    Forbidden::check(text, &BLANKS)
}

/// Whether it is advertising of which nobody can tell whose it is: from a number, of a tenant whose brand is not known. It goes, and whoever
/// writes it is warned.
pub(crate) fn is_unnamed(terms: &Terms, (sender, purpose): (&str, Purpose)) -> bool {
    let is_number = || Sender::parse(sender).is_ok_and(|sender| !sender.is_name());
    purpose == Purpose::Marketing && terms.brand.is_empty() && is_number()
}

/// Where the short links of a campaign lead, and of which domain they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shortened {
    pub(crate) url: String,
    pub(crate) domain: String,
}

/// How texts are taken from a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wording {
    /// The longest text, in characters.
    characters_max: usize,
    stop_clause: StopClause,
    stop_text: String,
    /// The senders that are approved; none: any.
    senders: Vec<String>,
    /// Those that look like one of the names, or are generic, and are approved.
    protected_senders: Vec<String>,
    names: ProtectedNames,
    /// Those of its reseller.
    reseller_names: ProtectedNames,
    /// Whose numbers are whose, for that tenant; none: it is not looked at.
    owned: Option<(TenantId, Arc<OwnedSenders>)>,
    brand: String,
    /// Where links may lead; none: anywhere but to public shorteners.
    link_domains: Vec<String>,
    /// Its own domain of short links; none: it has none.
    short_domain: Option<String>,
    /// Where STOP is written to; none: nothing is added to any text.
    stop_number: Option<String>,
}

impl Wording {
    /// As a tenant's terms have it, where STOP is written to that number and these names are protected.
    pub(crate) fn new(terms: &Terms, stop_number: Option<&str>, names: &ProtectedNames) -> Self {
        Self {
            characters_max: terms.characters_max,
            stop_clause: terms.stop_clause,
            stop_text: terms.stop_text.clone(),
            senders: terms.senders.clone(),
            protected_senders: terms.protected_senders.clone(),
            names: names.clone(),
            reseller_names: ProtectedNames::only(&[]),
            owned: None,
            brand: terms.brand.clone(),
            link_domains: terms.link_domains.clone(),
            short_domain: terms.short_domain.clone(),
            stop_number: stop_number.map(str::to_owned),
        }
    }

    /// The same where its reseller protects names as well.
    pub(crate) fn beside(self, reseller_names: ProtectedNames) -> Self {
        Self { reseller_names, ..self }
    }

    /// The same of a tenant that writes from no number of another's.
    pub(crate) fn among_numbers(self, tenant: TenantId, owned: Arc<OwnedSenders>) -> Self {
        let owned = Some((tenant, owned));
        Self { owned, ..self }
    }

    /// Whether a text may be that of a campaign or message: not blank, not too long, without control characters, and with links to where they may lead, or short ones.
    ///
    /// # Errors
    /// [`FieldProblem::Empty`], [`FieldProblem::TooLong`], [`FieldProblem::ForbiddenCharacter`], [`WordingProblem::PublicShortener`] or [`WordingProblem::LinkNotAllowed`].
    pub(crate) fn check(&self, text: &str) -> Result<(), FieldProblem> {
        if is_blank(text) {
            return Err(FieldProblem::Empty);
        }
        let (given, max) = (text.chars().count(), self.characters_max);
        if given > max {
            return Err(FieldProblem::TooLong { max, given });
        }
        check_characters(text)?;
        match &self.short_domain {
            Some(short) if !self.link_domains.is_empty() => {
                let mut allowed = self.link_domains.clone();
                allowed.push(short.clone());
                links::check(text, &allowed)
            }
            Some(_) | None => links::check(text, &self.link_domains),
        }
    }

    /// Where no engine answers short links, nobody has any.
    pub(crate) fn without_short_links(self) -> Self {
        Self {
            short_domain: None,
            ..self
        }
    }

    /// Where short links may lead, if the tenant has any.
    ///
    /// # Errors
    /// [`WordingProblem::NoShortDomain`], or why they may not lead there.
    pub(crate) fn shorten(&self, url: &str) -> Result<Shortened, FieldProblem> {
        let domain = self.short_domain.clone().ok_or(WordingProblem::NoShortDomain)?;
        let url = links::target(url, (&domain, &self.link_domains))?;
        Ok(Shortened { url, domain })
    }

    /// A short link that is as long as any; `None`: the tenant has none.
    pub(crate) fn longest_link(&self) -> Option<String> {
        self.short_domain.as_deref().map(links::longest)
    }

    /// Whether a sender is a number of the tenant's and no other's; or among those that are approved, whatever its case; or, where any is,
    /// looks like nobody else's, and says who writes.
    ///
    /// # Errors
    /// [`WordingProblem::NumberOfAnother`], [`WordingProblem::SenderNotApproved`], [`WordingProblem::NumberOfSomebody`],
    /// [`WordingProblem::SenderProtected`] or [`WordingProblem::SenderGeneric`].
    pub(crate) fn check_sender(&self, sender: &Sender) -> Result<(), FieldProblem> {
        let owned = self.owned.as_ref();
        match owned.and_then(|(tenant, owned)| owned.is_of(*tenant, sender)) {
            Some(true) => return Ok(()),
            Some(false) => return Err(WordingProblem::NumberOfAnother.into()),
            None => {}
        }
        let given = sender.text();
        let is_in = |list: &[String]| list.iter().any(|known| known.eq_ignore_ascii_case(&given));
        if is_in(&self.senders) {
            return Ok(());
        }
        if !self.senders.is_empty() {
            let approved = self.senders.clone();
            return Err(WordingProblem::SenderNotApproved { approved }.into());
        }
        if sender.is_anothers() {
            return Err(WordingProblem::NumberOfSomebody.into());
        }
        let resembled = self.names.resembled(&given);
        let resembled = resembled.or_else(|| self.reseller_names.resembled(&given));
        let is_free = !sender.is_name() || is_in(&self.protected_senders);
        if let Some(name) = resembled.filter(|_| !is_free) {
            return Err(WordingProblem::SenderProtected { name: name.to_owned() }.into());
        }
        match self.names.generic(&given).filter(|_| !is_free) {
            Some(name) => Err(WordingProblem::SenderGeneric { name: name.to_owned() }.into()),
            None => Ok(()),
        }
    }

    /// Whether people can tell whose advertising it is: by a sender that is a name, or by the brand in the text. A tenant without a
    /// brand is believed, and told so (see [`is_unnamed`]).
    ///
    /// # Errors
    /// [`WordingProblem::AdvertiserNotNamed`].
    pub(crate) fn check_advertiser(&self, text: &str, sender: &Sender, purpose: Purpose) -> Result<(), FieldProblem> {
        let named = || sender.is_name() || fold(&said_to_all(text)).contains(&fold(&self.brand));
        match purpose == Purpose::Transactional || named() {
            true => Ok(()),
            false => Err(WordingProblem::AdvertiserNotNamed {
                brand: self.brand.clone(),
            }
            .into()),
        }
    }

    /// The text with the number in the place of each mark, and with the clause behind it, where the purpose asks for that and the
    /// text does not say it. The number is the sender, where that is one of the tenant's that takes replies, and else the engine's; a
    /// text may say either. Without one of the engine's no clause is put behind any text.
    ///
    /// # Errors
    /// [`WordingProblem::NoStopNumber`] for a text that has a mark in its own clause when there is no number.
    pub(crate) fn with_clause(
        &self,
        text: &str,
        (sender, purpose): (Option<&Sender>, Purpose),
    ) -> Result<String, FieldProblem> {
        let Some(number) = self.stop_numbers(sender).next() else {
            let says_stop = text.to_uppercase().contains("STOP");
            return match says_stop && clause::with_number(text, "") != text {
                true => Err(WordingProblem::NoStopNumber.into()),
                false => Ok(text.to_owned()),
            };
        };
        let mut text = clause::with_number(text, &number);
        let is_said = || self.stop_numbers(sender).any(|number| clause::is_said(&text, &number));
        if self.wants_clause(purpose) && !is_said() {
            text.push(' ');
            text.push_str(&clause::with_number(&self.stop_text, &number));
        }
        Ok(text)
    }

    /// A text as it was given, of one that [`Wording::with_clause`] has made for that sender: without the clause that it has put behind it.
    pub(crate) fn without_clause<'t>(&self, text: &'t str, (sender, purpose): (Option<&Sender>, Purpose)) -> &'t str {
        let of_number = |number: String| {
            let clause = clause::with_number(&self.stop_text, &number);
            text.strip_suffix(&clause)?.strip_suffix(' ')
        };
        let mut numbers = self.stop_numbers(sender).filter(|_| self.wants_clause(purpose));
        let given = numbers.find_map(of_number);
        given.filter(|given| !is_blank(given)).unwrap_or(text)
    }

    /// Where people may write STOP to what comes from there, the one that is said to them first.
    fn stop_numbers(&self, sender: Option<&Sender>) -> impl Iterator<Item = String> {
        let is_heard = |sender: &&Sender| {
            let owned = self.owned.as_ref();
            owned.is_some_and(|(tenant, owned)| owned.is_heard_by(*tenant, sender))
        };
        let own = sender.filter(is_heard).map(Sender::text);
        own.into_iter().chain(self.stop_number.clone())
    }

    /// Whether a text has to say how to write STOP, and can.
    fn wants_clause(&self, purpose: Purpose) -> bool {
        let is_asked_for = purpose == Purpose::Marketing || self.stop_clause == StopClause::Always;
        self.stop_number.is_some() && is_asked_for
    }
}

impl Default for Wording {
    fn default() -> Self {
        Self::new(&Terms::default(), None, &ProtectedNames::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_neither_blank_nor_too_long() {
        let wording = Wording::default();
        assert_eq!(wording.check(" \u{a0}\n"), Err(FieldProblem::Empty));
        assert_eq!(wording.check("\u{200b}\u{feff}"), Err(FieldProblem::Empty));
        assert_eq!(wording.check("Bonjour\r\nZoé,\tà demain\u{c}"), Ok(()));
        for (text, letter, place) in [
            ("a\0b", '\0', 2),
            ("\u{7}RDV", '\u{7}', 1),
            ("é\n\u{1b}[31m", '\u{1b}', 3),
            ("ab\u{85}", '\u{85}', 3),
        ] {
            let control = Forbidden::Control { letter, place };
            assert_eq!(
                wording.check(text),
                Err(FieldProblem::ForbiddenCharacter(control)),
                "{text:?}"
            );
        }
        assert_eq!(wording.check(&"é".repeat(480)), Ok(()));
        let too_long = FieldProblem::TooLong { max: 480, given: 481 };
        assert_eq!(wording.check(&"é".repeat(481)), Err(too_long));
    }

    #[test]
    fn a_clause_that_was_put_behind_a_text_is_taken_off_again_and_no_other() {
        let wording = Wording::new(&Terms::default(), Some("36180"), &ProtectedNames::default());
        let marketing = wording
            .with_clause("Portes ouvertes", (None, Purpose::Marketing))
            .unwrap();
        assert_eq!(
            wording.without_clause(&marketing, (None, Purpose::Marketing)),
            "Portes ouvertes"
        );
        assert_eq!(
            wording.without_clause(&marketing, (None, Purpose::Transactional)),
            marketing
        );
        for text in ["STOP au 36180", "Portes ouvertes. STOP 36180", "Portes ouvertes"] {
            assert_eq!(wording.without_clause(text, (None, Purpose::Marketing)), text);
        }
    }

    #[test]
    fn advertising_says_how_to_write_stop_once() {
        let wording = Wording::new(&Terms::default(), Some("36180"), &ProtectedNames::default());
        let advertising = |text: &str| wording.with_clause(text, (None, Purpose::Marketing)).unwrap();
        for (text, wanted) in [
            ("Portes ouvertes", "Portes ouvertes STOP au 36180"),
            ("Portes ouvertes STOP au XXXXX", "Portes ouvertes STOP au 36180"),
            ("Soldes, stop au XXXXX.", "Soldes, stop au 36180."),
            ("Soldes. STOP 36180", "Soldes. STOP 36180"),
            ("Non-stop de 9 à 19 h", "Non-stop de 9 à 19 h STOP au 36180"),
            ("Code XXXXX", "Code 36180 STOP au 36180"),
            ("Soldes, stop au xxxxx", "Soldes, stop au 36180"),
            (
                "Soldes. STOP SMS par SMS au : 36180",
                "Soldes. STOP SMS par SMS au : 36180",
            ),
            // Of whom the field has a value, nobody reads what stands for an empty one.
            (
                "Soldes [prenom|STOP au XXXXX] !",
                "Soldes [prenom|STOP au 36180] ! STOP au 36180",
            ),
            (
                "Soldes {{prenom|STOP au XXXXX}} !",
                "Soldes {{prenom|STOP au 36180}} ! STOP au 36180",
            ),
            // A value may make something else of the words beside it.
            ("[Prenom]stop 36180", "[Prenom]stop 36180 STOP au 36180"),
            ("STOP [a] 36180", "STOP [a] 36180 STOP au 36180"),
            ("STOP au 36180[a]", "STOP au 36180[a] STOP au 36180"),
            ("[Prenom], soldes. STOP 36180", "[Prenom], soldes. STOP 36180"),
            // One that has no end is text, and so is a bracket by itself.
            ("[[Soldes] STOP 36180", "[[Soldes] STOP 36180"),
            ("Soldes {{ STOP 36180", "Soldes {{ STOP 36180"),
            (
                "Appelez le 0361800000 sans stop",
                "Appelez le 0361800000 sans stop STOP au 36180",
            ),
            (
                "STOP aux douleurs, appelez le 36180",
                "STOP aux douleurs, appelez le 36180 STOP au 36180",
            ),
        ] {
            assert_eq!(advertising(text), wanted);
        }
        let reminder = wording.with_clause("RDV demain 9 h", (None, Purpose::Transactional));
        assert_eq!(reminder.as_deref(), Ok("RDV demain 9 h"));
    }

    #[test]
    fn a_tenant_has_it_in_its_own_words_and_in_every_text() {
        let terms = Terms {
            stop_clause: StopClause::Always,
            stop_text: "STOP:XXXXX".to_owned(),
            ..Terms::default()
        };
        let reminder = Wording::new(&terms, Some("36180"), &ProtectedNames::default())
            .with_clause("RDV demain", (None, Purpose::Transactional));
        assert_eq!(reminder.as_deref(), Ok("RDV demain STOP:36180"));
    }

    #[test]
    fn stop_is_written_to_the_tenants_own_number_where_it_sends_from_that_and_hears_it() {
        let mut owned = OwnedSenders::default();
        owned.give("36200".to_owned(), vec![TenantId(1)], true);
        owned.give("36300".to_owned(), vec![TenantId(1)], false);
        owned.give("+33644630001".to_owned(), vec![TenantId(1)], true);
        let owned = Arc::new(owned);
        let wording = |tenant: u32, engine: Option<&str>| {
            let wording = Wording::new(&Terms::default(), engine, &ProtectedNames::default());
            wording.among_numbers(TenantId(tenant), Arc::clone(&owned))
        };
        let parsed = |sender: &str| Sender::parse(sender).unwrap();
        let said = |tenant: u32, sender: &str, text: &str| {
            let of = (Some(&parsed(sender)), Purpose::Marketing);
            wording(tenant, Some("36180")).with_clause(text, of).unwrap()
        };
        let marked = "Soldes. STOP au XXXXX";
        for (tenant, sender, number) in [
            (1, "36200", "36200"),
            (1, "+33644630001", "+33644630001"),
            // It hears nothing there.
            (1, "36300", "36180"),
            (2, "36200", "36180"),
            (1, "Lilas", "36180"),
        ] {
            assert_eq!(said(tenant, sender, marked), format!("Soldes. STOP au {number}"));
            let with_clause = said(tenant, sender, "Soldes");
            assert_eq!(with_clause, format!("Soldes STOP au {number}"));
            let of = (Some(&parsed(sender)), Purpose::Marketing);
            let taken_off = wording(tenant, Some("36180"))
                .without_clause(&with_clause, of)
                .to_owned();
            assert_eq!(taken_off, "Soldes");
        }
        // The engine's is heard as well.
        assert_eq!(said(1, "36200", "Soldes. STOP 36180"), "Soldes. STOP 36180");
        let alone = |text: &str| wording(1, None).with_clause(text, (Some(&parsed("36200")), Purpose::Marketing));
        assert_eq!(alone(marked).as_deref(), Ok("Soldes. STOP au 36200"));
        assert_eq!(
            alone("Soldes").as_deref(),
            Ok("Soldes"),
            "no clause without a number of the engine's"
        );
    }

    #[test]
    fn advertising_from_a_number_is_unnamed_where_the_brand_is_not_known() {
        let none = Terms::default();
        let known = Terms {
            brand: "Cabinet des Lilas".to_owned(),
            ..Terms::default()
        };
        for (terms, sender, purpose, unnamed) in [
            (&none, "36111", Purpose::Marketing, true),
            (&none, "+33974123456", Purpose::Marketing, true),
            (&none, "36111", Purpose::Transactional, false),
            (&none, "Lilas", Purpose::Marketing, false),
            (&known, "36111", Purpose::Marketing, false),
        ] {
            assert_eq!(is_unnamed(terms, (sender, purpose)), unnamed, "{sender}");
        }
    }

    #[test]
    fn numbers_that_somebody_has_are_senders_of_theirs_alone() {
        let mut owned = OwnedSenders::default();
        owned.give("+33644630001".to_owned(), vec![TenantId(1)], true);
        owned.give("36034".to_owned(), vec![TenantId(1), TenantId(2)], true);
        let owned = Arc::new(owned);
        let terms = Terms {
            senders: vec!["Lilas".to_owned(), "+33644630001".to_owned()],
            ..Terms::default()
        };
        let faults = |tenant: TenantId, terms: &Terms| {
            let wording = Wording::new(terms, None, &ProtectedNames::default());
            let wording = wording.among_numbers(tenant, Arc::clone(&owned));
            ["+33644630001", "36034", "+33644630002"].map(|number| {
                let fault = wording.check_sender(&Sender::parse(number).unwrap()).err();
                fault.map(|fault| fault.code())
            })
        };
        let (another, unapproved) = (Some("number_of_another"), Some("sender_not_approved"));
        let mobile = Some("number_of_somebody");
        assert_eq!(faults(TenantId(1), &Terms::default()), [None, None, mobile]);
        assert_eq!(faults(TenantId(2), &Terms::default()), [another, None, mobile]);
        assert_eq!(faults(TenantId(3), &Terms::default()), [another, another, mobile]);
        // One's own number needs no approval, and none gives another's.
        assert_eq!(faults(TenantId(1), &terms), [None, None, unapproved]);
        assert_eq!(faults(TenantId(3), &terms), [another, another, unapproved]);
    }

    #[test]
    fn only_approved_senders_write_and_advertising_says_whose_it_is() {
        let terms = Terms {
            senders: vec!["OSTEO".to_owned(), "36180".to_owned()],
            brand: "Cabinet des Lilas".to_owned(),
            ..Terms::default()
        };
        let wording = Wording::new(&terms, None, &ProtectedNames::default());
        let sender = |text: &str| Sender::parse(text).unwrap();
        for (given, approved) in [
            ("osteo", true),
            ("36180", true),
            ("OSTEOS", false),
            ("+33612345678", false),
        ] {
            assert_eq!(wording.check_sender(&sender(given)).is_ok(), approved, "{given}");
        }
        let named = |text, from: &str, purpose| wording.check_advertiser(text, &sender(from), purpose).is_ok();
        let (text, advertising) = ("Portes ouvertes", Purpose::Marketing);
        assert!(named(text, "OSTEO", advertising), "by its sender");
        assert!(!named(text, "36180", advertising));
        assert!(named(text, "36180", Purpose::Transactional));
        assert!(named("CABINET DES LILAS : portes ouvertes", "36180", advertising));
        // Whoever has a value for the field does not read it.
        for text in [
            "[Ville|Cabinet des Lilas]",
            "{{Ville|Cabinet des Lilas}}",
            "Cabinet [a]des Lilas",
        ] {
            assert!(!named(text, "36180", advertising), "{text}");
        }
    }

    #[test]
    fn nobody_writes_under_a_name_that_looks_like_a_protected_one_unless_it_was_approved() {
        let check = |terms: &Terms, given: &str| {
            let wording = Wording::new(terms, None, &ProtectedNames::default());
            wording.check_sender(&Sender::parse(given).unwrap())
        };
        let any = Terms::default();
        let looks = |name: &str| Err(WordingProblem::SenderProtected { name: name.to_owned() }.into());
        assert_eq!(check(&any, "Ame1i"), looks("Ameli"));
        assert_eq!(check(&any, "Cabinet"), Ok(()));
        assert_eq!(check(&any, "36034"), Ok(()));
        let approved = Terms {
            protected_senders: vec!["Ame1i".to_owned()],
            ..Terms::default()
        };
        assert_eq!(check(&approved, "AME1I"), Ok(()));
        assert_eq!(check(&approved, "Ameli"), looks("Ameli"));
        let own = Terms {
            senders: vec!["Ameli".to_owned()],
            ..Terms::default()
        };
        assert_eq!(check(&own, "Ameli"), Ok(()));
    }

    #[test]
    fn nobody_writes_under_a_name_that_is_anybodys_unless_it_was_approved() {
        let check = |terms: &Terms, given: &str| {
            let wording = Wording::new(terms, None, &ProtectedNames::default());
            wording.check_sender(&Sender::parse(given).unwrap())
        };
        let generic = |name: &str| Err(WordingProblem::SenderGeneric { name: name.to_owned() }.into());
        assert_eq!(check(&Terms::default(), "rdv"), generic("RDV"));
        assert_eq!(check(&Terms::default(), "COLIS"), generic("Colis"));
        assert_eq!(check(&Terms::default(), "RDVMartin"), Ok(()));
        let approved = Terms {
            protected_senders: vec!["RDV".to_owned()],
            ..Terms::default()
        };
        assert_eq!(check(&approved, "rdv"), Ok(()));
        assert_eq!(check(&approved, "COLIS"), generic("Colis"));
        let own = Terms {
            senders: vec!["Alerte".to_owned()],
            ..Terms::default()
        };
        assert_eq!(check(&own, "ALERTE"), Ok(()));
    }

    #[test]
    fn without_a_number_nothing_is_added_and_no_mark_goes_out() {
        let wording = Wording::default();
        let advertising = |text: &str| wording.with_clause(text, (None, Purpose::Marketing));
        assert_eq!(advertising("Soldes").as_deref(), Ok("Soldes"));
        assert_eq!(
            advertising("Soldes STOP au XXXXX"),
            Err(WordingProblem::NoStopNumber.into())
        );
    }
}
