//! What the environment says to the commands that ask an engine.

/// `CAMPANILE_ADMIN`: where the operators' listener is, as `--admin` says it.
const ADMIN: &str = "CAMPANILE_ADMIN";

/// `CAMPANILE_OPERATOR_KEY`: the operator's key.
const KEY: &str = "CAMPANILE_OPERATOR_KEY";

/// Anything in it: no colours (no-color.org).
const NO_COLOR: &str = "NO_COLOR";

/// Of the environment, what commands go by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Console {
    pub(crate) admin: Option<String>,
    pub(crate) key: Option<super::Secret>,
    /// Nothing is to be coloured.
    pub(crate) plain: bool,
}

impl Console {
    /// Of this process's environment.
    pub(crate) fn of_environment() -> Self {
        Self::of(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// What is empty counts as not set.
    fn of(variables: impl Iterator<Item = (String, String)>) -> Self {
        let mut console = Self::default();
        for (name, value) in variables.filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                ADMIN => console.admin = Some(value),
                KEY => console.key = Some(super::Secret::new(value)),
                NO_COLOR => console.plain = true,
                _ => {}
            }
        }
        console
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_not_set() {
        let of = |pairs: &[(&str, &str)]| {
            Console::of(
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
            )
        };
        let console = of(&[(ADMIN, "http://h:1"), (KEY, "op"), (NO_COLOR, "1"), ("PATH", "/")]);
        assert_eq!(console.admin.as_deref(), Some("http://h:1"));
        assert!(console.plain && console.key.is_some_and(|key| key.reveal() == "op"));
        assert_eq!(of(&[(ADMIN, ""), (KEY, ""), (NO_COLOR, "")]), Console::default());
    }
}
