//! The SLA clocks of a ticket: which policy applies, where each clock stands, and what of it has been told.
//!
//! Where a clock stands follows from the conversation ([`crate::marks`]), from the ticket's statuses ([`statuses`]) and
//! from the policy, whenever it is asked for ([`run`]). Kept is only what does not follow: which policy applies since
//! when, what had elapsed when a target changed ([`change`]), and what went out to `sla-events` ([`tell`]).
//! SEMANTICS §5.
//!
//! What must never be in here: what a rule makes of a clock.

mod change;
mod former;
mod hours;
mod missed;
mod policies;
mod run;
mod settle;
mod statuses;
mod tell;

use smallvec::SmallVec;
use tierline_model::{Millis, SlaMetric};
use tierline_rules::{Reads, RuleSet, Topic};

pub(crate) use former::{By, Former};
pub(crate) use hours::{OldCalendar, past_hours};
pub(crate) use policies::{More, OldEditions, OldPolicies, Recorded};
pub(crate) use run::{Run, Standing};
pub(crate) use statuses::Statuses;
pub(crate) use tell::Telling;

/// What is kept of a ticket's clocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Clocks {
    pub statuses: Statuses,
    /// The policy that applies; `None`: none has been looked for.
    pub policy: Option<Applied>,
    /// Which targets counted before the present ones, oldest first.
    pub former: Vec<Former>,
    /// What had been used of clocks by those.
    pub carried: Vec<Carried>,
    /// What went out, by metric.
    pub told: SmallVec<[Told; 1]>,
    /// The clock of the open escalation, or of the last.
    pub escalation: Option<OfEscalation>,
    /// The earliest instant at which something of it is due that has not been noted; `MAX`: none. Derived.
    pub due: Millis,
    /// When another policy may apply though no record comes; `MAX`: never. Derived.
    pub reconsider: Millis,
    /// The earliest breach that is noted and waits for stragglers; `MAX`: none. Derived.
    pub waits: Millis,
}

/// Which policy applies to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    /// By its place; `None`: none applies.
    pub policy: Option<u16>,
    pub since: Millis,
    /// One above it is undecided.
    pub provisional: bool,
}

/// What one cycle of a clock had used when its target changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    pub metric: SlaMetric,
    /// Of the cycle that started then.
    pub started: Millis,
    pub at: Millis,
    /// Milliseconds of the clock's own time.
    pub used: Millis,
    /// Up to when, and how much, is not counted again: what came before followed hours that nobody keeps.
    pub base: (Millis, Millis),
    /// It started anew at that instant.
    pub anew: bool,
}

/// What of a metric went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub metric: SlaMetric,
    /// How many cycles there were before the present one.
    pub cycle: u32,
    /// The start of the cycle that runs; `None`: none does.
    pub started: Option<Millis>,
    /// When it is due, or was; `None`: it has no target.
    pub due: Option<Millis>,
    /// That it was not in time.
    pub breach: Option<Breach>,
    /// Up to here all cycles are over.
    pub ended: Millis,
}

/// A target that was not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// When it was due.
    pub at: Millis,
    pub by: Applied,
    /// The target has changed since: it stays as it was.
    pub stands: bool,
    /// It went out, or was passed over in silence.
    pub told: bool,
}

/// The response clock of an escalation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OfEscalation {
    /// When it started: when the escalation came to its tier.
    pub since: Millis,
    /// How often one had started on the ticket before.
    pub cycle: u32,
    pub course: Course,
    /// What had become of the one that ran until the escalation was raised: a late event may take the raise back.
    pub before: Course,
}

/// What has become of the clock of an escalation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Course {
    /// It runs, or what ended it is among its ticket's own messages.
    #[default]
    Runs,
    /// That it was missed went out, or was passed over.
    Missed,
    /// An agent had answered in time on the ticket that the escalation came from.
    Answered,
}

impl OfEscalation {
    /// The one that starts on a ticket after `last`.
    pub fn after(last: Option<OfEscalation>, since: Millis) -> OfEscalation {
        let (cycle, before) = last.map_or_else(Default::default, |last| (last.cycle + 1, last.course));
        OfEscalation { since, cycle, course: Course::Runs, before }
    }
}

/// What the policies in force want to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    /// The metrics that some policy has a target for, or had one before.
    pub metrics: Vec<SlaMetric>,
    /// What their conditions read.
    pub reads: Reads,
    /// Whether one may apply, or not, though no record comes.
    pub timed: bool,
    /// Whether their conditions read what tickets the account has.
    pub windows: bool,
    /// There are any, or were.
    pub any: bool,
    /// When tickets were solved and reopened is asked for: by clocks, or by a rule.
    pub solved: bool,
}

impl Policies {
    pub fn of(set: &RuleSet) -> Policies {
        let all = || set.policies.iter().chain(set.past_policies.iter().map(|past| &past.policy));
        let has = |metric: &SlaMetric| all().any(|policy| !policy.targets[*metric as usize].is_empty());
        let reads = set.policies.iter().fold(Reads::default(), |reads, policy| reads.with(policy.reads()));
        Policies {
            metrics: SlaMetric::OF_TICKET.into_iter().filter(has).collect(),
            reads,
            windows: reads.reads(Topic::Tickets),
            timed: set.policies.iter().any(tierline_rules::SlaPolicy::is_timed),
            any: all().next().is_some(),
            solved: !set.policies.is_empty() || set.rules.iter().any(|rule| rule.reads().reads(Topic::Solved)),
        }
    }
}

impl Clocks {
    pub fn new() -> Clocks {
        Clocks { due: Millis::MAX, reconsider: Millis::MAX, waits: Millis::MAX, ..Clocks::default() }
    }

    /// When the ticket next wants attention because of them; `MAX`: never.
    pub fn bound(&self) -> Millis {
        self.due.min(self.reconsider)
    }

    pub fn carried(&self, metric: SlaMetric, started: Millis) -> Option<&Carried> {
        self.carried.iter().find(|carried| carried.metric == metric && carried.started == started)
    }

    /// Whether there is nothing in it.
    pub fn is_idle(&self) -> bool {
        let Clocks { statuses, policy, former, carried, told, escalation, .. } = self;
        let none_changed = former.is_empty() && carried.is_empty();
        statuses.is_empty() && policy.is_none() && none_changed && told.is_empty() && escalation.is_none()
    }
}
