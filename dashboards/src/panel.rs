//! A panel: a title, what it shows and why, its queries, its unit, and from which values on it is a matter of concern.

use serde_json::{Value, json};

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Lines,
    Stacked,
    Numbers,
    Table,
    Heatmap,
    States,
    Bars,
}

/// A panel.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    title: String,
    description: String,
    form: Form,
    unit: &'static str,
    /// Query and legend.
    queries: Vec<(String, String)>,
    /// From which value on it has which colour; green before.
    steps: Vec<(f64, &'static str)>,
    /// Of 24.
    pub(crate) width: u32,
}

/// How high a panel is, in the grid's units.
pub(crate) const HEIGHT: u32 = 8;

/// The height of a panel of single numbers.
pub(crate) const LOW: u32 = 4;

impl Panel {
    fn new(form: Form, title: &str, unit: &'static str, description: &str) -> Self {
        Self {
            title: title.to_owned(),
            description: description.to_owned(),
            form,
            unit,
            queries: Vec::new(),
            steps: Vec::new(),
            width: 8,
        }
    }

    /// Lines over time.
    pub(crate) fn lines(title: &str, unit: &'static str, description: &str) -> Self {
        Self::new(Form::Lines, title, unit, description)
    }

    /// Areas over time that sum up.
    pub(crate) fn stacked(title: &str, unit: &'static str, description: &str) -> Self {
        Self::new(Form::Stacked, title, unit, description)
    }

    /// The last values as numbers.
    pub(crate) fn numbers(title: &str, unit: &'static str, description: &str) -> Self {
        let panel = Self::new(Form::Numbers, title, unit, description);
        panel.width(4)
    }

    /// The last values as rows.
    pub(crate) fn table(title: &str, unit: &'static str, description: &str) -> Self {
        Self::new(Form::Table, title, unit, description)
    }

    /// A histogram over time.
    pub(crate) fn heatmap(title: &str, unit: &'static str, description: &str) -> Self {
        Self::new(Form::Heatmap, title, unit, description)
    }

    /// What holds when, as coloured stretches.
    pub(crate) fn states(title: &str, description: &str) -> Self {
        Self::new(Form::States, title, "short", description)
    }

    /// The last values as bars.
    pub(crate) fn bars(title: &str, unit: &'static str, description: &str) -> Self {
        Self::new(Form::Bars, title, unit, description)
    }

    /// Shows what a query finds.
    pub(crate) fn shows(mut self, query: String, legend: &str) -> Self {
        self.queries.push((query, legend.to_owned()));
        self
    }

    /// Is orange from a value on.
    pub(crate) fn orange(self, from: f64) -> Self {
        self.step(from, "orange")
    }

    /// Is red from a value on.
    pub(crate) fn red(self, from: f64) -> Self {
        self.step(from, "red")
    }

    /// Is green from a value on, and red below: what should be high.
    pub(crate) fn good_from(self, from: f64) -> Self {
        self.step(f64::NEG_INFINITY, "red").step(from, "green")
    }

    fn step(mut self, from: f64, color: &'static str) -> Self {
        self.steps.push((from, color));
        self
    }

    /// That wide, of 24.
    pub(crate) fn width(self, width: u32) -> Self {
        Self { width, ..self }
    }

    pub(crate) fn height(&self) -> u32 {
        if self.form == Form::Numbers { LOW } else { HEIGHT }
    }

    /// As Grafana reads it.
    pub(crate) fn to_json(&self, id: u32, (x, y): (u32, u32)) -> Value {
        let targets: Vec<Value> = (b'A'..)
            .zip(&self.queries)
            .map(|(letter, query)| self.target(letter, query))
            .collect();
        json!({
            "id": id,
            "type": self.form.name(),
            "title": self.title,
            "description": self.description,
            "datasource": source(),
            "gridPos": { "h": self.height(), "w": self.width, "x": x, "y": y },
            "targets": targets,
            "fieldConfig": { "defaults": self.defaults(), "overrides": [] },
            "options": self.form.options(),
        })
    }

    fn target(&self, letter: u8, (query, legend): &(String, String)) -> Value {
        let at_once = matches!(self.form, Form::Table | Form::Bars);
        json!({
            "refId": char::from(letter).to_string(),
            "datasource": source(),
            "expr": query,
            "legendFormat": legend,
            "instant": at_once,
            "range": !at_once,
            "format": match self.form {
                Form::Table => "table",
                Form::Heatmap => "heatmap",
                Form::Lines | Form::Stacked | Form::Numbers | Form::States | Form::Bars => "time_series",
            },
        })
    }

    fn defaults(&self) -> Value {
        let mut steps = vec![json!({ "color": "green", "value": null })];
        for (from, color) in &self.steps {
            if from.is_finite() {
                steps.push(json!({ "color": color, "value": from }));
            } else {
                steps[0] = json!({ "color": color, "value": null });
            }
        }
        let color = if self.steps.is_empty() {
            "palette-classic"
        } else {
            "thresholds"
        };
        let color = if matches!(self.form, Form::Lines | Form::Stacked) {
            "palette-classic"
        } else {
            color
        };
        let stacking = if self.form == Form::Stacked { "normal" } else { "none" };
        let shown = if self.steps.is_empty() { "off" } else { "dashed" };
        json!({
            "unit": self.unit,
            "min": 0,
            "color": { "mode": color },
            "thresholds": { "mode": "absolute", "steps": steps },
            "custom": {
                "fillOpacity": if self.form == Form::Stacked { 40 } else { 10 },
                "stacking": { "mode": stacking, "group": "A" },
                "thresholdsStyle": { "mode": shown },
            },
        })
    }
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Lines | Self::Stacked => "timeseries",
            Self::Numbers => "stat",
            Self::Table => "table",
            Self::Heatmap => "heatmap",
            Self::States => "state-timeline",
            Self::Bars => "bargauge",
        }
    }

    fn options(self) -> Value {
        let last = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
        match self {
            Self::Lines | Self::Stacked => json!({
                "legend": { "displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Self::Numbers => {
                json!({ "colorMode": "value", "graphMode": "area", "textMode": "auto", "reduceOptions": last })
            }
            Self::Table => json!({ "showHeader": true }),
            Self::Heatmap => json!({ "calculate": false, "yAxis": { "unit": "s" }, "color": { "scheme": "Oranges" } }),
            Self::States => json!({ "mergeValues": true, "showValue": "auto", "rowHeight": 0.9 }),
            Self::Bars => json!({ "orientation": "horizontal", "displayMode": "basic", "reduceOptions": last }),
        }
    }
}

/// The data source that the dashboard's variable names.
pub(crate) fn source() -> Value {
    json!({ "type": "prometheus", "uid": "$datasource" })
}
