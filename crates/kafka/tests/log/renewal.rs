//! A broker that stops answering in the middle of a transaction: what became of it is not known, so its producer is made
//! anew, and exactly one of the two outcomes is then true.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};

use tierline_kafka::Settings;
use tierline_stream::log::Committed;
use tierline_testkit::{Broker, Settings as BrokerSettings, eventually};

use crate::lane::{Lane, OUT, Place};

#[test]
fn a_producer_whose_transaction_timed_out_is_made_anew_and_its_lane_goes_on() {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    let broker = BROKER.get_or_init(|| Broker::own(&BrokerSettings::default()));
    let place = Place::on(broker, 1);
    let mut lane = Lane::over(place.connect(hasty(&place)).unwrap());
    lane.comes_to_own(1);
    lane.write(OUT, "before").unwrap();
    assert_eq!(lane.commit(1).unwrap(), Committed::Yes);

    let end = || broker.ends(&place.out)[0].1;
    let before = end();
    lane.write(OUT, "half of it").unwrap();
    // A transaction of which the broker has not heard could be forgotten without it.
    eventually("the broker to have a part of the transaction", || if end() > before { Ok(()) } else { Err("not yet") });
    broker.freeze();
    let (said, hears) = channel();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(Line(said))).finish();
    let ended = std::thread::scope(|scope| {
        // The new producer's initialisation waits for the broker: so the broker must go on before the commit returns.
        scope.spawn(move || {
            let anew = hears.iter().find(|line| line.contains("making its producer anew"));
            broker.thaw();
            assert!(anew.is_some(), "the lane never said that it makes its producer anew");
        });
        tracing::subscriber::with_default(subscriber, || lane.write(OUT, "the rest").and_then(|()| lane.commit(2)))
    });
    assert_eq!(ended.unwrap(), Committed::Aborted);

    for (value, offset) in [("after", 2), ("of the other producer", 3)] {
        // On a slow machine two seconds may be too few for this one as well.
        eventually("a transaction in time", || {
            lane.write(OUT, value).unwrap();
            match lane.commit(offset).unwrap() {
                Committed::Yes => Ok(()),
                aborted => Err(format!("{aborted:?}")),
            }
        });
    }
    place.comes_to_hold(&place.out, &["before", "after", "of the other producer"]);
    assert_eq!(place.positions(), 3);
}

/// Of a member that gives a transaction up soon, and stays a member for longer than that.
fn hasty(place: &Place) -> Settings {
    let mut settings = place.settings("hasty");
    for (name, value) in [("transaction.timeout.ms", "2000"), ("session.timeout.ms", "60000")] {
        settings.properties.insert(name.into(), value.into());
    }
    settings.properties.insert("max.poll.interval.ms".into(), "120000".into());
    settings
}

struct Line(Sender<String>);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whoever listened has heard enough.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
