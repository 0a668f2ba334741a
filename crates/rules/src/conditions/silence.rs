//! What has not happened for a while: `ticket.no_agent_reply_for: 2h` and its kin.

use tierline_model::Millis;

use super::lapse::{Due, Lapse};
use super::{Kind, Page, leaf};
use crate::scope::Scope;
use crate::source::{Key, Node};
use crate::tree::Expression;
use crate::{ALWAYS, Absence, AbsenceOf, Condition, Dated, Facts, Lasting, Reads, Seen, Topic, Truth, Wait, text};

pub(super) const KIND: Kind = Kind {
    claims: |key| of_key(key).is_some(),
    keys: || SILENCES.iter().map(|silence| silence.key.to_owned()).collect(),
    page: PAGE,
    parse,
};

const PAGE: Page = Page {
    heading: "What has not happened for a while",
    about: "A duration (`90s`, `30m`, `2h`, `7d`: 24 hours each), or `{ for: 2h, calendar: emea }` in the hours of that calendar, or\n`calendar: policy` in those of the SLA policy that applies to the ticket. It becomes true at that very instant.",
    examples: || (KIND.keys)().into_iter().map(|key| (key, "2h".to_owned())).collect(),
};

/// One kind of silence. `{}` stands for the duration; the past tense has *had* for *has*.
#[derive(Debug)]
struct Silence {
    key: &'static str,
    of: AbsenceOf,
    holds: &'static str,
    not: &'static str,
    /// What is seen where what would end it is not awaited.
    idle: &'static str,
    reads: u32,
}

static SILENCES: [Silence; 5] = [
    Silence {
        key: "ticket.no_agent_reply_for",
        of: AbsenceOf::AgentReply,
        holds: "no agent has replied for {}",
        not: "the customer has not waited {} for an agent",
        idle: "nobody waits for an agent",
        reads: Topic::Conversation as u32 | Topic::Life as u32,
    },
    Silence {
        key: "ticket.no_customer_reply_for",
        of: AbsenceOf::CustomerReply,
        holds: "the customer has not replied for {}",
        not: "no agent has waited {} for the customer",
        idle: "nobody waits for the customer",
        reads: Topic::Conversation as u32 | Topic::Life as u32,
    },
    Silence {
        key: "ticket.unassigned_for",
        of: AbsenceOf::Assignment,
        holds: "nobody has been assigned for {}",
        not: "the ticket has not been unassigned for {}",
        idle: "somebody is assigned",
        reads: Topic::Assignment as u32 | Topic::Life as u32,
    },
    Silence {
        key: "ticket.open_for",
        of: AbsenceOf::Closing,
        holds: "the ticket has been open for {}",
        not: "the ticket has not been open for {}",
        idle: "none",
        reads: Topic::Life as u32,
    },
    Silence {
        key: "ticket.unchanged_for",
        of: AbsenceOf::Change,
        holds: "nobody has touched the ticket for {}",
        not: "somebody has touched the ticket within {}",
        idle: "none",
        reads: Topic::Touched as u32 | Topic::Life as u32,
    },
];

#[derive(Debug)]
struct Silent {
    silence: &'static Silence,
    lapse: Lapse,
}

/// What the facts say of a silence.
enum Stretch {
    Unknown,
    /// What would end it is not awaited, since then.
    Idle(Millis),
    /// It runs from there.
    Runs(Millis),
}

fn of_key(key: &str) -> Option<&'static Silence> {
    SILENCES.iter().find(|silence| silence.key == key)
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let silence = of_key(&key.text)?;
    leaf(Silent { silence, lapse: Lapse::parse(key, value, scope)? })
}

impl Silent {
    fn stretch(&self, facts: &dyn Facts) -> Stretch {
        match self.silence.of {
            AbsenceOf::AgentReply => match facts.wait() {
                Wait::Unknown => Stretch::Unknown,
                Wait::Nobody(since) => Stretch::Idle(since),
                Wait::Since(from) => Stretch::Runs(from),
            },
            AbsenceOf::CustomerReply => match facts.unanswered_by_customer_since() {
                Err(_) => Stretch::Unknown,
                Ok(None) => Stretch::Idle(ALWAYS),
                Ok(Some(from)) => Stretch::Runs(from),
            },
            AbsenceOf::Assignment => match facts.unassigned_since() {
                Err(_) => Stretch::Unknown,
                Ok(None) => Stretch::Idle(ALWAYS),
                Ok(Some(from)) => Stretch::Runs(from),
            },
            AbsenceOf::Change => facts.last_touched().map_or(Stretch::Unknown, Stretch::Runs),
            AbsenceOf::Closing => facts.age().map_or(Stretch::Unknown, |age| Stretch::Runs(age.created_at)),
            AbsenceOf::Status => unreachable!("none of `SILENCES` is about a status"),
        }
    }

    /// When a silence that runs from there has lasted long enough; [`None`]: no policy says by which hours.
    fn due(&self, facts: &dyn Facts, from: Millis) -> Option<Due> {
        match self.silence.of {
            AbsenceOf::Closing => self.lapse.due_while_open(facts, facts.age().ok()?),
            _ => self.lapse.due(facts, from),
        }
    }

    fn phrase(&self, negated: bool) -> String {
        let template = if negated { self.silence.not } else { self.silence.holds };
        template.replace("{}", &self.lapse.say())
    }
}

impl Condition for Silent {
    fn reads(&self) -> Reads {
        let lapse = match self.silence.of {
            AbsenceOf::Closing => self.lapse.reads_while_open(),
            _ => self.lapse.reads(),
        };
        Reads { topics: self.silence.reads, ..Reads::default() }.with(lapse)
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        match self.stretch(facts) {
            Stretch::Unknown => Dated::fixed(Truth::Unknown, ALWAYS),
            Stretch::Idle(since) => Dated::fixed(Truth::No, since),
            Stretch::Runs(from) => Due::reached(self.due(facts, from), facts, from),
        }
    }

    fn absence(&self, facts: &dyn Facts) -> Option<Absence> {
        match self.stretch(facts) {
            Stretch::Runs(from) => Some(Absence { of: self.silence.of, from, due: self.due(facts, from)?.stands() }),
            Stretch::Unknown | Stretch::Idle(_) => None,
        }
    }

    fn present(&self, negated: bool) -> String {
        self.phrase(negated)
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let said = text::past(&self.phrase(negated));
        match self.stretch(facts) {
            Stretch::Runs(from) => format!("{said} (since {})", text::instant(from)),
            Stretch::Unknown | Stretch::Idle(_) => said,
        }
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let value = match self.stretch(facts) {
            Stretch::Unknown => "unknown".to_owned(),
            Stretch::Idle(_) => self.silence.idle.to_owned(),
            Stretch::Runs(from) => format!("since {}", text::instant(from)),
        };
        Seen { value, ..Seen::default() }
    }

    fn lasting(&self) -> Option<Lasting> {
        Some(self.lapse.lasting(self.silence.key))
    }

    fn normal(&self) -> String {
        format!("{}:{}", self.silence.key, self.lapse.normal())
    }

    fn but_for_hours(&self) -> String {
        format!("{}:{}", self.silence.key, self.lapse.but_for_hours())
    }

    fn fields(&self) -> Vec<String> {
        vec![self.silence.key.to_owned()]
    }
}
