//! `score` and `calibrate`: what messages say, and a company's labels that make the scorer its own.

use std::fmt::Write as _;

use serde_json::Value;
use tierline_testkit::Program;

use crate::PROGRAM;

#[test]
fn messages_are_shown_with_the_words_that_decided() {
    let lines = "\
This is the third time I ask. We are seriously considering canceling.
Works now, thanks!

{\"text\": \"Your app is down and nobody answers\", \"id\": 7}
Ich warte seit drei Tagen auf eine Antwort
";
    let program = Program::new(PROGRAM, "");
    insta::assert_snapshot!(program.answer_to(["score"], lines).well().out);
    let path = program.write("messages.txt", lines);
    let answer = program.answer(["score".as_ref(), path.as_os_str(), "--output".as_ref(), "json".as_ref()]).well();
    let told: Vec<Value> = answer.out.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(told.len(), 4);
    assert_eq!((&told[0]["line"], &told[0]["label"]), (&1.into(), &"high".into()));
    assert_eq!(told[0]["because"][0]["kind"], "cancellation");
    assert_eq!((&told[3]["line"], &told[3]["sentiment"], &told[3]["label"]), (&5.into(), &Value::Null, &Value::Null));
}

#[test]
fn a_line_without_a_message_is_told_and_left_out() {
    let program = Program::new(PROGRAM, "");
    let answer = program.answer_to(["score", "--output", "json"], "{\"body\": \"x\"}\nThe app is slow\n");
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.err.contains("line 1: it has no `text`"), "{answer:?}");
    assert_eq!(answer.out.lines().count(), 1, "{answer:?}");
}

#[test]
fn labels_make_a_model_that_scores_by_them() {
    let program = Program::new(PROGRAM, "");
    let labels = program.write("labels.csv", &labels());
    let labels = labels.to_str().expect("a plain name");
    let told = program.answer(["calibrate", labels, "--name", "acme", "--output", "json"]).well().out;
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    assert_eq!((&told["model"], &told["labels"], &told["negative"]), (&"acme".into(), &80.into(), &40.into()));
    assert!(told["auc"].as_f64() > told["built_in_auc"].as_f64(), "{told}");
    let score = |model: &[&str]| {
        let arguments = [&["score", "--output", "json"], model].concat();
        let told = program.answer_to(arguments, "the frobnicator in our office\n").well().out;
        serde_json::from_str::<Value>(&told).expect("it is JSON")
    };
    assert!(score(&[])["escalation_risk"].as_f64() < Some(0.4));
    let by_model = score(&["--model", "acme.model"]);
    assert!(by_model["escalation_risk"].as_f64() > Some(0.7), "{by_model}");
    assert_eq!(by_model["model"], format!("acme {}", told["version"].as_str().expect("a version")));
}

#[test]
fn what_is_no_model_or_no_label_is_refused() {
    let program = Program::new(PROGRAM, "");
    program.write("newer.model", "tierline-model 9\n");
    program.write("cut.model", "tierline-model 1\n{\"name\":");
    program.write("few.csv", "text,label\nthe app is down,1\n");
    program.write("wrong.csv", "text,label\nthe app is down,perhaps\n");
    program.write("headless.csv", "the app is down,1\n");
    for (arguments, said) in [
        (["score", "--model", "newer.model"], "format 9, and this release reads formats up to 1: upgrade tierline"),
        (["score", "--model", "cut.model"], "it is damaged"),
        (["score", "--model", "few.csv"], "it is no model file"),
        (["score", "--model", "none.model"], "cannot use none.model as a model"),
        (["calibrate", "few.csv", "--seed=1"], "at least 10 of each"),
        (["calibrate", "wrong.csv", "--seed=1"], "line 2: the label \"perhaps\" is none of negative"),
        (["calibrate", "headless.csv", "--seed=1"], "no column is called `text`"),
    ] {
        let answer = program.answer_to(arguments, "");
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(answer.err.contains(said), "{answer:?}");
    }
}

/// A word that no list has decides.
fn labels() -> String {
    let mut labels = "text,label\n".to_owned();
    for nth in 0..40 {
        let room = ["office", "kitchen", "hall", "garden"][nth % 4];
        let _ = writeln!(labels, "the frobnicator in our {room} and room{nth},negative");
        let _ = writeln!(labels, "\"the cable, in our {room} and room{nth}\",neutral");
    }
    labels
}
