//! What is told of a ticket's open escalation to whoever asks: by whom it was opened and raised, and what its last
//! record said.

use tierline_model::{EscalationKind, Millis};
use uuid::Uuid;

use crate::ticket::{FiringKind, Open, Said};

/// An open escalation.
#[derive(Clone, Debug, PartialEq)]
pub struct Escalated {
    /// Its id.
    pub id: Uuid,
    /// 2 or 3.
    pub tier: u8,
    /// When it was opened.
    pub opened_at: Millis,
    /// Since when it has been at its tier.
    pub at_tier_since: Millis,
    /// What opened it, raised it and joined, newest last: as much of that as is kept.
    pub fired: Vec<Fired>,
    /// What its last record said; none: a version wrote it that did not keep that.
    pub last: Option<LastSaid>,
    /// When somebody took it.
    pub acknowledged_at: Option<Millis>,
    /// Who did.
    pub acknowledged_by: Option<String>,
    /// Until when nobody wants to hear of it, unless a rule raises it.
    pub snoozed_until: Option<Millis>,
}

/// A rule, or a person, that opened or raised it, or joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// Opened, raised or joined.
    pub kind: EscalationKind,
    /// The rule's id; none: a person.
    pub rule: Option<String>,
}

/// The last record of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LastSaid {
    /// Which kind.
    pub kind: EscalationKind,
    /// The rule's id, if one caused it.
    pub rule: Option<String>,
    /// Why, as a sentence.
    pub reason: String,
    /// The person who caused it, if one did and was named.
    pub by: Option<String>,
    /// When it became true.
    pub at: Millis,
}

impl Escalated {
    /// What is kept of it.
    pub(crate) fn of(open: &Open) -> Escalated {
        let fired = open.firings.iter().map(|firing| Fired { kind: firing.what.into(), rule: firing.rule.clone() });
        Escalated {
            id: open.id,
            tier: open.tier,
            opened_at: open.opened_at,
            at_tier_since: open.at_tier_since,
            fired: fired.collect(),
            last: open.said.as_deref().and_then(LastSaid::of),
            acknowledged_at: open.acknowledged_at,
            acknowledged_by: open.acknowledged_by.clone(),
            snoozed_until: open.snoozed_until,
        }
    }
}

impl LastSaid {
    fn of(said: &Said) -> Option<LastSaid> {
        Some(LastSaid {
            kind: EscalationKind::ALL.get(usize::from(said.kind)).copied()?,
            rule: said.rule.clone(),
            reason: said.reason.clone(),
            by: said.by.clone(),
            at: said.became_true_at,
        })
    }
}

impl From<FiringKind> for EscalationKind {
    fn from(what: FiringKind) -> EscalationKind {
        match what {
            FiringKind::Opened => EscalationKind::Opened,
            FiringKind::Raised => EscalationKind::Raised,
            FiringKind::Joined => EscalationKind::Joined,
        }
    }
}
