//! Campanile's dashboards, recording rules, alerts and their tests, made out of the metrics that the engine declares: a
//! metric that is renamed or goes does not compile here.

mod query;
mod panel;
mod board;
mod boards;
mod rules;

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

/// Every file that is made, by its path within the package.
pub fn files(addresses: &Addresses) -> Vec<(String, String)> {
    let grafana = boards::all().into_iter().map(|board| {
        let path = format!("grafana/{}.json", board.name);
        (path, format!("{:#}\n", board.to_json(&addresses.runbooks)))
    });
    grafana.chain(rules::files(addresses)).collect()
}
