//! Who is who: three systems that share no id but a domain, and what a person corrects.

use serde_json::{Value, json};
use tierline_testkit::Program;

use crate::{PROGRAM, URGENT};

const CONFIG: &str = "identity:
  accounts: { globex: [\"zendesk:360009\"] }
  free_mail: [provider.example]
intake:
  sources:
    zendesk: { kind: zendesk, secret: { file: token } }
    hubspot: { kind: hubspot, secret: { file: token } }
    stripe: { kind: stripe, secret: { file: token } }
";

fn program() -> Program {
    let program = Program::new(PROGRAM, &format!("{URGENT}{CONFIG}"));
    program.write("token", "hunter2\n");
    let ticket = |id: u32, organisation: u32| {
        json!({"id": id, "subject": "Export fails", "status": "open", "organization_id": organisation, "requester_id": 5,
            "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"})
    };
    let desk = json!([
        {"organizations": [{"id": 360001, "name": "Acme", "domain_names": ["acme.example"]},
            {"id": 360002, "name": "Initech", "domain_names": ["provider.example"]}]},
        {"tickets": [ticket(7, 360001), ticket(8, 360002)]}
    ]);
    let crm = json!([{"id": "770001", "properties": {"name": "Acme Inc", "website": "https://www.acme.example/"},
        "updatedAt": "2026-03-02T09:00:00Z"}]);
    let billing = json!([{"id": "cus_9", "object": "customer", "email": "ap@acme.example", "delinquent": true},
        {"id": "cus_8", "object": "customer", "email": "ap@provider.example", "delinquent": true}]);
    for (source, told) in [("zendesk", desk), ("hubspot", crm), ("stripe", billing)] {
        program.write(&format!("{source}.json"), &told.to_string());
        program.answer(["import", source, &format!("{source}.json")]).well();
    }
    program
}

/// The accounts that are meant, and who has each.
fn resolve(program: &Program, who: &str) -> Value {
    let told = program.answer(["accounts", "resolve", who, "--output", "json"]).well().out;
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    let accounts = told["accounts"].as_array().expect("they are a list").iter();
    let who = |account: &Value| {
        let members = account["members"].as_array().expect("they are a list").iter();
        members.map(|member| member["identity"].clone()).collect::<Vec<_>>()
    };
    accounts.map(|account| json!({account["account"].as_str().expect("it has a name"): who(account)})).collect()
}

#[test]
fn three_systems_that_share_a_domain_are_one_customer_until_a_person_corrects_it() {
    let program = program();
    let all = json!([{"zendesk:360001": ["hubspot:770001", "stripe:cus_9", "zendesk:360001"]}]);
    for who in ["acme.example", "zendesk:360001", "stripe:cus_9", "Acme Inc", "ap@acme.example"] {
        assert_eq!(resolve(&program, who), all, "{who}");
    }
    insta::assert_snapshot!(program.answer(["accounts", "resolve", "acme.example"]).well().out);
    // Anybody can have an address at a provider.
    assert_eq!(resolve(&program, "stripe:cus_8"), json!([{"stripe:cus_8": ["stripe:cus_8"]}]));

    let by_jo = ["--by", "jo", "--reason", "another Acme"];
    let apart = program.answer([&["accounts", "unlink", "stripe:cus_9"], &by_jo[..]].concat()).well().out;
    assert_eq!(apart, "stripe:cus_9 has the account stripe:cus_9 now; before: zendesk:360001. Moved: 0 tickets\n");
    assert_eq!(resolve(&program, "zendesk:360001"), json!([{"zendesk:360001": ["hubspot:770001", "zendesk:360001"]}]));
    let told = program.answer(["accounts", "resolve", "stripe:cus_9"]).well().out;
    assert!(told.contains("by itself by jo at ") && told.contains(": another Acme"), "{told}");
    program.answer(["accounts", "unlink", "stripe:cus_9", "--by", "jo", "--match-again"]).well();
    assert_eq!(resolve(&program, "acme.example"), all);
}

#[test]
fn who_is_linked_takes_its_tickets_along_and_back() {
    let program = program();
    let link = ["accounts", "link", "zendesk:360002", "hubspot:770001", "--by", "jo", "--output", "json"];
    let told: Value = serde_json::from_str(&program.answer(link).well().out).expect("it is JSON");
    assert_eq!(
        told,
        json!({"identity": "zendesk:360002", "account": "zendesk:360001", "account_before": "zendesk:360002",
            "tickets_moved": 1, "identities_moved": 1})
    );
    let again: Value = serde_json::from_str(&program.answer(link).well().out).expect("it is JSON");
    assert_eq!((&again["tickets_moved"], &again["account_before"]), (&json!(0), &json!("zendesk:360001")));
    program.answer(["accounts", "unlink", "zendesk:360002", "--by", "jo"]).well();
    let moves = moves(&program);
    assert_eq!(
        moves,
        [
            "zendesk:8 zendesk:360002 zendesk:360001",
            "zendesk:8 zendesk:360001 zendesk:360001",
            "zendesk:8 zendesk:360001 zendesk:360002",
            "zendesk:8 zendesk:360002 zendesk:360002",
        ]
    );
}

#[test]
fn whoever_links_somebody_of_whom_nobody_has_told_is_told_so() {
    let program = program();
    let link = |who| program.answer(["accounts", "link", who, "acme", "--by", "jo"]).well();
    let (unseen, seen) = (link("zendesk:999"), link("zendesk:360002"));
    assert!(unseen.out.starts_with("zendesk:999 has the account acme now"), "{unseen:?}");
    assert!(unseen.err.contains("nobody has told anything of zendesk:999 yet; check its id"), "{unseen:?}");
    assert!(!seen.err.contains("nobody has told"), "{seen:?}");
}

/// Every move of a ticket that was written: which, under whose key, to whom.
fn moves(program: &Program) -> Vec<String> {
    let told = program.answer(["tail", "tickets", "--from-start", "--until-end", "--output", "json"]).well().out;
    let records = told.lines().map(|line| serde_json::from_str::<Value>(line).expect("it is JSON"));
    let moves =
        records.filter(|record| record["value"]["kind"] == "rehomed" && record["value"]["ticket_id"].is_string());
    let mut moves: Vec<_> = moves.collect();
    moves.sort_by_key(|record| (record["value"]["occurred_at"].to_string(), record["value"]["event_id"].to_string()));
    let text = |record: &Value, name: &str| record["value"][name].as_str().unwrap_or_default().to_owned();
    let told = moves.iter().map(|record| {
        format!("{} {} {}", text(record, "ticket_id"), text(record, "account_id"), text(record, "to_account"))
    });
    told.collect()
}

/// A help desk with one ticket, told with this organisation, and a CRM with one company at `initech.example`, on whose
/// name there is a rule.
fn initech(organisation: Value) -> Program {
    let rules = "observe: { listen: \"127.0.0.1:0\" }
time: { clock: events, start: replay, grace: 0s }
rules: [ { id: large, tier: 3, when: { account.name: Initech Corporation } } ]
";
    let program = Program::new(PROGRAM, &format!("{rules}{CONFIG}"));
    program.write("token", "hunter2\n");
    let ticket = json!({"id": 8, "subject": "Export fails", "status": "open", "organization_id": 360002, "requester_id": 5,
        "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"});
    let company = json!([{"id": "770002", "properties": {"name": "Initech Corporation", "domain": "initech.example"},
        "updatedAt": "2026-03-02T09:00:00Z"}]);
    let desk = json!([{"organizations": [organisation]}, {"tickets": [ticket]}]);
    for (source, told) in [("zendesk", desk), ("hubspot", company)] {
        program.write(&format!("{source}.json"), &told.to_string());
        program.answer(["import", source, &format!("{source}.json")]).well();
    }
    program
}

/// All escalations, once the pipeline has come so many hours further than it is now.
fn escalations(program: &Program, hours: i64) -> Vec<Value> {
    let until = (chrono::Utc::now() + chrono::TimeDelta::hours(hours)).to_rfc3339();
    program.answer(["run", "--until", &until]).well();
    let told = ["tail", "escalations", "--from-start", "--until-end", "--output", "json"];
    let told = program.answer(told).well().out;
    let records = told.lines().map(|line| serde_json::from_str::<Value>(line).expect("it is JSON"));
    records.map(|record| record["value"].clone()).collect()
}

#[test]
fn a_rule_sees_one_customer_once_a_person_has_said_so() {
    let program = initech(json!({"id": 360002}));
    assert_eq!(escalations(&program, 1), Vec::<Value>::new(), "nobody knows yet that they are one");
    program.answer(["accounts", "link", "zendesk:360002", "hubspot:770002", "--by", "jo"]).well();
    let told = escalations(&program, 2);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["ticket_id"], &told[0]["account_id"]), (&json!("zendesk:8"), &json!("hubspot:770002")));
    assert_eq!(told[0]["context"]["account"]["name"], "Initech Corporation");
    let why = ["why", "zendesk:8", "--account", "zendesk:360002", "--log", "--output", "json"];
    let why = program.answer(why).well();
    assert!(why.err.starts_with("the ticket went to account hubspot:770002\n"), "{}", why.err);
    let why: Value = serde_json::from_str(&why.out).expect("it is JSON");
    assert_eq!(why["account_id"], "hubspot:770002");
    program.answer(["accounts", "unlink", "zendesk:360002", "--by", "jo"]).well();
    assert_eq!(escalations(&program, 3), told, "it stays escalated, and is told of once");
}

#[test]
fn a_company_that_is_known_by_its_domain_is_told_of_at_once() {
    let program = initech(json!({"id": 360002, "domain_names": ["initech.example"]}));
    let told = escalations(&program, 1);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["ticket_id"], &told[0]["account_id"]), (&json!("zendesk:8"), &json!("zendesk:360002")));
}

#[test]
fn what_cannot_be_decided_is_refused_with_what_to_do() {
    let program = program();
    let refused = |arguments: &[&str]| {
        let answer = program.answer(arguments.iter().copied());
        assert_eq!(answer.code, Some(2), "{arguments:?}");
        answer.err
    };
    let told = refused(&["accounts", "link", "zendesk:360009", "acme", "--by", "jo"]);
    assert!(told.contains("`intake.sources.zendesk.accounts`"), "{told}");
    let told = refused(&["accounts", "link", "zendsk:1", "acme", "--by", "jo"]);
    assert!(told.contains("zendesk"), "{told}");
    assert!(refused(&["accounts", "link", "acme", "globex", "--by", "jo"]).contains("names nobody"));
    assert!(refused(&["accounts", "link", "stripe:cus_9", "acme"]).contains("--by"));
    let nobody = program.answer(["accounts", "resolve", "nobody.example"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (Some(1), "nobody is known by 'nobody.example'\n"));
    assert_eq!(resolve(&program, "globex"), json!([{"globex": ["zendesk:360009"]}]));
}
