//! The configurations that are shipped.

use std::sync::Arc;

use tierline_config::{Clock, Config, EXAMPLE, Log, read};
use tierline_rules::source::Source;

fn without_a_word(name: &str, text: &str) -> Config {
    let source: Arc<Source> = Source::new(name, text);
    match read(&source) {
        Ok((config, warnings)) => {
            assert_eq!(warnings, [], "{name}");
            config
        }
        Err(found) => panic!("{}", found.render(false)),
    }
}

#[test]
fn the_built_in_example_reads_without_a_warning_and_holds_the_reference_rules() {
    let config = without_a_word("the built-in example", EXAMPLE);
    assert!(matches!(config.log, Log::Embedded { partitions: 4, .. }));
    assert_eq!(config.time.clock, Clock::Wall);
    assert!(config.rules.rules.iter().all(|rule| rule.description.is_some()));
    let sentences: Vec<_> = config.rules.rules.iter().map(|rule| format!("{}: {}", rule.id, rule.sentence())).collect();
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn the_deployed_configuration_has_the_rules_of_the_example() {
    let deployed = without_a_word("deploy/tierline.yaml", include_str!("../../../../deploy/tierline.yaml"));
    assert!(matches!(&deployed.log, Log::Kafka(kafka) if kafka.instance == "compose"));
    let fingerprints = |config: &Config| -> Vec<_> {
        let rules = config.rules.rules.iter().map(|rule| (rule.id.clone(), rule.fingerprint.clone()));
        rules
            .chain(config.rules.policies.iter().map(|policy| (policy.id.clone(), policy.fingerprint.clone())))
            .collect()
    };
    assert_eq!(fingerprints(&deployed), fingerprints(&without_a_word("the built-in example", EXAMPLE)));
}

#[test]
fn what_the_example_says_of_clusters_is_right_once_its_marks_are_taken_away() {
    let on_a_cluster: String = EXAMPLE
        .lines()
        .skip_while(|line| !line.starts_with("# log:"))
        .take_while(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').strip_prefix(' ').unwrap_or("").to_owned() + "\n")
        .collect();
    let world = crate::kit::World::default().with_variable("KAFKA_PASSWORD", "x");
    let (config, warnings) = world.read(&format!("{}{on_a_cluster}", crate::kit::A_RULE)).expect("it is right");
    assert_eq!(warnings, []);
    assert!(config.registry.is_some());
    assert!(matches!(&config.log, Log::Kafka(kafka) if kafka.secrets.contains_key("sasl.password")));
}
