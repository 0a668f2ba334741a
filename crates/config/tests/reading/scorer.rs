//! What scores messages: left out, built in, or a model of the company's own.

use std::time::Duration;

use tierline_config::{Fallback, Scorer};
use tierline_score::{Labelled, calibrate};

use crate::kit::{A_RULE, World, mistakes, read, warnings};

/// A model file, and what its signals call it.
fn model() -> (String, String) {
    let label = |n: usize| {
        let negative = n.is_multiple_of(2);
        let text =
            if negative { format!("Nothing works, {n} days lost.") } else { format!("Thanks, all {n} are fine.") };
        Labelled { text, negative }
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
fn one_over_http_is_told_where_it_is_and_how_long_it_may_take() {
    let (file, _) = model();
    let world = || World::default().with_file("etc/acme.model", file.clone().leak()).with_variable("TOKEN", "s3cret");
    let http = |text: &str| match world().read(&format!("{A_RULE}scorer:\n{text}")) {
        Ok((config, _)) => match config.scorer {
            Some(Scorer::Http(told)) => told,
            other => panic!("{other:?}"),
        },
        Err(found) => panic!("{}", found.render(false)),
    };
    let usual = http("  url: https://scores.example/v1\n");
    assert_eq!(usual.url, "https://scores.example/v1");
    assert!(usual.token.is_none() && matches!(usual.fallback, Fallback::BuiltIn));
    let lengths = [usual.connect_timeout, usual.timeout, usual.limit].map(|length| length.as_millis());
    assert_eq!((lengths, usual.retries), ([250, 500, 1_000], 1));
    let told = http(
        "  url: http://127.0.0.1:8080/\n  token: ${TOKEN}\n  connect_timeout: 100ms\n  timeout: 2s\n  limit: 5s\n  \
         retries: 0\n  fallback: { model: acme.model }\n",
    );
    assert_eq!(told.token.as_ref().map(|token| token.expose()), Some("s3cret"));
    assert!(!format!("{told:?}").contains("s3cret"));
    assert_eq!((told.timeout, told.limit, told.retries), (Duration::from_secs(2), Duration::from_secs(5), 0));
    assert!(matches!(told.fallback, Fallback::Model(_)));
    assert!(matches!(http("  url: https://a/\n  fallback: none\n").fallback, Fallback::Nobody));
    let open = warnings("scorer: { url: 'http://scores.example/' }\n");
    assert_eq!(open, ["what customers write goes to the scorer unencrypted"]);
}

#[test]
fn one_over_http_that_is_told_wrongly_is_refused_and_no_secret_shown() {
    let found = [
        "{ url: scores.example }",
        "{ url: 'https://me:hunter2@scores.example/' }",
        "{ url: https://a/, token: hunter2 }",
        "{ url: https://a/, limit: 1m, timeout: 5, retries: 9, fallback: somebody }",
        "{ url: https://a/, model: acme.model }",
        "{ url: https://a/, fallback: { model: gone.model } }",
    ];
    let found = found.map(|told| World::default().refusal(&format!("{A_RULE}scorer: {told}\n"))).join("\n");
    assert!(!found.contains("hunter2"), "{found}");
    insta::assert_snapshot!(found);
}

#[test]
fn its_state_has_a_topic_of_its_own() {
    assert_eq!(read("topics: { prefix: eu. }\n").topics.score_state, "eu.score-state");
    assert_eq!(read("topics: { score-state: marks }\n").topics.score_state, "marks");
    let found = mistakes("topics: { score-state: detect-state }\n");
    assert_eq!(found, ["two streams would share the topic `detect-state`"]);
}
