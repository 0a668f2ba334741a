//! The generic mapping: what a configuration makes of a payload, and what is wrong with a mapping.

use std::sync::Arc;

use serde_json::{Value, json};
use tierline_intake::directory::{Directory, Entry, EntryKind, Table};
use tierline_intake::identity::{Identifier, Told};
use tierline_intake::{Accounts, Basics, Context, Delivery, Json, Reading, Secrets, Source, Unreadable, sources};
use tierline_rules::source::{self, Diagnostics, Keys};

const DESK: &str = r#"
kind: mapping
records:
  - to: tickets
    when: { /event: [ticket.created, ticket.updated] }
    set:
      kind: { from: /event, values: { created: ticket.created, updated: ticket.updated } }
      event_id: /delivery
      ticket_id: /ticket/number
      account_id: /ticket/company/id
      occurred_at: { from: /ticket/changed, time: "%d/%m/%Y %H:%M", zone: Europe/Berlin }
      ticket.subject: /ticket/title
      ticket.status: { from: /ticket/state, values: { open: [active, waiting], solved: done }, else: open }
      ticket.assignee: /ticket/agent
      ticket.requester: /ticket/from/mail
      ticket.tags: { from: /ticket/labels, split: "," }
      ticket.url: "https://desk.example/t/{/ticket/number}?c={^/tenant}"
      ticket.custom.seats: /ticket/seats
  - to: tickets
    when: { ^/event: ticket.commented }
    each: /comments
    set:
      kind: message
      ticket_id: ^/ticket/number
      account_id: "{^/tenant}"
      occurred_at: /at
      message.id: /id
      message.author: { from: /by/role, values: { agent: [staff, admin], customer: [user] } }
      message.public: /public
      message.text: [/text, /html]
  - to: account-changes
    when: { /event: company.changed }
    set: { account_id: /company/id, plan: /company/tier, health: /company/score, updated_at: { from: /at, time: seconds } }
    identifiers: { domain: [/company/website, /company/mail], external_id: { from: /company/ids, split: ";" } }
"#;

fn build(text: &str) -> (Option<Arc<dyn Source>>, Diagnostics) {
    let mut found = Diagnostics::default();
    let root = source::parse(&source::Source::new("desk.yaml", text), &mut found).expect("it is YAML");
    let mut keys = Keys::of(&root, "the source `desk`", &mut found).expect("it is a map");
    let _ = keys.optional("kind");
    let basics = Basics {
        name: "desk".to_owned(),
        secrets: Secrets::new(["s3cret"]),
        accounts: Accounts([("17".to_owned(), "acme".to_owned())].into()),
    };
    let source = (sources::kind("mapping").expect("it is known").build)(basics, &mut keys, &mut found);
    keys.finish(&mut found);
    (source, found)
}

fn read(table: &Table, payload: &Value) -> Result<Reading, Unreadable> {
    let (source, found) = build(DESK);
    let source = source.unwrap_or_else(|| panic!("{found}"));
    let body = payload.to_string();
    let delivery = Delivery::bare(body.as_bytes(), 1_000);
    source.read(Json::new(payload), &Context { delivery: &delivery, directory: table })
}

fn ticket() -> Value {
    json!({"event": "ticket.created", "delivery": "d-1", "tenant": "eu", "ticket": {
        "number": 7, "company": {"id": 17}, "changed": "02/03/2026 10:05", "title": "Export fails",
        "state": "Waiting", "agent": null, "from": {"mail": "jo@acme.example"}, "labels": "api, export", "seats": 12.5}})
}

#[test]
fn places_tables_and_templates_become_a_record() {
    let reading = read(&Table::default(), &ticket()).unwrap();
    assert_eq!(reading.ignored, []);
    let told = Value::Object(reading.records[0].told.clone());
    assert_eq!(
        told,
        json!({
            "source": "desk", "kind": "created", "event_id": "d-1", "ticket_id": "desk:7", "account_id": "acme",
            "account_ref": {"source": "desk", "kind": "organization", "id": "17"},
            "occurred_at": 1_772_442_300_000_i64, "cleared": ["assignee"],
            "ticket": {"subject": "Export fails", "status": "open", "requester": "jo@acme.example",
                "tags": ["api", "export"], "url": "https://desk.example/t/7?c=eu", "custom": {"seats": 12.5}}
        })
    );
}

#[test]
fn a_list_becomes_a_record_an_item_and_its_ticket_stays_where_it_was_filed() {
    let mut table = Table::default();
    let first = read(&table, &ticket()).unwrap();
    first.directory.into_iter().for_each(|entry: Entry| {
        table.put(entry);
    });
    assert_eq!(table.find("desk", EntryKind::Ticket, "7").unwrap().account.as_deref(), Some("acme"));
    let comments = json!({"event": "ticket.commented", "tenant": "eu", "ticket": {"number": 7}, "comments": [
        {"id": 1, "at": "2026-03-02T10:00:00Z", "by": {"role": "user"}, "html": "<p>Hello?</p>", "text": ""},
        {"id": 2, "at": "2026-03-02T10:01:00Z", "by": {"role": "Admin"}, "public": false, "text": "looking"}]});
    let reading = read(&table, &comments).unwrap();
    let told: Vec<_> = reading.records.iter().map(|record| Value::Object(record.told.clone())).collect();
    assert_eq!(told[0]["message"], json!({"id": "1", "author": "customer", "text": "<p>Hello?</p>"}));
    assert_eq!(told[1]["message"], json!({"id": "2", "author": "agent", "public": false, "text": "looking"}));
    assert!(told.iter().all(|told| told["account_id"] == "acme"), "not eu, which came later");
    assert_ne!(told[0]["event_id"], told[1]["event_id"]);
    let again = read(&table, &comments).unwrap();
    assert_eq!(again.records, reading.records, "the same payload has the same ids");
}

#[test]
fn what_is_not_what_its_field_holds_is_left_out_and_noted() {
    let change = json!({"event": "company.changed", "company": {"id": 17, "tier": "gold", "score": "good"}, "at": 60});
    let reading = read(&Table::default(), &change).unwrap();
    let told = json!({"account_id": "acme", "source": "desk", "updated_at": 60_000, "set": {"plan": "gold"}});
    assert_eq!(Value::Object(reading.records[0].told.clone()), told);
    assert_eq!(
        (reading.ignored[0].pointer.as_str(), reading.ignored[0].why.as_ref()),
        ("/company/score", "it is not a number")
    );
}

#[test]
fn an_organisation_is_known_by_what_it_shares() {
    let told = |company: Value| {
        let change = json!({"event": "company.changed", "company": company, "at": 60});
        let reading = read(&Table::default(), &change).unwrap();
        let told = reading.told.into_iter().map(|told| match told {
            Told::Has { of, field, identifiers } => {
                (of.to_string(), field, identifiers.iter().map(Identifier::as_str).map(str::to_owned).collect())
            }
            Told::GoesOn { .. } => panic!("nobody was merged"),
        });
        let remembered = reading.directory.iter().map(|entry| (entry.key(), entry.known.clone().unwrap().account));
        (told.collect::<Vec<(String, &str, Vec<String>)>>(), remembered.collect::<Vec<_>>())
    };
    let company = json!({"id": 18, "mail": "ap@Acme.example", "ids": "crm-77; x; "});
    let known = [("desk,organisation,18".to_owned(), Some("desk:18".to_owned()))];
    let domain = ("desk:18".to_owned(), "domain", vec!["domain:acme.example".to_owned()]);
    let id = ("desk:18".to_owned(), "external_id", vec!["external:crm-77".to_owned()]);
    assert_eq!(told(company), (vec![domain, id], known.to_vec()));
    let emptied = ("desk:18".to_owned(), "domain", vec![]);
    assert_eq!(told(json!({"id": 18, "website": null, "mail": ""})), (vec![emptied], known.to_vec()));

    let records = "records: [ { to: accounts, set: { account_id: \"x-{/id}\" }, identifiers: { domain: /site } } ]";
    let (source, found) = build(&format!("kind: mapping\n{records}\n"));
    assert!(source.is_none() && found.to_string().contains("`account_id` names none"), "{found}");
}

#[test]
fn what_must_be_there_and_is_not_is_named() {
    let mut payload = ticket();
    payload["ticket"]["number"] = Value::Null;
    let unreadable = read(&Table::default(), &payload).unwrap_err();
    assert_eq!((unreadable.code, unreadable.reason.as_str()), ("missing_field", "`/ticket/number` is missing"));
    let nothing = read(&Table::default(), &json!({"event": "agent.logged_in"})).unwrap();
    assert!(nothing.records.is_empty() && nothing.ignored.len() == 1);
}

#[test]
fn a_mapping_is_checked_as_a_rule_is() {
    let (source, found) = build(
        "\
kind: mapping
records:
  - to: tickets
    set:
      kind: /event
      ticket_id: ticket/id
      acount_id: /company
      ticket.status: { from: /state, values: { opne: active } }
      ticket.priority: very
      ticket.url: 'https://desk.example/{/a~2}'
      message.text: /text
      ticket.tags: { from: /tags, splitt: ',' }
  - to: ticket
    set: { account_id: /x }
",
    );
    assert!(source.is_none());
    insta::assert_snapshot!(found.render(false));
}

#[test]
fn a_token_or_a_signature_of_the_body_proves() {
    let signed = DESK.replace("kind: mapping", "kind: mapping\nsignature: { header: X-Signature, prefix: 'sha256=' }");
    let (source, found) = build(&signed);
    let source = source.unwrap_or_else(|| panic!("{found}"));
    // Of `{}` with the key `s3cret`, by `openssl dgst -sha256 -hmac s3cret`.
    let right = [("x-signature", "sha256=adbde1ce40c89c14215687d5d762a47df6dfaefcfad61e2e86718ffc8498571b")];
    let delivery = Delivery { headers: &right, ..Delivery::bare(b"{}", 0) };
    assert_eq!(source.verify(&delivery), Ok(()));
    let wrong = Delivery { body: b"{ }", ..delivery };
    assert_eq!(source.verify(&wrong).unwrap_err().code(), "wrong_signature");
    let (source, _) = build(DESK);
    let bearer = [("authorization", "Bearer s3cret")];
    assert_eq!(source.unwrap().verify(&Delivery { headers: &bearer, ..delivery }), Ok(()));
}
