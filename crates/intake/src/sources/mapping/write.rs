//! One record of a payload.

use serde_json::{Map, Value};
use tierline_model::RecordType;

use super::expression::{Expression, Scene, Told, spoken};
use super::target::{Target, Type};
use super::{Identity, KnownBy, Mapping, Template};
use crate::directory::{EntryKind, Known};
use crate::{Canonical, Context, Reading, Unreadable};

/// The record that a template makes. What is not what its field holds is left out, and noted.
pub(super) fn record(
    mapping: &Mapping,
    template: &Template,
    scene: Scene<'_>,
    context: &Context<'_>,
    identity: &mut Identity,
    reading: &mut Reading,
) -> Result<Canonical, Unreadable> {
    let mut ids = Ids::default();
    let mut told = Map::new();
    let mut cleared = Vec::new();
    for (target, expression) in &template.set {
        match expression.value(scene) {
            Told::Untold => {}
            Told::Empty => cleared.extend(target.cleared.clone()),
            Told::Unlisted => reading.ignore(expression.pointer(), "its word stands in none of `values`"),
            Told::Value { value, as_it_stands } => match shaped(target, expression, &value) {
                Some(value) if target.within.is_empty() && Ids::is_one(&target.name) => {
                    ids.take(target, spoken(&value), as_it_stands);
                }
                Some(value) => put(&mut told, target, value),
                None => reading.ignore(expression.pointer(), format!("it is not {}", wanted(&target.of))),
            },
        }
    }
    if !cleared.is_empty() {
        told.insert("cleared".to_owned(), cleared.into());
    }
    told.insert("source".to_owned(), mapping.basics.name.clone().into());
    if let Some((organisation, true)) = &ids.account {
        identify(mapping, template, scene, organisation, reading);
        let tells_of_it = matches!(
            template.to,
            RecordType::Accounts | RecordType::Billing | RecordType::AccountChanges | RecordType::BillingChanges
        );
        if tells_of_it {
            let known = reading.known(context, &mapping.basics.name, EntryKind::Organisation, organisation);
            let known = known.cloned().unwrap_or_default();
            mapping.basics.remember_organisation(organisation, known, context, reading);
        }
    }
    match template.to {
        RecordType::Tickets => {
            default(&mut told, "event_id", || identity.next().into());
            default(&mut told, "occurred_at", || identity.received_at.into());
            // A message of which nothing is said but its author is none.
            let says = |message: &Value| message["text"].is_string() || message["id"].is_string();
            if told.get("message").is_some_and(|message| !says(message)) {
                told.remove("message");
            }
            ids.file(mapping, template, context, &mut told, reading)?;
        }
        other => {
            if let Some(ticket) = ids.ticket {
                told.insert("ticket_id".to_owned(), mapping.ticket_id(ticket).into());
            }
            let account = ids.account.ok_or_else(|| missing(template, "account_id"))?;
            told.insert("account_id".to_owned(), mapping.account_id(account, context).into());
            match other {
                RecordType::Signals => default(&mut told, "signal_id", || identity.next().into()),
                RecordType::Commands => default(&mut told, "command_id", || identity.next().into()),
                _ => {}
            }
            if matches!(other, RecordType::Signals | RecordType::Commands) {
                default(&mut told, "occurred_at", || identity.received_at.into());
                told.remove("source");
            }
        }
    }
    Ok(Canonical { stream: template.to, told })
}

/// Tells by what else the system knows an organisation.
fn identify(mapping: &Mapping, template: &Template, scene: Scene<'_>, organisation: &str, reading: &mut Reading) {
    for KnownBy { field, read, at } in &template.identifiers {
        let written = match at.value(scene) {
            Told::Untold => continue,
            Told::Empty | Told::Unlisted => Some(Value::Array(Vec::new())),
            Told::Value { value, .. } => texts(&value, at.split.as_deref()),
        };
        let Some(Value::Array(written)) = written else {
            reading.ignore(at.pointer(), "it is not a list of texts");
            continue;
        };
        let holds = written.iter().map(|one| read(&spoken(one)));
        mapping.basics.identify(organisation, field, holds, reading);
    }
}

/// An id, and whether it is the system's own.
type Id = (String, bool);

/// What names things: the system's own ids get its name before them.
#[derive(Default)]
struct Ids {
    ticket: Option<Id>,
    account: Option<Id>,
    merged_into: Option<Id>,
}

impl Ids {
    fn is_one(name: &str) -> bool {
        matches!(name, "ticket_id" | "account_id" | "merged_into")
    }

    fn take(&mut self, target: &Target, id: String, own: bool) {
        let place = match target.name.as_str() {
            "ticket_id" => &mut self.ticket,
            "account_id" => &mut self.account,
            _ => &mut self.merged_into,
        };
        *place = Some((id, own));
    }

    /// Puts a ticket's ids into its record, and files it under its account.
    fn file(
        self,
        mapping: &Mapping,
        template: &Template,
        context: &Context<'_>,
        told: &mut Map<String, Value>,
        reading: &mut Reading,
    ) -> Result<(), Unreadable> {
        let (ticket, own) = self.ticket.ok_or_else(|| missing(template, "ticket_id"))?;
        let at = told.get("occurred_at").and_then(Value::as_i64).unwrap_or(context.delivery.received_at);
        let requester = told.get("ticket").and_then(|fields| fields["requester"].as_str()).map(str::to_owned);
        if !own {
            let source = &mapping.basics.name;
            let known = reading.known(context, source, EntryKind::Ticket, &ticket).cloned().unwrap_or_default();
            let known = Known { name: Some(ticket.clone()), ..known };
            reading.remember(context, source, EntryKind::Ticket, &ticket, known);
        }
        // A message says whose its ticket is only where nobody else did; so does what stands in the mapping for want of
        // better.
        let tells = told.get("kind").and_then(Value::as_str).is_some_and(|kind| matches!(kind, "created" | "updated"));
        let known = reading.known(context, &mapping.basics.name, EntryKind::Ticket, &ticket);
        let is_some_ones = known.is_some_and(|known| known.group.is_some());
        let tells = tells && (own_account(&self.account) || !is_some_ones);
        let stays = if tells { None } else { mapping.basics.stay(&ticket, at, None, context, reading) };
        let home = match self.account {
            _ if stays.is_some() => stays,
            Some((account, false)) => Some(mapping.basics.file(&ticket, account, None, at, None, context, reading)),
            Some((organisation, true)) => {
                mapping.basics.home(&ticket, Some(&organisation), requester.as_deref(), at, context, reading)
            }
            None => mapping.basics.home(&ticket, None, requester.as_deref(), at, context, reading),
        };
        let home = home.ok_or_else(|| missing(template, "account_id"))?;
        told.insert("ticket_id".to_owned(), mapping.ticket_id((ticket, own)).into());
        told.insert("account_id".to_owned(), home.account.into());
        if let Some(account) = home.account_ref {
            told.insert("account_ref".to_owned(), account.to_json());
        }
        if let Some(into) = self.merged_into {
            told.insert("merged_into".to_owned(), mapping.ticket_id(into).into());
        }
        Ok(())
    }
}

/// Whether it is an id of the system's own.
fn own_account(account: &Option<Id>) -> bool {
    account.as_ref().is_none_or(|(_, own)| *own)
}

impl Mapping {
    fn ticket_id(&self, (id, own): Id) -> String {
        if own { self.basics.ticket_id(&id) } else { id }
    }

    fn account_id(&self, (id, own): Id, context: &Context<'_>) -> String {
        if own { self.basics.account_id(&id, context) } else { id }
    }
}

/// Says where what is missing should have stood.
fn missing(template: &Template, name: &str) -> Unreadable {
    let of_field = |(target, _): &&(Target, Expression)| target.within.is_empty() && target.name == name;
    let pointer = template.set.iter().find(of_field).map_or("", |(_, expression)| expression.pointer());
    match pointer.is_empty() {
        true => Unreadable::missing(name),
        false => Unreadable::missing(pointer),
    }
}

fn default(told: &mut Map<String, Value>, name: &str, value: impl FnOnce() -> Value) {
    if !told.contains_key(name) {
        told.insert(name.to_owned(), value());
    }
}

fn put(told: &mut Map<String, Value>, target: &Target, value: Value) {
    let mut place = told;
    for name in &target.within {
        let inner = place.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        // Only objects are put where others lie within.
        let Some(inner) = inner.as_object_mut() else { return };
        place = inner;
    }
    place.insert(target.name.clone(), value);
}

/// A value as its field holds it.
fn shaped(target: &Target, expression: &Expression, value: &Value) -> Option<Value> {
    Some(match &target.of {
        Type::Text => match value {
            Value::Object(_) | Value::Array(_) => return None,
            Value::String(text) => Value::String(text.clone()),
            other => Value::String(spoken(other)),
        },
        Type::Whole => value.as_i64().or_else(|| spoken(value).parse().ok())?.into(),
        Type::Number => number(value)?.into(),
        Type::Flag => match spoken(value).to_lowercase().as_str() {
            "true" | "yes" | "1" => true.into(),
            "false" | "no" | "0" => false.into(),
            _ => return None,
        },
        Type::Instant => expression.time.read(value)?.into(),
        Type::DateOrInstant => match value.as_str().and_then(tierline_model::parse_date_or_instant) {
            Some(_) => value.clone(),
            None => expression.time.read(value)?.into(),
        },
        Type::Texts => texts(value, expression.split.as_deref())?,
        Type::Word(words) => {
            let word = spoken(value);
            words.contains(&word).then_some(Value::String(word))?
        }
        Type::Custom => match value {
            Value::Array(_) => texts(value, None)?,
            Value::Object(_) => return None,
            Value::String(_) if expression.split.is_some() => texts(value, expression.split.as_deref())?,
            other => other.clone(),
        },
    })
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| spoken(value).parse().ok()).filter(|number: &f64| number.is_finite())
}

fn texts(value: &Value, split: Option<&str>) -> Option<Value> {
    match value {
        Value::Array(items) => {
            let plain = items.iter().all(|item| !item.is_object() && !item.is_array());
            plain.then(|| items.iter().filter(|item| !item.is_null()).map(spoken).collect())
        }
        Value::Object(_) => None,
        one => match split {
            Some(by) => Some(spoken(one).split(by).map(str::trim).filter(|item| !item.is_empty()).collect()),
            None => Some(Value::Array(vec![spoken(one).into()])),
        },
    }
}

fn wanted(of: &Type) -> &'static str {
    match of {
        Type::Text => "a text",
        Type::Whole => "a whole number",
        Type::Number => "a number",
        Type::Flag => "true or false",
        Type::Instant => "an instant as `time` says they are written",
        Type::DateOrInstant => "a date or an instant",
        Type::Texts => "a list of texts",
        Type::Word(_) => "one of the contract's words",
        Type::Custom => "a text, a number, true or false, or a list of texts",
    }
}
