//! What somebody writes twice: a second copy, or the answer to what was sent meanwhile.

use super::*;
use crate::store::{Again, InboundKeeping, InboundKept, InboundMark, InboundPlace, InboundRow, OptsOut};

const WITHIN: Duration = Duration::from_secs(120);
const FROM: Recipient = Recipient(33_600_000_000);

/// The same words each time, from the same number.
async fn say(bench: &Bench, tenant: TenantId, opts_out: OptsOut) -> InboundKept {
    say_to(bench, vec![tenant], opts_out).await
}

/// The same, to a number of these.
async fn say_to(bench: &Bench, owners: Vec<TenantId>, opts_out: OptsOut) -> InboundKept {
    let row = InboundRow {
        from: Some(FROM),
        number: 36_034,
        sandbox: false,
        owners,
        meant: None,
        digest: digest_of(opts_out),
        opts_out,
        message: "{}".to_owned(),
        parts: String::new(),
    };
    let keeping = InboundKeeping {
        now: UnixMicros(1_800_000_000_000_000),
        twice: WITHIN,
        kept_for: Duration::from_secs(365 * 86_400),
        kept: 100,
    };
    bench
        .store
        .keep_inbound(partition(bench), &[row], &keeping)
        .await
        .unwrap()[0]
}

fn digest_of(opts_out: OptsOut) -> [u8; 32] {
    [if opts_out == OptsOut::Yes { 1 } else { 2 }; 32]
}

fn partition(bench: &Bench) -> Partition {
    FROM.partition(bench.store.partitions())
}

async fn acknowledge(bench: &Bench, opts_out: OptsOut) {
    let mark = InboundMark {
        partition: partition(bench),
        digest: digest_of(opts_out),
    };
    bench.store.note_heard(&[mark], WITHIN).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_word_is_a_second_copy_unless_it_was_acknowledged_and_something_was_sent_since() {
    let bench = Bench::start("heard").await;
    let tenant = bench.tenant(10).await;
    let is_copy = async || say(&bench, tenant, OptsOut::No).await.second_copy;
    assert!(!is_copy().await);
    acknowledge(&bench, OptsOut::No).await;
    assert!(is_copy().await, "a person who says it twice is heard once");
    let id = bench.create(tenant, 0..1).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    assert!(is_copy().await, "nothing has gone yet");
    let leased = bench.lease(10).await;
    assert_eq!(leased.len(), 1);
    assert!(!is_copy().await, "it answers what went meanwhile");
    assert!(is_copy().await, "an SMSC that heard no acknowledgement says it again");
    bench.accept(&leased).await;
    assert!(is_copy().await, "whatever went meanwhile");
    acknowledge(&bench, OptsOut::No).await;
    assert!(!is_copy().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_stops_something_is_no_second_copy() {
    let bench = Bench::start("heard-stop").await;
    let tenant = bench.tenant(0).await;
    let first = say(&bench, tenant, OptsOut::Yes).await;
    assert!(first.opted_out && !first.second_copy);
    assert!(say(&bench, tenant, OptsOut::Yes).await.second_copy);
    // They have opted in meanwhile.
    let place: InboundPlace = "9999999999999-0-0".parse().unwrap();
    let lane = (tenant, Purpose::Marketing);
    bench.store.opt_in(lane, FROM, Again::Said(place)).await.unwrap();
    let again = say(&bench, tenant, OptsOut::Yes).await;
    assert!(again.opted_out && !again.second_copy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_to_nobody_holds_though_a_word_of_before_it_is_read_later() {
    let bench = Bench::start("heard-late").await;
    let tenant = bench.tenant(0).await;
    let lane = (tenant, Purpose::Marketing);
    let again = async |place: &str| {
        let written = Again::Written(place.parse().unwrap());
        bench.store.opt_in(lane, FROM, written).await.unwrap()
    };
    assert!(say_to(&bench, Vec::new(), OptsOut::Yes).await.opted_out);
    assert!(!again("1-0-0").await && !bench.store.is_back(lane, FROM).await.unwrap());
    assert!(again("9999999999999-0-0").await && bench.store.is_back(lane, FROM).await.unwrap());
}
