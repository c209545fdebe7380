//! Out of a query in PromQL: its metrics with the labels that are asked of them, and the labels that it groups by. Whether it is
//! PromQL at all, promtool says.

/// What a query names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Metrics, with the labels in their braces.
    pub(crate) metrics: Vec<(String, Vec<String>)>,
    /// Labels of `by`, `on`, `group_left` and the like.
    pub(crate) grouped: Vec<String>,
}

const GROUPS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const WORDS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

impl Names {
    /// Those of a query.
    pub(crate) fn of(query: &str) -> Self {
        let mut names = Self::default();
        let mut rest = without_ranges(query);
        while let Some(at) = rest.find(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':') {
            let word: String = rest[at..].chars().take_while(|c| is_of_a_name(*c)).collect();
            let after = rest[at + word.len()..].trim_start();
            let mut next = after.to_owned();
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                // A number.
            } else if GROUPS.contains(&word.as_str()) {
                let (inside, behind) = enclosed(after, '(', ')');
                names
                    .grouped
                    .extend(inside.split(',').map(|label| label.trim().to_owned()));
                next = behind;
            } else if after.starts_with('{') {
                let (inside, behind) = enclosed(after, '{', '}');
                names.metrics.push((word, matchers(&inside)));
                next = behind;
            } else if !after.starts_with('(') && !WORDS.contains(&word.as_str()) && !is_a_function(&word, after) {
                names.metrics.push((word, Vec::new()));
            }
            rest = next;
        }
        names
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// `sum by (…) (…)`: an operator whose labels stand before what it is of.
fn is_a_function(word: &str, after: &str) -> bool {
    ["sum", "max", "min", "avg", "count", "topk"].contains(&word) && after.starts_with("by ")
}

/// Ranges have units that look like names.
fn without_ranges(query: &str) -> String {
    let mut inside = false;
    let kept = query.chars().filter(|c| {
        inside = (inside || *c == '[') && *c != ']';
        !inside && *c != ']'
    });
    kept.collect()
}

/// What stands between a bracket and its fellow, and what stands behind; brackets in quotes do not count.
fn enclosed(text: &str, open: char, close: char) -> (String, String) {
    let Some(text) = text.strip_prefix(open) else {
        return (String::new(), text.to_owned());
    };
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        c == close && !quoted
    });
    let end = end.unwrap_or(text.len());
    (
        text[..end].to_owned(),
        text[end..].strip_prefix(close).unwrap_or_default().to_owned(),
    )
}

/// The names in `a="1", b!~"2, 3"`.
fn matchers(inside: &str) -> Vec<String> {
    let outside_of_quotes: String = inside.split('"').step_by(2).collect::<Vec<_>>().join("\"");
    let names = outside_of_quotes.split(['=', '!', '~', ',', '"', ' ']);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn names_are_found_wherever_they_stand() {
    let query = "histogram_quantile(0.9, sum by (le, smsc) (rate(a_bucket{job=~\"x,{y\", b!=\"\"}[5m]))) > 2 \
                 and on (smsc) max_over_time(c[7d]) unless (d:e:f * on (t) group_left (n) (g{}))";
    let names = Names::of(query);
    let metric = |name: &str, labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        (name.to_owned(), labels)
    };
    let expected = [
        metric("a_bucket", &["job", "b"]),
        metric("c", &[]),
        metric("d:e:f", &[]),
        metric("g", &[]),
    ];
    assert_eq!(names.metrics, expected);
    assert_eq!(names.grouped, ["le", "smsc", "smsc", "t", "n"]);
}
