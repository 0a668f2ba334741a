//! The score stage beside detect: what a customer writes on `tickets` fires a rule on the right ticket, with the words
//! that decided; each message is scored once, whatever is killed meanwhile.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};
use tierline_testkit::Broker;

use crate::deployment::{Deployment, EVENT_TIME, FIRST, Instance, WALL_TIME, instant, millis, now};
use crate::events::{HOUR, MINUTE, START, account, created, event};

const PARTITIONS: u32 = 2;

const AT_RISK: &str = "
scorer: builtin
rules:
  - id: at-risk
    tier: 3
    when: { all: [ { ticket.escalation_risk: high }, { account.plan: enterprise } ] }
";

const UPSET: &str = "This is the third time I ask. I am seriously considering canceling.";
const CALM: &str = "Could you please tell me where I find the invoice of May?";

/// The customer writes.
fn wrote(account: &str, ticket: &str, at: i64, text: &str) -> Value {
    let message = json!({ "id": format!("{ticket}-{at}"), "author": "customer", "public": true, "text": text });
    event("message", account, ticket, at, json!({ "message": message }))
}

fn known() -> [Value; 2] {
    [account("large", json!({ "plan": "enterprise" })), account("small", json!({ "plan": "free" }))]
}

#[test]
fn a_message_that_threatens_to_leave_escalates_its_ticket_with_the_words_that_decided() {
    let kafka = Deployment::on_kafka(PARTITIONS, &format!("{WALL_TIME}\n{AT_RISK}"));
    kafka.send("accounts", &known());
    let mut running = kafka.run(FIRST);
    assert!(running.says("/readyz").contains("\nscore partition 1: "), "{}", running.says("/readyz"));
    let at = now() - MINUTE;
    let tickets = [
        created("large", "L1", at, json!({})),
        created("large", "L2", at, json!({})),
        created("small", "S1", at, json!({})),
        wrote("large", "L1", at + 1_000, CALM),
        wrote("small", "S1", at + 2_000, UPSET),
        wrote("large", "L2", at + 3_000, UPSET),
        event("message", "large", "L1", at + 4_000, json!({ "message": { "author": "agent", "text": UPSET } })),
    ];
    kafka.send("tickets", &tickets);
    let told = kafka.wait_for_escalation(&mut running, "the ticket to escalate", |record| record["ticket_id"] == "L2");
    wait_scored(&kafka, &mut running);
    assert_eq!(told.len(), 1, "{told:?}");
    let told = &told[0];
    assert_eq!((&told["rule"], &told["tier"]), (&json!("at-risk"), &json!(3)));
    assert_eq!(millis(&told["became_true_at"]), at + 3_000, "as of the message, not of its score");
    let risk = &told["evidence"][0];
    let value = risk["value"].as_str().unwrap_or_default();
    assert!(value.contains("“seriously considering” (cancellation)"), "{risk}");
    assert!(value.contains("labelled"), "{risk}");
    assert_eq!(risk["source"], "tierline-lexicon 1");
    // Two signals of each of six messages by customers: three at the creation.
    assert_eq!(kafka.records("signals").len(), 12);
    assert_eq!(running.metric("tierline_messages_scored_total", "outcome=\"scored\""), 6.0);
    let tickets = format!("topic=\"{}\"", kafka.topic("tickets"));
    assert_eq!(running.metric("tierline_records_total", &tickets), 7.0, "they count as detect reads them");
    assert_eq!(running.metric("tierline_stage_records_total", &tickets), 7.0);
    assert_eq!(running.metric("tierline_score_seconds_count", ""), 6.0);
    running.end();
}

#[test]
fn messages_are_scored_once_whatever_is_killed() {
    let config = format!("{EVENT_TIME}\n{AT_RISK}");
    let tickets: Vec<Value> = (0..3_000)
        .map(|n| {
            let (account, ticket) = (format!("a{}", n % 20), format!("T{}", n % 20));
            wrote(&account, &ticket, START + n * 1_000, if n % 3 == 0 { UPSET } else { CALM })
        })
        .collect();
    let end = START + HOUR;
    let kafka = Deployment::slow(PARTITIONS, &config);
    thread::scope(|scope| {
        let sender = scope.spawn(|| tickets.chunks(25).for_each(|tickets| kafka.send("tickets", tickets)));
        for _ in 0..3 {
            let passed = scored(&kafka).0;
            let mut running = kafka.start(FIRST);
            running.wait_for("more messages to be scored", || match scored(&kafka).0 {
                now if now > passed => Ok(()),
                now => Err(format!("{now} are")),
            });
            running.process.kill();
        }
        assert!(!sender.is_finished(), "the messages had stopped to flow before the last kill");
    });
    kafka.run_until(end);

    let quiet = Deployment::embedded(PARTITIONS, &config);
    quiet.send("tickets", &tickets);
    quiet.run_until(end);
    let (disturbed, expected) = (kafka.records("signals"), quiet.records("signals"));
    assert_eq!(disturbed.len(), 6_000);
    let by_id = |signals: &[Value]| -> BTreeMap<String, Value> {
        signals.iter().map(|signal| (signal["signal_id"].to_string(), signal.clone())).collect()
    };
    assert_eq!(by_id(&disturbed).len(), disturbed.len(), "an id comes twice");
    assert_eq!(by_id(&disturbed), by_id(&expected));
}

#[test]
fn a_backlog_is_scored_before_its_tickets_are_read_and_comes_out_the_same_on_both_logs() {
    let config = format!("{EVENT_TIME}\n{AT_RISK}");
    let mut tickets = Vec::new();
    for n in 0..40 {
        let (account, ticket, at) = (["large", "small"][n % 2], format!("T{n}"), START + n as i64 * MINUTE);
        tickets.push(created(account, &ticket, at, json!({})));
        tickets.push(wrote(account, &ticket, at + 10_000, if n % 4 == 0 { UPSET } else { CALM }));
    }
    let through = |deployment: &Deployment| {
        deployment.send("accounts", &known());
        deployment.send("tickets", &tickets);
        deployment.run_until(START + 2 * HOUR);
        // The second time there is nothing left to score.
        deployment.run_until(START + 3 * HOUR);
        deployment.outcome()
    };
    let (embedded, kafka) = (Deployment::embedded(PARTITIONS, &config), Deployment::on_kafka(PARTITIONS, &config));
    let expected = through(&embedded);
    through(&kafka).assert_is(&expected);
    let told = embedded.records("escalations");
    assert_eq!(told.len(), 10, "each upset message of the large account: {told:?}");
    for (nth, told) in told.iter().enumerate() {
        let at = START + 4 * nth as i64 * MINUTE + 10_000;
        assert_eq!((&told["ticket_id"], millis(&told["became_true_at"])), (&json!(format!("T{}", 4 * nth)), at));
        assert!(told["evidence"][0]["value"].as_str().is_some_and(|value| value.contains("seriously")), "{told}");
        assert_eq!(told["evidence"][0]["as_of"], json!(instant(at)));
    }
    assert_eq!(embedded.records("signals").len(), 4 * 40);
}

#[test]
fn a_scorer_over_http_is_asked_with_the_token_and_when_it_is_gone_the_built_in_one_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}/score", listener.local_addr().expect("it has one"));
    let (to, asked) = mpsc::channel();
    let house = thread::spawn(move || {
        for _ in 0..3 {
            let (stream, _) = listener.accept().expect("somebody asks");
            to.send(answer(stream)).expect("the test waits");
        }
    });
    let config = format!(
        "{EVENT_TIME}\nscorer: {{ url: '{url}', token: {{ file: token }}, timeout: 5s, limit: 5s }}\n\
         rules: [ {{ id: r, tier: 2, when: {{ ticket.escalation_risk: high }} }} ]"
    );
    let desk = Deployment::embedded(1, &config);
    desk.write("token", "s3cret\n");
    let through = |from: i64, messages: i64| {
        let at = |n: i64| START + from * HOUR + n * MINUTE;
        desk.send("tickets", &(0..messages).map(|n| wrote("acme", "T1", at(n), UPSET)).collect::<Vec<_>>());
        desk.command(&["run", "--until", &instant(START + (from + 1) * HOUR)]).well().err
    };
    through(0, 3);
    house.join().expect("it was asked three times");
    for asked in asked {
        let head = asked.to_lowercase();
        assert!(head.starts_with("post /score ") && head.contains("authorization: bearer s3cret"), "{asked}");
        assert!(asked.contains(r#""ticket_id":"T1""#) && asked.contains(UPSET), "{asked}");
    }
    let told = desk.records("escalations");
    assert_eq!((told.len(), &told[0]["evidence"][0]["value"]), (1, &json!("0.9: in our own words")), "{told:?}");
    // Nobody listens there any more.
    let said = through(2, 20);
    assert!(said.contains("the scorer does not answer"), "{said}");
    assert!(!said.contains("s3cret") && !said.contains("third time"), "{said}");
    let models: Vec<_> = desk.records("signals").iter().map(|signal| signal["model"].clone()).collect();
    assert_eq!(models.iter().filter(|model| **model == "house 3").count(), 3, "a risk and nothing else");
    assert_eq!(models.iter().filter(|model| **model == "tierline-lexicon 1").count(), 40);
}

/// Reads a question and answers it; the question.
fn answer(mut stream: TcpStream) -> String {
    let mut lines = BufReader::new(stream.try_clone().expect("a handle can be copied"));
    let (mut asked, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).expect("it asks") == 0 || line == "\r\n" {
            break;
        }
        if let Some(told) = line.to_lowercase().strip_prefix("content-length: ") {
            length = told.trim().parse().expect("a number");
        }
        asked += &line;
    }
    lines.take(length).read_to_string(&mut asked).expect("it asks in UTF-8");
    let body = r#"{"escalation_risk": 0.9, "explanation": "in our own words", "model": "house 3"}"#;
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", body.len());
    write!(stream, "{head}\r\n\r\n{body}").expect("it listens");
    asked
}

/// How many records of `tickets` the score stage's group has passed, and how many there are.
fn scored(kafka: &Deployment) -> (i64, i64) {
    let (broker, topic) = (Broker::shared(), kafka.topic("tickets"));
    let passed = broker.committed(&format!("{}-score", kafka.group()), &topic);
    (passed, broker.ends(&topic).iter().map(|(_, end)| end).sum())
}

fn wait_scored(kafka: &Deployment, running: &mut Instance) {
    running.wait_for("all to be scored", || match scored(kafka) {
        (passed, all) if passed >= all => Ok(()),
        (passed, all) => Err(format!("{passed} of {all} are")),
    });
}
