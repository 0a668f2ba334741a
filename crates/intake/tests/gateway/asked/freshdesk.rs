//! A Freshdesk that pages by instants, throttles and fails.

use serde_json::{Value, json};
use tierline_model::{instant_text, parse_instant};

use super::vendor::{Question, Vendor};
use super::{Dice, Trial, is_said_in_the_end, of_kind, said};
use crate::world::{World, now, source_of};

/// Tickets whose last changes lie so many seconds back.
fn freshdesk(started: i64, changes: Vec<(i64, i64)>) -> impl Fn(&Question) -> (u16, Value) {
    move |question| {
        let number = question.query_of("page").parse::<usize>().unwrap_or(1);
        let per_page = question.query_of("per_page").parse::<usize>().unwrap_or(30);
        let page = |all: Vec<Value>| -> Value {
            all.into_iter().skip((number - 1) * per_page).take(per_page).collect::<Vec<_>>().into()
        };
        let told = match question.path.as_str() {
            "/api/v2/tickets" => {
                assert_eq!(question.query_of("order_by"), "updated_at");
                let since = parse_instant(question.query_of("updated_since")).expect("an instant") / 1_000;
                let wants = |id: i64| match question.query_of("filter") {
                    "deleted" => id % 10 == 9,
                    "spam" => id % 10 == 8,
                    _ => id % 10 < 8,
                };
                let mut found: Vec<_> = changes.iter().map(|(id, ago)| (started - ago, *id)).collect();
                found.retain(|(at, id)| *at >= since && wants(*id));
                found.sort_unstable();
                page(found.into_iter().map(|(at, id)| ticket(id, started, at)).collect())
            }
            "/api/v2/groups" => page(vec![json!({"id": 41, "name": "Support", "agent_ids": [601]})]),
            "/api/v2/agents" => {
                page(vec![json!({"id": 601, "occasional": false, "ticket_scope": 1, "contact": {"name": "Sam"}})])
            }
            "/api/v2/companies" => return (403, json!({"code": "access_denied"})),
            "/api/v2/surveys/satisfaction_ratings" => {
                assert!(parse_instant(question.query_of("created_since")).is_some());
                page(vec![json!({"id": 5, "ticket_id": 1, "user_id": 501, "feedback": "Great",
                    "ratings": {"default_question": 103}, "created_at": text(started - 200)})])
            }
            path => {
                let id = path.strip_prefix("/api/v2/tickets/").and_then(|rest| rest.strip_suffix("/conversations"));
                let Some(id) = id.and_then(|id| id.parse::<i64>().ok()) else {
                    return (404, json!({}));
                };
                let ago = changes.iter().find(|(other, _)| *other == id).map_or(0, |(_, ago)| *ago);
                page(vec![json!({"id": id * 100, "ticket_id": id, "incoming": false, "private": false, "user_id": 601,
                    "body_text": "…", "created_at": text(started - ago),
                    "attachments": [{"attachment_url": now()}]})])
            }
        };
        (200, told)
    }
}

fn ticket(id: i64, started: i64, at: i64) -> Value {
    json!({"id": id, "subject": "Export fails", "description_text": "It fails", "status": 2, "priority": 4, "source": 1,
        "requester_id": 501, "company_id": 900, "group_id": 41, "responder_id": 601, "spam": id % 10 == 8,
        "requester": {"id": 501, "name": "Jo"}, "created_at": text(started - 4_000), "updated_at": text(at),
        "attachments": [{"attachment_url": now()}]})
}

fn text(seconds: i64) -> String {
    instant_text(seconds * 1_000)
}

fn world() -> World {
    World::of(source_of("freshdesk", "{ kind: freshdesk }"))
}

/// More than two pages, many of them of one second.
fn changes() -> Vec<(i64, i64)> {
    let mut dice = Dice(5);
    (1..=150).map(|id| (id, if id <= 110 { 500 } else { 10 + dice.below(3_000) as i64 })).collect()
}

#[test]
fn whatever_fails_in_the_end_all_is_there_and_nothing_twice() {
    let started = now() / 1_000;
    let (calm, vendor) = (world(), Vendor::start(freshdesk(started, changes())));
    Trial::new(&calm, &vendor).rounds(&calm.start(), 2);
    let expected = said(&calm);
    assert_eq!(of_kind(&calm, "created").len(), 135, "what is deleted is told as deleted");
    assert_eq!(of_kind(&calm, "deleted").len(), 15);
    assert_eq!(of_kind(&calm, "message").len(), 135);
    assert_eq!(of_kind(&calm, "rated").len(), 1);
    let spam = of_kind(&calm, "updated").into_iter().filter(|told| told["ticket"]["spam"] == true);
    assert_eq!(spam.count(), 15);
    is_said_in_the_end(&expected, (2, 2), world, || Vendor::start(freshdesk(started, changes())));
}

#[test]
fn freshdesk_is_asked_with_its_key_as_the_user() {
    let vendor = Vendor::start(freshdesk(0, Vec::new()));
    let world = world();
    Trial::new(&world, &vendor).rounds(&world.start(), 1);
    // hunter2:X
    assert!(vendor.asked().iter().all(|asked| asked.headers["authorization"] == "Basic aHVudGVyMjpY"));
}
