//! Recording rules, named `level:metric:operation`: what alerts ask for over long times, and what is asked often.

use campanile::METRICS as M;

use super::Record;

/// Final messages of an SMSC that were delivered, as a share, over half an hour and over a day.
pub(super) const DELIVERED_RECENTLY: &str = "job_smsc:campanile_delivered:ratio_rate30m";
pub(super) const DELIVERED_USUALLY: &str = "job_smsc:campanile_delivered:ratio_rate1d";

/// Segments that an SMSC refused for other reasons than the pace, as a share.
pub(super) const REFUSED: &str = "job_smsc:campanile_submits_refused:ratio_rate5m";

/// Answers that say "too fast" or "full".
pub(super) const PACE: &str = "ESME_RTHROTTLED|ESME_RMSGQFUL";

/// Those of single SMSCs.
pub(super) fn all() -> Vec<Record> {
    let by_smsc = "sum by (job, smsc)";
    let (messages, submits, errors) = (M.messages_total.name, M.submits_total.name, M.submit_errors_total.name);
    let delivered = |over: &str| {
        format!(
            "{by_smsc} (rate({messages}{{status=\"delivered\"}}[{over}])) \
             / {by_smsc} (rate({messages}{{status!=\"transmitted\"}}[{over}]))"
        )
    };
    let refused =
        format!("{by_smsc} (rate({errors}{{command_status!~\"{PACE}\"}}[5m])) / {by_smsc} (rate({submits}[5m]))");
    let plain = |name: &str, expr| Record {
        name: name.to_owned(),
        expr,
        labels: Vec::new(),
    };
    vec![
        plain(
            "job_smsc:campanile_submits:rate5m",
            format!("{by_smsc} (rate({submits}[5m]))"),
        ),
        plain(REFUSED, refused),
        plain(DELIVERED_RECENTLY, delivered("30m")),
        plain(DELIVERED_USUALLY, delivered("1d")),
        plain(
            "job_status:campanile_messages:rate5m",
            format!("sum by (job, status) (rate({messages}[5m]))"),
        ),
    ]
}
