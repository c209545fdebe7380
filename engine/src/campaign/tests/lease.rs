//! What a lease leaves out, what it leaves standing, and how it divides.

use super::*;
use crate::domain::{Back, FrequencyCap};
use crate::store::{Again, Allowed, InboundPlace, RestoreAsk, Want};

/// A new tenant, and a launched campaign of it to that many recipients, from 33 6 00 00 00 00 on.
async fn campaign(bench: &Bench, recipients: u64) -> (TenantId, CampaignId) {
    let tenant = bench.tenant(recipients).await;
    (tenant, another(bench, tenant, recipients).await)
}

async fn another(bench: &Bench, tenant: TenantId, recipients: u64) -> CampaignId {
    let id = bench.create(tenant, 0..recipients).await;
    bench.campaigns.launch(tenant, id).await.unwrap();
    bench.launched(tenant, id).await;
    id
}

impl Bench {
    /// Leases one segment a partition at a time until that many messages of that tenant have come, within a number of rounds.
    async fn lease_one_by_one(&self, tenant: TenantId, count: usize, rounds: usize) -> Vec<LeasedMessage> {
        let mut of_tenant = Vec::new();
        for _ in 0..rounds {
            let leased = self.lease(1).await.into_iter();
            of_tenant.extend(leased.filter(|leased| message(leased).tenant == tenant));
            if of_tenant.len() >= count {
                break;
            }
        }
        of_tenant
    }
}

async fn counters(bench: &Bench, tenant: TenantId, id: CampaignId) -> Counters {
    bench.campaigns.books().round().await;
    bench.campaigns.books().look(&[(tenant, id)]).await;
    bench.store.counters(id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_that_cannot_be_read_keeps_no_other_from_being_booked() {
    let bench = Bench::start("unreadable").await;
    let ((bad_tenant, bad), (tenant, id)) = (campaign(&bench, 10).await, campaign(&bench, 10).await);
    let leased = bench.lease(1_000).await;
    bench.accept(&leased).await;
    let key = format!("c:{{t{}}}:cmp:{}", bad_tenant.0, bad.0);
    for command in [&["DEL", &key][..], &["SET", &key, "no hash"]] {
        let mut redis_cli = std::process::Command::new("redis-cli");
        redis_cli.arg("-s").arg(bench.folder.join("redis.sock")).args(command);
        assert!(redis_cli.output().unwrap().status.success());
    }
    bench.campaigns.books().look(&[(bad_tenant, bad), (tenant, id)]).await;
    assert_eq!(bench.credits(tenant).await.spent, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_opted_out_is_left_out_and_the_credit_comes_back() {
    let bench = Bench::start("opted-out").await;
    let (tenant, id) = campaign(&bench, 100).await;
    let out: Vec<Recipient> = (0..40).map(|number| Recipient(33_600_000_000 + number)).collect();
    let (one, all) = out.split_at(25);
    let marketing = [Purpose::Marketing];
    assert_eq!(
        bench
            .store
            .opt_out(Some(tenant), &marketing, one, UnixMicros(1))
            .await
            .unwrap(),
        25
    );
    assert_eq!(
        bench.store.opt_out(None, &marketing, all, UnixMicros(1)).await.unwrap(),
        15
    );
    assert_eq!(
        bench.store.opt_out(None, &marketing, all, UnixMicros(1)).await.unwrap(),
        0
    );
    let leased = bench.lease(1_000).await;
    assert_eq!(leased.len(), 60);
    assert!(leased.iter().all(|leased| !out.contains(&leased.recipient)));
    bench.accept(&leased).await;
    assert_eq!(counters(&bench, tenant, id).await.skipped(), 40);
    let credits = bench.credits(tenant).await;
    assert_eq!((credits.spent, credits.held, credits.available), (60, 0, 40));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_opted_out_of_one_tenants_messages_gets_anothers() {
    let bench = Bench::start("of-one").await;
    let (tenant, _) = campaign(&bench, 10).await;
    let (stranger, _) = campaign(&bench, 10).await;
    let recipient = Recipient(33_600_000_003);
    bench
        .store
        .opt_out(Some(tenant), &[Purpose::Marketing], &[recipient], UnixMicros(1))
        .await
        .unwrap();
    let leased = bench.lease(1_000).await;
    let to_it: Vec<TenantId> = leased
        .iter()
        .filter(|leased| leased.recipient == recipient)
        .map(|leased| message(leased).tenant)
        .collect();
    assert_eq!((leased.len(), to_it), (19, vec![stranger]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_opted_out_of_all_and_asks_for_one_tenants_messages_gets_these_until_they_opt_out_again() {
    let bench = Bench::start("back").await;
    let (tenant, stranger) = (bench.tenant(10).await, bench.tenant(10).await);
    let recipient = Recipient(33_600_000_003);
    let marketing = Purpose::Marketing;
    let out = async |whom: TenantId| {
        let asked = [(recipient.partition(bench.store.partitions()), vec![recipient])];
        bench.store.opted_out((whom, marketing), &asked).await.unwrap() == [[true]]
    };
    let opt_out = async |whom| {
        let (purposes, recipients) = ([marketing], [recipient]);
        let out = bench.store.opt_out(whom, &purposes, &recipients, UnixMicros(1));
        out.await.unwrap()
    };
    let stop = async || opt_out(None).await;
    let again = async |again| bench.store.opt_in((tenant, marketing), recipient, again).await.unwrap();
    let place = InboundPlace::at(UnixMicros(1));
    assert_eq!((stop().await, stop().await), (1, 0));
    assert!(!again(Again::Said(place)).await, "the tenant's word is not theirs");
    assert!(out(tenant).await && out(stranger).await);
    assert!(again(Again::Written(place)).await && !again(Again::Written(place)).await);
    assert!(!out(tenant).await && out(stranger).await);
    // One of its own holds beside.
    assert_eq!(opt_out(Some(tenant)).await, 1);
    assert!(out(tenant).await && again(Again::Written(place)).await && !out(tenant).await);
    assert_eq!(stop().await, 1);
    assert!(out(tenant).await && out(stranger).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_had_enough_of_a_tenant_is_left_out() {
    let bench = Bench::start("capped").await;
    let tenant = bench.tenant(40).await;
    bench
        .store
        .set_cap(tenant, Some(FrequencyCap { messages: 1, days: 1 }))
        .await
        .unwrap();
    another(&bench, tenant, 10).await;
    bench.accept(&bench.lease(1_000).await).await;
    let second = another(&bench, tenant, 20).await;
    let leased = bench.lease(1_000).await;
    assert_eq!(leased.len(), 10, "ten had theirs today");
    bench.accept(&leased).await;
    assert_eq!(counters(&bench, tenant, second).await.skipped(), 10);
    bench.store.set_cap(tenant, None).await.unwrap();
    another(&bench, tenant, 10).await;
    assert_eq!(bench.lease(1_000).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_gate_keeps_its_rows_and_what_was_leased_through_it_goes_on() {
    let bench = Bench::start("gates").await;
    campaign(&bench, 50).await;
    let first = bench.lease_through(&[GateId::OPEN], 1).await;
    assert!(!first.is_empty());
    assert_eq!(bench.lease_through(&[], 1_000).await.len(), 0);
    assert_eq!(bench.lease_through(&[GateId(7)], 1_000).await.len(), 0);
    bench.accept(&first).await;
    let rest = bench.lease_through(&[GateId(7), GateId::OPEN], 1_000).await;
    assert_eq!(first.len() + rest.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_have_turns_by_their_weights() {
    let bench = Bench::start("weights").await;
    let (light, _) = campaign(&bench, 4_000).await;
    let heavy = bench.tenant(4_000).await;
    bench.store.set_weight(heavy, 3).await.unwrap();
    let id = bench.create(heavy, 4_000..8_000).await;
    bench.campaigns.launch(heavy, id).await.unwrap();
    bench.launched(heavy, id).await;
    let leased = bench.lease(64).await;
    let of = |tenant| leased.iter().filter(|leased| message(leased).tenant == tenant).count();
    assert_eq!(of(light) + of(heavy), leased.len());
    assert_eq!(of(heavy), 3 * of(light), "of {}", leased.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_with_a_rate_is_leased_from_as_it_is_permitted_and_stands_beside_the_ring_meanwhile() {
    let bench = Bench::start("tenant-rate").await;
    let (tenant, id) = campaign(&bench, 100).await;
    let (other, _) = campaign(&bench, 40).await;
    let of = |leased: &[LeasedMessage], tenant| leased.iter().filter(|leased| message(leased).tenant == tenant).count();
    let rate = "5/s".parse().ok();
    bench.store.set_tenant_rate(tenant, rate).await.unwrap();
    assert_eq!(bench.store.tenant_rates(&[tenant, other]).await.unwrap(), [rate, None]);
    let leased = bench.lease(1_000).await;
    assert_eq!((of(&leased, tenant), of(&leased, other)), (0, 40), "nobody else waits");
    let wants = bench.store.wants().await.unwrap();
    assert!(
        !wants.is_empty() && wants.iter().all(|want| want.tenant == tenant),
        "{wants:?}"
    );
    let census = bench.store.census().await.unwrap();
    let rated: u64 = census.lines.iter().map(|line| line.rated_rows).sum();
    assert_eq!(rated, 100);
    // What is taken back of one that wants some leaves it wanting.
    let ask = |permits| -> Vec<Allowed> {
        let of_one = |want: &Want| Allowed {
            tenant,
            partition: want.partition,
            permits,
        };
        wants.iter().map(of_one).collect()
    };
    bench.store.allow(&ask(Some(0))).await.unwrap();
    assert_eq!(bench.store.wants().await.unwrap(), wants);
    assert_eq!(
        bench.store.allow(&ask(Some(1))).await.unwrap(),
        vec![Some(0); wants.len()]
    );
    assert_eq!(bench.store.wants().await.unwrap(), []);
    let leased = bench.lease(1_000).await;
    assert_eq!(of(&leased, tenant), wants.len(), "one for each permit");
    // Paused meanwhile, it goes on with what it was permitted.
    bench.store.allow(&ask(Some(1))).await.unwrap();
    bench.campaigns.pause(tenant, id).await.unwrap();
    assert_eq!(bench.lease(1_000).await.len(), 0);
    bench.campaigns.resume(tenant, id).await.unwrap();
    let leased = bench.lease(1_000).await;
    assert_eq!(leased.len(), wants.len(), "permits that were not used are still there");
    bench.lease(1_000).await;
    bench.store.set_tenant_rate(tenant, None).await.unwrap();
    assert_eq!(bench.lease(1_000).await.len(), 100 - 2 * wants.len(), "all of the rest");
    assert_eq!(bench.store.wants().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_by_themselves_are_leased_ahead_of_the_campaigns_of_their_tenant() {
    let bench = Bench::start("by-themselves").await;
    let tenant = bench.tenant(1_000).await;
    let launch = async |people: std::ops::Range<u64>| {
        let body = body(people, "Fermeture").replace("marketing", "transactional");
        let created = bench
            .campaigns
            .create(tenant, std::io::Cursor::new(body))
            .await
            .unwrap();
        let id = created.campaign.id;
        bench.campaigns.launch(tenant, id).await.unwrap();
        bench.launched(tenant, id).await;
        id
    };
    let first = launch(0..200).await;
    let mut sent = HashSet::new();
    for number in 0..20u8 {
        let order = direct(&format!("06123456{number:02}"), "Votre code est 1234");
        sent.insert(bench.campaigns.send(tenant, &order, Token([number; 16])).await.unwrap());
    }
    let partitions: HashSet<_> = sent.iter().map(|id| id.place(bench.store.partitions()).0).collect();
    // Another campaign, and one that was paused, come behind them too.
    bench.campaigns.pause(tenant, first).await.unwrap();
    let second = launch(200..400).await;
    bench.campaigns.resume(tenant, first).await.unwrap();
    let leased = bench.lease(1).await;
    let by_themselves = ids(&leased).intersection(&sent).count();
    assert_eq!(by_themselves, partitions.len(), "one of each partition that has some");
    let rest = bench.lease(1_000).await;
    assert_eq!(leased.len() + rest.len(), 420);
    for campaign in [first, second] {
        let of = |leased: &&LeasedMessage| message(leased).id.campaign() == campaign;
        assert_eq!(leased.iter().chain(&rest).filter(of).count(), 200);
    }
}

/// What another tenant had refused is due before, and some of it after, those of the tenant that was refused once.
async fn refused_among_others(name: &str, latest: UnixMicros) {
    let bench = Bench::start(name).await;
    let refused = |due| Event::Deferred {
        back: Back::Refused,
        traces: None,
        attempts: 0,
        due,
    };
    campaign(&bench, 1_600).await;
    let leased = bench.lease(1_000).await;
    let (early, late) = leased.split_at(leased.len() / 2);
    bench.make(early, |_| (refused(UnixMicros(1)), Note::None)).await;
    bench.make(late, |_| (refused(latest), Note::None)).await;
    let (few, _) = campaign(&bench, 16).await;
    let leased = bench.lease_one_by_one(few, 16, 24).await;
    bench.make(&leased, |_| (refused(UnixMicros(2)), Note::None)).await;
    let again = bench.lease_one_by_one(few, 16, 24).await;
    assert_eq!((leased.len(), ids(&again)), (16, ids(&leased)), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_refused_once_does_not_wait_for_all_that_another_was_refused() {
    refused_among_others("refused-last", UnixMicros(1)).await;
    refused_among_others("refused-between", UnixMicros(3)).await;
}

impl Bench {
    /// Says that this was leased under that epoch, of a database that knows nothing of it. Returns how many messages of it are in doubt.
    async fn restore(&self, epoch: u32, leased: &[LeasedMessage]) -> usize {
        let mut found = 0;
        for partition in self.store.all_partitions() {
            let here = leased
                .iter()
                .filter(|leased| leased.recipient.partition(self.store.partitions()) == partition);
            let messages: Vec<_> = here.map(|leased| (leased.recipient, leased.message.clone())).collect();
            let ask = RestoreAsk {
                partition,
                epoch,
                known: 0,
                number: 1,
                messages: &messages,
                now: UnixMicros(9),
            };
            let (doubted, _) = self.store.restore(&ask).await.unwrap().expect("no later lease");
            found += doubted;
        }
        found
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_engines_had_leased_of_an_older_database_is_all_in_doubt_whoever_says_so_first() {
    // The same is queued in both: what one has leased the other knows nothing of.
    let (ahead, older) = (Bench::start("restore-ahead").await, Bench::start("restore-older").await);
    campaign(&ahead, 200).await;
    let (tenant, id) = campaign(&older, 200).await;
    let first = ahead.lease(2).await;
    let second = ahead.lease(2).await;
    let third = ahead.lease(1).await;
    assert_eq!(older.restore(71, &second).await, second.len());
    assert_eq!(
        older.restore(72, &first).await,
        first.len(),
        "rows that the cursor was moved past"
    );
    assert_eq!(older.restore(73, &third).await, third.len());
    let counters = counters(&older, tenant, id).await;
    let doubted = first.len() + second.len() + third.len();
    assert_eq!(counters.in_doubt(), doubted as u64);
    // Nothing of it is leased again, and all of the rest is.
    let rest = older.lease(1_000).await;
    assert_eq!(rest.len(), 200 - doubted);
    let known: HashSet<MessageId> = [&first, &second, &third]
        .into_iter()
        .flat_map(|leased| ids(leased))
        .collect();
    assert!(ids(&rest).is_disjoint(&known));
}
