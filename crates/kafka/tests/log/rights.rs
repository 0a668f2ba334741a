//! A right that is missing is named: on a broker that asks for rights.

use std::sync::OnceLock;

use tierline_kafka::{Admin, KafkaLog, Settings};
use tierline_stream::log::Failure;
use tierline_testkit::{Broker, Grant, Resource, Right, Settings as BrokerSettings, eventually, unique};

use crate::lane::{Lane, OUT};

/// Its users may do anything with whatever nobody has been granted a right on.
fn broker() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER.get_or_init(|| {
        let properties = [
            ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
            ("allow.everyone.if.no.acl.found", "true"),
        ];
        let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Broker::own(&BrokerSettings { properties, ..BrokerSettings::default() })
    })
}

/// Grants everybody these rights on something, and thereby takes all others away.
fn only(resource: Resource, name: &str, rights: &[Right]) {
    broker().grant(&Grant { principal: "User:*", resource, name, rights });
}

struct Place {
    tickets: String,
    accounts: String,
    out: String,
    settings: Settings,
}

impl Place {
    fn new() -> Place {
        let [tickets, accounts, out] = ["tickets", "accounts", "out"].map(unique);
        for topic in [&tickets, &accounts, &out] {
            broker().create_topic(topic, 1, &[]);
        }
        Place { tickets, accounts, out, settings: Settings::new(broker().address(), unique("group")) }
    }

    fn connect(&self) -> Result<KafkaLog, Failure> {
        let inputs = vec![self.tickets.clone(), self.accounts.clone()];
        KafkaLog::connect(self.settings.clone(), inputs, vec![self.out.clone(), self.out.clone()])
    }
}

/// What the lane is told when it polls.
fn told(place: &Place) -> String {
    let mut lane = Lane::over(place.connect().expect("so far it may"));
    eventually("a refusal", || match lane.poll() {
        Err(failure) => Ok(failure.to_string()),
        Ok(change) => Err(format!("{change:?}")),
    })
}

#[test]
fn an_output_that_may_not_be_written_ends_the_lane_and_is_named() {
    let place = Place::new();
    only(Resource::Topic, &place.out, &[Right::Describe, Right::DescribeConfigs]);
    let mut lane = Lane::over(place.connect().unwrap());
    lane.comes_to_own(1);
    let written = lane.write(OUT, "x").and_then(|()| lane.commit(1));
    assert!(
        matches!(&written, Err(Failure::Fatal(why)) if why.contains(&place.out) && why.contains("WRITE")),
        "{written:?}"
    );
}

#[test]
fn an_output_that_may_not_be_written_ends_a_lane_that_writes_on_and_on() {
    let place = Place::new();
    only(Resource::Topic, &place.out, &[Right::Describe, Right::DescribeConfigs]);
    let mut lane = Lane::over(place.connect().unwrap());
    lane.comes_to_own(1);
    let refused = eventually("a refusal", || match lane.write(OUT, "x") {
        Err(failure) => Ok(failure),
        Ok(()) => Err("taken"),
    });
    assert!(matches!(&refused, Failure::Fatal(why) if why.contains("WRITE")), "{refused:?}");
}

#[test]
fn an_input_that_may_not_be_read_is_named() {
    let place = Place::new();
    only(Resource::Topic, &place.accounts, &[Right::Describe]);
    let told = told(&place);
    assert!(told.contains(&place.accounts) && told.contains("READ"), "{told}");
}

#[test]
fn a_topic_that_may_not_be_seen_is_named() {
    let place = Place::new();
    // Read implies describe; nothing that a client does needs the right to a topic's configuration alone.
    only(Resource::Topic, &place.tickets, &[Right::DescribeConfigs]);
    let told = place.connect().map(|_| ()).unwrap_err().to_string();
    assert!(told.contains(&place.tickets) && told.contains("DESCRIBE"), "{told}");
}

#[test]
fn a_group_that_may_not_be_joined_is_named() {
    let place = Place::new();
    only(Resource::Group, &place.settings.group, &[Right::Describe]);
    let told = told(&place);
    assert!(told.contains(&place.settings.group) && told.contains("READ on group"), "{told}");
}

#[test]
fn a_transactional_id_that_may_not_be_used_is_named() {
    let place = Place::new();
    let id = format!("{}-detect-0-0-b", place.settings.group);
    only(Resource::TransactionalId, &id, &[Right::Describe]);
    let told = place.connect().map(|_| ()).unwrap_err().to_string();
    assert!(told.contains(&id) && told.contains("WRITE"), "{told}");
}

#[test]
fn topics_whose_configuration_may_not_be_seen_cannot_be_checked_and_the_right_is_named() {
    let place = Place::new();
    only(Resource::Topic, &place.out, &[Right::Read]);
    let admin = Admin::connect(&place.settings).unwrap();
    let told = admin.max_message_bytes(&[&place.out]).unwrap_err().to_string();
    assert!(told.contains(&place.out) && told.contains("DESCRIBE_CONFIGS"), "{told}");
}
