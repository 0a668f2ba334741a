//! All or nothing, and nothing from whoever has been replaced.

use tierline_stream::log::{Committed, Failure, Log};

use crate::lane::{Lane, OUT, Place, STATE};

#[test]
fn a_commit_makes_outputs_and_positions_visible_together() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    lane.write(STATE, "state").unwrap();
    lane.write(OUT, "out").unwrap();
    assert_eq!(lane.commit(7).unwrap(), Committed::Yes);
    place.comes_to_hold(&place.state, &["state"]);
    place.comes_to_hold(&place.out, &["out"]);
    let out = place.broker.records(&place.out);
    assert_eq!(out[0].header("h"), "x");
    assert_eq!(place.positions(), 7);
}

#[test]
fn nothing_is_visible_before_its_commit_nor_after_an_abort() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    lane.write(OUT, "kept").unwrap();
    lane.commit(1).unwrap();
    lane.write(OUT, "dropped").unwrap();
    lane.log.abort().unwrap();
    place.comes_to_hold(&place.out, &["kept"]);
    assert_eq!(place.positions(), 1);
    lane.write(OUT, "next").unwrap();
    lane.commit(2).unwrap();
    place.comes_to_hold(&place.out, &["kept", "next"]);
}

#[test]
fn commits_one_after_the_other_stay_in_order_though_producers_take_turns() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    let values: Vec<String> = (0..20).map(|n| format!("value {n}")).collect();
    for (value, offset) in values.iter().zip(1..) {
        lane.write(OUT, value).unwrap();
        assert_eq!(lane.commit(offset).unwrap(), Committed::Yes);
    }
    place.comes_to_hold(&place.out, &values);
    assert_eq!(place.positions(), 20);
}

#[test]
fn a_commit_without_writes_moves_the_positions_alone() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    assert_eq!(lane.commit(5).unwrap(), Committed::Yes);
    assert_eq!(place.positions(), 5);
}

#[test]
fn writes_without_a_position_are_not_committed_for_they_could_not_be_fenced() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    lane.write(OUT, "a timer's").unwrap();
    assert!(lane.log.commit(&[]).is_err());
    lane.log.abort().unwrap();
    assert!(place.committed(&place.out).is_empty());
}

#[test]
fn a_record_that_the_topic_cannot_hold_is_refused_and_the_next_transaction_goes_on() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    lane.write(OUT, "swept along").unwrap();
    let refused = lane.write(OUT, &"x".repeat(30_000));
    assert!(matches!(&refused, Err(Failure::Refused(why)) if why.contains(&place.out)), "{refused:?}");
    lane.log.abort().unwrap();
    // Together more than the topic takes in a batch.
    let large = "y".repeat(15_000);
    for _ in 0..5 {
        lane.write(OUT, &large).unwrap();
    }
    assert_eq!(lane.commit(1).unwrap(), Committed::Yes);
    place.comes_to_hold(&place.out, &[large.as_str(); 5]);
}

#[test]
fn a_lane_is_fenced_by_another_of_its_name_and_does_not_come_back() {
    let place = Place::new(1);
    let mut lane = place.only_lane();
    lane.write(OUT, "of the first").unwrap();
    let _twin = Lane::over(place.connect(place.settings("only")).unwrap());
    let ended = lane.commit(1).and_then(|_| {
        // The turn's producer had nothing to do with the twin yet: the next one has.
        lane.write(OUT, "again")?;
        lane.commit(2)
    });
    assert!(matches!(&ended, Err(Failure::Fenced(why)) if why.contains("-only-0-")), "{ended:?}");
    assert!(place.committed(&place.out).is_empty());
}
