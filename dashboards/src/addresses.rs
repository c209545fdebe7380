//! Where people find what dashboards and alerts link to.

/// Where people find what alerts and dashboards link to.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Of the folder of runbooks.
    pub runbooks: String,
    /// Of Grafana; empty: links within it.
    pub grafana: String,
}

impl Addresses {
    /// The folder of runbooks in the repository.
    pub const RUNBOOKS: &'static str = "docs/runbooks";
}

impl Default for Addresses {
    fn default() -> Self {
        Self {
            runbooks: Self::RUNBOOKS.to_owned(),
            grafana: String::new(),
        }
    }
}
