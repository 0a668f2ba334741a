//! The group's coordinator: members, generations, who owns what, and what each member is still to be told.
//!
//! Rebalances are cooperative: a partition that changes hands is revoked in one generation and given away in the next,
//! when its owner has let go of it. A member that isn't heard of loses everything at once, and hears of that last.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tierline_model::Millis;
use tierline_stream::log::{Ownership, Partition};

/// A member, by the id that the coordinator gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberId(pub u32);

/// The group.
pub struct Group {
    partitions: Partition,
    generation: u32,
    members: BTreeMap<MemberId, Member>,
    next_member: u32,
    /// A rebalance is wanted.
    pub unsettled: bool,
}

struct Member {
    /// The generation that it has heard of.
    generation: u32,
    /// What it may own: given to it and not yet let go.
    owned: BTreeSet<Partition>,
    /// Of those, what it is to let go.
    leaving: BTreeSet<Partition>,
    heard_at: Millis,
    /// What the coordinator has decided and the member hasn't heard.
    decided: VecDeque<(u32, Ownership)>,
    /// What the member has heard and its lane hasn't.
    told: VecDeque<Ownership>,
}

impl Group {
    /// Nobody is in it.
    pub fn new(partitions: Partition) -> Group {
        Group { partitions, generation: 0, members: BTreeMap::new(), next_member: 0, unsettled: false }
    }

    /// Somebody joins.
    pub fn join(&mut self, now: Millis) -> MemberId {
        let id = MemberId(self.next_member);
        self.next_member += 1;
        self.members.insert(
            id,
            Member {
                generation: 0,
                owned: BTreeSet::new(),
                leaving: BTreeSet::new(),
                heard_at: now,
                decided: VecDeque::new(),
                told: VecDeque::new(),
            },
        );
        self.unsettled = true;
        id
    }

    /// Somebody leaves, or is given up.
    pub fn leave(&mut self, id: MemberId) {
        self.unsettled |= self.members.remove(&id).is_some();
    }

    /// Whether this is a member.
    pub fn knows(&self, id: MemberId) -> bool {
        self.members.contains_key(&id)
    }

    /// A heartbeat: the member hears what was decided. True: it has something to tell its lane.
    pub fn hear(&mut self, id: MemberId, now: Millis) -> bool {
        let Some(member) = self.members.get_mut(&id) else { return false };
        member.heard_at = now;
        while let Some((generation, change)) = member.decided.pop_front() {
            member.generation = generation;
            match &change {
                Ownership::Assigned(partitions) | Ownership::Revoked(partitions) | Ownership::Lost(partitions)
                    if partitions.is_empty() => {}
                _ => member.told.push_back(change),
            }
        }
        !member.told.is_empty()
    }

    /// What the lane of a member is to be told next.
    pub fn next_change(&mut self, id: MemberId) -> Option<Ownership> {
        self.members.get_mut(&id)?.told.pop_front()
    }

    /// Whether a commit under this member's name and the generation that it knows is accepted.
    pub fn accepts(&self, id: MemberId) -> bool {
        self.members.get(&id).is_some_and(|member| member.generation == self.generation && self.generation > 0)
    }

    /// A member's lane has let go of these.
    pub fn release(&mut self, id: MemberId, partitions: &[Partition]) {
        if let Some(member) = self.members.get_mut(&id) {
            for partition in partitions {
                self.unsettled |= member.leaving.remove(partition);
                member.owned.remove(partition);
            }
        }
    }

    /// Gives up members that weren't heard of for `session`; who they were.
    pub fn expire(&mut self, now: Millis, session: Millis) -> Vec<MemberId> {
        let gone: Vec<_> =
            self.members.iter().filter(|(_, it)| now - it.heard_at > session).map(|(&id, _)| id).collect();
        gone.iter().for_each(|&id| self.leave(id));
        gone
    }

    /// Decides anew who owns what; `turn` turns the order of who gets what. Members hear of it with their heartbeats.
    pub fn rebalance(&mut self, turn: usize) {
        self.unsettled = false;
        self.generation += 1;
        let ids: Vec<MemberId> = self.members.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let mut target: BTreeMap<Partition, MemberId> = BTreeMap::new();
        for partition in 0..self.partitions {
            target.insert(partition, ids[(partition as usize + turn) % ids.len()]);
        }
        let taken: BTreeSet<Partition> =
            self.members.values().flat_map(|member| member.owned.iter().copied()).collect();
        for (&id, member) in &mut self.members {
            let is_mine = |partition: &Partition| target[partition] == id;
            let leaving: Vec<_> =
                member.owned.iter().filter(|it| !is_mine(it) && !member.leaving.contains(it)).copied().collect();
            let coming: Vec<_> = (0..self.partitions).filter(|it| is_mine(it) && !taken.contains(it)).collect();
            member.leaving.extend(&leaving);
            member.owned.extend(&coming);
            member.decided.push_back((self.generation, Ownership::Revoked(leaving)));
            member.decided.push_back((self.generation, Ownership::Assigned(coming)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(group: &mut Group, id: MemberId) -> Vec<Ownership> {
        group.hear(id, 0);
        std::iter::from_fn(|| group.next_change(id)).collect()
    }

    #[test]
    fn a_partition_changes_hands_in_two_generations() {
        let mut group = Group::new(2);
        let first = group.join(0);
        group.rebalance(0);
        assert!(!group.accepts(first), "it hasn't heard of it");
        assert_eq!(hear(&mut group, first), [Ownership::Assigned(vec![0, 1])]);
        assert!(group.accepts(first));
        let second = group.join(0);
        group.rebalance(0);
        assert_eq!(hear(&mut group, first), [Ownership::Revoked(vec![1])]);
        assert_eq!(hear(&mut group, second), []);
        group.release(first, &[1]);
        assert!(group.unsettled);
        group.rebalance(0);
        assert_eq!(hear(&mut group, second), [Ownership::Assigned(vec![1])]);
    }

    #[test]
    fn who_is_not_heard_of_loses_all_and_its_commits_are_refused() {
        let mut group = Group::new(1);
        let (first, second) = (group.join(0), group.join(0));
        group.rebalance(0);
        hear(&mut group, first);
        group.hear(second, 900);
        assert_eq!(group.expire(1_000, 500), [first]);
        group.rebalance(0);
        assert!(!group.accepts(first) && !group.knows(first));
        assert_eq!(hear(&mut group, second), [Ownership::Assigned(vec![0])]);
    }
}
