//! Intercom: who wrote, who has it in hand, and the signature.

use serde_json::{Value, json};
use tierline_intake::Refused;

use crate::kit::{Desk, sample};

fn replied() -> Value {
    sample(include_str!("samples/intercom/admin_replied.json"))
}

fn message(desk: &mut Desk, notice: &Value) -> Value {
    desk.read(notice)[0]["message"].clone()
}

/// Python: `hmac.new(b"new secret", b'{"topic":"ping"}', hashlib.sha1).hexdigest()`.
#[test]
fn the_signature_is_that_of_the_body_under_either_secret() {
    let desk = Desk::new("intercom", "");
    let verify = |signature: &str| desk.verify(&[("X-Hub-Signature", signature)], br#"{"topic":"ping"}"#);
    assert_eq!(verify("sha1=32ca193eaa53023b5fd4c64d90567aba8e1afce2"), Ok(()));
    assert_eq!(verify("sha1=c5ddb63221c374494b90ca1c9d8a228aecc0caba"), Ok(()));
    assert_eq!(verify("sha1=0000000000000000000000000000000000000000"), Err(Refused::Wrong));
    assert!(matches!(verify("32ca193eaa53023b5fd4c64d90567aba8e1afce2"), Err(Refused::Malformed(_))));
    assert!(matches!(desk.verify(&[], b"{}"), Err(Refused::Unsigned(_))));
}

/// Python: `hmac.new(b"old secret", b'{"topic":"ping"}', hashlib.sha256).hexdigest()`.
#[test]
fn fins_own_api_signs_by_another_hash() {
    let desk = Desk::new("intercom", "");
    let verify = |signature| desk.verify(&[("X-Fin-Agent-API-Webhook-Signature", signature)], br#"{"topic":"ping"}"#);
    assert_eq!(verify("51f6c40c9605ae74f6cba75cf6885d06d6cc1dabaaa3cae196bcdedea2987b27"), Ok(()));
    assert_eq!(verify("6fe4a0bfaca5df4fbbb3f6deca865610b3ac5293808077899b3490ebcc493fb9"), Err(Refused::Wrong));
}

#[test]
fn a_bot_that_looks_like_an_admin_is_a_bot() {
    let mut desk = Desk::new("intercom", "bots: ['650']");
    let mut notice = replied();
    let mut by = |author: Value| {
        notice["data"]["item"]["conversation_parts"]["conversation_parts"][0]["author"] = author;
        message(&mut desk, &notice)["author"].clone()
    };
    assert_eq!(by(json!({"type": "admin", "id": "601", "name": "Sam"})), "agent");
    assert_eq!(by(json!({"type": "admin", "id": "650", "name": "Helper"})), "bot");
    assert_eq!(by(json!({"type": "admin", "id": "1", "name": "Operator", "email": "operator+x@intercom.io"})), "bot");
    assert_eq!(by(json!({"type": "admin", "id": "1", "name": "Fin", "from_ai_agent": true})), "bot");
    assert_eq!(by(json!({"type": "bot", "id": "1", "name": "Fin"})), "bot");
    assert_eq!(by(json!({"type": "lead", "id": "c1"})), "customer");
}

#[test]
fn a_note_is_private_and_a_close_with_words_is_an_answer() {
    let mut desk = Desk::new("intercom", "");
    let mut notice = replied();
    let part = &mut notice["data"]["item"]["conversation_parts"]["conversation_parts"][0];
    part["part_type"] = json!("note");
    assert_eq!(message(&mut desk, &notice)["public"], false);
    let part = &mut notice["data"]["item"]["conversation_parts"]["conversation_parts"][0];
    part["part_type"] = json!("close");
    assert_eq!(message(&mut desk, &notice)["public"], true);
    let part = &mut notice["data"]["item"]["conversation_parts"]["conversation_parts"][0];
    part["body"] = json!(null);
    assert_eq!(desk.one(&notice)["kind"], "updated");
}

#[test]
fn an_out_of_office_reply_is_automated() {
    let mut desk = Desk::new("intercom", "");
    let mut notice = replied();
    let part = &mut notice["data"]["item"]["conversation_parts"]["conversation_parts"][0];
    part["author"] = json!({"type": "user", "id": "c501"});
    part["email_message_metadata"] = json!({"subject": "Automatic reply: Export fails"});
    assert_eq!(message(&mut desk, &notice)["automated"], true);
}

#[test]
fn nobody_waits_for_a_campaign_and_a_bots_conversation_is_the_bots() {
    let mut desk = Desk::new("intercom", "");
    let mut notice = sample(include_str!("samples/intercom/user_created.json"));
    notice["data"]["item"]["source"]["delivered_as"] = json!("automated");
    notice["data"]["item"]["source"]["author"] = json!({"type": "admin", "id": "601"});
    assert_eq!(desk.one(&notice)["ticket"]["opened_by"], "bot");
    notice["topic"] = json!("conversation.operator.replied");
    notice["data"]["item"]["ai_agent_participated"] = json!(true);
    notice["data"]["item"]["ai_agent"] = json!({"resolution_state": null, "last_answer_type": "ai_answer"});
    assert_eq!(desk.one(&notice)["ticket"]["handled_by"], "bot");
}

#[test]
fn fin_hands_over_once() {
    let mut desk = Desk::new("intercom", "");
    let notice = sample(include_str!("samples/intercom/fin_hands_over.json"));
    let handed = |records: Vec<Value>| records.into_iter().filter(|record| record["name"] == json!("handoff")).count();
    assert_eq!(handed(desk.read(&notice)), 1);
    let mut later = replied();
    later["data"]["item"]["ai_agent"] = notice["data"]["item"]["ai_agent"].clone();
    assert_eq!(handed(desk.read(&later)), 0);
}

#[test]
fn a_contact_of_several_companies_is_of_the_one_that_is_renamed() {
    let mut desk = Desk::new("intercom", "");
    desk.read(&sample(include_str!("samples/intercom/contact_of_two_companies.json")));
    assert_eq!(desk.read(&replied())[0]["account_id"], "acme");
}

#[test]
fn a_message_is_the_same_by_notification_and_by_export() {
    let mut desk = Desk::new("intercom", "");
    let id = |records: Vec<Value>, text: &str| {
        records.iter().find(|record| record["message"]["text"] == json!(text)).unwrap()["message"]["id"].clone()
    };
    let export = || sample(include_str!("samples/intercom/export.json"));
    let created = sample(include_str!("samples/intercom/user_created.json"));
    assert_eq!(id(desk.read(&created), "The export fails."), id(desk.read(&export()), "The export fails."));
    assert_eq!(id(desk.read(&replied()), "Which browser?"), id(desk.read(&export()), "Which browser?"));
}

#[test]
fn a_ticket_is_its_customers_unless_it_is_among_colleagues() {
    let mut desk = Desk::new("intercom", "statuses: { With Dev Team: on_hold }");
    let mut notice = json!({"type": "notification_event", "topic": "ticket.created", "id": "n", "data": {"item": {
        "type": "ticket", "id": "900", "category": "Customer", "created_at": 1_772_442_000, "updated_at": 1_772_442_000,
        "ticket_attributes": {"_default_title_": "Export", "_default_description_": "It fails", "Area": "api"},
        "ticket_state": {"category": "in_progress", "internal_label": "With Dev Team"},
        "ticket_type": {"name": "Bug"}, "contacts": {"contacts": [{"type": "contact", "id": "c501"}]}}}});
    let told = desk.one(&notice);
    let ticket = &told["ticket"];
    assert_eq!(
        (&ticket["subject"], &ticket["status"], &ticket["type"]),
        (&json!("Export"), &json!("on_hold"), &json!("Bug"))
    );
    assert_eq!((&ticket["custom"]["area"], &told["message"]["author"]), (&json!("api"), &json!("customer")));
    notice["data"]["item"]["category"] = json!("Back-office");
    assert_eq!(desk.one(&notice)["ticket"]["opened_by"], "agent");
}

#[test]
fn what_is_none_of_ours_is_passed_over() {
    let mut desk = Desk::new("intercom", "");
    assert!(
        desk.read(&json!({"type": "notification_event", "topic": "ping", "data": {"item": {"type": "ping"}}}))
            .is_empty()
    );
    let visitor =
        json!({"type": "notification_event", "topic": "visitor.signed_up", "data": {"item": {"type": "visitor"}}});
    assert!(desk.read(&visitor).is_empty());
    assert!(desk.read(&json!({"event_name": "fin_replied", "conversation_id": "1"})).is_empty());
    assert_eq!(desk.unreadable(&json!({"hello": 1})).code, "undecodable");
}

/// As recorded in `zerver/webhooks/intercom/fixtures` of zulip/zulip, shortened.
#[test]
fn a_ticket_is_told_beside_its_new_part() {
    let mut desk = Desk::new("intercom", "");
    let part = json!({"type": "ticket_part", "id": "374", "part_type": "comment", "body": "<p>Is anybody there?</p>",
        "created_at": 1_772_442_100, "author": {"id": "c501", "type": "user", "name": null}});
    let ticket = json!({"type": "ticket", "id": "900", "category": "Customer", "created_at": 1_772_442_000,
        "updated_at": 1_772_442_100, "ticket_state": {"category": "submitted"}, "open": true,
        "admin_assignee_id": "601", "team_assignee_id": "0", "ticket_type": {"name": "Bug"},
        "contacts": {"contacts": [{"type": "contact", "id": "c501"}]},
        "ticket_parts": {"type": "ticket_part.list", "ticket_parts": [part], "total_count": 1}});
    let mut notice = json!({"type": "notification_event", "topic": "ticket.contact.replied", "id": "n1",
        "data": {"item": {"type": "ticket_ticket_part", "ticket": ticket, "ticket_part": part}}});
    let told = desk.read(&notice);
    assert_eq!((&told[0]["kind"], &told[0]["message"]["author"]), (&json!("message"), &json!("customer")));
    assert_eq!((&told[1]["kind"], &told[1]["ticket"]["assignee"]), (&json!("updated"), &json!("601")));
    // Since version 2.15 of the API.
    notice["topic"] = json!("ticket.closed");
    notice["data"]["item"]["ticket"]["ticket_state"]["category"] = json!("resolved");
    assert_eq!(desk.read(&notice)[1]["ticket"]["status"], "solved");
}

#[test]
fn of_who_takes_part_the_contact_is_remembered() {
    let mut desk = Desk::new("intercom", "");
    let contact = json!({"type": "contact", "id": "c502", "name": "Jo",
        "companies": {"type": "list", "data": [{"id": "900", "type": "company"}], "total_count": 1}});
    for (topic, mut item) in [
        ("conversation.contact.attached", json!({"conversation": {"model": {"id": 815}, "parts": []}})),
        ("ticket.contact.attached", json!({"ticket": {"type": "ticket", "id": 816, "state": "submitted"}})),
        ("company.contact.attached", json!({"company": {"type": "company", "id": "900"}})),
    ] {
        item["contact"] = contact.clone();
        let notice = json!({"type": "notification_event", "topic": topic, "id": "n", "data": {"item": item}});
        assert!(desk.read(&notice).is_empty(), "{topic}");
    }
    let mut notice = sample(include_str!("samples/intercom/user_created.json"));
    notice["data"]["item"]["contacts"]["contacts"][0]["id"] = json!("c502");
    assert_eq!(desk.one(&notice)["account_id"], "acme");
}

#[test]
fn what_began_a_conversation_is_one_message_though_it_comes_as_a_part() {
    let mut desk = Desk::new("intercom", "");
    let mut notice = sample(include_str!("samples/intercom/user_created.json"));
    let first = message(&mut desk, &notice)["id"].clone();
    notice["topic"] = json!("conversation_part.tag.created");
    notice["id"] = json!("notif_2");
    notice["data"]["item"]["conversation_parts"] = json!({"total_count": 1, "conversation_parts": [
        {"type": "conversation_part", "id": "9000", "part_type": "comment", "body": "<p>The export fails.</p>",
            "created_at": 1_772_442_000, "author": {"type": "user", "id": "c501"}}]});
    let told = message(&mut desk, &notice);
    assert_eq!((&told["id"], &told["author"]), (&first, &json!("customer")));
}

#[test]
fn a_conversation_that_becomes_a_ticket_changes() {
    let mut desk = Desk::new("intercom", "");
    let ticket = json!({"type": "notification_event", "topic": "ticket.created", "id": "n2", "data": {"item": {
        "type": "ticket", "id": "815", "category": "Customer", "created_at": 1_772_442_000, "updated_at": 1_772_445_900,
        "ticket_attributes": {"_default_title_": "Export"}, "ticket_state": {"category": "submitted"},
        "ticket_type": {"name": "Bug"}, "contacts": {"contacts": [{"type": "contact", "id": "c501"}]}}}});
    assert_eq!(Desk::new("intercom", "").one(&ticket)["kind"], "created");
    desk.read(&sample(include_str!("samples/intercom/user_created.json")));
    let told = desk.one(&ticket);
    assert_eq!((&told["kind"], &told["ticket"]["type"]), (&json!("updated"), &json!("Bug")));
    assert_eq!(told["occurred_at"], 1_772_445_900_000_i64);
}
