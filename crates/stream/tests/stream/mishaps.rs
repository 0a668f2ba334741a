//! Exactly once: whatever goes wrong in between, what stands committed in the end is what would have.

use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tierline_model::Millis;
use tierline_stream::clock::ClockMode;
use tierline_stream::log::Ownership;
use tierline_stream::partitioner::partition_of;
use tierline_stream::task_record::{self, TaskRecord};
use tierline_stream::{LaneError, Step};

use crate::memory::Stored;
use crate::world::*;

/// A record of a story: minutes after noon at which it happened and at which it arrived.
#[derive(Clone, Debug)]
pub struct Told {
    at: Millis,
    late: Millis,
    what: What,
    account: u8,
    ticket: u8,
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    Created,
    Urgent,
    Answered,
    Solved,
    Bill(&'static str),
    BillGone,
    BillChange(&'static str),
    Command(&'static str),
    Garbage,
}

/// What can go wrong between two steps.
#[derive(Clone, Copy, Debug)]
pub enum Mishap {
    None,
    Crash,
    /// It ends in order, and starts again.
    Close,
    CommitAborts,
    WriteFails(&'static str),
    /// Tasks are taken away in order, and come back.
    Handover,
    /// Tasks are another's before they could be given up, and come back.
    Loss,
}

pub fn story_of(most: usize) -> impl Strategy<Value = Vec<Told>> {
    let state = prop_oneof![Just("past_due"), Just("current")];
    let kind = prop_oneof![Just("escalate"), Just("acknowledge"), Just("resolve"), Just("forget_account")];
    let what = prop_oneof![
        4 => Just(What::Created), 3 => Just(What::Urgent), 4 => Just(What::Answered), 2 => Just(What::Solved),
        2 => state.clone().prop_map(What::Bill), 1 => Just(What::BillGone), 2 => state.prop_map(What::BillChange),
        2 => kind.prop_map(What::Command), 1 => Just(What::Garbage),
    ];
    let late = prop_oneof![3 => Just(0i64), 1 => 0i64..40];
    let told = (0i64..20, late, what, 0u8..4, 0u8..3).prop_map(|(at, late, what, account, ticket)| Told {
        at,
        late,
        what,
        account,
        ticket,
    });
    prop::collection::vec(told, 1..most).prop_map(|mut story| {
        // What is told first happened first, save what comes late.
        let mut minute = 0;
        story.iter_mut().for_each(|told| {
            minute += told.at;
            told.at = minute;
        });
        story
    })
}

fn mishaps() -> impl Strategy<Value = Vec<Mishap>> {
    let topic = prop_oneof![Just("detect-state"), Just("escalations"), Just("escalation-queue"), Just("dead-letters")];
    let mishap = prop_oneof![
        6 => Just(Mishap::None), 3 => Just(Mishap::Crash), 1 => Just(Mishap::Close), 2 => Just(Mishap::CommitAborts),
        2 => topic.prop_map(Mishap::WriteFails), 1 => Just(Mishap::Handover), 1 => Just(Mishap::Loss),
    ];
    prop::collection::vec(mishap, 0..40)
}

const PARTITIONS: i32 = 2;

fn world_of(story: &[Told], records_a_poll: usize) -> World {
    let mut world = World::with(PARTITIONS, ClockMode::Events);
    world.settings.until = Some(NOON + 3 * DAY);
    world.cluster.borrow_mut().records_a_poll = records_a_poll;
    for told in story {
        tell(&world, told);
    }
    world.now.set(NOON + 2 * DAY);
    world
}

pub fn tell(world: &World, told: &Told) {
    let at = NOON + told.at * MINUTE;
    let appended_at = at + told.late * MINUTE;
    let account = format!("account-{}", told.account);
    let ticket = format!("{account}-{}", told.ticket);
    let (topic, mut record) = match told.what {
        What::Created => ("tickets", world.created(&ticket, at)),
        What::Urgent => ("tickets", world.urgent(&ticket, at)),
        What::Answered => ("tickets", world.answered(&ticket, at)),
        What::Solved => ("tickets", world.event("updated", &ticket, at, json!({ "ticket": { "status": "solved" } }))),
        What::Bill(state) => ("billing", world.bill(state)),
        What::BillChange(state) => ("billing-changes", world.bill_change(state)),
        What::Command(kind) => (
            "commands",
            json!({ "command_id": format!("c{}", told.at), "ticket_id": ticket,
                                                    "occurred_at": at, "kind": kind }),
        ),
        What::BillGone => {
            world.put("billing", appended_at, Some(account.as_bytes()), None);
            return;
        }
        What::Garbage => {
            world.put("tickets", appended_at, Some(account.as_bytes()), Some(b"?"));
            return;
        }
    };
    record["account_id"] = json!(account);
    world.send_at(topic, appended_at, record);
}

/// Runs to the end; one mishap after each step, as long as there are any.
pub fn run(world: &mut World, mishaps: &[Mishap]) {
    world.start();
    let mut mishaps = mishaps.iter();
    for _ in 0..20_000 {
        if world.step().expect("it lives") == Step::Finished {
            return;
        }
        match mishaps.next() {
            None | Some(Mishap::None) => {}
            Some(Mishap::Crash) => world.start(),
            Some(Mishap::Close) => {
                world.close();
                world.start();
            }
            Some(Mishap::CommitAborts) => world.cluster.borrow_mut().aborts = 1,
            Some(Mishap::WriteFails(topic)) => {
                world.cluster.borrow_mut().write_fails = Some(((*topic).to_owned(), 1));
            }
            Some(Mishap::Handover) => world.take_away_and_give_back(false),
            Some(Mishap::Loss) => world.take_away_and_give_back(true),
        }
    }
    panic!("it never ends");
}

/// Everything that a reader of committed records can see, but when it was found out.
#[derive(Debug, PartialEq)]
struct Seen {
    escalations: BTreeMap<String, Vec<Value>>,
    queue: BTreeMap<String, String>,
    letters: Vec<(String, String, String, String)>,
    /// Keys alone: when an entry was last written depends on which records shared a transaction.
    state: Vec<String>,
}

fn seen(world: &World) -> Seen {
    let mut escalations: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for it in world.escalations() {
        escalations.entry(word(&it["account_id"])).or_default().push(it);
    }
    let mut letters: Vec<_> = world
        .letters()
        .iter()
        .map(|letter| {
            let header = |name: &str| letter.header(&format!("tierline.{name}"));
            (header("topic"), header("partition"), header("offset"), header("error"))
        })
        .collect();
    letters.sort();
    let mut state = compacted(&world.committed("detect-state"));
    state.remove(task_record::KEY);
    let shown = |bytes: Vec<u8>| bytes.escape_ascii().to_string();
    let queue = compacted(&world.committed("escalation-queue"));
    let queue = queue.into_iter().map(|(key, value)| (shown(key), shown(value))).collect();
    Seen { escalations, queue, letters, state: state.into_keys().map(shown).collect() }
}

pub fn compacted(records: &[Stored]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut last = BTreeMap::new();
    for record in records {
        let key = record.key.clone().expect("compacted topics have keys");
        match &record.value {
            Some(value) => last.insert(key, value.clone()),
            None => last.remove(&key),
        };
    }
    last
}

fn assert_no_repeat_and_no_gap(world: &World) {
    let mut next: BTreeMap<String, i64> = BTreeMap::new();
    for it in world.escalations() {
        let next = next.entry(word(&it["escalation_id"])).or_default();
        assert_eq!(it["sequence"].as_i64(), Some(*next), "{it}");
        *next += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_wrong_the_same_is_committed_once(
        story in story_of(40), mishaps in mishaps(), records_a_poll in 1usize..6, checkpoints in any::<bool>()
    ) {
        let mut undisturbed = world_of(&story, 1_000);
        run(&mut undisturbed, &[]);

        let folder = tempfile::tempdir().expect("a folder");
        let mut disturbed = world_of(&story, records_a_poll);
        if checkpoints {
            disturbed = disturbed.with_checkpoints(folder.path());
        }
        run(&mut disturbed, &mishaps);
        let (seen, expected) = (seen(&disturbed), seen(&undisturbed));
        prop_assert_eq!(seen.escalations, expected.escalations);
        prop_assert_eq!(seen.letters, expected.letters);
        prop_assert_eq!(seen.queue, expected.queue);
        prop_assert_eq!(seen.state, expected.state);
        assert_no_repeat_and_no_gap(&disturbed);
    }
}

/// Two accounts, a breach, a retraction, a resolution, a dead letter.
fn eventful() -> Vec<Told> {
    let told = |at, late, what, account, ticket| Told { at, late, what, account, ticket };
    vec![
        told(0, 0, What::Bill("past_due"), 0, 0),
        told(1, 0, What::Created, 0, 0),
        told(2, 0, What::Urgent, 0, 1),
        told(5, 0, What::Garbage, 1, 0),
        told(6, 0, What::Created, 1, 0),
        told(70, 0, What::Created, 0, 2),
        told(30, 50, What::Answered, 0, 0),
        told(90, 0, What::BillChange("current"), 0, 0),
        told(100, 0, What::Command("acknowledge"), 0, 1),
        told(140, 0, What::Solved, 0, 1),
    ]
}

#[test]
fn a_restart_after_any_step_changes_nothing() {
    let mut undisturbed = world_of(&eventful(), 1);
    run(&mut undisturbed, &[]);
    let expected = seen(&undisturbed);
    let kinds: Vec<_> = undisturbed.told().into_iter().map(|(kind, ..)| kind).collect();
    for kind in ["opened", "acknowledged", "resolved", "retracted"] {
        assert!(kinds.iter().any(|it| it == kind), "{kind} is not in the story: {kinds:?}");
    }
    for mishap in [Mishap::Crash, Mishap::Close, Mishap::CommitAborts, Mishap::Handover, Mishap::Loss] {
        for steps in 0..60 {
            let mut mishaps = vec![Mishap::None; steps];
            mishaps.push(mishap);
            let mut world = world_of(&eventful(), 1);
            run(&mut world, &mishaps);
            assert_eq!(seen(&world), expected, "{mishap:?} after {steps} steps");
        }
    }
}

#[test]
fn an_abort_drops_what_was_done_and_does_it_again() {
    let mut world = World::new();
    world.send("billing", world.bill("past_due"));
    world.start();
    world.settle();
    world.cluster.borrow_mut().aborts = 3;
    world.send("tickets", world.urgent("T1", NOON));
    world.settle();
    assert_eq!(world.told(), [opened("T1", 0)]);
    assert_eq!(world.escalations()[0]["sequence"], 0);
    // What was counted in aborted transactions never happened.
    assert_eq!(world.metric(&["tierline_records_total", "topic=\"tickets\""]), 1.0);
    assert_eq!(world.metric(&["tierline_escalations_total", "opened"]), 1.0);
    assert_eq!(world.metric(&["tierline_transaction_seconds_count", "aborted"]), 3.0);
}

#[test]
fn a_dead_letter_is_visible_when_its_record_is_passed_and_not_before() {
    let mut world = World::new();
    world.start();
    world.settle();
    let offset = world.put("tickets", NOON, Some(ACME.as_bytes()), Some(b"?"));
    world.cluster.borrow_mut().aborts = 2;
    for _ in 0..20 {
        world.step().expect("it lives");
        let passed = stored_position(&world, "tickets") > offset;
        assert_eq!(world.letters().len(), usize::from(passed));
        assert_eq!(world.cluster.borrow().positions[&0] > offset, passed, "what the group is told moves with it");
    }
    assert_eq!(world.letters().len(), 1);
}

/// By the newest task record.
fn stored_position(world: &World, topic: &str) -> i64 {
    let state = compacted(&world.committed("detect-state"));
    let record = TaskRecord::decode(&state[task_record::KEY]).expect("a task record");
    record.position(topic).expect("it names every input")
}

#[test]
fn a_timers_commit_carries_the_position_of_its_task_though_it_did_not_move() {
    let mut world = World::with(2, ClockMode::Wall);
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.settle();
    let home = partition_of(ACME.as_bytes(), 2);
    let before = std::mem::take(&mut world.cluster.borrow_mut().positions);
    world.to(NOON + HOUR + GRACE);
    assert_eq!(world.told(), [opened("T1", 60)]);
    let fenced: Vec<_> = world.cluster.borrow().positions.clone().into_iter().collect();
    assert_eq!(fenced, [(home, before[&home])], "that task's, and no other's");
}

#[test]
fn tasks_that_were_lost_take_nothing_of_theirs_into_a_commit() {
    let mut world = World::new();
    world.send("billing", world.bill("past_due"));
    world.start();
    world.settle();
    let before = world.committed("detect-state").len();
    world.send("tickets", world.urgent("T1", NOON));
    world.step().expect("it lives");
    let written = world.cluster.borrow_mut().part("escalations", 0).records.len();
    assert_eq!(written, 1, "it is on its way when the news comes");
    world.change_ownership(Ownership::Lost(vec![0]));
    world.settle();
    assert_eq!(world.told(), []);
    assert_eq!(world.committed("detect-state").len(), before);
    assert!(world.settings.health.partitions().is_empty());
}

#[test]
fn tasks_that_are_given_up_in_order_go_with_all_that_was_done() {
    let mut world = World::new();
    world.send("billing", world.bill("past_due"));
    world.start();
    world.settle();
    world.send("tickets", world.urgent("T1", NOON));
    world.step().expect("it lives");
    world.change_ownership(Ownership::Revoked(vec![0]));
    world.step().expect("it lives");
    assert_eq!(world.told(), [opened("T1", 0)]);
    assert_eq!(world.metric(&["tierline_open_tickets"]), 0.0, "they are another's to count");
    world.send("tickets", world.urgent("T2", NOON));
    world.settle();
    assert_eq!(world.told(), [opened("T1", 0)], "what comes later is another's");
}

#[test]
fn a_lane_whose_place_was_taken_ends_and_says_so() {
    let mut world = World::new();
    world.start();
    world.settle();
    let mut other = World::new();
    other.cluster = Rc::clone(&world.cluster);
    other.start();
    other.settle();
    world.send("tickets", world.created("T1", NOON));
    let error = world.until_dead();
    assert!(matches!(error, LaneError::Fenced(_)), "{error}");
    assert_eq!(other.told(), []);
}
