//! Records, in order, from where the lane says; and where reading stands.

use std::time::Duration;

use rdkafka::producer::Producer;
use tierline_stream::log::{Failure, InputId, Log};
use tierline_testkit::eventually;

use crate::lane::{ACCOUNTS, Place, TICKETS};

#[test]
fn each_input_is_read_from_its_own_position_and_from_the_earliest_where_there_is_none() {
    let place = Place::new(2);
    let mut lane = place.only_lane();
    place.send(&place.tickets, 1, &["t0", "t1", "t2"]);
    place.send(&place.accounts, 1, &["a0", "a1"]);
    let mut all = lane.reads(5);
    all.sort_unstable();
    assert_eq!(all, ["a0", "a1", "t0", "t1", "t2"]);
    lane.log.start(1, &[(TICKETS, Some(2)), (ACCOUNTS, None)]).unwrap();
    assert_eq!(lane.log.position(TICKETS, 1), Some(2));
    let mut all = lane.reads(3);
    all.sort_unstable();
    assert_eq!(all, ["a0", "a1", "t2"]);
    assert_eq!(lane.log.position(TICKETS, 1), Some(3));
    assert_eq!(lane.log.position(ACCOUNTS, 1), Some(2));
}

#[test]
fn a_position_passes_over_markers_and_over_what_was_aborted() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    for topic in [&place.tickets, &place.accounts] {
        place.transaction(topic, 0, &["in"]).commit_transaction(Duration::from_secs(30)).unwrap();
        place.transaction(topic, 0, &["out", "out"]).abort_transaction(Duration::from_secs(30)).unwrap();
    }
    // One record, its marker, two aborted ones, their marker.
    lane.stands_at(TICKETS, 0, 5);
    lane.stands_at(ACCOUNTS, 0, 5);
    assert_eq!(lane.reads(2), ["in", "in"]);
}

#[test]
fn ends_count_what_is_not_committed_yet() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    let open = place.transaction(&place.accounts, 0, &["pending"]);
    lane.log.ask_ends(1_234);
    let ends = eventually("an answer", || lane.log.ends().ok_or("none"));
    assert_eq!(ends.asked_at, 1_234);
    let mut offsets = ends.offsets;
    offsets.sort_unstable();
    assert_eq!(offsets, [(InputId(0), 0, 0), (InputId(1), 0, 1)]);
    assert_eq!(lane.log.ends(), None, "an answer is taken once");
    lane.poll().unwrap();
    assert_eq!(lane.log.position(ACCOUNTS, 0), Some(0));
    open.abort_transaction(Duration::from_secs(30)).unwrap();
    lane.stands_at(ACCOUNTS, 0, 2);
    assert!(lane.read.is_empty(), "{:?}", lane.read);
}

#[test]
fn a_paused_input_is_silent_and_goes_on_where_it_is_told_to() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    place.send(&place.accounts, 0, &["a0", "a1", "a2"]);
    assert_eq!(lane.reads(3).len(), 3);
    lane.log.pause(ACCOUNTS, 0).unwrap();
    place.send(&place.accounts, 0, &["a3"]);
    place.send(&place.tickets, 0, &["t0"]);
    // The driver's record is the later one: had the side input not been paused, its record would be there as well.
    assert_eq!(lane.reads(1), ["t0"]);
    lane.log.resume(ACCOUNTS, 0, 1).unwrap();
    assert_eq!(lane.reads(3), ["a1", "a2", "a3"]);
}

#[test]
fn starting_again_forgets_what_was_paused() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    place.send(&place.tickets, 0, &["t0"]);
    assert_eq!(lane.reads(1), ["t0"]);
    lane.log.pause(TICKETS, 0).unwrap();
    lane.log.start(0, &[(TICKETS, Some(0)), (ACCOUNTS, Some(0))]).unwrap();
    assert_eq!(lane.reads(1), ["t0"]);
}

#[test]
fn a_position_that_is_gone_is_seen_beforehand_and_never_jumped_over() {
    let place = Place::new(1);
    place.send(&place.tickets, 0, &["t0", "t1", "t2"]);
    let mut lane = place.only_lane();
    assert_eq!(lane.reads(3).len(), 3);
    place.broker.delete_records(&place.tickets, 0, 2);
    assert_eq!(lane.log.range(TICKETS, 0).unwrap(), (2, 3));
    lane.log.start(0, &[(TICKETS, Some(1)), (ACCOUNTS, Some(0))]).unwrap();
    let failure = eventually("a failure", || match lane.poll() {
        Err(failure) => Ok(failure),
        Ok(_) => Err(format!("read {:?}", lane.read)),
    });
    assert!(matches!(&failure, Failure::Fatal(why) if why.contains("deleted before they were read")), "{failure}");
    assert!(lane.read.is_empty(), "{:?}", lane.read);
}

#[test]
fn every_input_says_how_many_partitions_it_has() {
    let place = Place::new(3);
    let mut log = place.connect(place.settings("only")).unwrap();
    assert_eq!(log.partitions().unwrap(), [(TICKETS, 3), (ACCOUNTS, 3)]);
}
