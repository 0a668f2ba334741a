//! What a scenario configures: sections of a configuration, its own before those beside it, ready for the engine.

use std::sync::Arc;

use tierline_config::Config;
use tierline_engine::{Engine, Settings};
use tierline_rules::source::{Diagnostics, Entry, Kind, Node, Severity, Source, Span, codes};
use tierline_rules::{Rule, RuleSet};

/// The sections that a scenario may carry itself; it then has them instead of those beside it.
pub(crate) const SECTIONS: [&str; 8] =
    ["rules", "terms", "sla", "escalation_sla", "calendars", "time", "tags", "fields"];

/// What an engine is made of.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    rules: Arc<RuleSet>,
    settings: Arc<Settings>,
}

impl Parts {
    /// The rules that it has.
    pub fn rules(&self) -> &[Rule] {
        &self.rules.rules
    }

    /// An engine without any state.
    pub fn engine(&self) -> Engine {
        Engine::new(Arc::clone(&self.rules), Arc::clone(&self.settings))
    }
}

/// The sections of the configuration that a scenario stands beside. Of its `time` only how long solved tickets count:
/// the rest is about the wall.
pub(crate) fn beside(name: &str, text: &str, found: &mut Diagnostics) -> Vec<Entry> {
    let Some(root) = tierline_rules::source::parse(&Source::new(name, text), found) else { return Vec::new() };
    let Kind::Map(mut sections) = tierline_config::with_included(root, found).kind else { return Vec::new() };
    sections.retain(|section| SECTIONS.contains(&section.key.text.as_str()));
    for section in sections.iter_mut().filter(|section| section.key.text == "time") {
        if let Kind::Map(entries) = &mut section.value.kind {
            entries.retain(|entry| entry.key.text == "history");
        }
    }
    sections
}

/// Puts a section in the place of the one that is there by that name.
pub(crate) fn put(sections: &mut Vec<Entry>, section: &Entry) {
    match sections.iter_mut().find(|other| other.key.text == section.key.text) {
        Some(other) => *other = section.clone(),
        None => sections.push(section.clone()),
    }
}

/// What is known of a configuration that has been checked.
pub(crate) struct Checked {
    /// The first thing in it that is not built yet.
    pub not_built: Option<String>,
    /// The ids of its rules; none: it cannot be read, and it has been said why.
    pub rules: Option<Vec<String>>,
}

/// Says what is wrong with the sections.
pub(crate) fn check(sections: &[Entry], found: &mut Diagnostics) -> Checked {
    let mistakes = match read(sections) {
        Ok(config) => {
            let rules = config.rules.rules.iter().map(|rule| rule.id.clone()).collect();
            return Checked { not_built: None, rules: Some(rules) };
        }
        Err(mistakes) => mistakes,
    };
    let mut not_built = None;
    for item in mistakes.items {
        if item.code == codes::NOT_BUILT {
            not_built = not_built.or(Some(item.message));
        } else if item.severity == Severity::Mistake && !found.items.contains(&item) {
            found.items.push(item);
        }
    }
    Checked { not_built, rules: None }
}

/// The sections for the engine; [`check`] found nothing in them.
pub(crate) fn ready(sections: &[Entry]) -> Parts {
    let config = read(sections).expect("the sections were checked when the scenario was read");
    let grace_is_set = sections.iter().any(|section| section.key.text == "time" && section.value.at("grace").is_some());
    let settings =
        Settings { grace: if grace_is_set { config.time.grace } else { 0 }, start_quietly: false, ..config.engine() };
    Parts { rules: config.rules, settings: Arc::new(settings) }
}

fn read(sections: &[Entry]) -> Result<Config, Diagnostics> {
    let nowhere = || Span { source: Source::new("", ""), start: 0, end: 0 };
    let span = sections.first().map_or_else(nowhere, |section| section.key.span.clone());
    let mut found = Diagnostics::default();
    tierline_config::read_node(&Node { span, kind: Kind::Map(sections.to_vec()) }, &mut found).ok_or(found)
}
