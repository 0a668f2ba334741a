//! What is written comes back, in both frames, and says the same to another reader of Avro.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use proptest::prelude::*;
use tierline_model::*;

use crate::kit::Dice;

macro_rules! come_back {
    ($($test:ident: $make:ident, $encode:ident, $decode:ident;)+) => {
        proptest! { $(
            #[test]
            fn $test(dice in prop::collection::vec(any::<u8>(), 0..200)) {
                let record = Dice(&dice).$make();
                let mut out = Vec::new();
                $encode(&record, Encoding::SingleObject, &mut out);
                let (back, notes) = Decoder::new().$decode(&out).unwrap();
                prop_assert_eq!(back, record);
                prop_assert_eq!(notes, Notes::default());
            }
        )+ }
    };
}

come_back! {
    tickets_come_back: ticket, encode_ticket, ticket;
    accounts_come_back: account, encode_account, account;
    account_changes_come_back: account_change, encode_account_change, account_change;
    billing_comes_back: billing, encode_billing, billing;
    billing_changes_come_back: billing_change, encode_billing_change, billing_change;
    signals_come_back: signal, encode_signal, signal;
    commands_come_back: command, encode_command, command;
}

proptest! {
    #[test]
    fn another_reader_of_avro_reads_the_same(dice in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut out = Vec::new();
        for record in RecordType::ALL.iter().copied() {
            out.clear();
            encode_any(record, &mut Dice(&dice), &mut out);
            let schema = Schema::parse_str(record.schema()).unwrap();
            let mut datum = &out[10..];
            let reader = GenericDatumReader::builder(&schema).build().unwrap();
            let theirs = reader.read_value(&mut datum).unwrap();
            prop_assert!(datum.is_empty());
            let ours = Decoder::new().to_json(record, &out).unwrap();
            prop_assert_eq!(told(theirs), ours);
        }
    }

    #[test]
    fn what_send_rewrites_means_the_same(dice in prop::collection::vec(any::<u8>(), 0..200)) {
        let record = Dice(&dice).ticket();
        let mut avro = Vec::new();
        encode_ticket(&record, Encoding::SingleObject, &mut avro);
        let decoder = &mut Decoder::new();
        let json = decoder.to_json(RecordType::Tickets, &avro).unwrap().to_string();
        let mut again = Vec::new();
        let sent = transcode(decoder, RecordType::Tickets, json.as_bytes(), Encoding::SingleObject, &mut again).unwrap();
        let key = match &record {
            TicketRecord::Event(event) => Some(event.account_id.to_string()),
            TicketRecord::AccountRehomed(moved) => Some(moved.account_id.to_string()),
            TicketRecord::Heartbeat { .. } | TicketRecord::ImportFinished { .. } => None,
        };
        prop_assert_eq!(sent, Sent { key, notes: Notes::default() });
        // Maps have no order: so the meanings are compared, not the bytes.
        prop_assert_eq!(
            decoder.to_json(RecordType::Tickets, &again).unwrap(),
            decoder.to_json(RecordType::Tickets, &avro).unwrap()
        );
    }
}

#[test]
fn an_escalation_is_shown_as_the_contract_writes_it() {
    let mut out = Vec::new();
    let escalation = Escalation {
        kind: EscalationKind::Opened,
        became_true_at: 1_772_424_245_000,
        tier: 3,
        rule: Some("enterprise-billing-silence".into()),
        ..Dice(&[]).escalation()
    };
    encode_escalation(&escalation, Encoding::SingleObject, &mut out);
    let shown = Decoder::new().to_json(RecordType::Escalations, &out).unwrap();
    assert_eq!(
        shown,
        serde_json::json!({
            "escalation_id": escalation.escalation_id.to_string(), "sequence": 0, "kind": "opened", "ticket_id": "i",
            "account_id": "i", "tier": 3, "rule": "enterprise-billing-silence",
            "became_true_at": "2026-03-02T04:04:05.000Z", "detected_at": "1970-01-01T00:00:00.000Z", "reason": "",
            "evidence": [],
        })
    );
}

#[test]
fn json_that_was_parsed_already_is_taken_and_refused_as_its_text_is() {
    let base = r#""event_id":"e","ticket_id":"t","account_id":"acme","source":"desk","occurred_at":1"#;
    for more in [
        r#""kind":"created","ticket":{"subject":"A","status":"open","tags":["a","b"],"custom":{"f":true,"n":1.5}}"#,
        r#""kind":"message","message":{"id":"m","author":"customer","public":true,"text":"ä"},"later":{"than":[1]}"#,
        r#""kind":"updated","ticket":{"status":"opne"}"#,
        r#""kind":"updated","ticket":{"status":7},"cleared":["assignee"]"#,
        r#""kind":"rated","rating":9"#,
        r#""kind":"heartbeat","heard_until":null"#,
        r#""kind":"none of ours""#,
    ] {
        let text = format!("{{{base},{more}}}");
        let told = serde_json::from_str(&text).unwrap();
        let (mut of_text, mut of_told) = (Vec::new(), Vec::new());
        let as_object = Encoding::SingleObject;
        let by_text = transcode(&mut Decoder::new(), RecordType::Tickets, text.as_bytes(), as_object, &mut of_text);
        let by_told = transcode_told(RecordType::Tickets, &told, as_object, &mut of_told);
        assert_eq!((by_told, of_told), (by_text, of_text), "{text}");
    }
}

#[test]
fn only_tierline_writes_escalations() {
    let sent = transcode(&mut Decoder::new(), RecordType::Escalations, b"{}", Encoding::SingleObject, &mut Vec::new());
    assert_eq!(crate::kit::refused(sent).0, code::UNKNOWN_KIND);
}

fn encode_any(record: RecordType, dice: &mut Dice<'_>, out: &mut Vec<u8>) {
    let as_object = Encoding::SingleObject;
    match record {
        RecordType::Tickets => encode_ticket(&dice.ticket(), as_object, out),
        RecordType::Accounts => encode_account(&dice.account(), as_object, out),
        RecordType::Billing => encode_billing(&dice.billing(), as_object, out),
        RecordType::AccountChanges => encode_account_change(&dice.account_change(), as_object, out),
        RecordType::BillingChanges => encode_billing_change(&dice.billing_change(), as_object, out),
        RecordType::Signals => encode_signal(&dice.signal(), as_object, out),
        RecordType::Commands => encode_command(&dice.command(), as_object, out),
        RecordType::Escalations => encode_escalation(&dice.escalation(), as_object, out),
        RecordType::EscalationQueue => encode_queue_entry(&dice.queue_entry(), as_object, out),
        RecordType::SlaEvents => encode_sla_event(&dice.sla_event(), as_object, out),
    }
}

/// What the other reader read, as the contract's JSON.
fn told(value: apache_avro::types::Value) -> serde_json::Value {
    use apache_avro::types::Value as Avro;
    match value {
        Avro::Null => serde_json::Value::Null,
        Avro::Boolean(it) => it.into(),
        Avro::Int(it) => it.into(),
        Avro::Long(it) => it.into(),
        Avro::Double(it) => it.into(),
        Avro::String(it) | Avro::Enum(_, it) => it.into(),
        Avro::Union(_, it) => told(*it),
        Avro::TimestampMillis(at) if instant_text(at) == at.to_string() => at.into(),
        Avro::TimestampMillis(at) => instant_text(at).into(),
        Avro::Date(days) => date_or_instant_text(DateOrInstant::Date(days)).into(),
        Avro::Array(items) => items.into_iter().map(told).collect::<Vec<_>>().into(),
        Avro::Map(entries) => {
            entries.into_iter().map(|(name, it)| (name, told(it))).collect::<serde_json::Map<_, _>>().into()
        }
        Avro::Record(fields) => {
            let fields = fields.into_iter().map(|(name, it)| (name, told(it))).filter(|(_, it)| !it.is_null());
            fields.collect::<serde_json::Map<_, _>>().into()
        }
        other => panic!("no schema of ours has {other:?}"),
    }
}
