//! What a scorer would have said of messages: nobody says it where records are lived through without the pipeline.

use tierline_rules::{AskedOf, Rule};

use crate::Scenario;
use crate::steps::{Stream, What};

/// What is said to whoever waits for a score in vain.
pub const UNSCORED: &str = "messages are scored by the pipeline, not here: give a `signals` record";

/// The signals that a scorer writes.
const SCORES: [&str; 2] = ["sentiment", "escalation_risk"];

/// Whether a rule asks what a scorer says of messages.
pub fn asks_for_scores(rule: &Rule) -> bool {
    let is_score = |name: &str| SCORES.contains(&name);
    rule.asks().iter().flatten().any(|ask| matches!(&ask.of, AskedOf::Signal(name) if is_score(name)))
}

/// Whether a scenario tells no signal, and expects something that a rule may have raised by one.
pub(crate) fn is_missed(scenario: &Scenario, rules: &[Rule]) -> bool {
    let tells = scenario.steps.iter().any(|step| matches!(step.what, What::Record(Stream::Signals, _)));
    let expected = || scenario.expect.iter().chain(scenario.shadow.iter().flatten());
    !tells && rules.iter().any(|rule| asks_for_scores(rule) && expected().any(|pattern| pattern.may_be_of(&rule.id)))
}
