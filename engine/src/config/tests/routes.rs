//! `[[route]]`.

use super::*;

/// Two SMSCs, of which the second one only receives, in ten lines.
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
            "route[0].purposes",
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
