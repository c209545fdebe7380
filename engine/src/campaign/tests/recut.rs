//! Spans that are cut anew while others change them.

use super::super::launch::owner;
use super::*;
use crate::domain::{Line, Partition, RouteId, Way};
use crate::store::{Span, Spans, StaleQueue};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_lines_rows_append_meanwhile_is_not_lost() {
    let bench = Bench::start("recut").await;
    let tenant = bench.tenant(100).await;
    let id = bench.create(tenant, 0..100).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    let owner = owner(&bench.campaigns.find(tenant, id).await.unwrap());
    let (partition, route) = (Partition(3), RouteId(1));
    let line = |way| Line {
        way,
        lane: owner.purpose.lane(),
        gate: GateId::OPEN,
    };
    let (here, elsewhere) = (line(Way::Route(route)), line(Way::Route(RouteId(2))));
    let queue = StaleQueue {
        partition,
        line: here,
        tenant,
        campaign: id,
    };
    let read = bench.store.queued_spans(&queue).await.unwrap();
    let (rows, version) = (rows(&read), read.version + 1);
    let moved = [Span {
        route,
        gate: GateId::OPEN,
        first: 1_000,
        count: 25,
    }];
    let append = bench
        .store
        .recut_queue(owner, (partition, elsewhere), Spans::default(), (&moved, version));
    assert!(append.await.unwrap());

    let cut = read.all.clone();
    let stale = bench.store.recut_queue(owner, (partition, here), read, (&cut, version));
    assert!(!stale.await.unwrap(), "what was read is not all that is there");
    let both = bench.store.queued_spans(&queue).await.unwrap();
    let cut = both.all.clone();
    let fresh = bench.store.recut_queue(owner, (partition, here), both, (&cut, version));
    assert!(fresh.await.unwrap());
    let then = bench.store.queued_spans(&queue).await.unwrap();
    assert_eq!((self::rows(&then), then.version), (rows + 25, version));
}

fn rows(spans: &Spans) -> u32 {
    spans.all.iter().map(|span| span.count).sum()
}
