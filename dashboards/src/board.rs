//! A dashboard: its variables, its rows of panels from the whole to the parts, its links and what it marks on every graph.

use campanile::METRICS as M;
use serde_json::{Value, json};

use crate::panel::{Panel, source};
use crate::query::{of, sum};

/// All dashboards have it, so that each can list the others.
const TAG: &str = "campanile";

/// What may be chosen above the panels, beside data source, job and instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    /// A metric that has the label of that name.
    pub(crate) metric: &'static str,
}

/// Panels under a heading. What is more in detail is folded.
#[derive(Clone, Debug)]
struct Row {
    title: &'static str,
    folded: bool,
    panels: Vec<Panel>,
}

/// A dashboard.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    /// Of its file, and of its address: `campanile-<name>`.
    pub(crate) name: &'static str,
    title: &'static str,
    description: &'static str,
    /// A metric of the jobs that it may show.
    job_metric: &'static str,
    variables: Vec<Variable>,
    rows: Vec<Row>,
    marks: bool,
}

impl Board {
    pub(crate) fn new(name: &'static str, title: &'static str, description: &'static str) -> Self {
        Self {
            name,
            title,
            description,
            job_metric: M.build_info.name,
            variables: Vec::new(),
            rows: Vec::new(),
            marks: true,
        }
    }

    /// Of other jobs than the engine's, known by that metric: what happens in the engine is not marked then.
    pub(crate) fn of_jobs_with(self, job_metric: &'static str) -> Self {
        Self {
            job_metric,
            marks: false,
            ..self
        }
    }

    pub(crate) fn variable(mut self, name: &'static str, label: &'static str, metric: &'static str) -> Self {
        self.variables.push(Variable { name, label, metric });
        self
    }

    pub(crate) fn row(self, title: &'static str, panels: Vec<Panel>) -> Self {
        self.with(title, false, panels)
    }

    pub(crate) fn folded_row(self, title: &'static str, panels: Vec<Panel>) -> Self {
        self.with(title, true, panels)
    }

    fn with(mut self, title: &'static str, folded: bool, panels: Vec<Panel>) -> Self {
        self.rows.push(Row { title, folded, panels });
        self
    }

    /// As Grafana reads it; `runbooks`: where the runbooks are.
    pub(crate) fn to_json(&self, runbooks: &str) -> Value {
        let annotations = if self.marks { marks() } else { Vec::new() };
        json!({
            "uid": format!("campanile-{}", self.name),
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "editable": false,
            "graphTooltip": 1,
            "schemaVersion": 39,
            "version": 1,
            "timezone": "browser",
            "time": { "from": "now-1h", "to": "now" },
            "refresh": "10s",
            "links": [
                {
                    "title": "Campanile", "type": "dashboards", "tags": [TAG], "asDropdown": true,
                    "includeVars": true, "keepTime": true, "targetBlank": false,
                },
                {
                    "title": "Runbooks", "type": "link", "url": runbooks, "icon": "doc", "targetBlank": true,
                },
            ],
            "annotations": { "list": annotations },
            "templating": { "list": self.templating() },
            "panels": self.panels(),
        })
    }

    fn templating(&self) -> Vec<Value> {
        let job = format!("label_values({}, job)", self.job_metric);
        let instance = format!("label_values({}{{job=~\"$job\"}}, instance)", self.job_metric);
        let mut list = vec![
            json!({
                "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
                "hide": 0, "regex": "", "refresh": 1,
            }),
            variable("job", "Job", &job),
            variable("instance", "Instance", &instance),
        ];
        list.extend(self.variables.iter().map(|one| {
            let query = format!("label_values({}, {})", of(one.metric, ""), one.name);
            variable(one.name, one.label, &query)
        }));
        list
    }

    fn panels(&self) -> Vec<Value> {
        let (mut panels, mut id, mut y) = (Vec::new(), 0, 0);
        for row in &self.rows {
            id += 1;
            let (row_id, row_y) = (id, y);
            y += 1;
            let mut inside = Vec::with_capacity(row.panels.len());
            let (mut x, mut height) = (0, 0);
            for panel in &row.panels {
                if x + panel.width > 24 {
                    (x, y, height) = (0, y + height, 0);
                }
                id += 1;
                inside.push(panel.to_json(id, (x, y)));
                (x, height) = (x + panel.width, height.max(panel.height()));
            }
            y += height;
            let beside = if row.folded {
                Vec::new()
            } else {
                std::mem::take(&mut inside)
            };
            panels.push(json!({
                "id": row_id, "type": "row", "title": row.title, "collapsed": row.folded,
                "gridPos": { "h": 1, "w": 24, "x": 0, "y": row_y }, "panels": inside,
            }));
            panels.extend(beside);
        }
        panels
    }
}

/// A variable of several values; none chosen: all.
fn variable(name: &str, label: &str, query: &str) -> Value {
    json!({
        "name": name, "label": label, "type": "query", "datasource": source(),
        "query": { "query": query, "refId": name },
        "definition": query, "refresh": 2, "sort": 1, "hide": 0, "regex": "",
        "multi": true, "includeAll": true, "allValue": ".+",
        "current": { "selected": true, "text": "All", "value": "$__all" },
    })
}

/// What is marked on every graph.
fn marks() -> Vec<Value> {
    let rises = |metric: &str, labels: &str| format!("increase({}[$__interval]) > 0", of(metric, labels));
    let launches = sum("", &rises(M.campaign_launches_total.name, "result=\"started\""));
    let losses = sum("smsc", &rises(M.bind_disconnects_total.name, "reason!=\"local\""));
    let reload = of(M.config_last_reload_timestamp_seconds.name, "");
    let reloads = format!("changes({reload}[$__interval]) > 0");
    let start = of("process_start_time_seconds", "");
    [
        ("Launches", "blue", launches, "campaigns launched"),
        ("Lost binds", "red", losses, "{{smsc}}: a session ended"),
        ("Reloads", "purple", reloads, "{{instance}}: configuration read again"),
        (
            "Starts",
            "yellow",
            format!("changes({start}[$__interval]) > 0"),
            "{{instance}}: started",
        ),
    ]
    .into_iter()
    .map(|(name, color, expr, title)| {
        json!({
            "name": name, "datasource": source(), "enable": true, "hide": false, "iconColor": color,
            "expr": expr, "step": "10s", "titleFormat": title,
        })
    })
    .collect()
}
