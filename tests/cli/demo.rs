//! `demo`: needs nothing, shows every rule of the example, says where to look next.

use std::fs;
use std::time::Duration;

use tierline_testkit::Program;

use crate::{PROGRAM, URGENT};

#[test]
fn every_rule_of_the_example_fires_within_half_a_minute_of_the_usual_speed() {
    let program = empty();
    // Five hours of the story: the same as half a minute at 600 times.
    let told = program.answer(["demo", "--speed", "3000", "--for", "6s"]).well().out;
    let end = &told[told.find(" tickets; ").expect("a summary")..];
    for rule in ["enterprise-billing-silence", "urgent-past-due", "repeat-trouble", "first-reply-due"] {
        assert!(end.contains(&format!("× {rule}")), "{rule} did not fire:\n{told}");
    }
    for word in ["TIER 3", "TIER 2", "retracted", "resolved", "why ", "next", "/metrics", "tail escalations", "explain"]
    {
        assert!(told.contains(word), "'{word}' is missing:\n{told}");
    }
    assert!(!told.contains('\u{1b}'), "colours where nobody sees them");
}

#[test]
fn a_folder_is_kept_and_a_second_run_goes_on_in_it() {
    let program = empty();
    let run = || program.answer(["demo", "--speed", "5000", "--for", "2s", "--folder", "desk"]).well().out;
    run();
    let tickets = || {
        let tail = ["--config", "desk/tierline.yaml", "tail", "tickets", "--from-start", "--until-end"];
        program.answer(tail).well().out.lines().count()
    };
    let first = tickets();
    let told = run();
    assert!(told.contains("desk"), "it doesn't say where its folder is:\n{told}");
    assert!(tickets() > first, "nothing was added to {first} records");
    let letters = program.answer(["--config", "desk/tierline.yaml", "dead-letters", "list"]).well();
    assert_eq!(letters.out, "no dead letters\n");
}

#[test]
fn a_configuration_that_people_wrote_is_not_overwritten() {
    let program = Program::new(PROGRAM, URGENT);
    let answer = program.answer(["demo", "--for", "1s", "--folder", "."]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("tierline.yaml"), "{}", answer.err);
    assert_eq!(fs::read_to_string(program.folder().join("tierline.yaml")).expect("it is there"), URGENT);
}

/// Its paths once counted from beside the copy in the demo's folder, where none of it lies.
#[test]
fn a_configuration_may_name_files_that_lie_beside_it() {
    let program = empty();
    fs::create_dir_all(program.folder().join("conf/more")).expect("our own folder");
    let config = "include: [ more/rules.yaml ]
log: { kind: kafka, brokers: \"b:9092\" }
observe:
  listen: 127.0.0.1:0
  token: { file: somebody's }
";
    program.write("conf/mine.yaml", config);
    program.write("conf/somebody's", "hunter2\n");
    program.write("conf/more/rules.yaml", "include: terms.yaml\nrules: [ { id: mine, tier: 2, when: { is: new } } ]\n");
    program.write("conf/more/terms.yaml", "terms: { new: { ticket.status: new } }\n");
    program.answer(["--config", "conf/mine.yaml", "demo", "--for", "1s", "--speed", "3000", "--folder", "desk"]).well();
    // The commands that it advises find them as well.
    let told = program.answer(["--config", "desk/tierline.yaml", "explain"]).well().out;
    assert!(told.contains("mine"), "{told}");
}

#[test]
fn it_ends_when_nobody_reads_its_story() {
    let shell = empty_for("/bin/sh");
    // Without an end of its own it would go on until Ctrl-C.
    let mut running = shell.start("demo", ["-c", &format!("{PROGRAM} demo --speed 3000 | head -n 1; echo over")]);
    assert!(running.wait_ended(Duration::from_secs(30)).success());
    assert!(running.log().ends_with("over\n"), "{}", running.log());
}

/// A folder without a configuration.
fn empty() -> Program {
    empty_for(PROGRAM)
}

fn empty_for(binary: &str) -> Program {
    let program = Program::new(binary, "");
    fs::remove_file(program.folder().join("tierline.yaml")).expect("it was written");
    program
}
