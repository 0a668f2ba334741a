//! Imports into the embedded log.

use serde_json::{Value, json};
use tierline_testkit::Program;

use crate::beside::{started, tail, wait_escalations};
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
        (&json!({"tickets": 6}), &json!([{"why": why, "number": 1, "first": 6}]))
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
    // It goes where it belongs once that is told; records of one account come in one order, of two in any.
    let said = of("b");
    let said_of = |account: &str| -> Vec<_> {
        said.iter().filter(|(_, of, _)| *of == account).map(|(kind, _, _)| kind.as_str().unwrap_or_default()).collect()
    };
    assert_eq!((said_of("nobody"), said_of("desk:900")), (vec!["created", "rehomed"], vec!["rehomed", "updated"]));

    let again = program.answer(["import", "desk", "rows.csv", "--mapping", "rows.yaml"]).well();
    assert!(again.out.contains("is imported already"), "{}", again.out);
    assert_eq!(tail(&program, "tickets").len(), marks.len() + records.len());
}

const MONTH: &str = r#"
records:
  - to: tickets
    set:
      kind: { from: /what, values: { created: created, message: reply }, else: updated }
      event_id: /id
      ticket_id: /ticket
      account_id: /company
      occurred_at: /at
      ticket.status: { from: /what, values: { new: created, open: reply, solved: solved } }
"#;

/// Four hundred tickets of a month: most were answered late and are solved, some wait to this day.
#[test]
fn a_month_imported_into_a_running_pipeline_raises_what_still_holds_and_nothing_that_was_over() {
    let config = "\
time: { grace: 10ms, start: replay }
rules:
  - { id: waits, tier: 2, when: { ticket.status: [new, open], ticket.open_for: 2d } }
";
    let (program, mut running, _) = started(config);
    let now = chrono::Utc::now();
    let mut rows = String::from("id,ticket,company,what,at\n");
    let mut row = |ticket: u32, what: &str, hours_ago: u32| {
        let at = (now - chrono::Duration::hours(hours_ago.into())).to_rfc3339();
        rows += &format!("e{ticket}-{what},{ticket},{},{what},{at}\n", ticket % 7);
    };
    for ticket in 0..400 {
        let age = 4 + ticket * 7 / 4;
        row(ticket, "created", age);
        if ticket % 10 != 3 {
            row(ticket, "solved", 1 + age / 8);
        }
    }
    program.write("month.csv", &rows);
    program.write("month.yaml", MONTH);
    let live = json!({ "event_id": "l1", "ticket_id": "live", "account_id": "desk:3", "source": "desk", "kind": "created",
        "occurred_at": (now - chrono::Duration::days(3)).to_rfc3339(), "ticket": { "status": "new" } });
    program.answer_to(["send", "tickets", "-"], &live.to_string()).well();
    program.answer(["import", "desk", "month.csv", "--mapping", "month.yaml"]).well();

    let waits = (0..400).filter(|ticket| ticket % 10 == 3 && 4 + ticket * 7 / 4 >= 48);
    let mut wanted: Vec<String> = waits.map(|ticket| format!("desk:{ticket}")).collect();
    wanted.push("live".to_owned());
    wanted.sort();
    let told = wait_escalations(&program, &mut running, wanted.len());
    let mut on: Vec<_> = told.iter().map(|seen| seen["value"]["ticket_id"].as_str().unwrap().to_owned()).collect();
    on.sort();
    assert_eq!(on, wanted);
    assert!(told.iter().all(|seen| seen["value"]["kind"] == "opened"), "{told:?}");
    let why = program.answer(["why", "desk:3", "--output", "json"]).well().out;
    let why: Value = serde_json::from_str(&why).unwrap();
    assert_eq!((&why["open"], &why["waits_for_import"]), (&true.into(), &false.into()));
    assert!(running.terminate(std::time::Duration::from_secs(20)).success());
}

#[test]
fn a_dry_run_counts_and_writes_nothing() {
    let program = program();
    let answer = program.answer(["import", "desk", "rows.csv", "--mapping", "rows.yaml", "--dry-run"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.out.contains("records on tickets  6"), "{}", answer.out);
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
