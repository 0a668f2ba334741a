//! One thing that Stripe sends: an event, or an object as its API has it.

use std::borrow::Cow;

use serde_json::Value;
use tierline_model::{Millis, PlanChange};

use super::customer::{Change, Customer, Delinquent};
use super::invoice::Invoice;
use super::subscription::{Subscription, Telling, plan_change};
use super::{FOREIGN, IDENTIFIERS, Stripe, object_of};
use crate::directory::{EntryKind, Known};
use crate::sources::crm::{id_of, identify};
use crate::{Context, Json, Reading};

/// How something was told.
#[derive(Clone, Copy)]
struct Told<'v> {
    /// The object itself.
    of: Json<'v>,
    /// When.
    at: Millis,
    /// The type of the event; none: it is no event.
    event: Option<&'v str>,
    /// What was otherwise before.
    before: Json<'v>,
}

impl Told<'_> {
    /// Whether the customer was deleted by then. What an event tells in that very second is a part of the deletion.
    fn is_too_late_for(&self, customer: &Customer) -> bool {
        let at = if self.event.is_some() { self.at } else { self.at + 1 };
        customer.deleted_at.is_some_and(|deleted_at| deleted_at >= at)
    }
}

type Ignored = Cow<'static, str>;

impl Stripe {
    /// Reads an event or an object; the reason where it becomes nothing.
    pub(super) fn thing(&self, thing: Json<'_>, context: &Context<'_>, reading: &mut Reading) -> Result<(), Ignored> {
        let told = match object_of(thing) {
            Some("event") => Told {
                of: thing.at("/data/object"),
                at: thing.get("created").seconds().unwrap_or(context.delivery.received_at),
                event: thing.get("type").text(),
                before: thing.at("/data/previous_attributes"),
            },
            Some(_) => Told {
                of: thing,
                at: context.delivery.received_at,
                event: None,
                before: thing.at("/data/previous_attributes"),
            },
            None => return Err(FOREIGN.into()),
        };
        // A deleted object says what it was.
        match object_of(told.of) {
            Some("customer") => self.customer(told, context, reading),
            Some("subscription") => self.subscription(told, context, reading),
            Some("invoice") => self.invoice(told, context, reading),
            Some("product") => self.product(told, context, reading),
            _ => Err("an object of this kind tells nothing of a customer's bill".into()),
        }
    }

    fn customer(&self, told: Told<'_>, context: &Context<'_>, reading: &mut Reading) -> Result<(), Ignored> {
        let id = told.of.get("id").id().ok_or("a customer without an id")?;
        let mut customer = self.known(&id, context, reading);
        if told.event == Some("customer.deleted") || told.of.get("deleted").flag() == Some(true) {
            customer.delete(told.at);
            self.tell_deleted(&id, &customer, context, reading);
            self.save(&id, &customer, context, reading);
            return Ok(());
        }
        if told.is_too_late_for(&customer) {
            return Err("older than the customer's deletion".into());
        }
        // An old one says what was known once.
        if told.event.is_some() && told.at >= customer.at || told.event.is_none() {
            let holds = IDENTIFIERS.map(|(name, pointer, held)| (name, held, told.of.at(pointer)));
            identify(&self.basics, &id, holds, reading);
        }
        let mut news = false;
        for subscription in told.of.at("/subscriptions/data").items() {
            news |= self
                .take_subscription(&mut customer, Told { of: subscription, event: None, ..told }, context, reading)
                .is_ok();
        }
        if let Some(is) = told.of.get("delinquent").flag()
            && customer.delinquent.is_none_or(|known| known.at <= told.at)
        {
            let was = is || customer.delinquent.is_some_and(|known| known.was);
            customer.delinquent = Some(Delinquent { is, was, at: told.at });
            customer.tell(told.at);
            news = true;
        }
        match news {
            true => self.tell(&id, &customer, context, reading),
            false => Err("nothing of it is news for a bill".into()),
        }
    }

    fn subscription(&self, told: Told<'_>, context: &Context<'_>, reading: &mut Reading) -> Result<(), Ignored> {
        let id = id_of(told.of.get("customer")).ok_or("a subscription without a customer")?;
        let mut customer = self.known(&id, context, reading);
        if told.is_too_late_for(&customer) {
            return Err("older than the customer's deletion".into());
        }
        self.take_subscription(&mut customer, told, context, reading)?;
        self.tell(&id, &customer, context, reading)
    }

    fn take_subscription(
        &self,
        customer: &mut Customer,
        told: Told<'_>,
        context: &Context<'_>,
        reading: &Reading,
    ) -> Result<(), Ignored> {
        let id = told.of.get("id").id().ok_or("a subscription without an id")?;
        let telling = Telling { of: told.of, at: told.at, before: told.before };
        let next = Subscription::read(telling, &|price| self.plan(price, context, reading))?;
        // A change of plan is news even where something newer is known of the subscription.
        let seen = || {
            let known = customer.subscriptions.get(&*id).filter(|known| told.event.is_some() && told.at >= known.at)?;
            Some((known.price_went(&next)?, Some(known.at)))
        };
        let change = plan_change(telling).map(|went| (went, None)).or_else(seen);
        if let Some((went, seen_after)) = change {
            customer.take_change(Change { up: went == PlanChange::Upgraded, at: told.at, seen_after });
        }
        let begins = told.event == Some("customer.subscription.created") && !customer.seen_to_begin;
        customer.seen_to_begin |= begins;
        match customer.take_subscription(&id, next, telling) || change.is_some() || begins {
            true => Ok(()),
            false => Err("older than what is known of the subscription".into()),
        }
    }

    fn invoice(&self, told: Told<'_>, context: &Context<'_>, reading: &mut Reading) -> Result<(), Ignored> {
        if told.event == Some("invoice.upcoming") {
            return Err("a preview of an invoice: nothing is due by it yet".into());
        }
        let deleted = told.event == Some("invoice.deleted");
        let invoice = match deleted {
            true => Invoice::deleted(told.at),
            false => Invoice::read(told.of, told.at)?,
        };
        let id = told.of.get("id").id().ok_or("an invoice without an id")?;
        let customer_id = id_of(told.of.get("customer")).ok_or("an invoice without a customer")?;
        let mut customer = self.known(&customer_id, context, reading);
        if told.is_too_late_for(&customer) {
            return Err("older than the customer's deletion".into());
        }
        match customer.take_invoice(&id, invoice) {
            true => self.tell(&customer_id, &customer, context, reading),
            false => Err("older than what is known of the invoice".into()),
        }
    }

    /// A product's name is the plan's.
    fn product(&self, told: Told<'_>, context: &Context<'_>, reading: &mut Reading) -> Result<(), Ignored> {
        let id = told.of.get("id").id().ok_or("a product without an id")?;
        let name = told.of.get("name").text().ok_or("a product without a name")?;
        let known = Known { name: Some(name.to_owned()), ..Known::default() };
        reading.remember(context, &self.basics.name, EntryKind::Item, &format!("product:{id}"), known);
        Ok(())
    }

    /// Puts together what two processes remember of a customer, of whom each had taken an event without knowing of the
    /// other's, and gives the bill anew: nobody knows whose was written last.
    pub(super) fn united(&self, id: &str, other: &Known, context: &Context<'_>) -> Reading {
        let mut reading = Reading::default();
        let mut customer = self.known(id, context, &reading);
        customer.unite(remembered(other));
        match customer.deleted_at.is_some() && !customer.has_a_bill() {
            true => {
                self.tell_deleted(id, &customer, context, &mut reading);
                self.save(id, &customer, context, &mut reading);
            }
            // Where no bill is known of either, there is none to tell.
            false => drop(self.tell(id, &customer, context, &mut reading)),
        }
        reading
    }

    fn known(&self, id: &str, context: &Context<'_>, reading: &Reading) -> Customer {
        let known = reading.known(context, &self.basics.name, EntryKind::Organisation, id);
        known.map(remembered).unwrap_or_default()
    }

    fn tell(&self, id: &str, customer: &Customer, context: &Context<'_>, reading: &mut Reading) -> Result<(), Ignored> {
        self.save(id, customer, context, reading);
        if !customer.has_a_bill() {
            return Err("a customer of whom no bill is known yet".into());
        }
        reading.push(self.bill(id, customer, context));
        Ok(())
    }

    fn save(&self, id: &str, customer: &Customer, context: &Context<'_>, reading: &mut Reading) {
        let more = match serde_json::to_value(customer) {
            Ok(Value::Object(more)) => Some(Box::new(more)),
            // Maps with texts for keys have no way to fail.
            _ => None,
        };
        let known = Known { more, ..Known::default() };
        self.basics.remember_organisation(id, known, context, reading);
    }
}

/// What an entry says of a customer.
fn remembered(known: &Known) -> Customer {
    let more = known.more.as_deref();
    let customer = more.and_then(|more| serde_json::from_value(Value::Object(more.clone())).ok());
    customer.unwrap_or_default()
}
