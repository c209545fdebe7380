//! Alerts about SMSCs and their binds.

use campanile::METRICS as M;

use super::*;

/// All of them.
pub(super) fn all() -> Vec<Alert> {
    [bound(), sessions(), accounts()].into_iter().flatten().collect()
}

fn bound() -> Vec<Alert> {
    use Severity::{Critical, Warning};
    let state = M.bind_state.name;
    let attempts = |result: &str| {
        let series = format!("{}{{result=\"{result}\"}}", M.bind_attempts_total.name);
        format!("sum by (job, smsc) (increase({series}[15m])) > 0")
    };
    // A window is shown of those binds alone that may submit: a receiver that is bound sends nothing.
    let may_submit = format!("on (job, instance, smsc, bind) {}", M.window_size.name);
    let none_bound = format!("max by (job, smsc) ({state}{{state=\"bound\"}} and {may_submit}) == 0");
    let suspended = format!("max by (job, smsc) ({}) == 1", M.smsc_suspended.name);
    vec![
        alert(
            "AllBindsDown",
            Critical,
            (format!("({none_bound}) unless ({suspended})"), "1m"),
            gauge(north(state, "bind=\"0\", state=\"bound\""), "1", "0", 1)
                .with(north(M.window_size.name, "bind=\"0\""), "100x240")
                // Its receiver is bound all the while.
                .with(north(state, "bind=\"1\", state=\"bound\""), "1x240"),
        )
        .says(
            "{{ $labels.smsc }} has no bind that can send",
            "No transceiver or transmitter of {{ $labels.smsc }} is bound for a minute. What is routed there waits, or goes to the next priority.",
        )
        .on("smscs"),
        alert(
            "BindAuthRefused",
            Critical,
            (format!("({}) unless ({})", attempts("refused"), attempts("ok")), "2m"),
            rising(north(M.bind_attempts_total.name, "bind=\"0\", result=\"refused\""), 1, 2, 15),
        )
        .says(
            "{{ $labels.smsc }} refuses our binds",
            "{{ $labels.smsc }} answers binds with an error: password, system_id, address or too many sessions.",
        )
        .on("smscs"),
        alert(
            "BindStalled",
            Warning,
            (format!("max by (job, smsc, bind) ({state}{{state=\"stalled\"}}) == 1"), "2m"),
            gauge(north(state, "bind=\"0\", state=\"stalled\""), "0", "1", 2),
        )
        .says(
            "{{ $labels.smsc }} {{ $labels.bind }} is bound and answers nothing",
            "The session of {{ $labels.smsc }} is there, and submissions get no answer.",
        )
        .on("smscs"),
    ]
}

fn sessions() -> Vec<Alert> {
    use Severity::Warning;
    let lost = format!(
        "sum by (job, smsc) (increase({}{{reason!~\"local|renewed\"}}[10m])) > 5",
        M.bind_disconnects_total.name
    );
    let expiry = M.tls_certificate_expiry_timestamp_seconds.name;
    vec![
        alert(
            "BindFlapping",
            Warning,
            (lost, "5m"),
            rising(
                north(M.bind_disconnects_total.name, "bind=\"0\", reason=\"remote_close\""),
                1,
                5,
                10,
            ),
        )
        .says(
            "Sessions of {{ $labels.smsc }} end again and again",
            "More than five sessions of {{ $labels.smsc }} ended in ten minutes, and not by us.",
        )
        .on("smscs"),
        alert(
            "CertificateExpiring",
            Warning,
            (
                format!("min by (job, smsc, side) ({expiry}) - time() < 14 * 86400"),
                "1h",
            ),
            Trial::new(60, 1_530, 1_700).with(north(expiry, "side=\"server\""), "1296000x1560 99999999x300"),
        )
        .says(
            "A TLS certificate ends within two weeks: {{ $labels.smsc }} {{ $labels.side }}",
            "Without an SMSC it is that of our own listener. Nobody can connect after that.",
        )
        .on("smscs"),
    ]
}

fn accounts() -> Vec<Alert> {
    use Severity::{Critical, Info};
    let suspended = format!("max by (job, smsc) ({}) == 1", M.smsc_suspended.name);
    vec![
        alert(
            "SmscStopped",
            Critical,
            (format!("max by (job, smsc) ({}) == 1", M.smsc_stopped.name), "1m"),
            gauge(north(M.smsc_stopped.name, ""), "0", "1", 1),
        )
        .says(
            "{{ $labels.smsc }} takes nothing from our account",
            "An answer of {{ $labels.smsc }} means stop: no credit there, a contract that ended, an account that is blocked.",
        )
        .on("smscs"),
        alert(
            "SmscSuspended",
            Info,
            (suspended.clone(), "1h"),
            Trial::new(60, 90, 200).with(north(M.smsc_suspended.name, ""), "0x9 1x120 0x120"),
        )
        .says(
            "{{ $labels.smsc }} is suspended for an hour",
            "An operator suspended {{ $labels.smsc }}; perhaps it was forgotten.",
        )
        .on("smscs"),
    ]
}
