//! Freshdesk: who wrote, what nobody wrote, statuses of the company's own, and the token.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tierline_intake::Refused;

use crate::kit::{Desk, sample};

fn conversation(incoming: bool, private: bool, source: u8, text: &str) -> Value {
    json!({"id": 7009, "body_text": text, "incoming": incoming, "private": private, "user_id": 601, "source": source,
        "ticket_id": 42, "created_at": "2026-03-02T09:30:00Z"})
}

#[test]
fn a_token_in_a_header_shows_who_sends() {
    let desk = Desk::new("freshdesk", "");
    assert_eq!(desk.verify(&[("X-Tierline-Token", "new secret")], b"{}"), Ok(()));
    assert_eq!(desk.verify(&[("X-Tierline-Token", "old secret")], b"{}"), Ok(()));
    assert_eq!(desk.verify(&[("X-Tierline-Token", "other")], b"{}"), Err(Refused::Wrong));
    assert!(matches!(desk.verify(&[], b"{}"), Err(Refused::Unsigned(_))));
}

#[test]
fn a_reply_is_an_agents_unless_it_came_in() {
    let mut desk = Desk::new("freshdesk", "bots: ['650']");
    assert_eq!(desk.one(&conversation(false, false, 0, "Try again"))["message"]["author"], "agent");
    let incoming = desk.one(&conversation(true, false, 0, "It fails"));
    assert_eq!(
        (&incoming["message"]["author"], &incoming["account_id"]),
        (&json!("customer"), &json!("freshdesk:ticket:42"))
    );
    let mut bot = conversation(false, true, 2, "Could not log in, reset tried.");
    bot["user_id"] = json!(650);
    let records = desk.read(&bot);
    assert_eq!(
        (&records[0]["message"]["author"], &records[1]["handoff"]["summary"]),
        (&json!("bot"), &json!("Could not log in, reset tried."))
    );
}

#[test]
fn an_agent_who_asked_is_the_customer_but_not_in_notes() {
    let mut ticket = sample(include_str!("samples/freshdesk/ticket_with_conversations.json"));
    ticket["requester_id"] = json!(601);
    let records = Desk::new("freshdesk", "").read(&ticket);
    let by =
        |text: &str| records.iter().find(|record| record["message"]["text"] == json!(text)).unwrap()["message"].clone();
    assert_eq!(by("Which browser?")["author"], "customer");
    assert_eq!((&by("Known bug.")["author"], &by("Known bug.")["public"]), (&json!("agent"), &json!(false)));
}

#[test]
fn forwards_surveys_and_merge_notes_are_automated() {
    let mut desk = Desk::new("freshdesk", "");
    let mut automated = |told: Value| desk.read(&told)[0]["message"]["automated"] == json!(true);
    assert!(automated(conversation(false, false, 8, "Forwarded to the developers")));
    assert!(automated(conversation(true, false, 6, "Very happy")));
    assert!(automated(conversation(false, true, 2, "Merged from ticket 41\n\nSubject: Login")));
    assert!(!automated(conversation(true, false, 0, "Hello?")));
    let mut out = conversation(true, false, 0, "I am away");
    out["subject"] = json!("Abwesenheitsnotiz: Re: Cannot log in");
    assert!(automated(out));
}

#[test]
fn a_status_of_the_companys_own_is_open_until_it_is_explained() {
    let ticket = json!({"id": 42, "subject": "S", "status": 12, "priority": 1, "requester_id": 501, "company_id": 900,
        "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"});
    assert_eq!(Desk::new("freshdesk", "").one(&ticket)["ticket"]["status"], "open");
    assert_eq!(Desk::new("freshdesk", "statuses: { '12': on_hold }").one(&ticket)["ticket"]["status"], "on_hold");
    let mut named = ticket.clone();
    named["status"] = json!("Awaiting Parts");
    assert_eq!(
        Desk::new("freshdesk", "statuses: { awaiting parts: on_hold }").one(&named)["ticket"]["status"],
        "on_hold"
    );
}

#[test]
fn a_company_that_is_told_by_name_is_found_once_its_id_is_known() {
    let template = sample(include_str!("samples/freshdesk/template_created.json"));
    assert_eq!(Desk::new("freshdesk", "").one(&template)["account_id"], "freshdesk:Acme Ltd");
    let mut desk = Desk::new("freshdesk", "");
    desk.read(&sample(include_str!("samples/freshdesk/company.json")));
    assert_eq!(desk.one(&template)["account_id"], "acme");
}

#[test]
fn events_of_an_app_are_read_as_well() {
    let mut desk = Desk::new("freshdesk", "");
    let ticket = json!({"id": 42, "subject": "S", "status": 2, "priority": 4, "requester_id": 501, "company_id": 900,
        "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"});
    let created =
        desk.one(&json!({"event": "onTicketCreate", "data": {"ticket": ticket, "actor": {"type": "contact"}}}));
    assert_eq!((&created["kind"], &created["ticket"]["priority"]), (&json!("created"), &json!("urgent")));
    let data = json!({"conversation": conversation(true, false, 0, "It fails"), "actor": {"type": "contact"}});
    let reply = desk.one(&json!({"event": "onConversationCreate", "data": data}));
    assert_eq!((&reply["message"]["author"], &reply["account_id"]), (&json!("customer"), &json!("acme")));
}

#[test]
fn a_deleted_ticket_and_a_spam_one_are_told() {
    let mut ticket = sample(include_str!("samples/freshdesk/ticket_with_stats.json"));
    ticket["deleted"] = json!(true);
    ticket["spam"] = json!(true);
    let record = Desk::new("freshdesk", "").one(&ticket);
    assert_eq!((&record["kind"], &record["ticket"]["spam"]), (&json!("deleted"), &json!(true)));
}

#[test]
fn what_is_nothing_of_freshdesks_is_refused() {
    let desk = Desk::new("freshdesk", "");
    assert_eq!(desk.unreadable(&json!({"hello": 1})).code, "undecodable");
    assert_eq!(desk.unreadable(&json!({"event": "created", "ticket": {"subject": "S"}})).code, "missing_field");
}

#[test]
fn a_template_of_somebodys_own_is_read_as_far_as_it_goes() {
    let mut desk = Desk::new("freshdesk", "");
    let bare = desk.one(&json!({"ticket": {"id": 42, "status": "Pending", "company_id": 900}}));
    assert_eq!((&bare["kind"], &bare["ticket"]["status"]), (&json!("updated"), &json!("pending")));
    let flat = desk.one(&json!({"ticket_id": 42, "ticket_subject": "S", "ticket_status": "Open"}));
    assert_eq!((&flat["ticket"]["subject"], &flat["account_id"]), (&json!("S"), &json!("acme")));
    assert!(desk.read(&json!({"id": 5, "name": "Agent", "description": "a role", "default": true})).is_empty());
}

/// What the template of the page says, as Freshdesk fills it in.
fn told(event: &str, status: &str, comment: Option<&str>) -> Value {
    let ticket = json!({"id": "42", "subject": "Cannot log in", "status": status, "company": {"name": "Acme Ltd"},
        "requester": {"name": "Jo Doe", "email": "jo@acme.example"}});
    match comment {
        Some(text) => json!({"event": event, "ticket": ticket, "message": {"public": true, "text": text}}),
        None => json!({"event": event, "ticket": ticket}),
    }
}

const MINUTE: i64 = 60_000;

#[test]
fn a_status_that_comes_back_is_another_event() {
    let mut desk = Desk::new("freshdesk", "");
    let ids = ["Open", "Pending", "Open", "Pending"].map(|status| {
        desk.now += MINUTE;
        desk.one(&told("updated", status, None))["event_id"].to_string()
    });
    assert_eq!(BTreeSet::from(ids.clone()).len(), 4, "{ids:?}");
}

#[test]
fn an_answer_that_is_given_again_after_a_question_is_another_message() {
    let mut desk = Desk::new("freshdesk", "");
    let said = [
        ("agent_replied", "Sam : Looking into it"),
        ("customer_replied", "Jo Doe : Any news?"),
        ("agent_replied", "Sam : Looking into it"),
    ];
    let ids = said.map(|(event, text)| {
        desk.now += 10 * MINUTE;
        let record = desk.one(&told(event, "Open", Some(text)));
        [record["event_id"].to_string(), record["message"]["id"].to_string()]
    });
    assert_eq!(BTreeSet::from(ids.clone().map(|[event, _]| event)).len(), 3, "{ids:?}");
    assert_eq!(BTreeSet::from(ids.clone().map(|[_, message]| message)).len(), 3, "{ids:?}");
}

#[test]
fn a_note_that_is_made_again_after_a_reply_is_another_message() {
    let mut desk = Desk::new("freshdesk", "");
    let mut note = told("note_added", "Open", Some("Sam : Escalated"));
    note["message"]["public"] = json!(false);
    let first = desk.one(&note);
    desk.now += MINUTE;
    desk.one(&told("agent_replied", "Open", Some("Sam : Looking into it")));
    desk.now += MINUTE;
    assert_ne!(desk.one(&note)["message"]["id"], first["message"]["id"]);
}

#[test]
fn a_delivery_that_is_tried_again_keeps_its_ids() {
    for payload in [
        told("agent_replied", "Pending", Some("Sam : Looking into it")),
        told("updated", "Pending", None),
        told("created", "Open", None),
    ] {
        let mut desk = Desk::new("freshdesk", "");
        let first = desk.one(&payload);
        desk.now += 5 * MINUTE;
        let again = desk.one(&payload);
        assert_eq!(
            (&again["event_id"], &again["message"]["id"]),
            (&first["event_id"], &first["message"]["id"]),
            "{payload}"
        );
    }
}

#[test]
fn a_creation_that_is_tried_again_after_a_change_keeps_its_id() {
    let mut desk = Desk::new("freshdesk", "");
    let created = desk.one(&told("created", "Open", None));
    desk.now += MINUTE;
    desk.one(&told("updated", "Pending", None));
    desk.now += MINUTE;
    assert_eq!(desk.one(&told("created", "Open", None))["event_id"], created["event_id"]);
}

#[test]
fn a_change_that_repeats_the_latest_comment_is_no_new_message() {
    let mut desk = Desk::new("freshdesk", "");
    let reply = desk.one(&told("agent_replied", "Open", Some("Sam : Looking into it")));
    desk.now += MINUTE;
    let mut note = told("note_added", "Open", Some("Sam : Escalated"));
    note["message"]["public"] = json!(false);
    desk.one(&note);
    // A template of somebody's own tells the comment with whatever happens.
    desk.now += 60 * MINUTE;
    let mut change = told("", "Pending", Some("Sam : Looking into it"));
    change.as_object_mut().unwrap().remove("event");
    let change = desk.one(&change);
    assert_eq!(change["ticket"]["status"], "pending");
    assert_ne!(change["event_id"], reply["event_id"]);
    let message = &change["message"];
    assert!(message.is_null() || message["id"] == reply["message"]["id"], "{change}");
}

#[test]
fn a_replay_makes_the_ids_that_there_were() {
    let mut desk = Desk::new("freshdesk", "");
    let payloads = [
        told("updated", "Open", None),
        told("agent_replied", "Open", Some("Sam : Looking into it")),
        told("customer_replied", "Open", Some("Jo Doe : Any news?")),
        told("agent_replied", "Open", Some("Sam : Looking into it")),
        told("updated", "Open", None),
    ];
    // The second time the directory remembers the end of the story already.
    let mut all = || {
        let from = desk.now;
        let ids = payloads.each_ref().map(|payload| {
            desk.now += MINUTE;
            let record = desk.one(payload);
            [record["event_id"].to_string(), record["message"]["id"].to_string()]
        });
        desk.now = from;
        ids
    };
    assert_eq!(all(), all());
}

#[test]
fn a_rating_may_come_with_the_customers_words() {
    let mut payload = told("rated", "Closed", None);
    payload["rating"] = json!({"value": -103, "feedback": "Too slow"});
    let record = Desk::new("freshdesk", "").one(&payload);
    assert_eq!((&record["kind"], &record["rating"]), (&json!("rated"), &json!(1)));
    assert_eq!(record["rating_comment"], "Too slow");
    payload["rating"] = json!(103);
    assert_eq!(Desk::new("freshdesk", "").one(&payload)["rating"], 5);
}

#[test]
fn a_reply_is_its_writers_though_its_trigger_is_the_same() {
    let by = |comment: &str| {
        let payload = json!({"freshdesk_webhook": {"triggered_event": "{reply_sent:sent}", "ticket_id": "11",
            "ticket_subject": "S", "ticket_status": "Open", "requester_name": "Bob Roe",
            "requester_email": "bob@acme.example", "ticket_latest_public_comment": comment}});
        Desk::new("freshdesk", "").one(&payload)["message"]["author"].clone()
    };
    assert_eq!(by("Bob Roe : still broken"), "customer");
    assert_eq!(by("Sam Ito : try again"), "agent");
}
