//! No route of the public listener is without its documentation.

use crate::source::rust_below;

/// The only file that gives axum a route of that listener.
const DECLARES: &str = "engine/src/api/doc/mod.rs";

/// Where the operators' listener has its own.
const OPERATORS: &str = "engine/src/api/mod.rs";

#[test]
fn routes_come_with_their_documentation() {
    let gives = [
        ".route(",
        ".route_service(",
        ".nest(",
        ".nest_service(",
        ".fallback_service(",
    ];
    for file in rust_below("engine/src/api") {
        if file.path == DECLARES || file.path.contains("/tests") {
            continue;
        }
        let text = match file.path.as_str() {
            OPERATORS => {
                let (before, behind) = file.text.split_once("fn admin(").expect("the operators' routes");
                let (_, behind) = behind.split_once("\n}\n").expect("their end");
                [before, behind].concat()
            }
            _ => file.text,
        };
        let given = gives.iter().find(|call| text.contains(**call));
        assert_eq!(given, None, "{}: see engine/src/api/doc/mod.rs", file.path);
    }
}
