//! What has not happened for a while: `ticket.no_agent_reply_for: 2h` and its kin.

use tierline_model::Millis;

use super::{Kind, leaf};
use crate::scope::Scope;
use crate::source::{self, Diagnostics, Key, Keys, Node};
use crate::tree::Expression;
use crate::{ALWAYS, Absence, AbsenceOf, Condition, Dated, Facts, NEVER, Reads, Seen, Topic, Truth, Wait, text};

pub(super) const KIND: Kind = Kind {
    claims: |key| of_key(key).is_some(),
    keys: || SILENCES.iter().map(|silence| silence.key.to_owned()).collect(),
    parse,
};

/// One kind of silence. `{}` stands for the duration; the past tense has *had* for *has*.
#[derive(Debug)]
struct Silence {
    key: &'static str,
    of: AbsenceOf,
    holds: &'static str,
    not: &'static str,
    reads: u32,
}

static SILENCES: [Silence; 5] = [
    Silence {
        key: "ticket.no_agent_reply_for",
        of: AbsenceOf::AgentReply,
        holds: "no agent has replied for {}",
        not: "the customer has not waited {} for an agent",
        reads: Topic::Conversation as u32 | Topic::Life as u32,
    },
    Silence {
        key: "ticket.no_customer_reply_for",
        of: AbsenceOf::CustomerReply,
        holds: "the customer has not replied for {}",
        not: "no agent has waited {} for the customer",
        reads: Topic::Conversation as u32 | Topic::Life as u32,
    },
    Silence {
        key: "ticket.unassigned_for",
        of: AbsenceOf::Assignment,
        holds: "nobody has been assigned for {}",
        not: "the ticket has not been unassigned for {}",
        reads: Topic::Assignment as u32 | Topic::Life as u32,
    },
    Silence {
        key: "ticket.open_for",
        of: AbsenceOf::Closing,
        holds: "the ticket has been open for {}",
        not: "the ticket has not been open for {}",
        reads: Topic::Life as u32,
    },
    Silence {
        key: "ticket.unchanged_for",
        of: AbsenceOf::Change,
        holds: "nobody has touched the ticket for {}",
        not: "somebody has touched the ticket within {}",
        reads: Topic::Touched as u32 | Topic::Life as u32,
    },
];

#[derive(Debug)]
struct Silent {
    silence: &'static Silence,
    length: Millis,
}

/// What the facts say of a silence.
enum Stretch {
    Unknown,
    /// What would end it is not awaited, since then.
    Idle(Millis),
    /// It runs from there; `paused` milliseconds of it don't count.
    Runs {
        from: Millis,
        paused: Millis,
    },
}

fn of_key(key: &str) -> Option<&'static Silence> {
    SILENCES.iter().find(|silence| silence.key == key)
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let silence = of_key(&key.text)?;
    let length = length(key, value, scope)?;
    leaf(Silent { silence, length })
}

/// A duration, or `{for: 2h, calendar: always}`.
pub(super) fn length(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Millis> {
    let what = format!("`{}`", key.text);
    if !matches!(value.kind, source::Kind::Map(_)) {
        return source::duration(value, &what, scope.found);
    }
    let mut keys = Keys::of(value, &what, scope.found)?;
    let length = keys.required("for", scope.found).and_then(|node| source::duration(node, &what, scope.found));
    around_the_clock(&mut keys, scope.found);
    keys.finish(scope.found);
    length
}

/// `calendar: always`, which says nothing new; others are refused.
pub(super) fn around_the_clock(keys: &mut Keys<'_>, found: &mut Diagnostics) {
    if let Some(entry) = keys.entry("calendar")
        && entry.value.scalar().is_none_or(|name| name.text != "always")
    {
        source::not_built(&entry.key, found);
    }
}

impl Silent {
    fn stretch(&self, facts: &dyn Facts) -> Stretch {
        let runs = |from| Stretch::Runs { from, paused: 0 };
        match self.silence.of {
            AbsenceOf::AgentReply => match facts.wait() {
                Wait::Unknown => Stretch::Unknown,
                Wait::Nobody(since) => Stretch::Idle(since),
                Wait::Since(from) => runs(from),
            },
            AbsenceOf::CustomerReply => match facts.unanswered_by_customer_since() {
                Err(_) => Stretch::Unknown,
                Ok(None) => Stretch::Idle(ALWAYS),
                Ok(Some(from)) => runs(from),
            },
            AbsenceOf::Assignment => match facts.unassigned_since() {
                Err(_) => Stretch::Unknown,
                Ok(None) => Stretch::Idle(ALWAYS),
                Ok(Some(from)) => runs(from),
            },
            AbsenceOf::Change => facts.last_touched().map_or(Stretch::Unknown, runs),
            AbsenceOf::Closing => facts
                .age()
                .map_or(Stretch::Unknown, |age| Stretch::Runs { from: age.created_at, paused: age.solved_for }),
            AbsenceOf::Status => unreachable!("none of `SILENCES` is about a status"),
        }
    }

    fn due(&self, from: Millis, paused: Millis) -> Millis {
        from.saturating_add(paused).saturating_add(self.length)
    }

    fn phrase(&self, negated: bool) -> String {
        let template = if negated { self.silence.not } else { self.silence.holds };
        template.replace("{}", &text::duration(self.length))
    }
}

impl Condition for Silent {
    fn reads(&self) -> Reads {
        Reads { topics: self.silence.reads, ..Reads::default() }
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        match self.stretch(facts) {
            Stretch::Unknown => Dated::fixed(Truth::Unknown, ALWAYS),
            Stretch::Idle(since) => Dated::fixed(Truth::No, since),
            Stretch::Runs { from, paused } => reached(facts, from, self.due(from, paused)),
        }
    }

    fn absence(&self, facts: &dyn Facts) -> Option<Absence> {
        match self.stretch(facts) {
            Stretch::Runs { from, paused } => Some(Absence { of: self.silence.of, from, due: self.due(from, paused) }),
            Stretch::Unknown | Stretch::Idle(_) => None,
        }
    }

    fn present(&self, negated: bool) -> String {
        self.phrase(negated)
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let said = text::past(&self.phrase(negated));
        match self.stretch(facts) {
            Stretch::Runs { from, .. } => format!("{said} (since {})", text::instant(from)),
            Stretch::Unknown | Stretch::Idle(_) => said,
        }
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let value = match self.stretch(facts) {
            Stretch::Unknown => "unknown".to_owned(),
            Stretch::Idle(_) => "none".to_owned(),
            Stretch::Runs { from, .. } => format!("since {}", text::instant(from)),
        };
        Seen { value, ..Seen::default() }
    }

    fn normal(&self) -> String {
        format!("{}:{}", self.silence.key, self.length)
    }

    fn fields(&self) -> Vec<String> {
        vec![self.silence.key.to_owned()]
    }
}

/// What becomes yes at `due`, and has been awaited since `from`.
pub(super) fn reached(facts: &dyn Facts, from: Millis, due: Millis) -> Dated {
    if facts.moment().reached(due) {
        Dated { truth: Truth::Yes, since: due.max(from), until: NEVER }
    } else {
        Dated { truth: Truth::No, since: from, until: due }
    }
}
