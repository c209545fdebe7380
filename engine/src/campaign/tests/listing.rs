//! Lists of campaigns and recipients, page by page.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_recipients_are_all_recipients_once() {
    let bench = Bench::start("pages").await;
    let tenant = bench.tenant(1_000).await;
    let id = bench.create(tenant, 0..1_000).await;
    for limit in [7, 500] {
        let (mut seen, mut from) = (HashSet::new(), PageCursor::START);
        loop {
            let page = bench
                .campaigns
                .recipients((tenant, id), &Which::default(), (from, limit))
                .await
                .unwrap();
            assert!(page.rows.len() <= limit);
            for row in &page.rows {
                assert!(seen.insert(row.recipient), "{} came twice", row.recipient);
            }
            let Some(next) = page.next else { break };
            from = next;
        }
        assert_eq!(seen.len(), 1_000);
    }
    for _ in 0..4 {
        bench.create(tenant, 0..1).await;
    }
    let first = bench
        .campaigns
        .list(tenant, (None, 3), &Wanted::default())
        .await
        .unwrap();
    let rest = bench
        .campaigns
        .list(tenant, (first.next, 3), &Wanted::default())
        .await
        .unwrap();
    let listed: Vec<u64> = first
        .rows
        .iter()
        .chain(&rest.rows)
        .map(|campaign| campaign.id.0)
        .collect();
    assert!(listed.len() == 5 && listed.is_sorted_by(|a, b| a > b), "{listed:?}");
    assert_eq!(rest.next, None);
}
