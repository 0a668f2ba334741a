use super::*;
use crate::why::{Elsewhere, LaneQuestions, Owner, Token};
use crate::{Health, Metrics, bind, serve};
use std::thread;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A lane that owns partition 0 of two and knows the ticket `T 1`.
fn lane(questions: &LaneQuestions, partitions: i32) {
    let questions = questions.clone();
    thread::spawn(move || {
        loop {
            while let Some(question) = questions.take() {
                let asked = question.asked.clone();
                let found = match (asked.ticket.as_str(), asked.rule.as_deref(), asked.at) {
                    (_, Some("none"), _) => Found::NoRule,
                    ("T 1", _, Some(at)) if at < 1_000 => Found::Past(1_000),
                    ("T 1", _, Some(at)) if at > 9_000 => Found::Unforeseen("too far".to_owned()),
                    ("T 1", _, at) => Found::Told(format!("{{\"at\": {at:?}}}")),
                    ("T-3", ..) => Found::Gone("beta".to_owned()),
                    _ => Found::NoTicket,
                };
                let wanted = asked.account.map(|account| i32::from(account != "mine"));
                question.answer(Reply { found, owned: vec![0], partitions, wanted });
            }
            thread::sleep(Duration::from_millis(1));
        }
    });
}

struct Others(&'static [&'static str]);

impl Elsewhere for Others {
    fn owners(&self) -> Result<Vec<Owner>, String> {
        let owner = |(nth, address): (usize, &&str)| Owner {
            partition: nth as i32,
            address: Some((*address).to_owned()).filter(|address| !address.is_empty()),
        };
        Ok(self.0.iter().enumerate().map(owner).collect())
    }
}

/// The head and the body of what is answered to a path, and more headers.
async fn ask(questions: &Questions, token: Option<&str>, path: &str, more: &str) -> (String, String) {
    let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let access = Access::at(address, token.map(Token::new));
    let why = Why { access, questions: questions.clone(), address, patience: Duration::from_millis(300) };
    tokio::spawn(serve(listener, Metrics::new("1", 0), Health::default(), why, std::future::pending()));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{more}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap()
}

#[tokio::test]
async fn the_lane_that_knows_the_ticket_answers() {
    let questions = Questions::default();
    lane(&questions.lane(), 1);
    let (head, body) = ask(&questions, None, "/v1/why/T%201", "").await;
    assert_eq!((status(&head), body.as_str()), (200, "{\"at\": None}\n"));
    assert!(head.contains("content-type: application/json") && head.contains("no-store"), "{head}");
    let (head, body) = ask(&questions, None, "/v1/why/T%201?at=1970-01-01T01:00:02+01:00", "").await;
    assert_eq!((status(&head), body.as_str()), (200, "{\"at\": Some(2000)}\n"));
    let (head, body) = ask(&questions, None, "/v1/why/T%201?at=1970-01-01T00:00:10Z", "").await;
    assert_eq!((status(&head), body.contains("too far")), (400, true), "{body}");
    for (query, wanted) in [("at=now", 400), ("at=1970-01-01T00:00:00Z", 400), ("rule=none", 400), ("acount=a", 400)] {
        assert_eq!(status(&ask(&questions, None, &format!("/v1/why/T%201?{query}"), "").await.0), wanted, "{query}");
    }
    // It owns all there are.
    assert_eq!(status(&ask(&questions, None, "/v1/why/T2", "").await.0), 404);
    let (head, body) = ask(&questions, None, "/v1/why/T-3?account=mine", "").await;
    assert_eq!((status(&head), body.contains("\"account\":\"beta\"")), (404, true), "{body}");
}

#[tokio::test]
async fn whoever_does_not_own_it_says_who_does() {
    let questions = Questions::default();
    lane(&questions.lane(), 3);
    for path in ["/v1/why/T2", "/v1/why/T2?account=theirs"] {
        let (head, body) = ask(&questions, None, path, "").await;
        assert_eq!(status(&head), 503, "it is not known to be nowhere");
        assert!(head.contains("retry-after: 2") && body.contains("observe.advertise"), "{head}{body}");
    }

    questions.set_elsewhere(Others(&["http://mine:1", "http://one:1", "http://two:1"]));
    let (head, body) = ask(&questions, None, "/v1/why/T2", "").await;
    assert_eq!(status(&head), 421);
    assert!(body.contains("[\"http://one:1\",\"http://two:1\"]") && !head.contains("location"), "{head}{body}");
    let (head, body) = ask(&questions, None, "/v1/why/T2?account=theirs", "").await;
    assert_eq!(status(&head), 421);
    assert!(head.contains("location: http://one:1") && body.contains("[\"http://one:1\"]"), "{head}{body}");
    assert_eq!(status(&ask(&questions, None, "/v1/why/T2?account=mine", "").await.0), 404);
}

#[tokio::test]
async fn a_lane_that_is_busy_or_not_there_yet_is_waited_for_a_while() {
    let questions = Questions::default();
    let (head, body) = ask(&questions, None, "/v1/why/T1", "").await;
    assert_eq!(status(&head), 503);
    assert!(head.contains("retry-after: 2") && body.contains("starting"), "{head}{body}");
    let _silent = questions.lane();
    let (head, body) = ask(&questions, None, "/v1/why/T1", "").await;
    assert_eq!(status(&head), 503);
    assert!(head.contains("retry-after: 2") && body.contains("restored"), "{head}{body}");
}

#[tokio::test]
async fn without_the_token_nothing_is_said() {
    let questions = Questions::default();
    lane(&questions.lane(), 1);
    let (head, body) = ask(&questions, Some("hunter2"), "/v1/why/T%201", "").await;
    assert_eq!(status(&head), 401);
    assert!(head.contains("www-authenticate: bearer") && !body.contains("hunter2"), "{head}{body}");
    let (head, _) = ask(&questions, Some("hunter2"), "/v1/why/T%201", "authorization: Bearer hunter2\r\n").await;
    assert_eq!(status(&head), 200);
}

#[test]
fn an_address_on_loopback_is_told_to_who_is_there_too() {
    let here = SocketAddr::from(([127, 0, 0, 1], 1));
    let there = SocketAddr::from(([10, 0, 0, 1], 1));
    assert!(is_another("http://127.0.0.1:2", here) && !is_another("http://127.0.0.1:1", here));
    assert!(!is_another("http://127.0.0.1:2", there));
    assert!(is_another("http://10.0.0.2:1", there) && is_another("https://tierline.example", there));
}
