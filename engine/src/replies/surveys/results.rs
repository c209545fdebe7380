//! What answers to a survey come to: counted, and how content people are.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::time;
use crate::database::{DatabaseError, Sql};
use crate::domain::{SurveyId, TenantId};
use crate::replies::Replies;
use crate::replies::reading::SURE;
use crate::replies::score::{HUNDRED, Scale};

/// Microseconds of an hour: answers are counted by it, so that months begin by anybody's clocks.
const HOUR: i64 = 3_600_000_000;

/// By what answers are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum By {
    Practitioner,
    Practice,
    Month,
}

impl By {
    pub(crate) const CODES: [&str; 3] = [
        Self::Practitioner.into_str(),
        Self::Practice.into_str(),
        Self::Month.into_str(),
    ];
}

/// Answers to one question, of those who have something in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Results {
    /// From 0.
    pub(crate) question: u32,
    /// What they have in common; empty: nothing.
    pub(crate) group: String,
    /// How often each was given, in hundredths; `None`: words alone.
    pub(crate) given: BTreeMap<Option<i64>, u64>,
}

impl Results {
    pub(crate) fn count(&self) -> u64 {
        self.given.values().sum()
    }

    fn scores(&self) -> impl Iterator<Item = (i64, u64)> {
        self.given.iter().filter_map(|(score, count)| Some(((*score)?, *count)))
    }

    /// The mean; `None`: there are no numbers.
    pub(crate) fn mean(&self) -> Option<f64> {
        let (sum, count) = self.scores().fold((0, 0), |(sum, all), (score, count)| {
            (sum + score * count as i64, all + count)
        });
        (count > 0).then(|| sum as f64 / count as f64 / HUNDRED as f64)
    }

    /// Promoters less detractors, in percent of all: who gives nine tenths of the scale or more, and six tenths or less.
    pub(crate) fn promoters_less_detractors(&self, (min, max): Scale) -> Option<f64> {
        let tenths = |score: i64| (score - min * HUNDRED) * 10;
        let whole = (max - min) * HUNDRED;
        let (net, count) = self.scores().fold((0_i64, 0_u64), |(net, all), (score, count)| {
            let counts = count as i64;
            let own = match tenths(score) {
                high if high >= 9 * whole => counts,
                low if low <= 6 * whole => -counts,
                _ => 0,
            };
            (net + own, all + count)
        });
        (count > 0).then(|| net as f64 * 100.0 / count as f64)
    }
}

impl Replies {
    /// What is surely answered to a survey, by question and by what is wished; and how many were asked by the API or have answered.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn survey_results(
        &self,
        (tenant, id): (TenantId, SurveyId),
        (by, zone): (Option<By>, &TimeZone),
    ) -> Result<(u64, Vec<Results>), DatabaseError> {
        let mut query = Sql::new("SELECT COUNT(*) FROM survey_run WHERE tenant = ");
        query.value(tenant.0);
        query.push(" AND survey = ").value(id.0.cast_signed());
        let asked = self.0.database.count(query).await?;
        let mut query = Sql::new(
            "SELECT survey_answer.question, survey_answer.score, survey_run.practitioner, survey_run.practice, survey_answer.at / ",
        );
        // Of ours: a value would be another expression in each place.
        let hour = HOUR.to_string();
        query.push(&hour);
        query.push(", COUNT(*) FROM survey_answer JOIN survey_run ON survey_run.id = survey_answer.run WHERE survey_run.tenant = ");
        query.value(tenant.0);
        query.push(" AND survey_run.survey = ").value(id.0.cast_signed());
        query.push(" AND survey_answer.confidence >= ").value(i64::from(SURE));
        query.push(" GROUP BY survey_answer.question, survey_answer.score, survey_run.practitioner, survey_run.practice, survey_answer.at / ");
        query.push(&hour);
        let read = |row: &crate::database::Found<'_>| {
            let group = match by {
                None => String::new(),
                Some(By::Practitioner) => row.text(2)?,
                Some(By::Practice) => row.text(3)?,
                Some(By::Month) => {
                    let at = time(row.number(4)? * HOUR).timestamp().unwrap_or_default();
                    at.to_zoned(zone.clone()).strftime("%Y-%m").to_string()
                }
            };
            Ok((
                (row.number(0)? as u32, group),
                row.number_if_any(1)?,
                row.number(5)?.cast_unsigned(),
            ))
        };
        let mut groups: BTreeMap<(u32, String), Results> = BTreeMap::new();
        for ((question, group), score, count) in self.0.database.rows(query, read).await? {
            let of = groups.entry((question, group.clone())).or_insert_with(|| Results {
                question,
                group,
                given: BTreeMap::new(),
            });
            *of.given.entry(score).or_default() += count;
        }
        Ok((asked, groups.into_values().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promoters_give_nine_and_ten_of_ten_or_five_of_five() {
        let of = |scores: &[(i64, u64)]| Results {
            given: scores
                .iter()
                .map(|(score, count)| (Some(score * HUNDRED), *count))
                .collect(),
            ..Results::default()
        };
        let ten = of(&[(10, 3), (9, 2), (8, 1), (7, 1), (6, 2), (0, 1)]);
        assert_eq!((ten.count(), ten.mean()), (10, Some(7.5)));
        assert_eq!(ten.promoters_less_detractors((0, 10)), Some(20.0));
        let five = of(&[(5, 2), (4, 1), (3, 1)]);
        assert_eq!(five.promoters_less_detractors((1, 5)), Some(25.0));
        assert_eq!(of(&[]).mean(), None);
    }
}
