//! `fields:`: which source is believed where several tell the same field.

use tierline_model::{AccountField, BillingField};
use tierline_rules::source::{Entry, Keys, Kind, Node, codes, did_you_mean, texts, wrong_kind};

use crate::Reading;

/// The order in which sources win over each other, by field (`account.plan`), from
/// `account.plan: { sources: [crm, billing] }`.
pub(crate) fn precedence(node: &Node, reading: &mut Reading<'_>) -> Vec<(String, Vec<String>)> {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(node, "`fields` is a map of fields", reading.found);
        return Vec::new();
    };
    entries.iter().filter_map(|entry| field(entry, reading)).collect()
}

fn field(Entry { key, value }: &Entry, reading: &mut Reading<'_>) -> Option<(String, Vec<String>)> {
    let found = &mut *reading.found;
    if !is_joined(&key.text) {
        let help = match key.text.split_once('.') {
            Some(("ticket", _)) => Some("only fields of accounts and bills are told by several sources".to_owned()),
            _ => did_you_mean(&key.text, joined().iter().map(String::as_str)),
        };
        let help = help.unwrap_or_else(|| "write a field such as `account.plan` or `billing.state`".to_owned());
        found.mistake(codes::UNKNOWN_KEY, &key.span, format!("there is no field `{}` to join", key.text)).help(help);
        return None;
    }
    let what = format!("`{}`", key.text);
    let mut keys = Keys::of(value, &what, found)?;
    let sources = keys.required("sources", found);
    keys.finish(found);
    let sources = sources?;
    let order = texts(sources, "a list of sources", found)?;
    if order.is_empty() {
        found.mistake(codes::EMPTY, &sources.span, "a list of sources names at least one, the one to believe first");
        return None;
    }
    if let Some(twice) = order.iter().enumerate().find(|(nth, source)| order[..*nth].contains(source)) {
        found.mistake(codes::DUPLICATE_ID, &sources.span, format!("the source `{}` stands twice", twice.1));
        return None;
    }
    Some((key.text.clone(), order))
}

fn is_joined(name: &str) -> bool {
    let custom = name.strip_prefix("account.custom.").is_some_and(|custom| !custom.is_empty());
    custom || joined().iter().any(|field| field == name)
}

/// The fields that several sources may tell.
fn joined() -> Vec<String> {
    let accounts = AccountField::ALL.iter().map(|field| format!("account.{field}"));
    accounts.chain(BillingField::ALL.iter().map(|field| format!("billing.{field}"))).collect()
}
