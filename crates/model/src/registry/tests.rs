use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use super::*;
use crate::{Decoder, Encoding, RecordType, TicketRecord, encode_ticket};

const SCHEMA: &str = r#"{"type": "string"}"#;

#[test]
fn an_id_is_looked_up_once() {
    let stand_in = StandIn::answering(vec![(200, schema_answer(SCHEMA))]);
    let registry = stand_in.registry(None);
    for _ in 0..3 {
        assert_eq!(registry.schema_by_id(7).as_deref(), Ok(SCHEMA));
    }
    let asked = stand_in.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "GET /schemas/ids/7 HTTP/1.1");
    assert_eq!(asked[0].header("accept"), Some("application/vnd.schemaregistry.v1+json"));
    assert_eq!(asked[0].header("authorization"), None);
}

#[test]
fn a_schema_is_registered_or_looked_up_under_its_subject_with_its_user() {
    let stand_in = StandIn::answering(vec![(200, r#"{"id": 12}"#.into()), (200, r#"{"id": 12, "version": 3}"#.into())]);
    let registry = stand_in.registry(Some(("jo", "se:cret")));
    assert_eq!(registry.register("a topic/é-value", SCHEMA), Ok(12));
    assert_eq!(registry.lookup("tickets-value", SCHEMA), Ok(12));
    let asked = stand_in.requests();
    assert_eq!(asked[0].line, "POST /subjects/a%20topic%2F%C3%A9-value/versions HTTP/1.1");
    assert_eq!(asked[1].line, "POST /subjects/tickets-value HTTP/1.1");
    for request in asked {
        assert_eq!(request.header("authorization"), Some("Basic am86c2U6Y3JldA=="));
        assert_eq!(request.header("content-type"), Some("application/vnd.schemaregistry.v1+json"));
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body, serde_json::json!({ "schema": SCHEMA }));
    }
}

#[test]
fn each_refusal_says_what_to_do() {
    let refusal = |status: u16, code: u32| {
        let body = serde_json::json!({ "error_code": code, "message": "in its words" }).to_string();
        let stand_in = StandIn::answering(vec![(status, body)]);
        let refused = stand_in.registry(None).register("tickets-value", SCHEMA).unwrap_err();
        (refused.to_string().replace(&stand_in.url, "URL"), refused)
    };
    let subject = || "tickets-value".to_owned();
    let reason = || "in its words".to_owned();
    for (status, code) in [(404, 40401), (404, 40402), (404, 40403)] {
        let (said, refused) = refusal(status, code);
        assert!(matches!(refused, RegistryError::NotFound { .. }), "{refused:?}");
        assert!(said.contains("`tickets-value`; register it, or set `schema_registry.register: true`"), "{said}");
    }
    assert_eq!(refusal(409, 409).1, RegistryError::Incompatible { subject: subject(), reason: reason() });
    assert_eq!(refusal(422, 42201).1, RegistryError::Invalid { subject: subject(), reason: reason() });
    for status in [401, 403] {
        let (said, _) = refusal(status, status.into());
        let expected =
            format!("the schema registry at URL refuses us ({status}): check `schema_registry.user` and its password");
        assert_eq!(said, expected);
    }
    for (status, code) in [(500, 50001), (503, 0), (429, 42901)] {
        let (said, refused) = refusal(status, code);
        assert!(matches!(refused, RegistryError::Unreachable { .. }), "{refused:?}");
        assert!(said.contains("does not answer") && said.ends_with("in its words"), "{said}");
    }
    assert!(matches!(refusal(404, 0).1, RegistryError::Odd { .. }), "some other server's page");
}

#[test]
fn what_is_no_registry_is_told_as_such() {
    let stand_in = StandIn::answering(vec![(200, "<html>welcome</html>".into())]);
    let odd = stand_in.registry(None).schema_by_id(1).unwrap_err();
    assert!(odd.to_string().contains("does not answer as a schema registry does"), "{odd}");
}

#[test]
fn a_schema_of_another_kind_or_with_references_is_none_of_ours() {
    let answers = [
        serde_json::json!({ "schema": "message T {}", "schemaType": "PROTOBUF" }),
        serde_json::json!({ "schema": SCHEMA, "references": [{ "name": "n", "subject": "s", "version": 1 }] }),
    ];
    let stand_in = StandIn::answering(answers.map(|answer| (200, answer.to_string())).into());
    let registry = stand_in.registry(None);
    let said = registry.schema_by_id(1).unwrap_err().to_string();
    assert!(said.contains("no Avro schema with id 1 (it is PROTOBUF)"), "{said}");
    assert_eq!(registry.schema(2), Ok(None));
}

#[test]
fn a_record_waits_while_its_registry_is_down_and_is_read_when_that_is_back() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let registry = std::sync::Arc::new(Registry::new(&format!("http://jo:secret@{address}"), None, PATIENCE));
    let mut decoder = Decoder::with_registry(registry);
    let mark = TicketRecord::Heartbeat { source: "zendesk".into(), heard_until: 5 };
    let mut bytes = Vec::new();
    encode_ticket(&mark, Encoding::Confluent { id: 7 }, &mut bytes);

    let down = decoder.ticket(&bytes).unwrap_err();
    assert_eq!(down.code(), None, "no dead letter: {down}");
    let said = down.to_string();
    assert!(said.contains(&format!("the schema registry at http://{address} does not answer")), "{said}");
    assert!(!said.contains("secret"), "{said}");

    let back = StandIn::on(
        TcpListener::bind(address).unwrap(),
        vec![(503, String::new()), (200, schema_answer(RecordType::Tickets.schema()))],
    );
    assert_eq!(decoder.ticket(&bytes).unwrap_err().code(), None, "not yet itself");
    assert_eq!(decoder.ticket(&bytes).unwrap().0, mark);
    assert_eq!(back.requests().len(), 2);
}

#[test]
fn a_registry_that_takes_too_long_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let registry = Registry::new(&url, None, Duration::from_millis(50));
    assert!(matches!(registry.schema_by_id(1), Err(RegistryError::Unreachable { .. })), "it listens and says nothing");
}

/// Longer than a stand-in needs for anything.
const PATIENCE: Duration = Duration::from_secs(20);

fn schema_answer(schema: &str) -> String {
    serde_json::json!({ "schema": schema }).to_string()
}

/// As much of a registry as these tests need: gives its answers in turn, one a connection, and keeps what it was asked.
struct StandIn {
    url: String,
    asked: mpsc::Receiver<Request>,
}

struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl StandIn {
    fn answering(answers: Vec<(u16, String)>) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    fn on(listener: TcpListener, answers: Vec<(u16, String)>) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (to, asked) = mpsc::channel();
        std::thread::spawn(move || {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let asked = Request::read(&stream);
                to.send(asked).unwrap();
                let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}", body.len());
                write!(stream, "{head}\r\n\r\n{body}").unwrap();
            }
        });
        StandIn { url, asked }
    }

    fn registry(&self, credentials: Option<(&str, &str)>) -> Registry {
        Registry::new(&format!("{}/", self.url), credentials, PATIENCE)
    }

    /// All that was asked so far: each was kept before its answer went out.
    fn requests(&self) -> Vec<Request> {
        self.asked.try_iter().collect()
    }
}

impl Request {
    fn read(stream: &TcpStream) -> Request {
        let mut lines = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let request_line = line();
        let headers: Vec<_> = std::iter::from_fn(|| {
            let line = line();
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
        let mut request = Request { line: request_line, headers, body: String::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        lines.take(length).read_to_string(&mut request.body).unwrap();
        request
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}
