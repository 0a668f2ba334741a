//! HubSpot, Salesforce and Stripe, asked for accounts and bills.

use serde_json::{Value, json};
use tierline_model::instant_text;

use super::vendor::{Question, Vendor};
use super::{Dice, Trial, luck, of_kind};
use crate::world::{World, now, source_of};

/// Keys and values of a stream, as records, in the order in which they were written.
fn told(world: &World, stream: &str) -> Vec<Value> {
    let kind = tierline_model::RecordType::ALL.iter().find(|kind| kind.word() == stream).expect("it is a stream");
    let mut decoder = tierline_model::Decoder::new();
    let records = world.records(stream).into_iter();
    records.map(|(_, value)| decoder.to_json(*kind, &value).expect("it is ours")).collect()
}

/// The last that was said of each account.
fn last_of(world: &World, stream: &str) -> std::collections::BTreeMap<String, Value> {
    let told = told(world, stream).into_iter();
    told.map(|told| (told["account_id"].as_str().unwrap_or_default().to_owned(), told)).collect()
}

/// Whether somebody is known by this.
fn is_known(world: &World, identifier: &str) -> bool {
    let facts = world.records("aliases").into_iter();
    facts.map(|(_, fact)| String::from_utf8_lossy(&fact).into_owned()).any(|fact| fact.contains(identifier))
}

/// Companies, half of them changed in one instant.
fn hubspot(companies: i64) -> impl Fn(&Question) -> (u16, Value) {
    let started = now();
    move |question| {
        assert_eq!(question.path, "/crm/v3/objects/companies/search");
        let asked: Value = serde_json::from_str(&question.body).expect("it is JSON");
        let filter = &asked["filterGroups"][0]["filters"][0];
        assert_eq!((&filter["operator"], &asked["sorts"][0]["direction"]), (&json!("GTE"), &json!("ASCENDING")));
        let since = filter["value"].as_str().and_then(|text| text.parse::<i64>().ok()).expect("milliseconds");
        let (skip, limit) = (asked["after"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0), 200);
        let at = |id: i64| if id % 2 == 0 { started - 500_000 } else { started - 1_000 * id };
        let mut found: Vec<_> = (1..=companies).filter(|id| at(*id) >= since).map(|id| (at(id), id)).collect();
        found.sort_unstable();
        let wanted = asked["properties"].as_array().expect("they are named");
        let page: Vec<_> = found.into_iter().skip(skip).take(limit).map(|(at, id)| {
            let mut properties = json!({"name": format!("Company {id}"), "plan": "pro",
                "domain": format!("company-{id}.example"), "hs_lastmodifieddate": instant_text(at)});
            // Whoever names some gets these alone.
            properties.as_object_mut().expect("it is one").retain(|name, _| wanted.contains(&json!(name)));
            json!({"id": id.to_string(), "updatedAt": instant_text(at), "archived": false, "properties": properties})
        }).collect();
        (200, json!({"results": page}))
    }
}

#[test]
fn hubspots_companies_are_all_found_though_many_changed_in_one_instant() {
    for is_lucky in [true, false] {
        let vendor = Vendor::start(hubspot(500));
        if !is_lucky {
            vendor.misbehave(luck(Dice(2)));
        }
        let world = World::of(source_of("hubspot", "{ kind: hubspot, public_url: https://intake.example }"));
        Trial::new(&world, &vendor).rounds(&world.start(), 2);
        let accounts = last_of(&world, "accounts");
        assert_eq!(accounts.len(), 500);
        assert_eq!(accounts["desk:7"]["name"], "Company 7");
        assert!(is_known(&world, "company-7.example"), "what it shares with other systems is asked for as well");
        assert!(of_kind(&world, "heartbeat").is_empty(), "it tells of no tickets");
    }
}

/// Accounts in two pages, one of them deleted.
fn salesforce(question: &Question) -> (u16, Value) {
    let account = |id: &str, name: &str, is_deleted: bool| {
        json!({"attributes": {"type": "Account"}, "Id": format!("001RM000004UF9{id}"), "Name": name, "Industry": "Energy",
            "Website": "https://www.acme.example/",
            "IsDeleted": is_deleted, "SystemModstamp": "2026-03-02T10:00:00.000+0000"})
    };
    let told = match question.path.as_str() {
        "/services/oauth2/token" => {
            assert_eq!(question.body, "grant_type=client_credentials&client_id=app&client_secret=hunter2");
            return (200, json!({"access_token": "for-an-hour", "token_type": "Bearer"}));
        }
        "/services/data/v60.0/sobjects/Account/describe" => {
            json!({"fields": [{"name": "Id"}, {"name": "Name"}, {"name": "Industry"}, {"name": "OwnerId"},
                {"name": "WebSite"}]})
        }
        "/services/data/v60.0/queryAll" => {
            let query = question.query_of("q");
            assert!(
                query.starts_with("SELECT Id, Industry, IsDeleted, Name, OwnerId, SystemModstamp, WebSite FROM"),
                "{query}"
            );
            json!({"done": false, "nextRecordsUrl": "/services/data/v60.0/query/01g-2",
                "records": [account("s", "Acme", false)]})
        }
        "/services/data/v60.0/query/01g-2" => json!({"done": true, "records": [account("t", "Gone", true)]}),
        _ => return (404, json!([])),
    };
    assert_eq!(question.headers["authorization"], "Bearer for-an-hour");
    (200, told)
}

#[test]
fn salesforce_is_signed_in_to_and_asked_for_the_fields_that_it_has() {
    let vendor = Vendor::start(salesforce);
    vendor.misbehave(luck(Dice(4)));
    let world = World::of(source_of("salesforce", "{ kind: salesforce }"));
    let mut trial = Trial::new(&world, &vendor);
    trial.user = Some("app".to_owned());
    trial.rounds(&world.start(), 2);
    let accounts = last_of(&world, "accounts");
    assert_eq!(accounts["desk:001RM000004UF9sYAG"]["name"], "Acme");
    assert_eq!(accounts["desk:001RM000004UF9sYAG"]["segment"], "Energy");
    assert!(is_known(&world, "acme.example"));
    let gone = told(&world, "account-changes").into_iter().filter(|told| told["deleted"] == true).count();
    assert_eq!(gone, 1);
}

/// Events of one subscription: paid, then past due; the newest first.
fn stripe(question: &Question) -> (u16, Value) {
    assert_eq!((question.path.as_str(), question.query_of("limit")), ("/v1/events", "100"));
    assert!(question.query_of("created[gte]").parse::<i64>().is_ok());
    let at = now() / 1_000 - 600;
    let event = |n: i64, status: &str| {
        json!({"id": format!("evt_{n}"), "object": "event", "type": "customer.subscription.updated", "created": at + n,
            "data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": status,
                "created": at, "currency": "eur", "items": {"object": "list", "data": []}}}})
    };
    let (page, has_more) = match question.query_of("starting_after") {
        "" => (vec![event(3, "past_due")], true),
        "evt_3" => (vec![event(2, "active"), event(1, "trialing")], false),
        _ => (Vec::new(), false),
    };
    (200, json!({"object": "list", "data": page, "has_more": has_more}))
}

#[test]
fn stripes_events_are_told_in_the_order_in_which_they_happened() {
    let vendor = Vendor::start(stripe);
    vendor.misbehave(luck(Dice(1)));
    let world = World::of(source_of("stripe", "{ kind: stripe }"));
    Trial::new(&world, &vendor).rounds(&world.start(), 1);
    let states: Vec<_> = told(&world, "billing").into_iter().map(|told| told["state"].clone()).collect();
    assert_eq!(states, ["trialing", "current", "past_due"]);
}
