//! Other writers' schemas, older and newer than ours, and where they are found: by fingerprint, by id in a registry.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tierline_model::*;

use crate::kit::{Dice, refused};

/// What a writer of the first version might have had: few fields, in another order, told where ours may be untold.
const OLDER: &str = r#"{"type": "record", "name": "TicketEvent", "namespace": "io.tierline", "fields": [
    {"name": "kind", "type": {"type": "enum", "name": "TicketEventKind", "symbols": ["created", "updated"]}},
    {"name": "account_id", "type": "string"}, {"name": "ticket_id", "type": "string"},
    {"name": "event_id", "type": "bytes"}, {"name": "source", "type": "string"},
    {"name": "sequence", "type": "int"},
    {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "ticket", "type": [{"type": "record", "name": "Fields", "fields": [
        {"name": "priority", "type": "string"}, {"name": "subject", "type": ["string", "null"]}]}, "null"]}]}"#;

#[test]
fn an_older_writers_record_tells_what_it_has() {
    let fields = vec![
        ("priority".to_owned(), Avro::String("high".into())),
        ("subject".to_owned(), Avro::Union(0, Box::new(Avro::String("Export fails".into())))),
    ];
    let written = Avro::Record(vec![
        ("kind".to_owned(), Avro::Enum(1, "updated".into())),
        ("account_id".to_owned(), Avro::String("acme".into())),
        ("ticket_id".to_owned(), Avro::String("T1".into())),
        ("event_id".to_owned(), Avro::Bytes(b"e1".to_vec())),
        ("source".to_owned(), Avro::String("zendesk".into())),
        ("sequence".to_owned(), Avro::Int(-7)),
        ("occurred_at".to_owned(), Avro::TimestampMicros(1_772_417_045_000_999)),
        ("ticket".to_owned(), Avro::Union(0, Box::new(Avro::Record(fields)))),
    ]);
    let mut decoder = Decoder::new();
    let bytes = single_object(decoder.learn(OLDER).unwrap(), &datum(OLDER, written));
    let (record, notes) = decoder.ticket(&bytes).unwrap();
    let TicketRecord::Event(event) = record else { panic!("{record:?}") };
    assert_eq!(notes, Notes::default());
    assert_eq!((event.event_id.as_ref(), event.sequence, event.occurred_at), ("e1", Some(-7), 1_772_417_045_000));
    assert_eq!(event.kind, TicketEventKind::Updated);
    let told = TicketFields {
        priority: Some(Priority::High),
        subject: Some("Export fails".into()),
        ..TicketFields::default()
    };
    assert_eq!(event.ticket, told);
}

/// One ended the program: "Only valid schemas are accepted!".
#[test]
fn what_a_writer_adds_to_its_schema_is_neither_read_as_a_size_nor_part_of_its_fingerprint() {
    let told = r#""name": "source", "#;
    for added in [r#""size": "large", "#, r#""size": [], "#, r#""precision": "high", "scale": null, "#] {
        let schema = OLDER.replace(told, &format!("{told}{added}"));
        assert_ne!(schema, OLDER);
        assert_eq!(Decoder::new().learn(&schema).unwrap(), Decoder::new().learn(OLDER).unwrap(), "{added}");
        let in_a_union = format!(r#"["null", {{"type": "array", {added}"items": "string"}}]"#);
        Decoder::new().learn(&in_a_union).unwrap();
    }
}

#[test]
fn an_older_writer_that_lacks_what_is_needed_is_refused_by_the_fields_name() {
    let without_source = OLDER.replace(r#"{"name": "source", "type": "string"},"#, "");
    let written = Avro::Record(vec![
        ("kind".to_owned(), Avro::Enum(0, "created".into())),
        ("account_id".to_owned(), Avro::String("acme".into())),
        ("ticket_id".to_owned(), Avro::String("T1".into())),
        ("event_id".to_owned(), Avro::Bytes(b"e1".to_vec())),
        ("sequence".to_owned(), Avro::Int(0)),
        ("occurred_at".to_owned(), Avro::TimestampMicros(0)),
        ("ticket".to_owned(), Avro::Union(1, Box::new(Avro::Null))),
    ]);
    let mut decoder = Decoder::new();
    let bytes = single_object(decoder.learn(&without_source).unwrap(), &datum(&without_source, written));
    assert_eq!(refused(decoder.ticket(&bytes)), (code::MISSING_FIELD, "`source` is missing".into()));
}

/// Fields of every shape, as a newer version might add them.
fn additions() -> [Json; 8] {
    let fixed = json!({"type": "fixed", "name": "NewFixed", "size": 3});
    let choice = json!({"type": "enum", "name": "NewEnum", "symbols": ["a", "b"]});
    let inner = json!({"type": "record", "name": "NewRecord", "fields": [{"name": "source", "type": "string"}]});
    [
        json!({"name": "new_text", "type": "string", "default": "event_id"}),
        json!({"name": "new_number", "type": ["double", "null"], "default": 0.5}),
        json!({"name": "new_fixed", "type": fixed, "default": "abc"}),
        json!({"name": "new_enum", "type": choice, "default": "b"}),
        json!({"name": "new_list", "type": {"type": "array", "items": "long"}, "default": [1, -1, 300]}),
        json!({"name": "new_map", "type": {"type": "map", "values": "boolean"}, "default": {"x": true}}),
        json!({"name": "new_record", "type": inner, "default": {"source": "another"}}),
        json!({"name": "new_bytes", "type": "bytes", "default": "\u{0}"}),
    ]
}

proptest! {
    #[test]
    fn a_newer_writers_additions_are_stepped_over_and_counted_once_each(
        dice in prop::collection::vec(any::<u8>(), 0..200),
        places in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 8),
    ) {
        let mut newer: Json = serde_json::from_str(RecordType::Tickets.schema()).unwrap();
        let (mut beside, mut inside) = (0, 0);
        for (addition, (deep, place)) in additions().into_iter().zip(places) {
            let fields = if deep { ticket_fields(&mut newer) } else { newer["fields"].as_array_mut().unwrap() };
            fields.insert(place.index(fields.len() + 1), addition);
            if deep { inside += 1 } else { beside += 1 }
        }
        let (bytes, original) = rewritten(&dice, &newer);
        let mut decoder = Decoder::new();
        decoder.learn(&newer.to_string()).unwrap();
        let (record, notes) = decoder.ticket(&bytes).unwrap();
        let inside = if told_ticket(&record) { inside } else { 0 };
        prop_assert_eq!(notes, Notes { unknown_members: beside + inside, ..Notes::default() });
        prop_assert_eq!(as_json(&record), original);
    }

    #[test]
    fn an_older_writers_missing_fields_are_not_told(
        dice in prop::collection::vec(any::<u8>(), 0..200), dropped in prop::collection::hash_set(0usize..40, 0..10),
    ) {
        // Not droppable: what every record needs, what its kind may need, and where a type has its definition.
        const KEPT: &[&str] = &["event_id", "ticket_id", "account_id", "source", "occurred_at", "kind", "ticket",
            "message", "merged_into", "rating", "to_account", "import_id", "import_began_at", "heard_until", "opened_by"];
        let mut older: Json = serde_json::from_str(RecordType::Tickets.schema()).unwrap();
        let mut number = 0;
        let mut drop_some = |fields: &mut Vec<Json>| {
            let mut gone = Vec::new();
            fields.retain(|field| {
                let name = field["name"].as_str().unwrap();
                number += 1;
                let goes = dropped.contains(&number) && !KEPT.contains(&name);
                if goes { gone.push(name.to_owned()) }
                !goes
            });
            gone
        };
        let of_ticket = drop_some(ticket_fields(&mut older));
        let of_record = drop_some(older["fields"].as_array_mut().unwrap());
        let (bytes, mut expected) = rewritten(&dice, &older);
        of_record.iter().for_each(|name| { expected.as_object_mut().unwrap().remove(name); });
        if of_record.contains(&"cleared".to_owned()) {
            expected["cleared"] = json!([]);
        }
        if let Some(ticket) = expected.get_mut("ticket").and_then(Json::as_object_mut) {
            of_ticket.iter().for_each(|name| { ticket.remove(name); });
            ticket.entry("custom").or_insert(json!({}));
            if ticket.len() == 1 && ticket["custom"] == json!({}) {
                expected.as_object_mut().unwrap().remove("ticket");
            }
        }
        let mut decoder = Decoder::new();
        decoder.learn(&older.to_string()).unwrap();
        let (record, notes) = decoder.ticket(&bytes).unwrap();
        prop_assert_eq!(notes, Notes::default());
        prop_assert_eq!(as_json(&record), expected);
    }
}

#[test]
fn a_newer_writers_word_counts_as_not_told_and_as_a_kind_it_is_refused() {
    let newer = RecordType::Tickets
        .schema()
        .replace(r#""urgent"]"#, r#""urgent", "apocalyptic"]"#)
        .replace("\"import_finished\"\n        ]", "\"import_finished\", \"split\"]");
    let mut decoder = Decoder::new();
    let fingerprint = decoder.learn(&newer).unwrap();
    let mut with = |kind: &str, priority: &str| {
        let value = told_by(&newer, kind, priority);
        let bytes = single_object(fingerprint, &datum(&newer, value));
        decoder.ticket(&bytes).map(|(record, notes)| match record {
            TicketRecord::Event(event) => (event.ticket.priority, notes.unrecognised_words),
            mark => panic!("{mark:?}"),
        })
    };
    assert_eq!(with("updated", "urgent"), Ok((Some(Priority::Urgent), 0)));
    assert_eq!(with("updated", "apocalyptic"), Ok((None, 1)));
    assert_eq!(with("updated", "unrecognised"), Ok((None, 1)), "what an intermediate reader made of it");
    for kind in ["split", "unrecognised"] {
        let (code, reason) = refused(with(kind, "urgent"));
        assert_eq!(code, code::UNKNOWN_KIND);
        assert!(reason.starts_with(&format!("`kind` is `{kind}`, which is none of created")), "{reason}");
    }
}

#[test]
fn a_fingerprint_that_nobody_knows_is_an_unknown_schema() {
    let (code, reason) = refused(Decoder::new().ticket(&single_object(0xABCD, b"")));
    assert_eq!(code, code::UNKNOWN_SCHEMA);
    assert!(reason.contains("000000000000abcd"), "{reason}");
    let of_another_topic = single_object(RecordType::Signals.fingerprint(), b"");
    assert_eq!(refused(Decoder::new().ticket(&of_another_topic)).0, code::UNKNOWN_SCHEMA);
}

#[test]
fn an_id_is_asked_for_once_and_an_outage_is_waited_for() {
    let source = Arc::new(Shelf::default());
    let mut decoder = Decoder::with_registry(source.clone());
    let mut bytes = Vec::new();
    encode_ticket(&Dice(&[]).ticket(), Encoding::Confluent { id: 7 }, &mut bytes);
    assert_eq!(bytes[..5], [0, 0, 0, 0, 7]);

    *source.down.lock().unwrap() = Some("connection refused".into());
    let unavailable = DecodeError::Unavailable { reason: "connection refused".into() };
    assert_eq!(decoder.ticket(&bytes).unwrap_err(), unavailable);
    assert_eq!((unavailable.code(), unavailable.to_string().contains("does not answer")), (None, true));

    *source.down.lock().unwrap() = None;
    let (code, reason) = refused(decoder.ticket(&bytes));
    assert_eq!((code, reason.as_str()), (code::UNKNOWN_SCHEMA, "the registry has no Avro schema with id 7"));
    source.schemas.lock().unwrap().insert(7, RecordType::Tickets.schema().to_owned());
    assert_eq!(decoder.ticket(&bytes).unwrap().0, Dice(&[]).ticket());
    let asked = source.asked.load(Ordering::SeqCst);
    *source.down.lock().unwrap() = Some("down again".into());
    assert!(decoder.ticket(&bytes).is_ok(), "what is known needs no registry");
    assert_eq!(source.asked.load(Ordering::SeqCst), asked);
}

#[test]
fn a_writer_that_differs_from_us_in_the_unit_of_its_instants_alone_is_not_taken_for_us() {
    let in_micros = RecordType::Tickets.schema().replace("timestamp-millis", "timestamp-micros");
    assert_eq!(Decoder::new().learn(&in_micros).unwrap(), RecordType::Tickets.fingerprint());
    let source = Arc::new(Shelf::default());
    source.schemas.lock().unwrap().insert(7, in_micros);
    let TicketRecord::Event(mut event) = Dice(&[]).ticket() else { unreachable!("no dice make an event") };
    event.occurred_at = 1_772_417_045_000_999;
    let mut bytes = Vec::new();
    encode_ticket(&TicketRecord::Event(event), Encoding::Confluent { id: 7 }, &mut bytes);
    let mut decoder = Decoder::with_registry(source);
    let (TicketRecord::Event(event), _) = decoder.ticket(&bytes).unwrap() else { unreachable!("it is an event") };
    assert_eq!(event.occurred_at, 1_772_417_045_000);
}

#[test]
fn without_a_registry_an_id_is_an_unknown_schema() {
    let (code, reason) = refused(Decoder::new().ticket(&[0, 0, 0, 0, 7, 0]));
    assert_eq!(code, code::UNKNOWN_SCHEMA);
    assert_eq!(reason, "it names schema id 7, and no `schema_registry` is configured");
    assert_eq!(refused(Decoder::new().ticket(&[0, 0, 0])).0, code::UNDECODABLE, "the frame is not whole");
}

/// A registry on a shelf.
#[derive(Default)]
struct Shelf {
    schemas: Mutex<HashMap<u32, String>>,
    down: Mutex<Option<String>>,
    asked: AtomicUsize,
}

impl SchemaSource for Shelf {
    fn schema(&self, id: u32) -> Result<Option<String>, SourceUnavailable> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.down.lock().unwrap().clone() {
            Some(reason) => Err(SourceUnavailable { reason }),
            None => Ok(self.schemas.lock().unwrap().get(&id).cloned()),
        }
    }
}

/// A record of dice as another schema writes it, and what it says by ours.
fn rewritten(dice: &[u8], schema: &Json) -> (Vec<u8>, Json) {
    let mut ours = Vec::new();
    encode_ticket(&Dice(dice).ticket(), Encoding::SingleObject, &mut ours);
    let our_schema = Schema::parse_str(RecordType::Tickets.schema()).unwrap();
    let their_schema = Schema::parse(schema).unwrap();
    let reader = GenericDatumReader::builder(&our_schema).reader_schema(&their_schema).build().unwrap();
    let value = reader.read_value(&mut &ours[10..]).unwrap();
    let fingerprint = Decoder::new().learn(&schema.to_string()).unwrap();
    let theirs = single_object(fingerprint, &datum(&schema.to_string(), value));
    (theirs, Decoder::new().to_json(RecordType::Tickets, &ours).unwrap())
}

fn datum(schema: &str, value: Avro) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value).unwrap()
}

fn single_object(fingerprint: u64, datum: &[u8]) -> Vec<u8> {
    [&[0xC3, 0x01], &fingerprint.to_le_bytes()[..], datum].concat()
}

/// The simplest event, of this kind and with this priority, as a value of a schema that knows them.
fn told_by(schema: &str, kind: &str, priority: &str) -> Avro {
    let schema: Json = serde_json::from_str(schema).unwrap();
    let mut value = Vec::new();
    for field in schema["fields"].as_array().unwrap() {
        let name = field["name"].as_str().unwrap();
        let told = |text: &str| Avro::Union(1, Box::new(Avro::String(text.into())));
        value.push((
            name.to_owned(),
            match name {
                "event_id" | "ticket_id" | "account_id" | "source" => told(name),
                "occurred_at" => Avro::Union(1, Box::new(Avro::TimestampMillis(1))),
                "kind" => word(&field["type"], kind),
                "ticket" => {
                    let fields = field["type"][1]["fields"].as_array().unwrap();
                    let fields = fields.iter().map(|field| {
                        let name = field["name"].as_str().unwrap();
                        let value = match name {
                            "priority" => Avro::Union(1, Box::new(word(&field["type"][1], priority))),
                            "custom" => Avro::Map(HashMap::new()),
                            _ => Avro::Union(0, Box::new(Avro::Null)),
                        };
                        (name.to_owned(), value)
                    });
                    Avro::Union(1, Box::new(Avro::Record(fields.collect())))
                }
                "cleared" => Avro::Array(Vec::new()),
                _ => Avro::Union(0, Box::new(Avro::Null)),
            },
        ));
    }
    Avro::Record(value)
}

fn word(of: &Json, word: &str) -> Avro {
    let place = of["symbols"].as_array().unwrap().iter().position(|symbol| symbol == word).unwrap();
    Avro::Enum(place as u32, word.to_owned())
}

fn as_json(record: &TicketRecord<'_>) -> Json {
    let mut bytes = Vec::new();
    encode_ticket(record, Encoding::SingleObject, &mut bytes);
    Decoder::new().to_json(RecordType::Tickets, &bytes).unwrap()
}

fn told_ticket(record: &TicketRecord<'_>) -> bool {
    matches!(record, TicketRecord::Event(event) if event.ticket != TicketFields::default())
}

fn ticket_fields(schema: &mut Json) -> &mut Vec<Json> {
    let fields = schema["fields"].as_array_mut().unwrap();
    let ticket = fields.iter_mut().find(|field| field["name"] == "ticket").unwrap();
    ticket["type"][1]["fields"].as_array_mut().unwrap()
}
