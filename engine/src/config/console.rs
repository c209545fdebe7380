//! What arguments and the environment say to the commands that ask an engine.

use std::path::PathBuf;
use std::time::Duration;

/// `CAMPANILE_ADMIN`: where the operators' listener is, as `--admin` says it.
const ADMIN: &str = "CAMPANILE_ADMIN";

/// `CAMPANILE_OPERATOR_KEY`: the operator's key.
const KEY: &str = "CAMPANILE_OPERATOR_KEY";

/// `CAMPANILE_API` and `CAMPANILE_KEY`: where tenants ask, and the key of one.
const API: &str = "CAMPANILE_API";
const TENANT_KEY: &str = "CAMPANILE_KEY";

/// `CAMPANILE_RESELLER_KEY`: the key of whoever hosts tenants.
const RESELLER_KEY: &str = "CAMPANILE_RESELLER_KEY";

/// `CAMPANILE_ADMIN_CA`, `CAMPANILE_ADMIN_CERTIFICATE` and `CAMPANILE_ADMIN_KEY`: as the arguments of the same names.
const ADMIN_CA: &str = "CAMPANILE_ADMIN_CA";
const ADMIN_CERTIFICATE: &str = "CAMPANILE_ADMIN_CERTIFICATE";
const ADMIN_KEY: &str = "CAMPANILE_ADMIN_KEY";

/// Anything in it: no colours (no-color.org).
const NO_COLOR: &str = "NO_COLOR";

/// Of the environment, what commands go by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Console {
    pub(crate) admin: Option<String>,
    pub(crate) key: Option<super::Secret>,
    pub(crate) api: Option<String>,
    pub(crate) tenant_key: Option<super::Secret>,
    pub(crate) reseller_key: Option<super::Secret>,
    /// The authorities of its certificate.
    pub(crate) admin_ca: Option<PathBuf>,
    /// What is shown to it.
    pub(crate) admin_certificate: Option<PathBuf>,
    pub(crate) admin_key: Option<PathBuf>,
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
                API => console.api = Some(value),
                TENANT_KEY => console.tenant_key = Some(super::Secret::new(value)),
                RESELLER_KEY => console.reseller_key = Some(super::Secret::new(value)),
                ADMIN_CA => console.admin_ca = Some(value.into()),
                ADMIN_CERTIFICATE => console.admin_certificate = Some(value.into()),
                ADMIN_KEY => console.admin_key = Some(value.into()),
                NO_COLOR => console.plain = true,
                _ => {}
            }
        }
        console
    }
}

/// A time, as an argument.
pub(crate) fn time(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "a time is wanted, such as 500ms, 60s or 2m")
}

/// A whole number from 1 to `MAX`, as an argument.
pub(crate) fn count<N: TryFrom<u32>, const MAX: u32>(text: &str) -> Result<N, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX).contains(count));
    let count = count.and_then(|count| N::try_from(count).ok());
    count.ok_or_else(|| format!("a whole number from 1 to {MAX} is wanted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_is_not_meant_is_told_what_is_wanted() {
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert!(time("soon").unwrap_err().contains("such as 500ms"));
        assert_eq!(count::<u16, 600>("600"), Ok(600));
        for text in ["0", "601", "many", "-1", ""] {
            let said = count::<u16, 600>(text).unwrap_err();
            assert_eq!(said, "a whole number from 1 to 600 is wanted", "{text}");
        }
    }

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
