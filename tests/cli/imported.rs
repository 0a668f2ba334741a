//! Imports into the embedded log.

use serde_json::{Value, json};
use tierline_testkit::Program;

use crate::beside::tail;
use crate::{PROGRAM, URGENT};

const ROWS: &str = "\
id;changed;state;company
b;02.03.2026 11:00;done;900
a;02.03.2026 09:30;open;-
a;02.03.2026 09:00;new;900
b;02.03.2026 10:00;new;
c;yesterday;new;900
";

const MAPPING: &str = r#"
sort: [{ by: changed, time: "%d.%m.%Y %H:%M", zone: Europe/Berlin }]
first_of: id
blank: "-"
delimiter: ";"
records:
  - to: tickets
    set:
      kind: { from: /_first, values: { created: "true" }, else: updated }
      ticket_id: /id
      account_id: { from: /company, else: nobody }
      occurred_at: { from: /changed, time: "%d.%m.%Y %H:%M", zone: Europe/Berlin }
      ticket.status: { from: /state, values: { new: new, open: open, solved: done } }
"#;

fn program() -> Program {
    let program = Program::new(PROGRAM, URGENT);
    program.write("rows.csv", ROWS);
    program.write("rows.yaml", MAPPING);
    program
}

#[test]
fn rows_become_records_in_the_order_in_which_they_happened_and_an_end_mark() {
    let program = program();
    let answer = program.answer(["import", "desk", "rows.csv", "--mapping", "rows.yaml", "--output", "json"]);
    assert_eq!(answer.code, Some(1), "a row is left out: {}{}", answer.out, answer.err);
    let told: Value = serde_json::from_str(&answer.out).unwrap();
    let why = "what it is sorted by is no instant as `time` says";
    assert_eq!(
        (&told["records"], &told["left_out"]),
        (&json!({"tickets": 4}), &json!([{"why": why, "number": 1, "first": 6}]))
    );
    let id = told["import_id"].as_str().unwrap();

    let (marks, records): (Vec<_>, Vec<_>) = tail(&program, "tickets")
        .into_iter()
        .map(|seen| seen["value"].clone())
        .partition(|told| told["kind"] == "import_finished");
    assert!(marks.iter().chain(&records).all(|told| told["import_id"] == id));
    assert!(marks.len() > 1 && marks.iter().all(|mark| mark["import_began_at"].is_string()), "{marks:?}");
    let of = |ticket: &str| -> Vec<(&Value, &Value, &Value)> {
        let of = records.iter().filter(|told| told["ticket_id"] == format!("desk:{ticket}"));
        of.map(|told| (&told["kind"], &told["account_id"], &told["ticket"]["status"])).collect()
    };
    let first = "desk:900".into();
    assert_eq!(of("a"), [(&"created".into(), &first, &"new".into()), (&"updated".into(), &first, &"open".into())]);
    let nobody = "nobody".into();
    assert_eq!(of("b"), [(&"created".into(), &nobody, &"new".into()), (&"updated".into(), &nobody, &"solved".into())]);

    let again = program.answer(["import", "desk", "rows.csv", "--mapping", "rows.yaml"]).well();
    assert!(again.out.contains("is imported already"), "{}", again.out);
    assert_eq!(tail(&program, "tickets").len(), marks.len() + records.len());
}

#[test]
fn a_dry_run_counts_and_writes_nothing() {
    let program = program();
    let answer = program.answer(["import", "desk", "rows.csv", "--mapping", "rows.yaml", "--dry-run"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.out.contains("records on tickets  4"), "{}", answer.out);
    assert!(!program.folder().join("tierline-data").exists());
}

#[test]
fn an_export_is_read_by_the_code_of_its_source() {
    let config = "\
intake:
  sources:
    crm: { kind: hubspot, secret: { file: secret } }
";
    let program = Program::new(PROGRAM, &format!("{URGENT}{config}"));
    program.write("secret", "s3cret");
    program.write(
        "crm.json",
        r#"{"results": [{"id": "1", "updatedAt": "2026-03-01T08:00:00Z", "properties": {"plan": "pro"}}]}"#,
    );
    program.answer(["import", "crm", "crm.json"]).well();
    let told = &tail(&program, "accounts")[0]["value"];
    assert_eq!((&told["account_id"], &told["plan"]), (&"crm:1".into(), &"pro".into()));
}

#[test]
fn what_cannot_be_imported_is_said_with_what_is_missing() {
    let program = program();
    let said = |arguments: &[&str]| {
        let answer = program.answer(arguments.iter().copied());
        assert_eq!(answer.code, Some(2));
        answer.err
    };
    assert!(said(&["import", "desk", "rows.csv"]).contains("needs `--mapping`"));
    assert!(said(&["import", "Desk 1", "rows.csv", "--mapping", "rows.yaml"]).contains("is no name of a source"));
    program.write("rows.yaml", &MAPPING.replace("by: changed", "by: changd"));
    assert!(
        said(&["import", "desk", "rows.csv", "--mapping", "rows.yaml"]).contains("the file has no column `changd`")
    );
    program.write("rows.yaml", &MAPPING.replace("first_of", "frist_of"));
    assert!(said(&["import", "desk", "rows.csv", "--mapping", "rows.yaml"]).contains("did you mean `first_of`"));
}
