//! Imports go strictly down, and some names belong to one module.

use crate::source::{SourceFile, code_only, rust_below};

/// The engine's modules from the ground up; a module imports from lower rows only. `lib` and `main` wire them together.
const LAYERS: [&[&str]; 13] = [
    &["domain", "fault"],
    &["config", "metrics", "clock", "shutdown"],
    &["store", "compose", "rules", "pressure"],
    &["account", "audience", "bind", "guard"],
    &["campaign", "outcome", "notify"],
    &["receipt"],
    &["api", "console", "dispatch"],
    &["settle"],
    &["run"],
    &["demo"],
    &["cli"],
    &["lib"],
    &["main"],
];

/// Though the layers would allow it: `bind` hands over what happened as a value, and the store knows no wire format.
const NEVER: [(&str, &str); 2] = [("bind", "store"), ("store", "smpp")];

/// A path's first name, or a type, and the modules of the engine that alone may say it.
const OWNED: [(&str, &[&str]); 3] = [
    ("redis::", &["store"]),
    ("axum::", &["api", "console"]),
    ("TcpStream", &["bind"]),
];

/// Pure modules: what they compute does not wait for anything.
const PURE: [&str; 2] = ["domain", "rules"];

/// Packages that may name rusmpp.
const RUSMPP_OWNER: &str = "smpp/";

#[test]
fn the_engines_imports_go_strictly_down() {
    let mut faults = Vec::new();
    for file in rust_below("engine/src") {
        let module = module_of(&file.path);
        let Some(own_layer) = layer_of(&module) else {
            faults.push(format!(
                "{}: the module {module} stands in no layer: add it to the table and to ARCHITECTURE.md",
                file.path
            ));
            continue;
        };
        for imported in imports_of(&file) {
            match layer_of(&imported) {
                _ if imported == module => {}
                Some(layer) if layer < own_layer => {}
                Some(_) => faults.push(format!(
                    "{}: {module} imports {imported}, which is not below it",
                    file.path
                )),
                // A name of the crate's root (a re-export, a macro): only those who stand above may use it.
                None if own_layer >= LAYERS.len() - 2 => {}
                None => faults.push(format!(
                    "{}: {module} imports {imported}, which is no module of the table",
                    file.path
                )),
            }
            if NEVER.contains(&(module.as_str(), imported.as_str())) {
                faults.push(format!("{}: {module} may never import {imported}", file.path));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn names_are_said_by_their_owners_alone() {
    let mut faults = Vec::new();
    for file in rust_below("engine/src") {
        let module = module_of(&file.path);
        let code = code_only(file.product_text());
        for (name, owners) in OWNED {
            if says(&code, name) && !owners.contains(&module.as_str()) {
                faults.push(format!("{}: only {owners:?} may say {name}", file.path));
            }
        }
        for (importer, package) in NEVER {
            if module == importer && says(&code, &format!("{package}::")) {
                faults.push(format!("{}: {importer} may never say {package}::", file.path));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn pure_modules_have_no_async() {
    for file in rust_below("engine/src") {
        let code = code_only(file.product_text());
        let waits = says(&code, "async") || code.contains(".await");
        assert!(
            !waits || !PURE.contains(&module_of(&file.path).as_str()),
            "{} is pure, and says async",
            file.path
        );
    }
}

#[test]
fn only_smpp_names_rusmpp() {
    for file in rust_below("") {
        let named = says(&code_only(&file.text), "rusmpp");
        assert!(
            !named || file.path.starts_with(RUSMPP_OWNER),
            "{} names rusmpp",
            file.path
        );
    }
}

/// `engine/src/bind/session.rs` → `bind`.
fn module_of(path: &str) -> String {
    module_path(path).into_iter().next().unwrap_or_else(|| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.trim_end_matches(".rs").to_owned()
    })
}

/// `engine/src/bind/session.rs` → `[bind, session]`; empty for `lib.rs` and `main.rs`.
fn module_path(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("engine/src/").trim_end_matches(".rs");
    let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if parts
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        parts.pop();
    }
    parts
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The modules of the engine that a file names: by `crate::…`, or by `super::…` where that reaches the root.
fn imports_of(file: &SourceFile) -> Vec<String> {
    let code = code_only(file.product_text());
    let depth = module_path(&file.path).len();
    let mut heads = Vec::new();
    for start in word_positions(&code, "crate::") {
        heads.extend(path_heads(&code[start + "crate::".len()..]));
    }
    if depth > 0 {
        let to_root = "super::".repeat(depth);
        for start in word_positions(&code, &to_root) {
            let behind = &code[start + to_root.len()..];
            // Not itself the end of a longer climb, which would not compile.
            heads.extend(path_heads(behind));
        }
    }
    heads
}

/// `a::b` → `a`; `{a::b, c::{d, e}}` → `a`, `c`.
fn path_heads(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return identifier(path).into_iter().collect();
    };
    let mut heads = Vec::new();
    let mut depth = 1;
    let mut item_starts = true;
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => item_starts = true,
            _ if depth == 1 && item_starts && !char.is_whitespace() => {
                heads.extend(identifier(&group[at..]));
                item_starts = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

fn identifier(text: &str) -> Option<String> {
    let end = text.find(|char: char| !is_word(char)).unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Whether the code says `name` as a word of its own: not as the end of a longer name or path.
fn says(code: &str, name: &str) -> bool {
    word_positions(code, name).any(|at| {
        let behind = code[at + name.len()..].chars().next();
        name.ends_with(':') || !behind.is_some_and(is_word)
    })
}

fn word_positions<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(|at| {
        let before = code[..*at].chars().next_back();
        !before.is_some_and(|char| is_word(char) || char == ':' || char == '.')
    })
}

#[test]
fn imports_are_found_in_every_form() {
    let file = SourceFile {
        path: "engine/src/bind/session.rs".to_owned(),
        text: "use crate::domain::Id;\nuse crate::{clock, store::{Keys, lanes}};\nuse super::super::config::Smsc;\nuse super::window;\n\
               // use crate::api;\nfn f() { crate::metrics::count(); other_crate::rules(); }\n#[cfg(test)]\nmod tests { use crate::dispatch; }\n"
            .replace("mod tests { use", "mod tests {\nuse"),
    };
    assert_eq!(imports_of(&file), ["domain", "clock", "store", "metrics", "config"]);
    assert!(
        says("let s: TcpStream;", "TcpStream")
            && !says("MyTcpStream", "TcpStream")
            && !says("config.redis.url", "redis::")
    );
}
