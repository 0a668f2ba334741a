//! The targets. Each takes any bytes; where most of what could be would stop at a frame, a name or a checksum, the
//! target puts that around them, so that what lies behind is reached.

pub mod changelog;
pub mod checkpoint;
pub mod embedded;
pub mod intake;
pub mod records;
pub mod score;
pub mod task_record;
pub mod words;
pub mod writer_schema;
pub mod yaml;

use std::sync::{Arc, LazyLock};

use tierline_engine::{Engine, Settings};
use tierline_model::{Encoding, Millis};
use tierline_rules::RuleSet;
use tierline_rules::source::{Diagnostics, Keys, Source, parse};
use tierline_rules::{Sections, rule_set};
use tierline_stream::detect::{Detect, DetectSettings, DetectStage};
use tierline_stream::stage::Stages;
use tierline_stream::topics::Names;

/// When all of it happens.
pub const NOON: Millis = 1_772_452_800_000;

/// Thirty-five days.
const HISTORY: Millis = 35 * 86_400_000;

/// A rule of each sort that keeps state of its own.
const RULES: &str = "
rules:
  - id: silence
    tier: 2
    clear: when_no
    when: { ticket.no_agent_reply_for: 1h }
  - id: urgent
    tier: 3
    cooldown: 2h
    when: { all: [ { ticket.priority: urgent }, { billing.state: past_due } ] }
  - id: many
    tier: 2
    once_per: account
    for: 10m
    when: { any: [ { account.tickets: { at_least: 2, within: 7d } }, { ticket.sentiment: { below: 0 } } ] }
  - id: due
    tier: 2
    when: { sla.first_reply: { due_within: 30m } }
sla:
  - id: all
    targets: { first_reply: { urgent: 30m, default: 4h } }
";

fn ruled() -> Arc<RuleSet> {
    static RULED: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
        let mut found = Diagnostics::default();
        let sections = parse(&Source::new("rules.yaml", RULES), &mut found).and_then(|root| {
            let mut keys = Keys::of(&root, "the file", &mut found)?;
            let (rules, sla) = (keys.optional("rules"), keys.optional("sla"));
            Some(rule_set(&Sections { rules, sla, history: HISTORY, ..Sections::default() }, &mut found))
        });
        assert!(found.items.is_empty(), "{}", found.render(false));
        // Invariant: nothing was found wrong with it.
        Arc::new(sections.expect("these rules are right"))
    });
    Arc::clone(&RULED)
}

fn settings() -> Settings {
    Settings {
        grace: 5_000,
        stale_after: 120_000,
        import_timeout: 86_400_000,
        history: HISTORY,
        start_quietly: false,
        precedence: Vec::new(),
    }
}

/// An engine without state.
pub fn engine() -> Engine {
    static SETTINGS: LazyLock<Arc<Settings>> = LazyLock::new(|| Arc::new(settings()));
    Engine::new(ruled(), Arc::clone(&SETTINGS))
}

/// A task of the detect stage without state.
pub fn stage() -> DetectStage {
    thread_local! {
        static STAGES: std::cell::RefCell<Detect> = std::cell::RefCell::new(Detect::new(DetectSettings {
            names: Names::default(),
            rules: ruled(),
            engine: settings(),
            max_future: 3_600_000,
            escalations: Encoding::SingleObject,
            shadow: Encoding::SingleObject,
            queue: Encoding::SingleObject,
            sla_events: Encoding::SingleObject,
            schemas: None,
        }));
    }
    STAGES.with_borrow_mut(|stages| stages.stage(0, 4))
}
