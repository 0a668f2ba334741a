//! The systems that are known, one file or folder each.

mod crm;
pub mod desk;
pub mod freshdesk;
pub mod hubspot;
pub mod intercom;
pub mod mapping;
pub mod pylon;
pub mod salesforce;
pub mod stripe;
pub mod zendesk;

use crate::Kind;

/// Every kind that `kind:` can name.
pub const KINDS: &[Kind] = &[
    // Help desks.
    zendesk::KIND,
    freshdesk::KIND,
    intercom::KIND,
    pylon::KIND,
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
