//! Accounts, people, teams, and what the company's own fields are called.

use tierline_model::{AccountField, Author};

use super::Reader;
use crate::Json;
use crate::directory::{EntryKind, Known};
use crate::records::AccountChange;
use crate::sources::desk::{self, first, vendor_id};

/// An account. Its own fields are told by their slugs; those that the contract has are the contract's.
pub fn account(reader: &mut Reader<'_, '_>, told: Json<'_>, is_gone: bool) {
    let Some(id) = vendor_id(told.get("id")) else {
        reader.reading.ignore("/account/id", "an account without an id");
        return;
    };
    let basics = &reader.desk.basics;
    let mut change = AccountChange::new(basics.account_id(&id, reader.context), &basics.name);
    change.source_id = Some(id.clone().into_owned());
    change.updated_at = desk::when(told.get("updated_at"));
    if is_gone {
        change.deleted = true;
        reader.reading.push(change);
        return;
    }
    for field in ["domains", "domain", "primary_domain"] {
        desk::tell_domains(basics, &id, field, told.get(field), &mut reader.reading);
    }
    desk::tell_external(basics, &id, "external_ids", told.get("external_ids"), &mut reader.reading);
    change.fields.tell(AccountField::Name, told.get("name"));
    let owner = first([told.at("/owner/email"), told.at("/owner/id"), told.get("owner_id")]);
    change.fields.tell(AccountField::Owner, owner);
    change.fields.set_told(AccountField::Flags, desk::texts(told.get("tags")));
    for own in ["domain", "type"] {
        if told.get(own).is_told() {
            change.fields.custom(own, told.get(own));
        }
    }
    for (name, field) in told.get("custom_fields").members() {
        desk::tell_of_account(&mut change.fields, name, value(field));
    }
    if let Some(name) = told.get("name").text() {
        let known = Known { name: Some(name.to_owned()), ..Known::default() };
        reader.remember_organisation(&id, known);
    }
    reader.reading.push(change);
}

/// The value of an own field: a plain one, or an object of `value` or `values`.
pub fn value(field: Json<'_>) -> Json<'_> {
    if !desk::is_object(field) {
        return field;
    }
    let values = field.get("values");
    if values.items().next().is_some() { values } else { field.get("value") }
}

/// A contact, a user, or a team.
pub fn person(reader: &mut Reader<'_, '_>, told: Json<'_>) {
    let Some(id) = vendor_id(told.get("id")) else { return };
    let name = told.get("name").text().map(str::to_owned);
    if told.get("users").is_told() {
        reader.remember(EntryKind::Team, &id, Known { name, ..Known::default() });
        return;
    }
    let account = vendor_id(first([told.at("/account/id"), told.get("account_id")])).map(|id| id.into_owned());
    let is_user = told.get("role_id").is_told() || told.get("status").is_told();
    let role = Some(if is_user { Author::Agent } else { Author::Customer });
    let email = first([told.get("email"), told.at("/emails/0")]);
    let domain = desk::domain_of(email, None);
    reader.remember(EntryKind::User, &id, Known { name, role, group: account, domain, ..Known::default() });
}

/// What one of the company's own fields is called.
pub fn own_field(reader: &mut Reader<'_, '_>, told: Json<'_>) {
    if let (Some(slug), Some(label)) = (told.get("slug").text(), told.get("label").text()) {
        let known = Known { name: Some(label.to_owned()), ..Known::default() };
        reader.remember(EntryKind::Field, slug, known);
    }
}
