//! Salesforce: accounts, from change events and as its API has them.
//!
//! Change events (<https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture>) come as
//! a connector delivers them to a topic, or by the gateway with a token: Salesforce signs nothing. A change goes to
//! `account-changes`; what comes whole (a creation, an undeletion, an account of the API) to `accounts`. Of each field
//! the directory remembers as of when it was told: `sequenceNumber` counts within one transaction only.

mod api;
mod change;
mod members;
mod record;

use std::borrow::Cow;
use std::sync::Arc;

use tierline_model::AccountField;
use tierline_rules::source::{Diagnostics, Keys, text};

use super::crm::{Company, Held, Properties, readable, unwrapped};
use crate::directory::Known;
use crate::proof::{TOKEN_HEADER, token};
use crate::reconcile::Api;
use crate::{Basics, Context, Delivery, Json, Kind, Reading, Refused, Source, Unreadable};

/// `kind: salesforce`.
pub const KIND: Kind = Kind { word: "salesforce", what: "Salesforce", build };

/// A Salesforce organisation.
#[derive(Clone, Debug)]
pub struct Salesforce {
    basics: Basics,
    token_header: String,
    properties: Properties,
}

/// Salesforce's own fields of Account,
/// <https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_account.htm>,
/// and for what it has none, the name that a team would give its own.
const PROPERTIES: [(AccountField, &str); 12] = [
    (AccountField::Name, "Name"),
    (AccountField::Plan, "Plan__c"),
    (AccountField::Segment, "Industry"),
    (AccountField::Arr, "ARR__c"),
    (AccountField::Currency, "CurrencyIsoCode"),
    (AccountField::Health, "Health_Score__c"),
    (AccountField::ChurnRisk, "Churn_Risk__c"),
    (AccountField::RenewalDate, "Renewal_Date__c"),
    (AccountField::Owner, "OwnerId"),
    (AccountField::Region, "BillingCountry"),
    (AccountField::TimeZone, "Time_Zone__c"),
    (AccountField::Flags, "Flags__c"),
];

/// Fields that other systems may have too: Salesforce's own, and the names that a team would give them.
const IDENTIFIERS: [(&str, Held); 6] = [
    ("Website", Held::Domains),
    ("Domain__c", Held::Domains),
    ("Email_Domain__c", Held::Domains),
    ("AccountNumber", Held::External),
    ("External_Id__c", Held::External),
    ("ExternalId__c", Held::External),
];

const NEITHER: &str = "it is neither a change event of Salesforce nor a record of its API";

fn build(basics: Basics, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Arc<dyn Source>> {
    let token_header = keys.optional("token_header").map(|node| text(node, "`token_header`", found));
    let properties = Properties::defaults(&PROPERTIES).read(keys, found)?;
    let token_header = token_header.unwrap_or(Some(TOKEN_HEADER))?.to_ascii_lowercase();
    Some(Arc::new(Salesforce { basics, token_header, properties }))
}

impl Source for Salesforce {
    fn basics(&self) -> &Basics {
        &self.basics
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Refused> {
        token(delivery, &self.token_header, &self.basics.secrets)
    }

    fn read(&self, payload: Json<'_>, context: &Context<'_>) -> Result<Reading, Unreadable> {
        let mut reading = Reading::default();
        let is_one = |json: Json<'_>| change::is_one(json) || record::is_one(json);
        let things = unwrapped(payload, &is_one);
        readable(&things, &is_one, NEITHER)?;
        for (pointer, thing) in things {
            let told = match change::is_one(thing) {
                true => self.change(thing, &pointer, context, &mut reading),
                false if record::is_one(thing) => self.record(thing, &pointer, context, &mut reading),
                false => Err(Cow::Borrowed(NEITHER)),
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

/// The id in 18 characters, as events have it: reports have the first 15, in which capitals count; the last three say
/// which of them are capitals.
fn long_id(id: &str) -> Cow<'_, str> {
    if id.len() != 15 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(id);
    }
    const SIGNS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut long = id.to_owned();
    for five in id.as_bytes().chunks(5) {
        let capitals =
            five.iter().enumerate().fold(0, |all, (place, byte)| all | usize::from(byte.is_ascii_uppercase()) << place);
        // Five bits are below 32.
        long.push(char::from(SIGNS[capitals]));
    }
    Cow::Owned(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_the_long_one_without_its_last_three() {
        assert_eq!(long_id("001RM000004UF9s"), "001RM000004UF9sYAG");
        assert_eq!(long_id("0015f00002JUXA8"), "0015f00002JUXA8AAP");
        assert_eq!(long_id("001RM000004UF9sYAG"), "001RM000004UF9sYAG");
        assert_eq!(long_id("<record_ID>"), "<record_ID>");
    }
}
