//! How a task comes back: from a checkpoint and the tail, from the whole changelog, or not at all, with a reason.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;
use tierline_stream::clock::{ClockMode, Scale};
use tierline_stream::detect::DetectStage;
use tierline_stream::log::{Ownership, Partition, Trouble};
use tierline_stream::partitioner::partition_of;
use tierline_stream::restore::Restored;
use tierline_stream::stage::Stage;
use tierline_stream::task_record;
use tierline_stream::{LaneError, Step};

use crate::memory::{Part, State};
use crate::world::*;

/// Many tickets; the process has ended in order and left a checkpoint.
fn ended(folder: &std::path::Path) -> World {
    let mut world = World::new().with_checkpoints(folder);
    world.start();
    for number in 0..50 {
        world.send("tickets", world.created(&format!("T{number}"), NOON));
    }
    world.settle();
    world.close();
    world
}

fn fatal(world: &mut World) -> String {
    match world.until_dead() {
        LaneError::Fatal(why) => why,
        other @ LaneError::Fenced(_) => panic!("{other}"),
    }
}

#[test]
fn a_restart_reads_only_the_tail_behind_a_checkpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = ended(folder.path());
    world.start();
    world.send("tickets", world.answered("T7", NOON));
    world.send("tickets", world.created("later", NOON));
    world.settle();
    world.crash();
    let restored = world.restore();
    assert!(restored.from_checkpoint);
    assert!(restored.entries < 20, "{} entries were read", restored.entries);
    // What the tail told holds, and so does what the checkpoint told.
    world.start();
    world.to(NOON + 2 * HOUR);
    let escalated: Vec<_> = world.told().into_iter().map(|(_, ticket, _)| ticket).collect();
    assert_eq!(escalated.len(), 50);
    assert!(!escalated.contains(&"T7".to_owned()) && escalated.contains(&"later".to_owned()));
}

#[test]
fn a_checkpoint_of_another_incarnation_is_not_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = ended(folder.path());
    let checkpointed = old.cluster.borrow_mut().part("detect-state", 0).next;
    // All topics were made anew, and the new changelog has grown past the old checkpoint's place.
    let mut world = World::new();
    world.settings.checkpoints = None;
    world.start();
    for number in 0..200 {
        world.send("tickets", world.created(&format!("new{number}"), NOON));
        world.settle();
    }
    world.crash();
    assert!(world.cluster.borrow_mut().part("detect-state", 0).next > checkpointed);
    let mut world = world.with_checkpoints(folder.path());
    assert!(!world.restore().from_checkpoint);
    world.start();
    world.settle();
    assert_eq!(world.metric(&["tierline_open_tickets"]), 200.0, "none of the old ones is there");
}

#[test]
fn a_checkpoint_beyond_the_end_of_the_changelog_is_not_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    ended(folder.path());
    let mut world = World::new().with_checkpoints(folder.path());
    let restored = world.restore();
    assert!(!restored.from_checkpoint && restored.task.cold, "it begins anew");
    assert!(!folder.path().join("detect-0.checkpoint").exists(), "the changelog may grow past it");
}

#[test]
fn a_checkpoint_is_void_after_half_of_the_time_for_which_tombstones_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = ended(folder.path());
    world.now.set(NOON + 12 * HOUR);
    assert!(world.restore().from_checkpoint);
    world.now.set(NOON + 12 * HOUR + 1);
    assert!(!world.restore().from_checkpoint);
}

/// By a wall that runs a hundred times faster the log forgets tombstones so much sooner; how often a checkpoint is made
/// goes by real time.
#[test]
fn by_a_scaled_wall_a_checkpoint_is_void_as_soon_as_tombstones_go_by_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let scale = Scale { real_origin: NOON, origin: NOON, factor: 100.0 };
    let mut world = World::with(1, ClockMode::Scaled(scale)).with_checkpoints(folder.path());
    world.start();
    world.send("tickets", world.created("T1", NOON));
    world.settle();
    world.now.set(NOON + 4 * MINUTE);
    world.send("tickets", world.created("T2", NOON));
    world.settle();
    assert!(!folder.path().join("detect-0.checkpoint").exists(), "five minutes of it have long been over");
    world.close();
    let made_at = NOON + 4 * MINUTE;
    world.now.set(made_at + 12 * HOUR / 100);
    assert!(world.restore().from_checkpoint);
    world.now.set(made_at + 12 * HOUR / 100 + 1);
    assert!(!world.restore().from_checkpoint);
}

#[test]
fn a_damaged_checkpoint_costs_time_only() {
    for damage in [0, 9, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut world = ended(folder.path());
        let path = folder.path().join("detect-0.checkpoint");
        let mut bytes = fs::read(&path).expect("it is there");
        bytes[damage] ^= 1;
        fs::write(&path, bytes).expect("it can be written");
        let restored = world.restore();
        assert!(!restored.from_checkpoint && restored.entries > 50, "byte {damage}");
        assert!(folder.path().join("detect-0.damaged").exists(), "it is set aside for whoever wants to know");
    }
}

#[test]
fn the_checkpoint_of_a_task_that_was_given_up_is_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = ended(folder.path());
    let path = folder.path().join("detect-0.checkpoint");
    assert!(path.exists());
    world.start();
    world.settle();
    world.change_ownership(Ownership::Revoked(vec![0]));
    world.settle();
    assert!(!path.exists());
}

/// What a task holds once it is back.
fn meaning(restored: Restored<DetectStage>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut entries = BTreeMap::new();
    restored.task.stage.meaning(&mut |key, value| drop(entries.insert(key.to_vec(), value.to_vec())));
    entries
}

/// Forty accounts with a ticket each, and a checkpoint is due that takes one of them at a time.
fn due(folder: &std::path::Path) -> World {
    let mut world = World::new().with_checkpoints(folder);
    world.settings.checkpoints.as_mut().expect("they are on").piece = 1;
    world.start();
    for number in 0..40 {
        world.send_of(number, world.created(&format!("T{number}"), NOON));
    }
    world.settle();
    world.now.set(NOON + 5 * MINUTE);
    world.send("tickets", world.created("T40", NOON));
    world
}

#[test]
fn a_checkpoint_that_is_written_while_records_are_taken_tells_what_the_changelog_tells() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = due(folder.path());
    let at = world.now.get();
    let (finished, unfinished) = (folder.path().join("detect-0.checkpoint"), folder.path().join("detect-0.unfinished"));
    let mut pieces = 0;
    while !finished.exists() {
        assert!(pieces < 1_000, "it never ends");
        // Wherever it has come: tickets are answered, solved and deleted, and more accounts come than are written.
        let (number, ticket) = (pieces * 7 % 40, format!("T{}", pieces * 7 % 40));
        let told = match pieces % 3 {
            0 => world.answered(&ticket, at),
            1 => world.event("updated", &ticket, at, json!({ "ticket": { "status": "solved" } })),
            _ => world.event("deleted", &ticket, at, json!({})),
        };
        world.send_of(number, told);
        for more in 0..2 {
            world.send_of(100 + 2 * pieces + more, world.created(&format!("N{pieces}-{more}"), at));
        }
        let before = world.committed_up_to();
        while world.committed_up_to() == before {
            world.step().expect("the lane lives");
        }
        pieces += usize::from(unfinished.exists() || finished.exists());
    }
    assert!(pieces >= 40, "an account at a time: {pieces}");
    world.crash();
    let by_checkpoint = world.restore();
    assert!(by_checkpoint.from_checkpoint);
    fs::remove_file(&finished).expect("it is there");
    let by_changelog = world.restore();
    assert!(!by_changelog.from_checkpoint && by_changelog.entries > by_checkpoint.entries);
    assert_eq!(meaning(by_checkpoint), meaning(by_changelog));
}

/// The first piece of it has been written.
fn half_written(folder: &std::path::Path) -> World {
    let mut world = due(folder);
    while !folder.join("detect-0.unfinished").exists() {
        world.step().expect("the lane lives");
    }
    world
}

/// Not after a walk through all the rest, while the disk stays full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_a_checkpoint_at_its_first_piece() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = due(folder.path());
    let unfinished = folder.path().join("detect-0.unfinished");
    std::os::unix::fs::symlink("/dev/full", &unfinished).expect("a link can be made");
    let committed = world.committed_up_to();
    while world.committed_up_to() == committed {
        world.step().expect("the lane lives");
    }
    assert_eq!(world.metric(&["tierline_checkpoints_total", "\"failed\""]), 1.0);
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 0);
    world.settle();
    assert_eq!(world.metric(&["tierline_open_tickets"]), 41.0);
}

#[test]
fn a_checkpoint_that_is_under_way_when_its_task_goes_leaves_nothing() {
    for lost in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut world = half_written(folder.path());
        world.take_away_and_give_back(lost);
        world.step().expect("the lane lives");
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 0, "lost: {lost}");
        world.settle();
        assert_eq!(world.metric(&["tierline_open_tickets"]), 41.0);
    }
}

#[test]
fn a_checkpoint_that_is_under_way_at_an_abort_is_begun_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = half_written(folder.path());
    world.cluster.borrow_mut().aborts = 1;
    world.send("tickets", world.created("T41", NOON));
    while world.step().expect("the lane lives") != Step::StartedOver {}
    assert!(!folder.path().join("detect-0.unfinished").exists());
    world.settle();
    for number in 42..100 {
        world.send("tickets", world.created(&format!("T{number}"), NOON));
        world.settle();
    }
    world.crash();
    let restored = world.restore();
    assert!(restored.from_checkpoint);
    assert_eq!(restored.task.stage.holds().0, 100);
}

#[test]
fn checkpoints_are_written_while_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World::new().with_checkpoints(folder.path());
    world.start();
    world.send("tickets", world.created("T1", NOON));
    world.settle();
    assert!(!folder.path().join("detect-0.checkpoint").exists());
    world.now.set(NOON + 5 * MINUTE);
    world.send("tickets", world.created("T2", NOON));
    world.settle();
    world.crash();
    assert!(world.restore().from_checkpoint);
}

#[test]
fn a_position_that_is_gone_stops_the_start_and_names_the_topic() {
    for topic in ["tickets", "billing-changes"] {
        let mut world = World::new();
        world.start();
        for ticket in ["T1", "T2"] {
            world.send("tickets", world.created(ticket, NOON));
            world.send("billing-changes", world.bill_change("current"));
        }
        world.settle();
        world.crash();
        // Its retention took what had not been read yet.
        {
            let mut cluster = world.cluster.borrow_mut();
            let part = cluster.part(topic, 0);
            part.next += 10;
            part.start = part.next;
        }
        world.start();
        let why = fatal(&mut world);
        assert!(why.contains(topic) && why.contains("deleted before they were read"), "{why}");
    }
}

#[test]
fn an_input_that_was_made_anew_stops_the_start() {
    let mut world = World::new();
    world.start();
    world.send("tickets", world.created("T1", NOON));
    world.settle();
    world.crash();
    *world.cluster.borrow_mut().part("tickets", 0) = Part::default();
    world.start();
    let why = fatal(&mut world);
    assert!(why.contains("tickets") && why.contains("made anew"), "{why}");
}

#[test]
fn another_number_of_partitions_stops_the_start() {
    let mut world = World::new();
    world.start();
    world.send("tickets", world.created("T1", NOON));
    world.settle();
    world.crash();
    world.cluster.borrow_mut().topics.values_mut().for_each(|parts| parts.push(Part::default()));
    world.start();
    let why = fatal(&mut world);
    assert!(why.contains("2 partitions") && why.contains("made with 1"), "{why}");
}

/// It has no task record that could say the former number.
#[test]
fn another_number_of_partitions_stops_a_start_that_is_given_only_what_was_added() {
    let mut world = World::new();
    world.start();
    world.send("tickets", world.created("T1", NOON));
    world.settle();
    world.crash();
    // What was aborted stands behind the newest record.
    for _ in 0..100 {
        world.append("detect-state", 0, NOON, Some(b"x"), Some(b"y"), State::Aborted);
    }
    world.cluster.borrow_mut().topics.values_mut().for_each(|parts| parts.push(Part::default()));
    world.owned = vec![1];
    world.start();
    let why = fatal(&mut world);
    assert!(why.contains("2 partitions") && why.contains("made with 1"), "{why}");
}

/// The task record would have said the new number, and the next start would have gone on with it.
#[test]
fn another_number_of_partitions_stops_what_runs_before_it_commits() {
    for assigned in [vec![1], vec![]] {
        let mut world = World::new();
        world.start();
        world.send("tickets", world.created("T1", NOON));
        world.settle();
        world.cluster.borrow_mut().topics.values_mut().for_each(|parts| parts.push(Part::default()));
        world.change_ownership(Ownership::Assigned(assigned));
        let why = fatal(&mut world);
        assert!(why.contains("2 partitions now") && why.contains("made with 1"), "{why}");
    }
}

/// A start while the partition of this topic that is not ACME's has no leader; which one that is.
fn leaderless(topic: &str) -> (World, Partition) {
    let mut world = World::with(2, ClockMode::Wall);
    world.send("billing", world.bill("past_due"));
    world.start();
    world.settle();
    world.crash();
    let home = partition_of(ACME.as_bytes(), 2);
    world.cluster.borrow_mut().leaderless.push((topic.to_owned(), 1 - home));
    world.start();
    (world, 1 - home)
}

#[test]
fn a_partition_without_a_leader_is_waited_for_and_says_so_and_the_others_go_on() {
    for topic in ["detect-state", "tickets", "billing-changes"] {
        let (mut world, away) = leaderless(topic);
        world.send("tickets", world.urgent("T1", NOON));
        world.settle();
        assert_eq!(world.told(), [opened("T1", 0)], "{topic}");
        let why = format!("partition {away}: waiting: partition {away} of {topic} has no leader");
        assert_eq!(world.settings.health.missing(), [why]);
        world.to(NOON + 2 * SECOND);
        world.send("tickets", world.urgent("T2", NOON));
        // An abort while one is waited for brings the others back, and goes on waiting.
        world.cluster.borrow_mut().aborts = 1;
        world.to(NOON + MINUTE);
        assert_eq!(world.told().len(), 2);
        assert_eq!(world.metric(&["tierline_log_troubles_total", "restore_waited"]), 1.0);
        assert_eq!(world.metric(&["tierline_restore_seconds_count"]), 4.0, "both, one, and one again");
        world.cluster.borrow_mut().leaderless.clear();
        world.to(NOON + 2 * MINUTE);
        assert_eq!(world.settings.health.missing(), Vec::<String>::new());
        assert_eq!(world.settings.health.partitions().len(), 2);
    }
}

#[test]
fn a_partition_that_is_waited_for_is_given_up_when_it_is_asked_back_and_the_lane_ends_in_order() {
    let (mut world, away) = leaderless("detect-state");
    world.settle();
    world.change_ownership(Ownership::Revoked(vec![away]));
    world.settle();
    assert_eq!(world.settings.health.missing(), Vec::<String>::new());
    assert_eq!(world.settings.health.partitions().keys().copied().collect::<Vec<_>>(), [1 - away]);
    let (mut world, _) = leaderless("tickets");
    world.settle();
    world.close();
}

#[test]
fn an_end_is_not_reached_while_a_task_waits_to_be_restored() {
    let mut world = World::with(2, ClockMode::Events);
    world.settings.until = Some(NOON + DAY);
    world.cluster.borrow_mut().leaderless.push(("tickets".to_owned(), 1));
    world.start();
    world.settle();
    assert_ne!(world.step().expect("the lane lives"), Step::Finished);
    world.cluster.borrow_mut().leaderless.clear();
    world.now.set(NOON + MINUTE);
    assert!((0..20).any(|_| world.step().expect("the lane lives") == Step::Finished));
}

#[test]
fn a_checkpoint_of_a_changelog_without_a_leader_is_put_off_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = due(folder.path());
    world.cluster.borrow_mut().leaderless.push(("detect-state".to_owned(), 0));
    world.settle();
    assert_eq!(world.metric(&["tierline_checkpoints_total", "put_off"]), 1.0);
    assert_eq!(world.metric(&["tierline_open_tickets"]), 41.0, "it commits all the same");
}

#[test]
fn what_a_log_had_to_get_over_is_counted() {
    let mut world = World::new();
    world.start();
    world.cluster.borrow_mut().troubles = vec![Trouble::CoordinatorLost, Trouble::CoordinatorLost];
    world.settle();
    assert_eq!(world.metric(&["tierline_log_troubles_total", "coordinator_lost"]), 2.0);
}

#[test]
fn state_without_a_task_record_or_with_a_deleted_one_stops_the_start() {
    for value in [None, Some(&b"x"[..])] {
        let mut world = World::new();
        let key: &[u8] = if value.is_some() { b"somebody" } else { task_record::KEY };
        world.put_into("detect-state", 0, NOON, Some(key), value);
        world.start();
        let why = fatal(&mut world);
        assert!(why.contains("detect-state"), "{why}");
    }
}

#[test]
fn state_that_was_made_from_another_topic_of_tickets_stops_the_start() {
    let mut world = World::new();
    world.start();
    world.send("tickets", world.created("T1", NOON));
    world.settle();
    world.crash();
    world.cluster.borrow_mut().topics.insert("other".to_owned(), vec![Part::default()]);
    world.detect.names.tickets = "other".to_owned();
    world.start();
    let why = fatal(&mut world);
    assert!(why.contains("another topic than other"), "{why}");
}

#[test]
fn a_source_that_is_added_is_read_from_its_beginning() {
    let mut world = World::new();
    world.start();
    world.send("tickets", world.urgent("T1", NOON));
    world.settle();
    world.crash();
    world.cluster.borrow_mut().topics.insert("erp".to_owned(), vec![Part::default()]);
    world.send_at("erp", NOON + MINUTE, world.bill("past_due"));
    world.detect.names.billing.push("erp".to_owned());
    world.now.set(NOON + MINUTE);
    world.start();
    world.settle();
    assert_eq!(world.told(), [opened("T1", 1)]);
}
