//! Companies, contacts and agents: what is told of the account, and who is who.

use tierline_model::{AccountField, Author};

use super::{Reader, ticket};
use crate::Json;
use crate::directory::{EntryKind, Known};
use crate::records::AccountChange;
use crate::sources::desk::{self, first, vendor_id};

/// A company is an account.
pub fn company(reader: &mut Reader<'_, '_>, told: Json<'_>) {
    let Some(id) = vendor_id(told.get("id")) else { return };
    let basics = &reader.desk.basics;
    desk::tell_domains(basics, &id, "domains", told.get("domains"), &mut reader.reading);
    let mut change = AccountChange::new(basics.account_id(&id, reader.context), &basics.name);
    change.source_id = Some(id.clone().into_owned());
    change.updated_at = desk::when(told.get("updated_at"));
    change.fields.tell(AccountField::Name, told.get("name"));
    change.fields.tell(AccountField::Plan, told.get("account_tier"));
    for own in ["renewal_date", "health_score", "industry"] {
        if told.get(own).is_told() {
            desk::tell_of_account(&mut change.fields, own, told.get(own));
        }
    }
    for own in ["custom_fields", "custom_field"] {
        for (name, value) in told.get(own).members() {
            desk::tell_of_account(&mut change.fields, name, value);
        }
    }
    if let Some(name) = told.get("name").text() {
        reader.remember_organisation(&id, Known { name: Some(name.to_owned()), ..Known::default() });
        // Placeholders tell a company by its name alone.
        let known = Known { group: Some(id.into_owned()), ..Known::default() };
        reader.remember(EntryKind::Item, &company_key(name), known);
    }
    reader.reading.push(change);
}

/// The key under which a company's id is remembered by its name.
pub fn company_key(name: &str) -> String {
    format!("company:{}", name.trim().to_lowercase())
}

/// What the requester is called. Who they are when they write is not told: agents ask as well.
pub fn learn(reader: &mut Reader<'_, '_>, ticket: Json<'_>) {
    let name = first([ticket.at("/requester/name"), ticket.get("requester_name")]).text();
    if let (Some(id), Some(name)) = (ticket::requester(ticket), name) {
        let mut known: Known = reader.user(&id).cloned().unwrap_or_default();
        known.name = Some(name.to_owned());
        known.domain = desk::domain_of(ticket.at("/requester/email"), known.domain);
        reader.remember(EntryKind::User, &id, known);
    }
}

/// A contact or an agent.
pub fn person(reader: &mut Reader<'_, '_>, told: Json<'_>, is_agent: bool) {
    let Some(id) = vendor_id(told.get("id")) else { return };
    let mut known: Known = reader.user(&id).cloned().unwrap_or_default();
    let name = first([told.get("name"), told.at("/contact/name")]);
    known.name = name.text().map(str::to_owned).or(known.name);
    let is_agent = is_agent || told.get("helpdesk_agent").flag() == Some(true);
    known.role = Some(if is_agent { Author::Agent } else { Author::Customer });
    let email = first([told.get("email"), told.at("/contact/email")]);
    known.domain = desk::domain_of(email, known.domain);
    let company = first([told.get("company_id"), told.get("customer_id")]);
    if company.is_told() {
        known.group = vendor_id(company).map(|id| id.into_owned());
    }
    reader.remember(EntryKind::User, &id, known.clone());
    // Placeholders tell people by their address alone.
    if let Some(email) = email.text() {
        reader.remember(EntryKind::User, email, known);
    }
}
