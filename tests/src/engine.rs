//! The engine as a process of its own.

use std::ops::Deref;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use lab::{EngineSettings, Site};
use serde_json::Value;

use crate::fail::OrFail;
use crate::http::{Answer, Http};
use crate::wait::stand_still;

/// Above the engine's own `shutdown_timeout` in these tests.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(30);

/// The engine; killed when dropped.
#[derive(Debug)]
pub struct Engine(lab::Engine);

impl Deref for Engine {
    type Target = lab::Engine;

    fn deref(&self) -> &lab::Engine {
        &self.0
    }
}

impl Engine {
    pub(crate) fn start(site: &Site, program: &str, settings: &EngineSettings) -> Self {
        Self(lab::Engine::start(site, Path::new(program), settings).or_fail())
    }

    /// Another engine of the same configuration, on ports of its own.
    pub fn beside(&self, name: &str) -> Self {
        Self(self.0.beside(name).or_fail())
    }

    /// Has it stand still for that long.
    pub fn stand_still(&self, length: Duration) {
        stand_still(|signal| self.signal(signal), length);
    }

    /// SIGTERM: it has to end by itself, in order. Returns how it ended.
    pub fn shut_down(&self) -> ExitStatus {
        self.process().terminate(SHUTDOWN_LIMIT).or_fail()
    }

    /// Starts it again, with the same configuration, on other ports.
    pub fn restart(&mut self) {
        self.0.restart().or_fail();
    }

    /// Starts it again under other settings.
    pub fn restart_with(&mut self, settings: &EngineSettings) {
        self.0.restart_with(settings).or_fail();
    }

    /// Writes another configuration, which it does not read by itself.
    pub fn configure(&self, settings: &EngineSettings) {
        self.0.configure(settings).or_fail();
    }

    /// Has it read its configuration again.
    pub fn reload(&self) -> Answer {
        self.admin().post("/v1/reload", &Value::Null)
    }

    /// When the configuration that holds was read.
    pub fn configured_at(&self) -> f64 {
        self.metric(|sample| sample == "campanile_config_last_reload_timestamp_seconds")
    }

    /// The tenants' interface, without a key.
    pub fn public(&self) -> Http {
        Http::new(self.api().public())
    }

    /// The tenants' interface with the operator's key.
    pub fn operator(&self) -> Http {
        Http::new(self.api().operator())
    }

    /// The operators' interface: health and metrics.
    pub fn admin(&self) -> Http {
        Http::new(self.0.admin())
    }

    /// Where short links are answered, with `[links]`.
    pub fn links(&self) -> &str {
        self.0.links().expect("[links] in the settings")
    }

    /// The sum of all samples of its metrics whose name and labels `wanted` takes; 0 when there are none.
    pub fn metric(&self, wanted: impl Fn(&str) -> bool) -> f64 {
        self.0.metric(wanted).or_fail()
    }
}
