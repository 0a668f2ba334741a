//! Trees of conditions against a definition that is evaluated at every millisecond: the truth is the definition's, and
//! never changes before its bound.

use proptest::prelude::*;
use tierline_model::AccountField;
use tierline_rules::{Age, Clock, FieldRef, Truth, Wait};

use crate::sample::{Sample, SignalTold, Tell, rule, rule_unless, running};

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
            Cond::Renewal(ms) => match sample.fields.get(&FieldRef::Account(AccountField::RenewalDate)) {
                Some((Tell::Instant(at), _)) => Truth::from((at - ms..*at).contains(&t)),
                Some(_) => Truth::No,
                None => Truth::Unknown,
            },
        }
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
    ) -> Sample {
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
            fields: health.into_iter().chain(renewal).collect(),
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
        let held_back = |t| unless.as_ref().is_some_and(|unless| unless.by_definition(&sample, t) == Truth::Yes);
        let by_definition = |t| if held_back(t) { Truth::No } else { cond.by_definition(&sample, t) };
        let rule = rule_unless(&cond.yaml(), unless.as_ref().map(Cond::yaml).as_deref());
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
        let (rule, _) = rule(&cond.yaml());
        let before = rule.evaluate(&sample.just_at(now));
        prop_assert!(before.until >= now);
        if before.until > now {
            prop_assert_eq!(before.truth, cond.by_definition(&sample, now));
        }
    }
}
