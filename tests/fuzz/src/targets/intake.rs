//! What systems deliver, and files of rows.

use std::sync::{Arc, LazyLock};

use serde_json::Value;
use tierline_intake::directory::Table;
use tierline_intake::import::{CsvMapping, Rows};
use tierline_intake::sources::{KINDS, mapping};
use tierline_intake::{Basics, Context, Delivery, Json, Secrets, Source as System};
use tierline_model::{Decoder, Encoding, transcode};
use tierline_rules::source::{Diagnostics, Keys, Source, parse};

use super::NOON;

/// A mapping of every sort of expression.
const MAPPING: &str = r#"
sort: [{ by: at, time: "%d/%m/%Y %H:%M", zone: Europe/Berlin }, { by: n, number: true }, id]
first_of: id
blank: ["?", "-"]
records:
  - to: tickets
    when: { /id: known }
    set:
      kind: { from: /_first, values: { created: "true" }, else: updated }
      ticket_id: /id
      account_id: [/account/id, "{/account}-{/n}"]
      occurred_at: { from: /at, time: "%d/%m/%Y %H:%M", zone: Europe/Berlin }
      ticket.status: { from: /status, values: { open: [active, waiting], solved: done }, else: open }
      ticket.tags: { from: /tags, split: "," }
      ticket.custom.n: /n
      message.author: customer
      message.text: /text
"#;

/// A payload of one system: its kind on the first line, the body behind it. It is read twice, the second time with what
/// the first had to remember; each record is one of the contract, or is refused.
pub fn payload(bytes: &[u8]) {
    static SYSTEMS: LazyLock<Vec<(&str, Arc<dyn System>)>> = LazyLock::new(systems);
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (Some(kind), Some(body)) = (parts.next(), parts.next()) else { return };
    let Some((_, system)) = SYSTEMS.iter().find(|(word, _)| word.as_bytes() == kind) else { return };
    let header = std::str::from_utf8(&body[..body.len().min(100)]).unwrap_or("t=1,v1=00");
    let signatures = ["stripe-signature", "x-hubspot-signature-v3", "x-zendesk-webhook-signature", "x-hub-signature"];
    let headers = signatures.map(|name| (name, header));
    let delivery = Delivery { uri: header, headers: &headers, ..Delivery::bare(body, NOON) };
    assert!(system.verify(&delivery).is_err(), "nobody signed it");
    let Ok(payload) = serde_json::from_slice::<Value>(body) else { return };
    let mut table = Table::default();
    for _ in 0..2 {
        let read = system.read(Json::new(&payload), &Context { delivery: &delivery, directory: &table });
        let Ok(reading) = read else { return };
        for record in &reading.records {
            let mut framed = Vec::new();
            let _ =
                transcode(&mut Decoder::new(), record.stream, &record.to_json(), Encoding::SingleObject, &mut framed);
        }
        for entry in reading.directory {
            table.put(entry);
        }
    }
}

/// A CSV file, by a mapping of ours.
pub fn rows(bytes: &[u8]) {
    static READ: LazyLock<CsvMapping> = LazyLock::new(|| {
        let read = CsvMapping::read(&Source::new("rows.yaml", MAPPING), basics());
        // Invariant: a constant, which the corpus's test reads.
        read.unwrap_or_else(|found| panic!("{}", found.render(false)))
    });
    let Ok((rows, left_out)) = Rows::read(&READ, bytes) else { return };
    let all = rows.len();
    let table = Table::default();
    let delivery = Delivery::bare(b"", NOON);
    let read = rows.map(|row| {
        let _ = READ.source.read(Json::new(&row.payload), &Context { delivery: &delivery, directory: &table });
    });
    assert_eq!(read.count(), all);
    assert!(left_out.len() <= bytes.len());
}

/// One system of each kind that needs no option of its own, and a mapping.
fn systems() -> Vec<(&'static str, Arc<dyn System>)> {
    let build = |word: &str, options: &str, build: fn(Basics, &mut Keys<'_>, &mut Diagnostics) -> _| {
        let mut found = Diagnostics::default();
        let root = parse(&Source::new("source.yaml", options), &mut found)?;
        let mut keys = Keys::of(&root, "a source", &mut found)?;
        build(Basics { name: word.to_owned(), ..basics() }, &mut keys, &mut found)
    };
    let each = KINDS.iter().filter_map(|kind| Some((kind.word, build(kind.word, "kind: it", kind.build)?)));
    let of_rows = build("mapping", MAPPING, mapping::of_rows).map(|mapping| ("mapping", mapping));
    each.chain(of_rows).collect()
}

fn basics() -> Basics {
    Basics { name: "desk".to_owned(), secrets: Secrets::new(["s3cret"]), ..Basics::default() }
}
