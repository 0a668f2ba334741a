//! The changelog stays in proportion to what there is: what is over leaves a tombstone, and nothing else stays behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use proptest::prelude::*;
use tierline_stream::checkpoint::Checkpoint;
use tierline_stream::clock::ClockMode;
use tierline_stream::task_record;

use crate::mishaps::{Told, compacted, run, story_of, tell};
use crate::world::*;

/// A world in which the story has been lived through, and then a day in which nothing happens: what was solved is past
/// the history of two hours by then. How many tickets are open in the end.
fn lived_through(story: &[Told], folder: &Path) -> (World, usize) {
    let mut world = World::with(1, ClockMode::Events).with_checkpoints(folder);
    world.detect.engine.history = 2 * HOUR;
    story.iter().for_each(|told| tell(&world, told));
    let end = NOON + 10 * DAY;
    world.settings.until = Some(end);
    world.now.set(end);
    run(&mut world, &[]);
    let open = world.metric(&["tierline_open_tickets"]) as usize;
    world.close();
    (world, open)
}

/// What the engine that lived through it would write of itself.
fn checkpointed(folder: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let file = File::open(folder.join("detect-0.checkpoint")).expect("it has been written");
    let mut checkpoint = Checkpoint::open(file).expect("it is whole");
    let mut entries = BTreeMap::new();
    let read = checkpoint.each(|key, value| {
        entries.insert(key.to_vec(), value.to_vec());
        Ok(())
    });
    assert_eq!(read.expect("it is whole"), entries.len() as u64, "each key once");
    entries
}

fn shown(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<String> {
    entries.keys().map(|key| key.escape_ascii().to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_lives_in_the_changelog_is_what_the_engine_holds_and_no_more(story in story_of(300)) {
        let folder = tempfile::tempdir().expect("a folder");
        let (world, _) = lived_through(&story, folder.path());
        let mut changelog = compacted(&world.committed("detect-state"));
        changelog.remove(task_record::KEY);
        let mut held = checkpointed(folder.path());
        // An account is written when something is told of it, not at each of its tickets' events, though these move the
        // instant up to which it has been looked at: tickets keep that themselves.
        let accounts = |entries: &mut BTreeMap<Vec<u8>, Vec<u8>>| -> Vec<Vec<u8>> {
            let accounts = entries.keys().filter(|key| key[0] == b'a').cloned().collect();
            entries.retain(|key, _| key[0] != b'a');
            accounts
        };
        let (told, known) = (accounts(&mut changelog), accounts(&mut held));
        prop_assert!(told.iter().all(|account| known.contains(account)), "{told:?} {known:?}");
        prop_assert_eq!(shown(&changelog), shown(&held));
        prop_assert_eq!(changelog, held);
    }

    #[test]
    fn nothing_of_a_ticket_stays_once_it_has_been_over_for_the_history(story in story_of(300)) {
        let folder = tempfile::tempdir().expect("a folder");
        let (world, open) = lived_through(&story, folder.path());
        let changelog = compacted(&world.committed("detect-state"));
        let of = |tag: u8| changelog.keys().filter(|key| key[0] == tag).count();
        prop_assert_eq!(of(b't'), open, "a key for each open ticket, and for no other");
        prop_assert!(of(b'm') <= 4 * open, "{} messages of {open} tickets", of(b'm'));
        prop_assert!(of(b'c') <= open, "{} contexts of {open} tickets", of(b'c'));
        prop_assert!(of(b'a') <= 4, "there were four accounts");
    }
}

#[test]
fn the_keys_of_a_thousand_tickets_that_came_and_went_are_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World::by_events().with_checkpoints(folder.path());
    world.detect.engine.history = 2 * HOUR;
    for number in 0..1_000 {
        let (ticket, at) = (format!("T{number}"), NOON + number * MINUTE);
        world.send_at("tickets", at, world.created(&ticket, at));
        let solved =
            world.event("updated", &ticket, at + MINUTE, serde_json::json!({ "ticket": { "status": "solved" } }));
        world.send_at("tickets", at + MINUTE, solved);
    }
    world.settings.until = Some(NOON + 2 * DAY);
    world.now.set(NOON + 2 * DAY);
    run(&mut world, &[]);
    let written = world.committed("detect-state").len();
    let live = compacted(&world.committed("detect-state"));
    assert!(written > 2_000, "{written}");
    assert_eq!(shown(&live), ["\\xfftask"]);
}
