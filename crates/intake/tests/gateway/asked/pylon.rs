//! A Pylon that is searched.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tierline_model::{instant_text, parse_instant};

use super::vendor::{Question, Vendor};
use super::{Dice, Trial, is_said_in_the_end, of_kind, said};
use crate::world::{World, now, source_of};

/// Issues of one page.
const PAGE: usize = 4;

/// Issues by id, and how many seconds ago they changed last.
fn pylon(started: i64, changes: BTreeMap<String, i64>) -> impl Fn(&Question) -> (u16, Value) {
    move |question| {
        assert_eq!(question.headers["authorization"], "Bearer hunter2");
        let all = |data: Value| json!({"data": data, "pagination": {"has_next_page": false, "cursor": ""}});
        let told = match question.path.as_str() {
            "/users" => all(
                json!([{"id": "u1", "name": "Sam", "email": "sam@desk.example", "role_id": "r", "status": "active"}]),
            ),
            "/teams" => all(json!([{"id": "t1", "name": "Support", "users": [{"id": "u1"}]}])),
            "/custom-fields" => {
                assert_eq!(question.query_of("object_type"), "issue");
                all(json!([{"id": "f1", "slug": "area", "label": "Area"}]))
            }
            "/accounts" => return (403, json!({"errors": ["forbidden"]})),
            "/issues/search" => {
                let asked: Value = serde_json::from_str(&question.body).expect("it is JSON");
                let filter = &asked["filter"];
                assert_eq!((&filter["field"], &filter["operator"]), (&json!("updated_at"), &json!("time_is_after")));
                let since = filter["value"].as_str().and_then(parse_instant).expect("an instant") / 1_000;
                let skip = asked["cursor"].as_str().and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
                let found: Vec<_> = changes.iter().filter(|(_, ago)| started - **ago > since).collect();
                let page = found.iter().skip(skip).take(PAGE);
                let page: Vec<_> = page.map(|(id, ago)| issue(id, started, **ago)).collect();
                let next = skip + page.len();
                let pagination = json!({"cursor": next.to_string(), "has_next_page": next < found.len()});
                json!({"data": page, "pagination": pagination})
            }
            path => {
                let id = path.strip_prefix("/issues/").and_then(|rest| rest.strip_suffix("/messages"));
                let Some(ago) = id.and_then(|id| changes.get(id)) else { return (404, json!({})) };
                let message = |id: &str, text: &str, author: Value, at: i64| {
                    json!({"id": id, "message_html": text, "author": author, "is_private": false,
                        "timestamp": instant_text(at * 1_000), "file_urls": [now().to_string()]})
                };
                let jo = json!({"name": "Jo", "contact": {"id": "c1"}});
                let sam = json!({"name": "Sam", "user": {"id": "u1"}});
                let id = id.unwrap_or_default();
                all(json!([
                    message(&format!("m{id}"), "It fails", jo, started - 4_000),
                    message(&format!("n{id}"), "…", sam, started - ago)
                ]))
            }
        };
        (200, told)
    }
}

fn issue(id: &str, started: i64, ago: i64) -> Value {
    json!({"id": id, "number": 7, "title": "Export fails", "body_html": "It fails", "state": "waiting_on_customer",
        "account": {"id": "a1"}, "requester": {"id": "c1"}, "team": {"id": "t1"},
        "business_hours_time_in_status_seconds": {"new": now()},
        "created_at": instant_text((started - 4_000) * 1_000), "updated_at": instant_text((started - ago) * 1_000)})
}

fn world() -> World {
    World::of(source_of("pylon", "{ kind: pylon }"))
}

fn changes() -> BTreeMap<String, i64> {
    let mut dice = Dice(13);
    (1..=11).map(|id| (format!("i{id}"), 100 + dice.below(3_000) as i64)).collect()
}

#[test]
fn whatever_fails_in_the_end_all_is_there_and_nothing_twice() {
    let started = now() / 1_000;
    let (calm, vendor) = (world(), Vendor::start(pylon(started, changes())));
    Trial::new(&calm, &vendor).rounds(&calm.start(), 2);
    let expected = said(&calm);
    assert_eq!((of_kind(&calm, "created").len(), of_kind(&calm, "message").len()), (11, 11));
    assert_eq!(of_kind(&calm, "updated")[0]["ticket"]["team"], "Support");
    assert_eq!(of_kind(&calm, "message")[0]["message"]["author"], "agent");
    is_said_in_the_end(&expected, (2, 2), world, || Vendor::start(pylon(started, changes())));
}
