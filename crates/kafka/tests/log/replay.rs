//! A changelog is read to its true end.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use rdkafka::producer::Producer;
use tierline_stream::log::{Committed, Failure, Log, Offset, Ownership};
use tierline_testkit::eventually;

use crate::lane::{Lane, Place, STATE, text};

fn replay(lane: &mut Lane, from: Option<Offset>) -> Result<(Option<Offset>, Vec<String>), Failure> {
    let mut values = Vec::new();
    let end = lane.log.replay(STATE, 0, from, &mut |record| values.push(text(record.value)))?;
    Ok((end, values))
}

fn state(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

#[test]
fn a_replay_ends_behind_the_last_marker_whatever_was_aborted() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    assert_eq!(replay(&mut lane, None).unwrap(), (Some(0), vec![]));
    lane.write(STATE, "one").unwrap();
    lane.commit(1).unwrap();
    lane.write(STATE, "never").unwrap();
    lane.log.abort().unwrap();
    lane.write(STATE, "two").unwrap();
    lane.commit(2).unwrap();
    place.transaction(&place.state, 0, &["nor this"]).abort_transaction(Duration::from_secs(30)).unwrap();
    // Four records, each with a marker behind it; the broker writes a marker after it has answered.
    let end = eventually("the last marker", || match lane.log.output_end(STATE, 0).unwrap() {
        end @ 8 => Ok(end),
        other => Err(other),
    });
    assert_eq!(replay(&mut lane, None).unwrap(), (Some(end), state(&["one", "two"])));
    assert_eq!(replay(&mut lane, Some(2)).unwrap(), (Some(end), state(&["two"])));
    assert_eq!(replay(&mut lane, Some(end)).unwrap(), (Some(end), vec![]));
    // A checkpoint of another incarnation of the topic.
    assert_eq!(replay(&mut lane, Some(end + 1)).unwrap(), (None, vec![]));
    place.broker.delete_records(&place.state, 0, 2);
    assert_eq!(replay(&mut lane, Some(1)).unwrap(), (None, vec![]));
    assert_eq!(replay(&mut lane, None).unwrap(), (Some(end), state(&["two"])));
}

#[test]
fn a_replay_waits_for_a_transaction_that_is_still_open() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    lane.write(STATE, "one").unwrap();
    lane.commit(1).unwrap();
    let other = place.transaction(&place.state, 0, &["two"]);
    let both = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            both.wait();
            other.commit_transaction(Duration::from_secs(30)).unwrap();
        });
        both.wait();
        let (end, values) = replay(&mut lane, None).unwrap();
        assert_eq!(values, ["one", "two"]);
        assert!(end >= Some(3), "{end:?}");
    });
}

#[test]
fn a_restart_under_the_same_name_does_not_wait_for_what_its_crash_left_open() {
    let place = Place::new(1);
    let mut crashed = place.only_lane();
    crashed.write(STATE, "one").unwrap();
    crashed.commit(1).unwrap();
    crashed.write(STATE, "unfinished").unwrap();
    // As if it had crashed: the successor must end what stands open.
    let mut successor = place.lane("only");
    let (_, values) = replay(&mut successor, None).unwrap();
    assert_eq!(values, ["one"]);
}

#[test]
fn an_heir_ends_what_a_dead_owner_left_open_and_need_not_wait_for_the_cluster_to_do_it() {
    let place = Place::new(1);
    let mut settings = place.settings("dead");
    // The cluster itself would take longer than this test has patience.
    settings.properties.insert("transaction.timeout.ms".into(), "600000".into());
    let mut dead = Lane::over(place.connect(settings).expect("the broker is there"));
    dead.comes_to_own(1);
    dead.write(STATE, "one").unwrap();
    dead.commit(1).unwrap();
    dead.write(STATE, "unfinished").unwrap();
    eventually("the record to be written", || match dead.log.output_end(STATE, 0).unwrap() {
        3.. => Ok(()),
        end => Err(end),
    });
    // Leaves the group, as the group makes a dead member do, and its transaction as it is.
    drop(dead);
    let began = Instant::now();
    let mut heir = place.only_lane();
    let (_, values) = replay(&mut heir, None).unwrap();
    assert_eq!(values, ["one"]);
    assert!(began.elapsed() < Duration::from_secs(300), "the cluster gave it up");
}

#[test]
fn an_heir_leaves_alone_what_a_living_member_has_open() {
    let place = Place::new(2);
    let mut settings = place.settings("first");
    settings.properties.insert("transaction.timeout.ms".into(), "600000".into());
    let mut first = Lane::over(place.connect(settings).expect("the broker is there"));
    first.comes_to_own(2);
    first.write(STATE, "one").unwrap();
    first.commit(1).unwrap();
    let mut second = place.lane("second");
    // One of the two goes over. The other lane's transaction is in the changelog that the second is about to read.
    eventually("a partition to go over", || {
        if let Some(Ownership::Revoked(partitions)) = first.poll().unwrap() {
            first.let_go(&partitions);
        }
        second.poll().unwrap();
        if second.owned.len() == 1 { Ok(()) } else { Err(format!("the second owns {:?}", second.owned)) }
    });
    let before = first.log.output_end(STATE, 0).unwrap();
    first.write(STATE, "two").unwrap();
    eventually("the record to be written", || match first.log.output_end(STATE, 0).unwrap() {
        end if end > before => Ok(()),
        end => Err(end),
    });
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| replay(&mut second, None).unwrap().1);
        // It comes to ask who has it open, more than once.
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1_500) {
            first.poll().unwrap();
        }
        assert_eq!(first.commit(2).unwrap(), Committed::Yes, "it was fenced");
        assert_eq!(reading.join().unwrap(), ["one", "two"]);
    });
}

#[test]
fn reading_goes_on_after_a_replay_where_it_stood() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    place.send(&place.tickets, 0, &["t0", "t1"]);
    assert_eq!(lane.reads(2), ["t0", "t1"]);
    lane.write(STATE, "one").unwrap();
    lane.commit(2).unwrap();
    replay(&mut lane, None).unwrap();
    place.send(&place.tickets, 0, &["t2"]);
    assert_eq!(lane.reads(1), ["t2"]);
}
