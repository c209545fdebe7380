//! What codes mean: the built-in tables, and over them what the configuration says of one SMSC.

use serde::Deserialize;
use smpp::command_status::CommandStatus;
use smpp::receipt::Stat;

use crate::config::{AnswerMeaning, ReceiptRule, Smsc};
use crate::domain::Status;

/// What an answer that is not OK means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Refused for good.
    Final(Status),
    /// Too fast.
    Throttled,
    /// Too much.
    QueueFull,
    /// Refused for now.
    Retry,
}

/// What a final receipt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The status; `Recredited` when the credit goes back.
    pub(crate) status: Status,
    /// The vendor's error code, as far as it is a number.
    pub(crate) code: u16,
}

/// The tables of one SMSC.
#[derive(Clone, Debug)]
pub(crate) struct Meanings {
    answers: Vec<(CommandStatus, Meaning)>,
    receipts: Vec<ReceiptRule>,
}

#[derive(Deserialize)]
struct AnswerTable {
    answer: Vec<AnswerRow>,
}

#[derive(Deserialize)]
struct AnswerRow {
    status: String,
    means: String,
}

#[derive(Deserialize)]
struct ReceiptTable {
    receipt: Vec<ReceiptRow>,
}

#[derive(Deserialize)]
struct ReceiptRow {
    stat: Option<String>,
    err: Option<String>,
    status: Status,
    #[serde(default)]
    recredit: bool,
}

/// A built-in table that cannot be read: a defect of the build.
#[derive(Debug, thiserror::Error)]
#[error("the built-in table {0} is broken")]
pub(crate) struct BrokenTable(&'static str);

impl Meanings {
    /// The SMSC's own rules first, then the built-in ones.
    ///
    /// # Errors
    /// [`BrokenTable`], which the tests rule out.
    pub(crate) fn of(smsc: &Smsc) -> Result<Self, BrokenTable> {
        let own = smsc.answers.iter().map(|(status, answer)| {
            let meaning = match answer {
                AnswerMeaning::Final(status) => Meaning::Final(*status),
                AnswerMeaning::Retry => Meaning::Retry,
            };
            (*status, meaning)
        });
        let answers = own.chain(built_in_answers()?).collect();
        let receipts = smsc.receipts.iter().cloned().chain(built_in_receipts()?).collect();
        Ok(Self { answers, receipts })
    }

    /// What an answer that is not OK means. What no table knows is refused for good.
    pub(crate) fn answer(&self, status: CommandStatus) -> Meaning {
        let known = self.answers.iter().find(|(known, _)| *known == status);
        known.map_or(Meaning::Final(Status::TransmissionFailed), |(_, meaning)| *meaning)
    }

    /// What a final receipt means.
    pub(crate) fn receipt(&self, stat: Stat, err: Option<&str>) -> Verdict {
        let err = err.map(significant).unwrap_or_default();
        let fits = |rule: &&ReceiptRule| {
            rule.stat
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(stat.name()))
                && rule
                    .err
                    .as_deref()
                    .is_none_or(|wanted| significant(wanted).eq_ignore_ascii_case(err))
        };
        let rule = self.receipts.iter().find(fits);
        let status = rule.map_or(Status::ReceptionError, |rule| {
            if rule.recredit { Status::Recredited } else { rule.status }
        });
        Verdict {
            status,
            code: err.parse().unwrap_or(0),
        }
    }
}

/// `err` without leading zeros: 001 and 1 are one code.
fn significant(err: &str) -> &str {
    err.trim().trim_start_matches('0')
}

fn built_in_answers() -> Result<Vec<(CommandStatus, Meaning)>, BrokenTable> {
    const BROKEN: BrokenTable = BrokenTable("answers.toml");
    let table: AnswerTable = toml::from_str(include_str!("../data/answers.toml")).map_err(|_| BROKEN)?;
    let row = |row: AnswerRow| {
        let meaning = match row.means.as_str() {
            "throttled" => Meaning::Throttled,
            "queue_full" => Meaning::QueueFull,
            "retry" => Meaning::Retry,
            code => Meaning::Final(code.parse().map_err(|_| BROKEN)?),
        };
        Ok((CommandStatus::parse(&row.status).ok_or(BROKEN)?, meaning))
    };
    table.answer.into_iter().map(row).collect()
}

fn built_in_receipts() -> Result<Vec<ReceiptRule>, BrokenTable> {
    let table: ReceiptTable =
        toml::from_str(include_str!("../data/receipts.toml")).map_err(|_| BrokenTable("receipts.toml"))?;
    let rule = |row: ReceiptRow| ReceiptRule {
        stat: row.stat,
        err: row.err,
        status: row.status,
        recredit: row.recredit,
    };
    Ok(table.receipt.into_iter().map(rule).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_tables_are_read_and_the_smscs_own_come_first() {
        let mut smsc = Smsc::new("north", "127.0.0.1:2775", "c");
        smsc.answers
            .push((CommandStatus(0x40B), AnswerMeaning::Final(Status::NotRouted)));
        smsc.receipts.push(ReceiptRule {
            stat: None,
            err: Some("053".into()),
            status: Status::UnknownNumber,
            recredit: false,
        });
        let meanings = Meanings::of(&smsc).unwrap();
        for (status, meaning) in [
            (CommandStatus::ESME_RTHROTTLED, Meaning::Throttled),
            (CommandStatus::ESME_RINVDSTADR, Meaning::Final(Status::UnknownNumber)),
            (
                CommandStatus::ESME_RSUBMITFAIL,
                Meaning::Final(Status::TransmissionFailed),
            ),
            (CommandStatus(0x40B), Meaning::Final(Status::NotRouted)),
        ] {
            assert_eq!(meanings.answer(status), meaning);
        }
        for (stat, err, status) in [
            (Stat::Delivrd, Some("000"), Status::Delivered),
            (Stat::Delivrd, Some("001"), Status::Delivered),
            (Stat::Undeliv, Some("001"), Status::UnknownNumber),
            (Stat::Undeliv, Some("53"), Status::UnknownNumber),
            (Stat::Undeliv, Some("027"), Status::ReceptionError),
            (Stat::Rejectd, Some("099"), Status::Recredited),
            (Stat::Expired, None, Status::ReceptionError),
        ] {
            assert_eq!(meanings.receipt(stat, err).status, status, "{stat:?} {err:?}");
        }
    }
}
