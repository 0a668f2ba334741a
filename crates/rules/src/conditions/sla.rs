//! Where one of the ticket's SLA clocks stands: `sla.first_reply: { due_within: 30m }`.
//!
//! A mark is a place on the clock's own way, which passes in its own time: that of its calendar, without its pauses. A
//! warning stays *yes* when the target is overdue; nothing holds once the clock has stopped.

use tierline_model::{Millis, SlaMetric};

use super::{Kind, Page, leaf};
use crate::scope::Scope;
use crate::source::{self, Diagnostics, Key, Keys, Node, codes};
use crate::tree::Expression;
use crate::{
    ALWAYS, Absence, AbsenceOf, Clock, Condition, Dated, Facts, NEVER, Reach, Reads, Seen, Topic, Truth, text,
};

pub(super) const KIND: Kind = Kind {
    claims: |key| of_key(key).is_some(),
    keys: || SlaMetric::OF_TICKET.iter().map(|&metric| key(metric)).collect(),
    page: PAGE,
    parse,
};

const PAGE: Page = Page {
    heading: "Where the ticket's SLA clocks stand",
    about: "`breached`; `{ due_within: 30m }`, in the time of the clock, which its calendar and its pauses stop; `{ used: 75% }` of\nthe target; `{ overdue_by: 1h }`. There must be a policy with such a target under `sla`.",
    examples: || {
        let marks = ["{ due_within: 30m }", "breached", "{ overdue_by: 1h }", "{ used: 75% }"];
        let marks = marks.iter().cycle().map(|&mark| mark.to_owned());
        (KIND.keys)().into_iter().zip(marks).collect()
    },
};

#[derive(Debug)]
struct SlaClock {
    metric: SlaMetric,
    mark: Mark,
}

/// The place on the way of a clock that must have been passed.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Breached,
    DueWithin(Millis),
    OverdueBy(Millis),
    /// In hundredths of the target.
    Used(u32),
}

fn key(metric: SlaMetric) -> String {
    format!("sla.{metric}")
}

fn of_key(key: &str) -> Option<SlaMetric> {
    SlaMetric::from_word(key.strip_prefix("sla.")?).filter(|metric| SlaMetric::OF_TICKET.contains(metric))
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let metric = of_key(&key.text)?;
    let what = format!("`{}`", key.text);
    let marks = match &value.kind {
        source::Kind::Map(_) => marks(value, &what, scope.found)?,
        _ => vec![breached(value, &what, scope.found)?],
    };
    if !scope.metrics.contains(&metric) {
        scope
            .found
            .mistake(codes::NO_TARGET, &key.span, format!("no policy under `sla` has a target for `{metric}`"))
            .label("this never holds")
            .help(format!("add one: `sla: [{{ id: standard, targets: {{ {metric}: {{ default: 4h }} }} }}]`"));
        return None;
    }
    let mut all: Vec<_> = marks.into_iter().filter_map(|mark| leaf(SlaClock { metric, mark })).collect();
    if all.len() == 1 { all.pop() } else { Some(Expression::All(all)) }
}

fn marks(value: &Node, what: &str, found: &mut Diagnostics) -> Option<Vec<Mark>> {
    let mistakes = found.mistakes();
    let mut keys = Keys::of(value, what, found)?;
    let mut marks = Vec::new();
    if let Some(node) = keys.optional("due_within") {
        marks.extend(source::duration(node, "`due_within`", found).map(Mark::DueWithin));
    }
    if let Some(node) = keys.optional("used") {
        marks.extend(percent(node, found).map(Mark::Used));
    }
    if let Some(node) = keys.optional("overdue_by") {
        marks.extend(source::duration(node, "`overdue_by`", found).map(Mark::OverdueBy));
    }
    if let Some(node) = keys.optional("is") {
        marks.extend(breached(node, what, found));
    }
    if marks.is_empty() && keys.all_asked() && found.mistakes() == mistakes {
        found.mistake(codes::MATCHER, &value.span, "nothing here says where the clock must stand").help(MARKS);
    }
    keys.finish(found);
    (found.mistakes() == mistakes).then_some(marks)
}

const MARKS: &str = "write `breached`, or one of `due_within`, `used`, `overdue_by`";

/// The one word that is a mark.
fn breached(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Mark> {
    const WORD: &str = "breached";
    let written = source::text(node, what, found)?;
    if written == WORD {
        return Some(Mark::Breached);
    }
    let help = source::did_you_mean(written, [WORD]).unwrap_or_else(|| MARKS.to_owned());
    found.mistake(codes::UNKNOWN_WORD, &node.span, format!("{what} is never `{written}`")).help(help);
    None
}

/// `75%`: from 1% to 1000%.
fn percent(node: &Node, found: &mut Diagnostics) -> Option<u32> {
    let written = node.scalar().map_or("", |scalar| scalar.text.as_str());
    let read = written
        .strip_suffix('%')
        .and_then(|count| count.trim().parse().ok())
        .filter(|count| (1..=1000).contains(count));
    if read.is_none() {
        found
            .mistake(codes::NUMBER, &node.span, "`used` is a whole number of per cent such as `75%`")
            .help("`100%` is when the target is due");
    }
    read
}

impl Mark {
    /// The clock's own time up to it, milliseconds; negative where it lies before the start.
    fn place(self, target: Millis) -> Millis {
        match self {
            Mark::Breached => target,
            Mark::DueWithin(before) => target.saturating_sub(before),
            Mark::OverdueBy(after) => target.saturating_add(after),
            Mark::Used(percent) => {
                let share = i128::from(target) * i128::from(percent);
                // Rounded up: the first millisecond at which so much is used.
                Millis::try_from((share + 99).div_euclid(100)).unwrap_or(NEVER)
            }
        }
    }
}

impl SlaClock {
    fn clock(&self, facts: &dyn Facts) -> Clock {
        facts.sla(self.metric).0
    }

    /// When the mark is passed; [`NEVER`]: the clock pauses before it.
    fn passed(&self, facts: &dyn Facts, target: Millis) -> Millis {
        facts.sla_reaches(self.metric, self.mark.place(target)).unwrap_or(NEVER)
    }

    /// What the clock measures, for sentences.
    fn what(&self) -> &'static str {
        match self.metric {
            SlaMetric::FirstReply => "the first reply",
            SlaMetric::NextReply => "the next reply",
            SlaMetric::PeriodicUpdate => "the periodic update",
            SlaMetric::PausableUpdate => "the pausable update",
            SlaMetric::RequesterWait => "the end of the requester's wait",
            SlaMetric::AgentWork => "the end of the agents' work",
            SlaMetric::Resolution | SlaMetric::EscalationSla => "the resolution",
        }
    }
}

impl Condition for SlaClock {
    fn reads(&self) -> Reads {
        Reads::default().and(Topic::Sla)
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        match self.clock(facts) {
            Clock::Unknown => Dated::fixed(Truth::Unknown, ALWAYS),
            Clock::None => Dated::fixed(Truth::No, ALWAYS),
            Clock::Stopped { at } => Dated::fixed(Truth::No, at),
            Clock::Running { target, target_since, .. } => {
                let passed = self.passed(facts, target);
                match facts.reach(passed) {
                    Reach::Reached => Dated { truth: Truth::Yes, since: passed.max(target_since), until: NEVER },
                    Reach::Ahead => Dated { truth: Truth::No, since: target_since, until: passed },
                    Reach::Unheard => Dated { truth: Truth::No, since: target_since, until: NEVER },
                }
            }
        }
    }

    fn absence(&self, facts: &dyn Facts) -> Option<Absence> {
        let Clock::Running { started, target, target_since, .. } = self.clock(facts) else { return None };
        let of = match self.metric {
            SlaMetric::RequesterWait | SlaMetric::AgentWork | SlaMetric::Resolution => AbsenceOf::Closing,
            _ => AbsenceOf::AgentReply,
        };
        Some(Absence { of, from: started, due: self.passed(facts, target).max(target_since) })
    }

    fn present(&self, negated: bool) -> String {
        let (what, not) = (self.what(), if negated { " not" } else { "" });
        match self.mark {
            Mark::Breached => format!("{what} is{not} overdue"),
            Mark::DueWithin(before) => format!("{what} is{not} due within {}", text::duration(before)),
            Mark::OverdueBy(after) => format!("{what} is{not} overdue by {}", text::duration(after)),
            Mark::Used(percent) => format!("{percent}% of the time for {what} is{not} used"),
        }
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let said = self.present(negated).replacen(" is", " was", 1);
        match self.clock(facts) {
            Clock::Running { due: Some(due), .. } => format!("{said} (due {})", text::instant(due)),
            Clock::Running { due: None, .. } => format!("{said} (the clock pauses)"),
            Clock::Stopped { at } => format!("{said} (the clock stopped {})", text::instant(at)),
            Clock::Unknown | Clock::None => said,
        }
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let (clock, policy) = facts.sla(self.metric);
        let value = match clock {
            Clock::Unknown => "unknown".to_owned(),
            Clock::None => "no target".to_owned(),
            Clock::Running { due: Some(due), .. } => format!("due {}", text::instant(due)),
            Clock::Running { due: None, .. } => "paused".to_owned(),
            Clock::Stopped { at } => format!("stopped {}", text::instant(at)),
        };
        Seen { value, source: policy.map(|policy| format!("sla policy {policy}")), as_of: None }
    }

    fn normal(&self) -> String {
        format!("{}:{:?}", key(self.metric), self.mark)
    }

    fn fields(&self) -> Vec<String> {
        vec![key(self.metric)]
    }
}
