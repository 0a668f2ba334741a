//! The systems that are known, one file or folder each.

mod crm;
pub mod hubspot;
pub mod mapping;
pub mod salesforce;
pub mod stripe;

use crate::Kind;

/// Every kind that `kind:` can name.
pub const KINDS: &[Kind] = &[
    // Help desks.

    // Customer relations and billing.
    hubspot::KIND,
    salesforce::KIND,
    stripe::KIND,
    // Anything else.
    mapping::KIND,
];

/// The kind that a word names.
pub fn kind(word: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.word == word)
}
