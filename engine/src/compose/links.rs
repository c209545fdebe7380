//! Where the links of a text lead. Pure.
//!
//! A link is what phones make one of: an address with its scheme, what begins with `www.`, and a bare domain under an ending that is
//! known for domains, or with a path. A name that is a merge field in part is none yet: it is looked at again with its values.

use std::sync::LazyLock;

use url::Url;

use crate::encryption::LINK_TOKEN;
use crate::fault::{FieldProblem, UrlProblem, WordingProblem};

/// The longest domain (RFC 1035, 2.3.4), in octets.
const DOMAIN_MAX: usize = 253;

/// The longest URL that a short link leads to, in characters: what every browser takes.
pub(crate) const TARGET_MAX: usize = 2_000;

/// Endings under which phones take a bare name for a link; others need a scheme, `www.` or a path.
const ENDINGS: [&str; 24] = [
    "fr", "com", "net", "org", "eu", "io", "ly", "co", "info", "biz", "app", "me", "be", "ch", "lu", "re", "gp", "mq",
    "nc", "pf", "gd", "gl", "cc", "link",
];

/// Those at which everybody may shorten links.
static SHORTENERS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("../data/shorteners.txt").lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
});

/// Whether the links of a text lead where they may: to none of the public shorteners, and to these domains alone, if there are any.
///
/// # Errors
/// [`WordingProblem::PublicShortener`] or [`WordingProblem::LinkNotAllowed`].
pub(crate) fn check(text: &str, allowed: &[String]) -> Result<(), FieldProblem> {
    // What every link has.
    if !text.contains('.') {
        return Ok(());
    }
    for domain in domains(text) {
        if SHORTENERS.iter().any(|known| is_below(&domain, known)) {
            return Err(WordingProblem::PublicShortener { domain }.into());
        }
        if !allowed.is_empty() && !allowed.iter().any(|known| is_below(&domain, known)) {
            let allowed = allowed.to_vec();
            return Err(WordingProblem::LinkNotAllowed { domain, allowed }.into());
        }
    }
    Ok(())
}

/// Where a short link of that domain may lead: to a page with TLS, and to no other short link.
///
/// # Errors
/// [`UrlProblem`], or as [`check`].
pub(super) fn target(url: &str, (short, allowed): (&str, &[String])) -> Result<String, FieldProblem> {
    let wrong = || FieldProblem::from(UrlProblem::InvalidUrl { max: TARGET_MAX });
    let read = Url::parse(url).map_err(|_| wrong())?;
    let has_name = !read.username().is_empty() || read.password().is_some();
    if url.chars().count() > TARGET_MAX || url.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(wrong());
    }
    if read.scheme() != "https" {
        return Err(UrlProblem::InsecureUrl.into());
    }
    let domain = read.host_str().filter(|_| !has_name).ok_or_else(wrong)?.to_owned();
    if domain == short {
        return Err(WordingProblem::OwnShortDomain { domain }.into());
    }
    check(&format!("https://{domain}/"), allowed)?;
    Ok(read.into())
}

/// A short link, as it stands in a text.
pub(crate) fn short_link(domain: &str, token: &str) -> String {
    format!("{domain}/{token}")
}

/// One of a domain that is as long as any.
pub(crate) fn longest(domain: &str) -> String {
    short_link(domain, &"0".repeat(LINK_TOKEN))
}

/// A domain as it is compared: `Cabinet.fr` → `cabinet.fr`; `None`: it is none.
pub(crate) fn domain(text: &str) -> Option<String> {
    let domain = text.trim().trim_end_matches('.').to_lowercase();
    let is_label = |label: &str| {
        let plain = label.chars().all(|letter| letter.is_alphanumeric() || letter == '-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let ending = domain.rsplit('.').next().unwrap_or_default();
    let is_name = ending.chars().count() > 1 && ending.chars().all(char::is_alphabetic) || ending.starts_with("xn--");
    let is_domain = domain.contains('.') && domain.len() <= DOMAIN_MAX && domain.split('.').all(is_label);
    (is_domain && is_name).then_some(domain)
}

/// Whether a domain is that one, or one below it.
fn is_below(domain: &str, known: &str) -> bool {
    let above = domain.strip_suffix(known);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// The domain to which the first link of a text leads, if it has one.
pub(crate) fn first_domain(text: &str) -> Option<String> {
    domains(text).next()
}

/// The domains to which a text's links lead.
fn domains(text: &str) -> impl Iterator<Item = String> {
    let pieces = text.split(|letter: char| letter.is_whitespace() || "<>\"«»(),;!".contains(letter));
    // Most pieces are words, without what every link has.
    pieces.filter(|piece| piece.contains('.')).filter_map(linked)
}

/// The domain of what may be a link.
fn linked(piece: &str) -> Option<String> {
    let (has_scheme, rest) = match piece.find("://") {
        Some(at) => (true, &piece[at + 3..]),
        None => (false, piece),
    };
    let end = rest.find(['/', '?', '#', '\\']);
    let authority = &rest[..end.unwrap_or(rest.len())];
    // What stands before an @ is a name: `https://cabinet.fr@elsewhere.example` leads elsewhere. Without a scheme it is a mail address.
    let host = match authority.rsplit_once('@') {
        Some((_, host)) if has_scheme => host,
        Some(_) => return None,
        None => authority,
    };
    // Behind the colon stands a port, or before it a word: `RDV:cabinet.fr`.
    let mut parts = host.split(':').take(if has_scheme { 1 } else { usize::MAX });
    let domain = parts.find_map(|part| domain(part.trim_matches(|letter: char| !letter.is_alphanumeric())))?;
    let ending = domain.rsplit('.').next().unwrap_or_default();
    let is_link = has_scheme || domain.starts_with("www.") || end.is_some() || ENDINGS.contains(&ending);
    is_link.then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        domains(text).collect()
    }

    #[test]
    fn links_are_what_phones_make_links_of() {
        for (text, domain) in [
            ("Prenez RDV sur https://Cabinet.fr/rdv?x=1.", "cabinet.fr"),
            ("http://www.cabinet.example", "www.cabinet.example"),
            ("Voir www.cabinet.example !", "www.cabinet.example"),
            ("RDV:cabinet.fr", "cabinet.fr"),
            ("(cabinet.fr)", "cabinet.fr"),
            ("bit.ly/resultats", "bit.ly"),
            ("strange.example/x", "strange.example"),
            ("https://cabinet.fr@evil.example/", "evil.example"),
            ("https://cabinet.fr:443/", "cabinet.fr"),
            ("https://évil.example", "évil.example"),
            ("HTTPS://CABINET.FR", "cabinet.fr"),
        ] {
            assert_eq!(found(text), [domain], "{text}");
        }
    }

    #[test]
    fn other_dots_are_no_links() {
        for text in [
            "Bonjour M.Martin, à 12.30 h",
            "Merci.A bientôt",
            "1.234,50 EUR",
            "jean@cabinet.fr",
            "https://[Lien]/x",
            "...",
            "Dr. Zoé",
            "24/12.",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn shorteners_are_refused_and_so_is_what_is_not_allowed() {
        let code = |text: &str, allowed: &[&str]| {
            let allowed: Vec<String> = allowed.iter().map(|domain| (*domain).to_owned()).collect();
            check(text, &allowed).map_err(|problem| problem.code())
        };
        assert_eq!(code("bit.ly/x", &[]), Err("public_shortener"));
        assert_eq!(
            code("https://go.TinyURL.com/x", &["tinyurl.com"]),
            Err("public_shortener")
        );
        assert_eq!(code("https://habit.ly", &[]), Ok(()));
        assert_eq!(code("https://rdv.cabinet.fr/x", &["cabinet.fr"]), Ok(()));
        assert_eq!(
            code("https://moncabinet.fr/x", &["cabinet.fr"]),
            Err("link_not_allowed")
        );
        assert_eq!(
            code("https://cabinet.fr.evil.example", &["cabinet.fr"]),
            Err("link_not_allowed")
        );
        assert_eq!(code("Sans lien", &["cabinet.fr"]), Ok(()));
    }

    #[test]
    fn a_short_link_leads_to_a_page_with_tls_and_to_no_other_short_link() {
        let allowed = ["cabinet.fr".to_owned()];
        let of = |url: &str| target(url, ("l.cabinet.fr", &allowed)).map_err(|problem| problem.code());
        assert_eq!(
            of("https://Cabinet.fr/rdv?x=1"),
            Ok("https://cabinet.fr/rdv?x=1".to_owned())
        );
        for (url, code) in [
            ("http://cabinet.fr", "insecure_url"),
            ("cabinet.fr/rdv", "invalid_url"),
            ("https://a:b@cabinet.fr/", "invalid_url"),
            ("https://cabinet.fr/a b", "invalid_url"),
            ("https://l.cabinet.fr/x", "own_short_domain"),
            ("https://bit.ly/x", "public_shortener"),
            ("https://ailleurs.example", "link_not_allowed"),
        ] {
            assert_eq!(of(url), Err(code), "{url}");
        }
        assert_eq!(
            of(&format!("https://cabinet.fr/{}", "x".repeat(2_000))),
            Err("invalid_url")
        );
    }

    #[test]
    fn the_list_of_shorteners_is_of_domains() {
        assert!(SHORTENERS.len() > 20);
        for known in SHORTENERS.iter() {
            assert_eq!(domain(known).as_deref(), Some(*known));
        }
        assert_eq!(domain(" Cabinet.FR. "), Some("cabinet.fr".to_owned()));
        for none in ["cabinet", "-a.fr", "a..fr", "a b.fr", "12.30", "", "https://cabinet.fr"] {
            assert_eq!(domain(none), None, "{none}");
        }
    }
}
