//! Trees of conditions against a definition that is evaluated at every millisecond: the truth is the definition's, and
//! never changes before its bound.

use proptest::prelude::*;
use tierline_model::{AccountField, TicketField};
use tierline_rules::{ALWAYS, Age, Clock, FieldRef, Handoff, Standing, Truth, Wait};

use crate::sample::{Sample, SignalTold, Tell, is_possible, rule, rule_unless, running};

/// All that happens in a sample, happens before this.
const END: i64 = 60;

#[derive(Clone, Debug)]
enum Cond {
    Silence(i64),
    OpenFor(i64),
    Tickets { low: usize, high: usize, within: i64 },
    FollowUps { at_least: usize, apart: i64, within: Option<i64> },
    Overdue(i64),
    Due(i64),
    Sentiment { at_most: i8, within: Option<i64>, take: &'static str },
    Known,
    Renewal(i64),
    StatusFor(i64),
    Reopened { at_least: usize, within: Option<i64> },
    Wrote(Option<i64>),
    WantsHuman(Option<i64>),
    Unanswered { low: usize, high: usize, within: Option<i64> },
    BillingTickets { at_least: usize, within: i64 },
    All(Vec<Cond>),
    Any(Vec<Cond>),
    Not(Box<Cond>),
}

impl Cond {
    fn yaml(&self) -> String {
        let within = |within: &Option<i64>| within.map(|ms| format!(", within: {ms}ms")).unwrap_or_default();
        let list = |inner: &[Cond]| inner.iter().map(Cond::yaml).collect::<Vec<_>>().join(", ");
        match self {
            Cond::Silence(ms) => format!("{{ ticket.no_agent_reply_for: {ms}ms }}"),
            Cond::OpenFor(ms) => format!("{{ ticket.open_for: {ms}ms }}"),
            Cond::Tickets { low, high, within } => {
                format!("{{ account.tickets: {{ at_least: {low}, at_most: {high}, within: {within}ms }} }}")
            }
            Cond::FollowUps { at_least, apart, within: w } => {
                format!("{{ ticket.follow_ups: {{ at_least: {at_least}, apart: {apart}ms{} }} }}", within(w))
            }
            Cond::Overdue(ms) => format!("{{ sla.first_reply: {{ overdue_by: {ms}ms }} }}"),
            Cond::Due(ms) => format!("{{ sla.first_reply: {{ due_within: {ms}ms }} }}"),
            Cond::Sentiment { at_most, within: w, take } => {
                let limit = f64::from(*at_most) / 10.0;
                format!("{{ ticket.sentiment: {{ at_most: {limit:.1}, take: {take}{} }} }}", within(w))
            }
            Cond::Known => "{ account.health: known }".to_owned(),
            Cond::Renewal(ms) => format!("{{ account.renewal_within: {ms}ms }}"),
            Cond::StatusFor(ms) => format!("{{ ticket.status_for: {{ status: on_hold, for: {ms}ms }} }}"),
            Cond::Reopened { at_least, within: w } => {
                format!("{{ ticket.reopened: {{ at_least: {at_least}{} }} }}", within(w))
            }
            Cond::Wrote(w) => format!("{{ message.text: {{ contains: refund{} }} }}", within(w)),
            Cond::WantsHuman(w) => format!("{{ signal.handoff.wants_human: {{ is: true{} }} }}", within(w)),
            Cond::Unanswered { low, high, within: w } => {
                format!("{{ account.unanswered_tickets: {{ at_least: {low}, at_most: {high}{} }} }}", within(w))
            }
            Cond::BillingTickets { at_least, within } => format!(
                "{{ account.tickets: {{ at_least: {at_least}, within: {within}ms, where: {{ ticket.category: billing }} }} }}"
            ),
            Cond::All(inner) => format!("{{ all: [{}] }}", list(inner)),
            Cond::Any(inner) => format!("{{ any: [{}] }}", list(inner)),
            Cond::Not(inner) => format!("{{ not: {} }}", inner.yaml()),
        }
    }

    /// What it is once everything of the instant is reached.
    fn by_definition(&self, sample: &Sample, t: i64) -> Truth {
        let in_window = |at: i64, within: Option<i64>| at <= t && within.is_none_or(|within| at > t - within);
        match self {
            Cond::All(inner) => inner.iter().map(|one| one.by_definition(sample, t)).min().unwrap_or(Truth::Yes),
            Cond::Any(inner) => inner.iter().map(|one| one.by_definition(sample, t)).max().unwrap_or(Truth::No),
            Cond::Not(inner) => !inner.by_definition(sample, t),
            Cond::Silence(ms) => match sample.wait {
                Wait::Unknown => Truth::Unknown,
                Wait::Nobody(_) => Truth::No,
                Wait::Since(since) => Truth::from(t >= since + ms),
            },
            Cond::OpenFor(ms) => match sample.age {
                Err(_) => Truth::Unknown,
                Ok(age) => Truth::from(t >= age.created_at + age.solved_for + ms),
            },
            Cond::Tickets { low, high, within } => {
                let count = sample.tickets.iter().filter(|&&at| in_window(at, Some(*within))).count();
                Truth::from((*low..=*high).contains(&count))
            }
            Cond::FollowUps { at_least, apart, within } => {
                if sample.wait == Wait::Unknown {
                    return Truth::Unknown;
                }
                let mut counted: Vec<i64> = Vec::new();
                for &at in sample.contacts.iter().skip(1) {
                    if counted.last().is_none_or(|last| at - last >= *apart) {
                        counted.push(at);
                    }
                }
                let waits = matches!(sample.wait, Wait::Since(_));
                let count = counted.iter().filter(|&&at| waits && in_window(at, *within)).count();
                Truth::from(count >= *at_least)
            }
            Cond::Overdue(_) | Cond::Due(_) => match sample.clock {
                Clock::Unknown => Truth::Unknown,
                Clock::None | Clock::Stopped { .. } => Truth::No,
                Clock::Running { started, target, .. } => Truth::from(match self {
                    Cond::Overdue(ms) => t >= started + target + ms,
                    Cond::Due(ms) => t >= started + target - ms,
                    _ => unreachable!("only these two come here"),
                }),
            },
            Cond::Sentiment { at_most, within, take } => {
                let told: Vec<_> = sample.signals.iter().filter(|told| told.at <= t).collect();
                let value = |told: &&&SignalTold| (told.value.unwrap_or(0.0) * 10.0) as i64;
                let live = told.iter().filter(|told| in_window(told.at, *within));
                let taken = match *take {
                    "lowest" => live.min_by_key(value),
                    "highest" => live.max_by_key(value),
                    _ => live.max_by_key(|told| told.at),
                };
                match taken {
                    _ if told.is_empty() => Truth::Unknown,
                    None => Truth::No,
                    Some(told) => Truth::from(value(&told) <= i64::from(*at_most)),
                }
            }
            Cond::Known => Truth::from(sample.fields.contains_key(&FieldRef::Account(AccountField::Health))),
            Cond::StatusFor(ms) => match sample.fields.get(&STATUS) {
                Some((Tell::Text("on_hold"), since)) => Truth::from(t >= since + ms),
                Some(_) => Truth::No,
                None => Truth::Unknown,
            },
            Cond::Reopened { at_least, within } => {
                let count = sample.reopened.iter().filter(|&&at| in_window(at, *within)).count();
                let is_known =
                    sample.known_from == ALWAYS || within.is_some_and(|within| t - within >= sample.known_from);
                match count >= *at_least {
                    true => Truth::Yes,
                    false if is_known => Truth::No,
                    false => Truth::Unknown,
                }
            }
            Cond::Wrote(within) => Truth::from(sample.phrases.iter().any(|&at| in_window(at, *within))),
            Cond::WantsHuman(within) => match sample.handoff.filter(|handoff| handoff.at <= t) {
                None => Truth::Unknown,
                Some(handoff) if !in_window(handoff.at, *within) => Truth::No,
                Some(handoff) => handoff.wants_human.map_or(Truth::Unknown, Truth::from),
            },
            Cond::Unanswered { low, high, within } => counted(*low, *high, sample, |other, standing| {
                let inside = |at: i64| at <= t && within.is_none_or(|within| at > t - within);
                match (standing.open_since, within, standing.created_at) {
                    (None, ..) | (_, Some(_), None) => Truth::No,
                    (_, Some(_), Some(at)) if !inside(at) => Truth::No,
                    (Some(open_since), ..) if open_since > t => Truth::No,
                    _ => match other.wait {
                        Wait::Since(since) => Truth::from(since <= t),
                        Wait::Nobody(_) => Truth::No,
                        Wait::Unknown => Truth::Unknown,
                    },
                }
            }),
            Cond::BillingTickets { at_least, within } => counted(*at_least, usize::MAX, sample, |other, standing| {
                let is_inside = standing.created_at.is_some_and(|at| in_window(at, Some(*within)));
                match other.fields.get(&CATEGORY) {
                    _ if !is_inside => Truth::No,
                    None => Truth::Unknown,
                    Some((Tell::Text("billing"), since)) if *since <= t => Truth::Yes,
                    Some(_) => Truth::No,
                }
            }),
            Cond::Renewal(ms) => match sample.fields.get(&FieldRef::Account(AccountField::RenewalDate)) {
                Some((Tell::Instant(at), _)) => Truth::from((at - ms..*at).contains(&t)),
                Some(_) => Truth::No,
                None => Truth::Unknown,
            },
        }
    }
}

const STATUS: FieldRef = FieldRef::Ticket(TicketField::Status);
const CATEGORY: FieldRef = FieldRef::Ticket(TicketField::Category);

/// Whether the number of the account's tickets that are lies between these; unknown where it may.
fn counted(low: usize, high: usize, sample: &Sample, is: impl Fn(&Sample, &Standing) -> Truth) -> Truth {
    let truths: Vec<_> = sample.others.iter().map(|(other, standing)| is(other, standing)).collect();
    let least = truths.iter().filter(|truth| **truth == Truth::Yes).count();
    let most = truths.iter().filter(|truth| **truth != Truth::No).count();
    let holds = (least..=most).filter(|count| (low..=high).contains(count)).count();
    match holds {
        0 => Truth::No,
        all if all == most - least + 1 => Truth::Yes,
        _ => Truth::Unknown,
    }
}

fn cond() -> impl Strategy<Value = Cond> {
    let length = || 1..40i64;
    let leaf = prop_oneof![
        length().prop_map(Cond::Silence),
        length().prop_map(Cond::OpenFor),
        (1..4usize, 0..3usize, length()).prop_map(|(low, more, within)| Cond::Tickets {
            low,
            high: low + more,
            within
        }),
        (1..4usize, 0..10i64, prop::option::of(length())).prop_map(|(at_least, apart, within)| Cond::FollowUps {
            at_least,
            apart,
            within
        }),
        length().prop_map(Cond::Overdue),
        length().prop_map(Cond::Due),
        (-9..9i8, prop::option::of(length()), prop::sample::select(vec!["newest", "lowest", "highest"]))
            .prop_map(|(at_most, within, take)| Cond::Sentiment { at_most, within, take }),
        Just(Cond::Known),
        length().prop_map(Cond::Renewal),
        length().prop_map(Cond::StatusFor),
        (1..4usize, prop::option::of(length())).prop_map(|(at_least, within)| Cond::Reopened { at_least, within }),
        prop::option::of(length()).prop_map(Cond::Wrote),
        prop::option::of(length()).prop_map(Cond::WantsHuman),
        (1..3usize, 0..3usize, prop::option::of(length())).prop_map(|(low, more, within)| Cond::Unanswered {
            low,
            high: low + more,
            within
        }),
        (1..4usize, length()).prop_map(|(at_least, within)| Cond::BillingTickets { at_least, within }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Cond::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Cond::Any),
            inner.prop_map(|inner| Cond::Not(Box::new(inner))),
        ]
    })
}

prop_compose! {
    /// Another ticket of the account. What it is, it has been for a while.
    fn other()(
        wait in prop_oneof![Just(Wait::Unknown), (0..9i64).prop_map(Wait::Nobody), (0..9i64).prop_map(Wait::Since)],
        created_at in prop::option::of(0..9i64),
        open in any::<bool>(),
        category in prop::option::of((prop::sample::select(vec!["billing", "bug"]), 0..9i64)),
    ) -> (Sample, Standing) {
        let category = category.map(|(category, since)| (CATEGORY, (Tell::Text(category), since)));
        let open_since = open.then_some(created_at.unwrap_or(0));
        (Sample { wait, fields: category.into_iter().collect(), ..Sample::default() }, Standing { created_at, open_since })
    }
}

prop_compose! {
    fn sample()(
        wait in prop_oneof![Just(Wait::Unknown), (0..9i64).prop_map(Wait::Nobody), (0..9i64).prop_map(Wait::Since)],
        age in prop_oneof![
            Just(Err(tierline_rules::Untold)),
            (0..9i64, 0..9i64).prop_map(|(created_at, solved_for)| Ok(Age { created_at, solved_for })),
        ],
        clock in prop_oneof![
            Just(Clock::Unknown), Just(Clock::None), (0..9i64).prop_map(|at| Clock::Stopped { at }),
            (0..9i64, 1..40i64).prop_map(|(started, length)| running(started, length, started)),
        ],
        mut tickets in prop::collection::vec(0..END, 0..8),
        mut contacts in prop::collection::btree_set(9..END, 0..8),
        signals in prop::collection::btree_map(0..END, -9..9i8, 0..6),
        health in any::<bool>(),
        renewal in prop::option::of(0..END),
        status in prop::option::of((prop::sample::select(vec!["on_hold", "open"]), 0..9i64)),
        mut reopened in prop::collection::vec(0..9i64, 0..5),
        known_from in prop_oneof![Just(ALWAYS), Just(0)],
        mut phrases in prop::collection::vec(0..9i64, 0..4),
        handoff in prop::option::of((0..9i64, prop::option::of(any::<bool>()))),
        others in prop::collection::vec(other(), 0..5),
    ) -> Sample {
        reopened.sort_unstable();
        phrases.sort_unstable();
        let status = status.map(|(status, since)| (STATUS, (Tell::Text(status), since)));
        tickets.sort_unstable();
        if let Wait::Since(since) = wait {
            contacts.insert(since);
        }
        let health = health.then_some((FieldRef::Account(AccountField::Health), (Tell::Number(5.0), 0)));
        let renewal = renewal.map(|at| (FieldRef::Account(AccountField::RenewalDate), (Tell::Instant(at), 0)));
        let signal = |(at, tenths)| SignalTold { name: "sentiment", at, value: Some(f64::from(tenths) / 10.0), label: None };
        Sample {
            wait, age, clock, tickets,
            contacts: contacts.into_iter().collect(),
            signals: signals.into_iter().map(signal).collect(),
            fields: health.into_iter().chain(renewal).chain(status).collect(),
            reopened, known_from, phrases, others,
            handoff: handoff.map(|(at, wants_human)| Handoff { at, wants_human, broke_down: None }),
            ..Sample::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_truth_is_the_definitions_and_never_changes_before_its_bound(
        cond in cond(), unless in prop::option::of(cond()), sample in sample(), now in 10..2 * END,
    ) {
        let unless_yaml = unless.as_ref().map(Cond::yaml);
        prop_assume!(is_possible(&cond.yaml(), unless_yaml.as_deref()));
        let held_back = |t| unless.as_ref().is_some_and(|unless| unless.by_definition(&sample, t) == Truth::Yes);
        let by_definition = |t| if held_back(t) { Truth::No } else { cond.by_definition(&sample, t) };
        let rule = rule_unless(&cond.yaml(), unless_yaml.as_deref());
        let dated = rule.evaluate(&sample.at(now));
        prop_assert_eq!(dated.truth, by_definition(now));
        prop_assert!(dated.until > now, "what is reached lies behind");
        for t in now..dated.until.min(4 * END) {
            prop_assert_eq!(by_definition(t), dated.truth, "it changed at {} before {}", t, dated.until);
        }
        prop_assert!(dated.since <= now);
        for t in dated.since.max(0)..now {
            prop_assert_eq!(by_definition(t), dated.truth, "it was otherwise at {} after {}", t, dated.since);
        }
        let leaves = rule.leaves(&sample.at(now));
        let truths: Vec<Truth> = leaves.iter().map(|leaf| leaf.truth).collect();
        prop_assert_eq!(rule.recombine(&truths), dated.truth, "leaf by leaf it is the same");
    }

    #[test]
    fn before_the_bounds_of_an_instant_it_is_what_it_was_or_what_it_will_be(
        cond in cond(), sample in sample(), now in 10..2 * END,
    ) {
        prop_assume!(is_possible(&cond.yaml(), None));
        let (rule, _) = rule(&cond.yaml());
        let before = rule.evaluate(&sample.just_at(now));
        prop_assert!(before.until >= now);
        if before.until > now {
            prop_assert_eq!(before.truth, cond.by_definition(&sample, now));
        }
    }
}
