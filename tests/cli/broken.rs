//! What `check` says of broken configurations: all mistakes at once, each with its line, a caret and what was meant.

use tierline_testkit::Program;

use crate::PROGRAM;

/// What `check` says of a configuration that it refuses.
fn refused(config: &str) -> String {
    let program = Program::new(PROGRAM, config);
    let answer = program.answer(["check"]);
    assert_eq!((answer.code, answer.err.as_str()), (Some(1), ""), "{answer:?}");
    // Whoever can't be checked can't be run either, and is told the same.
    let run = program.answer(["run"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{run:?}");
    answer.out
}

macro_rules! refusals {
    ($($name:ident: $config:expr;)*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(refused($config));
            }
        )*
    };
}

refusals! {
    a_mistyped_field_is_shown_with_what_was_meant: "\
rules:
  - id: silence
    tier: 3
    when:
      all:
        - acount.plan: enterprise
        - ticket.categroy: billing
        - ticket.no_agent_reply_fo: 2h
";

    a_mistyped_key_of_a_rule_is_shown_with_what_was_meant: "\
rules:
  - id: silence
    teir: 3
    when: { ticket.priority: urgent }
";

    a_duration_needs_a_unit: "\
rules:
  - id: silence
    tier: 3
    when: { ticket.no_agent_reply_for: 120 }
";

    a_tier_is_two_or_three: "\
rules:
  - id: silence
    tier: 4
    when: { ticket.priority: urgent }
";

    a_word_outside_an_enumeration_is_shown_with_the_allowed_ones: "\
rules:
  - id: blocked
    tier: 2
    mode: shadwo
    when: { ticket.status: blocked }
";

    a_matcher_that_a_field_does_not_have: "\
rules:
  - id: rich
    tier: 2
    when:
      all:
        - account.plan: { at_least: 5 }
        - account.arr: { contains: 1000 }
";

    two_rules_of_one_id: "\
rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
  - { id: urgent, tier: 2, when: { ticket.priority: high } }
";

    a_term_that_nobody_defined: "\
terms:
  high-value: { account.arr: { at_least: 100000 } }
rules:
  - id: urgent
    tier: 3
    when: { all: [ { is: high-vaule }, { ticket.priority: urgent } ] }
";

    a_regular_expression_that_is_none: "\
rules:
  - id: crash
    tier: 2
    when: { ticket.subject: { matches: 'crash(ed' } }
";

    a_window_longer_than_what_is_kept: "\
time: { history: 7d }
rules:
  - id: trouble
    tier: 2
    when: { account.tickets: { at_least: 5, within: 30d } }
";

    a_condition_about_a_clock_that_no_policy_starts: "\
rules:
  - id: due
    tier: 2
    when: { sla.first_reply: { due_within: 30m } }
";

    what_is_not_built_yet_is_refused_not_ignored: "\
console: { listen: 127.0.0.1:9465 }
rules:
  - id: stale
    tier: 2
    when: { ticket.status_for: { status: on_hold, for: 24h } }
";

    what_is_no_yaml: "\
rules:
  - id: silence
   tier: 3
";

    an_included_file_that_is_not_there: "\
include: [ more-rules.yaml ]
rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
";

    a_variable_that_is_not_set: "\
log:
  kind: kafka
  brokers: ${TIERLINE_TEST_BROKERS_THAT_NOBODY_SETS}
rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
";

    properties_on_which_exactly_once_rests: "\
log:
  kind: kafka
  brokers: kafka:9092
  properties:
    enable.auto.commit: true
    isolation.level: read_uncommitted
    fetch.mesage.max.bytes: 1000000
rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
";

    words_that_cannot_be_mapped_so: "\
tags: { values: { refund: [chargeback], dispute: [chargeback] } }
fields:
  ticket.categroy: { values: { billing: [payment] } }
  ticket.status: { values: { open: [active] } }
  ticket.tags: { blank: none }
  ticket.category:
    sources: [desk]
    blank: unclassified
  ticket.product_area:
    values:
      billing: [payment, '']
      Billing: [invoices]
      money: [billing]
    blank: payment
    by_source: { dsek: { valeus: { billing: [x] } } }
sources: { desk: [ticket.*], crm: [account.plam, sales.*] }
rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
";

    sections_that_contradict_each_other: "\
log: { kind: kafka, brokers: 'kafka:9092', path: here }
time: { clock: scaled, scale: 100 }
rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
";
}
