//! Two kinds of the canonical run in turns: the ratio of their figures, measured on the same machine at the same time.
//!
//! Simulator and load tester are the same for both. Each round makes one pair; the ratio is the median of the pairs'.

use std::path::Path;

use anyhow::Result;
use lab::Processes;

use super::canonical;
use super::report::{Figure, Figures, Goal};
use super::scaling::median;
use super::stage::StagePlan;
use crate::cli::{AppendFsync, BenchArguments};

/// The figures that are compared, with their decimals and, for the ratio to the older engine, its goal.
const COMPARED: [(&str, u8, Option<Goal>); 9] = [
    ("messages_per_second", 0, Some(Goal::AtLeast(1.3))),
    ("redis_us_per_message", 1, Some(Goal::AtMost(0.8))),
    ("engine_us_per_message", 1, None),
    ("sim_us_per_message", 1, None),
    ("submit_to_settled_p99_ms", 0, None),
    ("receipt_ack_p99_ms_at_simulator", 0, None),
    ("redis_bytes_per_queued_message", 0, None),
    ("redis_bytes_per_finished_message", 0, None),
    ("idle_share", 2, None),
];

/// What is left of the rate with `appendfsync always`.
const ALWAYS: Goal = Goal::AtLeast(0.8);

/// One kind of run: its name in keys and its stages.
struct Kind {
    name: &'static str,
    plan: StagePlan,
}

/// This engine against the one at `baseline`.
///
/// # Errors
/// A run failed, or there is no such engine.
pub(crate) fn against_engine(baseline: &Path, arguments: &BenchArguments, processes: &Processes) -> Result<Figures> {
    let plan = StagePlan::new(arguments)?;
    let old = Kind {
        name: "baseline",
        plan: plan.clone().with_engine(baseline)?,
    };
    let new = Kind { name: "now", plan };
    let pairs = take_turns(&old, &new, arguments, processes)?;
    let rows = COMPARED.iter().flat_map(|&(key, decimals, goal)| {
        let pairs = pairs_of(&pairs, key);
        rows(key, decimals, [&old, &new], &pairs, goal)
    });
    Ok(Figures {
        heading: format!("This engine against {}, {} rounds", baseline.display(), pairs.len()),
        rows: rows.collect(),
    })
}

/// `appendfsync always` against `everysec`.
pub(crate) fn fsync(arguments: &BenchArguments, processes: &Processes) -> Result<Figures> {
    let plan = StagePlan::new(arguments)?;
    let with = |appendfsync: AppendFsync| Kind {
        name: appendfsync.word(),
        plan: plan.clone().with_fsync(appendfsync),
    };
    let (everysec, always) = (with(AppendFsync::Everysec), with(AppendFsync::Always));
    let pairs = take_turns(&everysec, &always, arguments, processes)?;
    let rows = COMPARED.iter().flat_map(|&(key, decimals, _)| {
        let goal = (key == "messages_per_second").then_some(ALWAYS);
        rows(key, decimals, [&everysec, &always], &pairs_of(&pairs, key), goal)
    });
    Ok(Figures {
        heading: format!("appendfsync always against everysec, {} rounds", pairs.len()),
        rows: rows.collect(),
    })
}

/// Runs both in every round; who is first alternates, so that a machine that grows slower favours nobody.
fn take_turns(
    first: &Kind,
    second: &Kind,
    arguments: &BenchArguments,
    processes: &Processes,
) -> Result<Vec<[Figures; 2]>> {
    let run = |kind: &Kind| -> Result<Figures> {
        println!("{}:", kind.name);
        canonical::measure_on(&kind.plan, arguments, processes)
    };
    (1..=arguments.rounds)
        .map(|round| {
            println!("round {round} of {}", arguments.rounds);
            if round % 2 == 1 {
                let first = run(first)?;
                Ok([first, run(second)?])
            } else {
                let second = run(second)?;
                Ok([run(first)?, second])
            }
        })
        .collect()
}

/// The two values of one figure in each round that has both.
fn pairs_of(rounds: &[[Figures; 2]], key: &str) -> Vec<[f64; 2]> {
    let both = |[first, second]: &[Figures; 2]| Some([first.value(key)?, second.value(key)?]);
    rounds.iter().filter_map(both).collect()
}

/// One figure of both kinds: their medians, and median and range of the second's ratio to the first.
fn rows(key: &str, decimals: u8, kinds: [&Kind; 2], pairs: &[[f64; 2]], goal: Option<Goal>) -> Vec<Figure> {
    let middle =
        |of: usize| Some(median(pairs.iter().map(|pair| pair[of]).collect())).filter(|value| value.is_finite());
    let mut ratios: Vec<f64> = pairs.iter().map(|[first, second]| second / first).collect();
    ratios.retain(|ratio| ratio.is_finite());
    ratios.sort_by(f64::total_cmp);
    let meaning = |of: &Kind| format!("{key}, {}", of.name);
    let mut ratio = Figure::new(
        format!("{key}_ratio"),
        (!ratios.is_empty()).then(|| median(ratios.clone())),
        3,
        format!("{key}: {} to {}, median", kinds[1].name, kinds[0].name),
    );
    if let Some(goal) = goal {
        ratio = ratio.goal(goal);
    }
    vec![
        Figure::new(
            format!("{key}_{}", kinds[0].name),
            middle(0),
            decimals,
            meaning(kinds[0]),
        ),
        Figure::new(
            format!("{key}_{}", kinds[1].name),
            middle(1),
            decimals,
            meaning(kinds[1]),
        ),
        ratio,
        Figure::new(
            format!("{key}_ratio_min"),
            ratios.first().copied(),
            3,
            "the least of the rounds",
        ),
        Figure::new(
            format!("{key}_ratio_max"),
            ratios.last().copied(),
            3,
            "the most of the rounds",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_of_pairs_and_missing_without_any() {
        let kind = |name| Kind {
            name,
            plan: StagePlan::for_test(),
        };
        let (old, new) = (kind("old"), kind("new"));
        let figures = |pairs: &[[f64; 2]]| Figures {
            heading: String::new(),
            rows: rows("rate", 0, [&old, &new], pairs, None),
        };
        let three = figures(&[[100.0, 130.0], [100.0, 150.0], [50.0, 70.0]]);
        assert_eq!(three.value("rate_old"), Some(100.0));
        assert_eq!(three.value("rate_ratio"), Some(1.4));
        assert_eq!(
            (three.value("rate_ratio_min"), three.value("rate_ratio_max")),
            (Some(1.3), Some(1.5))
        );
        assert_eq!(figures(&[]).value("rate_ratio"), None);
    }
}
