//! Campanile's dashboards, recording rules, alerts and their tests, made out of the metrics that the engine declares: a
//! metric that is renamed or goes does not compile here.

mod addresses;
mod query;
mod panel;
mod board;
mod boards;
mod rules;

pub use addresses::Addresses;

/// Every file that is made, by its path within the package.
pub fn files(addresses: &Addresses) -> Vec<(String, String)> {
    let grafana = boards::all().into_iter().map(|board| {
        let path = format!("grafana/{}.json", board.name);
        (path, format!("{:#}\n", board.to_json(addresses.linked_from_boards())))
    });
    grafana.chain(rules::files(addresses)).collect()
}
