//! TLS with a certificate authority of one's own and SCRAM: with the right password everything works; with a wrong one,
//! or without rights, the message says what is wrong and where to look.

use serde_json::json;
use tierline_testkit::{Broker, Listener, Settings};

use crate::deployment::{Deployment, FIRST, REFERENCE_RULES, WALL_TIME, now};
use crate::events::{bill, created};

pub const USER: &str = "tierline";
const PASSWORD: &str = "open-sesame-2025";

#[test]
fn the_pipeline_works_by_tls_with_the_right_password_and_names_a_wrong_one() {
    let listener = Listener::Scram { user: USER.to_owned(), password: PASSWORD.to_owned() };
    let broker = Broker::own(&Settings { heap_mb: 256, listener, ..Settings::default() });
    let right = deployment(&broker);
    right.command(&["topics", "create", "--partitions", "1"]).well();
    let mut running = right.run(FIRST);
    right.send("billing", &[bill("acme", "past_due")]);
    right.send("tickets", &[created("acme", "T1", now(), json!({ "priority": "urgent" }))]);
    right.wait_for_escalation(&mut running, "an escalation", |record| record["rule"] == "urgent-past-due");
    running.end();

    let wrong = deployment_with(&broker, "guessed");
    for command in [&["run"][..], &["topics", "check"], &["tail", "escalations", "--from-start", "--until-end"]] {
        let answer = wrong.command(command);
        assert_eq!(answer.code, Some(2), "{command:?}: {answer:?}");
        assert!(answer.err.contains("sasl.password"), "{command:?} does not say where to look: {}", answer.err);
        assert!(!answer.err.contains("guessed"), "{command:?} shows the password: {}", answer.err);
    }
}

#[test]
fn a_right_that_is_missing_is_named_with_what_it_is_missing_on() {
    let broker = asking_for_rights();
    let deployment = deployment(&broker);
    for command in [&["topics", "create"][..], &["run"]] {
        let answer = deployment.command(command);
        assert_eq!(answer.code, Some(2), "{command:?}: {answer:?}");
        assert!(
            answer.err.contains("not allowed on topic") && answer.err.contains("ACL"),
            "{command:?}: {}",
            answer.err
        );
    }
}

/// A broker on which our user may do nothing that it has not been granted.
pub fn asking_for_rights() -> Broker {
    let listener = Listener::Scram { user: USER.to_owned(), password: PASSWORD.to_owned() };
    // Whoever comes by the plain listener may do everything.
    let properties = [
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        ("super.users", "User:ANONYMOUS"),
    ];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Broker::own(&Settings { heap_mb: 256, listener, properties })
}

/// Of our user, by TLS.
pub fn deployment(broker: &Broker) -> Deployment {
    deployment_with(broker, PASSWORD)
}

fn deployment_with(broker: &Broker, password: &str) -> Deployment {
    let authority = broker.certificates().expect("it has TLS").authority();
    let properties = format!(
        "    security.protocol: SASL_SSL\n    sasl.mechanism: SCRAM-SHA-512\n    sasl.username: {USER}\n    \
         sasl.password: {{ file: password }}\n    ssl.ca.location: {}\n",
        authority.display()
    );
    let config = format!("{WALL_TIME}\nscorer: builtin\n{REFERENCE_RULES}");
    let deployment = Deployment::without_topics(broker.address(), &properties, &config);
    deployment.write("password", password);
    deployment
}
