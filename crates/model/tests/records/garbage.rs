//! Whatever comes, it is taken or refused: no panic, no memory beyond what the bytes can be worth.

use proptest::prelude::*;
use tierline_model::*;

use crate::kit::{Dice, refused};

proptest! {
    #[test]
    fn random_bytes_are_refused_or_taken(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode_as_everything(&bytes);
    }

    #[test]
    fn random_datums_are_refused_or_taken(datum in prop::collection::vec(any::<u8>(), 0..300)) {
        for record in RecordType::ALL {
            let mut bytes = vec![0xC3, 0x01];
            bytes.extend_from_slice(&record.fingerprint().to_le_bytes());
            bytes.extend_from_slice(&datum);
            decode_as_everything(&bytes);
        }
    }

    #[test]
    fn a_record_with_wrong_bytes_is_refused_or_taken(
        dice in prop::collection::vec(any::<u8>(), 0..200), wrong in prop::collection::vec((any::<u16>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = Vec::new();
        encode_ticket(&Dice(&dice).ticket(), Encoding::SingleObject, &mut bytes);
        for (place, byte) in wrong {
            let place = 10 + usize::from(place) % (bytes.len() - 10);
            bytes[place] = byte;
        }
        decode_as_everything(&bytes);
    }

    #[test]
    fn a_record_cut_short_is_undecodable(dice in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index) {
        let mut bytes = Vec::new();
        encode_ticket(&Dice(&dice).ticket(), Encoding::SingleObject, &mut bytes);
        bytes.truncate(at.index(bytes.len()));
        let (code, _) = refused(Decoder::new().ticket(&bytes));
        prop_assert_eq!(code, code::UNDECODABLE);
    }

    #[test]
    fn json_of_any_shape_is_refused_or_taken(text in "\\{(\"(kind|ticket|tags|value|health)\":(null|1|1e99|\"created\"|\\[\\]|\\{\\}),?){0,4}\\}?") {
        decode_as_everything(text.as_bytes());
    }
}

#[test]
fn a_length_that_nobody_can_have_is_refused_without_memory() {
    // A text of 2⁶⁰ bytes, then a list of 2⁶⁰ items.
    let huge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
    for fields_before in [&[0x02][..], &[0, 0, 0, 0, 0, 0, 2, 0][..]] {
        let mut bytes = vec![0xC3, 0x01];
        bytes.extend_from_slice(&RecordType::Tickets.fingerprint().to_le_bytes());
        bytes.extend_from_slice(fields_before);
        bytes.extend_from_slice(&huge);
        assert_eq!(refused(Decoder::new().ticket(&bytes)).0, code::UNDECODABLE);
        assert_eq!(refused(Decoder::new().to_json(RecordType::Tickets, &bytes)).0, code::UNDECODABLE);
    }
}

#[test]
fn a_list_of_nothing_but_empty_items_takes_no_memory_for_all_of_them() {
    const MANY: usize = 1 << 20;
    let TicketRecord::Event(mut event) = Dice(&[]).ticket() else { unreachable!("no dice make an event") };
    event.ticket.tags = Some(vec!["".into(); MANY]);
    event.ticket.custom = vec![("".into(), Value::Bool(true)); MANY];
    let mut bytes = Vec::new();
    encode_ticket(&TicketRecord::Event(event), Encoding::SingleObject, &mut bytes);
    let mut decoder = Decoder::new();
    let (TicketRecord::Event(event), notes) = decoder.ticket(&bytes).unwrap() else { unreachable!("it is an event") };
    assert_eq!((event.ticket.tags.map(|tags| tags.len()), event.ticket.custom.len()), (Some(MOST_ITEMS), MOST_ITEMS));
    assert_eq!(notes.items_left_out as usize, 2 * (MANY - MOST_ITEMS));
}

#[test]
fn what_follows_a_record_makes_it_undecodable() {
    let mut bytes = Vec::new();
    encode_ticket(&Dice(&[]).ticket(), Encoding::SingleObject, &mut bytes);
    bytes.push(0);
    assert_eq!(refused(Decoder::new().ticket(&bytes)), (code::UNDECODABLE, "1 bytes follow its end".into()));
}

#[test]
fn a_schema_that_nests_or_repeats_without_end_does_not_end_the_process() {
    let nested = r#"{"type":"record","name":"T","fields":[{"name":"next","type":["null","T"]}]}"#;
    let nothing =
        r#"{"type":"record","name":"T","fields":[{"name":"cleared","type":{"type":"array","items":"null"}}]}"#;
    let itself = r#"{"type":"record","name":"T","fields":[{"name":"ticket","type":"T"}]}"#;
    for (schema, datum) in [(nested, vec![2; 10_000]), (nothing, vec![200; 10_000]), (itself, Vec::new())] {
        let mut decoder = Decoder::new();
        // A schema that is refused as such has been dealt with.
        let Ok(fingerprint) = decoder.learn(schema) else { continue };
        let mut bytes = vec![0xC3, 0x01];
        bytes.extend_from_slice(&fingerprint.to_le_bytes());
        bytes.extend_from_slice(&datum);
        assert_eq!(refused(decoder.ticket(&bytes)).0, code::UNDECODABLE);
        assert_eq!(refused(decoder.to_json(RecordType::Tickets, &bytes)).0, code::UNDECODABLE);
    }
}

/// Two and a half kilobytes of schema, and no datum at all: a thousand million values of no bytes.
#[test]
fn records_that_hold_each_other_twice_are_refused_long_before_their_end() {
    let mut schema =
        r#"{"type":"record","name":"R0","fields":[{"name":"a","type":"null"},{"name":"b","type":"null"}]}"#.to_owned();
    for level in 1..28 {
        let before = level - 1;
        schema = format!(
            r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":{schema}}},{{"name":"b","type":"R{before}"}}]}}"#
        );
    }
    let mut decoder = Decoder::new();
    let mut bytes = vec![0xC3, 0x01];
    bytes.extend(decoder.learn(&schema).expect("it is a schema").to_le_bytes());
    let why = "it is not what its schema says: it says nothing at great length";
    assert_eq!(refused(decoder.ticket(&bytes)), (code::UNDECODABLE, why.to_owned()));
    assert_eq!(refused(decoder.to_json(RecordType::Tickets, &bytes)).1, why);
}

#[test]
fn a_text_of_twenty_megabytes_is_read_in_place() {
    let text = "x".repeat(20 << 20);
    let TicketRecord::Event(mut event) = Dice(&[]).ticket() else { unreachable!("no dice make an event") };
    event.ticket.subject = Some(text.as_str().into());
    let mut bytes = Vec::new();
    encode_ticket(&TicketRecord::Event(event), Encoding::SingleObject, &mut bytes);
    let mut decoder = Decoder::new();
    let (TicketRecord::Event(event), _) = decoder.ticket(&bytes).unwrap() else { unreachable!("it is an event") };
    assert!(matches!(event.ticket.subject, Some(std::borrow::Cow::Borrowed(subject)) if subject.len() == 20 << 20));
}

fn decode_as_everything(bytes: &[u8]) {
    let decoder = &mut Decoder::new();
    let _ = decoder.ticket(bytes);
    let _ = decoder.account(bytes);
    let _ = decoder.account_change(bytes);
    let _ = decoder.billing(bytes);
    let _ = decoder.billing_change(bytes);
    let _ = decoder.signal(bytes);
    let _ = decoder.command(bytes);
    for record in RecordType::ALL {
        let _ = decoder.to_json(*record, bytes);
    }
}
