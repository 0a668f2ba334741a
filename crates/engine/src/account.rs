//! What is kept of one account: what its sources tell of it, which tickets it has, and when it next wants attention.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono_tz::Tz;
use compact_str::CompactString;
use tierline_model::Millis;
use tierline_rules::{Edge, Moment};

use crate::joined::Joined;
use crate::ticket::{Ring, SignalCell};

/// A ticket by its place in the task's slab.
pub(crate) type Slot = u32;

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    pub id: CompactString,
    pub account: Joined,
    pub billing: Joined,
    /// The account's zone, parsed.
    pub zone: Option<Tz>,
    /// All its tickets within `history`.
    pub tickets: Vec<Slot>,
    /// The open ones among them.
    pub open: Vec<Slot>,
    /// When those that count were created, oldest first: an exact sliding window.
    pub created: Vec<Millis>,
    /// Tickets by bound. Lazily kept: an entry that is not its ticket's bound any more is passed over.
    pub bounds: BinaryHeap<Reverse<(Millis, Slot)>>,
    /// The earliest instant at which an account's own condition may change for all its tickets.
    pub bound: Millis,
    /// How far the account's own time has come.
    pub now: Moment,
    pub latches: Vec<AccountLatch>,
    /// Rules over its windows with what its own conditions said when all its tickets were last looked at for them.
    pub settled: Vec<(u16, u64)>,
    pub signals: Vec<SignalCell>,
    /// Hashes of the last signals' and commands' ids that named no ticket.
    pub seen: Option<Box<Ring<16>>>,
    /// How many rises of its tickets wait for stragglers.
    pub held: u32,
    /// The deadline under which it stands in the task's queue; `MAX`: in none.
    pub scheduled: Millis,
    pub dirty: bool,
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
            tickets: Vec::new(),
            open: Vec::new(),
            created: Vec::new(),
            bounds: BinaryHeap::new(),
            bound: Millis::MAX,
            now: Moment { at: Millis::MIN / 4, edge: Edge::Records },
            latches: Vec::new(),
            settled: Vec::new(),
            signals: Vec::new(),
            seen: None,
            held: 0,
            scheduled: Millis::MAX,
            dirty: false,
        }
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
