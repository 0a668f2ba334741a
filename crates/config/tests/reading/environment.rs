//! `${NAME}`.

use tierline_config::Log;

use crate::kit::{A_RULE, World};

fn listen(world: &World, written: &str) -> String {
    let read = world.read(&format!("{A_RULE}observe:\n  listen: {written}\n"));
    read.map_or_else(|found| found.render(false), |(config, _)| config.observe.listen.to_string())
}

#[test]
fn a_variable_stands_for_its_value_or_its_default() {
    let world = World::default().with_variable("PORT", "80").with_variable("EMPTY", "");
    assert_eq!(listen(&world, "127.0.0.1:${PORT}"), "127.0.0.1:80");
    assert_eq!(listen(&world, "\"${HOST:-127.0.0.2}:${PORT:-9464}\""), "127.0.0.2:80");
    assert_eq!(listen(&world, "127.0.0.1:${EMPTY:-81}"), "127.0.0.1:81");
    assert_eq!(listen(&world, "${EMPTY}"), "127.0.0.1:9464", "nothing is as if left out");
}

#[test]
fn a_variable_can_be_a_number() {
    let world = World::default().with_variable("PARTITIONS", "12");
    let (config, _) = world.read(&format!("{A_RULE}log:\n  kind: embedded\n  partitions: ${{PARTITIONS}}\n")).unwrap();
    assert!(matches!(config.log, Log::Embedded { partitions: 12, .. }));
}

#[test]
fn a_dollar_before_it_keeps_it_as_it_stands() {
    let text = "rules: [ { id: r, tier: 2, when: { ticket.spam: true }, suggest: 'Look into $${HOME}, 5 $.' } ]";
    let (config, _) = World::default().read(text).unwrap();
    assert_eq!(config.rules.rules[0].suggest.as_deref(), Some("Look into ${HOME}, 5 $."));
}

#[test]
fn a_missing_variable_is_one_mistake_and_not_two() {
    let told =
        World::default().refusal(&format!("{A_RULE}observe:\n  listen: ${{LISTEN}}\ntime:\n  grace: ${{GRACE}}\n"));
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_no_variable_is_told() {
    for written in ["${}", "${1}", "${A B}", "${A-b}", "${A"] {
        let told = listen(&World::default(), &format!("'{written}'"));
        assert_eq!(told.matches("error[").count(), 1, "{told}");
        assert!(told.contains("error[E0021]"), "{told}");
    }
}
