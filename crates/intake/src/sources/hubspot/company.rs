//! A company as the API has it, or a workflow's webhook.

use std::borrow::Cow;

use super::{Hubspot, IDENTIFIERS};
use crate::sources::crm::{Company, identify};
use crate::{Context, Json, Reading};

/// Whether it is an object with properties.
pub fn is_one(json: Json<'_>) -> bool {
    id_of(json).is_told() && json.get("properties").members().next().is_some()
}

/// Its id: of the API, of a workflow's webhook, of the API's first version.
fn id_of<'a>(json: Json<'a>) -> Json<'a> {
    let places = ["id", "objectId", "companyId"].map(|name| json.get(name));
    places.into_iter().find(|place| place.is_told()).unwrap_or(places[0])
}

impl Hubspot {
    /// Reads a company; the reason where it becomes nothing.
    pub(super) fn company(
        &self,
        object: Json<'_>,
        pointer: &str,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Result<(), Cow<'static, str>> {
        let id = id_of(object).id().ok_or("its id is none")?;
        let properties = object.get("properties");
        if ["email", "dealname", "dealstage"].iter().any(|name| properties.get(name).is_told()) {
            return Err("a contact or a deal is no company".into());
        }
        let at = [object.get("updatedAt"), properties.get("hs_lastmodifieddate")];
        let at = at.into_iter().find_map(Json::instant).unwrap_or(context.delivery.received_at);
        let mut company = Company::of(&self.basics, &id, context, reading);
        if company.goes_on() {
            return Err("it was merged, and goes on under another id".into());
        }
        if object.get("archived").flag() == Some(true) || object.get("isDeleted").flag() == Some(true) {
            let at = object.get("archivedAt").instant().unwrap_or(at);
            return match company.delete(at, context, reading) {
                true => Ok(()),
                false => Err("its deletion was told before".into()),
            };
        }
        // The API's first version and workflows have the value within an object.
        let bare = |value: Json<'_>| value.get("value").is_told();
        let told = IDENTIFIERS.map(|(name, held)| {
            let value = properties.get(name);
            (name, held, if bare(value) { value.get("value") } else { value })
        });
        identify(&self.basics, &id, told, reading);
        let mut said = Vec::new();
        for (name, value) in properties.members() {
            let value = if bare(value) { value.get("value") } else { value };
            for property in self.properties.told_by(name) {
                match self.said(property, value, context, reading) {
                    Ok(one) => said.push(one),
                    Err(why) => {
                        let why = format!("`{}` cannot have this value: {why}", property.of.word());
                        reading.ignore(format!("{pointer}/properties/{name}"), why);
                    }
                }
            }
        }
        match company.snapshot(said, at, context, reading) {
            true => Ok(()),
            false => Err("older than its deletion".into()),
        }
    }
}
