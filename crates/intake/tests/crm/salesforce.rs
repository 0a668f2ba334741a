//! Salesforce.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::kit::{Desk, NOW, last, sample};

const ACCOUNT: &str = "001RM000004UF9sYAG";

fn header(kind: &str, at: i64, more: Value) -> Value {
    let mut header = json!({"entityName": "Account", "recordIds": [ACCOUNT], "changeType": kind,
        "commitTimestamp": at, "sequenceNumber": 1, "commitNumber": 1, "transactionKey": "t"});
    header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    header
}

fn event(kind: &str, at: i64, about: Value, fields: Value) -> Value {
    let mut event = json!({"ChangeEventHeader": header(kind, at, about)});
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event
}

fn crm() -> Desk {
    Desk::new("salesforce", "properties: { segment: ~, custom.industry: Industry, custom.fax: Fax }")
}

#[test]
fn an_account_from_its_creation_to_its_undeletion() {
    let payloads = sample(include_str!("samples/salesforce_changes.json"));
    assert_snapshot!(crm().told(payloads.as_array().unwrap()));
}

#[test]
fn an_update_empties_what_it_says_is_empty_and_nothing_else() {
    let mut crm = crm();
    // As a connector has it: all other fields are null.
    let about = json!({"changedFields": ["Fax", "Plan__c", "LastModifiedDate"], "nulledFields": ["Fax"]});
    let fields = json!({"Fax": null, "Plan__c": "Gold", "Name": null, "Industry": null, "BillingAddress": null});
    let update = crm.read(&json!({"schema": {"type": "struct"}, "payload": event("UPDATE", 1_000, about, fields)}));
    assert_eq!((last(&update, "set"), last(&update, "cleared")), (&json!({"plan": "Gold"}), &json!(["custom.fax"])));
    // As one that leaves out what is null.
    let about = json!({"changedFields": ["Industry", "BillingAddress.Country"], "nulledFields": []});
    let update = crm.read(&event("UPDATE", 2_000, about, json!({})));
    assert_eq!(last(&update, "cleared"), &json!(["custom.industry", "region"]));
    // As CometD has it before API version 47: only what changed.
    let update = crm.read(&json!({"data": {"payload": event("UPDATE", 3_000, json!({}), json!({"Plan__c": null}))}}));
    assert_eq!(last(&update, "cleared"), &json!(["plan"]));
}

#[test]
fn an_enriched_field_is_told_though_it_did_not_change() {
    let about = json!({"changedFields": ["Fax", "LastModifiedDate"]});
    let update = crm().read(&event("UPDATE", 1_000, about, json!({"Fax": "555", "Industry": "Biotechnology"})));
    let custom = json!({"custom": {"fax": "555", "industry": "Biotechnology"}});
    assert_eq!(last(&update, "set"), &custom);
}

#[test]
fn compound_fields_are_their_parts_in_an_event_and_flat_in_the_api() {
    let about = json!({"changedFields": ["BillingAddress.Country"]});
    let update = crm().read(&event("UPDATE", 1_000, about, json!({"BillingAddress": {"Country": "Japan"}})));
    assert_eq!(last(&update, "set"), &json!({"region": "Japan"}));
    let whole = json!({"BillingAddress": {"Country": {"string": "Peru"}}, "Name": {"string": "Acme"}});
    let created = crm().read(&event("CREATE", 1_000, json!({}), whole));
    assert_eq!((last(&created, "region"), last(&created, "name")), (&json!("Peru"), &json!("Acme")));
    let emptied = json!({"nulledFields": ["BillingAddress"]});
    let emptied = crm().read(&event("UPDATE", 1_000, emptied, json!({"BillingAddress": null})));
    assert_eq!(last(&emptied, "cleared"), &json!(["region"]));
}

#[test]
fn what_the_event_cannot_say_is_passed_over() {
    let mut crm = crm();
    for kind in ["GAP_CREATE", "GAP_UPDATE", "GAP_UNDELETE", "GAP_OVERFLOW", "RENAME"] {
        let gap = crm.read(&event(kind, 1_000, json!({}), json!({})));
        assert_eq!((gap.records.len(), gap.ignored.len()), (0, 1), "{kind}");
    }
    let gone = crm.read(&event("GAP_DELETE", 1_000, json!({}), json!({})));
    assert_eq!(last(&gone, "deleted"), &json!(true));
    let bits = json!({"changedFields": ["0x400000"], "nulledFields": ["0x02"]});
    let bits = crm.read(&event("UPDATE", 2_000, bits, json!({"Plan__c": "Gold", "Fax": null})));
    assert_eq!((last(&bits, "set"), last(&bits, "cleared")), (&json!({"plan": "Gold"}), &Value::Null));
    assert!(bits.ignored[0].pointer.ends_with("nulledFields"));
    let difference = json!({"changedFields": ["Plan__c"], "diffFields": ["Plan__c"]});
    assert!(crm.read(&event("UPDATE", 3_000, difference, json!({"Plan__c": "--- +++"}))).records.is_empty());
    let other = event("CREATE", 1_000, json!({"entityName": "Contact"}), json!({"Name": "Jo"}));
    assert_eq!(crm.read(&other).ignored[0].why, "it is not of an account");
}

#[test]
fn one_event_may_be_of_several_accounts_and_order_is_the_commits() {
    let mut crm = crm();
    let two = json!({"recordIds": [ACCOUNT, "001RM000004UF9t"], "changedFields": ["Plan__c"]});
    let update = crm.read(&event("UPDATE", 2_000, two, json!({"Plan__c": "Gold"})));
    assert_eq!(update.records.len(), 2);
    assert_eq!(last(&update, "source_id"), "001RM000004UF9tYAG");
    let late = json!({"changedFields": ["Plan__c"]});
    assert!(crm.read(&event("UPDATE", 1_000, late, json!({"Plan__c": "Silver"}))).records.is_empty());
}

#[test]
fn an_account_of_the_api_comes_whole() {
    let page = json!({"totalSize": 2, "done": true, "records": [
        {"attributes": {"type": "Account"}, "Id": "001RM000004UF9s", "Name": "Acme", "BillingCountry": "Japan",
            "ARR__c": 120000.0, "Renewal_Date__c": "2026-12-24", "Health_Score__c": "88", "Plan__c": null,
            "LastModifiedDate": "2026-03-01T10:00:00.000+0000"},
        {"attributes": {"type": "Contact"}, "Id": "003RM000004UF9s"}]});
    let reading = crm().read(&page);
    assert_eq!(last(&reading, "account_id"), "salesforce:001RM000004UF9sYAG");
    assert_eq!((last(&reading, "arr"), last(&reading, "updated_at")), (&json!(120_000), &json!(1_772_359_200_000i64)));
    assert_eq!((reading.records.len(), reading.ignored[0].pointer.as_str()), (1, "/records/1"));
}

#[test]
fn what_is_nothing_of_salesforces_is_refused_and_not_passed_over() {
    let mut crm = Desk::new("salesforce", "kind: salesforce");
    let foreign = crm.tried(&json!({"hello": 1}), NOW).unwrap_err();
    assert!(foreign.reason.contains("neither a change event of Salesforce"), "{foreign}");
    assert_eq!(crm.read(&json!({"records": []})).records.len(), 0);
}

#[test]
fn a_person_account_has_its_name_in_parts() {
    let parts = json!({"Salutation": "Ms.", "FirstName": "Ada", "LastName": "Lovelace"});
    let created = crm().read(&event("CREATE", 1_000, json!({}), json!({"Name": parts})));
    assert_eq!(last(&created, "name"), "Ada Lovelace");
    let parts = json!({"com.sforce.eventbus.Switchable_PersonName": {"FirstName": {"string": "Ada"},
        "LastName": {"string": "Lovelace"}, "Suffix": null}});
    let created = crm().read(&event("CREATE", 1_000, json!({}), json!({"Name": parts})));
    assert_eq!(last(&created, "name"), "Ada Lovelace");
}
