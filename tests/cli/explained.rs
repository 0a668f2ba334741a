//! `explain`: rules as sentences, and where what they read comes from.

use serde_json::Value;
use tierline_testkit::Program;

use crate::PROGRAM;

#[test]
fn the_example_is_four_sentences() {
    let program = Program::new(PROGRAM, "");
    std::fs::remove_file(program.folder().join("tierline.yaml")).expect("it was written");
    insta::assert_snapshot!(program.answer(["explain"]).well().out);
}

#[test]
fn fields_come_from_the_topics_that_the_configuration_names() {
    let config = "\
topics: { prefix: eu., accounts: [ eu.crm, eu.erp ] }
rules:
  - { id: large, tier: 2, mode: disabled, when: { account.arr: { at_least: 100000 } } }
";
    let answer = Program::new(PROGRAM, config).answer(["explain", "--output", "json"]).well();
    let told: Value = serde_json::from_str(&answer.out).expect("it is JSON");
    assert_eq!(told[0]["mode"], "disabled");
    assert_eq!(told[0]["reads"][0]["field"], "account.arr");
    assert_eq!(told[0]["reads"][0]["from"], serde_json::json!(["eu.crm", "eu.erp", "eu.account-changes"]));
}
