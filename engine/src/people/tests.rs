//! People in a database of their own.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::database::tests::open;
use crate::domain::{ContactId, Recipient, TenantId};

const TENANT: TenantId = TenantId(7);

struct Bench {
    people: People,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = open(folder.path()).await.unwrap();
        Self {
            people: People::new(database, Clock::new()),
            _folder: folder,
        }
    }

    /// The first names of those whom a filter means.
    async fn meant(&self, filter: &Value) -> Vec<String> {
        let filter = Filter::read(filter, "").unwrap_or_else(|faults| panic!("{filter}: {faults:?}"));
        let found = self.people.search((TENANT, &filter), ContactId(0), 100).await.unwrap();
        assert_eq!(self.people.count(TENANT, &filter).await.unwrap(), found.len() as u64);
        let mut names: Vec<String> = found.into_iter().map(|contact| contact.details.first_name).collect();
        names.sort();
        names
    }
}

fn person(first: &str, last: &str, number: u64) -> Given {
    Given {
        number: Some(Some(Recipient(33_600_000_000 + number))),
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        ..Given::default()
    }
}

fn texts(texts: &[&str]) -> Option<Vec<String>> {
    Some(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn visit(day: &str, practice: &str) -> Visit {
    Visit {
        day: day.parse().unwrap(),
        practice: practice.to_owned(),
    }
}

async fn some_people() -> Bench {
    let bench = Bench::start().await;
    let zoe = Given {
        practices: texts(&["Lyon 3ᵉ", "Villeurbanne"]),
        tags: texts(&["VIP"]),
        visits: vec![visit("2026-03-01", "Lyon 3ᵉ"), visit("2025-01-15", "Villeurbanne")],
        attributes: [("Ville".to_owned(), "Saint-Étienne".to_owned())].into(),
        birth_date: Some(Some("1980-02-29".parse().unwrap())),
        ..person("Zoé", "Lefèvre", 1)
    };
    let hugo = Given {
        practices: texts(&["Lyon"]),
        tags: texts(&["vip 100%", "presse"]),
        visits: vec![visit("2026-03-08", "Lyon")],
        reference: Some("P-2".to_owned()),
        ..person("Hugo", "D'Amato", 2)
    };
    let ana = Given {
        kind: Some(Kind::Staff),
        number: None,
        reference: Some("S-3".to_owned()),
        ..person("Ana", "LEFEVRE", 3)
    };
    bench.people.upsert(TENANT, &[zoe, hugo, ana], None).await.unwrap();
    let stranger = [person("Stranger", "Lefèvre", 9)];
    bench.people.upsert(TenantId(8), &stranger, None).await.unwrap();
    bench
}

#[tokio::test]
async fn a_filter_means_what_it_says() {
    let bench = some_people().await;
    let list = bench.people.make_list(TENANT, "Marathon").await.unwrap();
    let found = bench
        .people
        .search((TENANT, &Filter::EVERYBODY), ContactId(0), 10)
        .await
        .unwrap();
    let members = [found[0].id, found[2].id];
    bench
        .people
        .change_list((TENANT, list.id), (&members, &[]))
        .await
        .unwrap();
    let field = |field: &str, test: &str, value: Value| json!({ "field": field, test: value });
    for (filter, wanted) in [
        (json!({}), vec!["Ana", "Hugo", "Zoé"]),
        (field("last_name", "is", json!("lefevre")), vec!["Ana", "Zoé"]),
        (field("last_name", "contains", json!("amato")), vec!["Hugo"]),
        (field("first_name", "in", json!(["ZOE", "ana"])), vec!["Ana", "Zoé"]),
        (field("last_name", "starts_with", json!("%")), vec![]),
        (field("practice", "is", json!("Lyon")), vec!["Hugo"]),
        (field("practice", "starts_with", json!("lyon")), vec!["Hugo", "Zoé"]),
        (field("practice", "empty", json!(true)), vec!["Ana"]),
        (field("tag", "is", json!("vip")), vec!["Zoé"]),
        (field("tag", "in", json!(["vip", "presse"])), vec!["Hugo", "Zoé"]),
        (field("tag", "is", json!("vip 100%")), vec!["Hugo"]),
        (field("attributes.ville", "is", json!("Saint Etienne")), vec!["Zoé"]),
        (field("attributes.VILLE", "empty", json!(false)), vec!["Zoé"]),
        (
            json!({"not": field("attributes.ville", "is", json!("Lyon"))}),
            vec!["Ana", "Hugo", "Zoé"],
        ),
        (field("reference", "is", json!("P-2")), vec!["Hugo"]),
        (field("kind", "is", json!("staff")), vec!["Ana"]),
        (field("number", "is", json!("06 00 00 00 02")), vec!["Hugo"]),
        (
            json!({"not": field("number", "is", json!("+33600000002"))}),
            vec!["Ana", "Zoé"],
        ),
        (field("number", "empty", json!(true)), vec!["Ana"]),
        (field("last_visit", "before", json!("2026-03-08")), vec!["Zoé"]),
        (field("last_visit", "from", json!("2026-03-01")), vec!["Hugo", "Zoé"]),
        (
            json!({"not": field("last_visit", "from", json!("2026-03-01"))}),
            vec!["Ana"],
        ),
        (field("last_visit", "empty", json!(true)), vec!["Ana"]),
        (field("birthday", "is", json!("2027-02-28")), vec![]),
        (field("birthday", "is", json!("2028-02-29")), vec!["Zoé"]),
        (json!({"visited": "villeurbanne"}), vec!["Zoé"]),
        (
            json!({"visited": true, "from": "2026-03-02", "to": "2026-03-31"}),
            vec!["Hugo"],
        ),
        (json!({"visited": "Lyon 3ᵉ", "from": "2026-03-02"}), vec![]),
        (field("list", "is", json!(list.id.to_string())), vec!["Ana", "Zoé"]),
        (field("list", "empty", json!(true)), vec!["Hugo"]),
        (field("consent", "is", json!(true)), vec![]),
        (
            json!({"all": [field("last_name", "is", json!("Lefèvre")), {"not": field("kind", "is", json!("staff"))}]}),
            vec!["Zoé"],
        ),
        (
            json!({"any": [field("tag", "is", json!("presse")), field("kind", "is", json!("staff"))]}),
            vec!["Ana", "Hugo"],
        ),
    ] {
        assert_eq!(bench.meant(&filter).await, wanted, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused_with_its_place() {
    for (filter, pointer, code) in [
        (json!([]), "/filter", "wrong_type"),
        (json!({"al": []}), "/filter/al", "unknown_field"),
        (json!({"all": []}), "/filter/all", "empty"),
        (
            json!({"all": [{"field": "last_nam", "is": "x"}]}),
            "/filter/all/0/field",
            "unknown_value",
        ),
        (
            json!({"field": "last_name", "iss": "x"}),
            "/filter/iss",
            "unknown_value",
        ),
        (json!({"field": "last_name"}), "/filter", "unknown_value"),
        (json!({"field": "last_name", "is": 3}), "/filter/is", "wrong_type"),
        (
            json!({"field": "last_visit", "before": "hier"}),
            "/filter/before",
            "invalid_day",
        ),
        (
            json!({"field": "birthday", "before": "today"}),
            "/filter/before",
            "unknown_value",
        ),
        (
            json!({"field": "number", "in": ["0612"]}),
            "/filter/in/0",
            "invalid_number",
        ),
        (json!({"field": "kind", "is": "dog"}), "/filter/is", "unknown_value"),
        (json!({"field": "list", "is": "con_1"}), "/filter/is", "unknown_value"),
        (
            json!({"visited": "Lyon", "until": "today"}),
            "/filter/until",
            "unknown_field",
        ),
        (json!({"not": {}, "all": [{}]}), "/filter/not", "unknown_field"),
        (json!({"field": "attributes.", "is": "x"}), "/filter/field", "empty"),
    ] {
        let faults = Filter::read(&filter, "/filter").unwrap_err();
        let found: Vec<_> = faults
            .iter()
            .map(|fault| (fault.pointer.as_str(), fault.problem.code()))
            .collect();
        assert_eq!(found[0], (pointer, code), "{filter}");
    }
    let mut deep = json!({});
    (0..20).for_each(|_| deep = json!({ "not": deep }));
    assert_eq!(Filter::read(&deep, "").unwrap_err()[0].problem.code(), "too_many");
}

#[tokio::test]
async fn contacts_are_made_changed_and_left_as_they_are() {
    let bench = some_people().await;
    let given = [
        person("Zoé", "LEFÈVRE", 1),
        Given {
            reference: Some("P-2".to_owned()),
            number: Some(Some(Recipient(33_611_111_111))),
            ..Given::default()
        },
        person("Tom", "Lefèvre", 1),
        person("Tom", "Lefevre", 1),
    ];
    let became = bench.people.upsert(TENANT, &given, None).await.unwrap();
    let outcomes: Vec<_> = became.iter().map(|became| became.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Updated, Outcome::Updated, Outcome::Created, Outcome::Created]
    );
    assert_eq!(became[2].id, became[3].id, "given twice, it is one");
    let hugo = bench.people.contact(TENANT, became[1].id).await.unwrap();
    assert_eq!(hugo.details.first_name, "Hugo");
    assert_eq!(hugo.details.number, Some(Recipient(33_611_111_111)));
    let again = bench.people.upsert(TENANT, &given[..2], None).await.unwrap();
    assert!(
        again.iter().all(|became| became.outcome == Outcome::Unchanged),
        "{again:?}"
    );
    assert_eq!(bench.people.attributes(TENANT).await.unwrap(), ["Ville"]);
}

#[tokio::test]
async fn nobody_sees_or_changes_people_of_others() {
    let bench = some_people().await;
    let found = bench
        .people
        .search((TENANT, &Filter::EVERYBODY), ContactId(0), 1)
        .await
        .unwrap();
    let (id, stranger) = (found[0].id, TenantId(8));
    let people = &bench.people;
    assert!(matches!(people.contact(stranger, id).await, Err(PeopleFault::NotFound)));
    assert!(matches!(people.forget(stranger, id).await, Err(PeopleFault::NotFound)));
    let list = people.make_list(TENANT, "Marathon").await.unwrap();
    let theirs = people.make_list(stranger, "Marathon").await.unwrap();
    assert_ne!(list.id, theirs.id);
    let put = people.change_list((stranger, theirs.id), (&[id], &[])).await.unwrap();
    assert_eq!(put.members, 0);
    let changed = people.change_list((stranger, list.id), (&[], &[id])).await;
    assert!(matches!(changed, Err(PeopleFault::NotFound)));
    people.forget(TENANT, id).await.unwrap();
    assert_eq!(people.count(TENANT, &Filter::EVERYBODY).await.unwrap(), 2);
}

#[tokio::test]
async fn a_segment_is_kept_under_its_name() {
    let bench = some_people().await;
    let people = &bench.people;
    let filter = json!({"field": "kind", "is": "staff"});
    let kept = people.keep_segment(TENANT, "L'équipe", &filter).await.unwrap();
    let changed = people.keep_segment(TENANT, "l’Equipe", &json!({})).await.unwrap();
    assert_eq!((changed.id, changed.name.as_str()), (kept.id, "l’Equipe"));
    assert_eq!(people.segments(TENANT).await.unwrap().len(), 1);
    let refused = people
        .keep_segment(TENANT, "x", &json!({"field": "x", "is": "y"}))
        .await;
    assert!(matches!(refused, Err(PeopleFault::Fields(_))));
    people.forget_segment(TENANT, kept.id).await.unwrap();
    assert!(matches!(
        people.segment(TENANT, kept.id).await,
        Err(PeopleFault::NotFound)
    ));
}

#[tokio::test]
async fn who_was_not_heard_of_for_three_years_is_found_by_days() {
    let bench = some_people().await;
    let all = bench.meant(&json!({})).await;
    let stale = json!({"all": [
        {"field": "updated", "before": "-36 months"},
        {"not": {"field": "last_visit", "from": "-36 months"}},
        {"not": {"field": "consented", "from": "-36 months"}},
    ]});
    assert!(bench.meant(&stale).await.is_empty());
    for test in ["is", "from", "to"] {
        assert_eq!(
            bench.meant(&json!({"field": "created", test: "today"})).await,
            all,
            "{test}"
        );
    }
    for test in ["before", "after"] {
        assert!(
            bench
                .meant(&json!({"field": "created", test: "today"}))
                .await
                .is_empty(),
            "{test}"
        );
    }
    assert_eq!(bench.meant(&json!({"field": "consented", "empty": true})).await, all);
    let mut change = bench.people.database.change().await.unwrap();
    let mut old = Sql::new("UPDATE contact SET updated_at = ");
    old.value(1_000_000_000_000_000_i64).push(", last_visit = NULL");
    change.run(old).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(bench.meant(&stale).await, all);
    assert_eq!(
        bench.meant(&json!({"field": "updated", "is": "2001-09-09"})).await,
        all,
        "03:46 in Paris"
    );
}

#[tokio::test]
async fn who_was_not_written_to_of_late_is_found_in_history() {
    let bench = some_people().await;
    let now = Clock::new().unix();
    let day = Duration::from_secs(86_400);
    let mut change = bench.people.database.change().await.unwrap();
    for (id, number, taken_at) in [
        (1, 1, Some(now.minus(90 * day))),
        (2, 1, Some(now.minus(40 * day))),
        (3, 2, Some(now.minus(day))),
        // It was given to nobody.
        (4, 2, None),
    ] {
        let taken_at = taken_at.map(|at| (at.0 / 1_000) as i64);
        let mut put =
            Sql::new("INSERT INTO message (id, tenant, recipient, smsc, status, reason, code, segments, credits, ");
        put.push("at, taken_at) VALUES (")
            .list([id, i64::from(TENANT.0), 33_600_000_000 + number]);
        put.push(", '', 'transmitted', '', 0, 1, 1, 0, ")
            .value(taken_at)
            .push(")");
        change.run(put).await.unwrap();
    }
    change.commit().await.unwrap();
    let field = |test: &str, value: Value| json!({ "field": "last_contacted", test: value });
    for (filter, wanted) in [
        (field("before", json!("-30 days")), vec!["Zoé"]),
        (field("from", json!("-30 days")), vec!["Hugo"]),
        (field("to", json!("today")), vec!["Hugo", "Zoé"]),
        (field("empty", json!(true)), vec!["Ana"]),
        (json!({ "not": field("from", json!("-30 days")) }), vec!["Ana", "Zoé"]),
    ] {
        assert_eq!(bench.meant(&filter).await, wanted, "{filter}");
    }
}
