//! Where a tenant's people are, when their numbers do not say so: mobiles of metropolitan France have no region.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// A part of a country that has public holidays of its own, and no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Territory {
    /// Bas-Rhin, Haut-Rhin and Moselle: Good Friday and 26 December as well (Code du travail, L3134-13).
    AlsaceMoselle,
}

impl Territory {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API and in the store.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    /// The zone of the rules that it is a part of, by its numbers, and its own.
    pub(crate) const fn zones(self) -> (&'static str, &'static str) {
        match self {
            Self::AlsaceMoselle => ("fr", "fr-alsace-moselle"),
        }
    }
}
