use std::collections::BTreeSet;

use super::*;
use crate::api::{documented, reader};

fn all() -> Routes {
    documented().and(reader::routes(reader::Served::default()))
}

#[test]
fn every_operation_is_documented_whole() {
    let mut ids = BTreeSet::new();
    for (_, operation) in all().operations {
        let path = operation.path;
        assert!(ids.insert(operation.id), "{path}: {} is there twice", operation.id);
        assert!(!operation.summary.is_empty() && !operation.answers.is_empty(), "{path}");
        let named: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
        let described: Vec<&str> = operation.path_parameters.iter().map(|part| part.name).collect();
        assert_eq!(described, named, "{path}");
    }
}

#[test]
fn the_document_is_the_same_each_time() {
    assert_eq!(all().document(), all().document());
}

#[test]
fn what_is_given_may_be_left_out_and_is_not_null() {
    let document = all().document();
    let order = &document["components"]["schemas"]["CampaignOrder"];
    assert_eq!(order["properties"]["validity"]["type"], "integer", "{order}");
    let required = order["required"].as_array().unwrap();
    assert!(!required.iter().any(|field| field == "validity"), "{order}");
    let campaign = &document["components"]["schemas"]["Campaign"];
    assert_eq!(campaign["properties"]["validity"]["type"][1], "null", "{campaign}");
}
