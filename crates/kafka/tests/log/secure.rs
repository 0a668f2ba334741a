//! TLS and SCRAM, with the right password and with a wrong one.

use std::time::Duration;

use tierline_kafka::{KafkaClient, Settings};
use tierline_stream::client::Client;
use tierline_testkit::{Broker, Listener, Settings as BrokerSettings};

#[test]
fn a_wrong_password_is_told_as_what_it_is_and_the_right_one_lets_in() {
    let (user, password) = ("tierline".to_owned(), "a password of its own".to_owned());
    let listener = Listener::Scram { user: user.clone(), password: password.clone() };
    let broker = Broker::own(&BrokerSettings { listener, ..BrokerSettings::default() });
    broker.create_topic("tickets", 1, &[]);
    let authority = broker.certificates().expect("it has a TLS listener").authority();
    let with = |password: &str, authority: &str| {
        let mut settings = Settings { patience: Duration::from_secs(20), ..Settings::new(broker.address(), "group") };
        for (name, value) in [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", &user),
            ("sasl.password", password),
            ("ssl.ca.location", authority),
        ] {
            settings.properties.insert(name.into(), value.into());
        }
        KafkaClient::connect(settings).unwrap()
    };
    let authority = authority.display().to_string();
    let mut client = with(&password, &authority);
    assert_eq!(client.send("tickets", None, None, Some(b"x"), &[]).unwrap(), (0, 0));
    let refused = with("wrong", &authority).partitions("tickets").unwrap_err().to_string();
    assert!(refused.contains("refused the connection") && refused.contains("sasl.password"), "{refused}");
    assert!(!refused.contains(&password) && !refused.contains("wrong"), "{refused}");
}
