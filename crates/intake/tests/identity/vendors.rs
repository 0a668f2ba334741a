//! By what each system knows its customers, as its payloads bring it.

use serde_json::{Value, json};
use tierline_intake::directory::Table;
use tierline_intake::identity::{Identifier, Told};
use tierline_intake::{Context, Delivery, Json, sources};

/// What a payload of a system tells of who is who: of whom, in which field, what it holds.
fn told(source: &str, payload: Value) -> Vec<(String, &'static str, Vec<String>)> {
    let source = sources::unconfigured(source).expect("it needs no options");
    let body = payload.to_string();
    let (delivery, directory) = (Delivery::bare(body.as_bytes(), 1_772_442_000_000), Table::default());
    let context = Context { delivery: &delivery, directory: &directory };
    let reading = source.read(Json::new(&payload), &context).expect("it can be read");
    let told = reading.told.into_iter().filter_map(|told| match told {
        Told::Has { of, field, identifiers } => {
            let texts = identifiers.iter().map(Identifier::as_str).map(str::to_owned);
            Some((of.to_string(), field, texts.collect()))
        }
        Told::GoesOn { .. } => None,
    });
    told.collect()
}

fn has(of: &str, field: &'static str, identifiers: &[&str]) -> (String, &'static str, Vec<String>) {
    (of.to_owned(), field, identifiers.iter().map(|one| (*one).to_owned()).collect())
}

#[test]
fn zendesk_tells_domains_an_external_id_and_the_domain_of_who_has_no_organisation() {
    let organisation = json!({"organizations": [{"id": 900, "name": "Acme", "external_id": "001RM000004UF9sYAG",
        "domain_names": ["acme.example", "Acme.test"]}]});
    assert_eq!(
        told("zendesk", organisation),
        [
            has("zendesk:900", "domain_names", &["domain:acme.example", "domain:acme.test"]),
            has("zendesk:900", "external_id", &["external:001RM000004UF9sYAG"]),
        ]
    );
    let emptied = json!({"organizations": [{"id": 900, "name": "Acme", "external_id": null, "domain_names": []}]});
    assert_eq!(
        told("zendesk", emptied),
        [has("zendesk:900", "domain_names", &[]), has("zendesk:900", "external_id", &[])]
    );
    let ticket = |organisation: Value| {
        json!({"users": [{"id": 5, "name": "Jo", "role": "end-user", "email": "jo@acme.example"}], "tickets": [{
            "id": 7, "subject": "Export fails", "status": "new", "requester_id": 5, "organization_id": organisation,
            "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"}]})
    };
    assert_eq!(told("zendesk", ticket(Value::Null)), [has("zendesk:user:5", "email", &["domain:acme.example"])]);
    assert_eq!(told("zendesk", ticket(json!(900))), []);
}

#[test]
fn other_help_desks_tell_what_they_have() {
    let company = json!({"id": 900, "name": "Acme", "domains": ["acme.example", "acme"], "account_tier": "Premium"});
    assert_eq!(told("freshdesk", company), [has("freshdesk:900", "domains", &["domain:acme.example"])]);
    let company = json!({"type": "company", "id": "54c4", "company_id": "acme-7", "name": "Acme",
        "website": "https://www.acme.example"});
    assert_eq!(
        told("intercom", company),
        [
            has("intercom:54c4", "company_id", &["external:acme-7"]),
            has("intercom:54c4", "website", &["domain:acme.example"]),
        ]
    );
    let account = json!({"data": {"id": "900", "name": "Acme", "domain": "acme.example", "domains": ["acme.example"],
        "external_ids": ["crm-1", "7"], "type": "customer"}});
    assert_eq!(
        told("pylon", account),
        [
            has("pylon:900", "domains", &["domain:acme.example"]),
            has("pylon:900", "domain", &["domain:acme.example"]),
            has("pylon:900", "external_ids", &["external:crm-1"]),
        ]
    );
}

#[test]
fn a_crm_tells_its_own_id_too() {
    let changed = |name: &str, value: &str| {
        json!([{"objectId": 9876543210_u64, "subscriptionType": "company.propertyChange", "propertyName": name,
            "propertyValue": value, "occurredAt": 1_772_442_000_000_i64}])
    };
    let own = has("hubspot:9876543210", "id", &["external:9876543210"]);
    let domain = has("hubspot:9876543210", "domain", &["domain:acme.example"]);
    assert_eq!(told("hubspot", changed("domain", "acme.example")), [own.clone(), domain]);
    assert_eq!(told("hubspot", changed("plan", "pro")), [own]);
    let company = json!({"id": "77", "properties": {"domain": "acme.example", "hs_additional_domains": "a.example;b.example"},
        "updatedAt": "2026-03-02T09:00:00Z"});
    assert_eq!(
        told("hubspot", company),
        [
            has("hubspot:77", "id", &[]),
            has("hubspot:77", "domain", &["domain:acme.example"]),
            has("hubspot:77", "hs_additional_domains", &["domain:a.example", "domain:b.example"]),
        ]
    );
    let id = "001RM000004UF9sYAG";
    let of = format!("salesforce:{id}");
    let record = json!({"Id": id, "Name": "Acme", "Website": "acme.example", "AccountNumber": "CD355118",
        "attributes": {"type": "Account"}});
    assert_eq!(
        told("salesforce", record),
        [
            has(&of, "id", &["external:001RM000004UF9sYAG"]),
            has(&of, "Website", &["domain:acme.example"]),
            has(&of, "AccountNumber", &["external:CD355118"]),
        ]
    );
}

#[test]
fn of_a_salesforce_update_only_what_has_changed_is_told() {
    let id = "001RM000004UF9sYAG";
    let of = format!("salesforce:{id}");
    let update = |website: Value, nulled: Value| {
        json!({"ChangeEventHeader": {"entityName": "Account", "changeType": "UPDATE", "recordIds": [id],
            "changedFields": ["Name"], "nulledFields": nulled, "commitTimestamp": 1_772_442_000_000_i64},
            "Name": "Acme", "Website": website})
    };
    let own = has(&of, "id", &["external:001RM000004UF9sYAG"]);
    assert_eq!(told("salesforce", update(Value::Null, json!([]))), std::slice::from_ref(&own));
    assert_eq!(told("salesforce", update(Value::Null, json!(["Website"]))), [own.clone(), has(&of, "Website", &[])]);
    assert_eq!(
        told("salesforce", update(json!("acme.example"), json!([]))),
        [own, has(&of, "Website", &["domain:acme.example"])]
    );
}

#[test]
fn stripe_tells_the_domain_that_bills_go_to_and_what_a_team_notes() {
    let customer = json!({"type": "customer.updated", "object": "event", "created": 1_772_442_000, "data": {"object": {
        "id": "cus_NffrFeUf", "object": "customer", "email": "ap@acme.example", "delinquent": false,
        "metadata": {"hubspot_id": "9876543210", "seats": "12"}}}});
    assert_eq!(
        told("stripe", customer),
        [
            has("stripe:cus_NffrFeUf", "id", &["external:cus_NffrFeUf"]),
            has("stripe:cus_NffrFeUf", "email", &["domain:acme.example"]),
            has("stripe:cus_NffrFeUf", "metadata.hubspot_id", &["external:9876543210"]),
        ]
    );
}
