//! `[[route]]`.

use super::*;

/// Three SMSCs, of which the second one only receives and the third is a simulator.
const TWO: &str = r#"[[smsc]]
name = "north"
address = "h:1"
system_id = "c"
password = ""
[[smsc]]
name = "ear"
address = "h:1"
system_id = "c"
password = ""
bind = "receiver"
[[smsc]]
name = "bench"
address = "h:1"
system_id = "c"
password = ""
sandbox = true
"#;

#[test]
fn a_route_says_which_messages_go_where() {
    let tenant = TenantId(7);
    let text = format!(
        "{TWO}[[route]]\nname = \"fr\"\nprefixes = [\"33\"]\npurposes = [\"marketing\"]\nsenders = [\"OSTEO\"]\ntenants = \
         [\"{tenant}\"]\nsmscs = [{{ name = \"north\", priority = 2 }}]\n"
    );
    let config = parse(&text).unwrap();
    let north = Choice {
        name: "north".to_owned(),
        priority: 2,
        weight: None,
    };
    let route = Route {
        name: "fr".to_owned(),
        prefixes: vec!["33".to_owned()],
        tenants: vec![tenant],
        purposes: vec![Purpose::Marketing],
        senders: vec!["OSTEO".to_owned()],
        smscs: vec![north],
        countries: Countries::default(),
        prefer: None,
    };
    assert_eq!(config.route, [route]);
}

#[test]
fn a_route_that_leads_nowhere_is_a_fault() {
    for (lines, expected) in [
        ("name = \"a\"", "route[0].smscs: missing"),
        ("smscs = [\"north\"]", "route[0].name: missing"),
        ("name = \"a\"\nsmscs = []", "route[0].smscs: [] is not allowed"),
        ("name = \"a\"\nsmscs = [\"south\"]", "\"south\" is no [[smsc]]"),
        ("name = \"a\"\nsmscs = [\"ear\"]", "\"ear\" is bound as a receiver"),
        ("name = \"a\"\nsmscs = [\"north\", \"north\"]", "\"north\" stands twice"),
        ("name = \"a\"\nsmscs = [\"bench\"]", "\"bench\" is a sandbox"),
        (
            "name = \"a\"\nsmscs = [{ name = \"north\", priority = 0 }]",
            "priority = 1 to 100",
        ),
        (
            "name = \"a\"\nsmscs = [{ name = \"north\", weight = 2 }]",
            "\"north\" has a weight, and priority 1",
        ),
        (
            "name = \"a\"\nsmscs = [{ name = \"north\", weight = 101 }]",
            "weight = 1 to 100",
        ),
        (
            "name = \"a\"\nsmscs = [{ name = \"north\", weigth = 1 }]",
            "is not allowed",
        ),
        (
            "name = \"a\"\nsmscs = [\"north\"]\npurposes = [\"spam\"]",
            "route[0].purposes: [\"spam\"] is not allowed: a list of 1 to 1000, such as [\"marketing\"]; allowed words are marketing and",
        ),
        (
            "name = \"a\"\nsmscs = [\"north\"]\ntenants = [\"7\"]",
            "route[0].tenants",
        ),
        (
            "name = \"a\"\nsmscs = [\"north\"]\nsenders = [\"\"]",
            "route[0].senders",
        ),
        (
            "name = \"a\"\nsmscs = [\"north\"]\nprefixes = [\"+\"]",
            "route[0].prefixes",
        ),
        (
            "name = \"a\"\nsmscs = [\"north\"]\ncountries = [\"FR\", \"XX\"]",
            "1 to 250 countries by their two letters",
        ),
        (
            "name = \"a\"\nsmscs = [\"north\"]\nprefer = \"dearest\"",
            "one of cheapest, quality",
        ),
        (
            "name = \"a\"\nsmscs = [\"north\"]\nprefer = \"cheapest\"",
            "\"north\" has no [[smsc.price]]",
        ),
    ] {
        let found = faults(&format!("{TWO}[[route]]\n{lines}\n"));
        assert_eq!(found.len(), 1, "{lines}: {found:?}");
        assert!(found[0].contains(expected), "{lines}: {found:?}");
    }
    let both = TWO.replacen("password = \"\"", "password = \"\"\nprefixes = [\"33\"]", 1);
    let found = faults(&format!("{both}[[route]]\nname = \"a\"\nsmscs = [\"north\"]\n"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("beside smsc.prefixes"), "{found:?}");
}

/// Two SMSCs with these prices.
fn priced(north: &str, south: &str) -> String {
    let smsc = |name: &str, prices: &str| {
        format!(
            "[[smsc]]\nname = \"{name}\"\naddress = \"h:1\"\nsystem_id = \"c\"\npassword = \"\"\nprice = [{prices}]\n"
        )
    };
    let route = "[[route]]\nname = \"fr\"\nprefer = \"cheapest\"\ncountries = [\"FR\", \"RE\"]\nsmscs = [\"north\", \"south\"]\n";
    format!("{}{}{route}", smsc("north", north), smsc("south", south))
}

#[test]
fn a_route_may_prefer_the_cheapest_by_prices_with_dates() {
    let euros = "{ per_segment = \"0.05\", currency = \"EUR\" }";
    let dated = "{ prefix = \"33\", until = \"2026-07-01\", per_segment = \"0.04\", currency = \"EUR\" }, \
                 { prefix = \"33\", from = \"2026-07-01T00:00:00Z\", per_segment = \"0.06\", currency = \"EUR\" }";
    let config = parse(&priced(euros, dated)).unwrap();
    let route = &config.route[0];
    assert_eq!(
        (route.prefer, &route.countries),
        (Some(Prefer::Cheapest), &"FR,RE".parse().unwrap())
    );
    let july = UnixMicros(1_782_864_000_000_000);
    let classes = route.classes(&config.smsc);
    let ranks: Vec<_> = classes
        .iter()
        .map(|class| (&class.prefixes[0][..], &class.ranks[..]))
        .collect();
    let zero = UnixMicros::default();
    assert_eq!(
        ranks,
        [
            ("", &[(zero, vec![0, 1])][..]),
            ("33", &[(zero, vec![1, 0]), (july, vec![0, 1])][..])
        ]
    );
}

#[test]
fn prices_that_overlap_leave_gaps_or_cannot_be_compared_are_faults() {
    let euros = "{ per_segment = \"0.05\", currency = \"EUR\" }";
    let price = |more: &str| format!("{{ per_segment = \"0.05\", currency = \"EUR\", {more} }}");
    let two = |first: &str, second: &str| format!("{}, {}", price(first), price(second));
    for (south, expected) in [
        (
            "{ per_segment = 0.05, currency = \"EUR\" }".to_owned(),
            "price[0].per_segment: 0.05 is not allowed: a decimal in quotes",
        ),
        (
            "{ per_segment = \"0.0000001\", currency = \"EUR\" }".to_owned(),
            "at most 6 digits",
        ),
        ("{ per_segment = \"0.05\" }".to_owned(), "price[0].currency: missing"),
        ("{ currency = \"EUR\" }".to_owned(), "price[0].per_segment: missing"),
        (
            "{ per_segment = \"0.05\", currency = \"euro\" }".to_owned(),
            "three capital letters",
        ),
        (price("prefix = \"+\""), "price[0].prefix"),
        (
            price("from = \"July\""),
            "price[0].from: \"July\" is not allowed: a day",
        ),
        (
            price("from = \"2026-07-01\", until = \"2026-06-01\""),
            "price[0].until: \"2026-06-01\" is not allowed: it must be later",
        ),
        (
            two("prefix = \"33\"", "prefix = \"33\", from = \"2026-07-01\""),
            "price[1].from: \"2026-07-01\" is not allowed: the price before it for this prefix has no until",
        ),
        (
            two("until = \"2026-07-02\"", "from = \"2026-07-01\""),
            "holds until 2026-07-02T00:00:00Z",
        ),
        (
            two("until = \"2026-06-30\"", "from = \"2026-07-01\""),
            "from 2026-06-30T00:00:00Z on, there would be no price",
        ),
        (
            two("from = \"2026-07-01\"", "until = \"2026-07-01\""),
            "stand in the order of their times",
        ),
        (
            format!(
                "{}, {{ prefix = \"1\", per_segment = \"1\", currency = \"USD\" }}",
                price("prefix = \"33\"")
            ),
            "the prices before it are in EUR",
        ),
        (
            "{ per_segment = \"0.05\", currency = \"USD\" }".to_owned(),
            "\"north\" has prices in EUR, \"south\" in USD",
        ),
    ] {
        let found = faults(&priced(euros, &south));
        assert!(found.iter().any(|fault| fault.contains(expected)), "{south}: {found:?}");
    }
}
