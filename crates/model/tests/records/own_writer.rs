//! The fast way of our own writers' events means what the general way means, right or wrong.

use proptest::prelude::*;
use tierline_model::*;

use crate::kit::Dice;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_fast_way_agrees_with_the_general_way(
        dice in prop::collection::vec(any::<u8>(), 0..200),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let mut bytes = Vec::new();
        encode_ticket(&Dice(&dice).ticket(), Encoding::SingleObject, &mut bytes);
        let mut datum = bytes.split_off(10);
        for (place, byte) in wrong {
            let place = place.index(datum.len());
            datum[place] = byte;
        }
        datum.truncate(cut.map_or(datum.len(), |at| at.index(datum.len())));
        let _ = both_ways(&datum);
    }
}

#[test]
fn what_the_fast_way_leaves_to_the_general_way_is_the_same() {
    let TicketRecord::Event(event) = Dice(&[]).ticket() else { unreachable!("no dice make an event") };
    let with = |change: &dyn Fn(&mut TicketEvent<'static>)| {
        let mut event = event.clone();
        change(&mut event);
        let mut bytes = Vec::new();
        encode_ticket(&TicketRecord::Event(event), Encoding::SingleObject, &mut bytes);
        both_ways(&bytes[10..])
    };
    assert!(with(&|_| {}).is_ok());
    for kind in [TicketEventKind::Message, TicketEventKind::Merged, TicketEventKind::Rated, TicketEventKind::Rehomed] {
        let refused = with(&|event| (event.kind, event.message) = (kind, None));
        assert_eq!(refused.unwrap_err().code(), Some(code::MISSING_FIELD), "{kind:?}");
    }
    assert_eq!(with(&|event| event.rating = Some(6)).unwrap_err().code(), Some(code::BAD_VALUE));
    assert_eq!(with(&|event| event.source = "".into()).unwrap_err().code(), Some(code::BAD_VALUE));
    let infinite = |event: &mut TicketEvent<'_>| event.ticket.custom = vec![("x".into(), Value::Number(f64::INFINITY))];
    assert_eq!(with(&infinite).unwrap_err().code(), Some(code::BAD_VALUE));
    let unknown = with(&|event| event.cleared.custom = vec!["".into()]).unwrap();
    assert_eq!(unknown.1.unknown_cleared, 1);
}

/// Decodes a datum as our own writer's, and as that of another whose schema differs in a name only.
fn both_ways(datum: &[u8]) -> Result<(String, Notes), DecodeError> {
    let mut decoder = Decoder::new();
    let other = decoder.learn(&RecordType::Tickets.schema().replace("io.tierline", "io.another")).unwrap();
    assert_ne!(other, RecordType::Tickets.fingerprint());
    let framed = |fingerprint: u64| [&[0xC3, 0x01], &fingerprint.to_le_bytes()[..], datum].concat();
    let (ours, theirs) = (framed(RecordType::Tickets.fingerprint()), framed(other));
    let ours = decoder.ticket(&ours).map(|(record, notes)| (format!("{record:?}"), notes));
    let theirs = decoder.ticket(&theirs).map(|(record, notes)| (format!("{record:?}"), notes));
    assert_eq!(ours, theirs);
    ours
}
