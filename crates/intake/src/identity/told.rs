//! What a payload tells of who is who.

use tierline_model::Millis;

use super::{Aliases, Decision, Fact, Identifier, Identity, Says};

/// What a payload tells of who is who.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A field of an identity holds these identifiers now, and no others.
    Has {
        /// Whose.
        of: Identity,
        /// Which field: what the source calls it.
        field: &'static str,
        /// What it holds.
        identifiers: Vec<Identifier>,
    },
    /// An identity was merged into another of its source, which goes on in its place.
    GoesOn {
        /// The one that is gone.
        of: Identity,
        /// The source's id of the other.
        heir: String,
    },
}

impl Told {
    /// The fact that it is, as of `now`; none: that is known, or a person has said otherwise.
    pub fn fact(&self, aliases: &Aliases, now: Millis) -> Option<Fact> {
        match self {
            // Of persons the topic would be full of those who have free mail.
            Told::Has { of, field, identifiers } => {
                let counts = |one: &&Identifier| !of.is_person() || !aliases.is_free(one);
                aliases.tell(of, field, identifiers.iter().filter(counts).cloned().collect(), now)
            }
            Told::GoesOn { of, heir } => {
                let heir = Identity::new(&of.source, heir);
                let decision = Decision {
                    account: Some(of.to_string()),
                    by: of.source.clone(),
                    reason: Some(format!("{of} was merged into it")),
                    at: now,
                };
                let is_open = aliases.decided(&heir).is_none() && aliases.configured(&heir).is_none();
                is_open.then_some(Fact { of: heir, says: Says::Decided(Some(decision)) })
            }
        }
    }
}
