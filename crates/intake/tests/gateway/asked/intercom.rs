//! An Intercom that is searched.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::vendor::{Question, Vendor};
use super::{Dice, Trial, is_said_in_the_end, of_kind, said};
use crate::world::{World, now, source_of};

/// Conversations of one page.
const PAGE: usize = 4;

/// Conversations by id, and how many seconds ago they changed last.
fn intercom(started: i64, changes: BTreeMap<String, i64>) -> impl Fn(&Question) -> (u16, Value) {
    move |question| {
        assert_eq!(question.headers["intercom-version"], "2.14");
        assert_eq!(question.headers["authorization"], "Bearer hunter2");
        let told = match question.path.as_str() {
            "/admins" => json!({"type": "admin.list", "admins": [{"type": "admin", "id": "601", "name": "Sam"}]}),
            "/teams" => json!({"type": "team.list", "teams": [{"type": "team", "id": "41", "name": "Support"}]}),
            "/tickets/search" => return (403, json!({"type": "error.list"})),
            "/conversations/search" => {
                let asked: Value = serde_json::from_str(&question.body).expect("it is JSON");
                let only = &asked["query"]["value"][0];
                assert_eq!((&only["field"], &only["operator"]), (&json!("updated_at"), &json!(">")));
                let since = only["value"].as_i64().expect("seconds");
                let skip = asked["pagination"]["starting_after"].as_str().and_then(|text| text.parse::<usize>().ok());
                let skip = skip.unwrap_or(0);
                let found: Vec<_> = changes.iter().filter(|(_, ago)| started - **ago >= since).collect();
                let page = found.iter().skip(skip).take(PAGE);
                let page: Vec<_> = page.map(|(id, ago)| conversation(id, started, **ago, false)).collect();
                let next = skip + page.len();
                let pages = match next < found.len() {
                    true => json!({"type": "pages", "next": {"starting_after": next.to_string()}}),
                    false => json!({"type": "pages"}),
                };
                json!({"type": "conversation.list", "conversations": page, "pages": pages})
            }
            "/contacts/c1" => json!({"type": "contact", "id": "c1", "name": "Jo",
                "companies": {"data": [{"type": "company", "id": "900"}]}}),
            path => {
                let id = path.strip_prefix("/conversations/").unwrap_or_default();
                match changes.get(id) {
                    Some(ago) => conversation(id, started, *ago, true),
                    None => return (404, json!({})),
                }
            }
        };
        (200, told)
    }
}

fn conversation(id: &str, started: i64, ago: i64, is_whole: bool) -> Value {
    let mut told = json!({"type": "conversation", "id": id, "created_at": started - 4_000, "updated_at": started - ago,
        "state": "open", "open": true, "priority": "priority", "team_assignee_id": 41,
        "source": {"type": "email", "id": format!("s{id}"), "body": "It fails", "subject": "Export fails",
            "author": {"type": "user", "id": "c1", "name": "Jo"}, "attachments": [{"url": now()}]},
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "c1"}]}});
    if is_whole {
        let part = json!({"type": "conversation_part", "id": format!("p{id}"), "part_type": "comment", "body": "…",
            "created_at": started - ago, "author": {"type": "admin", "id": "601", "name": "Sam"},
            "attachments": [{"url": now()}]});
        told["conversation_parts"] =
            json!({"type": "conversation_part.list", "conversation_parts": [part], "total_count": 1});
    }
    told
}

fn world() -> World {
    World::of(source_of("intercom", "{ kind: intercom }"))
}

fn changes() -> BTreeMap<String, i64> {
    let mut dice = Dice(11);
    (1..=11).map(|id| (id.to_string(), 100 + dice.below(3_000) as i64)).collect()
}

#[test]
fn whatever_fails_in_the_end_all_is_there_and_nothing_twice() {
    let started = now() / 1_000;
    let (calm, vendor) = (world(), Vendor::start(intercom(started, changes())));
    Trial::new(&calm, &vendor).rounds(&calm.start(), 2);
    let expected = said(&calm);
    assert_eq!((of_kind(&calm, "created").len(), of_kind(&calm, "message").len()), (11, 11));
    let created = &of_kind(&calm, "created")[0];
    assert_eq!(created["account_id"], "desk:900", "its contact was asked for");
    assert_eq!(of_kind(&calm, "updated")[0]["ticket"]["team"], "Support");
    assert_eq!(vendor.asked().iter().filter(|asked| asked.path == "/contacts/c1").count(), 1);
    is_said_in_the_end(&expected, (2, 2), world, || Vendor::start(intercom(started, changes())));
}
