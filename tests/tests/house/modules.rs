//! A package's modules, what the code of each names, and which module a name leads to. Test code is left out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, UseTree};

use crate::source::rust_below;

/// From the package's root; empty for `lib.rs`.
pub(crate) type ModulePath = Vec<String>;

/// One file.
pub(crate) struct Module {
    pub(crate) path: ModulePath,
    pub(crate) file: String,
    /// Every path that begins with `crate`, `super` or `self`, from the package's root.
    named: BTreeSet<ModulePath>,
    /// What a name that this module has from elsewhere stands for.
    taken: HashMap<String, ModulePath>,
    /// Every word of the code; one that begins a path of another package has `::` behind it.
    words: BTreeSet<String>,
}

impl Module {
    /// The first word of its path: `bind` of `bind/driver.rs`; `lib` for the root.
    pub(crate) fn top(&self) -> &str {
        self.path.first().map_or("lib", String::as_str)
    }

    /// Whether the code has that word: `TcpStream`, or `redis::` at the beginning of a path.
    pub(crate) fn says(&self, word: &str) -> bool {
        self.words.contains(word)
    }
}

/// All modules below a folder with a `lib.rs`.
pub(crate) struct Package {
    pub(crate) modules: BTreeMap<ModulePath, Module>,
}

impl Package {
    /// The package whose sources lie in `folder`, such as `engine/src`. Programs of their own are left out.
    pub(crate) fn read(folder: &str) -> Self {
        let mut modules = BTreeMap::new();
        for file in rust_below(folder) {
            let inner = file.path[folder.len() + 1..].trim_end_matches(".rs");
            let mut path: ModulePath = inner.split('/').map(str::to_owned).collect();
            let is_test = path.iter().any(|part| part == "tests");
            if is_test || path[0] == "bin" || path == ["main"] {
                continue;
            }
            if path.last().is_some_and(|last| last == "mod" || last == "lib") {
                path.pop();
            }
            let module = Module::read(path.clone(), file.path, &file.text);
            modules.insert(path, module);
        }
        Self { modules }
    }

    /// The modules that a module names, itself left out.
    pub(crate) fn imports<'a>(&'a self, module: &'a Module) -> BTreeSet<&'a ModulePath> {
        let leads = module.named.iter().map(|path| self.leads_to(path, 0));
        leads.filter(|path| **path != module.path).collect()
    }

    /// The module in which a path ends, through what modules have from elsewhere.
    fn leads_to(&self, path: &[String], steps: usize) -> &ModulePath {
        let mut at = &self.modules[&Vec::new()];
        for (place, name) in path.iter().enumerate() {
            if let Some(child) = self.modules.get(&path[..=place]) {
                at = child;
                continue;
            }
            // Somebody else's name stays where it was taken; ten steps are more than any name takes.
            if let Some(origin) = at.taken.get(name).filter(|_| steps < 10) {
                let through = [origin.as_slice(), &path[place + 1..]].concat();
                return self.leads_to(&through, steps + 1);
            }
            break;
        }
        &at.path
    }
}

impl Module {
    fn read(path: ModulePath, file: String, text: &str) -> Self {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let items: Vec<Item> = parsed.items.into_iter().filter(|item| !is_test(item)).collect();
        let mut module = Self {
            path,
            file,
            named: BTreeSet::new(),
            taken: HashMap::new(),
            words: BTreeSet::new(),
        };
        let children = items.iter().filter_map(|item| {
            let Item::Mod(child) = item else { return None };
            Some(child.ident.to_string())
        });
        let children: BTreeSet<String> = children.collect();
        for item in &items {
            module.look_at(item.to_token_stream());
            if let Item::Use(import) = item {
                module.take(&import.tree, &children, Vec::new());
            }
        }
        module
    }

    /// Notes all words, and all paths within the package.
    fn look_at(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.look_at(group.stream()),
                TokenTree::Ident(word) => {
                    let word = word.to_string();
                    let begins = at < 2 || !(is_colon(tokens.get(at - 1)) && is_colon(tokens.get(at - 2)));
                    if begins && ["crate", "super", "self"].contains(&word.as_str()) {
                        let mut found = Vec::new();
                        paths(&tokens[at..], Vec::new(), &mut found);
                        let found = found.iter().filter(|path| path.len() > 1);
                        let absolute: Vec<_> = found.map(|path| self.absolute(path)).collect();
                        self.named.extend(absolute);
                    }
                    if begins && is_colon(tokens.get(at + 1)) && is_colon(tokens.get(at + 2)) {
                        self.words.insert(format!("{word}::"));
                    }
                    self.words.insert(word);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// Notes what the names of a `use` stand for.
    fn take(&mut self, tree: &UseTree, children: &BTreeSet<String>, before: ModulePath) {
        let with = |name: &syn::Ident| [before.as_slice(), &[name.to_string()]].concat();
        let (path, name) = match tree {
            UseTree::Path(step) => return self.take(&step.tree, children, with(&step.ident)),
            UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|item| self.take(item, children, before.clone()));
            }
            UseTree::Glob(_) => return,
            UseTree::Name(name) => (with(&name.ident), name.ident.to_string()),
            UseTree::Rename(renamed) => (with(&renamed.ident), renamed.rename.to_string()),
        };
        let own = children.contains(&path[0]);
        if own {
            self.named.insert([self.path.as_slice(), &path].concat());
            self.taken.insert(name, [self.path.as_slice(), &path].concat());
        } else if ["crate", "super", "self"].contains(&path[0].as_str()) && name != "self" {
            self.taken.insert(name, self.absolute(&path));
        }
    }

    /// `super::wire` in `bind/driver.rs` is `bind::wire`.
    fn absolute(&self, path: &[String]) -> ModulePath {
        let mut base = self.path.clone();
        let mut rest = path;
        while let Some((first, behind)) = rest.split_first() {
            match first.as_str() {
                "crate" => base.clear(),
                "super" => drop(base.pop()),
                "self" => {}
                _ => break,
            }
            rest = behind;
        }
        base.extend(rest.iter().cloned());
        base
    }
}

/// The paths at the front of `tokens`: several, where one ends in braces.
fn paths(tokens: &[TokenTree], before: ModulePath, found: &mut Vec<ModulePath>) {
    let mut path = before;
    let mut rest = tokens;
    loop {
        match rest.first() {
            Some(TokenTree::Ident(word)) => path.push(word.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                for item in inner.split(is_comma).filter(|item| !item.is_empty()) {
                    paths(item, path.clone(), found);
                }
                return;
            }
            _ => break,
        }
        if !(is_colon(rest.get(1)) && is_colon(rest.get(2))) {
            break;
        }
        rest = &rest[3..];
    }
    found.push(path);
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "items of other kinds are not only for tests here"
)]
fn is_test(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    attributes
        .iter()
        .any(|attribute| attribute.to_token_stream().to_string().replace(' ', "") == "#[cfg(test)]")
}

#[test]
fn names_are_found_in_every_form() {
    let text = "use crate::domain::Id; use crate::{clock, store::{Keys, lanes}};\nuse super::super::config::Smsc;\n\
                use super::window;\n// use crate::api;\nuse redis::Client as Connection;\n\
                fn f() { crate::metrics::count(); other::rules::<u8>(); log!(\"crate::quoted\", crate::macros::x); }\n\
                #[cfg(test)]\nmod tests {\n use crate::dispatch; }\n";
    let module = Module::read(vec!["bind".into(), "session".into()], "bind/session.rs".into(), text);
    let named: Vec<String> = module.named.iter().map(|path| path.join("::")).collect();
    assert_eq!(
        named,
        [
            "bind::window",
            "clock",
            "config::Smsc",
            "domain::Id",
            "macros::x",
            "metrics::count",
            "store::Keys",
            "store::lanes"
        ]
    );
    assert!(module.says("redis::") && module.says("Connection") && !module.says("quoted") && !module.says("rules::"));
    assert_eq!(module.taken["Keys"], ["store", "Keys"]);
}
