//! `fields:`, as far as it says which source is believed where several tell the same field. What else stands there (what
//! words are called) is read, and checked, by `tierline-rules`.

use tierline_rules::FieldRef;
use tierline_rules::source::{Entry, Kind, Node, codes, texts};

use crate::Reading;

/// The order in which sources win over each other, by field (`account.plan`), from
/// `account.plan: { sources: [crm, billing] }`.
pub(crate) fn precedence(node: &Node, reading: &mut Reading<'_>) -> Vec<(String, Vec<String>)> {
    let Kind::Map(entries) = &node.kind else { return Vec::new() };
    entries.iter().filter_map(|entry| field(entry, reading)).collect()
}

fn field(Entry { key, value }: &Entry, reading: &mut Reading<'_>) -> Option<(String, Vec<String>)> {
    if !is_joined(&key.text) {
        return None;
    }
    let sources = value.at("sources").filter(|node| !node.is_null())?;
    let found = &mut *reading.found;
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

/// Whether several sources may tell a field.
fn is_joined(key: &str) -> bool {
    let field = FieldRef::from_key(key);
    field.is_some_and(|field| !matches!(field, FieldRef::Ticket(_) | FieldRef::TicketCustom(_)))
}
