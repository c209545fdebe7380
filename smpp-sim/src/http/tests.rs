use std::collections::BTreeSet;

use serde_json::Value;

use super::{OPENAPI, routes};

#[test]
fn the_document_has_every_route_and_no_other() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let described: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let served: BTreeSet<_> = routes().into_iter().map(|(path, _)| path).collect();
    assert_eq!(described, served);
}
