//! `sla`: questions of business time, answered by the calendars of the configuration.

use crate::PROGRAM;
use tierline_testkit::Program;

const CALENDARS: &str = r#"
calendars:
  emea:
    time_zone: Europe/Berlin
    hours: { mon-fri: ["09:00-12:30", "13:30-18:00"] }
    holidays: [2026-12-25, { date: 2026-12-24, hours: ["09:00-12:00"] }]
rules: [ { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 2h } } ]
"#;

fn asked(arguments: &[&str]) -> String {
    let program = Program::new(PROGRAM, CALENDARS);
    program.answer([&["sla"], arguments].concat()).well().out.trim().to_owned()
}

#[test]
fn a_target_is_due_in_the_hours_of_its_calendar() {
    let from = ["--calendar", "emea", "--from", "2026-12-24T11:00:00+01:00"];
    assert_eq!(asked(&[&["due"], &from[..], &["--target", "2h"]].concat()), "2026-12-28T09:00:00Z");
    assert_eq!(asked(&[&["due"], &from[..], &["--target", "2 business days"]].concat()), "2026-12-29T10:00:00Z");
    let paused = ["--target", "2h", "--paused", "2026-12-24T11:30:00+01:00/2026-12-28T09:30:00+01:00"];
    assert_eq!(asked(&[&["due"], &from[..], &paused].concat()), "2026-12-28T10:00:00Z");
}

#[test]
fn business_time_between_two_instants_knows_the_spring_change() {
    let between = ["--from", "2026-03-27T15:30:00Z", "--to", "2026-03-30T07:30:00Z"];
    assert_eq!(asked(&[&["elapsed", "--calendar", "emea"], &between[..]].concat()), "2 h");
    assert_eq!(asked(&[&["elapsed", "--calendar", "always"], &between[..]].concat()), "64 h");
    let json = asked(&[&["elapsed", "--calendar", "emea"], &between[..], &["--output", "json"]].concat());
    assert!(json.contains("\"elapsed_ms\": 7200000"), "{json}");
}

#[test]
fn what_cannot_be_answered_is_said() {
    let program = Program::new(PROGRAM, CALENDARS);
    for (arguments, said) in [
        (["due", "--calendar", "emae", "--from", "2026-03-02T09:00:00Z", "--target", "2h"], "did you mean `emea`?"),
        (["due", "--calendar", "emea", "--from", "2026-03-02T09:00:00Z", "--target", "2d"], "2 business days"),
        (["elapsed", "--calendar", "emea", "--from", "2026-03-02T09:00:00Z", "--to", "2026-03-01T09:00:00Z"], "before"),
    ] {
        let answer = program.answer([&["sla"], &arguments[..]].concat());
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(answer.err.contains(said), "{answer:?}");
    }
}
