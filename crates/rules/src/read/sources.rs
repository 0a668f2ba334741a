//! `sources:`: which system tells which fields. It changes nothing that rules do; `check` and the data map know by it
//! what nobody tells.

use super::Sections;
use crate::FieldRef;
use crate::source::{self, Diagnostics, Entry, Kind, Node, codes, did_you_mean, texts};

/// What each system tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// By name; [`None`]: there is no such section, so nothing can be said of what nobody tells.
    each: Option<Vec<(String, Vec<String>)>>,
}

/// The rooms that a source may tell as a whole: `account.*`.
const ROOMS: [&str; 6] = ["ticket", "ticket.custom", "account", "account.custom", "billing", "signal"];

/// Signals that rules know as fields of the ticket.
const AS_FIELDS: [(&str, &str); 2] =
    [("ticket.sentiment", "signal.sentiment"), ("ticket.escalation_risk", "signal.escalation_risk")];

impl Sources {
    /// The sources that tell what a key of a rule names; [`None`]: nobody has said who tells what.
    pub fn of(&self, key: &str) -> Option<Vec<&str>> {
        let each = self.each.as_ref()?;
        let tells = |fields: &[String]| fields.iter().any(|field| covers(field, signal_of(key)));
        Some(each.iter().filter(|(_, fields)| tells(fields)).map(|(name, _)| name.as_str()).collect())
    }

    /// Their names; [`None`]: there is no such section.
    pub(crate) fn names(&self) -> Option<Vec<&str>> {
        Some(self.each.as_ref()?.iter().map(|(name, _)| name.as_str()).collect())
    }

    /// Whether it is said that nobody tells this. Fields of tickets count only where a source is said to tell any.
    pub(crate) fn lack(&self, key: &str) -> bool {
        let says_any =
            |room: &str| self.each.iter().flatten().flat_map(|(_, fields)| fields).any(|field| field.starts_with(room));
        let of_ticket = signal_of(key).starts_with("ticket.");
        self.of(key).is_some_and(|sources| sources.is_empty()) && (!of_ticket || says_any("ticket."))
    }
}

/// Reads `sources: { crm: [account.*], stripe: [billing.state] }`.
pub(super) fn all(sections: &Sections<'_>, found: &mut Diagnostics) -> Sources {
    let Some(node) = sections.sources else { return Sources::default() };
    let Kind::Map(entries) = &node.kind else {
        source::wrong_kind(node, "`sources` is a map of systems, each with the fields that it tells", found);
        return Sources::default();
    };
    let one = |Entry { key, value }: &Entry| {
        let fields = texts(value, &format!("what `{}` tells", key.text), found).unwrap_or_default();
        check(value, &fields, found);
        (key.text.clone(), fields.iter().map(|field| signal_of(field).to_owned()).collect())
    };
    Sources { each: Some(entries.iter().map(one).collect()) }
}

fn check(node: &Node, fields: &[String], found: &mut Diagnostics) {
    let spans = if let Kind::List(nodes) = &node.kind { nodes.as_slice() } else { std::slice::from_ref(node) };
    for (field, node) in fields.iter().zip(spans) {
        let room = field.strip_suffix(".*").is_some_and(|room| ROOMS.contains(&room));
        let signal = signal_of(field).strip_prefix("signal.").is_some_and(|name| !name.is_empty());
        if room || signal || FieldRef::from_key(field).is_some() {
            continue;
        }
        let known = FieldRef::keys().into_iter().chain(ROOMS.iter().map(|room| format!("{room}.*")));
        let help = did_you_mean(field, known.collect::<Vec<_>>().iter().map(String::as_str))
            .unwrap_or_else(|| "write fields such as `account.plan`, or all of a kind: `account.*`".to_owned());
        found.mistake(codes::UNKNOWN_KEY, &node.span, format!("there is no field `{field}`")).help(help);
    }
}

/// Whether what a source tells includes a key: itself, what lies within it, all of its room.
fn covers(told: &str, key: &str) -> bool {
    let within = |room: &str| key.strip_prefix(room).is_some_and(|rest| rest.starts_with('.'));
    told == key || told.strip_suffix(".*").is_some_and(within) || (told.starts_with("signal.") && within(told))
}

fn signal_of(key: &str) -> &str {
    AS_FIELDS.iter().find(|(field, _)| *field == key).map_or(key, |(_, signal)| signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let owned = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect();
        let each = vec![("crm".into(), owned(&["account.*"])), ("model".into(), owned(&["signal.handoff"]))];
        Sources { each: Some(each) }
    }

    #[test]
    fn who_tells_a_field_is_known_by_its_name_or_its_room() {
        assert_eq!(sources().of("account.custom.seats"), Some(vec!["crm"]));
        assert_eq!(sources().of("signal.handoff.wants_human"), Some(vec!["model"]));
        assert_eq!(sources().of("billing.state"), Some(vec![]));
        assert_eq!(Sources::default().of("billing.state"), None);
    }

    #[test]
    fn nothing_lacks_where_nobody_has_said_who_tells_what() {
        assert!(sources().lack("billing.state") && sources().lack("ticket.sentiment"));
        assert!(!sources().lack("ticket.category") && !sources().lack("account.plan"));
        assert!(!Sources::default().lack("billing.state"));
    }
}
