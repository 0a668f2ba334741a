//! A transaction whose records are not acknowledged for a while, on a real broker: a client that lingers sends them late.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use tierline_stream::log::{Committed, Failure, OutputId, Write};
use tierline_testkit::{Broker, eventually, unique};

use super::Transactions;
use crate::producer::Limits;
use crate::settings::Settings;

/// How long a record waits to be sent: longer than it takes to leave a group.
const LINGERS: &str = "6000";

/// A lane's transactions beside the member that commits them.
struct Outage {
    broker: &'static Broker,
    group: String,
    tickets: String,
    member: Option<BaseConsumer>,
    transactions: Transactions,
}

#[test]
fn what_was_told_before_the_records_were_there_is_told_again() {
    let mut outage = Outage::begin();
    let (committed, asked) = outage.commit(|_| {});
    assert_eq!((committed.unwrap(), asked), (Committed::Yes, 2));
    assert_eq!(outage.position(), Some(3));
}

/// Who is given a task while its former owner waits sees nothing of the records that are not in the changelog yet. So
/// that these may be committed is asked when they are there, and not before.
#[test]
fn who_loses_its_membership_while_its_records_wait_commits_nothing() {
    let mut outage = Outage::begin();
    let (committed, asked) = outage.commit(|member| {
        drop(member.take());
    });
    assert_eq!((committed.unwrap(), asked), (Committed::Aborted, 2));
    assert_eq!(outage.position(), Some(2));
}

impl Outage {
    /// Both producers know who coordinates the group, and two positions are committed.
    fn begin() -> Outage {
        let broker = Broker::shared();
        let [group, tickets, state] = ["outage", "tickets", "state"].map(unique);
        broker.create_topic(&tickets, 1, &[]);
        broker.create_topic(&state, 1, &[]);
        let member: BaseConsumer = broker.client().set("group.id", &group).create().unwrap();
        member.subscribe(&[&tickets]).unwrap();
        eventually("a member of the group", || {
            member.poll(Duration::from_millis(50));
            match member.assignment() {
                Ok(assigned) if assigned.count() == 1 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
        let mut settings = Settings::new(broker.address(), group.clone());
        settings.properties.insert("linger.ms".to_owned(), LINGERS.to_owned());
        let limits = Limits { outputs: vec![Limits::DEFAULT] };
        let mut transactions = Transactions::start(&settings, &tickets, vec![state], limits).unwrap();
        for position in [1, 2] {
            let committed = transactions.commit(&[(0, position)], || member.group_metadata());
            assert_eq!(committed.unwrap(), Committed::Yes);
        }
        Outage { broker, group, tickets, member: Some(member), transactions }
    }

    /// Commits a record and a third position. When the group has been told of it and the record has not been sent, this
    /// happens to the member. What came of it, and how often it was asked who the member is.
    fn commit(
        &mut self,
        happens: impl FnOnce(&mut Option<BaseConsumer>) + Send,
    ) -> (Result<Committed, Failure>, usize) {
        let Outage { broker, group, tickets, member, transactions } = self;
        let known: Vec<ConsumerGroupMetadata> =
            std::iter::from_fn(|| member.as_ref()?.group_metadata()).take(4).collect();
        let (known, asked) = (Mutex::new(known), AtomicUsize::new(0));
        let write = Write { output: OutputId(0), partition: 0, key: Some(b"key"), value: Some(b"value"), headers: &[] };
        transactions.write(write).unwrap();
        transactions.heard().log(RDKafkaLogLevel::Error, "FAIL", "[thrd:b:9092/1]: b:9092/1: Disconnected");
        let committed = std::thread::scope(|scope| {
            scope.spawn(|| {
                // A position that may yet be committed is not told to who wants what is committed.
                eventually("a pending position", || match committed_position(broker, group, tickets) {
                    Err(_) => Ok(()),
                    Ok(position) => Err(format!("{position:?} stands")),
                });
                happens(member);
            });
            transactions.commit(&[(0, 3)], || {
                asked.fetch_add(1, Ordering::SeqCst);
                known.lock().unwrap().pop()
            })
        });
        (committed, asked.into_inner())
    }

    /// What is committed once nothing is pending.
    fn position(&self) -> Option<i64> {
        eventually("what is committed", || committed_position(self.broker, &self.group, &self.tickets))
    }
}

fn committed_position(broker: &Broker, group: &str, tickets: &str) -> Result<Option<i64>, String> {
    let mut client = broker.client();
    client.set("group.id", group).set("isolation.level", "read_committed");
    let asks: BaseConsumer = client.create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(tickets, 0);
    let told = asks.committed_offsets(list, Duration::from_millis(500)).map_err(|error| error.to_string())?;
    Ok(told.elements()[0].offset().to_raw())
}
