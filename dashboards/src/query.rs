//! Queries in PromQL: what every one of them says of job, instance and interval is said here.

/// What a dashboard's variables choose, of every series.
pub(crate) const CHOSEN: &str = "job=~\"$job\", instance=~\"$instance\"";

/// The series of a metric that the variables choose, and of these the ones with such labels (`lane="marketing"`).
pub(crate) fn of(metric: &str, labels: &str) -> String {
    if labels.is_empty() {
        format!("{metric}{{{CHOSEN}}}")
    } else {
        format!("{metric}{{{CHOSEN}, {labels}}}")
    }
}

/// How much a counter rises in a second.
pub(crate) fn rate(metric: &str, labels: &str) -> String {
    format!("rate({}[$__rate_interval])", of(metric, labels))
}

/// Summed, by labels (`smsc, bind`); none: to one number.
pub(crate) fn sum(by: &str, inner: &str) -> String {
    over("sum", by, inner)
}

/// The greatest, by labels.
pub(crate) fn max(by: &str, inner: &str) -> String {
    over("max", by, inner)
}

fn over(operator: &str, by: &str, inner: &str) -> String {
    if by.is_empty() {
        format!("{operator}({inner})")
    } else {
        format!("{operator} by ({by}) ({inner})")
    }
}

/// What a counter rises in a second, summed by labels.
pub(crate) fn rates(by: &str, metric: &str, labels: &str) -> String {
    sum(by, &rate(metric, labels))
}

/// Under which value that share of a histogram's observations is, by labels.
pub(crate) fn quantile(share: f64, by: &str, metric: &str, labels: &str) -> String {
    let by = if by.is_empty() {
        "le".to_owned()
    } else {
        format!("le, {by}")
    };
    let buckets = rates(&by, &format!("{metric}_bucket"), labels);
    format!("histogram_quantile({share}, {buckets})")
}

/// Which share of a histogram's observations is at most a bucket's bound.
pub(crate) fn share_within(bound: &str, metric: &str, labels: &str) -> String {
    let within = join(&format!("le=\"{bound}\""), labels);
    let some = rates("", &format!("{metric}_bucket"), &within);
    format!("{some} / {}", rates("", &format!("{metric}_count"), labels))
}

/// Label matchers, one behind the other.
pub(crate) fn join(one: &str, other: &str) -> String {
    if other.is_empty() {
        one.to_owned()
    } else {
        format!("{one}, {other}")
    }
}
