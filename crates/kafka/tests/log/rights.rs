//! A right that is missing is named: on a broker that asks for rights.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;

use tierline_kafka::{Admin, KafkaLog, Settings};
use tierline_stream::log::Failure;
use tierline_testkit::{Broker, Settings as BrokerSettings, eventually, unique};

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

#[derive(Clone, Copy)]
enum Resource {
    Topic = 2,
    Group = 3,
    TransactionalId = 5,
}

#[derive(Clone, Copy)]
enum Right {
    Read = 3,
    Describe = 8,
    DescribeConfigs = 10,
}

/// Grants everybody these rights on something, and thereby takes all others away. librdkafka knows how to, its binding
/// does not: this is `CreateAcls`, version 1.
fn only(resource: Resource, name: &str, rights: &[Right]) {
    let text = |text: &str| [&(text.len() as i16).to_be_bytes()[..], text.as_bytes()].concat();
    let mut request = [&30_i16.to_be_bytes()[..], &1_i16.to_be_bytes(), &7_i32.to_be_bytes(), &text("test")].concat();
    request.extend((rights.len() as i32).to_be_bytes());
    for &right in rights {
        let (literal, allow) = (3, 3);
        request.push(resource as u8);
        request.extend(text(name));
        request.push(literal);
        request.extend([text("User:*"), text("*")].concat());
        request.extend([right as u8, allow]);
    }
    let mut stream = TcpStream::connect(broker().address()).expect("the broker is there");
    stream.write_all(&(request.len() as i32).to_be_bytes()).expect("the broker reads");
    stream.write_all(&request).expect("the broker reads");
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("the broker answers");
    let mut answer = vec![0; i32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).expect("the broker answers");
    // Correlation, throttling, count; then of each an error code and no message.
    let codes: Vec<&[u8]> = answer[12..].chunks(4).map(|result| &result[..2]).collect();
    assert_eq!(codes, vec![&[0, 0][..]; rights.len()], "{answer:?}");
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
