//! Users and organisations: who is who, and what is told of the account; and what else has a name.

use tierline_model::{AccountField, Millis};

use super::{Reader, comment};
use crate::Json;
use crate::directory::{EntryKind, Known};
use crate::records::AccountChange;
use crate::sources::desk::{self, first, vendor_id};

/// Somebody, as the API tells them.
pub fn user(reader: &mut Reader<'_, '_>, told: Json<'_>, is_gone: bool) {
    let Some(id) = vendor_id(told.get("id")) else { return };
    if is_gone {
        let source = reader.desk.basics.name.clone();
        reader.reading.forget(reader.context, &source, EntryKind::User, &id);
        return;
    }
    let mut known: Known = reader.user(&id).cloned().unwrap_or_default();
    known.name = told.get("name").text().map(str::to_owned).or(known.name);
    known.role = told.get("role").text().and_then(comment::role).or(known.role);
    let organisation = told.get("organization_id");
    if organisation.is_told() {
        known.group = vendor_id(organisation).map(|id| id.into_owned());
    }
    known.domain = desk::domain_of(told.get("email"), known.domain);
    reader.remember(EntryKind::User, &id, known);
}

/// Somebody's new name: an event's `detail` has none.
pub fn renamed(reader: &mut Reader<'_, '_>, id: Json<'_>, name: Json<'_>) {
    if let (Some(id), Some(name)) = (vendor_id(id), name.text()) {
        let known: Known = reader.user(&id).cloned().unwrap_or_default();
        reader.remember(EntryKind::User, &id, Known { name: Some(name.to_owned()), ..known });
    }
}

/// Somebody who is named within a ticket.
pub fn learn(reader: &mut Reader<'_, '_>, told: Json<'_>) {
    if ["name", "role", "email"].iter().any(|name| told.get(name).is_told()) {
        user(reader, told, false);
    }
}

/// A team, a brand, a field, a status: what it is called.
pub fn named(reader: &mut Reader<'_, '_>, kind: EntryKind, told: Json<'_>, name: &str, key: fn(&str) -> String) {
    if let (Some(id), Some(name)) = (vendor_id(told.get("id")), told.get(name).text()) {
        reader.remember(kind, &key(&id), Known { name: Some(name.to_owned()), ..Known::default() });
    }
}

/// An organisation: remembered by name, and what it says of the account.
pub fn organisation(
    reader: &mut Reader<'_, '_>,
    told: Json<'_>,
    named: Json<'_>,
    own: Option<(&str, Json<'_>)>,
    at: Option<Millis>,
) {
    let Some(id) = vendor_id(told.get("id")) else { return };
    let basics = &reader.desk.basics;
    let mut change = AccountChange::new(basics.account_id(&id, reader.context), &basics.name);
    change.source_id = Some(id.clone().into_owned());
    change.updated_at = at.or_else(|| desk::when(told.get("updated_at")));
    let name = first([named, told.get("name")]);
    change.fields.tell(AccountField::Name, name);
    change.fields.set_told(AccountField::Flags, desk::texts(told.get("tags")).filter(|_| told.get("tags").is_told()));
    for (name, value) in told.get("organization_fields").members().chain(own) {
        desk::tell_of_account(&mut change.fields, name, value);
    }
    if let Some(name) = name.text() {
        reader.remember_organisation(&id, Known { name: Some(name.to_owned()), ..Known::default() });
    }
    desk::tell_domains(basics, &id, "domain_names", told.get("domain_names"), &mut reader.reading);
    desk::tell_external(basics, &id, "external_id", told.get("external_id"), &mut reader.reading);
    if !change.fields.is_empty() {
        reader.reading.push(change);
    }
}

/// An organisation is an account: its name and its own fields are told of it.
pub fn organisation_event(reader: &mut Reader<'_, '_>, payload: Json<'_>, what: &str) {
    let (detail, event) = (payload.get("detail"), payload.get("event"));
    let Some(id) = vendor_id(detail.get("id")) else {
        reader.reading.ignore("/detail/id", "an organisation without an id");
        return;
    };
    let at = desk::when(first([payload.get("time"), detail.get("updated_at")]));
    if what == "deleted" {
        let basics = &reader.desk.basics;
        let mut change = AccountChange::new(basics.account_id(&id, reader.context), &basics.name);
        (change.deleted, change.source_id, change.updated_at) = (true, Some(id.into_owned()), at);
        reader.reading.push(change);
        return;
    }
    let named = if what == "name_changed" { event.get("current") } else { Json::absent() };
    let field = event.get("field");
    let own = first([field.get("key"), field.get("raw_title"), field.get("title")]);
    let own = own.text().filter(|_| what == "custom_field_changed").map(|name| (name, event.get("current")));
    organisation(reader, detail, named, own, at);
}
