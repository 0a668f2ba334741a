//! What a dead lane left open, its heir settles.
//!
//! A lane that is killed in mid-transaction leaves it open. Until the cluster gives it up (after
//! `transaction.timeout.ms`, and up to ten seconds later, when it looks), the changelog of each task in it ends
//! undecided, which a restore must wait for, and readers of the outputs see nothing behind it. The heir can end that at
//! once: initialising a transactional id aborts what was left open under it. So each commit writes beside the group's
//! offset of a task who made it, and who inherits the task looks there.
//!
//! A live owner is never touched: whoever is still a member of the group ends its transaction itself.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset as RdOffset, TopicPartitionList};
use tierline_stream::log::{Failure, Offset, Partition};

use crate::errors::Listening;
use crate::producer::{Limits, start};
use crate::settings::{Settings, Which};

/// How long one question may take. What cannot be asked is left to the cluster's own patience.
const ATTEMPT: Duration = Duration::from_secs(2);

/// How long an id may take to be initialised.
const PATIENCE: Duration = Duration::from_secs(5);

/// Begins what is written beside an offset, so that nobody else's words are mistaken for it.
const MARK: &str = "tierline";

/// Stands before where the lane's process answers over HTTP. An instance's name has no spaces.
const AT: &str = " at ";

/// The offsets of a commit, signed by the lane that makes it: who it is, and where its process answers.
pub(crate) fn signed(
    settings: &Settings,
    driver: &str,
    positions: &[(Partition, Offset)],
) -> Result<TopicPartitionList, Failure> {
    let at = settings.advertise.as_ref().map(|address| format!("{AT}{address}")).unwrap_or_default();
    let signature = format!("{MARK} {} {}{at}", settings.lane, settings.instance);
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for &(partition, offset) in positions {
        let mut element = list.add_partition(driver, partition);
        element
            .set_offset(RdOffset::Offset(offset))
            .map_err(|error| Failure::Fatal(format!("position {offset} of {driver}: {error}")))?;
        element.set_metadata(&signature);
    }
    Ok(list)
}

/// Aborts what the last owner of a task left open, if that is another lane, and is no member of the group any more.
/// Whether it did; where it cannot be done, the cluster will, later.
pub(crate) fn settle(asks: &BaseConsumer<Listening>, settings: &Settings, driver: &str, partition: Partition) -> bool {
    let Some(last) = last_owner(asks, settings, driver, partition) else { return false };
    let is_own = last.instance == settings.instance && last.lane == settings.lane;
    // With one name for all clients, none can be told from another.
    if is_own || settings.properties.contains_key("client.id") || is_member(asks, settings, &last) != Some(false) {
        return false;
    }
    let (instance, lane) = (last.instance.as_str(), last.lane);
    tracing::info!(partition, instance, lane, "ending what the last owner left open");
    let limits = Limits { outputs: Vec::new() };
    let ended = [Which::A, Which::B].into_iter().try_for_each(|which| start(&last, which, &limits).map(drop));
    if let Err(error) = &ended {
        tracing::warn!(partition, instance, lane, %error, "cannot end what the last owner left open; waiting for it");
    }
    ended.is_ok()
}

/// Who committed a task last, as settings of the same group.
fn last_owner(
    asks: &BaseConsumer<Listening>,
    settings: &Settings,
    driver: &str,
    partition: Partition,
) -> Option<Settings> {
    let mut list = TopicPartitionList::new();
    list.add_partition(driver, partition);
    let committed = asks.committed_offsets(list, ATTEMPT).ok()?;
    let Signed { lane, instance, .. } = read(committed.find_partition(driver, partition)?.metadata())?;
    Some(Settings { instance, lane, patience: PATIENCE, ..settings.clone() })
}

/// Who signed a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    lane: u32,
    pub(crate) instance: String,
    /// Where its process answers over HTTP.
    pub(crate) address: Option<String>,
}

/// The signature beside an offset; none: it is somebody else's words.
pub(crate) fn read(signature: &str) -> Option<Signed> {
    let (lane, rest) = signature.strip_prefix(MARK)?.strip_prefix(' ')?.split_once(' ')?;
    let (instance, address) = match rest.split_once(AT) {
        Some((instance, address)) => (instance, Some(address.to_owned())),
        None => (rest, None),
    };
    Some(Signed { lane: lane.parse().ok()?, instance: instance.to_owned(), address })
}

/// Whether a lane is a member of its group; `None`: the cluster does not say. Who asks is a member too, so an answer that
/// does not name them is that of a coordinator that is on its way, and none.
fn is_member(asks: &BaseConsumer<Listening>, own: &Settings, lane: &Settings) -> Option<bool> {
    let name = lane.consumer_group();
    let groups = asks.fetch_group_list(Some(&name), ATTEMPT).ok()?;
    let group = groups.groups().iter().find(|group| group.name() == name)?;
    let members: Vec<&str> = group.members().iter().map(|member| member.client_id()).collect();
    is_among(&members, &own.driver_client_id(), &lane.driver_client_id())
}

fn is_among(members: &[&str], own: &str, lane: &str) -> Option<bool> {
    members.contains(&own).then(|| members.contains(&lane))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_group_that_leaves_out_who_asks_is_none() {
        assert_eq!(is_among(&[], "me", "them"), None);
        assert_eq!(is_among(&["them"], "me", "them"), None);
        assert_eq!(is_among(&["me"], "me", "them"), Some(false));
        assert_eq!(is_among(&["me", "them"], "me", "them"), Some(true));
    }

    #[test]
    fn a_signature_is_read_as_it_was_written_and_nothing_else_is_one() {
        for advertise in [None, Some("http://10.0.0.1:9464".to_owned())] {
            let plain = Settings::new("localhost:9092", "tierline");
            let lane = Settings { instance: "pod-1".into(), lane: 3, advertise: advertise.clone(), ..plain };
            let list = signed(&lane, "tickets", &[(0, 7)]).unwrap();
            let expected = Signed { lane: 3, instance: "pod-1".to_owned(), address: advertise };
            assert_eq!(read(list.elements()[0].metadata()), Some(expected));
        }
        for other in ["", "tierline", "tierline x y", "somebody 0 else"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
