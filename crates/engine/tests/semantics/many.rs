//! Many rules at once: each rises as if it were alone, whatever its gate leaves out.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tierline_model::{Millis, Priority, TicketFields};

use crate::kit::*;

/// Conditions with gates of all kinds, and some without.
const CONDITIONS: [&str; 14] = [
    "{ ticket.category: billing }",
    "{ ticket.category: [login, exports] }",
    "{ ticket.category: unclassified }",
    "{ ticket.category: unknown }",
    "{ ticket.priority: urgent, ticket.category: billing }",
    "{ account.plan: enterprise, ticket.priority: urgent }",
    "{ account.plan: free }",
    "{ account.plan: enterprise, account.health: { below: 50 } }",
    "{ not: { ticket.category: billing } }",
    "{ any: [ { ticket.category: login }, { account.plan: enterprise } ] }",
    "{ ticket.severity: sev1, account.plan: [enterprise, team] }",
    "{ ticket.category: billing, ticket.no_agent_reply_for: 10m }",
    "{ account.plan: enterprise, ticket.open_for: 15m }",
    "{ ticket.unassigned_for: 12m }",
];

/// Those from here on look again when time passes, for whose sake it may be.
const TIMED: usize = 11;

/// What the words are called.
const WORDS: &str = "
fields:
  ticket.category: { values: { billing: [payment] }, blank: unclassified }
  account.plan: { values: { enterprise: [gold] }, by_source: { sheet: { values: { free: [gold] } } } }
";

#[derive(Clone, Debug)]
enum Happens {
    Created(usize),
    Category(usize, &'static str),
    Priority(usize, Priority),
    Severity(usize, &'static str),
    /// By a source.
    Plan(&'static str, Option<&'static str>, Option<f64>),
    Nothing,
}

const TICKETS: [&str; 3] = ["a", "b", "c"];

fn happenings() -> impl Strategy<Value = Vec<(Millis, Happens)>> {
    let ticket = || 0..TICKETS.len();
    let word = prop::sample::select(vec!["billing", "payment", "Login", "exports", "other", " "]);
    let priority = prop::sample::select(vec![Priority::Low, Priority::High, Priority::Urgent]);
    let plan = prop::sample::select(vec![None, Some("enterprise"), Some("free"), Some("gold")]);
    let health = prop::sample::select(vec![None, Some(10.0), Some(90.0)]);
    let happens = prop_oneof![
        ticket().prop_map(Happens::Created),
        (ticket(), word).prop_map(|(ticket, word)| Happens::Category(ticket, word)),
        (ticket(), priority).prop_map(|(ticket, priority)| Happens::Priority(ticket, priority)),
        (ticket(), prop::sample::select(vec!["sev1", "sev2"]))
            .prop_map(|(ticket, word)| Happens::Severity(ticket, word)),
        (prop::sample::select(vec!["crm", "sheet"]), plan, health)
            .prop_map(|(source, plan, health)| Happens::Plan(source, plan, health)),
        Just(Happens::Nothing),
    ];
    prop::collection::vec((1i64..10, happens), 1..20)
}

/// Each rise: which rule, on which ticket, when it became true.
type Rises = BTreeSet<(String, String, Millis)>;

/// The rises, and how often each rule was undecided that only a record can change.
fn lived(conditions: &[usize], story: &[(Millis, Happens)], restart: usize) -> (Rises, Vec<u64>) {
    let rule = |&number: &usize| {
        format!("  - {{ id: rule-{number}, tier: 2, when: {} }}\n", CONDITIONS[number % CONDITIONS.len()])
    };
    let mut desk = Desk::new(&format!("{WORDS}rules:\n{}", conditions.iter().map(rule).collect::<String>()));
    let mut minute = 0;
    for (place, (later, happens)) in story.iter().enumerate() {
        minute += later;
        match *happens {
            Happens::Created(ticket) => desk.created(TICKETS[ticket], at(minute)),
            Happens::Category(ticket, word) => {
                let fields = TicketFields { category: Some(word.into()), ..TicketFields::default() };
                desk.updated(TICKETS[ticket], at(minute), fields);
            }
            Happens::Priority(ticket, priority) => {
                desk.updated(
                    TICKETS[ticket],
                    at(minute),
                    TicketFields { priority: Some(priority), ..TicketFields::default() },
                );
            }
            Happens::Severity(ticket, word) => {
                let fields = TicketFields { severity: Some(word.into()), ..TicketFields::default() };
                desk.updated(TICKETS[ticket], at(minute), fields);
            }
            Happens::Plan(source, plan, health) => desk.account_by(source, Some(at(minute)), plan, health),
            Happens::Nothing => desk.run_to(at(minute)),
        }
        if place == restart {
            desk.restart();
        }
    }
    desk.run_to(at(minute + 60));
    let undecided = desk.engine.counts().undecided.into_iter().zip(conditions);
    let undecided = undecided.filter(|(_, number)| *number % CONDITIONS.len() < TIMED).map(|(counted, _)| counted);
    let undecided = undecided.collect();
    let heard = desk.heard().into_iter();
    (heard.filter_map(|one| Some((one.rule?, one.ticket_id, one.became_true_at))).collect(), undecided)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn each_of_many_rules_rises_as_if_it_were_alone(story in happenings(), restart in 0usize..20) {
        // Each several times, so that gates are looked at whatever changes.
        let all: Vec<usize> = (0..3 * CONDITIONS.len()).collect();
        let (mut rises, mut undecided) = (Rises::new(), Vec::new());
        for &number in &all {
            let (own, counted) = lived(&[number], &story, restart);
            rises.extend(own);
            undecided.extend(counted);
        }
        prop_assert_eq!(lived(&all, &story, restart), (rises, undecided));
    }
}

/// A rule did not look again when another system said the same word and meant something else by it.
#[test]
fn the_same_word_of_another_source_may_be_another() {
    let mut desk = Desk::new(&format!("{WORDS}{}", rule("    when: { account.plan: free }")));
    desk.account_by("crm", Some(at(0)), Some("gold"), None);
    desk.created("t", at(1));
    desk.account_by("sheet", Some(at(2)), Some("gold"), None);
    assert_eq!(desk.said(), ["opened t 2 @2"]);
}
