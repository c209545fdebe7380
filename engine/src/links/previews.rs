//! Who looks at a link that is no person: programs that show it as a card, look for harm, or follow every link there is. Pure.

use std::sync::LazyLock;

/// What the names of these contain, in small letters.
static PREVIEWS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("../data/preview_agents.txt").lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
});

/// Whether whoever calls itself that is a program. Every browser calls itself something.
pub(super) fn is_preview(agent: &str) -> bool {
    let agent = agent.to_ascii_lowercase();
    agent.trim().is_empty() || PREVIEWS.iter().any(|known| agent.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_of_phones_are_people_and_previews_are_not() {
        for browser in [
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
        ] {
            assert!(!is_preview(browser), "{browser}");
        }
        for program in [
            "",
            "WhatsApp/2.23.20.0",
            "facebookexternalhit/1.1 Facebot Twitterbot/1.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "curl/8.5.0",
        ] {
            assert!(is_preview(program), "{program}");
        }
    }

    #[test]
    fn the_list_is_in_small_letters() {
        assert!(PREVIEWS.len() > 15);
        for known in PREVIEWS.iter() {
            assert_eq!(&known.to_ascii_lowercase(), known);
        }
    }
}
