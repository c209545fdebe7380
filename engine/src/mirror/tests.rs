//! Two Redis servers and one database: what the first had, the second has.

use std::collections::BTreeMap;

use super::*;
use crate::campaign::tests::Bench;
use crate::database::{Redis, Sql, Tie};
use crate::domain::{CampaignId, KeyBounds, Partition, Purpose, Recipient, Role, TermChanges, UnixMicros};
use crate::store::{Again, Credits, Grant, KeyDetails, KeyOwner, LedgerEntry, Restored, Token};

const NOW: UnixMicros = UnixMicros(1_800_000_000_000_000);

fn recipient(at: u64) -> Recipient {
    Recipient(33_612_000_000 + at)
}

/// A mirror of that bench's Redis and the other one's database.
fn mirror(redis: &Bench, sql: &Mirror) -> Mirror {
    Mirror::new(&redis.store, &sql.0.database, (redis.clock, &sql.0.metrics))
}

impl Mirror {
    /// What each account has, by both sides of every movement; and the entries whose sides do not come to nothing.
    pub(crate) async fn books(&self, tenant: TenantId) -> (BTreeMap<String, i64>, Vec<String>) {
        self.ledger(tenant, None, 1).await.unwrap();
        let accounts = Sql::new("SELECT account, CAST(SUM(credits) AS BIGINT) FROM ledger_posting GROUP BY account");
        let accounts = self.0.database.rows(accounts, |row| Ok((row.text(0)?, row.number(1)?)));
        let uneven =
            Sql::new("SELECT entry FROM ledger_posting GROUP BY entry HAVING SUM(credits) <> 0 OR COUNT(*) <> 2");
        let uneven = self.0.database.rows(uneven, |row| row.text(0));
        (accounts.await.unwrap().into_iter().collect(), uneven.await.unwrap())
    }
}

async fn credits(bench: &Bench, tenant: TenantId) -> Credits {
    bench.store.tenant(tenant).await.unwrap().unwrap().credits
}

async fn opted_out(bench: &Bench, tenant: TenantId, purpose: Purpose, at: u64) -> bool {
    let partition: Partition = recipient(at).partition(bench.store.partitions());
    let groups = [(partition, vec![recipient(at)])];
    bench.store.opted_out((tenant, purpose), &groups).await.unwrap()[0][0]
}

/// Two tenants, the first with terms, keys, and a campaign under way of which something was spent; and people who want nothing.
async fn filled(bench: &Bench) -> (TenantId, TenantId, CampaignId) {
    let mirror = &bench.mirror;
    mirror.begin(Tie::Holds, "store-1").await.unwrap();
    let (tenant, other) = (bench.tenant(1_000).await, bench.tenant(0).await);
    let changes = TermChanges {
        brand: Some("Cabinet Martin".to_owned()),
        ..TermChanges::default()
    };
    bench.store.change_terms(tenant, changes).await.unwrap();
    bench.store.set_cancel_answers(tenant, true).await.unwrap();
    bench.store.add_key(tenant, "11", &KeyDetails::default()).await.unwrap();
    bench.store.set_operator_key("99", true).await.unwrap();
    mirror.keep_operator("99").await.unwrap();
    for one in [tenant, other] {
        mirror.keep_tenant(one).await.unwrap();
    }
    let campaign = bench.create(tenant, 0..100).await;
    bench.campaigns.launch(tenant, campaign).await.unwrap();
    bench.launched(tenant, campaign).await;
    let leased = bench.lease(3).await;
    bench.accept(&leased).await;
    bench.campaigns.books().round().await;
    bench.campaigns.books().look(&[(tenant, campaign)]).await;
    let all = [Purpose::Transactional, Purpose::Marketing];
    mirror.opt_out(None, &all, &[recipient(7)]).await.unwrap();
    mirror.opted_out(Some(other), recipient(8));
    mirror.round(bench.clock.now(), &mut bench.clock.now()).await.unwrap();
    (tenant, other, campaign)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_was_lost_is_rebuilt() {
    let first = Bench::start("mirror-first").await;
    let (tenant, other, campaign) = filled(&first).await;
    let before = credits(&first, tenant).await;
    assert!(before.spent > 0 && before.held > 0, "{before:?}");

    let second = first.beside("mirror-second").await;
    let mirror = mirror(&second, &first.mirror);
    // As often as the engine is killed in the middle of it.
    for round in 0..2 {
        mirror.begin(Tie::Lost, "store-2").await.unwrap();
        assert_eq!(credits(&second, tenant).await, before, "{round}");
        assert_eq!(second.store.tenants(0, 9).await.unwrap().len(), 2);
    }
    let found = second.store.tenant(tenant).await.unwrap().unwrap();
    assert_eq!(
        (found.terms.brand.as_str(), found.cancel_answers),
        ("Cabinet Martin", true)
    );
    for (digest, owner) in [("11", KeyOwner::Tenant(tenant)), ("99", KeyOwner::Operator)] {
        assert_eq!(second.store.key_owner(digest).await.unwrap(), Some(owner));
    }
    assert!(opted_out(&second, other, Purpose::Transactional, 7).await);
    assert!(opted_out(&second, other, Purpose::Marketing, 8).await);
    assert!(!opted_out(&second, tenant, Purpose::Marketing, 8).await);
    assert!(second.create(tenant, 0..1).await > campaign);
    assert!(second.tenant(0).await > other);
    is_settled_by_hand(&second, &mirror, (tenant, campaign), before).await;
    // It is this database's from now on.
    let settings = crate::config::Database {
        url: None,
        file: first.folder().join("data/campanile.db"),
    };
    let redis = Redis {
        id: "store-2",
        is_blank: false,
    };
    assert_eq!(Database::open(&settings, redis).await.unwrap().1, Tie::Holds);
}

/// What was held for a campaign that is lost stays held until somebody says what was spent of it.
async fn is_settled_by_hand(
    bench: &Bench,
    mirror: &Mirror,
    (tenant, campaign): (TenantId, CampaignId),
    before: Credits,
) {
    let lost = (tenant, campaign);
    assert_eq!(bench.store.lost_holds(tenant).await.unwrap(), [(campaign, before.held)]);
    for (spent, settled) in [(before.held + 1, false), (5, true), (5, false)] {
        assert_eq!(bench.store.settle_lost(lost, spent, NOW).await.unwrap(), settled);
    }
    let after = credits(bench, tenant).await;
    assert_eq!(
        (after.held, after.spent, after.available),
        (0, before.spent + 5, before.available + before.held - 5)
    );
    let lines = mirror.ledger(tenant, None, 500).await.unwrap();
    let kinds: Vec<&str> = lines.iter().map(|line| line.kind.as_str()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"release"), Some(&"grant")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_redis_forgot_is_granted_again_once() {
    let first = Bench::start("mirror-before").await;
    let tenant = first.tenant(100).await;
    first.mirror.keep_tenant(tenant).await.unwrap();
    let lines = first.mirror.ledger(tenant, None, 9).await.unwrap();
    let invoice = Grant {
        tenant,
        credits: 50,
        reference: "Facture 2",
        token: Token([7; 16]),
    };
    first.store.grant(&invoice, first.clock.unix()).await.unwrap();
    let campaign = first.create(tenant, 0..30).await;
    first.campaigns.launch(tenant, campaign).await.unwrap();
    assert_eq!(first.mirror.ledger(tenant, None, 9).await.unwrap().len(), 3);

    // As it was after the first grant.
    let second = first.beside("mirror-after").await;
    let settings = first.store.settings_of(&[tenant]).await.unwrap().remove(0).unwrap();
    let lines: Vec<LedgerEntry> = lines.iter().map(Movement::line).collect();
    let restored = Restored {
        settings: &settings,
        credits: Credits {
            granted: 100,
            available: 100,
            ..Credits::default()
        },
        lost: &[],
        lines: &lines,
        grants: &[],
    };
    second.store.restore_tenant(tenant, &restored).await.unwrap();
    for _ in 0..2 {
        second.store.plant_id("store-1").await.unwrap();
        let mirror = mirror(&second, &first.mirror);
        mirror.begin(Tie::Holds, "store-1").await.unwrap();
        let lines = mirror.ledger(tenant, None, 9).await.unwrap();
        let told: Vec<_> = lines.iter().map(|line| (line.kind.as_str(), line.credits)).collect();
        assert_eq!(told, [("grant", 50), ("grant", 100)]);
        assert_eq!(lines[0].reference, "Facture 2");
        let credits = credits(&second, tenant).await;
        assert_eq!((credits.granted, credits.available, credits.held), (150, 150, 0));
        // Nor does it get a second one when it is asked for again.
        let asked = second.store.grant(&invoice, second.clock.unix()).await.unwrap();
        assert_eq!(asked, Some(Some(150)));
        // Numbers that were given are not given again.
        assert!(second.store.next_campaign().await.unwrap() > campaign);
    }
    assert_eq!(first.store.last_campaign().await.unwrap(), CampaignId(campaign.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_emptied_redis_no_line_is_said_to_be_lost_before_it_is_noticed() {
    let first = Bench::start("mirror-emptied").await;
    first.store.plant_id("store-1").await.unwrap();
    let (tenant, _, _) = filled(&first).await;
    let (before, lines) = (
        credits(&first, tenant).await,
        first.mirror.ledger(tenant, None, 500).await.unwrap(),
    );
    let second = first.beside("mirror-emptied-second").await;
    // A mirror that goes on where the first one is, on a Redis that has nothing, and then on one that is another.
    let behind = mirror(&second, &first.mirror);
    behind.0.redis.set("store-1".to_owned()).unwrap();
    for id in [None, Some("store-2")] {
        if let Some(id) = id {
            second.store.plant_id(id).await.unwrap();
        }
        let refused = behind.ledger(tenant, None, 9).await;
        assert!(
            matches!(refused, Err(MirrorFault::Store(StoreError::OtherDatabase))),
            "{refused:?}"
        );
        behind.0.unread_all().await.unwrap();
        behind.0.unread.lock().unwrap().insert(tenant);
        assert!(
            behind
                .round(behind.0.clock.now(), &mut behind.0.clock.now())
                .await
                .is_err()
        );
    }
    let again = mirror(&second, &first.mirror);
    again.begin(Tie::Lost, "store-2").await.unwrap();
    assert_eq!(credits(&second, tenant).await, before);
    assert_eq!(again.ledger(tenant, None, 500).await.unwrap(), lines);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_revoked_opens_nothing_whatever_redis_remembers() {
    let bench = Bench::start("mirror-keys").await;
    let tenant = bench.tenant(0).await;
    bench.store.add_key(tenant, "11", &KeyDetails::default()).await.unwrap();
    bench.mirror.keep_tenant(tenant).await.unwrap();
    bench.store.add_key(tenant, "22", &KeyDetails::default()).await.unwrap();
    bench.store.drop_key(tenant, "11").await.unwrap();
    bench.mirror.begin(Tie::Holds, "store-1").await.unwrap();
    assert_eq!(
        bench.store.key_owner("11").await.unwrap(),
        Some(KeyOwner::Tenant(tenant))
    );
    assert_eq!(bench.store.key_owner("22").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_bounded_as_it_was_last_whatever_redis_remembers() {
    let bench = Bench::start("mirror-bounds").await;
    let tenant = bench.tenant(0).await;
    let of_role = |role| KeyDetails {
        bounds: KeyBounds {
            role,
            ..KeyBounds::default()
        },
        ..KeyDetails::default()
    };
    bench.store.add_key(tenant, "11", &of_role(Role::Read)).await.unwrap();
    bench.mirror.keep_tenant(tenant).await.unwrap();
    bench
        .store
        .describe_key(tenant, "11", &of_role(Role::Full))
        .await
        .unwrap();
    bench.mirror.begin(Tie::Holds, "store-1").await.unwrap();
    let (owner, bounds) = bench.store.key("11").await.unwrap().unwrap();
    assert_eq!((owner, bounds.role), (KeyOwner::Tenant(tenant), Role::Read));
    // Another's Redis is given it as well.
    let second = bench.beside("mirror-bounds-second").await;
    let mirror = mirror(&second, &bench.mirror);
    mirror.begin(Tie::Lost, "store-2").await.unwrap();
    assert_eq!(second.store.key("11").await.unwrap().unwrap().1.role, Role::Read);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_which_nothing_is_kept_is_one_from_before_there_were_roles() {
    let bench = Bench::start("mirror-old-key").await;
    let tenant = bench.tenant(0).await;
    for (digest, details) in [
        ("11", None),
        (
            "22",
            Some("{\"hint\":\"sk_live_abcd\",\"label\":\"\",\"created_at\":5}"),
        ),
    ] {
        bench.store.plant_key(tenant, digest, details).await.unwrap();
        let (_, bounds) = bench.store.key(digest).await.unwrap().unwrap();
        assert_eq!(bounds, KeyBounds::default());
    }
    bench
        .store
        .plant_key(tenant, "33", Some("{\"role\":\"emperor\"}"))
        .await
        .unwrap();
    assert!(
        bench.store.key("33").await.is_err(),
        "what nobody can read opens nothing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resellers_outlive_their_redis_with_their_keys_and_tenants() {
    let first = Bench::start("mirror-resellers").await;
    let token = Token([7; 16]);
    let made = first.mirror.make_reseller("Ostéo Réseau", (token, NOW)).await.unwrap();
    assert_eq!(
        first.mirror.make_reseller("Ostéo Réseau", (token, NOW)).await.unwrap(),
        made,
        "the same request makes no second one"
    );
    let other = first
        .mirror
        .make_reseller("Autre", (Token([8; 16]), NOW))
        .await
        .unwrap();
    assert!(other.id > made.id);
    first
        .store
        .add_key(made.id, "11", &KeyDetails::default())
        .await
        .unwrap();
    first.mirror.keep_keys(made.id).await.unwrap();
    first
        .store
        .add_key(made.id, "22", &KeyDetails::default())
        .await
        .unwrap();
    let hosted = first.hosted_tenant(made.id).await;
    first.mirror.keep_tenant(hosted).await.unwrap();
    let strange = first.tenant(0).await;
    first.mirror.keep_tenant(strange).await.unwrap();

    let second = first.beside("mirror-resellers-second").await;
    let mirror = mirror(&second, &first.mirror);
    mirror.begin(Tie::Lost, "store-2").await.unwrap();
    let owner = KeyOwner::Reseller(made.id);
    assert_eq!(second.store.key_owner("11").await.unwrap(), Some(owner));
    assert_eq!(second.store.key_owner("22").await.unwrap(), None, "it was never kept");
    assert_eq!(second.store.reseller_of(hosted).await.unwrap(), Some(Some(made.id)));
    assert_eq!(second.store.reseller_of(strange).await.unwrap(), Some(None));
    let own = mirror.tenants_of(Some(made.id), (None, 9)).await.unwrap();
    assert_eq!(own, [hosted]);
    assert_eq!(mirror.resellers(Some(made.id), 9).await.unwrap(), [other]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_erased_and_agrees_again_is_known_again_unless_stop_was_written() {
    let bench = Bench::start("erased-again").await;
    let own = &bench.mirror;
    own.begin(Tie::Holds, "store-1").await.unwrap();
    // Another engine, which hears of it by the database.
    let other = mirror(&bench, own);
    other.begin(Tie::Holds, "store-1").await.unwrap();
    let tenant = bench.tenant(0).await;
    let marketing = Purpose::Marketing;
    let (quiet, wrote_stop, wrote_stop_later) = (recipient(1), recipient(2), recipient(3));
    own.opt_out(Some(tenant), &[marketing], &[wrote_stop]).await.unwrap();
    for number in [quiet, wrote_stop, wrote_stop_later] {
        // As often as it is asked for.
        own.erase(tenant, number).await.unwrap();
        own.erase(tenant, number).await.unwrap();
    }
    own.opt_out(Some(tenant), &[marketing], &[wrote_stop_later])
        .await
        .unwrap();
    let all = [quiet, wrote_stop, wrote_stop_later];
    other.0.read_erased().await.unwrap();
    assert_eq!(other.held_back(tenant, all).await.unwrap().len(), 3);
    assert_eq!(own.opt_outs(tenant, None, 9).await.unwrap(), []);
    let lifted = own.lift(tenant, &[marketing], &all).await.unwrap();
    assert_eq!((lifted.lifted, lifted.erased), (0, 3));
    let erased = own.erased_since(tenant, &all).await.unwrap();
    assert_eq!(erased.len(), 3);

    let before = bench.clock.unix();
    for (number, at) in erased {
        let again = Again::Said(crate::store::InboundPlace::at(at));
        let is_wanted = own.end_erasure(tenant, number, again).await.unwrap();
        assert_eq!(is_wanted, number == quiet, "{number}");
        // What happened before stays without a number, wherever it is written down later.
        assert!(own.erased().had(tenant, number, before) && !own.erased().has(tenant, number));
    }
    assert_eq!(own.erased_since(tenant, &all).await.unwrap(), []);
    // An audience of the other engine does not hold them back again.
    assert!(other.held_back(tenant, all).await.unwrap().is_empty());
    assert!(!opted_out(&bench, tenant, marketing, 1).await);
    assert!(opted_out(&bench, tenant, marketing, 2).await && opted_out(&bench, tenant, marketing, 3).await);
    let listed = own.opt_outs(tenant, None, 9).await.unwrap();
    let listed: Vec<Recipient> = listed.iter().map(|kept| kept.place.recipient).collect();
    assert_eq!(listed, [wrote_stop, wrote_stop_later]);
    let lifted = own.lift(tenant, &[marketing], &all).await.unwrap();
    assert_eq!((lifted.lifted, lifted.erased), (2, 0));

    // A word of theirs ends both at once.
    own.erase(tenant, wrote_stop).await.unwrap();
    own.opt_out(Some(tenant), &[marketing], &[wrote_stop]).await.unwrap();
    let written = Again::Written(crate::store::InboundPlace::at(bench.clock.unix()));
    assert!(own.opt_in((tenant, marketing), wrote_stop, written).await.unwrap());
    assert!(!opted_out(&bench, tenant, marketing, 2).await && !own.erased().has(tenant, wrote_stop));
}
