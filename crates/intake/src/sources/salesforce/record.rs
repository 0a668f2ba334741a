//! An account as the API has it, or a connector that polls.

use std::borrow::Cow;

use super::{IDENTIFIERS, Salesforce, long_id};
use crate::sources::crm::{Company, identify};
use crate::{Context, Json, Reading};

/// What an account's id begins with.
const ACCOUNTS: &str = "001";

/// Whether it is a record of some object.
pub fn is_one(json: Json<'_>) -> bool {
    json.get("Id").is_told() && !json.get("ChangeEventHeader").is_told()
}

impl Salesforce {
    /// Reads a record; the reason where it becomes nothing.
    pub(super) fn record(
        &self,
        record: Json<'_>,
        pointer: &str,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Result<(), Cow<'static, str>> {
        let id = record.get("Id").id().ok_or("its `Id` is none")?;
        let object = record.at("/attributes/type").text().or_else(|| record.get("_ObjectType").text());
        if !object.map_or(id.starts_with(ACCOUNTS), |object| object == "Account") {
            return Err("it is no account".into());
        }
        let modified = ["SystemModstamp", "LastModifiedDate"].map(|name| record.get(name));
        let at = modified.into_iter().find_map(instant).unwrap_or(context.delivery.received_at);
        let mut company = Company::of(&self.basics, &long_id(&id), context, reading);
        if record.get("IsDeleted").flag() == Some(true) {
            return match company.delete(at, context, reading) {
                true => Ok(()),
                false => Err("its deletion was told before".into()),
            };
        }
        identify(&self.basics, &long_id(&id), IDENTIFIERS.map(|(name, held)| (name, held, record.get(name))), reading);
        let said = self.said(record, pointer, context, reading, |_, _| true);
        match company.snapshot(said, at, context, reading) {
            true => Ok(()),
            false => Err("older than its deletion".into()),
        }
    }
}

/// The API writes offsets without a colon: `2026-03-02T10:00:00.000+0000`.
fn instant(json: Json<'_>) -> Option<tierline_model::Millis> {
    let text = json.text().map(|text| text.strip_suffix("+0000").map_or(text.to_owned(), |rest| format!("{rest}Z")));
    text.and_then(|text| tierline_model::parse_instant(&text)).or_else(|| json.whole())
}
