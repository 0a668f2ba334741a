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

use std::sync::Arc;

use tierline_rules::source::{Diagnostics, Keys, Source, parse};

use crate::source::Source as System;
use crate::{Basics, Kind};

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

/// A source that nobody has configured, by its kind's word and with that for a name: it has no secret and no options.
/// [`None`]: there is no such kind, or it can't be without options.
pub fn unconfigured(word: &str) -> Option<Arc<dyn System>> {
    let mut found = Diagnostics::default();
    let nothing = parse(&Source::new(word, "{}"), &mut found)?;
    let mut keys = Keys::of(&nothing, "a source", &mut found)?;
    (kind(word)?.build)(Basics { name: word.to_owned(), ..Basics::default() }, &mut keys, &mut found)
}

/// The kind that a word names.
pub fn kind(word: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.word == word)
}
