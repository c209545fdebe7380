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
        attributes: [
            ("Ville".to_owned(), "Saint-Étienne".to_owned()),
            ("Étage".to_owned(), "-3".to_owned()),
        ]
        .into(),
        birth_date: Some(Some("1980-02-29".parse().unwrap())),
        ..person("Zoé", "Lefèvre", 1)
    };
    let hugo = Given {
        practices: texts(&["Lyon"]),
        tags: texts(&["vip 100%", "presse"]),
        visits: vec![visit("2026-03-08", "Lyon")],
        reference: Some("P-2".to_owned()),
        attributes: [("Étage".to_owned(), "3".to_owned())].into(),
        ..person("Hugo", "D'Amato", 2)
    };
    let ana = Given {
        kind: Some(Kind::Staff),
        number: None,
        reference: Some("S-3".to_owned()),
        ..person("Ana", "LEFEVRE", 3)
    };
    bench
        .people
        .upsert(TENANT, &[zoe, hugo, ana], (None, None))
        .await
        .unwrap();
    let stranger = [person("Stranger", "Lefèvre", 9)];
    bench.people.upsert(TenantId(8), &stranger, (None, None)).await.unwrap();
    bench
}

fn field(field: &str, test: &str, value: Value) -> Value {
    json!({ "field": field, test: value })
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
async fn figures_with_a_sign_are_others() {
    let bench = some_people().await;
    for (filter, wanted) in [
        (field("attributes.etage", "is", json!("-3")), vec!["Zoé"]),
        (field("attributes.etage", "in", json!(["3", "12"])), vec!["Hugo"]),
    ] {
        assert_eq!(bench.meant(&filter).await, wanted, "{filter}");
    }
}

/// Where the first fault of a filter is, and what it is.
fn first_fault(filter: &Value) -> (String, &'static str) {
    let faults = Filter::read(filter, "/filter").unwrap_err();
    (faults[0].pointer.clone(), faults[0].problem.code())
}

#[test]
fn what_stands_in_everybodys_name_is_no_filter() {
    for (filter, pointer, code) in [
        (
            json!({"field": "last_name", "contains": " "}),
            "/filter/contains",
            "empty",
        ),
        (
            json!({"not": {"field": "tag", "contains": "-"}}),
            "/filter/not/contains",
            "empty",
        ),
        (
            json!({"field": "practice", "starts_with": "'"}),
            "/filter/starts_with",
            "empty",
        ),
        (
            json!({"field": "attributes.Ville", "contains": "_"}),
            "/filter/contains",
            "empty",
        ),
        (
            json!({"field": "reference", "contains": ""}),
            "/filter/contains",
            "empty",
        ),
        (
            json!({"field": "first_name", "in": ["Zoé", "-"]}),
            "/filter/in/1",
            "empty",
        ),
    ] {
        assert_eq!(first_fault(&filter), (pointer.to_owned(), code), "{filter}");
    }
}

#[tokio::test]
async fn a_range_of_days_is_one_condition() {
    let bench = some_people().await;
    for (filter, wanted) in [
        (
            json!({"field": "last_visit", "from": "2026-03-01", "to": "2026-03-07"}),
            vec!["Zoé"],
        ),
        (
            json!({"field": "last_visit", "after": "2026-03-01", "before": "2026-03-31"}),
            vec!["Hugo"],
        ),
        (
            json!({"not": {"field": "last_visit", "from": "2026-03-01", "to": "2026-03-07"}}),
            vec!["Ana", "Hugo"],
        ),
    ] {
        assert_eq!(bench.meant(&filter).await, wanted, "{filter}");
    }
    let reversed = json!({ "visited": "Lyon", "from": "2026-11-10", "to": "2026-11-01" });
    assert!(
        Filter::read_kept(&reversed).is_ok(),
        "what was kept before means nobody"
    );
}

#[test]
fn what_is_no_range_is_refused_with_its_place() {
    for (filter, pointer, code) in [
        (
            json!({"field": "last_visit", "from": "2026-11-10", "to": "2026-11-01"}),
            "/filter/to",
            "not_later",
        ),
        (
            json!({"field": "created", "after": "2026-11-01", "before": "2026-11-01"}),
            "/filter/before",
            "not_later",
        ),
        (
            json!({"field": "last_visit", "from": "today", "to": "-1 month"}),
            "/filter/to",
            "not_later",
        ),
        (
            json!({"visited": "Lyon", "from": "2026-11-10", "to": "2026-11-01"}),
            "/filter/to",
            "not_later",
        ),
        (json!({"field": "score", "from": 3, "to": 1}), "/filter/to", "not_later"),
        (
            json!({"field": "last_visit", "from": "2026-11-01", "after": "2026-11-02"}),
            "/filter/from",
            "not_beside",
        ),
        (
            json!({"field": "last_visit", "from": "today", "until": "today"}),
            "/filter/until",
            "unknown_value",
        ),
        (
            json!({"field": "last_name", "is": "Martin", "in": ["Durand"]}),
            "/filter/is",
            "not_beside",
        ),
        (
            json!({"field": "birthday", "from": "2026-11-01", "to": "2026-11-10"}),
            "/filter/from",
            "unknown_value",
        ),
    ] {
        assert_eq!(first_fault(&filter), (pointer.to_owned(), code), "{filter}");
    }
}

#[test]
fn what_a_field_cannot_be_asked_is_told_by_its_own_words() {
    let allowed_of = |filter: Value| {
        let faults = Filter::read(&filter, "").unwrap_err();
        let crate::fault::FieldProblem::UnknownValue { allowed } = faults[0].problem else {
            panic!("{faults:?}");
        };
        allowed
    };
    for untested in [
        json!({"field": "last_visit"}),
        json!({"field": "last_visit", "within": 3}),
        json!({"field": "last_visit", "from": "today", "contains": "x"}),
    ] {
        assert_eq!(
            allowed_of(untested),
            ["is", "before", "after", "from", "to", "empty"],
            "the words of days"
        );
    }
    assert_eq!(allowed_of(json!({"field": "score"})), ["is", "from", "to"]);
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
        assert_eq!(first_fault(&filter), (pointer.to_owned(), code), "{filter}");
    }
    let mut deep = json!({});
    (0..20).for_each(|_| deep = json!({ "not": deep }));
    assert_eq!(Filter::read(&deep, "").unwrap_err()[0].problem.code(), "too_deep");
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
    let became = bench.people.upsert(TENANT, &given, (None, None)).await.unwrap();
    let outcomes: Vec<_> = became.iter().map(|became| became.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Updated, Outcome::Updated, Outcome::Created, Outcome::Created]
    );
    assert_eq!(became[2].id, became[3].id, "given twice, it is one");
    let hugo = bench.people.contact(TENANT, became[1].id).await.unwrap();
    assert_eq!(hugo.details.first_name, "Hugo");
    assert_eq!(hugo.details.number, Some(Recipient(33_611_111_111)));
    let again = bench.people.upsert(TENANT, &given[..2], (None, None)).await.unwrap();
    assert!(
        again.iter().all(|became| became.outcome == Outcome::Unchanged),
        "{again:?}"
    );
    assert_eq!(bench.people.attributes(TENANT).await.unwrap(), ["Étage", "Ville"]);
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

/// The pointers at which a filter, or what has one, is refused for a list that is gone.
fn gone<T: std::fmt::Debug>(refused: Result<T, PeopleFault>) -> Vec<String> {
    match refused {
        Err(PeopleFault::Fields(faults)) => {
            assert!(
                faults.iter().all(|fault| fault.problem.code() == "unknown_value"),
                "{faults:?}"
            );
            faults.into_iter().map(|fault| fault.pointer).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_filter_that_names_a_list_that_is_gone_means_nobody_else() {
    let bench = some_people().await;
    let people = &bench.people;
    let there = people.make_list(TENANT, "Marathon").await.unwrap().id.to_string();
    let lost = people.make_list(TENANT, "Perdue").await.unwrap().id;
    let theirs = people.make_list(TenantId(8), "Marathon").await.unwrap().id.to_string();
    let is = |list: &str| json!({ "field": "list", "is": list });
    let lost_id = lost.to_string();
    let audience = json!({
        "filter": { "all": [{ "not": is(&lost_id) }, { "field": "list", "in": [there, lost_id] }] },
        "exclude": { "filter": { "any": [is(&there), is(&lost_id)] } },
    });
    let audience = Audience::read(audience.as_object().unwrap()).unwrap();
    let of_segment = people
        .keep_segment(TENANT, "Sans elle", &json!({ "not": is(&lost_id) }))
        .await
        .unwrap()
        .id;
    let of_segment = json!({ "segments": [of_segment.to_string()] });
    let of_segment = Audience::read(of_segment.as_object().unwrap()).unwrap();
    people.meant(TENANT, &audience).await.unwrap();
    people.meant(TENANT, &of_segment).await.unwrap();

    people.forget_list(TENANT, lost).await.unwrap();
    let refused = gone(people.meant(TENANT, &audience).await);
    assert_eq!(
        refused,
        ["/audience/filter/all/0/not/is", "/audience/filter/all/1/in/1"]
    );
    assert_eq!(gone(people.meant(TENANT, &of_segment).await), ["/audience/segments/0"]);
    let excluded = json!({ "filter": {}, "exclude": { "filter": is(&lost_id) } });
    let excluded = Audience::read(excluded.as_object().unwrap()).unwrap();
    assert_eq!(
        gone(people.meant(TENANT, &excluded).await),
        ["/audience/exclude/filter/is"]
    );
    // Neither may a new filter name one that never was the tenant's.
    let segment = people
        .keep_segment(TENANT, "x", &json!({ "any": [is(&there), is(&theirs)] }))
        .await;
    assert_eq!(gone(segment), ["/filter/any/1/is"]);
    let filter = json!({ "not": is(&lost_id) });
    let variant = people.check_filter(TENANT, (&filter, "/variants/2/filter")).await;
    assert_eq!(gone(variant), ["/variants/2/filter/not/is"]);
}

#[tokio::test]
async fn a_withdrawal_is_ended_only_by_what_was_given_after_it() {
    let bench = some_people().await;
    let people = &bench.people;
    let day = Duration::from_secs(86_400);
    let now = people.now();
    let zoe = person("Zoé", "Lefèvre", 1);
    let agree = async |at| {
        let proof = Proof {
            wording: "J'accepte.".to_owned(),
            source: "accueil".to_owned(),
            ..Proof::default()
        };
        people.consent(TENANT, &zoe, (&proof, at)).await.unwrap()
    };
    let said = |given, at| Said {
        given,
        at,
        source: String::new(),
        wording: String::new(),
    };
    let agrees = async || bench.meant(&json!({ "field": "consent", "is": true })).await == ["Zoé"];
    let id = agree(now.minus(9 * day)).await.contact;
    let file = async |of: Said| people.said(TENANT, &[(id, &of)]).await.unwrap().len();
    assert!(agrees().await);
    people.withdraw_consents(TENANT, id).await.unwrap();

    // The same file again, one without dates, and one that was kept before: nobody agrees by these.
    assert_eq!(
        file(said(true, Some(now.minus(9 * day)))).await,
        0,
        "it is known, and was withdrawn"
    );
    assert_eq!(file(said(true, None)).await, 0, "it does not say when");
    assert_eq!(file(said(true, Some(now.minus(5 * day)))).await, 1, "kept, and over");
    let late = agree(now.minus(3 * day)).await;
    assert!(late.withdrawn_at.is_some(), "{late:?}");
    assert!(!agrees().await);
    let kept = people.consents_of(TENANT, id).await.unwrap();
    assert!(
        kept.len() == 3 && kept.iter().all(|consent| consent.withdrawn_at.is_some()),
        "{kept:?}"
    );

    // What is given afterwards holds, until it is withdrawn by a file.
    agree(people.now()).await;
    assert!(agrees().await);
    assert_eq!(file(said(false, None)).await, 1);
    assert!(!agrees().await);
    assert_eq!(file(said(true, None)).await, 0);
    let after = people.now();
    assert_eq!(file(said(true, Some(after))).await, 1);
    assert!(agrees().await);
}

#[tokio::test]
async fn a_file_says_of_somebody_who_never_agreed_that_they_want_no_advertising() {
    let bench = some_people().await;
    let people = &bench.people;
    let given = person("Hugo", "D'Amato", 2);
    let id = people
        .upsert(TENANT, std::slice::from_ref(&given), (None, None))
        .await
        .unwrap()[0]
        .id;
    let no = Said {
        given: false,
        at: None,
        source: String::new(),
        wording: String::new(),
    };
    assert!(!people.contact(TENANT, id).await.unwrap().is_opposed());
    assert_eq!(people.said(TENANT, &[(id, &no)]).await.unwrap(), [id]);
    assert!(people.contact(TENANT, id).await.unwrap().is_opposed());
    assert_eq!(people.said(TENANT, &[(id, &no)]).await.unwrap(), [], "it is known");
}

#[tokio::test]
async fn who_withdraws_what_nobody_knew_of_does_not_agree_by_an_older_form() {
    let bench = some_people().await;
    let people = &bench.people;
    let given = person("Hugo", "D'Amato", 2);
    let id = people
        .upsert(TENANT, std::slice::from_ref(&given), (None, None))
        .await
        .unwrap()[0]
        .id;
    assert_eq!(people.withdraw_consents(TENANT, id).await.unwrap(), 0);
    let before = people.now().minus(Duration::from_secs(60));
    let proof = Proof::default();
    assert!(
        people
            .consent(TENANT, &given, (&proof, before))
            .await
            .unwrap()
            .withdrawn_at
            .is_some()
    );
    assert!(bench.meant(&json!({ "field": "consent", "is": true })).await.is_empty());
}

#[tokio::test]
async fn who_has_a_reference_is_known_without_it_and_who_had_none_gets_theirs() {
    let bench = some_people().await;
    let people = &bench.people;
    let known = people.count(TENANT, &Filter::EVERYBODY).await.unwrap();
    let one = async |given: Given| people.upsert(TENANT, &[given], (None, None)).await.unwrap()[0];
    let referred = |reference: &str, given: Given| Given {
        reference: Some(reference.to_owned()),
        ..given
    };
    // Known by a reference, and named by a form without it.
    let hugo = one(referred("P-2", Given::default())).await;
    let form = one(person("HUGO", "d’amato", 2)).await;
    assert_eq!(hugo.id, form.id);
    // Another of that number, and the same name under another number, are others.
    assert_eq!(one(person("Léa", "D'Amato", 2)).await.outcome, Outcome::Created);
    assert_eq!(one(person("Hugo", "D'Amato", 5)).await.outcome, Outcome::Created);
    // Known without a reference; the clinic's software has one.
    let zoe = one(person("Zoé", "Lefèvre", 1)).await;
    let with = one(referred("P-1", person("Zoe", "LEFEVRE", 1))).await;
    assert_eq!((zoe.id, with.outcome), (with.id, Outcome::Updated));
    assert_eq!(one(person("Zoé", "Lefèvre", 1)).await.id, zoe.id);
    // A second one of the same number and names has another reference: somebody else.
    assert_eq!(
        one(referred("P-9", person("Zoé", "Lefèvre", 1))).await.outcome,
        Outcome::Created
    );
    // In one request as well, in either order.
    let both = [
        referred("P-7", person("Tom", "Petit", 7)),
        person("TOM", "Petit", 7),
        person("Ada", "Petit", 7),
        referred("P-8", person("Ada", "Petit", 7)),
    ];
    let became = people.upsert(TENANT, &both, (None, None)).await.unwrap();
    assert_eq!((became[0].id, became[2].id), (became[1].id, became[3].id));
    assert_eq!(people.count(TENANT, &Filter::EVERYBODY).await.unwrap(), known + 5);
    // A number alone is nobody's name.
    let number = Given {
        first_name: None,
        last_name: None,
        ..person("", "", 8)
    };
    assert_ne!(one(number.clone()).await.id, one(referred("P-10", number)).await.id);
}

#[tokio::test]
async fn a_file_says_where_people_were_last_and_what_they_agreed_to() {
    let bench = some_people().await;
    let people = &bench.people;
    let proof = Proof {
        wording: "Oui,\nj'accepte.".to_owned(),
        source: "accueil".to_owned(),
        ..Proof::default()
    };
    let id = people
        .consent(TENANT, &person("Zoé", "Lefèvre", 1), (&proof, people.now()))
        .await
        .unwrap()
        .contact;
    let all = people
        .search((TENANT, &Filter::EVERYBODY), ContactId(0), 10)
        .await
        .unwrap();
    let beside = people.beside(&all).await.unwrap();
    assert_eq!(beside.last_practice(id), Some("Lyon 3ᵉ"));
    assert_eq!(beside.consent(id), Some(("accueil", "Oui,\nj'accepte.")));
    let ana = all
        .iter()
        .find(|contact| contact.details.first_name == "Ana")
        .unwrap()
        .id;
    assert_eq!((beside.last_practice(ana), beside.consent(ana)), (None, None));
}

#[tokio::test]
async fn what_an_earlier_version_compared_is_made_anew_at_the_start() {
    let bench = some_people().await;
    let mut change = bench.people.database.change().await.unwrap();
    let old = r#"UPDATE contact SET to_refold = 1, attributes_folded = '{"etage":"3"}' WHERE first_name = 'Zoé'"#;
    change.run(Sql::new(old)).await.unwrap();
    change.commit().await.unwrap();
    let of = |value: &str| json!({ "field": "attributes.etage", "is": value });
    assert_eq!(bench.meant(&of("3")).await, ["Hugo", "Zoé"]);
    assert_eq!(bench.people.refold().await.unwrap(), 1);
    assert_eq!(bench.people.refold().await.unwrap(), 0);
    assert_eq!(bench.meant(&of("3")).await, ["Hugo"]);
    assert_eq!(bench.meant(&of("-3")).await, ["Zoé"]);
}
