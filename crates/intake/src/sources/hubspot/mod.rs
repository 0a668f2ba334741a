//! HubSpot: companies, from the webhooks of an app (one property of one company each, in lists) and as its API has them.
//!
//! A property goes to `account-changes`, a company that comes whole to `accounts`. Webhooks come in any order and more
//! than once; of each field the directory remembers as of when it was told. The body of a webhook is documented at
//! <https://developers.hubspot.com/docs/api/webhooks#webhook-payloads>.

mod api;
mod company;
mod event;
mod signature;

use std::sync::Arc;

use tierline_model::AccountField;
use tierline_rules::source::{Diagnostics, Keys};

use super::crm::{Company, Held, Properties, readable, unwrapped};
use crate::directory::Known;
use crate::reconcile::Api;
use crate::{Basics, Context, Delivery, Json, Kind, Reading, Refused, Source, Unreadable};
use signature::Signature;

/// `kind: hubspot`.
pub const KIND: Kind = Kind { word: "hubspot", what: "HubSpot", build };

/// A HubSpot account.
#[derive(Clone, Debug)]
pub struct Hubspot {
    basics: Basics,
    signature: Signature,
    properties: Properties,
}

/// HubSpot's own properties of companies, <https://knowledge.hubspot.com/properties/hubspot-crm-default-company-properties>,
/// and for what HubSpot has none, the name that a team would give its own.
const PROPERTIES: [(AccountField, &str); 12] = [
    (AccountField::Name, "name"),
    (AccountField::Plan, "plan"),
    (AccountField::Segment, "industry"),
    (AccountField::Arr, "arr"),
    (AccountField::Currency, "hs_object_currency_code"),
    (AccountField::Health, "health_score"),
    (AccountField::ChurnRisk, "churn_risk"),
    (AccountField::RenewalDate, "renewal_date"),
    (AccountField::Owner, "hubspot_owner_id"),
    (AccountField::Region, "country"),
    (AccountField::TimeZone, "timezone"),
    (AccountField::Flags, "flags"),
];

/// Properties that other systems may have too: HubSpot's own,
/// <https://knowledge.hubspot.com/properties/hubspot-crm-default-company-properties>, and what a team calls another's id.
const IDENTIFIERS: [(&str, Held); 4] = [
    ("domain", Held::Domains),
    ("website", Held::Domains),
    ("hs_additional_domains", Held::Domains),
    ("external_id", Held::External),
];

const NEITHER: &str = "it is neither an event of HubSpot's webhooks nor a company of its API";

fn build(basics: Basics, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Arc<dyn Source>> {
    let signature = Signature::read(keys, found);
    let properties = Properties::defaults(&PROPERTIES).read(keys, found)?;
    Some(Arc::new(Hubspot { basics, signature: signature?, properties }))
}

impl Source for Hubspot {
    fn basics(&self) -> &Basics {
        &self.basics
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Refused> {
        self.signature.verify(delivery, &self.basics.secrets)
    }

    fn read(&self, payload: Json<'_>, context: &Context<'_>) -> Result<Reading, Unreadable> {
        let mut reading = Reading::default();
        let mut things = unwrapped(payload, &|json| event::is_one(json) || company::is_one(json));
        // HubSpot gives no order; of one payload at least it can be made.
        things.sort_by_key(|(_, thing)| event::occurred_at(*thing));
        readable(&things, &|json| event::is_one(json) || company::is_one(json), NEITHER)?;
        for (pointer, thing) in things {
            let told = match event::is_one(thing) {
                true => self.event(thing, context, &mut reading),
                false if company::is_one(thing) => self.company(thing, &pointer, context, &mut reading),
                false => Err(NEITHER.into()),
            };
            if let Err(why) = told {
                thing.raw();
                reading.ignore(pointer, why);
            }
        }
        Ok(reading)
    }

    fn unite(&self, company: &str, other: &Known, context: &Context<'_>) -> Reading {
        let mut reading = Reading::default();
        Company::of(&self.basics, company, context, &reading).unite(other, context, &mut reading);
        reading
    }

    fn api(&self) -> Option<&dyn Api> {
        Some(self)
    }
}
