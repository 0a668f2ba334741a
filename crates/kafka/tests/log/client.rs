//! What a person's command sees of the cluster.

use std::ops::ControlFlow;
use std::time::Duration;

use rdkafka::producer::Producer;
use tierline_kafka::{KafkaClient, Settings};
use tierline_stream::client::{Client, From, Outgoing};
use tierline_stream::log::{Failure, Offset, Partition};
use tierline_stream::partitioner::partition_of;

use crate::lane::{Place, text};

const IDLE: Duration = Duration::from_millis(100);

fn client(place: &Place) -> KafkaClient {
    KafkaClient::connect(Settings::new(place.broker.address(), &place.group)).unwrap()
}

fn read(client: &mut KafkaClient, topic: &str, from: From) -> Vec<(Partition, Offset, String)> {
    let mut seen = Vec::new();
    client
        .read(topic, from, true, IDLE, &mut |record| {
            seen.extend(record.map(|record| (record.partition, record.offset, text(record.value))));
            ControlFlow::Continue(())
        })
        .unwrap();
    seen
}

#[test]
fn a_record_lands_where_any_clients_would_and_says_where() {
    let place = Place::new(3);
    let mut client = client(&place);
    let keys = ["acme", "globex", "initech", "umbrella", "a", "b", "c", "d"];
    for key in keys {
        let (partition, _) =
            client.send(&place.tickets, None, Some(key.as_bytes()), Some(b"v"), &[("h", b"x")]).unwrap();
        assert_eq!(partition, partition_of(key.as_bytes(), 3), "{key}");
    }
    let records = place.broker.records(&place.tickets);
    assert_eq!(records.len(), keys.len());
    assert!(records.iter().all(|raw| raw.header("h") == "x"));
}

#[test]
fn many_records_are_sent_in_order_and_each_has_its_place() {
    let place = Place::new(2);
    let records: Vec<Outgoing> = (0..500)
        .map(|n| Outgoing { partition: Some(1), value: Some(format!("{n}").into()), ..Outgoing::default() })
        .collect();
    let mut client = client(&place);
    let places = client.send_all(&place.tickets, &records).unwrap();
    assert_eq!(places, (0..500).map(|offset| (1, offset)).collect::<Vec<_>>());
    let seen = read(&mut client, &place.tickets, From::Start);
    assert_eq!(seen, (0..500).map(|n| (1, n, n.to_string())).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_written_is_said_and_the_client_is_fit_for_more() {
    let place = Place::new(1);
    let mut client = client(&place);
    let refused = client.send(&place.out, None, None, Some(&[b'x'; 30_000]), &[]);
    assert!(matches!(&refused, Err(Failure::Refused(why)) if why.contains(&place.out)), "{refused:?}");
    let nowhere = client.send("no-such-topic", None, None, Some(b"x"), &[]).unwrap_err().to_string();
    assert!(nowhere.contains("no-such-topic"), "{nowhere}");
    assert_eq!(client.send(&place.out, Some(0), None, None, &[]).unwrap(), (0, 0));
}

#[test]
fn committed_records_alone_are_read_and_the_reading_ends_behind_what_was_aborted() {
    let place = Place::new(1);
    let mut client = client(&place);
    assert_eq!(read(&mut client, &place.out, From::Start), []);
    place.transaction(&place.out, 0, &["a", "b"]).commit_transaction(Duration::from_secs(30)).unwrap();
    place.transaction(&place.out, 0, &["never"]).abort_transaction(Duration::from_secs(30)).unwrap();
    let all = [(0, 0, "a".to_owned()), (0, 1, "b".to_owned())];
    assert_eq!(read(&mut client, &place.out, From::Start), all);
    assert_eq!(read(&mut client, &place.out, From::At(0, 1)), all[1..]);
    assert_eq!(read(&mut client, &place.out, From::End), []);
    let beyond = client.read(&place.out, From::At(0, 99), true, IDLE, &mut |_| ControlFlow::Continue(()));
    let beyond = beyond.unwrap_err().to_string();
    assert!(beyond.contains("has no record 99"), "{beyond}");
}

#[test]
fn a_tail_sees_what_comes_and_is_asked_now_and_then_whether_it_is_enough() {
    let place = Place::new(2);
    place.send(&place.out, 0, &["before"]);
    let mut client = client(&place);
    let (mut seen, mut sent) = (Vec::new(), false);
    client
        .read(&place.out, From::End, false, IDLE, &mut |record| match record {
            Some(record) => {
                seen.push(text(record.value));
                if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            None => {
                if !std::mem::replace(&mut sent, true) {
                    place.send(&place.out, 1, &["after"]);
                    place.send(&place.out, 1, &["after"]);
                }
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(seen, ["after", "after"]);
}

#[test]
fn a_topic_says_how_many_partitions_it_has_or_that_it_is_not_there() {
    let place = Place::new(3);
    let mut client = client(&place);
    assert_eq!(client.partitions(&place.out).unwrap(), Some(3));
    assert_eq!(client.partitions("no-such-topic").unwrap(), None);
}
