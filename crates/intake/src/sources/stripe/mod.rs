//! Stripe: what its events of customers, subscriptions, invoices, products say of a customer's bills.
//!
//! Events come in any order and more than once, and none says how a customer stands as a whole. So the directory
//! remembers of each customer what every subscription and every open invoice said last (by the event's `created`), and
//! each event gives the whole bill anew, to `billing`: of several subscriptions the worst state, the next renewal, what
//! is due in all. Where two gateways take an event of one customer at once, each bill lacks what the other's event told,
//! until one of them puts both together. Types of events: <https://docs.stripe.com/api/events/types>.

mod api;
mod bill;
mod customer;
mod event;
mod invoice;
mod prices;
mod signature;
mod standing;
mod subscription;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use tierline_model::Millis;
use tierline_rules::source::{Diagnostics, Entry, Keys, Kind as NodeKind, Node, duration, text, wrong_kind};

use super::crm::{Held, readable, unwrapped};
use crate::directory::{EntryKind, Known};
use crate::reconcile::Api;
use crate::{Basics, Context, Delivery, Json, Kind, Reading, Refused, Source, Unreadable};

/// `kind: stripe`.
pub const KIND: Kind = Kind { word: "stripe", what: "Stripe", build };

/// A Stripe account.
#[derive(Clone, Debug)]
pub struct Stripe {
    basics: Basics,
    /// How old a signature may be.
    tolerance: Millis,
    /// Products, prices or look-up keys, and the plan that each is.
    plans: BTreeMap<String, String>,
}

/// What a customer has that other systems may have too: the address that bills go to, and what a team writes into
/// `metadata`.
const IDENTIFIERS: [(&str, &str, Held); 9] = [
    ("email", "/email", Held::Mail),
    ("metadata.domain", "/metadata/domain", Held::Domains),
    ("metadata.website", "/metadata/website", Held::Domains),
    ("metadata.external_id", "/metadata/external_id", Held::External),
    ("metadata.account_id", "/metadata/account_id", Held::External),
    ("metadata.company_id", "/metadata/company_id", Held::External),
    ("metadata.organization_id", "/metadata/organization_id", Held::External),
    ("metadata.hubspot_id", "/metadata/hubspot_id", Held::External),
    ("metadata.salesforce_id", "/metadata/salesforce_id", Held::External),
];

const FOREIGN: &str = "it is no object of Stripe's";

fn build(basics: Basics, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Arc<dyn Source>> {
    let tolerance = keys.optional("tolerance").map(|node| duration(node, "`tolerance`", found));
    let plans = keys.optional("plans").map(|node| plans(node, found));
    let (tolerance, plans) =
        (tolerance.unwrap_or(Some(signature::TOLERANCE))?, plans.unwrap_or(Some(BTreeMap::new()))?);
    Some(Arc::new(Stripe { basics, tolerance, plans }))
}

/// `plans: { prod_…: pro }`.
fn plans(node: &Node, found: &mut Diagnostics) -> Option<BTreeMap<String, String>> {
    let NodeKind::Map(entries) = &node.kind else {
        wrong_kind(node, "`plans` is a map from products, prices or look-up keys to the plans that they are", found);
        return None;
    };
    let one = |entry: &Entry, found: &mut Diagnostics| {
        Some((entry.key.text.clone(), text(&entry.value, "a plan", found)?.to_owned()))
    };
    let read: Vec<_> = entries.iter().map(|entry| one(entry, found)).collect();
    read.into_iter().collect()
}

impl Source for Stripe {
    fn basics(&self) -> &Basics {
        &self.basics
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Refused> {
        signature::verify(delivery, &self.basics.secrets, self.tolerance)
    }

    fn read(&self, payload: Json<'_>, context: &Context<'_>) -> Result<Reading, Unreadable> {
        let mut reading = Reading::default();
        let mut things = unwrapped(payload, &|json| object_of(json).is_some_and(|object| object != "list"));
        readable(&things, &|json| object_of(json).is_some(), FOREIGN)?;
        things.sort_by_key(|(_, thing)| match object_of(*thing) {
            Some("event") => thing.get("created").seconds().unwrap_or(Millis::MIN),
            _ => Millis::MIN,
        });
        for (pointer, thing) in things {
            if let Err(why) = self.thing(thing, context, &mut reading) {
                thing.raw();
                reading.ignore(pointer, why);
            }
        }
        Ok(reading)
    }

    fn unite(&self, customer: &str, other: &Known, context: &Context<'_>) -> Reading {
        self.united(customer, other, context)
    }

    fn api(&self) -> Option<&dyn Api> {
        Some(self)
    }
}

/// What Stripe calls what it sends: each of its objects says so. An event that somebody cut down may not.
fn object_of<'a>(json: Json<'a>) -> Option<&'a str> {
    let object = json.get("object").text();
    object.or_else(|| json.at("/data/object").members().next().and(json.get("type").text()).map(|_| "event"))
}

impl Stripe {
    /// What a price is called: as configured, by its product's name, by its own, by the product's id.
    fn plan(&self, price: Json<'_>, context: &Context<'_>, reading: &Reading) -> Option<String> {
        let product = price.get("product");
        let product_id = super::crm::id_of(product);
        let id = price.get("id").id();
        let key = price.get("lookup_key").text();
        let names = [id.as_deref(), key, product_id.as_deref()];
        if let Some(plan) = names.into_iter().flatten().find_map(|name| self.plans.get(name)) {
            return Some(plan.clone());
        }
        let known = || {
            let known = reading.known(
                context,
                &self.basics.name,
                EntryKind::Item,
                &format!("product:{}", product_id.as_deref()?),
            );
            known.and_then(|known| known.name.clone())
        };
        let texts =
            || [price.get("nickname"), price.get("name")].into_iter().find_map(Json::text).or(key).map(str::to_owned);
        let product_name = product.get("name").text().map(str::to_owned);
        product_name.or_else(known).or_else(texts).or(product_id).or(id.map(Cow::into_owned))
    }
}
