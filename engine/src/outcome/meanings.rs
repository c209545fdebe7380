//! What codes mean: the built-in tables, and over them what the configuration says of one SMSC.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use smpp::command_status::CommandStatus;

use crate::bind::ReceiptNews;
use crate::config::{AnswerMeaning, ReceiptRule, Smsc, Terms};
use crate::domain::Status;

/// How SMSCs write in `err` that there is none.
const NO_ERR: [&str; 3] = ["nul", "null", "none"];

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
    answers: Vec<(CommandStatus, AnswerMeaning)>,
    /// The SMSC's own rules for receipts, which are asked of every receipt.
    own_receipts: Vec<ReceiptRule>,
    /// What final receipts mean.
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
    /// In seconds.
    pause: Option<u64>,
    times: Option<u8>,
    otherwise: Option<Status>,
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
        let answers = smsc.answers.iter().copied().chain(built_in_answers()?).collect();
        Ok(Self {
            answers,
            own_receipts: smsc.receipts.clone(),
            receipts: built_in_receipts()?,
        })
    }

    /// What an answer that is not OK means. What no table knows is refused for good.
    pub(crate) fn answer(&self, status: CommandStatus) -> AnswerMeaning {
        let known = self.answers.iter().find(|(known, _)| *known == status);
        known.map_or(AnswerMeaning::Final(Status::TransmissionFailed), |(_, meaning)| {
            *meaning
        })
    }

    /// Whether a receipt ends its message: by the standard, or since a rule of the SMSC fits it.
    pub(crate) fn is_final(&self, news: &ReceiptNews) -> bool {
        news.final_ || self.own_receipts.iter().any(|rule| fits(rule, news))
    }

    /// What a final receipt means.
    pub(crate) fn receipt(&self, news: &ReceiptNews) -> Verdict {
        let mut rules = self.own_receipts.iter().chain(&self.receipts);
        let rule = rules.find(|rule| fits(rule, news));
        let status = rule.map_or(Status::ReceptionError, |rule| {
            if rule.recredit { Status::Recredited } else { rule.status }
        });
        Verdict {
            status,
            code: significant(&err_of(news)).parse().unwrap_or(0),
        }
    }
}

/// Whether each condition of a rule holds. A `stat` holds for the text as it came, and for what it means.
fn fits(rule: &ReceiptRule, news: &ReceiptNews) -> bool {
    let stat = |wanted: &str| {
        let text = news.stat_text.as_deref().map(str::trim);
        text.is_some_and(|text| text.eq_ignore_ascii_case(wanted)) || news.stat.name().eq_ignore_ascii_case(wanted)
    };
    let err = |wanted: &str| significant(wanted).eq_ignore_ascii_case(significant(&err_of(news)));
    rule.stat.as_deref().is_none_or(stat)
        && rule.err.as_deref().is_none_or(err)
        && rule.message_state.is_none_or(|state| news.message_state == Some(state))
        && rule
            .network_error_code
            .is_none_or(|code| news.network_error_code == Some(code))
}

/// The text's `err`; where it has none, or only a word for none, the code of the TLV `network_error_code`.
fn err_of(news: &ReceiptNews) -> Cow<'_, str> {
    let said = news.err.as_deref().unwrap_or_default().trim();
    let nothing = said.is_empty() || NO_ERR.iter().any(|word| said.eq_ignore_ascii_case(word));
    match news.network_error_code {
        Some(code) if nothing => Cow::Owned(code.to_string()),
        _ => Cow::Borrowed(said),
    }
}

/// `err` without leading zeros: 001 and 1 are one code.
fn significant(err: &str) -> &str {
    err.trim().trim_start_matches('0')
}

fn built_in_answers() -> Result<Vec<(CommandStatus, AnswerMeaning)>, BrokenTable> {
    const BROKEN: BrokenTable = BrokenTable("answers.toml");
    let table: AnswerTable = toml::from_str(include_str!("../data/answers.toml")).map_err(|_| BROKEN)?;
    let row = |row: AnswerRow| {
        let terms = Terms {
            pause: row.pause.map(Duration::from_secs),
            times: row.times,
            otherwise: row.otherwise,
        };
        let meaning = AnswerMeaning::new(&row.means, terms).ok_or(BROKEN)?;
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
        message_state: None,
        network_error_code: None,
        status: row.status,
        recredit: row.recredit,
    };
    Ok(table.receipt.into_iter().map(rule).collect())
}

#[cfg(test)]
mod tests {
    use smpp::receipt::Stat;

    use super::*;

    #[test]
    fn every_command_status_of_the_standard_stands_in_the_table_once() {
        let known = built_in_answers().unwrap();
        for name in CommandStatus::names().filter(|name| *name != "ESME_ROK") {
            let status = CommandStatus::parse(name).unwrap();
            assert_eq!(known.iter().filter(|(known, _)| *known == status).count(), 1, "{name}");
        }
        assert_eq!(known.len() + 1, CommandStatus::names().count());
    }

    #[test]
    fn the_built_in_tables_are_read_and_the_smscs_own_come_first() {
        let mut smsc = Smsc::new("north", "127.0.0.1:2775", "c");
        smsc.answers
            .push((CommandStatus(0x40B), AnswerMeaning::Final(Status::NotRouted)));
        smsc.receipts.push(ReceiptRule {
            stat: None,
            err: Some("053".into()),
            message_state: None,
            network_error_code: None,
            status: Status::UnknownNumber,
            recredit: false,
        });
        let meanings = Meanings::of(&smsc).unwrap();
        for (status, meaning) in [
            (
                CommandStatus::ESME_RINVDSTNPI,
                AnswerMeaning::OtherRoute(Status::NotRouted),
            ),
            (
                CommandStatus::ESME_RPROHIBITED,
                AnswerMeaning::OtherRoute(Status::TransmissionFailed),
            ),
            (CommandStatus::ESME_RINVPASWD, AnswerMeaning::Stop),
            (
                CommandStatus::ESME_RINVDSTADR,
                AnswerMeaning::Final(Status::UnknownNumber),
            ),
            (
                CommandStatus::ESME_RSUBMITFAIL,
                AnswerMeaning::Final(Status::TransmissionFailed),
            ),
            (CommandStatus(0x40B), AnswerMeaning::Final(Status::NotRouted)),
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
            let meant = meanings.receipt(&says(stat, err));
            assert_eq!(meant.status, status, "{stat:?} {err:?}");
        }
        assert!(!meanings.is_final(&says(Stat::Acceptd, None)));
    }

    fn says(stat: Stat, err: Option<&str>) -> ReceiptNews {
        ReceiptNews {
            stat,
            final_: stat.is_final(),
            err: err.map(Into::into),
            ..crate::receipt::tests::news("", "7")
        }
    }

    #[test]
    fn the_networks_error_stands_where_the_text_has_none() {
        let meanings = Meanings::of(&Smsc::new("n", "a:1", "c")).unwrap();
        for (err, code, status) in [
            (None, Some(1), Status::UnknownNumber),
            (Some(""), Some(5), Status::UnknownNumber),
            (Some("nul"), Some(1), Status::UnknownNumber),
            (Some("00B"), Some(1), Status::ReceptionError),
            (Some("000"), Some(1), Status::ReceptionError),
            (None, None, Status::ReceptionError),
        ] {
            let news = ReceiptNews {
                network_error_code: code,
                ..says(Stat::Undeliv, err)
            };
            assert_eq!(meanings.receipt(&news).status, status, "{err:?} {code:?}");
        }
    }

    #[test]
    fn a_rule_acts_on_the_text_as_it_came_on_states_and_on_network_codes() {
        let rule = |stat: Option<&str>, message_state, network_error_code, status| ReceiptRule {
            stat: stat.map(str::to_owned),
            err: None,
            message_state,
            network_error_code,
            status,
            recredit: false,
        };
        let mut smsc = Smsc::new("north", "127.0.0.1:2775", "c");
        smsc.receipts = vec![
            rule(Some("NOROUTE"), None, None, Status::NotRouted),
            rule(Some("ACCEPTD"), None, None, Status::Delivered),
            rule(None, Some(6), None, Status::Transmitted),
            rule(None, None, Some(0x0107), Status::UnknownNumber),
        ];
        let meanings = Meanings::of(&smsc).unwrap();
        let status = |news: ReceiptNews| meanings.is_final(&news).then(|| meanings.receipt(&news).status);
        let other = |text: &str| ReceiptNews {
            stat_text: Some(text.into()),
            ..says(Stat::Other, None)
        };
        assert_eq!(status(other("noRoute")), Some(Status::NotRouted));
        assert_eq!(status(other("NOROUTES")), None);
        assert_eq!(status(says(Stat::Acceptd, None)), Some(Status::Delivered));
        let state = ReceiptNews {
            message_state: Some(6),
            ..says(Stat::Absent, None)
        };
        assert_eq!(status(state), Some(Status::Transmitted));
        let network = ReceiptNews {
            network_error_code: Some(0x0107),
            ..says(Stat::Undeliv, None)
        };
        assert_eq!(status(network), Some(Status::UnknownNumber));
    }
}
