//! Where people find what dashboards and alerts link to.

/// The external labels of Prometheus that say where the links of its alerts begin.
pub(crate) const RUNBOOKS_LABEL: &str = "runbooks";
pub(crate) const GRAFANA_LABEL: &str = "grafana";

/// Where people find what alerts and dashboards link to.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// Of the folder of runbooks. Absent: what Prometheus's external label says, and for dashboards Grafana's own folder of files.
    pub runbooks: Option<String>,
    /// Of Grafana. Absent: what Prometheus's external label says.
    pub grafana: Option<String>,
}

impl Addresses {
    /// The folder of runbooks in the repository: what alerts link to where nobody says anything.
    pub const REPOSITORY: &'static str = "docs/runbooks";

    /// Where Grafana shows the runbooks, when they are mounted among its public files.
    pub const IN_GRAFANA: &'static str = "/public/runbooks/README.md";

    /// What the link of an alert to its runbook begins with: a template of Prometheus.
    pub(crate) fn of_runbooks(&self) -> String {
        let of_label = || format!("{{{{ or $externalLabels.{RUNBOOKS_LABEL} \"{}\" }}}}", Self::REPOSITORY);
        self.runbooks.clone().unwrap_or_else(of_label)
    }

    /// What the link of an alert to its dashboard begins with: a template of Prometheus.
    pub(crate) fn of_dashboards(&self) -> String {
        let of_label = || format!("{{{{ $externalLabels.{GRAFANA_LABEL} }}}}");
        self.grafana.clone().unwrap_or_else(of_label)
    }

    /// Where the link of a dashboard to the runbooks leads.
    pub(crate) fn linked_from_boards(&self) -> &str {
        self.runbooks.as_deref().unwrap_or(Self::IN_GRAFANA)
    }
}
