//! People and companies: whose conversation it is, and what is told of the account.

use tierline_model::{AccountField, Author};

use super::Reader;
use crate::Json;
use crate::directory::{EntryKind, Known};
use crate::records::AccountChange;
use crate::sources::desk::{self, first, vendor_id};

/// A contact. One of several companies is of the first that the configuration renames, else of the first.
pub fn person(reader: &mut Reader<'_, '_>, told: Json<'_>, is_gone: bool) {
    let Some(id) = vendor_id(told.get("id")) else { return };
    if is_gone {
        let source = reader.desk.basics.name.clone();
        reader.reading.forget(reader.context, &source, EntryKind::User, &id);
        return;
    }
    let mut known: Known = reader.known(EntryKind::User, &id).cloned().unwrap_or_default();
    known.name = told.get("name").text().map(str::to_owned).or(known.name);
    known.role = Some(Author::Customer);
    known.domain = desk::domain_of(told.get("email"), known.domain);
    let companies = told.get("companies");
    if companies.is_told() {
        known.group = company_of(reader, companies);
    }
    reader.remember(EntryKind::User, &id, known);
    for company in companies.get("companies").items().filter(|company| company.get("name").is_told()) {
        if let (Some(id), Some(name)) = (vendor_id(company.get("id")), company.get("name").text()) {
            reader.remember_organisation(&id, named(name));
        }
    }
}

/// Which of a contact's companies its conversations are filed under: a list of today, or of old.
pub fn company_of(reader: &Reader<'_, '_>, companies: Json<'_>) -> Option<String> {
    let all = || companies.get("data").items().chain(companies.get("companies").items());
    let ids = all().filter_map(|company| vendor_id(company.get("id"))).map(|id| id.into_owned());
    let renamed = &reader.desk.basics.accounts.0;
    let ids: Vec<_> = ids.collect();
    ids.iter().find(|id| renamed.contains_key(*id)).or_else(|| ids.first()).cloned()
}

/// A company is an account.
pub fn company(reader: &mut Reader<'_, '_>, told: Json<'_>, is_gone: bool) {
    let Some(id) = vendor_id(told.get("id")) else { return };
    let basics = &reader.desk.basics;
    let mut change = AccountChange::new(basics.account_id(&id, reader.context), &basics.name);
    change.source_id = Some(id.clone().into_owned());
    change.updated_at = desk::when(told.get("updated_at"));
    if is_gone {
        change.deleted = true;
        reader.reading.push(change);
        return;
    }
    desk::tell_external(basics, &id, "company_id", told.get("company_id"), &mut reader.reading);
    desk::tell_domains(basics, &id, "website", told.get("website"), &mut reader.reading);
    change.fields.tell(AccountField::Name, told.get("name"));
    let plan = first([told.at("/plan/name"), told.get("plan")]);
    change.fields.set_told(AccountField::Plan, plan.text());
    if told.get("tags").is_told() {
        let tags = told.at("/tags/tags").items().filter_map(|tag| tag.get("name").text().map(str::to_owned));
        change.fields.set(AccountField::Flags, tags.collect::<Vec<_>>());
    }
    for own in ["industry", "size", "monthly_spend", "website"] {
        if told.get(own).is_told() {
            change.fields.custom(own, told.get(own));
        }
    }
    for (name, value) in told.get("custom_attributes").members() {
        desk::tell_of_account(&mut change.fields, name, value);
    }
    if let Some(name) = told.get("name").text() {
        reader.remember_organisation(&id, named(name));
    }
    reader.reading.push(change);
}

/// A teammate or a team.
pub fn colleague(reader: &mut Reader<'_, '_>, told: Json<'_>, kind: &str) {
    let (Some(id), Some(name)) = (vendor_id(told.get("id")), told.get("name").text()) else { return };
    match kind {
        "team" => reader.remember(EntryKind::Team, &id, named(name)),
        _ => reader.remember(EntryKind::User, &id, Known { role: Some(Author::Agent), ..named(name) }),
    }
}

fn named(name: &str) -> Known {
    Known { name: Some(name.to_owned()), ..Known::default() }
}
