//! Two instances share the partitions: whichever is asked about a ticket, its owner tells.

use serde_json::{Value, json};

use crate::deployment::{Deployment, FIRST, Instance, SECOND, WALL_TIME, now};
use crate::events::created;

const RULES: &str = "rules: [ { id: urgent, tier: 3, when: { ticket.priority: urgent } } ]";
const PARTITIONS: u32 = 4;
const ACCOUNTS: usize = 12;

#[test]
fn whichever_instance_is_asked_the_tickets_owner_tells() {
    let kafka = Deployment::on_kafka(PARTITIONS, &format!("{WALL_TIME}\n{RULES}"));
    let mut first = kafka.run(FIRST);
    let mut second = kafka.run(SECOND);
    kafka.wait_members(&mut first, 2);
    let ticket = |n: usize| created(&format!("a{n}"), &format!("T{n}"), now(), json!({ "priority": "urgent" }));
    kafka.send("tickets", &(0..ACCOUNTS).map(ticket).collect::<Vec<_>>());
    kafka.wait_drained(&mut first);

    let mut told_by = [0, 0];
    for n in 0..ACCOUNTS {
        let path = format!("/v1/why/T{n}");
        let answers = [&mut first, &mut second].map(|instance| {
            let path = path.clone();
            settled(instance, &path)
        });
        let owner = answers.iter().position(|answer| answer["ticket_id"] == format!("T{n}"));
        let owner = owner.unwrap_or_else(|| panic!("nobody tells of T{n}: {answers:?}"));
        told_by[owner] += 1;
        let (instances, other) = ([&first, &second], 1 - owner);
        let expected = json!({ "error": "another instance owns it", "instances": [instances[owner].address()] });
        assert_eq!(answers[other], expected);
        // With its account the owner of the partition is known, whatever else there is.
        assert_eq!(answer(instances[other], &format!("{path}?account=a{n}")), expected);

        // The command follows, whomever it asks first.
        for instance in instances {
            let asked = ["why", &format!("T{n}"), "--instance", &instance.address(), "--output", "json"];
            let asked = kafka.command(&asked).well();
            assert_eq!(asked.err, format!("told by the instance at {}\n", instances[owner].address()));
            let told: Value = serde_json::from_str(&asked.out).expect("it is JSON");
            assert_eq!((&told["ticket_id"], &told["tier"]), (&json!(format!("T{n}")), &json!(3)));
        }
    }
    assert!(told_by.iter().all(|&told| told > 0), "{told_by:?}");

    // One that there is not: each names the other, and nobody can say that no third has it; the account's owner can.
    let unknown = |more: &[&str]| {
        let asked = kafka.command(&[&["why", "T99", "--instance", &first.address()], more].concat());
        (asked.code, asked.out)
    };
    assert_eq!(unknown(&[]), (Some(2), String::new()));
    assert_eq!(unknown(&["--account", "a0"]), (Some(1), String::new()));
    // Nothing has to run to read the state that was written.
    second.end();
    first.end();
    let written = kafka.command(&["why", "T0", "--log", "--output", "json"]).well();
    assert_eq!(serde_json::from_str::<Value>(&written.out).expect("it is JSON")["tier"], 3);
}

/// What is answered once it is anything but that the instance is busy.
fn settled(instance: &mut Instance, path: &str) -> Value {
    let address = instance.address();
    instance.wait_for("it to answer", || match get(&address, path) {
        (200 | 421, body) => Ok(body),
        other => Err(format!("{other:?}")),
    })
}

fn answer(instance: &Instance, path: &str) -> Value {
    get(&instance.address(), path).1
}

fn get(address: &str, path: &str) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("{address}{path}")).call().expect("it answers");
    let body = answer.body_mut().read_to_string().expect("a text");
    (answer.status().as_u16(), serde_json::from_str(&body).expect("it is JSON"))
}
