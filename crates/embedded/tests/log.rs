//! What a lane may rely on.

mod kit;

use std::time::Duration;

use kit::*;
use tierline_embedded::Embedded;
use tierline_stream::client::Client;
use tierline_stream::log::{Committed, Failure, InputId, Log, Ownership, Source, Write};
use tierline_stream::topics::Cleanup;

#[test]
fn outputs_changelog_and_position_appear_together_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let (mut lane, mut client) = (lane(&log), log.client());
    write(&mut lane, OUT, 0, "acme", Some("opened"));
    write(&mut lane, STATE, 0, "T1", Some("tier 3"));
    assert!(all(&mut client, "escalations").is_empty() && all(&mut client, "detect-state").is_empty());
    assert_eq!(log.committed("detect", "tickets", 0), None);

    assert_eq!(lane.commit(&[(0, 7)]).unwrap(), Committed::Yes);
    assert_eq!(all(&mut client, "escalations"), [(0, 0, "acme".into(), Some("opened".into()))]);
    assert_eq!(all(&mut client, "detect-state"), [(0, 0, "T1".into(), Some("tier 3".into()))]);
    assert_eq!(log.committed("detect", "tickets", 0), Some(7));
}

#[test]
fn an_abort_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut lane = lane(&log);
    write(&mut lane, OUT, 0, "acme", Some("opened"));
    lane.abort().unwrap();
    lane.commit(&[(0, 1)]).unwrap();
    assert!(all(&mut log.client(), "escalations").is_empty());
}

#[test]
fn a_folder_that_is_opened_again_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    {
        let log = open(folder.path());
        let mut lane = lane(&log);
        write(&mut lane, OUT, 1, "acme", Some("opened"));
        write(&mut lane, STATE, 1, "T1", Some("one"));
        write(&mut lane, STATE, 1, "T1", Some("two"));
        lane.commit(&[(1, 5)]).unwrap();
    }
    let log = open(folder.path());
    assert_eq!(log.committed("detect", "tickets", 1), Some(5));
    assert_eq!(all(&mut log.client(), "escalations"), [(1, 0, "acme".into(), Some("opened".into()))]);
    let mut lane = lane(&log);
    let mut state = Vec::new();
    let next = lane.replay(STATE, 1, None, &mut |record| state.push((record.offset, record.value.unwrap().to_vec())));
    assert_eq!((next.unwrap(), state), (Some(2), vec![(1, b"two".to_vec())]));
    assert_eq!(lane.output_end(STATE, 1).unwrap(), 2);
    assert_eq!(lane.replay(STATE, 1, Some(3), &mut |_| panic!("there is none")).unwrap(), None);
}

#[test]
fn a_poll_that_waits_is_woken_by_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut lane = lane(&log);
    let sender = std::thread::spawn({
        let mut client = log.client();
        move || client.send("tickets", Some(1), Some(b"acme"), Some(b"created"), &[]).unwrap()
    });
    assert_eq!(poll(&mut lane, Source::Driver), [(1, 0, "created".into())]);
    assert_eq!(sender.join().unwrap(), (1, 0));
}

#[test]
fn driver_and_side_are_polled_apart_and_a_paused_input_goes_on_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let (mut lane, mut client) = (lane(&log), log.client());
    for value in ["a", "b", "c"] {
        client.send("accounts", Some(0), Some(value.as_bytes()), Some(value.as_bytes()), &[]).unwrap();
    }
    let mut nothing = |_: tierline_stream::log::Record<'_>| panic!("the driver has nothing");
    assert_eq!(lane.poll(Source::Driver, Duration::ZERO, &mut nothing).unwrap(), None);
    assert_eq!(poll(&mut lane, Source::Side).len(), 3);
    assert_eq!(lane.position(SIDE, 0), Some(3));
    lane.resume(SIDE, 0, 1).unwrap();
    lane.pause(SIDE, 0).unwrap();
    assert_eq!(lane.poll(Source::Side, Duration::ZERO, &mut nothing).unwrap(), None);
    lane.resume(SIDE, 0, 1).unwrap();
    assert_eq!(poll(&mut lane, Source::Side), [(0, 1, "b".into()), (0, 2, "c".into())]);
    lane.start(0, &[(InputId::DRIVER, None), (SIDE, Some(2))]).unwrap();
    assert_eq!(poll(&mut lane, Source::Side), [(0, 2, "c".into())]);
    lane.release(&[0]).unwrap();
    assert_eq!(lane.position(SIDE, 0), None);
}

#[test]
fn lanes_share_the_tasks_and_know_their_ends() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    log.client().send("tickets", Some(1), Some(b"acme"), Some(b"x"), &[]).unwrap();
    for task in 0..2 {
        let mut lane = log.lane(task, 2, names(&["tickets"]), vec![]).unwrap();
        let owned = lane.poll(Source::Driver, Duration::ZERO, &mut |_| {}).unwrap();
        assert_eq!(owned, Some(Ownership::Assigned(vec![task as i32])));
        lane.ask_ends(9);
        let ends = lane.ends().unwrap();
        assert_eq!((ends.asked_at, ends.offsets), (9, vec![(InputId::DRIVER, task as i32, task as i64)]));
        assert_eq!(lane.ends(), None);
    }
}

#[test]
fn a_lane_whose_place_was_taken_can_write_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut zombie = lane(&log);
    write(&mut zombie, OUT, 0, "acme", Some("of the past"));
    let mut heir = lane(&log);
    assert!(matches!(zombie.commit(&[(0, 1)]), Err(Failure::Fenced(_))));
    assert!(matches!(zombie.commit(&[]), Err(Failure::Fenced(_))), "with nothing to write as well");
    assert!(matches!(zombie.poll(Source::Driver, LONG, &mut |_| {}), Err(Failure::Fenced(_))));
    zombie.close().unwrap();
    write(&mut heir, OUT, 0, "acme", Some("of the present"));
    heir.commit(&[(0, 1)]).unwrap();
    assert_eq!(all(&mut log.client(), "escalations"), [(0, 0, "acme".into(), Some("of the present".into()))]);
}

#[test]
fn what_can_never_be_written_is_refused_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut lane = lane(&log);
    let long = vec![b'x'; 33 << 20];
    let record = |partition, key, value| Write { output: STATE, partition, key, value: Some(value), headers: &[] };
    assert!(matches!(lane.write(record(0, Some(&b"k"[..]), &long)), Err(Failure::Refused(_))));
    assert!(matches!(lane.write(record(0, None, b"x")), Err(Failure::Refused(_))), "no key to compact by");
    assert!(matches!(lane.write(record(2, Some(&b"k"[..]), b"x")), Err(Failure::Refused(_))), "no such partition");
    write(&mut lane, STATE, 0, "k", Some("fits"));
    lane.commit(&[(0, 1)]).unwrap();
    assert_eq!(all(&mut log.client(), "detect-state").len(), 1);
}

#[test]
fn many_senders_at_once_each_get_a_place_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let threads: Vec<_> = (0..8)
        .map(|sender| {
            let mut client = log.client();
            let send = move |n| {
                let value = format!("{sender}/{n}");
                let (_, offset) = client.send("tickets", Some(0), None, Some(value.as_bytes()), &[]).unwrap();
                (offset, value)
            };
            std::thread::spawn(move || (0..20).map(send).collect::<Vec<_>>())
        })
        .collect();
    let mut told: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    told.sort();
    let there: Vec<_> =
        all(&mut log.client(), "tickets").into_iter().map(|(_, offset, _, value)| (offset, value.unwrap())).collect();
    assert_eq!((told.len(), told), (160, there));
}

#[test]
fn a_folder_that_does_not_fit_the_settings_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let refusal = |change: &dyn Fn(&mut tierline_embedded::EmbeddedSettings)| {
        let mut settings = settings(folder.path(), &Hand::default());
        change(&mut settings);
        Embedded::open(settings).err().expect("refused").to_string()
    };
    let partitions = refusal(&|settings| settings.partitions = 3);
    assert!(partitions.contains("has 2 partitions, 3 are asked for"), "{partitions}");
    let cleanup = refusal(&|settings| settings.topics[1].cleanup = Cleanup::Delete { retention_ms: 1 });
    assert!(cleanup.contains("topic accounts of folder") && cleanup.contains("is kept by key"), "{cleanup}");
    let log = open(folder.path());
    let unknown = log.lane(0, 1, names(&["tickts"]), vec![]).err().expect("refused").to_string();
    assert!(unknown.contains("no topic tickts; the topics are accounts, detect-state"), "{unknown}");
}
