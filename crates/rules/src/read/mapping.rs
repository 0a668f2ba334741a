//! `tags:` and `fields:`: what the words of the company's systems are called. Which source is believed (`sources`) is
//! read elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use tierline_model::{AccountField, BillingField, TicketField};

use super::Sections;
use crate::mapping::{Mapping, Mappings, Name, Words};
use crate::scope::Scope;
use crate::source::{self, Entry, Key, Keys, Kind, Node, codes, did_you_mean};
use crate::{FieldRef, fold};

const TAGS: FieldRef = FieldRef::Ticket(TicketField::Tags);

/// Reads both sections.
pub(super) fn all(sections: &Sections<'_>, scope: &mut Scope<'_>) -> Mappings {
    let mut each = Vec::new();
    if let Some(node) = sections.tags {
        each.extend(mapping(TAGS, "`tags`", node, scope));
    }
    match sections.fields.map(|node| (node, &node.kind)) {
        Some((_, Kind::Map(entries))) => each.extend(entries.iter().filter_map(|entry| field(entry, scope))),
        Some((node, _)) => source::wrong_kind(node, "`fields` is a map of fields", scope.found),
        None => {}
    }
    Mappings::new(each)
}

fn field(Entry { key, value }: &Entry, scope: &mut Scope<'_>) -> Option<Mapping> {
    match FieldRef::from_key(&key.text) {
        Some(TAGS) => {
            let message = "tags have a section of their own";
            scope.found.mistake(codes::UNKNOWN_KEY, &key.span, message).help("write this under `tags:`");
            None
        }
        Some(field) => mapping(field, &format!("`{}`", key.text), value, scope),
        None => {
            let help = did_you_mean(&key.text, FieldRef::keys().iter().map(String::as_str))
                .unwrap_or_else(|| "write a field such as `ticket.category` or `account.custom.x`".to_owned());
            let message = format!("there is no field `{}`", key.text);
            scope.found.mistake(codes::UNKNOWN_KEY, &key.span, message).help(help);
            None
        }
    }
}

fn mapping(field: FieldRef, what: &str, node: &Node, scope: &mut Scope<'_>) -> Option<Mapping> {
    let mut keys = Keys::of(node, what, scope.found)?;
    let sources = keys.entry("sources");
    let (values, blank, by_source) = (keys.optional("values"), keys.optional("blank"), keys.optional("by_source"));
    keys.finish(scope.found);
    if let Some(entry) = sources.filter(|_| matches!(field, FieldRef::Ticket(_) | FieldRef::TicketCustom(_))) {
        let message = format!("{what} is told by its ticket's source alone");
        let help = "only fields of accounts and bills are told by several sources";
        scope.found.mistake(codes::UNKNOWN_KEY, &entry.key.span, message).help(help);
        return None;
    }
    let Some(first) = [values, blank, by_source].into_iter().flatten().next() else {
        if sources.is_none() {
            let message = format!("{what} needs `values`, `blank`, `by_source` or `sources`");
            scope.found.mistake(codes::MISSING_KEY, &node.span, message);
        }
        return None;
    };
    if !has_own_words(&field) {
        let message = format!("{what} has no words of the company's own");
        let help = format!("those that have are {}, and custom fields", source::listed(OWN_WORDS.iter().copied()));
        scope.found.mistake(codes::MAPPING, &first.span, message).help(help);
        return None;
    }
    let everywhere = words(what, values, blank, scope);
    let by_source = by_source.map_or_else(Vec::new, |node| of_sources(what, node, &everywhere, scope));
    Some(Mapping::new(field, everywhere, by_source))
}

/// The fields whose words are the company's own, for messages.
const OWN_WORDS: [&str; 6] =
    ["ticket.category", "ticket.product_area", "ticket.severity", "ticket.type", "account.plan", "account.segment"];

/// Whether a field holds words that recur and that the contract does not fix: no states, numbers, dates, names of
/// people, sentences.
const fn has_own_words(field: &FieldRef) -> bool {
    use {AccountField as A, BillingField as B, TicketField as T};
    match field {
        FieldRef::TicketCustom(_) | FieldRef::AccountCustom(_) => true,
        FieldRef::Ticket(field) => matches!(
            field,
            T::Severity
                | T::Type
                | T::Category
                | T::ProductArea
                | T::Tags
                | T::Channel
                | T::RequesterRole
                | T::Team
                | T::Language
                | T::Brand
        ),
        FieldRef::Account(field) => matches!(field, A::Plan | A::Segment | A::Currency | A::Region | A::Flags),
        FieldRef::Billing(field) => matches!(field, B::Plan | B::Currency),
    }
}

fn of_sources(what: &str, node: &Node, everywhere: &Words, scope: &mut Scope<'_>) -> Vec<(String, Words)> {
    let Kind::Map(entries) = &node.kind else {
        source::wrong_kind(node, "`by_source` is a map of sources", scope.found);
        return Vec::new();
    };
    let of_source = |Entry { key, value }: &Entry| {
        is_declared(key, scope);
        let what = format!("{what} of `{}`", key.text);
        let mut keys = Keys::of(value, &what, scope.found)?;
        let (values, blank) = (keys.optional("values"), keys.optional("blank"));
        keys.finish(scope.found);
        Some((key.text.clone(), words(&what, values, blank, scope).or(everywhere)))
    };
    entries.iter().filter_map(of_source).collect()
}

/// A source that is named must be one of `sources:`, where there is such a section.
fn is_declared(key: &Key, scope: &mut Scope<'_>) {
    let Some(names) = scope.sources.names().filter(|names| !names.contains(&key.text.as_str())) else { return };
    let help = did_you_mean(&key.text, names.iter().copied())
        .unwrap_or_else(|| format!("the sources are {}", source::listed(names.iter().copied())));
    scope.found.mistake(codes::UNKNOWN_WORD, &key.span, format!("no source is called `{}`", key.text)).help(help);
}

/// `values: { billing: [payment, invoices] }` and `blank: unclassified`.
fn words(what: &str, values: Option<&Node>, blank: Option<&Node>, scope: &mut Scope<'_>) -> Words {
    let mut words = Words::default();
    let entries = match values.map(|node| (node, &node.kind)) {
        Some((_, Kind::Map(entries))) => entries.as_slice(),
        Some((node, _)) => {
            let message = format!("`values` of {what} is a map of the company's words, each with what is called so");
            source::wrong_kind(node, &message, scope.found);
            &[]
        }
        None => &[],
    };
    // The company's words first: a chain of two steps is then seen wherever it is written.
    for Entry { key, .. } in entries {
        if let Some(other) = words.find(key.text.trim()) {
            let message = format!("`{}` is `{}` in another case", key.text, other.text);
            scope.found.mistake(codes::MAPPING, &key.span, message).help("write it once");
        }
        let name = name(&key.text, scope);
        words.call(&key.text, &name);
    }
    let mut lines = BTreeMap::new();
    for Entry { key, value } in entries.iter().filter(|entry| !entry.value.is_null()) {
        let listed = if let Kind::List(nodes) = &value.kind { nodes.as_slice() } else { std::slice::from_ref(value) };
        for node in listed {
            synonym(&key.text, node, &mut words, &mut lines, scope);
        }
    }
    if let Some((node, written)) = blank.and_then(|node| Some((node, source::text(node, "`blank`", scope.found)?))) {
        match words.find(written.trim()) {
            Some(other) if !fold::same(&other.text, written.trim()) => chain(node, written, &other.text, scope),
            _ => {}
        }
        let name = name(written, scope);
        words.call(written, &name);
        words.call_blank(&name);
    }
    words
}

/// One word that is called `target`.
fn synonym(target: &str, node: &Node, words: &mut Words, lines: &mut BTreeMap<String, usize>, scope: &mut Scope<'_>) {
    let Some(written) = source::text(node, "what a word stands for", scope.found).map(str::trim) else { return };
    if written.is_empty() {
        let help = format!("write `blank: {target}` beside `values`");
        scope.found.mistake(codes::MAPPING, &node.span, "what is blank is no word").help(help);
        return;
    }
    match words.find(written) {
        None => {
            lines.insert(fold(written), node.span.line_column().0);
            let name = name(target, scope);
            words.call(written, &name);
        }
        Some(name) if fold::same(&name.text, target.trim()) => {}
        Some(name) if fold::same(&name.text, written) => chain(node, written, target, scope),
        Some(name) => {
            let line = lines.get(&fold(written)).copied().unwrap_or_default();
            let message = format!("`{written}` is mapped to two words, `{}` and `{target}`", name.text);
            let help = "one word means one thing; where a source means another, say so under `by_source`";
            let mistake = scope.found.mistake(codes::MAPPING, &node.span, message);
            mistake.label(format!("to `{}` on line {line}", name.text)).help(help);
        }
    }
}

/// A word to map to that is itself mapped on.
fn chain(node: &Node, word: &str, target: &str, scope: &mut Scope<'_>) {
    let message = format!("`{word}` is mapped to `{target}`, and is itself what others are mapped to");
    let help = format!("a word is mapped in one step: map the others to `{target}` as well");
    scope.found.mistake(codes::MAPPING, &node.span, message).label("two steps").help(help);
}

fn name(written: &str, scope: &mut Scope<'_>) -> Name {
    let text: Arc<str> = written.trim().into();
    Name { folded: scope.texts.number(&fold(&text)), text }
}
