//! How much time must pass, and by whose hours: `2h`, or `{ for: 2h, calendar: emea }`. SEMANTICS 4.2.

use tierline_model::Millis;
use tierline_sla::{Calendar, Pauses};

use crate::scope::{Calendars, Scope};
use crate::source::{self, Key, Keys, Kind, Node, codes};
use crate::{ALWAYS, Age, Dated, Facts, Lasting, NEVER, Reach, Reads, Topic, Truth, text};

/// A length of time by somebody's hours.
#[derive(Debug)]
pub(super) struct Lapse {
    /// Milliseconds of those hours.
    length: Millis,
    by: Hours,
}

/// When time passes.
#[derive(Debug)]
enum Hours {
    /// Around the clock.
    All,
    /// While a team works.
    Of {
        name: String,
        calendar: Calendar,
        /// Among those of the rule set.
        place: usize,
    },
    /// In the hours of the ticket's SLA policy.
    Policys,
}

/// When so much time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The first such instant.
    pub at: Millis,
    /// Since when those have been the hours.
    since: Millis,
}

/// What a ticket's policy is called where a calendar is named.
const POLICY: &str = "policy";

impl Lapse {
    /// A duration, or `{ for: 2h, calendar: emea }`.
    pub(super) fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Lapse> {
        let what = format!("`{}`", key.text);
        if !matches!(value.kind, Kind::Map(_)) {
            return Some(Lapse { length: source::duration(value, &what, scope.found)?, by: Hours::All });
        }
        let mut keys = Keys::of(value, &what, scope.found)?;
        let lapse = Lapse::of(&mut keys, &what, scope);
        keys.finish(scope.found);
        lapse
    }

    /// `for` and `calendar` among other keys.
    pub(super) fn of(keys: &mut Keys<'_>, what: &str, scope: &mut Scope<'_>) -> Option<Lapse> {
        let written = keys.required("for", scope.found);
        let length = written.and_then(|node| source::duration(node, what, scope.found));
        let by = keys.optional("calendar").map_or(Some(Hours::All), |node| Hours::parse(node, scope));
        let (written, length, by) = (written?, length?, by?);
        if !matches!(by, Hours::All) && written.scalar().is_some_and(|scalar| scalar.text.trim().ends_with('d')) {
            scope
                .found
                .mistake(codes::DURATION, &written.span, format!("{what} is counted in hours where it has a calendar"))
                .label("a day of business time has no one length")
                .help(format!("write `{}h`, in business hours", length / 3_600_000));
            return None;
        }
        Some(Lapse { length, by })
    }

    /// What its length depends on.
    pub(super) fn reads(&self) -> Reads {
        match self.by {
            Hours::Policys => Reads::default().and(Topic::Sla),
            Hours::All | Hours::Of { .. } => Reads::default(),
        }
    }

    /// The same, where what was solved does not count.
    pub(super) fn reads_while_open(&self) -> Reads {
        match self.by {
            Hours::All => self.reads(),
            Hours::Of { .. } | Hours::Policys => self.reads().and(Topic::Solved),
        }
    }

    /// When it has passed since an instant; [`None`]: no policy says by which hours.
    pub(super) fn due(&self, facts: &dyn Facts, from: Millis) -> Option<Due> {
        self.due_without(facts, from, &Pauses::default())
    }

    /// When it has passed since a ticket's creation, what was solved not counted.
    pub(super) fn due_while_open(&self, facts: &dyn Facts, age: Age) -> Option<Due> {
        match self.by {
            Hours::All => self.due(facts, age.created_at.saturating_add(age.solved_for)),
            Hours::Of { .. } | Hours::Policys => self.due_without(facts, age.created_at, &facts.solved()),
        }
    }

    fn due_without(&self, facts: &dyn Facts, from: Millis, pauses: &Pauses) -> Option<Due> {
        let (calendar, since) = match &self.by {
            Hours::All => (&Calendar::Always, ALWAYS),
            Hours::Of { calendar, place, .. } => (facts.calendar(*place).unwrap_or(calendar), ALWAYS),
            Hours::Policys => facts.policy_calendar()?,
        };
        Some(Due { at: calendar.due_with(from, self.length, pauses), since })
    }

    /// *2 hours*, *2 hours of emea's business time*.
    pub(super) fn say(&self) -> String {
        match &self.by {
            Hours::All => text::duration(self.length),
            Hours::Of { name, .. } => format!("{} of {name}'s business time", text::hours(self.length)),
            Hours::Policys => format!("{} of the policy's business time", text::hours(self.length)),
        }
    }

    /// In one fixed spelling, with all that the calendar says: another name for it is the same.
    pub(super) fn normal(&self) -> String {
        match &self.by {
            Hours::All => self.length.to_string(),
            Hours::Of { calendar, .. } => format!("{}:{calendar}", self.length),
            Hours::Policys => format!("{}:{POLICY}", self.length),
        }
    }

    /// That `what` has lasted for as long.
    pub(super) fn lasting(&self, what: &str) -> Lasting {
        let hours = match &self.by {
            Hours::All => String::new(),
            Hours::Of { name, .. } => name.clone(),
            Hours::Policys => POLICY.to_owned(),
        };
        Lasting { about: format!("{what}:{hours}"), length: self.length }
    }

    /// The same with the calendar's name in the place of what it says.
    pub(super) fn but_for_hours(&self) -> String {
        match &self.by {
            Hours::Of { name, .. } => format!("{}:{name}", self.length),
            Hours::All | Hours::Policys => self.normal(),
        }
    }
}

impl Hours {
    fn parse(node: &Node, scope: &mut Scope<'_>) -> Option<Hours> {
        let name = node.scalar().map_or("", |scalar| scalar.text.as_str());
        if name == POLICY {
            if scope.metrics.is_empty() {
                scope
                    .found
                    .mistake(codes::NO_TARGET, &node.span, "there is no policy under `sla` that could have a calendar")
                    .label("this never holds")
                    .help("name a calendar, or add a policy: `sla: [{ id: standard, calendar: emea, targets: … }]`");
                return None;
            }
            return Some(Hours::Policys);
        }
        let calendar = scope.calendars.find(node, scope.found)?;
        Some(match name {
            Calendars::ALWAYS => Hours::All,
            name => Hours::Of { name: name.to_owned(), calendar, place: scope.calendars.place(name)? },
        })
    }
}

impl Due {
    /// The absence on the ticket that becomes *yes* then, and has been awaited since `from`. Where no policy says when,
    /// it does not; where its source has not been heard for so long, it does not before a record says so.
    pub(super) fn reached(due: Option<Due>, facts: &dyn Facts, from: Millis) -> Dated {
        Due::stands_at(due, from, |at| facts.reach(at))
    }

    /// The same of what Tierline itself would know.
    pub(super) fn passed(due: Option<Due>, facts: &dyn Facts, from: Millis) -> Dated {
        Due::stands_at(due, from, |at| if facts.moment().reached(at) { Reach::Reached } else { Reach::Ahead })
    }

    fn stands_at(due: Option<Due>, from: Millis, reach: impl Fn(Millis) -> Reach) -> Dated {
        let Some(due) = due else { return Dated::fixed(Truth::No, ALWAYS) };
        let since = from.max(due.since);
        match reach(due.at) {
            Reach::Reached => Dated { truth: Truth::Yes, since: due.at.max(since), until: NEVER },
            Reach::Ahead => Dated { truth: Truth::No, since, until: due.at },
            Reach::Unheard => Dated { truth: Truth::No, since, until: NEVER },
        }
    }

    /// From when on what is due stands: not before those were the hours.
    pub(super) fn stands(self) -> Millis {
        self.at.max(self.since)
    }
}
