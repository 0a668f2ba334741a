//! A change event.

use std::borrow::Cow;

use tierline_model::{AccountField, Millis};

use super::members::{alias, bare, members};
use super::{IDENTIFIERS, Salesforce, long_id};
use crate::directory::EntryKind;
use crate::sources::crm::{Company, Of, Property, Said, identify};
use crate::{Context, Json, Reading};

/// Whether it has the header of one.
pub fn is_one(json: Json<'_>) -> bool {
    json.get("ChangeEventHeader").members().next().is_some()
}

/// The names in a list of the header.
struct Names<'a> {
    told: bool,
    names: Vec<&'a str>,
    /// As the Pub/Sub API has them before its client has decoded them: `0x400000`, of a compound field `4-0x02`.
    bits: bool,
}

impl<'a> Names<'a> {
    fn of(list: Json<'a>) -> Names<'a> {
        let names: Vec<_> = list.items().filter_map(Json::text).collect();
        let bits = names.iter().any(|name| name.starts_with("0x") || name.contains("-0x"));
        Names { told: list.is_told(), bits, names: if bits { Vec::new() } else { names } }
    }

    /// Whether it names the field, its alias, or the compound field that it is a part of.
    fn has(&self, name: &str) -> bool {
        let whole = name.split_once('.').map(|(whole, _)| whole);
        self.names.iter().any(|other| *other == name || Some(*other) == whole)
    }
}

impl Salesforce {
    /// Reads a change event; the reason where it becomes nothing.
    pub(super) fn change(
        &self,
        event: Json<'_>,
        pointer: &str,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Result<(), Cow<'static, str>> {
        let header = event.get("ChangeEventHeader");
        let entity = header.get("entityName").text().ok_or("a change event without `entityName`")?;
        if !entity.eq_ignore_ascii_case("Account") {
            return Err("it is not of an account".into());
        }
        let kind = header.get("changeType").text().ok_or("a change event without `changeType`")?;
        let records = header.get("recordIds");
        let ids: Vec<_> = records.items().chain([records]).filter_map(Json::id).collect();
        if ids.is_empty() {
            return Err("a change event without `recordIds`".into());
        }
        let at = self.instant(header, event).unwrap_or(context.delivery.received_at);
        let said = match kind {
            "CREATE" | "UNDELETE" => self.whole(event, pointer, context, reading),
            "UPDATE" => self.changed(event, pointer, context, reading),
            // What was deleted needs no fields.
            "DELETE" | "GAP_DELETE" => Vec::new(),
            "GAP_CREATE" | "GAP_UPDATE" | "GAP_UNDELETE" => {
                return Err("Salesforce says that something changed, and not what: ask its API for the account".into());
            }
            "GAP_OVERFLOW" => return Err("too much changed at once: ask Salesforce's API for all accounts".into()),
            _ => return Err("a change of an unknown type".into()),
        };
        let mut is_news = false;
        // Of one that is deleted nothing is told, and connectors add to an update what has not changed, as null.
        let is_whole = matches!(kind, "CREATE" | "UNDELETE");
        let told = |name: &str| {
            let value = bare(event.get(name));
            let named = ["changedFields", "nulledFields"].map(|list| Names::of(header.get(list)));
            let is_nulled = named.iter().any(|names| names.has(name)) || named.iter().all(|names| !names.told);
            let counts = kind == "UPDATE" && (!value.is_empty() || is_nulled) || is_whole;
            if counts { value } else { Json::absent() }
        };
        let told = IDENTIFIERS.map(|(name, held)| (name, held, told(name)));
        for id in ids {
            if is_whole || kind == "UPDATE" {
                identify(&self.basics, &long_id(&id), told, reading);
            }
            let mut company = Company::of(&self.basics, &long_id(&id), context, reading);
            is_news |= match kind {
                "DELETE" | "GAP_DELETE" => company.delete(at, context, reading),
                "UPDATE" => company.change(said.clone(), at, context, reading),
                _ => company.snapshot(said.clone(), at, context, reading),
            };
        }
        match (is_news, said.is_empty()) {
            (true, _) => Ok(()),
            (false, true) if matches!(kind, "DELETE" | "GAP_DELETE") => Err("its deletion was told before".into()),
            (false, true) => Err("no field that `properties` names has changed".into()),
            (false, false) => Err("older than what is known".into()),
        }
    }

    fn instant(&self, header: Json<'_>, event: Json<'_>) -> Option<Millis> {
        let committed = header.get("commitTimestamp");
        let modified = event.get("LastModifiedDate");
        committed.whole().or_else(|| committed.instant()).or_else(|| modified.instant()).or_else(|| modified.whole())
    }

    /// What a new record says: a field of ours that it leaves out is empty.
    fn whole(&self, event: Json<'_>, pointer: &str, context: &Context<'_>, reading: &mut Reading) -> Vec<Said> {
        let mut said = self.said(event, pointer, context, reading, |_, _| true);
        if let Some(name) = person(event) {
            let named = self.told_by("Name", None);
            said.extend(named.map(|property| Said { of: property.of.clone(), value: Some(name.as_str().into()) }));
        }
        for property in self.properties.iter() {
            let is_there = property.configured || !property.name.ends_with("__c");
            if is_there && !said.iter().any(|one| one.of == property.of) {
                said.push(Said { of: property.of.clone(), value: None });
            }
        }
        said
    }

    /// What an update says: fields with a value, be they changed or enriched; those that were emptied.
    fn changed(&self, event: Json<'_>, pointer: &str, context: &Context<'_>, reading: &mut Reading) -> Vec<Said> {
        let header = event.get("ChangeEventHeader");
        let [changed, nulled, differing] =
            ["changedFields", "nulledFields", "diffFields"].map(|name| Names::of(header.get(name)));
        if nulled.bits {
            let why = "a bitmap, which only the event's schema explains: let the connector decode it";
            reading.ignore(format!("{pointer}/ChangeEventHeader/nulledFields"), why);
        }
        // Where nobody says what changed, an event has nothing but that; else connectors add all other fields as null.
        let only_changes = !changed.told && !nulled.told;
        let mut said = self.said(event, pointer, context, reading, |name, is_null| match is_null {
            true => only_changes || nulled.has(name) || changed.has(name),
            // What it holds is then the difference between two long texts.
            false => !differing.has(name),
        });
        for name in nulled.names.iter().chain(&changed.names) {
            // Some connectors leave out what is null.
            let absent = event.at(&format!("/{}", name.replace('.', "/")));
            if absent.is_told() {
                continue;
            }
            for property in self.told_by(name, alias(name).as_deref()) {
                if !said.iter().any(|one| one.of == property.of) {
                    said.push(Said { of: property.of.clone(), value: None });
                }
            }
        }
        said
    }

    /// What the fields of an event or a record say, those that `counts` (name, whether it is null) lets through.
    pub(super) fn said(
        &self,
        of: Json<'_>,
        pointer: &str,
        context: &Context<'_>,
        reading: &mut Reading,
        counts: impl Fn(&str, bool) -> bool,
    ) -> Vec<Said> {
        let mut said: Vec<Said> = Vec::new();
        for member in members(of) {
            let told: Vec<_> = self.told_by(&member.name, member.alias.as_deref()).collect();
            // A compound field that is null is so with all its parts.
            let parts: Vec<_> = match member.value.is_empty() {
                true => self.properties.iter().filter(|property| self.is_part(&property.name, &member.name)).collect(),
                false => Vec::new(),
            };
            if told.is_empty() && parts.is_empty() || !counts(&member.name, member.value.is_empty()) {
                continue;
            }
            for property in told.into_iter().chain(parts) {
                match property.value(member.value, true) {
                    Ok(value) => {
                        let value = value.map(|value| self.named(property, value, context, reading));
                        said.push(Said { of: property.of.clone(), value });
                    }
                    Err(why) => {
                        let why = format!("`{}` cannot have this value: {why}", property.of.word());
                        reading.ignore(format!("{pointer}/{}", member.name.replace('.', "/")), why);
                    }
                }
            }
        }
        said
    }

    fn told_by<'p>(&'p self, name: &'p str, alias: Option<&'p str>) -> impl Iterator<Item = &'p Property> {
        self.properties.told_by(name).chain(alias.into_iter().flat_map(|alias| self.properties.told_by(alias)))
    }

    /// Whether a property is a part of this compound field: `BillingCountry` of `BillingAddress`.
    fn is_part(&self, property: &str, compound: &str) -> bool {
        let of_address = compound.strip_suffix("Address").filter(|rest| !rest.is_empty());
        property.strip_prefix(compound).is_some_and(|rest| rest.starts_with('.'))
            || of_address.and_then(|rest| property.strip_prefix(rest)).is_some_and(|part| ADDRESS_PARTS.contains(&part))
    }

    /// An owner by name, where it is known.
    fn named(
        &self,
        property: &Property,
        value: serde_json::Value,
        context: &Context<'_>,
        reading: &Reading,
    ) -> serde_json::Value {
        let user = value.as_str().filter(|_| property.of == Of::Field(AccountField::Owner));
        let known = user.and_then(|id| reading.known(context, &self.basics.name, EntryKind::User, id));
        known.and_then(|known| known.name.as_deref()).map_or(value.clone(), Into::into)
    }
}

/// What a person account is called, whose `Name` comes in parts. One part alone, as an update has it, is no name.
fn person(event: Json<'_>) -> Option<String> {
    let name = bare(event.get("Name"));
    let parts = ["FirstName", "MiddleName", "LastName", "Suffix"].map(|part| bare(name.get(part)).text());
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

const ADDRESS_PARTS: [&str; 8] =
    ["Street", "City", "State", "StateCode", "PostalCode", "Country", "CountryCode", "GeocodeAccuracy"];
