//! A line of the log as one flat JSON object: what it was written in the course of (request, tenant) stands beside what it says.

use std::fmt;

use serde::Serializer;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Fields that are of the machinery: those of the `log` crate's records, and those for traces.
const MACHINERY: [&str; 4] = ["log.", "otel.", "http.", "sampling."];

/// Where a record of the `log` crate came from.
const LOG_TARGET: &str = "log.target";

/// Writes such lines: time, level, message, then the fields of the event and of its spans, then the target.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut said = Said::default();
        for span in ctx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let formatted = extensions.get::<FormattedFields<JsonFields>>();
            let fields = formatted.and_then(|fields| serde_json::from_str::<Map<String, Value>>(&fields.fields).ok());
            fields
                .into_iter()
                .flatten()
                .for_each(|(name, value)| said.put(&name, value));
        }
        event.record(&mut said);
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let about = event.metadata();
        let target = said.log_target.unwrap_or_else(|| about.target().to_owned());
        let mut line = vec![
            ("timestamp".to_owned(), Value::from(time)),
            ("level".to_owned(), about.level().as_str().into()),
            ("message".to_owned(), said.message.into()),
        ];
        line.extend(said.fields);
        line.push(("target".to_owned(), target.into()));
        let mut text = Vec::with_capacity(256);
        let written = serde_json::Serializer::new(&mut text).collect_map(line);
        written.map_err(|_| fmt::Error)?;
        writeln!(writer, "{}", String::from_utf8_lossy(&text))
    }
}

/// What an event and its spans say, the innermost last.
#[derive(Default)]
struct Said {
    message: String,
    log_target: Option<String>,
    fields: Vec<(String, Value)>,
}

impl Said {
    /// A name that is there already gets the new value: an object has each name once.
    fn put(&mut self, name: &str, value: Value) {
        if name == LOG_TARGET {
            self.log_target = value.as_str().map(str::to_owned);
        }
        if MACHINERY.iter().any(|prefix| name.starts_with(prefix)) {
            return;
        }
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.fields.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field.name().trim_start_matches("r#"), value.into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// The lines that are written while `work` goes on.
    fn lines(work: impl FnOnce()) -> Vec<String> {
        let kept = Kept::default();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(Json)
            .with_writer(kept.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_is_one_flat_object_with_what_it_belongs_to() {
        let lines = lines(|| {
            let request = tracing::error_span!("request", request_id = "req_1", tenant = tracing::field::Empty);
            let _inside = request.enter();
            request.record("tenant", "ten_1");
            tracing::error_span!("inner", campaign = "cmp_1", otel.name = "x").in_scope(|| {
                tracing::warn!(status = 200, campaign = %"cmp_2", slow = true, "a \"line\"\nof two");
            });
        });
        let [line] = &lines[..] else { panic!("{lines:?}") };
        let (head, rest) = line.split_once(",\"level\"").unwrap();
        assert!(
            head.starts_with("{\"timestamp\":\"20") && head.ends_with("Z\""),
            "{line}"
        );
        assert_eq!(
            rest,
            ":\"WARN\",\"message\":\"a \\\"line\\\"\\nof two\",\"request_id\":\"req_1\",\"tenant\":\"ten_1\",\
             \"campaign\":\"cmp_2\",\"status\":200,\"slow\":true,\"target\":\"campanile::logs::lines::tests\"}"
        );
    }
}
