//! What stays and what goes: retention, compaction, tombstones.

mod kit;

use std::collections::HashMap;
use std::time::Duration;

use kit::*;
use proptest::prelude::*;
use tierline_embedded::{Embedded, EmbeddedLog};
use tierline_stream::client::Client;
use tierline_stream::log::{Failure, InputId, Log, Source};

#[test]
fn a_file_that_is_damaged_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let file = folder.path().join("log.redb");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..512].fill(b'x');
    for damaged in [&bytes[..], &b"no log"[..]] {
        std::fs::write(&file, damaged).unwrap();
        let why = Embedded::open(settings(folder.path(), &Hand::default())).err().unwrap().to_string();
        assert!(why.contains("log.redb: it is damaged, or no log"), "{why}");
        assert!(why.contains("put back a copy of its folder, or choose another `log.path`"), "{why}");
    }
}

#[test]
fn what_is_past_its_retention_goes_and_what_is_not_stays() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Hand::default());
    let log = Embedded::open(settings(folder.path(), &clock)).unwrap();
    let (mut lane, mut client) = (lane(&log), log.client());
    client.send("tickets", Some(0), None, Some(b"first"), &[]).unwrap();
    clock.to(RETENTION - 1);
    client.send("tickets", Some(0), None, Some(b"second"), &[]).unwrap();
    assert_eq!(lane.range(InputId::DRIVER, 0).unwrap(), (0, 2));
    clock.to(RETENTION + RETENTION / 64);
    assert_eq!(lane.poll(Source::Side, Duration::ZERO, &mut |_| {}).unwrap(), None, "an idle poll sweeps");
    assert_eq!(all(&mut client, "tickets"), [(0, 1, String::new(), Some("second".into()))]);
    assert_eq!(lane.range(InputId::DRIVER, 0).unwrap(), (1, 2));
    let unread = lane.poll(Source::Driver, Duration::ZERO, &mut |_| {});
    assert!(matches!(&unread, Err(Failure::Fatal(why)) if why.contains("records 0 to 0 of partition 0")), "{unread:?}");

    clock.to(4 * RETENTION);
    drop((lane, client, log));
    let log = Embedded::open(settings(folder.path(), &clock)).unwrap();
    assert!(all(&mut log.client(), "tickets").is_empty());
    let place = log.client().send("tickets", Some(0), None, Some(b"third"), &[]).unwrap();
    assert_eq!(place, (0, 2), "offsets go on");
}

#[test]
fn every_snapshot_of_an_input_is_there_for_a_while_and_then_only_the_last() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Hand::default());
    let log = Embedded::open(settings(folder.path(), &clock)).unwrap();
    let mut client = log.client();
    for plan in [Some(&b"basic"[..]), Some(b"pro"), None] {
        client.send("accounts", Some(0), Some(b"acme"), plan, &[]).unwrap();
    }
    client.send("accounts", Some(0), Some(b"bolt"), Some(b"pro"), &[]).unwrap();
    assert_eq!(all(&mut client, "accounts").len(), 4);
    clock.to(LAG + LAG / 64);
    client.send("tickets", Some(0), None, Some(b"something moves"), &[]).unwrap();
    let left: Vec<_> = all(&mut client, "accounts").into_iter().map(|(_, _, key, value)| (key, value)).collect();
    assert_eq!(left, [("acme".into(), None), ("bolt".into(), Some("pro".into()))]);
    clock.to(2 * TOMBSTONES);
    client.send("tickets", Some(0), None, Some(b"something moves"), &[]).unwrap();
    assert_eq!(all(&mut client, "accounts").len(), 1, "a tombstone goes, too");
}

/// It supersedes nothing: that it is there is all that can remind the sweep of it.
#[test]
fn a_tombstone_of_a_key_that_never_was_goes_as_well() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Hand::default());
    let log = Embedded::open(settings(folder.path(), &clock)).unwrap();
    let mut lane = lane(&log);
    write(&mut lane, STATE, 0, "T1", None);
    lane.commit(&[(0, 1)]).unwrap();
    assert_eq!(restored(&mut lane).1, 1);
    clock.to(TOMBSTONES + TOMBSTONES / 64);
    lane.commit(&[(0, 2)]).unwrap();
    assert_eq!(restored(&mut lane).1, 0);
}

#[test]
fn the_file_does_not_grow_with_what_was_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut lane = lane(&log);
    let state = "x".repeat(400);
    let mut sizes = Vec::new();
    for round in 0..60 {
        for ticket in 0..200 {
            write(&mut lane, STATE, 0, &format!("T{ticket}"), Some(&state));
        }
        lane.commit(&[(0, round)]).unwrap();
        sizes.push(folder.path().join("log.redb").metadata().unwrap().len());
    }
    assert_eq!(sizes[10], sizes[59], "{sizes:?}");
}

/// What a lane does to a key, or what happens to it.
#[derive(Clone, Debug)]
enum Step {
    Write(u8, Option<u8>),
    Commit,
    Abort,
    Reopen,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0u8..6, prop::option::weighted(0.7, any::<u8>())).prop_map(|(key, value)| Step::Write(key, value)),
        4 => Just(Step::Commit),
        1 => Just(Step::Abort),
        1 => Just(Step::Reopen),
        2 => (0..TOMBSTONES).prop_map(Step::Wait),
    ]
}

/// The last committed value of each key as a restore reads it; and how many records it went over.
fn restored(lane: &mut EmbeddedLog) -> (HashMap<u8, u8>, usize) {
    let (mut state, mut records) = (HashMap::new(), 0);
    lane.replay(STATE, 0, None, &mut |record| {
        records += 1;
        let key = record.key.unwrap()[0];
        match record.value {
            Some(value) => state.insert(key, value[0]),
            None => state.remove(&key),
        };
    })
    .unwrap();
    (state, records)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_compacted_topic_holds_the_last_of_each_key_and_nothing_else(steps in prop::collection::vec(step(), 1..60)) {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Hand::default());
        let mut log = Embedded::open(settings(folder.path(), &clock)).unwrap();
        let mut lane = lane(&log);
        let mut expected: HashMap<u8, u8> = HashMap::new();
        let mut open: Vec<(u8, Option<u8>)> = Vec::new();
        let (mut now, mut commits) = (0, 0);
        for step in steps {
            match step {
                Step::Write(key, value) => {
                    let bytes = value.map(|value| [value]);
                    let value_bytes = bytes.as_ref().map(|bytes| &bytes[..]);
                    lane.write(tierline_stream::log::Write {
                        output: STATE, partition: 0, key: Some(&[key]), value: value_bytes, headers: &[],
                    }).unwrap();
                    open.push((key, value));
                }
                Step::Commit => {
                    commits += 1;
                    lane.commit(&[(0, commits)]).unwrap();
                    for (key, value) in open.drain(..) {
                        match value {
                            Some(value) => expected.insert(key, value),
                            None => expected.remove(&key),
                        };
                    }
                }
                Step::Abort => {
                    lane.abort().unwrap();
                    open.clear();
                }
                Step::Reopen => {
                    drop((lane, log));
                    log = Embedded::open(settings(folder.path(), &clock)).unwrap();
                    lane = kit::lane(&log);
                    open.clear();
                }
                Step::Wait(for_) => {
                    now += for_;
                    clock.to(now);
                }
            }
            prop_assert_eq!(&restored(&mut lane).0, &expected);
        }
        // Once tombstones are over, nothing but live state is left.
        lane.abort().unwrap();
        clock.to(now + 2 * TOMBSTONES);
        lane.commit(&[(0, commits + 1)]).unwrap();
        let (state, records) = restored(&mut lane);
        prop_assert_eq!(records, state.len());
        prop_assert_eq!(state, expected);
    }
}
