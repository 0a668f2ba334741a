//! Where the ticket's SLA clock stands: `sla.first_reply: { due_within: 30m }`.
//!
//! A warning stays *yes* when the target is overdue; nothing holds once the clock has stopped.

use tierline_model::Millis;

use super::{Kind, leaf};
use crate::scope::Scope;
use crate::source::{self, Diagnostics, Key, Keys, Node, codes};
use crate::tree::Expression;
use crate::{ALWAYS, Absence, AbsenceOf, Clock, Condition, Dated, Facts, NEVER, Reads, Seen, Topic, Truth, text};

pub(super) const KIND: Kind = Kind { claims: |key| key == KEY, keys: || vec![KEY.to_owned()], parse };

const KEY: &str = "sla.first_reply";
const WHAT: &str = "`sla.first_reply`";

#[derive(Debug)]
struct FirstReply {
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

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let marks = match &value.kind {
        source::Kind::Map(_) => marks(value, scope.found)?,
        _ => vec![breached(value, scope.found)?],
    };
    if !scope.has_first_reply {
        scope
            .found
            .mistake(codes::NO_TARGET, &key.span, "no policy under `sla` has a target for `first_reply`")
            .label("this never holds")
            .help("add one: `sla: [{ id: standard, targets: { first_reply: { default: 4h } } }]`");
        return None;
    }
    let mut all: Vec<_> = marks.into_iter().filter_map(|mark| leaf(FirstReply { mark })).collect();
    if all.len() == 1 { all.pop() } else { Some(Expression::All(all)) }
}

fn marks(value: &Node, found: &mut Diagnostics) -> Option<Vec<Mark>> {
    let mistakes = found.mistakes();
    let mut keys = Keys::of(value, WHAT, found)?;
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
        marks.extend(breached(node, found));
    }
    if marks.is_empty() && keys.all_asked() && found.mistakes() == mistakes {
        found.mistake(codes::MATCHER, &value.span, "nothing here says where the clock must stand").help(MARKS);
    }
    keys.finish(found);
    (found.mistakes() == mistakes).then_some(marks)
}

const MARKS: &str = "write `breached`, or one of `due_within`, `used`, `overdue_by`";

/// The one word that is a mark.
fn breached(node: &Node, found: &mut Diagnostics) -> Option<Mark> {
    const WORD: &str = "breached";
    let written = source::text(node, WHAT, found)?;
    if written == WORD {
        return Some(Mark::Breached);
    }
    let help = source::did_you_mean(written, [WORD]).unwrap_or_else(|| MARKS.to_owned());
    found.mistake(codes::UNKNOWN_WORD, &node.span, format!("{WHAT} is never `{written}`")).help(help);
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
    /// The instant at which a clock passes it.
    fn instant(self, started: Millis, due: Millis) -> Millis {
        match self {
            Mark::Breached => due,
            Mark::DueWithin(before) => due.saturating_sub(before),
            Mark::OverdueBy(after) => due.saturating_add(after),
            Mark::Used(percent) => {
                let share = i128::from(due - started) * i128::from(percent);
                // Rounded up: the first millisecond at which so much is used.
                let used = (share + 99).div_euclid(100);
                started.saturating_add(Millis::try_from(used).unwrap_or(NEVER))
            }
        }
    }
}

impl FirstReply {
    fn clock(facts: &dyn Facts) -> Clock {
        facts.first_reply().0
    }
}

impl Condition for FirstReply {
    fn reads(&self) -> Reads {
        Reads::default().and(Topic::Sla)
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        match Self::clock(facts) {
            Clock::Unknown => Dated::fixed(Truth::Unknown, ALWAYS),
            Clock::None => Dated::fixed(Truth::No, ALWAYS),
            Clock::Stopped { at } => Dated::fixed(Truth::No, at),
            Clock::Running { started, due, target_since } => {
                let passed = self.mark.instant(started, due);
                if facts.moment().reached(passed) {
                    Dated { truth: Truth::Yes, since: passed.max(target_since), until: NEVER }
                } else {
                    Dated { truth: Truth::No, since: target_since, until: passed }
                }
            }
        }
    }

    fn absence(&self, facts: &dyn Facts) -> Option<Absence> {
        let Clock::Running { started, due, target_since } = Self::clock(facts) else { return None };
        let due = self.mark.instant(started, due).max(target_since);
        Some(Absence { of: AbsenceOf::AgentReply, from: started, due })
    }

    fn present(&self, negated: bool) -> String {
        let not = if negated { " not" } else { "" };
        match self.mark {
            Mark::Breached => format!("the first reply is{not} overdue"),
            Mark::DueWithin(before) => format!("the first reply is{not} due within {}", text::duration(before)),
            Mark::OverdueBy(after) => format!("the first reply is{not} overdue by {}", text::duration(after)),
            Mark::Used(percent) => format!("{percent}% of the time for the first reply is{not} used"),
        }
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let said = self.present(negated).replacen(" is", " was", 1);
        match facts.first_reply() {
            (Clock::Running { due, .. }, _) => format!("{said} (due {})", text::instant(due)),
            (Clock::Stopped { at }, _) => format!("{said} (the clock stopped {})", text::instant(at)),
            (Clock::Unknown | Clock::None, _) => said,
        }
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let (clock, policy) = facts.first_reply();
        let value = match clock {
            Clock::Unknown => "unknown".to_owned(),
            Clock::None => "no target".to_owned(),
            Clock::Running { due, .. } => format!("due {}", text::instant(due)),
            Clock::Stopped { at } => format!("stopped {}", text::instant(at)),
        };
        Seen { value, source: policy.map(|policy| format!("sla policy {policy}")), as_of: None }
    }

    fn normal(&self) -> String {
        format!("{KEY}:{:?}", self.mark)
    }

    fn fields(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}
