//! What sources of accounts share: which of a vendor's properties tells which field, how its values are written, and
//! what is remembered of a company between payloads, so that single properties in any order give a whole.

mod company;
mod envelope;
mod identity;
mod properties;
mod values;

pub use company::{Company, Said};
pub use envelope::{readable, unwrapped};
pub use identity::{Held, identify};
pub use properties::{Of, Properties, Property};

use crate::Json;

/// Whether there is a value that says something.
pub fn said(json: Json<'_>) -> bool {
    json.is_told() && !json.is_empty()
}

/// The id of what may stand there whole or by its id alone.
pub fn id_of(json: Json<'_>) -> Option<String> {
    json.id().or_else(|| json.get("id").id()).map(std::borrow::Cow::into_owned)
}
