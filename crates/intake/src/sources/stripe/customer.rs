//! A customer as the directory remembers it: enough of each subscription and each invoice that an event of any one of
//! them, in whatever order, gives the whole bill.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tierline_model::Millis;

use super::invoice::Invoice;
use super::subscription::{Subscription, Telling};

/// What is remembered of a customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// By their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subscriptions: BTreeMap<String, Subscription>,
    /// By their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub invoices: BTreeMap<String, Invoice>,
    /// Which way the plan last went, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_change: Option<Change>,
    /// The first subscription was seen to begin: an untold change of plan means that there was none.
    #[serde(default)]
    pub seen_to_begin: bool,
    /// What the customer itself says of its newest invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delinquent: Option<Delinquent>,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Millis>,
    /// The newest instant at which Stripe told anything of it.
    #[serde(default)]
    pub at: Millis,
}

/// A change of plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Whether the price went up; else it went down.
    pub up: bool,
    /// When.
    pub at: Millis,
    /// No event told it: it was seen by two prices, the first of which was known at this instant. The event may still
    /// come, and then says when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_after: Option<Millis>,
}

/// The `delinquent` of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delinquent {
    /// Whether its newest invoice is behind.
    pub is: bool,
    /// Whether one ever was: then it is worth telling that none is.
    #[serde(default)]
    pub was: bool,
    /// When Stripe said so.
    pub at: Millis,
}

/// Stripe repeats a webhook for three days; what has ended is remembered ten times as long, so that no late event
/// revives it.
const REMEMBERED: Millis = 30 * 86_400_000;
/// Of each kind no more are remembered; the newest.
const MOST: usize = 256;

impl Customer {
    /// Takes what is newer of a subscription; whether it was.
    pub fn take_subscription(&mut self, id: &str, next: Subscription, telling: Telling<'_>) -> bool {
        let at = next.at;
        let next = match self.subscriptions.get(id) {
            Some(known) if !known.gives_way(&next, telling) => return false,
            Some(known) => known.followed_by(next),
            None => next,
        };
        self.subscriptions.insert(id.to_owned(), next);
        self.tell(at);
        true
    }

    /// Takes what is newer of an invoice; whether it was.
    pub fn take_invoice(&mut self, id: &str, next: Invoice) -> bool {
        let at = next.at;
        let next = match self.invoices.get(id) {
            Some(known) if !known.gives_way(&next) => return false,
            Some(known) => known.followed_by(next),
            None => next,
        };
        self.invoices.insert(id.to_owned(), next);
        self.tell(at);
        true
    }

    /// It is deleted, and all of it with it.
    pub fn delete(&mut self, at: Millis) {
        *self = Customer {
            deleted_at: Some(self.deleted_at.map_or(at, |known| known.max(at))),
            at: self.at.max(at),
            ..Customer::default()
        };
    }

    /// A change of plan; an older one than is known says nothing, unless it is what was only seen.
    pub fn take_change(&mut self, next: Change) {
        let gives_way = |known: Change| match (known.seen_after, next.seen_after) {
            (Some(after), None) => next.at > after,
            _ => known.at <= next.at,
        };
        if self.plan_change.is_none_or(gives_way) {
            self.plan_change = Some(next);
        }
    }

    /// Takes what another process remembered of it, and this one never heard of or only what was before. Of what both
    /// have equally, this one's stays: the log has it last. What this one may have forgotten ended after what the other
    /// says of it.
    pub fn unite(&mut self, other: Customer) {
        let oldest = self.at - REMEMBERED;
        for (id, theirs) in other.subscriptions {
            let is_news = |ours: &Subscription| ours.precedes(&theirs);
            if self.subscriptions.get(&id).map_or(theirs.at >= oldest, is_news) {
                self.subscriptions.insert(id, theirs);
            }
        }
        for (id, theirs) in other.invoices {
            let settled = |one: &Invoice| (one.at, one.settled);
            let is_news = |ours: &Invoice| settled(ours) < settled(&theirs);
            if self.invoices.get(&id).map_or(theirs.at >= oldest, is_news) {
                self.invoices.insert(id, theirs);
            }
        }
        if let Some(theirs) = other.plan_change {
            let gives_way = |ours: Change| match (ours.seen_after, theirs.seen_after) {
                (Some(after), None) => theirs.at > after,
                (None, Some(after)) => ours.at <= after,
                _ => theirs.at > ours.at,
            };
            self.plan_change = self.plan_change.filter(|ours| !gives_way(*ours)).or(Some(theirs));
        }
        self.seen_to_begin |= other.seen_to_begin;
        self.delinquent = match (self.delinquent, other.delinquent) {
            (Some(ours), Some(theirs)) => {
                let newest = if theirs.at > ours.at { theirs } else { ours };
                Some(Delinquent { was: ours.was || theirs.was, ..newest })
            }
            (ours, theirs) => ours.or(theirs),
        };
        self.deleted_at = self.deleted_at.max(other.deleted_at);
        if let Some(deleted_at) = self.deleted_at {
            self.subscriptions.retain(|_, one| one.at > deleted_at);
            self.invoices.retain(|_, one| one.at > deleted_at);
            self.plan_change = self.plan_change.filter(|one| one.at > deleted_at);
            self.delinquent = self.delinquent.filter(|one| one.at > deleted_at);
            self.seen_to_begin &= !self.subscriptions.is_empty();
        }
        self.tell(other.at);
    }

    /// Something was told at this instant: what ended long before is forgotten.
    pub fn tell(&mut self, at: Millis) {
        self.at = self.at.max(at);
        let oldest = self.at - REMEMBERED;
        let newest_end = self.subscriptions.values().map(|subscription| subscription.at).max().unwrap_or(self.at);
        self.subscriptions.retain(|_, known| known.standing.lives() || known.at >= oldest.min(newest_end));
        self.invoices.retain(|_, known| known.is_open() || known.at >= oldest);
        drop_oldest(&mut self.subscriptions, |known| (known.standing.lives(), known.at));
        drop_oldest(&mut self.invoices, |known| (known.is_open(), known.at));
    }
}

fn drop_oldest<T>(of: &mut BTreeMap<String, T>, worth: impl Fn(&T) -> (bool, Millis)) {
    while of.len() > MOST {
        let least = of.iter().min_by_key(|(_, one)| worth(one)).map(|(id, _)| id.clone());
        // Invariant: the map is not empty here.
        of.remove(&least.expect("there are many"));
    }
}
