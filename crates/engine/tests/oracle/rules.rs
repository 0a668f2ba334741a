//! Rules as the oracle understands them, and as they are written for the real thing.

use super::history::Tick;
use tierline_model::{BillingState, Priority, SlaMetric, Status};

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Cond {
    Plan(&'static str),
    PlanIsUnknown,
    HealthBelow(i64),
    Billing(BillingState),
    Priority(Priority),
    PriorityAtLeast(Priority),
    Category(&'static str),
    CategoryIsEmpty,
    Status(Vec<Status>),
    Silence(Tick),
    OpenFor(Tick),
    FollowUps {
        at_least: usize,
        apart: Tick,
    },
    Tickets {
        at_least: usize,
        within: Tick,
    },
    StatusFor(Status, Tick),
    Reopened {
        at_least: usize,
        within: Option<Tick>,
    },
    Reassigned {
        at_least: usize,
        within: Option<Tick>,
    },
    /// Tickets of the account of one category.
    TicketsOf {
        category: &'static str,
        at_least: usize,
        within: Tick,
    },
    Unresolved {
        at_least: usize,
        within: Option<Tick>,
    },
    Unanswered {
        at_least: usize,
        within: Option<Tick>,
    },
    UnansweredOf {
        category: &'static str,
        at_most: usize,
    },
    Threatens(Option<Tick>),
    WantsHuman(Option<Tick>),
    FirstReply(Target),
    /// Any other clock of a ticket.
    Clock(SlaMetric, Target),
    /// In tenths.
    SentimentAtMost(i8, Option<Tick>),
    All(Vec<Cond>),
    Any(Vec<Cond>),
    Not(Box<Cond>),
}

/// What a rule may ask of an SLA clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    Breached,
    DueWithin(Tick),
    OverdueBy(Tick),
    Used75,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub tier: u8,
    pub when: Cond,
    pub unless: Option<Cond>,
    pub hold: Option<Tick>,
    pub per_account: bool,
    pub when_no: bool,
    pub cooldown: Option<Tick>,
    pub shadow: bool,
}

impl Rule {
    /// A rule with nothing but a condition.
    pub fn simple(tier: u8, when: Cond) -> Rule {
        Rule { tier, when, unless: None, hold: None, per_account: false, when_no: false, cooldown: None, shadow: false }
    }
}

/// The targets of the one policy there is; multiples of four, so that three quarters are a tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Of `first_reply`.
    pub urgent: Tick,
    /// Of `first_reply`.
    pub default: Option<Tick>,
    /// Of every other metric, whatever the priority.
    pub other: Tick,
}

impl Policy {
    /// The target of a ticket of this priority.
    pub fn target(self, priority: Option<Priority>) -> Option<Tick> {
        if priority == Some(Priority::Urgent) { Some(self.urgent) } else { self.default }
    }
}

/// The id of the `index`-th rule.
pub fn rule_id(index: usize) -> String {
    format!("r{index}")
}

/// The configuration that says the same.
pub fn yaml(rules: &[Rule], policy: Option<Policy>) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    if let Some(Policy { urgent, default, other }) = policy {
        let default = default.map(|default| format!(", default: {default}s")).unwrap_or_default();
        let others = SlaMetric::OF_TICKET.iter().skip(1).map(|metric| format!(", {metric}: {{ default: {other}s }}"));
        let others: String = others.collect();
        let first = format!("first_reply: {{ urgent: {urgent}s{default} }}");
        writeln!(text, "sla:\n  - {{ id: policy, targets: {{ {first}{others} }} }}").unwrap();
    }
    if rules.is_empty() {
        text.push_str("rules: []\n");
        return text;
    }
    text.push_str("rules:\n");
    for (index, rule) in rules.iter().enumerate() {
        write!(text, "  - {{ id: {}, tier: {}, when: {}", rule_id(index), rule.tier, cond(&rule.when)).unwrap();
        if let Some(unless) = &rule.unless {
            write!(text, ", unless: {}", cond(unless)).unwrap();
        }
        if let Some(hold) = rule.hold {
            write!(text, ", for: {hold}s").unwrap();
        }
        if rule.per_account {
            text.push_str(", once_per: account");
        }
        if rule.when_no {
            text.push_str(", clear: when_no");
        }
        if let Some(cooldown) = rule.cooldown {
            write!(text, ", cooldown: {cooldown}s").unwrap();
        }
        if rule.shadow {
            text.push_str(", mode: shadow");
        }
        text.push_str(" }\n");
    }
    text
}

fn cond(condition: &Cond) -> String {
    let lately = |within: &Option<Tick>| within.map(|length| format!(", within: {length}s")).unwrap_or_default();
    match condition {
        Cond::StatusFor(status, length) => {
            format!("{{ ticket.status_for: {{ status: {status}, for: {length}s }} }}")
        }
        Cond::Reopened { at_least, within } => {
            format!("{{ ticket.reopened: {{ at_least: {at_least}{} }} }}", lately(within))
        }
        Cond::Reassigned { at_least, within } => {
            format!("{{ ticket.reassigned: {{ at_least: {at_least}{} }} }}", lately(within))
        }
        Cond::TicketsOf { category, at_least, within } => format!(
            "{{ account.tickets: {{ at_least: {at_least}, within: {within}s, where: {{ ticket.category: {category} }} }} }}"
        ),
        Cond::Unresolved { at_least, within } => {
            format!("{{ account.unresolved_tickets: {{ at_least: {at_least}{} }} }}", lately(within))
        }
        Cond::Unanswered { at_least, within } => {
            format!("{{ account.unanswered_tickets: {{ at_least: {at_least}{} }} }}", lately(within))
        }
        Cond::UnansweredOf { category, at_most } => format!(
            "{{ account.unanswered_tickets: {{ at_most: {at_most}, where: {{ ticket.category: {category} }} }} }}"
        ),
        Cond::Threatens(within) => format!("{{ message.text: {{ contains: CANCEL{} }} }}", lately(within)),
        Cond::WantsHuman(within) => format!("{{ signal.handoff.wants_human: {{ is: true{} }} }}", lately(within)),
        Cond::Plan(plan) => format!("{{ account.plan: {plan} }}"),
        Cond::PlanIsUnknown => "{ account.plan: unknown }".into(),
        Cond::HealthBelow(limit) => format!("{{ account.health: {{ below: {limit} }} }}"),
        Cond::Billing(state) => format!("{{ billing.state: {state} }}"),
        Cond::Priority(priority) => format!("{{ ticket.priority: {priority} }}"),
        Cond::PriorityAtLeast(priority) => format!("{{ ticket.priority: {{ at_least: {priority} }} }}"),
        Cond::Category(category) => format!("{{ ticket.category: {category} }}"),
        Cond::CategoryIsEmpty => "{ ticket.category: empty }".into(),
        Cond::Status(words) => {
            let words: Vec<_> = words.iter().map(|status| status.word()).collect();
            format!("{{ ticket.status: [ {} ] }}", words.join(", "))
        }
        Cond::Silence(length) => format!("{{ ticket.no_agent_reply_for: {length}s }}"),
        Cond::OpenFor(length) => format!("{{ ticket.open_for: {length}s }}"),
        Cond::FollowUps { at_least, apart } => {
            format!("{{ ticket.follow_ups: {{ at_least: {at_least}, apart: {apart}s }} }}")
        }
        Cond::Tickets { at_least, within } => {
            format!("{{ account.tickets: {{ at_least: {at_least}, within: {within}s }} }}")
        }
        Cond::FirstReply(target) => clock(SlaMetric::FirstReply, *target),
        Cond::Clock(metric, target) => clock(*metric, *target),
        Cond::SentimentAtMost(tenths, within) => {
            let within = within.map(|length| format!(", within: {length}s")).unwrap_or_default();
            format!("{{ ticket.sentiment: {{ at_most: {:.1}{within} }} }}", f64::from(*tenths) / 10.0)
        }
        Cond::All(all) => format!("{{ all: [ {} ] }}", list(all)),
        Cond::Any(any) => format!("{{ any: [ {} ] }}", list(any)),
        Cond::Not(inner) => format!("{{ not: {} }}", cond(inner)),
    }
}

fn clock(metric: SlaMetric, target: Target) -> String {
    match target {
        Target::Breached => format!("{{ sla.{metric}: breached }}"),
        Target::DueWithin(length) => format!("{{ sla.{metric}: {{ due_within: {length}s }} }}"),
        Target::OverdueBy(length) => format!("{{ sla.{metric}: {{ overdue_by: {length}s }} }}"),
        Target::Used75 => format!("{{ sla.{metric}: {{ used: 75% }} }}"),
    }
}

fn list(conditions: &[Cond]) -> String {
    conditions.iter().map(cond).collect::<Vec<_>>().join(", ")
}
