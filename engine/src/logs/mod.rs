//! The log: where its lines go, in which form, and which of them; the last may change while the engine runs.

mod lines;

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt as lines_of, registry, reload};

use crate::config::{self, Directives, LogFormat};
use lines::Json;

/// Takes another filter in place of the one that holds; false: nobody listens any more.
type Change = dyn Fn(EnvFilter) -> bool + Send + Sync;

/// The log's filter. Cheap to clone; clones share it.
#[derive(Clone)]
pub(crate) struct Logs(Arc<Shared>);

struct Shared {
    holds: Mutex<Directives>,
    change: Box<Change>,
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logs({})", self.filter())
    }
}

impl Logs {
    /// From here on the engine's lines go to standard error, and its spans to `traces`. `RUST_LOG` has the last word over the
    /// configuration's filter, which is for lines alone.
    pub(crate) fn start(log: &config::Log, traces: Option<Box<dyn Layer<Registry> + Send + Sync>>) -> Self {
        let told = config::rust_log();
        let holds = match &told {
            Some(Ok(directives)) => directives.clone(),
            Some(Err(_)) | None => log.filter.clone(),
        };
        let (filter, handle) = reload::Layer::new(holds.filter());
        let mut layers = vec![written(log.format).with_filter(filter).boxed()];
        layers.extend(traces);
        registry().with(layers).init();
        if let Some(Err(fault)) = told {
            tracing::warn!("RUST_LOG: {fault}; the log's filter is {holds}");
        }
        let change = move |filter: EnvFilter| handle.reload(filter).is_ok();
        Self::changed_by(holds, change)
    }

    fn changed_by(holds: Directives, change: impl Fn(EnvFilter) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            holds: Mutex::new(holds),
            change: Box::new(change),
        }))
    }

    /// Nothing is written, whatever the filter: for tests.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self::changed_by(Directives::default(), |_| true)
    }

    /// What is written now.
    pub(crate) fn filter(&self) -> Directives {
        let holds = self.0.holds.lock().unwrap_or_else(PoisonError::into_inner);
        holds.clone()
    }

    /// From now on this is written, until the engine ends. False when there is no log any more.
    pub(crate) fn set(&self, filter: Directives) -> bool {
        let mut holds = self.0.holds.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = (self.0.change)(filter.filter());
        if changed {
            *holds = filter;
        }
        changed
    }
}

/// JSON lines for machines, words for people.
fn written(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let for_people = match format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    if for_people {
        let coloured = io::stderr().is_terminal() && !config::Console::of_environment().plain;
        lines_of::layer()
            .with_ansi(coloured)
            // It would be told on standard error, which is what cannot be written.
            .log_internal_errors(false)
            .with_writer(io::stderr)
            .boxed()
    } else {
        lines_of::layer()
            .fmt_fields(JsonFields::new())
            .event_format(Json)
            .log_internal_errors(false)
            .with_writer(io::stderr)
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_take_effect_does_not_hold() {
        let debug = Directives::parse("debug").unwrap();
        let logs = Logs::changed_by(Directives::default(), |_| false);
        assert!(!logs.set(debug.clone()));
        assert_eq!(logs.filter(), Directives::default());
        assert!(Logs::silent().set(debug));
    }
}
