//! The closed sets of words of the contract. None is a string past the edge.

/// Milliseconds since the epoch in UTC, or a length of wall time in milliseconds.
pub type Millis = i64;

/// A closed set of words.
pub(crate) trait Words: Copy + 'static {
    /// Every word, in order.
    const ALL: &'static [Self];
    /// The word as it stands in records.
    fn word(self) -> &'static str;
    /// The variant that this word stands for.
    fn from_word(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each is the word that it is written as")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every word, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word as it stands in records, rules and labels.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The variant that this word, as written, stands for.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl $crate::words::Words for $name {
            const ALL: &'static [$name] = $name::ALL;

            fn word(self) -> &'static str {
                $name::word(self)
            }

            fn from_word(word: &str) -> Option<$name> {
                $name::from_word(word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Where a ticket stands. The first four are open.
    Status { New = "new", Open = "open", Pending = "pending", OnHold = "on_hold", Solved = "solved", Closed = "closed" }
}

impl Status {
    /// Whether somebody still works on the ticket.
    pub const fn is_open(self) -> bool {
        matches!(self, Status::New | Status::Open | Status::Pending | Status::OnHold)
    }
}

words! {
    /// How pressing a ticket is; ordered, the most pressing last.
    Priority { Low = "low", Normal = "normal", High = "high", Urgent = "urgent" }
}
words! {
    /// Who opened a ticket, wrote a message or changed something.
    Author { Customer = "customer", Agent = "agent", Bot = "bot", System = "system" }
}
words! {
    /// Who has the ticket in hand.
    HandledBy { Bot = "bot", Team = "team" }
}
words! {
    /// How an account's payments stand.
    BillingState {
        Trialing = "trialing", Current = "current", PastDue = "past_due", Unpaid = "unpaid", Canceled = "canceled",
        Paused = "paused",
    }
}
words! {
    /// Which way an account's plan last went.
    PlanChange { Upgraded = "upgraded", Downgraded = "downgraded" }
}
words! {
    /// What a command wants.
    CommandKind {
        Escalate = "escalate", Acknowledge = "acknowledge", Snooze = "snooze", DeEscalate = "de_escalate",
        Resolve = "resolve", ForgetAccount = "forget_account",
    }
}
words! {
    /// What happened to an escalation.
    EscalationKind {
        Opened = "opened", Raised = "raised", Joined = "joined", Moved = "moved", Acknowledged = "acknowledged",
        Snoozed = "snoozed", Unsnoozed = "unsnoozed", TargetMissed = "target_missed", DeEscalated = "de_escalated",
        Resolved = "resolved", Retracted = "retracted",
    }
}

words! {
    /// What an SLA clock measures; the last is a clock of an escalation, all others are of a ticket.
    SlaMetric {
        FirstReply = "first_reply", NextReply = "next_reply", PeriodicUpdate = "periodic_update",
        PausableUpdate = "pausable_update", RequesterWait = "requester_wait", AgentWork = "agent_work",
        Resolution = "resolution", EscalationSla = "escalation_sla",
    }
}

impl SlaMetric {
    /// Those that a policy has targets for.
    pub const OF_TICKET: [SlaMetric; 7] = [
        SlaMetric::FirstReply,
        SlaMetric::NextReply,
        SlaMetric::PeriodicUpdate,
        SlaMetric::PausableUpdate,
        SlaMetric::RequesterWait,
        SlaMetric::AgentWork,
        SlaMetric::Resolution,
    ];

    /// Whether its clock runs from the ticket's creation, stands still while it is solved, and goes on when it is
    /// reopened.
    pub const fn runs_from_creation(self) -> bool {
        matches!(self, SlaMetric::RequesterWait | SlaMetric::AgentWork | SlaMetric::Resolution)
    }
}

words! {
    /// How an SLA target ended.
    SlaEventKind { Met = "met", Breached = "breached", Cancelled = "cancelled" }
}

/// A date, or an instant. A date is midnight in the account's zone, else in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrInstant {
    /// Days since 1970-01-01.
    Date(i32),
    /// An instant.
    Instant(Millis),
}
