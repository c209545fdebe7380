use std::time::Duration;

use serde_json::json;

use super::*;

/// What `read` makes of a text, or the faults, one line each.
fn read<T>(text: &str, read: impl FnOnce(&Table<'_>) -> T) -> Result<T, Vec<String>> {
    read_with(text, &[], read)
}

/// The same with variables of the environment.
fn read_with<T>(
    text: &str,
    environment: &[(&str, &str)],
    read: impl FnOnce(&Table<'_>) -> T,
) -> Result<T, Vec<String>> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let source = Source::new(text, "dir/x.toml").overridden("KIT", environment.collect::<Vec<_>>());
    let found = source.parse().and_then(|document| source.read(&document, read));
    found.map_err(|faults| faults.0.iter().map(ToString::to_string).collect())
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn values_come_as_they_were_given_and_defaults_for_the_rest() {
    let text = "text = 'a'\nwhole = 0x10\nnumber = 1\nflag = true\ntime = '1m 30s'\nword = 'b'\nwords = ['b', 'a']\n";
    let words = &[("a", 1), ("b", 2)];
    let found = read(text, |root| {
        assert_eq!(root.text("text").as_deref(), Some("a"));
        assert_eq!(
            (root.integer("whole", 0..=255u8, 0), root.integer("absent", 0..=9u64, 3)),
            (16, 3)
        );
        assert_eq!(
            (
                root.number("number", 0.0..=2.0, 0.0),
                root.number("none", 0.0..=2.0, 0.5)
            ),
            (1.0, 0.5)
        );
        assert!(root.boolean("flag", false) && root.boolean("other_flag", true));
        assert_eq!(root.duration("time", SECOND..=99 * SECOND, SECOND), 90 * SECOND);
        assert_eq!(root.choice("word", words), Some(2));
        assert_eq!(root.choices("words", words), Some(vec![2, 1]));
        assert_eq!(root.texts("words"), Some(vec!["b".to_owned(), "a".to_owned()]));
        assert_eq!(root.file_beside("other.csv").to_str(), Some("dir/other.csv"));
        root.finish();
    });
    assert_eq!(found, Ok(()));
}

#[test]
fn every_fault_comes_at_once_in_the_order_of_the_file() {
    let text = "[[smsc]]\nwidnow = 3\nrate = 9\n[[smsc]]\nname = 'long'\n[api]\nlisten = [1,\n2]\n";
    let found = read(text, |root| {
        root.table("api").text("listen");
        for smsc in root.tables("smsc", 1) {
            smsc.integer("window", 1..=10u32, 5);
            smsc.integer("rate", 1..=5u32, 5);
            smsc.required("name", "a name");
            smsc.fault("", "is odd");
            smsc.finish();
        }
        root.fault_in("list.csv", 7, "recipient", "is odd, too");
        root.finish();
    });
    let expected = [
        "dir/x.toml:1: smsc[0].name: missing: a name",
        "dir/x.toml:1: smsc[0]: is odd",
        "dir/x.toml:1: smsc: 2 are too many: at most 1",
        "dir/x.toml:2: smsc[0].widnow: unknown key; did you mean \"window\"?",
        "dir/x.toml:3: smsc[0].rate: 9 is not allowed: a whole number from 1 to 5",
        "dir/x.toml:7: api.listen: [1, 2] is not allowed: a string",
        "list.csv:7: recipient: is odd, too",
    ];
    assert_eq!(found.unwrap_err(), expected);
}

#[test]
fn what_is_no_toml_is_said_line_by_line_and_nothing_else_is() {
    let found = read("a = \n[b\nc = 1\n", |root| root.required("d", "a word")).unwrap_err();
    assert!(
        found.len() >= 2 && found[0].starts_with("dir/x.toml:1: not TOML: "),
        "{found:?}"
    );
    assert!(found[1].starts_with("dir/x.toml:2: not TOML: "), "{found:?}");
}

#[test]
fn a_key_that_stands_twice_is_named() {
    let found = read("a = 1\nbe = 2\nbe = 3\n", |_| ()).unwrap_err();
    assert!(
        found[0].starts_with("dir/x.toml:3: not TOML: ") && found[0].contains("\"be\""),
        "{found:?}"
    );
}

#[test]
fn tables_are_tables_and_arrays_have_two_brackets() {
    let found = read("[smsc]\n", |root| root.tables("smsc", 9).len());
    assert_eq!(
        found.unwrap_err(),
        ["dir/x.toml:1: smsc: [smsc] is not allowed: write [[smsc]], with two brackets"]
    );
    let found = read("smsc = [{}, 3]\napi = 3\n", |root| {
        (root.tables("smsc", 9).len(), root.table("api").has("x"))
    });
    let expected = [
        "dir/x.toml:1: smsc[1]: 3 is not allowed: a table",
        "dir/x.toml:2: api: 3 is not allowed: a table",
    ];
    assert_eq!(found.unwrap_err(), expected);
}

#[test]
fn the_environment_goes_before_the_file() {
    let environment = [
        ("KIT__REDIS__PARTITIONS", "4"),
        ("KIT__SMSC__0__PREFIXES", "33, 32"),
        ("KITTEN", "x"),
    ];
    let found = read_with("[[smsc]]\n[redis]\npartitions = 2\n", &environment, |root| {
        let smsc = &root.tables("smsc", 9)[0];
        (
            root.table("redis").integer("partitions", 1..=64u16, 1),
            smsc.texts("prefixes").unwrap().len(),
        )
    });
    assert_eq!(found, Ok((4, 2)));

    let environment = [("KIT__REDIS__PARTITIONS", "many"), ("KIT__REDIS__PARTITION", "1")];
    let found = read_with("", &environment, |root| {
        root.table("redis").integer("partitions", 1..=64u16, 1)
    });
    let expected = [
        "environment KIT__REDIS__PARTITION: overrides no key; did you mean KIT__REDIS__PARTITIONS?",
        "environment KIT__REDIS__PARTITIONS: redis.partitions: \"many\" is not allowed: a whole number from 1 to 64",
    ];
    assert_eq!(found.unwrap_err(), expected);
}

#[test]
fn a_secret_is_not_shown() {
    let found = read("password = 12345\n", |root| {
        root.secret("password", "a string", Given::text).is_some()
    });
    assert_eq!(
        found.unwrap_err(),
        ["dir/x.toml:1: password: what was given (not shown here) is not allowed: a string"]
    );
}

#[test]
fn a_table_over_another_takes_from_it_what_it_does_not_say() {
    let text = "seed = 5\n[answer]\ndelay = 1\nwindow = 1\n[[phase]]\n[phase.answer]\ndelay = 2\nwindwo = 3\n";
    let found = read(text, |root| {
        let phase = &root.tables("phase", 9)[0];
        let whole = phase.over(root, &["phase"]);
        let answer = whole.table("answer");
        assert_eq!(
            (
                answer.integer("delay", 0..=9u8, 0),
                answer.integer("window", 0..=9u8, 0)
            ),
            (2, 1)
        );
        assert_eq!((whole.integer("seed", 0..=9u8, 0), whole.has("phase")), (5, false));
        answer.finish();
        whole.finish();
    });
    assert_eq!(
        found.unwrap_err(),
        ["dir/x.toml:8: phase[0].answer.windwo: unknown key; did you mean \"window\"?"]
    );
}

#[test]
fn keys_that_are_data_come_as_entries() {
    let found = read("[recipients]\n336 = 'ok'\n337 = 5\n", |root| {
        let recipients = root.table("recipients");
        for (number, given) in recipients.entries() {
            if given.text().is_none() {
                recipients.fault(number, "must be a name");
            }
        }
    });
    assert_eq!(found.unwrap_err(), ["dir/x.toml:3: recipients.337: must be a name"]);
}

#[test]
fn the_schema_has_every_key_that_is_asked_for() {
    let schema = schema(|root| {
        root.required("name", "a name");
        root.text("name");
        root.integer("seed", 0..=u64::MAX, 1);
        root.table("answer").duration("delay", Duration::ZERO..=SECOND, SECOND);
        for smsc in root.tables("smsc", 9) {
            smsc.choice("bind", &[("receiver", ())]);
            smsc.finish();
        }
        root.finish();
    });
    let expected = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": { "duration": schema["$defs"]["duration"] },
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": { "type": "string" },
            "seed": { "type": "integer", "minimum": 0 },
            "answer": { "type": "object", "properties": { "delay": { "$ref": "#/$defs/duration" } } },
            "smsc": { "type": "array", "items": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "bind": { "enum": ["receiver"] } },
            } },
        },
    });
    assert_eq!(schema, expected);
}
