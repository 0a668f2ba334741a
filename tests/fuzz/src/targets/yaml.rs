//! What people write: rules, configurations, scenarios. What is wrong with them is shown as well, since a place that
//! lies between two letters would end the program there.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tierline_config::{Surroundings, read_in};
use tierline_rules::source::{Diagnostics, Keys, Source, parse};
use tierline_rules::{Sections, rule_set};
use tierline_scenario::Scenario;

use super::HISTORY;

/// The sections of rules alone.
pub fn rules(bytes: &[u8]) {
    let Some(source) = source("rules.yaml", bytes) else { return };
    let mut found = Diagnostics::default();
    if let Some(root) = parse(&source, &mut found)
        && let Some(mut keys) = Keys::of(&root, "the file", &mut found)
    {
        let (rules, terms, sla) = (keys.optional("rules"), keys.optional("terms"), keys.optional("sla"));
        let (escalation_sla, calendars) = (keys.optional("escalation_sla"), keys.optional("calendars"));
        let (tags, fields, sources) = (keys.optional("tags"), keys.optional("fields"), keys.optional("sources"));
        keys.finish(&mut found);
        let sections =
            Sections { rules, terms, sla, escalation_sla, calendars, tags, fields, sources, history: HISTORY };
        let set = rule_set(&sections, &mut found);
        for rule in &set.rules {
            assert!(!rule.sentence().is_empty());
        }
    }
    let _ = found.render(true);
}

/// A whole configuration. Every variable is set, and any file can be included, itself too.
pub fn configuration(bytes: &[u8]) {
    let Some(source) = source("etc/tierline.yaml", bytes) else { return };
    let variable = |name: &str| (!name.starts_with('_')).then(|| format!("{name}: 5m"));
    let file = |path: &Path| match path.to_str() {
        Some(path) if path.ends_with("tierline.yaml") => Ok(source.text.clone()),
        Some(path) if path.contains("no") => Err(io::ErrorKind::NotFound.into()),
        _ => Ok("terms: { urgent: { ticket.priority: urgent } }\n".to_owned()),
    };
    match read_in(&source, &Surroundings::new(&variable, &file)) {
        Ok((config, warnings)) => {
            warnings.iter().for_each(|warning| drop(warning.render(true)));
            config.rules.rules.iter().for_each(|rule| drop(rule.sentence()));
            config.engine();
        }
        Err(found) => drop(found.render(true)),
    }
}

/// A scenario that brings its own configuration. It is read, not lived through.
pub fn scenario(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Scenario::base(text);
    if let Err(found) = Scenario::parse("a.scenario.yaml", text, None) {
        let _ = found.render(true);
    }
}

fn source(name: &str, bytes: &[u8]) -> Option<Arc<Source>> {
    Some(Source::new(name, std::str::from_utf8(bytes).ok()?))
}
