//! What scores messages: left out, built in, or a model of the company's own.

use tierline_config::Scorer;
use tierline_score::{Labelled, calibrate};

use crate::kit::{A_RULE, World, mistakes, read};

/// A model file, and what its signals call it.
fn model() -> (String, String) {
    let label = |n: usize| Labelled {
        text: if n % 2 == 0 { format!("Nothing works, {n} days lost.") } else { format!("Thanks, all {n} are fine.") },
        negative: n % 2 == 0,
    };
    let labels: Vec<_> = (0..40).map(label).collect();
    let (model, _) = calibrate("acme", &labels, 0).expect("there are enough");
    (model.to_text(), model.id().to_string())
}

#[test]
fn nobody_scores_unless_it_is_said() {
    assert!(read("").scorer.is_none());
    assert!(read("scorer:\n").scorer.is_none());
    assert!(matches!(read("scorer: builtin\n").scorer, Some(Scorer::BuiltIn)));
}

#[test]
fn a_model_is_read_with_the_configuration() {
    let (file, id) = model();
    let world = World::default().with_file("etc/acme.model", file.leak());
    let (config, _) = world.read(&format!("{A_RULE}scorer: {{ model: acme.model }}\n")).expect("it is right");
    let Some(Scorer::Model(model)) = config.scorer else { panic!("a model is named: {:?}", config.scorer) };
    assert_eq!(model.id().to_string(), id);
}

#[test]
fn what_is_no_model_that_can_be_used_is_told_with_its_place() {
    let (file, _) = model();
    let newer = file.replacen("tierline-model 1", "tierline-model 7", 1);
    let told = |text: &'static str, line: &str| {
        World::default().with_file("etc/acme.model", text).refusal(&format!("{A_RULE}scorer: {line}\n"))
    };
    let found = [
        told("", "{ model: gone.model }"),
        told("what,else\n", "{ model: acme.model }"),
        told(newer.leak(), "{ model: acme.model }"),
        told("", "acme.model"),
        told("", "{ file: acme.model }"),
        told("", "[ builtin ]"),
    ];
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn its_state_has_a_topic_of_its_own() {
    assert_eq!(read("topics: { prefix: eu. }\n").topics.score_state, "eu.score-state");
    assert_eq!(read("topics: { score-state: marks }\n").topics.score_state, "marks");
    let found = mistakes("topics: { score-state: detect-state }\n");
    assert_eq!(found, ["two streams would share the topic `detect-state`"]);
}
