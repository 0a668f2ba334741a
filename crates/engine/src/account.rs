//! What is kept of one account: what its sources tell of it, which tickets it has, and when it next wants attention.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono_tz::Tz;
use compact_str::CompactString;
use smallvec::SmallVec;
use tierline_model::Millis;
use tierline_rules::{Edge, Moment};

use crate::joined::Joined;
use crate::ticket::{Ring, SignalCell};

/// A ticket by its place in the task's slab.
pub(crate) type Slot = u32;

/// One account. What every record of it reads comes first, so that it lies in few cache lines.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Account {
    pub id: CompactString,
    /// How far the account's own time has come.
    pub now: Moment,
    /// The earliest instant at which an account's own condition may change for all its tickets.
    pub bound: Millis,
    /// The deadline under which it stands in the task's queue; `MAX`: in none.
    pub scheduled: Millis,
    /// Its tickets by the bound of each.
    pub bounds: ByInstant,
    /// Its tickets on which something waits for stragglers, by the earliest bound of that.
    pub holding: ByInstant,
    pub dirty: bool,
    /// The open ones among its tickets.
    pub open: SmallVec<[Slot; 4]>,
    /// When those that count were created, oldest first: an exact sliding window.
    pub created: SmallVec<[Millis; 2]>,
    pub account: Joined,
    pub billing: Joined,
    pub latches: SmallVec<[AccountLatch; 0]>,
    /// Rules over its windows with what its own conditions said when all its tickets were last looked at for them; and
    /// the same of policies.
    pub settled: SmallVec<[(u16, u64); 1]>,
    pub signals: Vec<SignalCell>,
    /// All its tickets within `history`.
    pub tickets: SmallVec<[Slot; 4]>,
    /// The account's zone, parsed.
    pub zone: Option<Tz>,
    /// Hashes of the last signals' and commands' ids that named no ticket.
    pub seen: Option<Box<Ring<16>>>,
}

/// An account's tickets, each by an instant of its own. Lazily kept: an entry that is not its ticket's any more is passed
/// over.
#[derive(Debug)]
pub(crate) struct ByInstant {
    /// No entry is earlier.
    earliest: Millis,
    heap: BinaryHeap<Reverse<(Millis, Slot)>>,
}

impl ByInstant {
    fn new() -> ByInstant {
        ByInstant { earliest: Millis::MAX, heap: BinaryHeap::new() }
    }

    /// No ticket's instant is earlier; `MAX`: none has one.
    pub fn earliest(&self) -> Millis {
        self.earliest
    }

    pub fn push(&mut self, at: Millis, slot: Slot) {
        self.earliest = self.earliest.min(at);
        self.heap.push(Reverse((at, slot)));
    }

    pub fn first(&self) -> Option<(Millis, Slot)> {
        self.heap.peek().map(|&Reverse(entry)| entry)
    }

    pub fn pop(&mut self) -> Option<(Millis, Slot)> {
        let popped = self.heap.pop().map(|Reverse(entry)| entry);
        self.earliest = self.first().map_or(Millis::MAX, |(at, _)| at);
        popped
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Millis, Slot)> + '_ {
        self.heap.iter().map(|&Reverse(entry)| entry)
    }

    /// Passes over what `is` says is no ticket's instant any more.
    pub fn sweep(&mut self, is: impl Fn(Millis, Slot) -> bool) {
        self.heap.retain(|&Reverse((at, slot))| is(at, slot));
        self.earliest = self.first().map_or(Millis::MAX, |(at, _)| at);
    }
}

/// The one latch of a rule with `once_per: account`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountLatch {
    pub rule: u16,
    pub latched: bool,
    pub rose_at: Option<Millis>,
    /// On how many open tickets the rule is *yes*. Derived.
    pub yes: u32,
}

impl Account {
    pub fn new(id: &str) -> Account {
        Account {
            id: id.into(),
            account: Joined::default(),
            billing: Joined::default(),
            zone: None,
            tickets: SmallVec::new(),
            open: SmallVec::new(),
            created: SmallVec::new(),
            bounds: ByInstant::new(),
            bound: Millis::MAX,
            now: Moment { at: Millis::MIN / 4, edge: Edge::Records },
            latches: SmallVec::new(),
            settled: SmallVec::new(),
            signals: Vec::new(),
            seen: None,
            holding: ByInstant::new(),
            scheduled: Millis::MAX,
            dirty: false,
        }
    }

    /// Whether nothing is known of it, but for how far its time has come.
    pub fn says_nothing(&self) -> bool {
        let is_told = |joined: &Joined| !joined.sources.is_empty() || !joined.untold.is_empty();
        let is_open = |latch: &AccountLatch| !latch.latched && latch.rose_at.is_none();
        self.tickets.is_empty()
            && self.latches.iter().all(is_open)
            && !is_told(&self.account)
            && !is_told(&self.billing)
            && self.signals.is_empty()
            && self.seen.is_none()
    }

    pub fn latch(&self, rule: u16) -> Option<&AccountLatch> {
        self.latches.iter().find(|latch| latch.rule == rule)
    }

    pub fn latch_mut(&mut self, rule: u16) -> &mut AccountLatch {
        let place = match self.latches.iter().position(|latch| latch.rule == rule) {
            Some(place) => place,
            None => {
                self.latches.push(AccountLatch { rule, latched: false, rose_at: None, yes: 0 });
                self.latches.len() - 1
            }
        };
        &mut self.latches[place]
    }

    /// A ticket counts from this instant; a late one finds its place.
    pub fn count(&mut self, created_at: Millis) {
        let place = self.created.partition_point(|&other| other <= created_at);
        self.created.insert(place, created_at);
    }

    /// A ticket counts no more.
    pub fn uncount(&mut self, created_at: Millis) {
        if let Ok(place) = self.created.binary_search(&created_at) {
            self.created.remove(place);
        }
    }
}
