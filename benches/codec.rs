//! How long a record takes from bytes to typed and back.
//!
//! `cargo bench --bench codec` prints one line a case: the record's size, and nanoseconds a record, the median and the
//! fastest of 31 rounds. `cargo bench --bench codec -- json` only those whose name has the words. The event is one of
//! about 430 bytes: a customer writes on a ticket, and a dozen of its fields are told.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tierline_model::{
    AccountContext, Author, CategoryCount, Context, Decoder, Encoding, Escalation, EscalationKind, Evidence,
    HistoryContext, Message, MessageContext, Priority, RecordType, SchemaSource, SlaContext, SourceUnavailable, Status,
    TicketContext, TicketEvent, TicketEventKind, TicketFields, TicketRecord, encode_escalation, encode_ticket,
};

const ROUNDS: usize = 31;
const A_ROUND: Duration = Duration::from_millis(20);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let report = |name: &str, bytes: usize, work: &mut dyn FnMut()| {
        if wanted.is_empty() || name.contains(&wanted.join(" ")) {
            let (median, fastest) = measure(work);
            println!("{name:<58} {bytes:>5} B   {median:>7.0} ns   fastest {fastest:>7.0} ns");
        }
    };
    let decodes = |name: &str, mut decoder: Decoder, bytes: &[u8]| {
        let (TicketRecord::Event(event), _) = decoder.ticket(bytes).expect("it was written rightly") else {
            unreachable!("it is an event")
        };
        assert_eq!(event.account_id, "account-004711", "{name} reads the same record");
        report(name, bytes.len(), &mut || {
            black_box(decoder.ticket(black_box(bytes)).is_ok());
        });
    };

    let event = event();
    let written = |encoding| {
        let mut bytes = Vec::new();
        encode_ticket(&event, encoding, &mut bytes);
        bytes
    };
    let ours = written(Encoding::SingleObject);
    let json = Decoder::new().to_json(RecordType::Tickets, &ours).expect("our own").to_string();
    let confluent = written(CONFLUENT);
    let (newer_schema, newer) = newer(&confluent);
    let (older_schema, older) = older(&confluent);
    decodes("decode an event: our schema, single object", Decoder::new(), &ours);
    decodes("decode an event: our schema, Confluent framing", registry(RecordType::Tickets.schema()), &confluent);
    decodes("decode an event: an older writer's schema", registry(&older_schema), &older);
    decodes("decode an event: a newer writer's schema", registry(&newer_schema), &newer);
    decodes("decode an event: JSON", Decoder::new(), json.as_bytes());

    let mut out = Vec::with_capacity(8 << 10);
    report("encode an event: our schema, single object", ours.len(), &mut || {
        out.clear();
        encode_ticket(black_box(&event), Encoding::SingleObject, &mut out);
    });
    let escalation = escalation();
    let length = {
        out.clear();
        encode_escalation(&escalation, CONFLUENT, &mut out);
        out.len()
    };
    report("encode an escalation with its context: Confluent framing", length, &mut || {
        out.clear();
        encode_escalation(black_box(&escalation), CONFLUENT, &mut out);
    });
}

/// Nanoseconds a call: the median and the fastest round.
fn measure(work: &mut dyn FnMut()) -> (f64, f64) {
    let mut calls = 1u32;
    // As many calls as fill a round; that warms up as well.
    while time(work, calls) < A_ROUND {
        calls *= 2;
    }
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| time(work, calls).as_secs_f64() * 1e9 / f64::from(calls)).collect();
    rounds.sort_by(f64::total_cmp);
    (rounds[ROUNDS / 2], rounds[0])
}

fn time(work: &mut dyn FnMut(), calls: u32) -> Duration {
    let begun = Instant::now();
    (0..calls).for_each(|_| work());
    begun.elapsed()
}

const CONFLUENT: Encoding = Encoding::Confluent { id: 7 };

/// A decoder whose registry has this one schema.
fn registry(schema: &str) -> Decoder {
    struct One(String);
    impl SchemaSource for One {
        fn schema(&self, _: u32) -> Result<Option<String>, SourceUnavailable> {
            Ok(Some(self.0.clone()))
        }
    }
    Decoder::with_registry(Arc::new(One(schema.to_owned())))
}

/// The schema and the bytes of a writer that adds a number and a list of texts at the end.
fn newer(ours: &[u8]) -> (String, Vec<u8>) {
    let mut bytes = ours.to_vec();
    bytes.extend_from_slice(&0.5f64.to_le_bytes());
    bytes.extend_from_slice(b"\x04\x06abc\x08defg\x00");
    let schema = with_fields(|fields| {
        fields.push(serde_json::json!({"name": "confidence", "type": "double"}));
        fields.push(serde_json::json!({"name": "labels", "type": {"type": "array", "items": "string"}}));
    });
    (schema, bytes)
}

/// The schema and the bytes of a writer that lacks our last five fields, none of which the event tells.
fn older(ours: &[u8]) -> (String, Vec<u8>) {
    let (kept, untold) = ours.split_at(ours.len() - 5);
    assert_eq!(untold, [0; 5]);
    (with_fields(|fields| fields.truncate(fields.len() - 5)), kept.to_vec())
}

fn with_fields(change: impl FnOnce(&mut Vec<serde_json::Value>)) -> String {
    let mut schema: serde_json::Value = serde_json::from_str(RecordType::Tickets.schema()).expect("our own is JSON");
    change(schema["fields"].as_array_mut().expect("a record has fields"));
    schema.to_string()
}

fn event() -> TicketRecord<'static> {
    let (event_id, kind) = ("zd-8841-audit-5520931", TicketEventKind::Message);
    TicketRecord::Event(TicketEvent {
        sequence: Some(7),
        ticket: TicketFields {
            subject: Some("The export of last month's invoices fails".into()),
            status: Some(Status::Open),
            priority: Some(Priority::Urgent),
            severity: Some("sev1".into()),
            r#type: Some("bug".into()),
            category: Some("billing".into()),
            product_area: Some("exports".into()),
            tags: Some(vec!["api".into(), "invoices".into()]),
            channel: Some("email".into()),
            requester: Some("jo@acme.example".into()),
            assignee: Some("sam".into()),
            team: Some("support-emea".into()),
            ..TicketFields::default()
        },
        message: Some(Message {
            id: Some("5520931".into()),
            author: Author::Customer,
            author_name: Some("Jo Harper".into()),
            public: true,
            text: Some(
                "Hello, since this morning every export of invoices ends with an error after a minute. We must send \
                 them to our auditors today, so please have a look as soon as you can."
                    .into(),
            ),
            automated: false,
        }),
        ..TicketEvent::new(kind, event_id, "zendesk:35436", "account-004711", "zendesk", 1_772_417_045_123)
    })
}

fn escalation() -> Escalation {
    const AT: i64 = 1_772_424_245_000;
    let text = |text: &str| Some(text.to_owned());
    Escalation {
        escalation_id: "6f6ee3a1-4b7a-5d5c-9a52-0d2f6a1b7c33".parse().expect("a UUID"),
        sequence: 0,
        kind: EscalationKind::Opened,
        ticket_id: "zendesk:35436".into(),
        account_id: "account-004711".into(),
        tier: 3,
        previous_tier: Some(1),
        rule: text("enterprise-billing-silence"),
        rule_version: text("9f86d081884c7d65"),
        became_true_at: AT,
        detected_at: AT + 5_003,
        reason: "The account's plan is enterprise and the ticket's category is billing and no agent has replied for 2 \
                 hours."
            .into(),
        evidence: ["the account's plan", "the ticket's category", "no agent has replied"]
            .map(|condition| Evidence {
                condition: condition.into(),
                value: "enterprise".into(),
                source: text("crm"),
                as_of: Some(AT),
            })
            .into(),
        by: None,
        command_id: None,
        until: None,
        due_at: Some(AT + 3_600_000),
        suggest: text("Check the billing status in Stripe before responding."),
        route: text("billing-leads"),
        url: text("https://acme.zendesk.example/agent/tickets/35436"),
        context: Some(Context {
            account: AccountContext {
                name: text("Acme Corporation"),
                plan: text("enterprise"),
                arr: Some(120_000),
                currency: text("EUR"),
                health: Some(42.0),
                renewal_date: text("2026-06-30"),
                as_of: Some(AT),
                ..AccountContext::default()
            },
            history: HistoryContext {
                tickets_30d: 9,
                unresolved_30d: 3,
                categories: vec![CategoryCount { category: "billing".into(), count: 5 }],
            },
            conversation: vec![
                MessageContext {
                    author: "customer".into(),
                    author_name: text("Jo Harper"),
                    public: true,
                    at: AT,
                    text: "Since this morning every export of invoices ends with an error.".repeat(4),
                };
                4
            ],
            sla: vec![SlaContext {
                metric: "first_reply".into(),
                policy: "enterprise".into(),
                ..SlaContext::default()
            }],
            ticket: TicketContext {
                subject: text("The export of last month's invoices fails"),
                status: text("open"),
                priority: text("urgent"),
                category: text("billing"),
                tags: vec!["api".into()],
                created_at: Some(AT),
                ..TicketContext::default()
            },
            ..Context::default()
        }),
    }
}
