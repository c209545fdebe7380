//! What becomes of a message, decided by (seed, recipient, attempt) and by nothing else. Begin with [`Dealer`], who is
//! asked once for every submit.

mod attempts;
mod deck;
mod dealer;
#[cfg(test)]
mod tests;

pub(crate) use attempts::Attempts;
pub(crate) use dealer::{Concatenation, Dealer};
