//! Zendesk: who wrote, what nobody wrote, what is one thing however it comes, and the signature.

use serde_json::{Value, json};
use tierline_intake::Refused;

use crate::kit::{Desk, sample};

fn created() -> Value {
    sample(include_str!("samples/zendesk/created.json"))
}

/// A comment's event: by whom, whether staff, what it says, whether in public.
fn comment(author: &str, is_staff: bool, body: &str, is_public: bool) -> Value {
    let mut event = sample(include_str!("samples/zendesk/comment_of_agent.json"));
    event["event"]["comment"] = json!({"id": "99009", "body": body, "is_public": is_public,
        "author": {"id": author, "is_staff": is_staff, "name": "Somebody"}});
    event
}

fn message(desk: &mut Desk, event: &Value) -> Value {
    desk.one(event)["message"].clone()
}

/// The documentation's example: its secret, timestamp and body, in the order that its page names, which every receiver in
/// use follows: timestamp, then body. (The signature that an older page printed beside them was of the body first.)
/// Python: `base64.b64encode(hmac.new(secret, timestamp + body, hashlib.sha256).digest())`.
#[test]
fn the_signature_is_that_of_the_timestamp_and_the_body_within_its_window() {
    const OF_PYTHON: &str = "Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk=";
    let signed = |secret: &[u8], stamp: &str, body: &[u8]| {
        use base64::Engine;
        let mac = tierline_intake::proof::hmac_sha256(secret, &[stamp.as_bytes(), body]);
        base64::engine::general_purpose::STANDARD.encode(mac)
    };
    let body = br#"{"say": "hello"}"#;
    assert_eq!(signed(b"HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA=", "2021-07-25T10:00:00Z", body), OF_PYTHON);
    let desk = Desk::new("zendesk", "");
    let verify = |signature: &str, stamp: &str| {
        let headers = [("X-Zendesk-Webhook-Signature", signature), ("X-Zendesk-Webhook-Signature-Timestamp", stamp)];
        desk.verify(&headers, body)
    };
    for secret in [b"new secret", b"old secret"] {
        assert_eq!(verify(&signed(secret, "2026-03-02T11:58:00Z", body), "2026-03-02T11:58:00Z"), Ok(()));
    }
    let late = "2026-03-02T11:54:59Z";
    assert_eq!(verify(&signed(b"new secret", late, body), late), Err(Refused::Stale));
    assert_eq!(verify(&signed(b"new secret", late, body), "2026-03-02T11:58:00Z"), Err(Refused::Wrong));
    assert_eq!(verify(&signed(b"another", "2026-03-02T12:00:00Z", body), "2026-03-02T12:00:00Z"), Err(Refused::Wrong));
    assert!(matches!(verify("%", "2026-03-02T12:00:00Z"), Err(Refused::Malformed(_))));
    assert!(matches!(desk.verify(&[], body), Err(Refused::Unsigned(_))));
}

#[test]
fn an_agent_who_answers_by_mail_is_an_agent_and_one_who_asks_a_customer() {
    let mut desk = Desk::new("zendesk", "");
    assert_eq!(message(&mut desk, &comment("601", true, "From my phone: try again", true))["author"], "agent");
    let mut own = comment("501", true, "My own ticket", true);
    own["detail"]["requester_id"] = json!("501");
    assert_eq!(message(&mut desk, &own)["author"], "customer");
    assert_eq!(message(&mut desk, &comment("777", false, "A colleague in copy", true))["author"], "customer");
    assert_eq!(message(&mut desk, &comment("-1", false, "Your ticket was updated", true))["author"], "system");
}

#[test]
fn a_bot_that_looks_like_an_agent_is_a_bot_and_its_note_is_a_hand_over() {
    let mut desk = Desk::new("zendesk", "bots: ['650']");
    assert_eq!(message(&mut desk, &comment("650", true, "Have you tried CSV?", true))["author"], "bot");
    let records = desk.read(&comment("650", true, "Export fails, CSV tried.", false));
    assert_eq!(records[1]["handoff"]["summary"], "Export fails, CSV tried.");
    assert_eq!((&records[1]["ticket_id"], &records[1]["account_id"]), (&json!("zendesk:4711"), &json!("acme")));
    let mut assigned = created();
    assigned["type"] = json!("zen:event-type:ticket.agent_assignment_changed");
    assigned["event"] = json!({"previous": "650", "current": "601"});
    assigned["detail"]["assignee_id"] = json!("601");
    let records = desk.read(&assigned);
    assert_eq!((&records[0]["name"], &records[1]["ticket"]["handled_by"]), (&json!("handoff"), &json!("team")));
    assigned["detail"]["assignee_id"] = json!("650");
    assigned["event"]["current"] = json!("650");
    assert_eq!(desk.one(&assigned)["ticket"]["handled_by"], "bot");
}

#[test]
fn what_nobody_wrote_is_automated() {
    let mut desk = Desk::new("zendesk", "");
    let automated = |desk: &mut Desk, event: &Value| message(desk, event)["automated"] == json!(true);
    assert!(!automated(&mut desk, &comment("501", false, "Hello?", true)));
    let mut flagged = comment("501", false, "I am out of the office", true);
    flagged["event"]["comment"]["metadata"] = json!({"flags": [4]});
    assert!(automated(&mut desk, &flagged));
    let mut answered = comment("501", false, "I am out of the office", true);
    answered["event"]["comment"]["headers"] = json!({"Auto-Submitted": "auto-replied"});
    assert!(automated(&mut desk, &answered));
    let here = "Request #12 \"Export\" was closed and merged into this request. Last comment in request #12:\n\nHi";
    assert!(automated(&mut desk, &comment("601", true, here, true)));
    let mut out = created();
    out["detail"]["subject"] = json!("Automatic reply: Your invoice");
    let record = desk.one(&out);
    assert_eq!((&record["ticket"]["opened_by"], &record["message"]["automated"]), (&json!("system"), &json!(true)));
}

#[test]
fn a_private_comment_of_the_customer_is_theirs() {
    let mut desk = Desk::new("zendesk", "");
    let told = message(&mut desk, &comment("501", false, "Between us", false));
    assert_eq!((&told["author"], &told["public"]), (&json!("customer"), &json!(false)));
}

#[test]
fn a_merge_is_one_whether_its_event_or_its_comment_tells_it() {
    let mut desk = Desk::new("zendesk", "");
    let by_event = desk.one(&sample(include_str!("samples/zendesk/merged.json")));
    let there = "This request was closed and merged into request #4700 \"Export\".";
    let by_comment = desk.read(&comment("601", true, there, false)).remove(1);
    assert_eq!(by_event["event_id"], by_comment["event_id"]);
    assert_eq!(
        (&by_event["merged_into"], &by_comment["merged_into"]),
        (&json!("zendesk:4700"), &json!("zendesk:4700"))
    );
}

#[test]
fn a_message_is_the_same_by_event_by_template_by_bridge_and_by_export() {
    let mut desk = Desk::new("zendesk", "");
    let id = |records: Vec<Value>, text: &str| {
        let with = |record: &&Value| record["message"]["text"] == json!(text);
        records.iter().find(with).map(|record| record["message"]["id"].clone()).unwrap()
    };
    let (first, second) = ("The export fails with an error.\n\nJo", "Which browser do you use?");
    let export = || sample(include_str!("samples/zendesk/export.json"));
    let exported = id(desk.read(&export()), first);
    assert_eq!(id(desk.read(&created()), first), exported);
    let mut commented = comment("501", false, first, true);
    commented["time"] = json!("2026-03-02T09:00:01Z");
    assert_eq!(id(desk.read(&commented), first), exported);
    let exported = id(desk.read(&export()), second);
    for other in ["samples/zendesk/comment_of_agent.json", "samples/zendesk/bridged_comment.json"] {
        let text = match other {
            "samples/zendesk/comment_of_agent.json" => include_str!("samples/zendesk/comment_of_agent.json"),
            _ => include_str!("samples/zendesk/bridged_comment.json"),
        };
        assert_eq!(id(desk.read(&sample(text)), second), exported, "{other}");
    }
    let mut template = sample(include_str!("samples/zendesk/template_updated.json"));
    template["comment"]["id"] = json!("99001");
    template["comment"]["body"] = json!(second);
    assert_eq!(id(desk.read(&template), second), exported);
}

#[test]
fn the_delivery_names_what_a_trigger_sends_and_what_it_sends_where_none_does() {
    let mut desk = Desk::new("zendesk", "");
    let payload = sample(include_str!("samples/zendesk/template_updated.json"));
    desk.read(&payload);
    let named = desk.read_of(&payload, &[("X-Zendesk-Webhook-Invocation-Id", "01GWXYZ")]);
    assert_eq!(named[0]["event_id"], "01GWXYZ");
    let (once, again) = (desk.read(&payload), desk.read(&payload));
    assert_eq!(once[0]["event_id"], again[0]["event_id"]);
}

#[test]
fn a_ticket_goes_along_when_it_changes_organisation() {
    let mut desk = Desk::new("zendesk", "");
    assert_eq!(desk.one(&created())["account_id"], "acme");
    let mut moved = created();
    moved["type"] = json!("zen:event-type:ticket.organization_changed");
    moved["detail"]["organization_id"] = json!("901");
    let records = desk.read(&moved);
    let said: Vec<_> = records.iter().map(|record| [&record["kind"], &record["account_id"]]).collect();
    assert_eq!(json!(said), json!([["rehomed", "acme"], ["rehomed", "zendesk:901"], ["updated", "zendesk:901"]]));
    assert_eq!(records[2]["account_ref"]["id"], "901");
    assert_eq!(desk.one(&moved)["account_id"], "zendesk:901", "it moves once");
    let mut late = created();
    late["time"] = json!("2026-03-02T09:00:00.200Z");
    assert_eq!(desk.one(&late)["account_id"], "zendesk:901", "what is older does not move it back");
}

#[test]
fn a_ticket_without_an_organisation_is_its_requesters() {
    let mut desk = Desk::new("zendesk", "");
    let mut alone = created();
    alone["detail"]["organization_id"] = json!(null);
    assert_eq!(desk.one(&alone)["account_id"], "zendesk:user:501");
    // One whose organisation was told before has it still.
    let mut desk = Desk::new("zendesk", "");
    desk.read(&json!({"users": [{"id": 501, "name": "Jo Doe", "role": "end-user", "organization_id": 900}]}));
    assert_eq!(desk.one(&alone)["account_id"], "acme");
}

#[test]
fn a_side_conversations_ticket_belongs_to_the_ticket_that_it_came_from() {
    let mut child = created();
    child["detail"]["via"] = json!({"channel": "side_conversation", "source": {"from": {"ticket_id": 4700}}});
    let record = Desk::new("zendesk", "").one(&child);
    assert_eq!(
        (&record["ticket"]["parent"], &record["ticket"]["channel"]),
        (&json!("zendesk:4700"), &json!("side_conversation"))
    );
}

#[test]
fn deletion_spam_and_rating_are_told() {
    let mut desk = Desk::new("zendesk", "");
    let mut event = created();
    let mut of = |kind: &str, what: Value| {
        event["type"] = json!(format!("zen:event-type:ticket.{kind}"));
        event["event"] = what;
        event.clone()
    };
    assert_eq!(desk.one(&of("soft_deleted", json!({})))["kind"], "deleted");
    assert_eq!(desk.one(&of("marked_as_spam", json!({})))["ticket"]["spam"], true);
    let rated = desk.one(&of("csat_received", json!({"rating": "bad", "comment": "Slow"})));
    assert_eq!((&rated["rating"], &rated["rating_comment"]), (&json!(1), &json!("Slow")));
    assert!(desk.read(&of("sla_policy_changed", json!({}))).is_empty());
    assert!(desk.read(&of("csat_received", json!({"rating": "offered"}))).is_empty());
}

#[test]
fn what_is_none_of_ours_is_passed_over_and_what_is_nothing_is_refused() {
    let mut desk = Desk::new("zendesk", "");
    let metric =
        json!({"id": 1, "ticket_id": 2, "metric": "reply_time", "type": "activate", "time": "2026-03-02T09:00:00Z"});
    assert!(desk.read(&metric).is_empty());
    let article = json!({"type": "zen:event-type:article.published", "id": "1", "time": "2026-03-02T09:00:00Z"});
    assert!(desk.read(&article).is_empty());
    assert_eq!(desk.unreadable(&json!({"hello": 1})).code, "undecodable");
    let mut timeless = created();
    timeless["time"] = json!(null);
    timeless["detail"]["updated_at"] = json!(null);
    assert_eq!(desk.unreadable(&timeless).code, "missing_field");
}

#[test]
fn a_template_of_somebodys_own_is_read_as_far_as_it_goes() {
    let mut desk = Desk::new("zendesk", "");
    let flat = json!({"ticket_id": 7, "title": "Export fails", "status": "Open", "updated_at": "2026-03-02T09:00:00Z",
        "latest_comment": {"id": 9, "value": "Hello", "author_id": 501}, "requester_id": 501});
    let records = desk.read(&flat);
    assert_eq!((&records[0]["kind"], &records[0]["ticket"]["status"]), (&json!("updated"), &json!("open")));
    assert_eq!((&records[1]["message"]["author"], &records[1]["message"]["id"]), (&json!("customer"), &json!("9")));
    let bare = desk.one(&json!({"ticket": {"id": "7", "status": "Pending"}}));
    assert_eq!((&bare["kind"], &bare["ticket"]["status"]), (&json!("updated"), &json!("pending")));
    let tag = json!({"id": 5, "name": "macro", "url": "https://acme.zendesk.com/api/v2/macros/5.json"});
    assert!(desk.read(&tag).is_empty());
}

#[test]
fn the_same_words_later_are_another_message() {
    let mut desk = Desk::new("zendesk", "");
    let words = "The export fails with an error.\n\nJo";
    assert_eq!(message(&mut desk, &comment("501", false, words, true))["id"], "99009");
    // A mail's words are told in more than one dress; at the same moment by the same person they are the description.
    let mut at_once = comment("501", false, "The export fails with an error.", true);
    at_once["time"] = json!("2026-03-02T09:00:01Z");
    assert_eq!(message(&mut desk, &at_once)["id"], "4711:first");
    let mut export = sample(include_str!("samples/zendesk/export.json"));
    export["tickets"][0]["comments"][1]["body"] = json!(words);
    export["tickets"][0]["comments"][1]["created_at"] = json!("2026-03-02T09:00:30Z");
    assert_eq!(desk.read(&export)[1]["message"]["id"], "99001");
}

#[test]
fn a_new_name_is_told_beside_the_user() {
    let mut desk = Desk::new("zendesk", "");
    let renamed = json!({"type": "zen:event-type:user.name_changed", "id": "e1", "time": "2026-03-02T08:00:00Z",
        "subject": "zen:user:501", "detail": {"id": "501", "role": "end-user", "organization_id": "900"},
        "event": {"current": "Jo Roe", "previous": "Jo Doe"}});
    assert!(desk.read(&renamed).is_empty());
    assert_eq!(message(&mut desk, &created())["author_name"], "Jo Roe");
}

#[test]
fn a_field_is_named_otherwise_where_another_carries_it() {
    let mut event = sample(include_str!("samples/zendesk/bridged_comment.json"));
    let told = &mut event["detail"]["ticket_event"];
    told["type"] = json!("Custom Field Changed");
    told["custom_field"] = json!({"id": 1000, "title": "Product area", "field_type": "text"});
    (told["previous"], told["current"]) = (json!(null), json!("api"));
    assert_eq!(Desk::new("zendesk", "").one(&event)["ticket"]["custom"]["product_area"], "api");
}

#[test]
fn what_a_search_finds_is_read_as_well() {
    let ticket = json!({"url": "https://acme.zendesk.com/api/v2/tickets/42.json", "id": 42, "result_type": "ticket",
        "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T10:00:00Z", "subject": "S", "status": "open",
        "requester_id": 501, "submitter_id": 501, "organization_id": 900});
    let record = Desk::new("zendesk", "").one(&json!({"results": [ticket], "count": 1, "next_page": null}));
    assert_eq!((&record["ticket_id"], &record["ticket"]["status"]), (&json!("zendesk:42"), &json!("open")));
}

#[test]
fn blank_placeholders_are_no_comment() {
    let mut payload = sample(include_str!("samples/zendesk/template_updated.json"));
    payload["comment"] = json!({"id": "", "body": "", "public": "", "created_at": "",
        "author": {"id": "", "name": "", "role": ""}});
    let records = Desk::new("zendesk", "").read(&payload);
    assert!(records.iter().all(|record| record["kind"] != "message"), "{records:?}");
}
