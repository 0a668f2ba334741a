//! What the task record keeps for the engine besides its state: which rules and policies were in force, and what else the
//! next process must know to [settle](crate::settle) what has changed.

use serde::{Deserialize, Serialize};
use tierline_model::Millis;
use tierline_rules::ALWAYS;

use crate::clocks::{More, OldCalendar, OldEditions, OldPolicies};
use crate::engine::Engine;
use crate::imports::Remembered;
use crate::state::StateError;

/// What the task record keeps for the engine. Each version put what it added behind what there was: [`read`] counts on it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Memory {
    pub live: bool,
    /// Ids and fingerprints of the rules that were evaluated.
    pub rules: Vec<(String, String)>,
    /// Those of the SLA policies.
    pub policies: Vec<(String, String)>,
    /// What they said; [`None`]: a version without business time wrote it.
    pub terms: Option<OldPolicies>,
    /// The sources that send heartbeats, and up to when each has been heard.
    pub heard: Vec<(String, Millis)>,
    /// The imports that run.
    pub imports: Vec<Remembered>,
    /// The last ones that have ended.
    pub ended: Vec<String>,
    /// Fingerprints of the rules but for what their calendars said, in their order.
    pub but_for_hours: Vec<String>,
    /// What `escalation_sla` said; [`None`]: a version wrote it that did not keep that.
    pub escalation_sla: Option<u64>,
    /// How long solved tickets were kept; [`None`]: likewise.
    pub history: Option<Millis>,
    /// Since when all tickets are known.
    pub covered_since: Millis,
    /// The named calendars; empty: there were none, or a version wrote it that did not keep them.
    pub calendars: Vec<OldCalendar>,
    /// The policies that were in force before.
    pub past_policies: OldEditions,
    /// What else the policies in force said.
    pub more_terms: More,
}

const VERSION: u8 = 7;

/// What of a [`Memory`] follows from rules and settings alone, as it is written: once, for it is part of every commit.
/// By the names of what each part begins with.
#[derive(Debug)]
pub(crate) struct WrittenDown {
    /// From `rules` to `terms`.
    rules: Vec<u8>,
    /// From `but_for_hours` to `history`.
    hours: Vec<u8>,
    /// From `calendars` on.
    terms: Vec<u8>,
}

impl Engine {
    /// What the next process must know to settle what changed: rules and policies in force, and whether it ever caught
    /// up.
    pub fn memory(&self) -> Vec<u8> {
        let static_parts = self.written.get_or_init(|| self.write_down());
        let heard: Vec<(&str, Millis)> = self.heard().collect();
        let (imports, ended) = self.imports.remembered();
        let mut memory = put(vec![VERSION], &self.live);
        memory.extend_from_slice(&static_parts.rules);
        memory = put(memory, &(heard, imports, ended));
        memory.extend_from_slice(&static_parts.hours);
        memory = put(memory, &self.covered_since);
        memory.extend_from_slice(&static_parts.terms);
        memory
    }

    fn write_down(&self) -> WrittenDown {
        let (terms, more_terms) = OldPolicies::of(&self.rules);
        let but_for_hours: Vec<&str> = self.evaluated().map(|rule| rule.but_for_hours.as_str()).collect();
        let calendars: Vec<OldCalendar> = self.rules.calendars.iter().map(OldCalendar::of).collect();
        let (escalation_sla, history) = (self.version_of_escalation_sla(), self.settings.history);
        WrittenDown {
            rules: put(Vec::new(), &(self.fingerprints(), self.policy_versions(), Some(terms))),
            hours: put(Vec::new(), &(but_for_hours, Some(escalation_sla), Some(history))),
            terms: put(Vec::new(), &(calendars, OldEditions::of(&self.rules), more_terms)),
        }
    }
}

fn put(to: Vec<u8>, value: &impl Serialize) -> Vec<u8> {
    // Writing plain data into memory cannot fail: no sequence in it is of unknown length.
    postcard::to_extend(value, to).expect("postcard writes plain data")
}

/// A memory, of this version or of one before.
pub(crate) fn read(memory: &[u8]) -> Result<Memory, StateError> {
    let damaged = |reason: String| StateError::Value { key: "the task record".to_owned(), reason };
    let (&version, kept) = memory.split_first().ok_or_else(|| damaged("it is empty".to_owned()))?;
    // How many fields between `terms` and `covered_since` it did not know: none and an empty list are a zero each.
    let lacks = match version {
        5 | 6 | VERSION => 0,
        4 => 3,
        3 => 5,
        2 => 6,
        1 => 7,
        other => return Err(StateError::Version(other)),
    };
    let mut whole = kept.to_vec();
    whole.resize(kept.len() + lacks, 0);
    if version < 5 {
        whole = postcard::to_extend(&ALWAYS, whole).map_err(|error| damaged(error.to_string()))?;
    }
    if version < 6 {
        whole.push(0);
    }
    if version < 7 {
        // `past_policies` and `more_terms` without anything: an empty list is a zero.
        whole.extend([0; 7]);
    }
    postcard::from_bytes(&whole).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tierline_rules::source::{Diagnostics, Keys, Source, parse};
    use tierline_rules::{Edge, RuleSet, Sections};

    use super::*;
    use crate::api::Settings;

    const RULES: &str = "
calendars: { emea: { time_zone: Europe/Berlin, hours: { mon-fri: ['09:00-17:00'] }, holidays: [2026-12-25] } }
sla: [ { id: gold, calendar: emea, targets: { first_reply: { urgent: 1h, default: 8h } } } ]
escalation_sla: { 3: 30m }
rules: [ { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 2h } }, { id: bad, tier: 3, when: { ticket.spam: true } } ]
";

    fn rules(text: &str) -> RuleSet {
        let mut found = Diagnostics::default();
        let root = parse(&Source::new("rules", text), &mut found).expect("it is YAML");
        let mut keys = Keys::of(&root, "the rules", &mut found).expect("it is a map");
        let sections = Sections {
            rules: keys.optional("rules"),
            sla: keys.optional("sla"),
            escalation_sla: keys.optional("escalation_sla"),
            calendars: keys.optional("calendars"),
            history: 35 * 86_400_000,
            ..Sections::default()
        };
        let set = tierline_rules::rule_set(&sections, &mut found);
        assert_eq!(found.mistakes(), 0, "{}", found.render(false));
        set
    }

    /// It is written in parts, some of them once, and read as a whole: a part in another's place would be misread.
    #[test]
    fn what_is_written_in_parts_is_the_memory_field_by_field() {
        let settings = Settings {
            grace: 5_000,
            stale_after: 120_000,
            import_timeout: 86_400_000,
            history: 35 * 86_400_000,
            start_quietly: false,
            precedence: Vec::new(),
        };
        let settings = Arc::new(settings);
        let mut engine = Engine::new(Arc::new(rules(RULES)), Arc::clone(&settings));
        engine.hear("desk", 17);
        engine.covered_since = 23;
        let memory = engine.memory();
        let whole = read(&memory).expect("our own");
        assert_eq!(put(vec![VERSION], &whole), memory);
        assert_eq!((whole.live, whole.rules.len(), whole.policies.len()), (true, 2, 1));
        assert_eq!((whole.heard, whole.history), (vec![("desk".to_owned(), 17)], Some(35 * 86_400_000)));
        assert_eq!((whole.covered_since, whole.calendars.len(), whole.but_for_hours.len()), (23, 1, 2));
        // With other targets from a restart on, what was written before it is void.
        let other = Arc::new(rules(&RULES.replace("default: 8h", "default: 9h")));
        let restored = |asked_before: bool| {
            let mut engine = Engine::new(Arc::clone(&other), Arc::clone(&settings));
            let before = asked_before.then(|| engine.memory());
            engine.restored(1_000, Edge::Bounds, Some(&memory)).expect("our own");
            (before, engine.memory())
        };
        let ((_, anew), (before, after)) = (restored(false), restored(true));
        assert_eq!(after, anew);
        let past = |memory: &[u8]| put(Vec::new(), &read(memory).expect("our own").past_policies);
        assert_ne!(before.map(|before| past(&before)), Some(past(&after)), "the restart has something to remember");
    }
}
