//! One subscription: what a bill needs of it, and what the next event is compared with.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tierline_model::{Millis, PlanChange};

use super::prices::{items, yearly};
use super::standing::Standing;
use crate::Json;
use crate::sources::crm::said;

/// What is remembered of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// When Stripe said so.
    pub at: Millis,
    /// How it stands.
    pub standing: Standing,
    /// How it stood before, where the same event says so: tells which of two events of one second comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Standing>,
    /// Since when a payment has been due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past_due_since: Option<Millis>,
    /// When the next period begins, unless it ends before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews_at: Option<Millis>,
    /// When it ends or has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancels_at: Option<Millis>,
    /// The name of what is paid for most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What a year of it costs, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yearly: Option<f64>,
    /// Of `yearly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// How Stripe tells of it.
#[derive(Clone, Copy)]
pub struct Telling<'v> {
    /// The whole subscription.
    pub of: Json<'v>,
    /// When it was said.
    pub at: Millis,
    /// What of it was otherwise before: `data.previous_attributes` of an event.
    pub before: Json<'v>,
}

impl Telling<'_> {
    /// How it stood before, where that was otherwise.
    fn was(&self) -> Option<Standing> {
        Standing::of_status(self.before.get("status").text()?)
    }
}

impl Subscription {
    /// Reads a subscription; the reason where it makes no sense. `name_of` names the price of an item.
    pub fn read(
        telling: Telling<'_>,
        name_of: &dyn Fn(Json<'_>) -> Option<String>,
    ) -> Result<Subscription, &'static str> {
        let Telling { of, at, .. } = telling;
        let status = of.get("status").text().ok_or("a subscription without a status")?;
        let mut standing = Standing::of_status(status).ok_or("a subscription of an unknown status")?;
        if said(of.get("pause_collection")) && standing.lives() {
            standing = standing.max(Standing::Paused);
        }
        let items = items(of);
        // Since the API's version 2025-03-31 each item has a period of its own.
        let of_period = |name: &str| {
            of.get(name).seconds().or_else(|| items.iter().filter_map(|item| item.get(name).seconds()).min())
        };
        let (period_start, period_end) = (of_period("current_period_start"), of_period("current_period_end"));
        let at_period_end = of.get("cancel_at_period_end").flag().unwrap_or(false);
        let cancels_at = match standing {
            Standing::Canceled => of.get("ended_at").seconds().or_else(|| of.get("canceled_at").seconds()),
            _ => of.get("cancel_at").seconds().or(period_end.filter(|_| at_period_end)),
        };
        let goes_on = standing.lives() && !at_period_end;
        let renews_at = period_end.filter(|end| goes_on && cancels_at.is_none_or(|cancels_at| cancels_at > *end));
        let costs = yearly(&items, &[]);
        let past_due_since = standing.owes().then(|| match telling.was() {
            Some(was) if !was.owes() => at,
            // Nobody saw it fail; what was due is the renewal that began the period.
            _ => period_start.filter(|start| *start <= at).unwrap_or(at),
        });
        Ok(Subscription {
            at,
            standing,
            was: telling.was(),
            past_due_since,
            renews_at,
            cancels_at,
            plan: dearest(&items).and_then(name_of),
            yearly: costs.as_ref().map(|costs| costs.amount),
            currency: costs.map(|costs| costs.currency),
        })
    }

    /// Whether `next` is to take this one's place. Stripe's instants are whole seconds: of two events of one second
    /// that one is older which says that the status was otherwise before than it is known to be.
    pub fn gives_way(&self, next: &Subscription, telling: Telling<'_>) -> bool {
        if next.at != self.at || next.standing == Standing::Canceled {
            return next.at >= self.at;
        }
        let of_this = telling.was().is_none_or(|was| was == self.standing);
        self.standing != Standing::Canceled && of_this
    }

    /// Whether `other`, which another process remembered, comes after this one. Of one second that one comes after which
    /// says that it stood before as the other does.
    pub fn precedes(&self, other: &Subscription) -> bool {
        if other.at != self.at || Standing::Canceled == self.standing.min(other.standing) {
            return (other.at, other.standing == Standing::Canceled) > (self.at, self.standing == Standing::Canceled);
        }
        other.was == Some(self.standing) && self.was != Some(other.standing)
    }

    /// Which way its price went since, where no event told it.
    pub fn price_went(&self, next: &Subscription) -> Option<PlanChange> {
        let comparable = self.currency == next.currency && self.standing.lives() && next.standing.lives();
        if !comparable { None } else { went(self.yearly?, next.yearly?) }
    }

    /// What is remembered once it takes this one's place: a payment has been due since it was first seen to be.
    pub fn followed_by(&self, mut next: Subscription) -> Subscription {
        if let (Some(since), Some(next)) = (self.past_due_since, &mut next.past_due_since) {
            *next = since.min(*next);
        }
        next
    }
}

/// Which way its price went; `None`: it did not change, or nobody can tell. More seats are a higher price.
pub fn plan_change(telling: Telling<'_>) -> Option<PlanChange> {
    let Telling { of, before, .. } = telling;
    let now = items(of);
    let was = match said(before.get("items")) {
        true => yearly(&items(before), &now),
        // An old version of the API: one plan and its quantity, of which only what changed is told.
        false if said(before.get("plan")) || said(before.get("quantity")) => yearly(&[before], &now),
        false => return None,
    };
    let (was, now) = (was?, yearly(&now, &[])?);
    if was.currency != now.currency {
        return None;
    }
    went(was.amount, now.amount)
}

fn went(was: f64, now: f64) -> Option<PlanChange> {
    match now.total_cmp(&was) {
        Ordering::Greater => Some(PlanChange::Upgraded),
        Ordering::Less => Some(PlanChange::Downgraded),
        Ordering::Equal => None,
    }
}

/// The price of the item that costs most; of equals, the first.
fn dearest<'v>(items: &[Json<'v>]) -> Option<Json<'v>> {
    let cost = |item: &&Json<'v>| yearly(&[**item], &[]).map_or(0.0, |yearly| yearly.amount);
    let item = items.iter().rev().max_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    [item.get("price"), item.get("plan")].into_iter().find(|price| said(*price))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn telling<'v>(of: &'v Value, before: &'v Value) -> Telling<'v> {
        Telling { of: Json::new(of), at: 50_000_000, before: Json::new(before) }
    }

    fn read(of: Value, before: Value) -> Subscription {
        Subscription::read(telling(&of, &before), &|price| price.get("id").text().map(str::to_owned)).unwrap()
    }

    fn item(amount: i64, quantity: i64) -> Value {
        json!({"quantity": quantity, "current_period_start": 40_000, "current_period_end": 60_000,
            "price": {"id": format!("p{amount}"), "unit_amount": amount, "currency": "eur",
                "recurring": {"interval": "month", "interval_count": 1}}})
    }

    #[test]
    fn it_renews_at_the_end_of_its_period_wherever_that_stands() {
        let old = json!({"status": "active", "current_period_end": 60_000, "items": {"data": []}});
        assert_eq!(read(old, Value::Null).renews_at, Some(60_000_000));
        let new = json!({"status": "active", "items": {"data": [item(1000, 1), item(2000, 1)]}});
        let new = read(new, Value::Null);
        assert_eq!((new.renews_at, new.plan.as_deref(), new.yearly), (Some(60_000_000), Some("p2000"), Some(36_000.0)));
    }

    #[test]
    fn what_is_cancelled_at_the_periods_end_does_not_renew() {
        let at_end = json!({"status": "active", "cancel_at_period_end": "true", "items": {"data": [item(1000, 1)]}});
        let at_end = read(at_end, Value::Null);
        assert_eq!((at_end.renews_at, at_end.cancels_at), (None, Some(60_000_000)));
        let later = json!({"status": "active", "cancel_at": 70_000, "items": {"data": [item(1000, 1)]}});
        let later = read(later, Value::Null);
        assert_eq!((later.renews_at, later.cancels_at), (Some(60_000_000), Some(70_000_000)));
        let ended = json!({"status": "canceled", "ended_at": 45_000, "items": {"data": [item(1000, 1)]}});
        let ended = read(ended, Value::Null);
        assert_eq!((ended.renews_at, ended.cancels_at), (None, Some(45_000_000)));
    }

    #[test]
    fn a_payment_is_due_since_it_was_seen_to_fail_else_since_the_period_began() {
        let late = json!({"status": "past_due", "items": {"data": [item(1000, 1)]}});
        assert_eq!(read(late.clone(), json!({"status": "active"})).past_due_since, Some(50_000_000));
        assert_eq!(read(late.clone(), Value::Null).past_due_since, Some(40_000_000));
        let first = read(late.clone(), json!({"status": "active"}));
        let second = Subscription { at: 51_000_000, ..read(late, json!({"status": "active"})) };
        let second = Subscription { past_due_since: Some(51_000_000), ..second };
        assert_eq!(first.followed_by(second).past_due_since, Some(50_000_000));
    }

    #[test]
    fn the_price_says_which_way_the_plan_went() {
        let now = json!({"items": {"data": [item(1000, 5)]}});
        let went = |before: Value| plan_change(telling(&now, &before));
        assert_eq!(went(json!({"items": {"data": [item(2000, 5)]}})), Some(PlanChange::Downgraded));
        assert_eq!(went(json!({"items": {"data": [item(1000, 4)]}})), Some(PlanChange::Upgraded));
        assert_eq!(went(json!({"items": {"data": [item(1000, 5)]}})), None);
        assert_eq!(
            went(json!({"plan": {"amount": 900, "interval": "month", "currency": "eur"}})),
            Some(PlanChange::Upgraded)
        );
        assert_eq!(went(json!({"quantity": 9})), Some(PlanChange::Downgraded));
        assert_eq!(went(json!({"latest_invoice": "in_1"})), None);
    }

    #[test]
    fn of_one_second_the_older_does_not_win_though_it_comes_last() {
        let active = read(json!({"status": "active"}), Value::Null);
        let before = json!({"status": "incomplete"});
        let of = json!({"status": "active"});
        assert!(!active.gives_way(&read(of.clone(), before.clone()), telling(&of, &before)));
        let (of, before) = (json!({"status": "past_due"}), json!({"status": "active"}));
        assert!(active.gives_way(&read(of.clone(), before.clone()), telling(&of, &before)));
        let ended = read(json!({"status": "canceled"}), Value::Null);
        assert!(active.gives_way(&ended, telling(&Value::Null, &Value::Null)));
        assert!(!ended.gives_way(&active, telling(&Value::Null, &Value::Null)));
    }
}
