//! Exit codes: 0 all well, 1 the answer is no, 2 it could not be tried. Data to standard output, the rest to the other.

use serde_json::{Value, json};
use tierline_testkit::{Answer, Program, free_address};

use crate::{PROGRAM, URGENT};

#[test]
fn a_right_configuration_is_all_well() {
    let answer = Program::new(PROGRAM, URGENT).answer(["check"]);
    assert_eq!(told(&answer), (Some(0), "tierline.yaml: all well\n", ""));
}

#[test]
fn a_warning_is_told_and_is_no_mistake() {
    let answer = Program::new(PROGRAM, "rules: []\n").answer(["check"]).well();
    insta::assert_snapshot!(answer.out);
}

#[test]
fn what_no_source_tells_and_what_is_mapped_to_another_word_is_a_warning() {
    let config = "\
fields: { ticket.category: { values: { billing: [payment] } } }
sources: { hubspot: [account.*] }
rules:
  - id: past-due
    tier: 3
    when:
      all:
        - account.plan: enterprise
        - billing.state: past_due
        - ticket.category: payment
";
    let answer = Program::new(PROGRAM, config).answer(["check"]).well();
    insta::assert_snapshot!(answer.out);
}

#[test]
fn without_a_file_the_built_in_example_is_taken() {
    let program = Program::new(PROGRAM, "");
    std::fs::remove_file(program.folder().join("tierline.yaml")).expect("it was written");
    let answer = program.answer(["check"]);
    assert_eq!(told(&answer), (Some(0), "the built-in example: all well\n", ""));
}

/// It was passed over in silence, and every command did the built-in example instead.
#[test]
fn a_configuration_by_nearly_the_right_name_is_not_passed_over() {
    for near in ["tierline.yml", "tierline.yaml.txt"] {
        let program = Program::new(PROGRAM, URGENT);
        std::fs::rename(program.folder().join("tierline.yaml"), program.folder().join(near)).expect("it was written");
        let refused =
            format!("tierline: there is no tierline.yaml, but {near}: rename it, or name it with `--config {near}`\n");
        for command in ["check", "explain", "test", "run"] {
            assert_eq!(told(&program.answer([command])), (Some(2), "", refused.as_str()), "{command}");
        }
        let named = program.answer(["--config", near, "check"]);
        assert_eq!(told(&named), (Some(0), format!("{near}: all well\n").as_str(), ""));
    }
}

#[test]
fn a_configuration_where_nothing_is_expected_is_answered_with_how_it_is_named() {
    let program = Program::new(PROGRAM, URGENT);
    for arguments in [["check", "my.yaml"], ["explain", "my.yaml"], ["my.yaml", "check"]] {
        let answer = program.answer(arguments);
        let tip = "tip: the configuration is named with '--config my.yaml'";
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
        assert!(answer.err.contains(tip), "{}", answer.err);
    }
}

#[test]
fn a_configuration_that_is_named_and_not_there_could_not_be_tried() {
    let answer = Program::new(PROGRAM, URGENT).answer(["--config", "other.yaml", "check"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(answer.err.starts_with("tierline: cannot read the configuration other.yaml:"), "{}", answer.err);
}

#[test]
fn a_mistake_as_json_names_its_place() {
    let program = Program::new(PROGRAM, "rules:\n  - { id: a, tier: 7, when: { ticket.priority: urgent } }\n");
    let answer = program.answer(["check", "--output", "json"]);
    assert_eq!((answer.code, answer.err.as_str()), (Some(1), ""));
    let told: Value = serde_json::from_str(&answer.out).expect("it is JSON");
    assert_eq!((&told["mistakes"], &told["warnings"]), (&1.into(), &0.into()));
    let found = &told["findings"][0];
    assert_eq!((&found["file"], &found["line"], &found["column"]), (&"tierline.yaml".into(), &2.into(), &20.into()));
}

#[test]
fn a_folder_where_a_file_is_wanted_is_named() {
    let program = Program::new(PROGRAM, URGENT);
    std::fs::create_dir(program.folder().join("events")).expect("a folder can be made");
    for arguments in [&["send", "tickets", "events"][..], &["score", "events"]] {
        let answer = program.answer(arguments);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{answer:?}");
        assert_eq!(answer.err, "tierline: cannot read events: it is a folder; name a file in it\n");
    }
}

#[test]
fn a_dead_letters_error_that_nobody_has_is_refused_with_what_was_meant() {
    let program = Program::new(PROGRAM, URGENT);
    let event = json!({"event_id": "e", "ticket_id": "T1", "account_id": "acme", "source": "desk", "kind": "created",
        "occurred_at": "2026-03-02T10:00:00Z"});
    program.answer_to(["send", "tickets"], &event.to_string()).well();
    for what in ["list", "replay"] {
        let all = if what == "replay" { &["--all"][..] } else { &[] };
        let mistyped = program.answer([&["dead-letters", what], all, &["--error", "unknwon_schema"]].concat());
        assert_eq!((mistyped.code, mistyped.out.as_str()), (Some(2), ""), "{mistyped:?}");
        assert!(mistyped.err.contains("did you mean `unknown_schema`?"), "{mistyped:?}");
        program.answer([&["dead-letters", what], all, &["--error", "absurd_time"]].concat()).well();
    }
}

#[test]
fn what_nobody_can_mean_is_usage() {
    let program = Program::new(PROGRAM, URGENT);
    let wrong: [&[&str]; 7] = [
        &[],
        &["chekc"],
        &["send"],
        &["run", "--until", "tomorrow"],
        &["dead-letters", "show", "seventeen"],
        &["dead-letters", "replay", "0:17", "--error", "unknown_schema"],
        &["topics", "create", "--partitions", "0"],
    ];
    for arguments in wrong {
        let answer = program.answer(arguments);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(answer.err.contains("--help") || answer.err.contains("Usage"), "{arguments:?}: {}", answer.err);
    }
}

#[test]
fn a_topic_that_is_not_there_is_answered_with_those_that_are() {
    let program = Program::new(PROGRAM, URGENT);
    for command in ["send", "tail"] {
        let answer = program.answer([command, "tickts"]);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
        assert!(answer.err.contains("'tickts'") && answer.err.contains("tickets, accounts, billing"), "{}", answer.err);
    }
}

#[test]
fn what_nobody_sends_or_reads_is_refused_before_anything_is_read() {
    let program = Program::new(PROGRAM, URGENT);
    let sent = program.answer_to(["send", "escalations"], "");
    assert_eq!((sent.code, sent.err.as_str()), (Some(2), "tierline: only Tierline itself writes to 'escalations'\n"));
    let read = program.answer(["tail", "detect-state", "--from-start", "--until-end"]);
    assert_eq!((read.code, read.out.as_str()), (Some(2), ""));
    assert!(read.err.contains("'detect-state' is the pipeline's own state"), "{}", read.err);
}

#[test]
fn topics_of_the_embedded_log_are_nothing_to_make_or_check() {
    let program = Program::new(PROGRAM, URGENT);
    for command in ["create", "check"] {
        let answer = program.answer(["topics", command]);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
        assert!(answer.err.contains("log.kind: kafka"), "{}", answer.err);
        let answer = program.answer(["topics", command, "--output", "json"]);
        let told: Value = serde_json::from_str(&answer.out).expect("it is JSON");
        assert!(answer.code == Some(2) && told["refused"].is_string(), "{answer:?}");
    }
}

#[test]
fn running_on_to_an_instant_needs_the_events_clock() {
    let config = format!("observe: {{ listen: \"{}\" }}\n{URGENT}", free_address());
    let answer = Program::new(PROGRAM, &config).answer(["run", "--until", "2026-03-31T00:00:00Z"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("time.clock: events"), "{}", answer.err);
}

#[test]
fn a_broker_that_does_not_answer_could_not_be_tried() {
    let config = format!("log: {{ kind: kafka, brokers: \"127.0.0.1:1\", patience: 1s }}\n{URGENT}");
    let program = Program::new(PROGRAM, &config);
    let commands: [&[&str]; 4] =
        [&["topics", "check"], &["topics", "create"], &["tail", "tickets", "--until-end"], &["dead-letters", "list"]];
    for command in commands {
        let answer = program.answer(command);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{command:?}: {answer:?}");
        assert!(
            answer.err.contains("127.0.0.1:1") && answer.err.contains("log.brokers"),
            "{command:?}: {}",
            answer.err
        );
    }
}

#[test]
fn help_tells_every_command_and_the_exit_codes() {
    // Help is as wide as the terminal, or as this says where there is none.
    let program = Program::new("/bin/sh", URGENT);
    let answer = program.answer(["-c", &format!("COLUMNS=100 {PROGRAM} --help")]).well();
    insta::assert_snapshot!(answer.out);
}

#[test]
fn each_shell_completes_every_command() {
    let program = Program::new(PROGRAM, URGENT);
    for shell in ["bash", "fish", "zsh"] {
        let script = program.answer(["completions", shell]).well().out;
        for command in [
            "run",
            "demo",
            "check",
            "explain",
            "why",
            "test",
            "topics",
            "send",
            "tail",
            "dead-letters",
            "sla",
            "score",
            "calibrate",
        ] {
            assert!(script.contains(command), "{shell} does not complete {command}");
        }
    }
}

#[test]
fn nobody_reads_is_no_failure() {
    // `true` ends without reading a byte: whoever writes to it is told so by a broken pipe.
    let program = Program::new("/bin/sh", URGENT);
    let script = format!("set -o pipefail 2>/dev/null; {PROGRAM} explain 2>said | true; cat said");
    assert_eq!(told(&program.answer(["-c", &script])).2, "");
    assert_eq!(program.answer(["-c", "cat said"]).out, "");
}

fn told(answer: &Answer) -> (Option<i32>, &str, &str) {
    (answer.code, &answer.out, &answer.err)
}
