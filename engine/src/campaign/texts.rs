//! What the messages of a campaign say: its text, or the variant that a recipient gets. Pure.

use crate::compose::{Template, check_links as links_lead_there, longest_link};
use crate::domain::{Terms, variables};
use crate::fault::FieldFault;
use crate::store::Campaign;

/// The texts of a campaign, bound to its columns.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    own: Template,
    variants: Vec<Template>,
    /// Which variant it is stands behind the columns: nothing for the campaign's own text, else the variant's number from 1.
    column: usize,
}

impl Texts {
    /// Of a campaign in which everybody gets that one.
    pub(super) const fn one(own: Template) -> Self {
        Self {
            own,
            variants: Vec::new(),
            column: 0,
        }
    }

    /// Of a campaign as it is stored.
    ///
    /// # Errors
    /// Fields that are none of its columns.
    pub(super) fn of(campaign: &Campaign) -> Result<Self, Vec<FieldFault>> {
        let link = campaign.link.as_ref().map(|link| longest_link(&link.domain));
        let parse = |text: &str| Template::kept(text, &campaign.columns, link.as_deref());
        let variants = campaign.variants.iter().map(|variant| parse(&variant.text));
        Ok(Self {
            own: parse(&campaign.text)?,
            variants: variants.collect::<Result<_, _>>()?,
            column: campaign.columns.len(),
        })
    }

    /// Which variant a recipient with these packed variables gets, from 1; 0: the campaign's own text.
    pub(super) fn variant(&self, packed: &[u8]) -> usize {
        if self.variants.is_empty() {
            return 0;
        }
        self.number(variables(packed).nth(self.column))
    }

    /// How many variants there are.
    pub(super) fn variants(&self) -> usize {
        self.variants.len()
    }

    /// The columns that its texts name, each as often, with what stands for an empty value.
    pub(super) fn fields(&self) -> impl Iterator<Item = (usize, &str)> {
        let all = std::iter::once(&self.own).chain(&self.variants);
        all.flat_map(Template::fields)
    }

    /// The columns, each once, that leave nothing in the text of that variant where whoever gets it has no value.
    pub(super) fn bare(&self, variant: usize) -> Vec<usize> {
        let template = variant.checked_sub(1).and_then(|at| self.variants.get(at));
        let fields = template.unwrap_or(&self.own).fields();
        let mut columns: Vec<usize> = fields
            .filter(|(_, fallback)| fallback.is_empty())
            .map(|(column, _)| column)
            .collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Whether every recipient gets the same.
    pub(super) fn is_constant(&self) -> bool {
        self.variants.is_empty() && self.own.is_constant()
    }

    /// Appends the text of a recipient with these values.
    pub(super) fn render(&self, values: &[&str], out: &mut String) {
        self.of_values(values).render(values, out);
    }

    /// The same with the link of that recipient.
    pub(super) fn render_linked(&self, values: &[&str], link: &str, out: &mut String) {
        self.of_values(values).render_linked(values, link, out);
    }

    /// The domain of its links, if it has any.
    pub(super) fn link_domain(&self) -> Option<&str> {
        self.own.link_domain()
    }

    fn of_values(&self, values: &[&str]) -> &Template {
        let variant = match self.variants.is_empty() {
            true => 0,
            false => self.number(values.get(self.column).copied()),
        };
        let template = variant.checked_sub(1).and_then(|at| self.variants.get(at));
        template.unwrap_or(&self.own)
    }

    fn number(&self, value: Option<&str>) -> usize {
        let number = value.and_then(|value| value.parse().ok());
        number.filter(|number| *number <= self.variants.len()).unwrap_or(0)
    }
}

/// Whether what a campaign says, and its short link, leads where links of its tenant may, by terms that may be newer than it.
///
/// # Errors
/// Of which text.
pub(super) fn check_links(campaign: &Campaign, terms: &Terms) -> Result<(), FieldFault> {
    let link = campaign.link.as_ref();
    let mut allowed = terms.link_domains.clone();
    if !allowed.is_empty() {
        allowed.extend(link.map(|link| link.domain.clone()));
        allowed.extend(terms.short_domain.clone());
    }
    let variants = campaign.variants.iter().enumerate();
    let variants = variants.map(|(at, variant)| (format!("/variants/{at}/text"), variant.text.as_str()));
    let texts = [("/text".to_owned(), campaign.text.as_str())]
        .into_iter()
        .chain(variants);
    for (pointer, text) in texts.chain(link.map(|link| ("/link".to_owned(), link.url.as_str()))) {
        links_lead_there(text, &allowed).map_err(|problem| FieldFault::new(pointer, problem))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::push_variable;

    #[test]
    fn who_has_a_variant_gets_it_and_everybody_else_the_campaigns_text() {
        let parse = |text: &str| Template::parse(text, &["Nom"]).unwrap();
        let texts = Texts {
            own: parse("Bonjour [Nom]"),
            variants: vec![parse("Bravo [Nom|champion]"), parse("Bon retour")],
            column: 1,
        };
        let texts_of = |values: &[&str]| {
            let mut text = String::new();
            texts.render(values, &mut text);
            text
        };
        assert_eq!(texts_of(&["Zoé"]), "Bonjour Zoé");
        assert_eq!(texts_of(&["Zoé", ""]), "Bonjour Zoé");
        assert_eq!(texts_of(&["", "1"]), "Bravo champion");
        assert_eq!(texts_of(&["Zoé", "2"]), "Bon retour");
        let mut packed = Vec::new();
        ["Zoé", "2"].iter().for_each(|value| push_variable(&mut packed, value));
        assert_eq!((texts.variant(&packed), texts.variant(&[])), (2, 0));
        assert!(!texts.is_constant(), "though none of them has a field");
    }
}
