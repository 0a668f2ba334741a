//! Pylon: who wrote, statuses, and the signature.

use serde_json::{Value, json};
use tierline_intake::Refused;

use crate::kit::{Desk, sample};

fn template() -> Value {
    sample(include_str!("samples/pylon/template_customer_replied.json"))
}

/// Python: `hmac.new(b"new secret", b'{"a":1}', hashlib.sha256).hexdigest()`, and of `b'1772452790.{"a":1}'`.
#[test]
fn the_signature_is_that_of_the_body_or_of_the_instant_and_the_body() {
    const STAMPED: &str = "dff1dd0ad323a50b09e046c831045750bf3f5af0a20ac76b8aea388a2ab8b4cf";
    let desk = Desk::new("pylon", "");
    let body = br#"{"a":1}"#;
    assert_eq!(
        desk.verify(&[("X-Pylon-Signature", "e5247f5d9461a48a9ba8b51f644581c5fe29801f2600c488075a102b3145cfaf")], body),
        Ok(())
    );
    assert_eq!(desk.verify(&[("X-Pylon-Signature", STAMPED)], body), Err(Refused::Wrong));
    let stamped = |signature: &str, stamp: &str| {
        desk.verify(&[("Pylon-Webhook-Signature", signature), ("Pylon-Webhook-Timestamp", stamp)], body)
    };
    assert_eq!(stamped(STAMPED, "1772452790"), Ok(()));
    assert_eq!(stamped(&format!("hs256={STAMPED}"), "1772452790"), Ok(()));
    assert_eq!(stamped(STAMPED, "1772452791"), Err(Refused::Wrong));
    assert_eq!(
        stamped("4e5afed18ddd24c0c24b41c883ecb79ddd1291f05471f4a5dec50611e7ceb53a", "1772450000"),
        Err(Refused::Stale)
    );
    assert!(matches!(desk.verify(&[], body), Err(Refused::Unsigned(_))));
}

#[test]
fn contacts_are_customers_users_are_agents_and_notes_are_private() {
    let mut desk = Desk::new("pylon", "bots: [usr_bot]");
    let mut of = |author: Value, private: bool| {
        desk.read(
            &json!({"issue_id": "iss_1", "id": "m1", "message_html": "<p>Hi</p>", "timestamp": "2026-03-02T10:00:00Z",
            "author": author, "is_private": private}),
        )[0]["message"]
            .clone()
    };
    let told = of(json!({"contact": {"id": "con_1"}}), false);
    assert_eq!((&told["author"], &told["public"]), (&json!("customer"), &json!(true)));
    let told = of(json!({"user": {"id": "usr_1"}}), true);
    assert_eq!((&told["author"], &told["public"]), (&json!("agent"), &json!(false)));
    assert_eq!(of(json!({"user": {"id": "usr_bot"}}), false)["author"], "bot");
}

#[test]
fn the_event_of_the_template_says_who_wrote() {
    let mut desk = Desk::new("pylon", "");
    let mut payload = template();
    payload["message"]["author"] = json!({"name": "Sam"});
    for (event, author, public) in [("agent_replied", "agent", true), ("customer_replied", "customer", true)] {
        payload["event"] = json!(event);
        let message = desk.one(&payload)["message"].clone();
        assert_eq!((&message["author"], &message["public"]), (&json!(author), &json!(public)));
    }
    payload["event"] = json!("note_added");
    payload["message"]["public"] = json!(false);
    assert_eq!(desk.one(&payload)["message"]["public"], false);
}

#[test]
fn statuses_mean_what_the_company_says_else_what_pylon_documents() {
    let mut payload = template();
    let mut status = |options: &str, state: &str| {
        payload["issue"]["state"] = json!(state);
        Desk::new("pylon", options).one(&payload)["ticket"]["status"].clone()
    };
    assert_eq!(status("", "waiting_on_customer"), "pending");
    assert_eq!(status("", "on_hold"), "on_hold");
    assert_eq!(status("", "closed"), "solved");
    assert_eq!(status("", "escalated_to_eng"), "open");
    assert_eq!(status("statuses: { escalated_to_eng: on_hold }", "escalated_to_eng"), "on_hold");
}

#[test]
fn data_with_an_events_name_is_read_as_well() {
    let mut desk = Desk::new("pylon", "");
    let issue = sample(include_str!("samples/pylon/issue.json"))["data"].clone();
    let record = desk.one(&json!({"event_type": "issue.updated", "data": issue}));
    assert_eq!((&record["kind"], &record["ticket"]["priority"]), (&json!("updated"), &json!("urgent")));
    let gone = desk.one(&json!({"event": "issue.deleted", "data": {"id": "iss_1"}}));
    assert_eq!((&gone["kind"], &gone["account_id"]), (&json!("deleted"), &json!("acme")));
    let account = desk.one(&json!({"event": "account.updated", "account": {"id": "900", "name": "Acme"}}));
    assert_eq!(account["set"]["name"], "Acme");
}

#[test]
fn whose_it_was_is_empty_once_it_is_nobodys() {
    let mut desk = Desk::new("pylon", "");
    let mut payload = template();
    payload["event"] = json!("updated");
    payload["issue"]["assignee"] = json!({"id": ""});
    payload["issue"]["team"] = json!({"id": "", "name": ""});
    let cleared = desk.one(&payload)["cleared"].clone();
    let is_cleared = |field: &str| cleared.as_array().is_some_and(|all| all.contains(&json!(field)));
    assert!(is_cleared("assignee") && is_cleared("team"), "{cleared}");
}

#[test]
fn an_event_of_another_name_is_what_it_brings() {
    let mut desk = Desk::new("pylon", "");
    let issue = sample(include_str!("samples/pylon/issue.json"))["data"].clone();
    let changed = desk.one(&json!({"event_type": "issue.status_changed", "data": {"issue": issue}}));
    assert_eq!((&changed["kind"], &changed["ticket"]["priority"]), (&json!("updated"), &json!("urgent")));
    let message = json!({"id": "m1", "body": "Hi", "author": {"name": "Jo", "contact": {"id": "con_1"}}});
    let added = desk.one(&json!({"event_type": "issue.message_added", "data": {"issue": issue, "message": message}}));
    assert_eq!((&added["kind"], &added["message"]["author"]), (&json!("message"), &json!("customer")));
    assert!(desk.read(&json!({"event_type": "article.published", "data": {"id": "a", "title": "T"}})).is_empty());
}

/// After the tests of mgmonteleone/py-usepylon-sdk.
#[test]
fn a_template_without_objects_is_read_as_well() {
    let mut desk = Desk::new("pylon", "");
    let mut payload = json!({"event_type": "issue_new", "issue_id": "issue_123", "issue_number": "42",
        "issue_title": "Test issue", "issue_team_name": "Support", "issue_account_id": "900",
        "issue_account_name": "Acme", "issue_requester_email": "jo@acme.example", "issue_requesteer_id": "con_1",
        "issue_assignee_id": "usr_1", "issue_body": "It fails", "issue_status": "new", "issue_tags": ["billing"]});
    let told = desk.one(&payload);
    assert_eq!((&told["kind"], &told["account_id"]), (&json!("created"), &json!("acme")));
    assert_eq!((&told["ticket"]["status"], &told["message"]["text"]), (&json!("new"), &json!("It fails")));
    payload["event_type"] = json!("issue_message_new");
    payload["message_id"] = json!("m1");
    payload["message_body_html"] = json!("<p>Any news?</p>");
    payload["message_author_id"] = json!("con_1");
    payload["message_is_private"] = json!(false);
    payload["message_sent_at"] = json!("2026-03-02T10:30:00Z");
    let told = desk.one(&payload);
    assert_eq!((&told["kind"], &told["message"]["author"]), (&json!("message"), &json!("customer")));
}
