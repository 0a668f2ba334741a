//! Who owns what, and what becomes of a commit when that changes.

use tierline_kafka::Settings;
use tierline_stream::log::{Committed, Log, Ownership};
use tierline_testkit::eventually;

use crate::lane::{Lane, OUT, Place};

#[test]
fn a_second_member_gets_its_share_when_the_first_has_committed_and_let_go() {
    let place = Place::new(4);
    let (mut first, mut second) = (place.lane("first"), place.lane("second"));
    first.comes_to_own(4);
    let revoked = eventually("a revocation", || {
        second.poll().unwrap();
        match first.poll().unwrap() {
            Some(Ownership::Revoked(partitions)) => Ok(partitions),
            other => Err(format!("{other:?}")),
        }
    });
    assert_eq!(revoked.len(), 2);
    assert!(second.owned.is_empty());
    // What it was asked to give up is still the first one's to commit for.
    first.write(OUT, "the last of the first").unwrap();
    assert_eq!(first.commit(3).unwrap(), Committed::Yes);
    first.let_go(&revoked);
    eventually("the share", || {
        // What it keeps, it keeps without a break; that it gets nothing more, it may be told.
        let change = first.poll().unwrap();
        assert!(change.is_none() || change == Some(Ownership::Assigned(Vec::new())), "{change:?}");
        second.poll().unwrap();
        if second.owned.len() == 2 { Ok(()) } else { Err("none yet") }
    });
    let mut given = second.owned.clone();
    given.sort_unstable();
    let mut revoked = revoked;
    revoked.sort_unstable();
    assert_eq!(given, revoked);
    // The share of the one that stays is read on meanwhile.
    let kept = first.owned[0];
    place.send(&place.tickets, kept, &["t"]);
    assert_eq!(first.reads(1), ["t"]);
    assert_eq!(first.commit(1).unwrap(), Committed::Yes);
    assert_eq!(second.commit(4).unwrap(), Committed::Yes);
    assert_eq!(place.positions(), 1 + 1 + 4 + 4);
}

#[test]
fn a_member_for_whom_no_partition_is_left_is_told_that_it_owns_nothing() {
    let place = Place::new(1);
    let (mut first, mut second) = (place.lane("first"), place.lane("second"));
    first.comes_to_own(1);
    eventually("an answer", || {
        first.poll().unwrap();
        match second.poll().unwrap() {
            Some(Ownership::Assigned(partitions)) if partitions.is_empty() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert_eq!(first.owned.len(), 1);
}

#[test]
fn a_member_that_leaves_in_order_is_replaced_at_once() {
    let place = Place::new(2);
    let (mut first, mut second) = (place.lane("first"), place.lane("second"));
    first.comes_to_own(2);
    first.commit(9).unwrap();
    first.log.close().unwrap();
    second.comes_to_own(2);
    assert_eq!(place.positions(), 18);
}

#[test]
fn a_lane_that_is_dropped_with_a_revocation_unanswered_does_not_hang() {
    let place = Place::new(2);
    let (mut first, mut second) = (place.lane("first"), place.lane("second"));
    first.comes_to_own(2);
    eventually("a revocation", || {
        second.poll().unwrap();
        match first.poll().unwrap() {
            Some(Ownership::Revoked(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    drop(first);
    second.comes_to_own(2);
}

#[test]
fn a_member_that_was_put_out_cannot_commit_and_learns_that_it_has_lost() {
    let place = Place::new(2);
    let mut lane = Lane::over(place.connect(impatient(&place, "put-out")).unwrap());
    lane.comes_to_own(2);
    is_put_out(&place);
    lane.write(OUT, "too late").unwrap();
    assert_eq!(lane.commit(1).unwrap(), Committed::Aborted);
    let lost = eventually("the loss", || match lane.poll().unwrap() {
        Some(Ownership::Lost(partitions)) => Ok(partitions),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(lost.len(), 2);
    lane.let_go(&lost);
    // It is a member like any other again.
    lane.comes_to_own(2);
    assert_eq!(lane.commit(3).unwrap(), Committed::Yes);
    assert!(place.committed(&place.out).is_empty());
    assert_eq!(place.positions(), 6);
}

/// A timer fired, so there is output, and no record was read, so no position has moved: the broker's fence is told the
/// same positions again, and it is the generation that it refuses.
#[test]
fn positions_that_have_not_moved_are_fenced_as_those_that_have() {
    let place = Place::new(2);
    let mut lane = Lane::over(place.connect(impatient(&place, "unmoved")).unwrap());
    lane.comes_to_own(2);
    assert_eq!(lane.commit(3).unwrap(), Committed::Yes);
    is_put_out(&place);
    lane.write(OUT, "of a timer").unwrap();
    assert_eq!(lane.commit(3).unwrap(), Committed::Aborted);
    assert!(place.committed(&place.out).is_empty());
}

/// The hardest case: it is put out while it owes an answer, so the client does not know that everything is lost.
#[test]
fn a_zombie_with_a_revocation_unanswered_commits_nothing_until_it_has_let_go_of_everything() {
    let place = Place::new(2);
    let mut zombie = Lane::over(place.connect(impatient(&place, "zombie")).unwrap());
    zombie.comes_to_own(2);
    let mut successor = place.lane("successor");
    successor.comes_to_own(2);
    successor.write(OUT, "of its successor").unwrap();
    assert_eq!(successor.commit(2).unwrap(), Committed::Yes);
    eventually("the loss of all", || {
        // Though only a timer fired.
        zombie.write(OUT, "of a zombie").unwrap();
        assert_eq!(zombie.commit(1).unwrap(), Committed::Aborted);
        if let Some(Ownership::Revoked(partitions) | Ownership::Lost(partitions)) = zombie.poll().unwrap() {
            zombie.let_go(&partitions);
        }
        if zombie.owned.is_empty() { Ok(()) } else { Err(format!("{:?}", zombie.owned)) }
    });
    eventually("a fair share", || {
        if let Some(Ownership::Revoked(partitions)) = successor.poll().unwrap() {
            successor.let_go(&partitions);
        }
        zombie.poll().unwrap();
        if zombie.owned.len() == 1 { Ok(()) } else { Err(format!("{:?}", zombie.owned)) }
    });
    place.comes_to_hold(&place.out, &["of its successor"]);
    assert_eq!(place.positions(), 4);
}

/// Settings of a member that the group puts out soon when it does not poll.
fn impatient(place: &Place, instance: &str) -> Settings {
    let mut settings = place.settings(instance);
    for name in ["session.timeout.ms", "max.poll.interval.ms"] {
        settings.properties.insert(name.into(), "1500".into());
    }
    settings
}

fn is_put_out(place: &Place) {
    eventually("the group to be empty", || match place.broker.group(&place.group) {
        (0, _) => Ok(()),
        members => Err(format!("{members:?}")),
    });
}
