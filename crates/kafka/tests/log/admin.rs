//! Topics as they should be, and a start that says all that is wrong with them.

use std::time::Duration;

use tierline_kafka::admin::{Made, Severity};
use tierline_kafka::{Admin, KafkaClient, KafkaLog, Settings};
use tierline_stream::client::Client;
use tierline_stream::log::Failure;
use tierline_stream::topics::{Cleanup, Names, TopicSpec, detect_topics};
use tierline_testkit::{Broker, free_port, unique};

fn admin() -> Admin {
    Admin::connect(&Settings::new(Broker::shared().address(), "nobody")).unwrap()
}

fn specs() -> Vec<TopicSpec> {
    detect_topics(&Names::with_prefix(&unique("topics.")))
}

#[test]
fn topics_that_were_made_are_as_they_should_be_and_stay_as_they_are() {
    let (admin, specs) = (admin(), specs());
    let made = admin.create(&specs, 3, None).unwrap();
    assert_eq!(made.len(), specs.len());
    assert!(made.iter().all(|(_, made)| *made == Made::Created), "{made:?}");
    assert_eq!(admin.check(&specs).unwrap(), []);
    let again = admin.create(&specs, 5, Some(1)).unwrap();
    assert!(again.iter().all(|(_, made)| *made == Made::Existed), "{again:?}");
    assert_eq!(admin.refuse_mistakes(&specs).unwrap(), []);
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_what_mends_it() {
    let (admin, broker, specs) = (admin(), Broker::shared(), specs());
    let compacted = |spec: &&TopicSpec| matches!(spec.cleanup, Cleanup::Compact { .. });
    let driver = &specs[0].name;
    let snapshots = &specs.iter().find(compacted).unwrap().name;
    let changes = &specs.iter().skip(1).find(|spec| !compacted(spec)).unwrap().name;
    let state = &specs.iter().rfind(compacted).unwrap().name;
    broker.create_topic(driver, 3, &[("message.timestamp.type", "CreateTime"), ("retention.ms", "60000")]);
    broker.create_topic(snapshots, 3, &[("cleanup.policy", "delete"), ("message.timestamp.type", "LogAppendTime")]);
    broker.create_topic(changes, 2, &[("message.timestamp.type", "LogAppendTime")]);
    broker.create_topic(state, 4, &[("cleanup.policy", "compact"), ("delete.retention.ms", "1000")]);
    let Err(Failure::Fatal(told)) = admin.refuse_mistakes(&specs) else { panic!("much is wrong") };
    let missing = specs.len() - 4;
    assert_eq!(told.matches("does not exist; mend it with: tierline topics create").count(), missing, "{told}");
    for part in [
        format!("--alter --topic {changes} --partitions 3"),
        format!("`{state}`: has 4 partitions, `{driver}` has 3"),
        format!("--delete --topic {state}"),
        format!("--entity-name {snapshots} --add-config cleanup.policy=compact"),
    ] {
        assert!(told.contains(&part), "{part} is not in: {told}");
    }
    let found = admin.check(&specs).unwrap();
    let warnings: Vec<String> = found
        .iter()
        .filter(|difference| difference.severity == Severity::Warning)
        .map(|difference| format!("{} {}", difference.topic, difference.what))
        .collect();
    let warned = |topic: &str, of: &str| warnings.iter().any(|line| line.starts_with(topic) && line.contains(of));
    assert!(warned(driver, "message.timestamp.type is CreateTime"), "{warnings:?}");
    assert!(warned(driver, "keeps records for 60000 ms"), "{warnings:?}");
    assert!(warned(state, "keeps tombstones for 1000 ms"), "{warnings:?}");
    assert!(warned(state, "may linger"), "{warnings:?}");
}

#[test]
fn a_lane_does_not_start_without_its_topics_and_names_them_all() {
    let settings = Settings::new(Broker::shared().address(), unique("group"));
    let (input, output) = (unique("no-input"), unique("no-output"));
    let Err(failure) = KafkaLog::connect(settings, vec![input.clone()], vec![output.clone()]) else {
        panic!("there are no such topics")
    };
    let told = failure.to_string();
    assert!(told.contains(&input) && told.contains(&output) && told.contains("tierline topics create"), "{told}");
}

#[test]
fn a_cluster_that_does_not_answer_is_named() {
    let nobody = format!("127.0.0.1:{}", free_port());
    let settings = Settings { patience: Duration::from_millis(500), ..Settings::new(&nobody, "nobody") };
    let told = KafkaClient::connect(settings).unwrap().partitions("tickets").unwrap_err().to_string();
    assert!(told.contains("broker unreachable") && told.contains(&nobody), "{told}");
    assert!(told.contains("refused"), "{told}");
}
