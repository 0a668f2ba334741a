//! State that former versions have written is read as it was meant, or refused in words that say what to do.
//!
//! A folder of `tests/fixtures/state` holds what one format of the state left behind: `rules.yaml`, the `changelog`, a
//! `checkpoint` from midway, and `then.json`: what comes next, and what that version made of it. Whoever changes the
//! format raises [`PRESENT`], writes that folder with
//!
//! ```sh
//! cargo test -p tierline-stream --test stream -- --ignored writes_what_this_version_leaves_behind
//! ```
//!
//! and leaves the old ones as they are. Where a former format is not read any more, a file `refused` in its folder says
//! so: the words that the refusal must have.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tierline_model::Millis;
use tierline_stream::LaneError;
use tierline_stream::task_record::{self, TaskRecord};

use crate::memory::{Part, State, Stored};
use crate::world::*;

/// The folder of what this version writes; the third has entries of clocks, and of what few tickets have, beside those
/// of the second, the fourth knows how far a source has been heard, and the fifth why signals say what they say, and who
/// sleeps until an import has ended; the sixth keeps the last words of an escalation, and where tickets are that are
/// not here; the seventh what `escalation_sla` and the calendars of rules said, and how long tickets were kept; the
/// eighth the named calendars, with the hours that they had before; the ninth the policies that were.
const PRESENT: &str = "9";

const RULES: &str = "rules:
  - { id: silence, tier: 2, clear: when_no, when: { ticket.no_agent_reply_for: 1h } }
  - { id: urgent-past-due, tier: 3, cooldown: 2h, when: { all: [ ticket.priority: urgent, billing.state: past_due ] } }
  - { id: many, tier: 2, once_per: account, when: { account.tickets: { at_least: 3, within: 7d } } }
  - { id: upset, tier: 3, for: 10m, when: { ticket.sentiment: { below: 0 } } }
  - { id: tagged, tier: 2, when: { ticket.tags: { any_of: [ vip ] }, ticket.custom.region: emea } }
  - { id: due, tier: 2, when: { sla.first_reply: { due_within: 30m } } }
  - { id: fails, tier: 2, clear: when_no, when: { message.text: { contains: fails, within: 4h } } }
  - { id: passed-on, tier: 2, when: { any: [ ticket.reopened: 1, ticket.reassigned: { at_least: 1, within: 5h } ] } }
  - { id: tried, tier: 3, mode: shadow, when: { ticket.priority: urgent } }
sla:
  - id: enterprise
    when: { account.plan: enterprise }
    calendar: emea
    targets: { first_reply: { urgent: 30m, default: 4h }, resolution: { default: 2 business days } }
  - { id: all, targets: { first_reply: { urgent: 30m, default: 4h }, requester_wait: { default: 8h } } }
escalation_sla: { 3: 1h }
calendars:
  emea: { time_zone: Europe/Berlin, hours: { mon-fri: 09:00-18:00 } }
";

fn folder(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state").join(format)
}

fn world(rules_yaml: &str) -> World {
    let mut world = World::new();
    world.detect.rules = rules(rules_yaml);
    world
}

/// Before the checkpoint: something of everything that a state can hold.
fn first_half(world: &World) {
    let account = json!({ "account_id": ACME, "source": "crm", "plan": "enterprise", "health": 41.5,
        "renewal_date": "2026-12-24", "flags": ["vip"], "custom": { "seats": 7 }, "time_zone": "Europe/Berlin" });
    world.send("accounts", account);
    world.send("billing", world.bill("past_due"));
    let fields = json!({ "status": "new", "subject": "Export fails", "tags": ["vip", "api"], "category": "billing",
        "custom": { "region": "emea", "seats": 7, "beta": true }, "created_at": NOON - MINUTE });
    let message = json!({ "id": "m1", "author": "customer", "author_name": "Jo", "text": "It fails." });
    let more = json!({ "ticket": fields, "message": message, "cleared": ["assignee"], "sequence": 3 });
    world.send("tickets", world.event("created", "rich", NOON, more));
    world.send("tickets", world.urgent("urgent", NOON));
    world.send("tickets", world.created("solved", NOON));
    world.send("tickets", world.event("updated", "solved", NOON, json!({ "ticket": { "status": "solved" } })));
    let signal = json!({ "signal_id": "s1", "account_id": ACME, "ticket_id": "upset", "occurred_at": NOON,
        "name": "sentiment", "value": -0.7, "label": "angry", "model": "m",
        "explanation": "“it fails” (outage)",
        "handoff": { "summary": "tried twice", "attempted": ["a"], "wants_human": true } });
    world.send("tickets", world.created("upset", NOON));
    world.send("signals", signal);
    // Nobody hears of its source again, so that its silence is never believed.
    let heartbeat = json!({ "kind": "heartbeat", "source": "mail", "heard_until": NOON }).to_string();
    world.put("tickets", NOON, None, Some(heartbeat.as_bytes()));
    world.send("tickets", world.event("created", "posted", NOON, json!({ "source": "mail", "opened_by": "customer" })));
    // Nothing more comes of its import, nor an end mark.
    let told = json!({ "import_id": "desk-2026", "ticket": { "priority": "urgent" } });
    world.send("tickets", world.event("created", "imported", NOON, told));
    // One has gone to another account, and one is on its way here.
    world.send("tickets", world.created("left", NOON));
    world.send("tickets", world.event("rehomed", "left", NOON, json!({ "to_account": "globex" })));
    world.send("tickets", world.event("rehomed", "awaited", NOON, json!({ "to_account": ACME })));
    world.send("tickets", world.answered("awaited", NOON));
}

/// Behind the checkpoint: some of it changes, and some of it ends.
fn second_half(world: &World) {
    let command = json!({ "command_id": "c1", "account_id": ACME, "ticket_id": "urgent", "kind": "acknowledge",
        "occurred_at": NOON + MINUTE, "by": "sam" });
    world.send("commands", command);
    let snooze = json!({ "command_id": "c2", "account_id": ACME, "ticket_id": "urgent", "kind": "snooze",
        "occurred_at": NOON + MINUTE, "by": "sam", "until": NOON + 90 * MINUTE });
    world.send("commands", snooze);
    world.send("tickets", world.event("updated", "solved", NOON + MINUTE, json!({ "ticket": { "status": "open" } })));
    for (nth, assignee) in ["sam", "kim"].into_iter().enumerate() {
        let at = NOON + MINUTE + nth as Millis;
        world.send("tickets", world.event("updated", "upset", at, json!({ "ticket": { "assignee": assignee } })));
    }
    world.send("tickets", world.answered("rich", NOON + MINUTE));
    world.send("billing-changes", world.bill_change("current"));
    world.send("tickets", world.created("late", NOON + 2 * MINUTE));
}

/// What comes after the restart: topic, append time, record.
fn then(world: &World) -> Vec<(&'static str, Millis, Value)> {
    let at = |minute: Millis| NOON + minute * MINUTE;
    let solved = json!({ "ticket": { "status": "solved" } });
    vec![
        ("tickets", at(5), world.event("message", "rich", at(5), json!({ "message": { "author": "customer" } }))),
        ("tickets", at(6), world.event("updated", "urgent", at(6), solved.clone())),
        ("tickets", at(7), world.event("updated", "upset", at(7), json!({ "ticket": { "priority": "urgent" } }))),
        ("billing", at(8), world.bill("past_due")),
        // It follows who left, by `account-moves`.
        ("tickets", at(70), world.answered("left", at(70))),
        ("tickets", at(80), world.answered("late", at(30))),
        ("tickets", at(90), world.event("updated", "rich", at(90), solved)),
    ]
}

/// Lives through what comes after, and on for a day: what was told, in what does not depend on how it is put.
fn lives_on(world: &mut World, then: &[Value]) -> Value {
    let before = world.escalations().len();
    world.start();
    world.settle();
    for it in then {
        let at = it["at"].as_i64().expect("a number");
        world.to(at);
        world.send_at(it["topic"].as_str().expect("a name"), at, it["record"].clone());
        world.settle();
    }
    world.to(NOON + DAY);
    let facts = ["escalation_id", "sequence", "kind", "ticket_id", "tier", "rule", "became_true_at"];
    let told = world.escalations().into_iter().skip(before);
    let told = told.map(|it| facts.iter().map(|&fact| (fact.to_owned(), it[fact].clone())).collect::<Value>());
    json!({ "told": told.collect::<Vec<_>>(), "open_tickets": world.metric(&["tierline_open_tickets"]) })
}

/// A world that finds the changelog of a folder, and inputs that hold nothing more than what it has read.
fn found(format: &str) -> World {
    let rules = fs::read_to_string(folder(format).join("rules.yaml")).expect("the fixture is whole");
    let world = world(&rules);
    let records = read_changelog(&fs::read(folder(format).join("changelog")).expect("the fixture is whole"));
    put_back(&world, records);
    world
}

fn put_back(world: &World, records: Vec<Stored>) {
    let of_task = |record: &&Stored| record.key.as_deref() == Some(task_record::KEY);
    let newest = records.iter().rfind(of_task).and_then(|record| record.value.clone());
    let mut cluster = world.cluster.borrow_mut();
    let next = records.last().map_or(0, |record| record.offset + 1);
    *cluster.part("detect-state", 0) = Part { start: 0, next, records };
    // One that cannot be read stops the start before anybody asks where the inputs stand.
    let Some(Ok(newest)) = newest.map(|value| TaskRecord::decode(&value)) else { return };
    for (topic, position) in newest.positions {
        *cluster.part(&topic, 0) = Part { start: position, next: position, records: Vec::new() };
    }
}

fn stored(format: &str) -> (Vec<Value>, Value) {
    let text = fs::read_to_string(folder(format).join("then.json")).expect("the fixture is whole");
    let mut then: Value = serde_json::from_str(&text).expect("it is JSON");
    (then["records"].as_array().expect("a list").clone(), then["came_to"].take())
}

fn formats() -> Vec<String> {
    let folders = fs::read_dir(folder("")).expect("there are some");
    folders.map(|entry| entry.expect("it can be read").file_name().into_string().expect("a plain name")).collect()
}

#[test]
fn what_every_format_left_behind_is_read_as_it_was_meant_or_refused_by_name() {
    assert!(formats().iter().any(|format| format == PRESENT));
    for format in formats() {
        let (then, came_to) = stored(&format);
        for with_checkpoint in [false, true] {
            let checkpoints = tempfile::tempdir().expect("a folder");
            let mut world = found(&format).with_checkpoints(checkpoints.path());
            let checkpoint = checkpoints.path().join("detect-0.checkpoint");
            if with_checkpoint {
                fs::copy(folder(&format).join("checkpoint"), &checkpoint).expect("the fixture is whole");
            }
            match fs::read_to_string(folder(&format).join("refused")) {
                Ok(words) => {
                    world.start();
                    let why = world.until_dead().to_string();
                    assert!(why.contains(words.trim()), "format {format}: {why}");
                }
                Err(_) => {
                    world.now.set(NOON + 3 * MINUTE);
                    assert!(!with_checkpoint || format != PRESENT || world.restore().from_checkpoint);
                    assert_eq!(lives_on(&mut world, &then), came_to, "format {format}, {with_checkpoint}");
                }
            }
        }
    }
}

/// The first bytes of the values of each kind of key: their formats.
fn formats_of(records: &[Stored]) -> Vec<(u8, u8)> {
    let of = |record: &Stored| Some((record.key.as_ref()?[0], record.value.as_ref()?[0]));
    let mut formats: Vec<_> = records.iter().filter_map(of).collect();
    formats.sort_unstable();
    formats.dedup();
    formats
}

#[test]
fn the_folder_of_the_present_format_is_of_the_present_format() {
    let mut now = world(RULES);
    live(&mut now, tempfile::tempdir().expect("a folder").path());
    let written = formats_of(&now.committed("detect-state"));
    assert!(written.len() > 4, "accounts, tickets, contexts, messages, the task: {written:?}");
    assert_eq!(
        formats_of(&found(PRESENT).committed("detect-state")),
        written,
        "the format has changed: raise PRESENT, and write its folder"
    );
}

#[test]
fn a_format_of_the_future_is_refused_with_what_to_do() {
    let records = found(PRESENT).committed("detect-state");
    for (tag, _) in formats_of(&records) {
        let mut newer = records.clone();
        for record in newer.iter_mut().filter(|record| record.key.as_ref().is_some_and(|key| key[0] == tag)) {
            if let Some(value) = &mut record.value {
                value[0] = 250;
            }
        }
        let mut world = world(RULES);
        put_back(&world, newer);
        world.start();
        let LaneError::Fatal(why) = world.until_dead() else { panic!("it is fatal") };
        for words in ["detect-state", "format 250", "run the version that wrote it"] {
            assert!(why.to_lowercase().contains(words), "{words}: {why}");
        }
    }
}

/// Both halves; the checkpoint lies in the folder.
fn live(world: &mut World, checkpoints: &Path) {
    world.settings.checkpoints = Some(tierline_stream::Checkpoints::in_folder(checkpoints));
    world.start();
    world.settle();
    first_half(world);
    world.settle();
    world.close();
    world.start();
    second_half(world);
    world.to(NOON + 3 * MINUTE);
    world.crash();
}

#[test]
#[ignore = "writes a fixture: to be run when the format of the state has changed"]
fn writes_what_this_version_leaves_behind() {
    let (folder, checkpoints) = (folder(PRESENT), tempfile::tempdir().expect("a folder"));
    fs::create_dir_all(&folder).expect("it can be made");
    let mut world = world(RULES);
    live(&mut world, checkpoints.path());
    fs::write(folder.join("rules.yaml"), RULES).expect("it can be written");
    fs::copy(checkpoints.path().join("detect-0.checkpoint"), folder.join("checkpoint")).expect("it is there");
    fs::write(folder.join("changelog"), write_changelog(&world.committed("detect-state"))).expect("it can be written");
    let records: Vec<Value> = then(&world)
        .into_iter()
        .map(|(topic, at, record)| json!({ "topic": topic, "at": at, "record": record }))
        .collect();
    world.settings.checkpoints = None;
    let came_to = lives_on(&mut world, &records);
    assert!(came_to["told"].as_array().is_some_and(|told| told.len() > 4), "it is worth keeping: {came_to}");
    let then = serde_json::to_string_pretty(&json!({ "records": records, "came_to": came_to })).expect("it is JSON");
    fs::write(folder.join("then.json"), then + "\n").expect("it can be written");
}

/// Offset, append time, key and value of each; a length of −1 for a tombstone. Numbers are little-endian.
fn write_changelog(records: &[Stored]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend(record.offset.to_le_bytes());
        bytes.extend(record.appended_at.to_le_bytes());
        for part in [&record.key, &record.value] {
            let length = part.as_ref().map_or(-1, |part| part.len() as i32);
            bytes.extend(length.to_le_bytes());
            bytes.extend(part.as_deref().unwrap_or_default());
        }
    }
    bytes
}

fn read_changelog(mut bytes: &[u8]) -> Vec<Stored> {
    fn number<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
        let (number, rest) = bytes.split_first_chunk().expect("the fixture is whole");
        *bytes = rest;
        *number
    }
    fn part(bytes: &mut &[u8]) -> Option<Vec<u8>> {
        let length = usize::try_from(i32::from_le_bytes(number(bytes))).ok()?;
        let (part, rest) = bytes.split_at(length);
        *bytes = rest;
        Some(part.to_vec())
    }
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let (offset, appended_at) = (i64::from_le_bytes(number(&mut bytes)), i64::from_le_bytes(number(&mut bytes)));
        let (key, value) = (part(&mut bytes), part(&mut bytes));
        records.push(Stored { offset, appended_at, key, value, headers: Vec::new(), state: State::Committed });
    }
    records
}
