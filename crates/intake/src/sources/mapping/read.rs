//! The configuration of a mapping, read and checked: a field that there is, a word that it can have, a pointer that is
//! one.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde_json::Value;
use tierline_model::RecordType;
use tierline_rules::source::{
    Diagnostics, Entry, Keys, Kind, Node, codes, did_you_mean, listed, text, texts, unknown_word, word, wrong_kind,
};

use super::expression::{Expression, Origin, Place};
use super::target::{Target, Targets, Type};
use super::times::Time;
use super::{KnownBy, Template, When};
use crate::identity::Identifier;

/// `records:` of a mapping.
pub(super) fn records(keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Vec<Template>> {
    let node = keys.required("records", found)?;
    let Kind::List(nodes) = &node.kind else {
        wrong_kind(node, "`records` is a list: each makes one record of a payload", found);
        return None;
    };
    if nodes.is_empty() {
        found.mistake(codes::EMPTY, &node.span, "no record is made of a payload");
        return None;
    }
    let read: Vec<_> = nodes.iter().map(|node| template(node, found)).collect();
    read.into_iter().collect()
}

fn template(node: &Node, found: &mut Diagnostics) -> Option<Template> {
    let mut keys = Keys::of(node, "a record of a mapping", found)?;
    let streams: Vec<_> =
        RecordType::ALL.iter().filter(|record| record.is_input()).map(|record| (record.word(), *record)).collect();
    let to = keys.required("to", found).and_then(|node| word(node, "`to`", &streams, found));
    let each = keys.optional("each").map(|node| place(node, "`each`", found));
    let when = keys.optional("when").map(|node| conditions(node, found));
    let set = keys.required("set", found);
    let identifiers = keys.optional("identifiers");
    let known_by = identifiers.map(|node| known_by(node, found));
    keys.finish(found);
    let (to, set, when) = (to?, set?, when.unwrap_or(Some(Vec::new()))?);
    let filled = fields(to, set, &when, found)?;
    if let Some(node) = identifiers.filter(|_| !names_its_own(&filled)) {
        let message = "`identifiers` are of the system's own organisation, and `account_id` names none";
        let help = "fill `account_id` from a pointer: what stands there becomes `oddesk:17`";
        found.mistake(codes::CONTRADICTION, &node.span, message).help(help);
        return None;
    }
    let identifiers = known_by.unwrap_or(Some(Vec::new()))?;
    Some(Template { to, each: each.unwrap_or(Some(None))?, when, set: filled, identifiers })
}

/// `{ domain: /company/website, external_id: [/company/crm_id] }`.
fn known_by(node: &Node, found: &mut Diagnostics) -> Option<Vec<KnownBy>> {
    type Kind = (&'static str, fn(&str) -> Option<Identifier>);
    const KINDS: [Kind; 2] = [("domain", Identifier::domain), ("external_id", Identifier::external)];
    let mut keys = Keys::of(node, "`identifiers`", found)?;
    let read = KINDS.map(|(field, read)| {
        let target = Target { within: Vec::new(), name: field.to_owned(), cleared: None, of: Type::Texts };
        let at = keys.optional(field).map(|node| expression(&target, field, node, &[], found));
        at.map(|at| Some(KnownBy { field, read, at: at? }))
    });
    keys.finish(found);
    read.into_iter().flatten().collect()
}

/// Whether the account is the system's own, for all that can be seen here.
fn names_its_own(filled: &[(Target, Expression)]) -> bool {
    let mut of_account = filled.iter().filter(|(target, _)| target.within.is_empty() && target.name == "account_id");
    of_account.any(|(_, at)| at.words.is_none() && at.from.iter().any(|from| matches!(from, Origin::Place(_))))
}

fn place(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Option<Place>> {
    let written = text(node, what, found)?;
    match Place::parse(written) {
        Some(place) => Some(Some(place)),
        None => {
            not_a_pointer(node, written, found);
            None
        }
    }
}

fn conditions(node: &Node, found: &mut Diagnostics) -> Option<Vec<When>> {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(node, "`when` is a map: a pointer and the words that stand there", found);
        return None;
    };
    let one = |Entry { key, value }: &Entry| {
        let words = match value.scalar() {
            Some(scalar) if !scalar.quoted && scalar.text == "known" => Some(Vec::new()),
            _ => texts(value, "what stands there", found),
        };
        let at = Place::parse(&key.text);
        if at.is_none() {
            let message = format!("`{}` is no JSON pointer", key.text);
            found.mistake(codes::POINTER, &key.span, message).help("write `/event`, as the payload has it");
        }
        Some(When { at: at?, words: words? })
    };
    let read: Vec<_> = entries.iter().map(one).collect();
    read.into_iter().collect()
}

fn fields(to: RecordType, node: &Node, when: &[When], found: &mut Diagnostics) -> Option<Vec<(Target, Expression)>> {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(node, "`set` is a map: a field, and where it stands in the payload", found);
        return None;
    };
    let targets = Targets::of(to);
    let mut filled = Vec::new();
    let mut fine = true;
    for Entry { key, value } in entries {
        let Some(target) = targets.find(&key.text) else {
            let known = targets.keys();
            let help = did_you_mean(&key.text, known.iter().map(String::as_str))
                .unwrap_or_else(|| "the fields are those of the contract's records".to_owned());
            let message = format!("a record of `{to}` has no field `{}` that a mapping fills", key.text);
            found.mistake(codes::TARGET, &key.span, message).help(help);
            fine = false;
            continue;
        };
        match expression(&target, &key.text, value, when, found) {
            Some(read) if names_one(&key.text) && read.from.iter().any(|from| matches!(from, Origin::Constant(_))) => {
                let message = format!("every record would have the same `{}`", key.text);
                found.mistake(codes::POINTER, &value.span, message).help("a pointer begins with `/`");
                fine = false;
            }
            Some(expression) => filled.push((target, expression)),
            None => fine = false,
        }
    }
    let has = |name: &str| entries.iter().any(|entry| entry.key.text == name);
    let messages = entries.iter().any(|entry| entry.key.text.starts_with("message."));
    let needed: &[&[&str]] = match to {
        RecordType::Tickets if messages => {
            &[&["kind"], &["ticket_id"], &["account_id", "ticket.requester"], &["message.author"]]
        }
        RecordType::Tickets => &[&["kind"], &["ticket_id"], &["account_id", "ticket.requester"]],
        RecordType::Signals => &[&["account_id"], &["name"]],
        RecordType::Commands => &[&["account_id"], &["kind"]],
        _ => &[&["account_id"]],
    };
    for any in needed.iter().filter(|any| !any.iter().any(|name| has(name))) {
        let names = any.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        found.mistake(codes::MISSING_KEY, &node.span, format!("a record of `{to}` needs {names}"));
        fine = false;
    }
    fine.then_some(filled)
}

fn expression(target: &Target, key: &str, node: &Node, when: &[When], found: &mut Diagnostics) -> Option<Expression> {
    let what = format!("`{key}`");
    let read = match &node.kind {
        Kind::Scalar(_) => Expression::plain(origin(target, node, found)?),
        Kind::List(_) => Expression { from: origins(target, node, found)?, ..Expression::plain(nothing()) },
        Kind::Map(_) => long(target, &what, node, found)?,
    };
    let constants = read.from.iter().filter_map(|origin| match origin {
        Origin::Constant(value) => Some(value),
        _ => None,
    });
    let mut fine = true;
    if read.words.is_none() {
        for value in constants.chain(&read.otherwise) {
            fine &= fits(target, &what, value, node, found);
        }
    }
    if let Type::Word(words) = &target.of
        && read.words.is_none()
        && read.from.iter().any(|origin| may_be_other(origin, words, when))
    {
        found
            .warning(codes::UNMAPPED, &node.span, format!("{what} takes only its own words, and leaves out all others"))
            .help(format!("`values` says what the vendor's words are called; they are {}", list(words)));
    }
    fine.then_some(read)
}

/// Whether something else than these words may stand there, for all that `when` says.
fn may_be_other(origin: &Origin, words: &[String], when: &[When]) -> bool {
    let Origin::Place(place) = origin else { return false };
    let only_these = |when: &&When| !when.words.is_empty() && when.words.iter().all(|word| words.contains(word));
    !when.iter().filter(|when| when.at == *place).any(|when| only_these(&when))
}

/// Whether a field tells one thing from another, so that no two have the same.
fn names_one(key: &str) -> bool {
    matches!(key, "event_id" | "ticket_id" | "message.id" | "signal_id" | "command_id")
}

fn nothing() -> Origin {
    Origin::Constant(Value::Null)
}

/// `{ from, values, else, blank, split, time, zone }`.
fn long(target: &Target, what: &str, node: &Node, found: &mut Diagnostics) -> Option<Expression> {
    let mut keys = Keys::of(node, what, found)?;
    let from = keys.required("from", found).and_then(|node| origins(target, node, found));
    let values = keys.optional("values").map(|node| table(target, what, node, found));
    let otherwise = keys.optional("else").map(|node| {
        let value = constant(target, node);
        fits(target, what, &value, node, found).then_some(value)
    });
    let blank = keys.optional("blank").map(|node| texts(node, "`blank`", found));
    let split = keys.optional("split").map(|node| text(node, "`split`", found).map(str::to_owned));
    let zone = keys.optional("zone").map(|node| zone(node, found));
    let time = keys.optional("time").map(|node| text(node, "`time`", found));
    keys.finish(found);
    let zone = zone.unwrap_or(Some(Tz::UTC))?;
    let time = match time {
        None => Time::Standard,
        Some(written) => Time::parse(written?, zone),
    };
    Some(Expression {
        from: from?,
        words: match values {
            None => None,
            Some(read) => Some(read?),
        },
        otherwise: match otherwise {
            None => None,
            Some(read) => Some(read?),
        },
        blank: blank.unwrap_or(Some(Vec::new()))?,
        split: match split {
            None => None,
            Some(read) => Some(read?),
        },
        time,
    })
}

fn origins(target: &Target, node: &Node, found: &mut Diagnostics) -> Option<Vec<Origin>> {
    match &node.kind {
        Kind::List(nodes) => {
            let read: Vec<_> = nodes.iter().map(|node| origin(target, node, found)).collect();
            read.into_iter().collect()
        }
        _ => Some(vec![origin(target, node, found)?]),
    }
}

fn origin(target: &Target, node: &Node, found: &mut Diagnostics) -> Option<Origin> {
    let written = text(node, "what a field is filled with", found)?;
    match Origin::parse(written, || constant(target, node)) {
        Ok(origin) => Some(origin),
        Err(part) => {
            not_a_pointer(node, &part, found);
            None
        }
    }
}

fn not_a_pointer(node: &Node, part: &str, found: &mut Diagnostics) {
    found
        .mistake(codes::POINTER, &node.span, format!("`{part}` is no JSON pointer"))
        .help("a pointer begins with `/`; `~1` stands for a slash in a name, `~0` for a tilde");
}

/// A constant as what the field holds.
fn constant(target: &Target, node: &Node) -> Value {
    let Some(scalar) = node.scalar() else { return Value::Null };
    let typed = match target.of {
        Type::Flag => scalar.bool().map(Value::Bool),
        Type::Whole | Type::Number | Type::Custom if scalar.bool().is_none() => scalar.number().map(Value::from),
        Type::Custom => scalar.bool().map(Value::Bool),
        _ => None,
    };
    typed.unwrap_or_else(|| Value::String(scalar.text.clone()))
}

/// Whether the field can have this value; says so where it can't.
fn fits(target: &Target, what: &str, value: &Value, node: &Node, found: &mut Diagnostics) -> bool {
    let (fine, wanted) = match &target.of {
        Type::Word(words) => {
            let written = value.as_str().unwrap_or_default();
            if !words.iter().any(|word| word == written) {
                unknown_word(node, what, written, words.iter().map(String::as_str), found);
                return false;
            }
            (true, "")
        }
        Type::Flag => (value.is_boolean(), "`true` or `false`"),
        Type::Whole | Type::Number => (value.is_number(), "a number"),
        Type::Instant => (Time::Standard.read(value).is_some(), "an instant: `2026-03-02T09:00:00Z`"),
        Type::DateOrInstant => {
            (value.as_str().and_then(tierline_model::parse_date_or_instant).is_some(), "a date or an instant")
        }
        Type::Text | Type::Texts | Type::Custom => (true, ""),
    };
    if !fine {
        found.mistake(codes::WRONG_KIND, &node.span, format!("{what} is {wanted}"));
    }
    fine
}

/// `values: { ours: [theirs, …] }`, the other way round.
fn table(target: &Target, what: &str, node: &Node, found: &mut Diagnostics) -> Option<HashMap<String, String>> {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(node, "`values` is a map: the contract's word, and the vendor's words for it", found);
        return None;
    };
    let mut words = HashMap::new();
    let mut fine = true;
    for Entry { key, value } in entries {
        if let Type::Word(known) = &target.of
            && !known.contains(&key.text)
        {
            let help = did_you_mean(&key.text, known.iter().map(String::as_str))
                .unwrap_or_else(|| format!("write one of {}", list(known)));
            found.mistake(codes::UNKNOWN_WORD, &key.span, format!("{what} is never `{}`", key.text)).help(help);
            fine = false;
        }
        let Some(theirs) = texts(value, "the vendor's words", found) else {
            fine = false;
            continue;
        };
        for theirs in theirs {
            if let Some(before) = words.insert(theirs.to_lowercase(), key.text.clone())
                && before != key.text
            {
                let message = format!("`{theirs}` is called both `{before}` and `{}`", key.text);
                found.mistake(codes::MAPPING, &value.span, message);
                fine = false;
            }
        }
    }
    fine.then_some(words)
}

fn zone(node: &Node, found: &mut Diagnostics) -> Option<Tz> {
    let written = text(node, "`zone`", found)?;
    let zone = written.parse().ok();
    if zone.is_none() {
        let message = format!("`{written}` is no time zone");
        found.mistake(codes::UNKNOWN_WORD, &node.span, message).help("they look like `Europe/Berlin`");
    }
    zone
}

fn list(words: &[String]) -> String {
    listed(words.iter().map(String::as_str))
}
