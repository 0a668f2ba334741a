//! By what a CRM or a billing system knows its companies beside their ids.

use crate::identity::Identifier;
use crate::{Basics, Json, Reading};

/// What a property of a vendor's holds, if it tells who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Domains, one or several with semicolons between; also the address of a website.
    Domains,
    /// The address of somebody there.
    Mail,
    /// The id that another system has of it.
    External,
}

/// The id itself, which another system may keep: long enough that it is this vendor's.
const OWN_ID: &str = "id";
const SHORTEST_OWN: usize = 8;

/// Tells what these properties hold now: the name of each, what it holds, its value. Untold ones say nothing.
pub fn identify<'j>(
    basics: &Basics,
    company: &str,
    properties: impl IntoIterator<Item = (&'static str, Held, Json<'j>)>,
    reading: &mut Reading,
) {
    let own = (company.len() >= SHORTEST_OWN).then(|| Identifier::external(company)).flatten();
    basics.identify(company, OWN_ID, [own], reading);
    for (name, held, value) in properties.into_iter().filter(|(_, _, value)| value.is_told()) {
        let id = value.id();
        let text = id.as_deref().unwrap_or_default();
        let holds: Vec<_> = match held {
            Held::Domains => text.split(';').map(Identifier::domain).collect(),
            Held::Mail => vec![Identifier::of_mail(text)],
            Held::External => vec![Identifier::external(text)],
        };
        basics.identify(company, name, holds, reading);
    }
}
