//! Plain JSON, as people and other programs hand it in: what is taken, and what is refused with which words.

use std::borrow::Cow;

use serde_json::{Value as Json, json};
use tierline_model::*;

use crate::kit::{refused, ticket_json};

/// 2026-03-02T02:04:05Z.
const AT: Millis = 1_772_417_045_000;

#[test]
fn the_contracts_example_is_read_whole() {
    let record = br#"{"event_id": "zd-91", "ticket_id": "zendesk:35436", "account_id": "acme", "source": "zendesk",
        "occurred_at": "2026-03-02T02:04:05Z", "sequence": 7, "kind": "created",
        "ticket": {"subject": "Export fails", "status": "new", "priority": "urgent", "severity": "sev1", "type": "bug",
                   "category": "billing", "product_area": "exports", "tags": ["api"], "channel": "email",
                   "requester": "jo@acme.example", "assignee": "sam", "team": "support", "language": "en",
                   "url": "https://help.example/35436", "custom": {"region": "emea"}},
        "cleared": ["assignee", "custom.plan"],
        "message": {"id": "m1", "author": "customer", "author_name": "Jo", "public": true, "text": "It says \"no\""},
        "merged_into": null, "rating": null}"#;
    let (event, notes) = event(record);
    assert_eq!(notes, Notes::default());
    let expected = TicketEvent {
        event_id: "zd-91".into(),
        ticket_id: "zendesk:35436".into(),
        account_id: "acme".into(),
        source: "zendesk".into(),
        occurred_at: AT,
        sequence: Some(7),
        kind: TicketEventKind::Created,
        ticket: TicketFields {
            subject: Some("Export fails".into()),
            status: Some(Status::New),
            priority: Some(Priority::Urgent),
            severity: Some("sev1".into()),
            r#type: Some("bug".into()),
            category: Some("billing".into()),
            product_area: Some("exports".into()),
            tags: Some(vec!["api".into()]),
            channel: Some("email".into()),
            requester: Some("jo@acme.example".into()),
            assignee: Some("sam".into()),
            team: Some("support".into()),
            language: Some("en".into()),
            url: Some("https://help.example/35436".into()),
            custom: vec![("region".into(), Value::Text("emea".into()))],
            ..TicketFields::default()
        },
        cleared: Cleared { fields: [TicketField::Assignee].into_iter().collect(), custom: vec!["plan".into()] },
        message: Some(Message {
            id: Some("m1".into()),
            author: Author::Customer,
            author_name: Some("Jo".into()),
            public: true,
            text: Some("It says \"no\"".into()),
            automated: false,
        }),
        merged_into: None,
        rating: None,
        rating_comment: None,
        to_account: None,
        import_id: None,
        by_kind: None,
        account_ref: None,
    };
    assert_eq!(event, expected);
    assert!(matches!(event.ticket.subject, Some(Cow::Borrowed(_))), "a text without escapes is not copied");
}

#[test]
fn marks_need_no_account_and_no_ticket() {
    let heartbeat = br#"{"kind": "heartbeat", "source": "zendesk", "heard_until": 5}"#;
    let (record, _) = Decoder::new().ticket(heartbeat).unwrap();
    assert_eq!(record, TicketRecord::Heartbeat { source: "zendesk".into(), heard_until: 5 });
    let mark = br#"{"kind": "import_finished", "import_id": "i1", "import_began_at": "1970-01-01T00:00:00.007Z"}"#;
    let (record, _) = Decoder::new().ticket(mark).unwrap();
    assert_eq!(record, TicketRecord::ImportFinished { import_id: "i1".into(), import_began_at: 7 });
}

#[test]
fn null_and_absent_are_both_not_told() {
    let nulls = ticket_json(|it| {
        for member in ["ticket", "cleared", "message", "sequence", "rating", "by_kind", "import_id"] {
            it[member] = Json::Null;
        }
    });
    let absent = ticket_json(|it| drop(it.as_object_mut().unwrap().remove("ticket")));
    let ((with_nulls, notes), (without, _)) = (event(&nulls), event(&absent));
    assert_eq!(notes, Notes::default());
    assert_eq!(with_nulls, without);
    assert_eq!(without.ticket, TicketFields::default());
}

#[test]
fn an_instant_is_rfc_3339_with_an_offset_or_milliseconds() {
    for instant in [json!("2026-03-02T03:04:05+01:00"), json!("2026-03-02T02:04:05.000Z"), json!(AT)] {
        assert_eq!(event(&ticket_json(|it| it["occurred_at"] = instant)).0.occurred_at, AT);
    }
    for nothing in [json!("2026-03-02T02:04:05"), json!("2026-03-02"), json!("soon"), json!(1.5), json!(u64::MAX)] {
        let (code, reason) = refused(Decoder::new().ticket(&ticket_json(|it| it["occurred_at"] = nothing)));
        assert_eq!(code, code::BAD_VALUE);
        assert!(reason.starts_with("`occurred_at` must be an instant: RFC 3339 with an offset"), "{reason}");
    }
}

#[test]
fn an_absurd_instant_is_read_as_it_stands_and_judged_by_its_limits() {
    for (written, is_sane) in [
        ("0001-01-01T00:00:00Z", false),
        ("1999-12-31T23:59:59.999Z", false),
        ("2000-01-01T00:00:00Z", true),
        ("2026-03-02T02:04:05Z", true),
        ("9999-12-31T23:59:59Z", false),
    ] {
        let at = event(&ticket_json(|it| it["occurred_at"] = json!(written))).0.occurred_at;
        assert_eq!(check_instant(at, AT, 3_600_000).is_ok(), is_sane, "{written}");
    }
}

#[test]
fn an_unknown_word_is_refused_with_the_ones_there_are() {
    let told = |change: &dyn Fn(&mut Json)| refused(Decoder::new().ticket(&ticket_json(|it| change(it))));
    let (code, reason) = told(&|it| it["ticket"]["priority"] = json!("urgnet"));
    assert_eq!(code, code::UNKNOWN_WORD);
    assert_eq!(reason, "`priority` is `urgnet`, which is none of low, normal, high, urgent; did you mean `urgent`?");
    assert_eq!(told(&|it| it["ticket"]["status"] = json!("Open")).0, code::UNKNOWN_WORD, "the case counts");
    assert_eq!(told(&|it| it["ticket"]["status"] = json!("unrecognised")).0, code::UNKNOWN_WORD);
    assert_eq!(told(&|it| it["message"] = json!({"author": "vendor"})).0, code::UNKNOWN_WORD);
    let (_, reason) = told(&|it| it["ticket"]["status"] = json!("x".repeat(10_000)));
    assert!(reason.len() < 200, "a long word is cut: {} bytes", reason.len());
}

#[test]
fn an_unknown_kind_is_refused_as_such() {
    let (code, reason) = refused(Decoder::new().ticket(&ticket_json(|it| it["kind"] = json!("snoozed"))));
    assert_eq!(code, code::UNKNOWN_KIND);
    assert!(reason.starts_with("`kind` is `snoozed`, which is none of created, updated, message"), "{reason}");
    let command = br#"{"command_id": "c", "account_id": "a", "occurred_at": 1, "kind": "shout"}"#;
    assert_eq!(refused(Decoder::new().command(command)).0, code::UNKNOWN_KIND);
}

#[test]
fn a_record_without_what_it_needs_is_refused_and_says_what() {
    let mut cases = vec![("kind", "kind")];
    cases.extend(["event_id", "ticket_id", "account_id", "source", "occurred_at"].map(|member| ("updated", member)));
    cases.extend([("message", "message"), ("merged", "merged_into"), ("rated", "rating"), ("rehomed", "to_account")]);
    cases.extend([("heartbeat", "heard_until"), ("import_finished", "import_id"), ("message", "message.author")]);
    for (kind, missing) in cases {
        let record = ticket_json(|it| {
            it["kind"] = json!(kind);
            if missing == "message.author" {
                it["message"] = json!({"text": "hello"});
            }
            it.as_object_mut().unwrap().remove(missing);
        });
        let expected = (code::MISSING_FIELD, format!("`{missing}` is missing"));
        assert_eq!(refused(Decoder::new().ticket(&record)), expected, "{kind}");
    }
    let missing = |told: Result<(), DecodeError>| assert_eq!(refused(told).0, code::MISSING_FIELD);
    let decoder = &mut Decoder::new();
    missing(decoder.account(br#"{"source": "crm"}"#).map(drop));
    missing(decoder.account_change(br#"{"account_id": "a"}"#).map(drop));
    missing(decoder.billing(br#"{"account_id": null, "source": "stripe"}"#).map(drop));
    missing(decoder.billing_change(br#"{"source": "stripe"}"#).map(drop));
    missing(decoder.signal(br#"{"signal_id": "s", "account_id": "a", "occurred_at": 1}"#).map(drop));
    let snooze = br#"{"command_id": "c", "account_id": "a", "occurred_at": 1, "kind": "snooze"}"#;
    missing(decoder.command(snooze).map(drop));
}

#[test]
fn an_id_is_neither_empty_nor_endless() {
    let with = |id: String| Decoder::new().ticket(&ticket_json(|it| it["ticket_id"] = json!(id))).map(drop);
    assert_eq!(refused(with(String::new())), (code::BAD_VALUE, "`ticket_id` is empty".into()));
    with("x".repeat(LONGEST_ID)).unwrap();
    let (code, reason) = refused(with("x".repeat(LONGEST_ID + 1)));
    assert_eq!((code, reason.as_str()), (code::BAD_VALUE, "`ticket_id` has 513 bytes; at most 512 are allowed"));
}

#[test]
fn a_value_of_another_type_or_off_its_scale_is_refused_by_the_fields_name() {
    let ticket = |member: &str, value: Json| {
        let reason = refused(Decoder::new().ticket(&ticket_json(|it| it["ticket"][member] = value)));
        assert_eq!(reason.0, code::BAD_VALUE);
        reason.1
    };
    assert_eq!(ticket("subject", json!(5)), "`subject` must be a text");
    assert_eq!(ticket("spam", json!("yes")), "`spam` must be true or false");
    assert_eq!(ticket("tags", json!(["a", 1])), "`tags` must be a text");
    assert_eq!(ticket("tags", json!(["a", null])), "`tags` has a null in its list");
    assert_eq!(ticket("status", json!({})), "`status` must be a word");
    let custom = "`custom` must be an object of texts, numbers, booleans and lists of texts";
    assert_eq!(ticket("custom", json!({"x": {"y": 1}})), custom);
    let whole = refused(Decoder::new().ticket(&ticket_json(|it| it["ticket"] = json!([]))));
    assert_eq!(whole, (code::BAD_VALUE, "`ticket` must be an object".into()));

    for rating in [0, 6, -1, 256] {
        let record = ticket_json(|it| (it["kind"], it["rating"]) = (json!("rated"), json!(rating)));
        let reason = format!("`rating` is {rating}; it goes from 1 to 5");
        assert_eq!(refused(Decoder::new().ticket(&record)), (code::BAD_VALUE, reason));
    }
    let decoder = &mut Decoder::new();
    let off_its_scale = |told: Result<(), DecodeError>| assert_eq!(refused(told).0, code::BAD_VALUE);
    off_its_scale(decoder.account(br#"{"account_id": "a", "source": "crm", "health": 100.5}"#).map(drop));
    off_its_scale(decoder.account(br#"{"account_id": "a", "source": "crm", "churn_risk": -0.1}"#).map(drop));
    off_its_scale(decoder.billing(br#"{"account_id": "a", "source": "s", "amount_due": 1.5}"#).map(drop));
    for (name, value, is_on_it) in
        [("sentiment", -1.0, true), ("sentiment", -1.01, false), ("escalation_risk", -0.1, false), ("mood", 70.0, true)]
    {
        let signal = json!({"signal_id": "s", "account_id": "a", "occurred_at": 1, "name": name, "value": value});
        assert_eq!(decoder.signal(signal.to_string().as_bytes()).is_ok(), is_on_it, "{name} {value}");
    }
    let command = json!({"command_id": "c", "account_id": "a", "occurred_at": 1, "kind": "escalate", "tier": 4});
    off_its_scale(decoder.command(command.to_string().as_bytes()).map(drop));
}

#[test]
fn what_this_version_does_not_know_is_stepped_over_and_counted() {
    let record = ticket_json(|it| {
        it["a_new_member"] = json!({"deep": [1, {"er": null}]});
        it["ticket"]["another"] = json!("x");
        it["cleared"] = json!(["assignee", "custom.x", "source", "custom.", "nothing"]);
        it["account_ref"] = json!({"source": "zendesk", "kind": "organization", "id": "1"});
    });
    let (event, notes) = event(&record);
    assert_eq!(event.cleared.fields.as_slice(), [TicketField::Assignee]);
    assert_eq!(event.cleared.custom, ["x"]);
    assert_eq!(notes, Notes { unknown_members: 2, unknown_cleared: 3, ..Notes::default() });
}

#[test]
fn snapshots_and_changes_tell_and_clear_fields() {
    let snapshot = br#"{"account_id": "acme", "source": "crm", "updated_at": 9, "plan": "enterprise", "arr": 120000.0,
        "health": 42, "renewal_date": "2026-12-24", "flags": ["vip"], "cleared": ["owner"],
        "custom": {"seats": 12, "beta": true, "regions": ["eu", "us"], "nothing": null}}"#;
    let (account, notes) = Decoder::new().account(snapshot).unwrap();
    assert_eq!(notes, Notes::default());
    assert_eq!((account.account_id.as_ref(), account.source.as_ref(), account.updated_at), ("acme", "crm", Some(9)));
    let fields = AccountFields {
        plan: Some("enterprise".into()),
        arr: Some(120_000),
        health: Some(42.0),
        renewal_date: parse_date_or_instant("2026-12-24"),
        flags: Some(vec!["vip".into()]),
        custom: vec![
            ("seats".into(), Value::Number(12.0)),
            ("beta".into(), Value::Bool(true)),
            ("regions".into(), Value::List(vec!["eu".into(), "us".into()])),
        ],
        ..AccountFields::default()
    };
    assert_eq!(account.fields, fields);
    assert_eq!(account.cleared.fields.as_slice(), [AccountField::Owner]);

    let change = br#"{"account_id": "acme", "source": "stripe", "source_id": "cus_1",
        "set": {"state": "past_due", "past_due_since": "2026-03-01T00:00:00Z"}, "cleared": ["cancels_at"]}"#;
    let (bill, _) = Decoder::new().billing_change(change).unwrap();
    let set = BillingFields {
        state: Some(BillingState::PastDue),
        past_due_since: Some(DateOrInstant::Instant(1_772_323_200_000)),
        ..BillingFields::default()
    };
    assert_eq!((bill.set, bill.deleted), (set, false));
    assert_eq!(bill.cleared.fields.as_slice(), [BillingField::CancelsAt]);
}

#[test]
fn what_is_no_json_object_is_undecodable() {
    for bytes in [&b""[..], b" ", b"{", b"{} {}", b"{\"kind\": \xff}", b"[]", b"null", b"kind", b"{'kind': 1}"] {
        assert_eq!(refused(Decoder::new().ticket(bytes)).0, code::UNDECODABLE, "{:?}", String::from_utf8_lossy(bytes));
    }
    let deep = format!("{{\"x\": {}", "[".repeat(1 << 20));
    assert_eq!(refused(Decoder::new().ticket(deep.as_bytes())).0, code::UNDECODABLE);
    let indented = [b"\n  ", ticket_json(|_| {}).as_slice(), b"\n"].concat();
    event(&indented);
}

fn event(bytes: &[u8]) -> (TicketEvent<'_>, Notes) {
    match Decoder::new().ticket(bytes).unwrap() {
        (TicketRecord::Event(event), notes) => (event, notes),
        (mark, _) => panic!("{mark:?}"),
    }
}
