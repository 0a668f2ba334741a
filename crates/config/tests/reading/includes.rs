//! `include:`.

use std::path::Path;

use tierline_config::{Surroundings, read_in};
use tierline_rules::source::Source;

use crate::kit::World;

const RULE: &str = "rules: [ { id: own, tier: 2, when: { is: high-value } } ]";

#[test]
fn lists_are_joined_in_order_and_maps_are_merged() {
    let world = World::default()
        .with_file("etc/rules/one.yaml", "rules: [ { id: one, tier: 3, when: { ticket.spam: true } } ]\nterms: { high-value: { account.arr: { above: 9 } } }")
        .with_file("etc/rules/two.yaml", "include: deeper/three.yaml\ntime: { grace: 1s }")
        .with_file("etc/rules/deeper/three.yaml", "rules: [ { id: three, tier: 2, when: { ticket.spam: true } } ]");
    let text = format!("include: [ rules/one.yaml, rules/two.yaml ]\ntime: {{ history: 40d }}\n{RULE}");
    let (config, _) = world.read(&text).unwrap_or_else(|found| panic!("{}", found.render(false)));
    let ids: Vec<_> = config.rules.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["one", "three", "own"]);
    assert_eq!((config.time.grace, config.time.history), (1_000, 40 * 86_400_000));
}

#[test]
fn a_file_may_be_named_by_the_environment() {
    let file = "rules: [ { id: r, tier: 2, when: { ticket.spam: true } } ]";
    let world = World::default().with_variable("TEAM", "eu").with_file("etc/eu.yaml", file);
    let (config, _) = world.read("include: ${TEAM}.yaml").expect("it is right");
    assert_eq!(config.rules.rules[0].id, "r");
    let told = World::default().refusal("include: ${TEAM}.yaml");
    assert!(told.contains("no variable `TEAM`") && told.matches("error[").count() == 1, "{told}");
}

#[test]
fn files_that_include_each_other_are_told() {
    let world = World::default().with_file("etc/a.yaml", "include: b.yaml").with_file("etc/b.yaml", "include: a.yaml");
    insta::assert_snapshot!(world.refusal("include: [ a.yaml ]"));
}

/// What is told of a file in which each path that it includes has what `at` says.
fn told_of(first: &str, at: impl Fn(&Path) -> String) -> String {
    let file = |path: &Path| Ok(at(path));
    let read = read_in(&Source::new("etc/tierline.yaml", first), &Surroundings::new(&|_| None, &file));
    read.expect_err("it is a mistake").render(false)
}

#[test]
fn a_file_that_includes_itself_by_ever_longer_paths_is_told_at_once() {
    let itself = "include: [ a/../tierline.yaml, b/../link-to-tierline.yaml ]\n";
    let told = told_of(itself, |_| itself.to_owned());
    assert_eq!(told.matches("error[").count(), 2, "{told}");
    assert_eq!(told.matches("error[E0017]: this file includes itself by another path").count(), 2, "{told}");
    assert!(told.contains("it says the same as `etc/tierline.yaml`, which includes it"), "{told}");
}

#[test]
fn two_files_that_say_the_same_may_stand_beside_each_other() {
    let world = World::default().with_file("etc/a.yaml", "terms: {}").with_file("etc/b.yaml", "terms: {}");
    world.read("include: [ a.yaml, b.yaml ]").unwrap_or_else(|found| panic!("{}", found.render(false)));
}

#[test]
fn files_within_files_end_at_a_depth() {
    let deeper = |path: &Path| format!("include: a/next.yaml # {}\n", path.display());
    let told = told_of("include: a/next.yaml\n", deeper);
    assert_eq!(told.matches("error[").count(), 1, "{told}");
    assert!(told.contains("error[E0003]: files within files more than 16 deep"), "{told}");
}

#[test]
fn too_many_files_are_told_once() {
    // Two in each: 65,536 readings if only the depth had an end.
    let two = |path: &Path| format!("include: [ a/next.yaml, b/next.yaml ] # {}\n", path.display());
    let told = told_of("include: [ a/next.yaml, b/next.yaml ]\n", two);
    assert_eq!(told.matches("error[E0003]: more than 256 files are included").count(), 1, "{told}");
    assert!(told.matches("error[").count() < 256, "{told}");
}

#[test]
fn mistakes_are_shown_in_the_file_in_which_they_stand() {
    let world = World::default()
        .with_file("etc/shared.yaml", "time: { grace: 1s }\nlog: { kind: embeded }\n")
        .with_file("etc/list.yaml", "- id: r\n");
    insta::assert_snapshot!(
        world.refusal("include: [ shared.yaml, gone.yaml, list.yaml ]\ntime: { grace: 2s }\nrules: []\n")
    );
}
