//! What a cue speaks of: its name in explanations, and what it says of the risk.

/// What a cue speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A word of the general lexicon.
    General,
    /// Disapproval, disappointment, anger.
    Anger,
    /// How staff behaved, or did not.
    Service,
    /// Something that should have happened and did not: late, lost, cancelled.
    Disruption,
    /// Something does not work.
    Outage,
    /// Time that passed for the customer.
    Waiting,
    /// Not for the first time.
    Repeated,
    /// The customer thinks of leaving.
    Cancellation,
    /// Somebody else would do better.
    Competitor,
    /// A lawyer, a court, an authority, the press.
    Legal,
    /// Charges, refunds, fees.
    Money,
    /// Fraud, debt collection, credit reports.
    Fraud,
    /// Somebody higher up is asked for.
    Superior,
    /// It cannot wait.
    Urgency,
    /// Content, praise.
    Praise,
    /// Thanks.
    Thanks,
    /// It is solved.
    Resolved,
    /// A neutral request or question.
    Request,
    /// A word whose weight a company's own labels taught.
    Learned,
    /// Small words that complaints or praise have more of. Too small to be shown.
    Wording,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 20] = [
        Kind::General,
        Kind::Anger,
        Kind::Service,
        Kind::Disruption,
        Kind::Outage,
        Kind::Waiting,
        Kind::Repeated,
        Kind::Cancellation,
        Kind::Competitor,
        Kind::Legal,
        Kind::Money,
        Kind::Fraud,
        Kind::Superior,
        Kind::Urgency,
        Kind::Praise,
        Kind::Thanks,
        Kind::Resolved,
        Kind::Request,
        Kind::Learned,
        Kind::Wording,
    ];

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::General => "general",
            Kind::Anger => "anger",
            Kind::Service => "service",
            Kind::Disruption => "disruption",
            Kind::Outage => "outage",
            Kind::Waiting => "waiting",
            Kind::Repeated => "repeated contact",
            Kind::Cancellation => "cancellation",
            Kind::Competitor => "competitor",
            Kind::Legal => "legal",
            Kind::Money => "money",
            Kind::Fraud => "fraud",
            Kind::Superior => "superior wanted",
            Kind::Urgency => "urgency",
            Kind::Praise => "praise",
            Kind::Thanks => "thanks",
            Kind::Resolved => "resolved",
            Kind::Request => "request",
            Kind::Learned => "learned",
            Kind::Wording => "wording",
        }
    }

    /// The kind that a data file names by its first word.
    pub(crate) fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name().split(' ').next() == Some(name))
    }

    /// What the first cue of this kind adds to the log-odds of an escalation, beside what its weight says.
    pub(crate) fn risk(self) -> f64 {
        match self {
            Kind::Legal => 2.4,
            Kind::Cancellation => 2.1,
            Kind::Fraud => 1.6,
            Kind::Superior => 1.5,
            Kind::Competitor | Kind::Urgency => 1.1,
            Kind::Repeated => 1.0,
            Kind::Outage => 0.8,
            Kind::Waiting | Kind::Money => 0.3,
            Kind::Resolved => -1.2,
            _ => 0.0,
        }
    }

    /// Whether `not` before it turns it round. What happened to somebody stays happened.
    pub(crate) fn turns(self) -> bool {
        matches!(self, Kind::General | Kind::Anger | Kind::Praise | Kind::Thanks | Kind::Resolved | Kind::Cancellation)
    }
}
