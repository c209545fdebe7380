//! Every personality on the wire: a client binds and submits over a socket, and tshark says what it was sent.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod case;
mod envelopes;
mod ids;
mod presets;
mod routes;
mod texts;

use crate::common::tshark;
use case::{Case, Seen};
use smpp_sim::BUILT_IN;

/// Simulators at one time: each has two sockets and little to do.
const AT_ONCE: usize = 16;

fn cases() -> Vec<Case> {
    let mut cases = ids::cases();
    cases.extend(texts::cases());
    cases.extend(envelopes::cases());
    cases.extend(routes::cases());
    cases.extend(presets::cases());
    cases
}

/// Plays every case; what was seen, in the order of the cases.
async fn play(cases: &[Case]) -> Vec<Seen> {
    let mut all = Vec::new();
    for some in cases.chunks(AT_ONCE) {
        let mut tasks = tokio::task::JoinSet::new();
        for (place, case) in some.iter().enumerate() {
            let playing = case::play(case.clone());
            tasks.spawn(async move { (place, playing.await) });
        }
        let mut seen = tasks.join_all().await;
        seen.sort_by_key(|seen| seen.0);
        all.extend(seen.into_iter().map(|seen| seen.1));
    }
    all
}

#[tokio::test]
async fn every_personality_shows_on_the_wire() {
    let cases = cases();
    let seen = play(&cases).await;
    let misread: Vec<_> = cases
        .iter()
        .zip(&seen)
        .filter_map(|(case, seen)| case.read(seen))
        .collect();
    assert!(misread.is_empty(), "{}", misread.join("\n"));
    if tshark::skipped() {
        return;
    }
    let frames: Vec<_> = seen.iter().flat_map(Seen::frames).collect();
    let decoded = tshark::decode(&frames);
    let mut decoded = decoded.into_iter().map(|mut pdus| pdus.remove(0));
    let judged = seen.iter().map(|seen| seen.judged(&mut decoded));
    let wrong: Vec<_> = cases
        .iter()
        .zip(judged)
        .filter_map(|(case, judged)| case.judge(&judged))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_quirk_that_is_built_in_has_a_case() {
    let cases = cases();
    let untested: Vec<_> = BUILT_IN
        .iter()
        .map(|built_in| built_in.name)
        .filter(|name| name.starts_with("quirks-") && cases.iter().all(|case| case.scenario != *name))
        .collect();
    assert!(untested.is_empty(), "no case for {untested:?}");
}
