//! What is shown together, and what is shown no more.

use std::sync::PoisonError;

use prometheus::{Encoder, TextEncoder};

use super::Metrics;

impl Metrics {
    /// Everything in Prometheus' text format, with the process's own figures.
    pub(crate) fn exposition(&self) -> Vec<u8> {
        let mut families = Vec::new();
        self.whole(|| families = self.registry.gather());
        families.extend(prometheus::gather());
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&families, &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }

    /// Sets several that belong together: nobody reads one of them without the others.
    pub(crate) fn whole(&self, set: impl FnOnce()) {
        let _held = self.together.lock().unwrap_or_else(PoisonError::into_inner);
        set();
    }

    /// When a certificate's time is over, where there is one.
    pub(crate) fn certificate_expiry(&self, smsc: &str, side: &str, expiry: Option<i64>) {
        if let Some(expiry) = expiry {
            let gauge = &self.tls_certificate_expiry_timestamp_seconds;
            gauge.with_label_values(&[smsc, side]).set(expiry);
        }
    }

    /// An account is given less than before.
    pub(crate) fn backed_off(&self, smsc: &str, cause: &str) {
        self.smsc_backoffs_total.with_label_values(&[smsc, cause]).inc();
    }

    /// An SMSC is configured no longer: what was measured of it is shown no more. What was counted stays.
    pub(crate) fn forget_smsc(&self, name: &str) {
        for gauge in [&self.smsc_suspended, &self.smsc_stopped] {
            let _was_shown = gauge.remove_label_values(&[name]).is_ok();
        }
        for gauge in [
            &self.throttle_limit_messages_per_second,
            &self.throttle_effective_messages_per_second,
        ] {
            let _was_shown = gauge.remove_label_values(&[name]).is_ok();
        }
        for side in ["server", "client"] {
            let expiry = &self.tls_certificate_expiry_timestamp_seconds;
            let _was_shown = expiry.remove_label_values(&[name, side]).is_ok();
        }
    }
}
