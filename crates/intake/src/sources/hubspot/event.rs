//! One event of a webhook.

use std::borrow::Cow;

use tierline_model::{AccountField, Millis};

use super::{Hubspot, IDENTIFIERS};
use crate::directory::EntryKind;
use crate::sources::crm::{Company, Of, Property, Said, identify};
use crate::{Context, Json, Reading};

/// HubSpot's number for companies, in subscriptions that are for any object (`object.propertyChange`).
/// <https://developers.hubspot.com/docs/guides/crm/understanding-the-crm#object-type-ids>
const COMPANIES: &str = "0-2";

/// Whether it is an event of a webhook. One of an association names no `objectId`, one of a merge need not.
pub fn is_one(json: Json<'_>) -> bool {
    let places = ["objectId", "primaryObjectId", "fromObjectId"];
    kind_of(json).is_some() && places.iter().any(|name| json.get(name).is_told())
}

/// When it happened; what does not say it comes first.
pub fn occurred_at(json: Json<'_>) -> Millis {
    json.get("occurredAt").whole().unwrap_or(Millis::MIN)
}

/// What it tells of; old apps call it `eventType`.
fn kind_of(json: Json<'_>) -> Option<&str> {
    json.get("subscriptionType").text().or_else(|| json.get("eventType").text())
}

impl Hubspot {
    /// Reads an event; the reason where it becomes nothing.
    pub(super) fn event(
        &self,
        event: Json<'_>,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Result<(), Cow<'static, str>> {
        // `is_one` has found both.
        let kind = kind_of(event).unwrap_or_default();
        let (object, what) = kind.split_once('.').unwrap_or((kind, ""));
        let of_company = match object {
            "company" => true,
            "object" => event.get("objectTypeId").id().as_deref() == Some(COMPANIES),
            _ => false,
        };
        if !of_company {
            return Err("it is not of a company".into());
        }
        if what == "associationChange" {
            return Err("what a company belongs to is no field of an account".into());
        }
        let id = [event.get("objectId"), event.get("primaryObjectId")].into_iter().find_map(Json::id);
        let id = id.ok_or("its `objectId` is no id")?;
        let at = event.get("occurredAt").whole().unwrap_or(context.delivery.received_at);
        let mut company = Company::of(&self.basics, &id, context, reading);
        match what {
            "propertyChange" => self.property(&mut company, event, at, context, reading),
            "deletion" | "privacyDeletion" => match company.goes_on() {
                true => Err("it was merged, and goes on under another id".into()),
                false if company.delete(at, context, reading) => Ok(()),
                false => Err("its deletion was told before".into()),
            },
            "merge" => self.merge(&id, event, at, context, reading),
            "creation" => Err("a new company has no properties yet: each comes as a change of its own".into()),
            "restore" => Err("a company that is restored comes with its next changes".into()),
            _ => Err("an event of this type tells nothing of an account".into()),
        }
    }

    fn property(
        &self,
        company: &mut Company<'_>,
        event: Json<'_>,
        at: Millis,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Result<(), Cow<'static, str>> {
        let name = event.get("propertyName").text().ok_or("a change of a property without `propertyName`")?;
        let told = IDENTIFIERS.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let told = told.map(|(name, held)| (*name, *held, event.get("propertyValue")));
        if !company.goes_on() {
            identify(&self.basics, company.id(), told, reading);
        }
        let mut said = Vec::new();
        let mut unlike = None;
        for property in self.properties.told_by(name) {
            match self.said(property, event.get("propertyValue"), context, reading) {
                Ok(one) => said.push(one),
                Err(why) => unlike = Some(format!("`{}` cannot have this value: {why}", property.of.word())),
            }
        }
        match (said.is_empty(), unlike) {
            (true, Some(why)) => Err(why.into()),
            (true, None) => Err("`properties` has no field for this property".into()),
            (false, _) if company.goes_on() => Err("it was merged, and goes on under another id".into()),
            (false, _) if company.change(said, at, context, reading) => Ok(()),
            (false, _) => Err("older than what is known".into()),
        }
    }

    /// What a property's value says of its field. HubSpot writes all values as texts.
    pub(super) fn said(
        &self,
        property: &Property,
        value: Json<'_>,
        context: &Context<'_>,
        reading: &Reading,
    ) -> Result<Said, &'static str> {
        let mut value = match value.is_told() {
            true => property.value(value, false)?,
            false => None,
        };
        if property.of == Of::Field(AccountField::Owner)
            && let Some(id) = value.as_ref().and_then(|value| value.as_str())
            && let Some(known) = reading.known(context, &self.basics.name, EntryKind::User, id)
        {
            value = known.name.as_deref().map(Into::into).or(value);
        }
        Ok(Said { of: property.of.clone(), value })
    }

    /// Of those that are merged one goes on, perhaps under a new id, and under the account of the one that was chosen.
    fn merge(
        &self,
        id: &str,
        event: Json<'_>,
        at: Millis,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Result<(), Cow<'static, str>> {
        let primary = event.get("primaryObjectId").id().unwrap_or(Cow::Borrowed(id));
        let heir = event.get("newObjectId").id();
        let merged: Vec<_> = event.get("mergedObjectIds").items().filter_map(Json::id).collect();
        if merged.is_empty() {
            return Err("a merge without `mergedObjectIds`".into());
        }
        let gone = merged.iter().filter(|other| **other != primary && Some(*other) != heir.as_ref());
        for other in gone {
            Company::of(&self.basics, other, context, reading).delete(at, context, reading);
        }
        if let Some(heir) = heir {
            Company::of(&self.basics, &primary, context, reading).go_on_as(&heir, at, context, reading);
        }
        Ok(())
    }
}
