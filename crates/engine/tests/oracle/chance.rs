//! Histories and rules by chance.

use proptest::prelude::*;
use tierline_model::{Author, BillingState, CommandKind, HandledBy, Priority, SlaMetric, Status};

use super::history::{Birth, Record, Said, Tick, TicketNo, What, plausible};
use super::real::is_possible;
use super::rules::{Cond, Policy, Rule, Target, yaml};

/// Up to so many things that happen, in order of occurrence, each arriving as it happens. Many share an instant; all
/// instants are even.
pub fn history(most: usize) -> impl Strategy<Value = Vec<Record>> {
    let gaps = prop_oneof![3 => Just(0), 3 => Just(1), 2 => Just(2), 1 => 3..8i64];
    prop::collection::vec((gaps, what()), 1..most).prop_map(|steps| {
        let mut at = 0;
        let mut records = Vec::new();
        for (gap, what) in steps {
            at += gap * 2;
            records.push(Record { at, arrives: at, what });
        }
        records.sort_by_key(|record| (record.at, record.what.rank()));
        plausible(records)
    })
}

/// A history in which what ends a silence may arrive up to `grace` late, but nothing else: nothing makes a rule of
/// [`rules_of_absence`] true but time. Each ticket's end arrives last, and no question between an answer and its
/// arrival: that the rule had been *no* in between is not made good. In order of arrival.
pub fn with_stragglers(most: usize, grace: Tick) -> impl Strategy<Value = Vec<Record>> {
    (history(most), prop::collection::vec(0..=grace, most)).prop_map(|(history, delays)| {
        let mut records: Vec<Record> = Vec::new();
        for (record, delay) in history.into_iter().zip(delays) {
            let Some(ticket) = record.what.ticket() else { continue };
            let of_ticket = records.iter().filter(|other| other.what.ticket() == Some(ticket));
            let last = of_ticket.clone().map(|other| other.arrives).max().unwrap_or(0);
            let is_closed = of_ticket.clone().any(|other| other.what.closes());
            let arrives = match &record.what {
                What::Message(_, said) if said.answers() => record.at + delay,
                What::Message(_, said) if said.asks() && last >= record.at => continue,
                What::Created(..) | What::Message(..) => record.at,
                what if what.closes() => last.max(record.at + delay),
                _ => continue,
            };
            if !is_closed {
                records.push(Record { arrives, ..record });
            }
        }
        let mut records = plausible(records);
        records.sort_by_key(|record| (record.arrives, record.at));
        records
    })
}

/// Rules that nothing but time makes true, and never at the instant of a record.
pub fn rules_of_absence() -> impl Strategy<Value = (Vec<Rule>, Policy)> {
    let leaf = prop_oneof![
        2 => odd().prop_map(Cond::Silence),
        1 => odd().prop_map(Cond::OpenFor),
        1 => prop_oneof![odd().prop_map(Target::DueWithin), odd().prop_map(Target::OverdueBy), Just(Target::Used75)]
            .prop_map(Cond::FirstReply),
    ];
    let condition = prop_oneof![leaf.clone(), prop::collection::vec(leaf, 2..4).prop_map(Cond::All)];
    let rule = (2..4u8, condition, prop::option::weighted(0.2, odd()))
        .prop_map(|(tier, when, cooldown)| Rule { cooldown: cooldown.map(|odd| odd + 1), ..Rule::simple(tier, when) });
    (prop::collection::vec(rule, 1..4), Just(Policy { urgent: 4, default: Some(12), other: 12 }))
}

/// The last tick of a history, plus enough for every bound to come.
pub fn end_of(history: &[Record]) -> Tick {
    history.iter().map(|record| record.arrives).max().unwrap_or(0) + 80
}

fn ticket() -> impl Strategy<Value = TicketNo> {
    1..4u8
}

fn what() -> impl Strategy<Value = What> {
    let priority = prop::sample::select(vec![Priority::Low, Priority::High, Priority::Urgent]);
    let category = prop_oneof![3 => Just(Some("billing")), 1 => Just(Some("bug")), 1 => Just(None)];
    let status = prop::sample::select(vec![
        Status::Open,
        Status::Pending,
        Status::OnHold,
        Status::Solved,
        Status::Solved,
        Status::Closed,
    ]);
    let by = prop_oneof![1 => Just(HandledBy::Bot), 2 => Just(HandledBy::Team)];
    let plan = prop_oneof![3 => Just(Some("enterprise")), 1 => Just(Some("team")), 1 => Just(None)];
    let health = prop_oneof![3 => Just(Some(40)), 2 => Just(Some(50)), 1 => Just(None)];
    let state = prop_oneof![
        3 => Just(Some(BillingState::PastDue)),
        1 => Just(Some(BillingState::Current)),
        1 => Just(None)
    ];
    let source = prop_oneof![2 => Just("crm"), 1 => Just("success")];
    let assignee = prop_oneof![2 => Just(Some("sam")), 2 => Just(Some("kim")), 1 => Just(None)];
    let command = prop_oneof![
        Just((CommandKind::Escalate, None)),
        Just((CommandKind::Escalate, Some(2))),
        Just((CommandKind::Acknowledge, None)),
        Just((CommandKind::DeEscalate, None)),
        Just((CommandKind::DeEscalate, Some(2))),
        Just((CommandKind::Resolve, None)),
        Just((CommandKind::Snooze, Some(5))),
        Just((CommandKind::Snooze, Some(6))),
    ];
    prop_oneof![
        5 => (ticket(), birth()).prop_map(|(no, birth)| What::Created(no, birth)),
        5 => (ticket(), said()).prop_map(|(no, said)| What::Message(no, said)),
        3 => (ticket(), status).prop_map(|(no, status)| What::Status(no, status)),
        2 => (ticket(), prop::option::weighted(0.8, priority)).prop_map(|(no, told)| What::Priority(no, told)),
        1 => (ticket(), category).prop_map(|(no, told)| What::Category(no, told)),
        1 => (ticket(), by).prop_map(|(no, by)| What::HandledBy(no, by)),
        1 => (ticket(), ticket()).prop_map(|(from, into)| What::Merged(from, into)),
        1 => ticket().prop_map(What::Deleted),
        2 => (source, plan, health).prop_map(|(source, plan, health)| What::Account { source, plan, health }),
        1 => state.prop_map(|state| What::Billing { state }),
        2 => (prop::option::weighted(0.6, ticket()), prop::sample::select(vec![-8i8, -5, -4, 6]))
            .prop_map(|(no, tenths)| What::Sentiment(no, tenths)),
        1 => (ticket(), assignee).prop_map(|(no, told)| What::Assignee(no, told)),
        1 => (ticket(), prop::option::weighted(0.8, any::<bool>())).prop_map(|(no, wants)| What::Handoff(no, wants)),
        2 => (ticket(), command).prop_map(|(no, (kind, tier))| What::Command(no, kind, tier)),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    let author = prop_oneof![
        5 => Just(Author::Customer),
        5 => Just(Author::Agent),
        1 => Just(Author::Bot),
        1 => Just(Author::System)
    ];
    (author, prop::bool::weighted(0.8), prop::bool::weighted(0.1), prop::bool::weighted(0.4))
        .prop_map(|(author, public, automated, leaving)| Said { author, public, automated, leaving })
}

fn birth() -> impl Strategy<Value = Birth> {
    let status = prop_oneof![6 => Just(Status::New), 1 => Just(Status::Pending)];
    let opened_by = prop_oneof![6 => Just(None), 1 => Just(Some(Author::Customer)), 1 => Just(Some(Author::Agent))];
    let handled_by = prop_oneof![6 => Just(None), 1 => Just(Some(HandledBy::Bot)), 1 => Just(Some(HandledBy::Team))];
    let priority = prop::option::weighted(0.6, prop::sample::select(vec![Priority::Low, Priority::Urgent]));
    let category = prop_oneof![3 => Just(Some(Some("billing"))), 1 => Just(None), 1 => Just(Some(None)), 1 => Just(Some(Some("bug")))];
    let message = prop::option::weighted(0.4, said());
    (status, opened_by, handled_by, priority, category, message).prop_map(
        |(status, opened_by, handled_by, priority, category, message)| Birth {
            status,
            opened_by,
            handled_by,
            priority,
            category,
            message,
        },
    )
}

/// The four rules of the example configuration, on a scale of seconds.
pub fn reference_rules() -> (Vec<Rule>, Policy) {
    let rules = vec![
        Rule::simple(3, Cond::All(vec![Cond::Plan("enterprise"), Cond::Category("billing"), Cond::Silence(6)])),
        Rule::simple(3, Cond::All(vec![Cond::Priority(Priority::Urgent), Cond::Billing(BillingState::PastDue)])),
        Rule {
            per_account: true,
            ..Rule::simple(
                2,
                Cond::All(vec![
                    Cond::Tickets { at_least: 2, within: 9 },
                    Cond::Any(vec![Cond::HealthBelow(50), Cond::SentimentAtMost(-5, None)]),
                ]),
            )
        },
        Rule::simple(2, Cond::FirstReply(Target::DueWithin(2))),
    ];
    (rules, Policy { urgent: 4, default: Some(8), other: 8 })
}

/// The lengths of windows that never lose anything at the instant of a record: whether that is seen before all records
/// of the instant have been read is not said anywhere.
pub fn odd() -> BoxedStrategy<Tick> {
    (0..10i64).prop_map(|half| 2 * half + 1).boxed()
}

/// Any lengths.
pub fn any_length() -> BoxedStrategy<Tick> {
    (1..20i64).boxed()
}

/// One to four rules over everything that is built, with windows of these lengths.
pub fn rules(windows: &BoxedStrategy<Tick>) -> impl Strategy<Value = (Vec<Rule>, Policy)> + use<> {
    let policy = (1..3i64, prop::option::weighted(0.8, 1..5i64), 1..5i64).prop_map(|(urgent, default, other)| Policy {
        urgent: urgent * 4,
        default: default.map(|ticks| ticks * 4),
        other: other * 4,
    });
    let is_possible = |(rules, policy): &(Vec<Rule>, Policy)| is_possible(&yaml(rules, Some(*policy)));
    (prop::collection::vec(rule(windows), 1..5), policy).prop_filter("a rule that nothing satisfies", is_possible)
}

fn rule(windows: &BoxedStrategy<Tick>) -> impl Strategy<Value = Rule> + use<> {
    let tier = 2..4u8;
    let condition = || condition(windows);
    let plain = (tier.clone(), condition()).prop_map(|(tier, when)| Rule::simple(tier, when));
    let unless = (tier.clone(), condition(), condition())
        .prop_map(|(tier, when, unless)| Rule { unless: Some(unless), ..Rule::simple(tier, when) });
    let account =
        (tier.clone(), condition()).prop_map(|(tier, when)| Rule { per_account: true, ..Rule::simple(tier, when) });
    let clears =
        (tier.clone(), condition()).prop_map(|(tier, when)| Rule { when_no: true, ..Rule::simple(tier, when) });
    let cools = (tier.clone(), condition(), 1..15i64, any::<bool>()).prop_map(|(tier, when, cooldown, when_no)| Rule {
        cooldown: Some(cooldown),
        when_no,
        ..Rule::simple(tier, when)
    });
    let holds = (tier, decided(windows), 1..10i64)
        .prop_map(|(tier, when, hold)| Rule { hold: Some(hold), ..Rule::simple(tier, when) });
    prop_oneof![3 => plain, 1 => unless, 2 => account, 1 => clears, 1 => cools, 1 => holds]
}

fn condition(windows: &BoxedStrategy<Tick>) -> impl Strategy<Value = Cond> + use<> {
    prop_oneof![decided(windows), undecided(windows)].prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(Cond::All),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Cond::Any),
            1 => inner.prop_map(|inner| Cond::Not(Box::new(inner))),
        ]
    })
}

/// Conditions that, once decided, stay so: what an interlude of *unknown* does to `for` is not said anywhere.
fn decided(windows: &BoxedStrategy<Tick>) -> impl Strategy<Value = Cond> + use<> {
    prop_oneof![
        2 => (1..12i64).prop_map(Cond::Silence),
        1 => (1..15i64).prop_map(Cond::OpenFor),
        1 => (1..3usize, 1..4i64).prop_map(|(at_least, apart)| Cond::FollowUps { at_least, apart }),
        2 => (1..4usize, windows.clone()).prop_map(|(at_least, within)| Cond::Tickets { at_least, within }),
        1 => Just(Cond::Status(vec![Status::Pending, Status::OnHold])),
        1 => Just(Cond::Priority(Priority::Urgent)),
        1 => target().prop_map(Cond::FirstReply),
        3 => (prop::sample::select(SlaMetric::OF_TICKET[1..].to_vec()), target())
            .prop_map(|(metric, target)| Cond::Clock(metric, target)),
        1 => Just(Cond::CategoryIsEmpty),
        1 => (prop::sample::select(vec![Status::New, Status::Open, Status::Pending, Status::OnHold]), 1..9i64)
            .prop_map(|(status, length)| Cond::StatusFor(status, length)),
        1 => (1..3usize, lately(windows)).prop_map(|(at_least, within)| Cond::Reopened { at_least, within }),
        1 => (1..3usize, lately(windows)).prop_map(|(at_least, within)| Cond::Reassigned { at_least, within }),
        1 => (1..4usize, lately(windows)).prop_map(|(at_least, within)| Cond::Unresolved { at_least, within }),
        1 => (1..4usize, lately(windows)).prop_map(|(at_least, within)| Cond::Unanswered { at_least, within }),
        1 => lately(windows).prop_map(Cond::Threatens),
    ]
}

fn lately(windows: &BoxedStrategy<Tick>) -> impl Strategy<Value = Option<Tick>> + use<> {
    prop::option::weighted(0.6, windows.clone())
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        Just(Target::Breached),
        (1..6i64).prop_map(Target::DueWithin),
        (1..6i64).prop_map(Target::OverdueBy),
        Just(Target::Used75)
    ]
}

fn undecided(windows: &BoxedStrategy<Tick>) -> impl Strategy<Value = Cond> + use<> {
    prop_oneof![
        Just(Cond::Plan("enterprise")),
        Just(Cond::PlanIsUnknown),
        Just(Cond::HealthBelow(50)),
        Just(Cond::Billing(BillingState::PastDue)),
        Just(Cond::PriorityAtLeast(Priority::High)),
        Just(Cond::Category("billing")),
        lately(windows).prop_map(|within| Cond::SentimentAtMost(-5, within)),
        lately(windows).prop_map(Cond::WantsHuman),
        (1..3usize, windows.clone()).prop_map(|(at_least, within)| Cond::TicketsOf {
            category: "billing",
            at_least,
            within
        }),
        (0..2usize).prop_map(|at_most| Cond::UnansweredOf { category: "billing", at_most }),
    ]
}
