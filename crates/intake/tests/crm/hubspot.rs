//! HubSpot.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::kit::{Desk, NOW, built, last, sample};

fn event(kind: &str, id: u64, at: i64, more: Value) -> Value {
    let mut event = json!({"eventId": 1, "subscriptionId": 2, "portalId": 3, "appId": 4, "occurredAt": at,
        "subscriptionType": kind, "attemptNumber": 0, "objectId": id, "changeSource": "CRM_UI"});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn change(id: u64, at: i64, name: &str, value: &str) -> Value {
    event("company.propertyChange", id, at, json!({"propertyName": name, "propertyValue": value}))
}

#[test]
fn a_webhook_is_a_list_of_single_properties() {
    let mut hubspot = Desk::new("hubspot", "properties: { plan: subscription_tier, custom.nps: nps_score, flags: ~ }");
    assert_snapshot!(hubspot.told(&[sample(include_str!("samples/hubspot_webhook.json"))]));
}

#[test]
fn a_company_of_the_api_comes_whole() {
    let mut hubspot = Desk::new("hubspot", "properties: { churn_risk: { property: churn, times: 0.01 } }");
    hubspot.read(&change(512, 1_772_000_000_000, "industry", "mid-market"));
    assert_snapshot!(hubspot.told(&[sample(include_str!("samples/hubspot_companies.json"))]));
}

#[test]
fn what_comes_late_or_again_does_not_undo_what_is_newer() {
    let mut hubspot = Desk::new("hubspot", "kind: hubspot");
    let newer = hubspot.read(&json!([change(900, 2_000, "plan", "pro")]));
    assert_eq!(last(&newer, "account_id"), "acme");
    assert_eq!(last(&newer, "set"), &json!({"plan": "pro"}));
    let late = hubspot.read(&json!([change(900, 1_000, "plan", "free")]));
    assert!(late.records.is_empty());
    assert_eq!(late.ignored[0].why, "older than what is known");
    // One payload is put in order.
    let both = hubspot.read(&json!([change(7, 4_000, "plan", "b"), change(7, 3_000, "plan", "a")]));
    assert_eq!(both.records.len(), 2);
    assert_eq!(last(&both, "set"), &json!({"plan": "b"}));
}

#[test]
fn a_property_without_a_value_is_empty() {
    let mut hubspot = Desk::new("hubspot", "kind: hubspot");
    let emptied = hubspot.read(&json!([change(900, 1_000, "plan", "")]));
    assert_eq!(last(&emptied, "cleared"), &json!(["plan"]));
}

#[test]
fn those_that_are_merged_go_and_one_goes_on_under_the_account_that_was_chosen() {
    let mut hubspot = Desk::new("hubspot", "kind: hubspot");
    hubspot.read(&json!([change(900, 1_000, "plan", "pro"), change(901, 1_000, "plan", "free")]));
    let ids = json!({"primaryObjectId": 900, "mergedObjectIds": [900, 901], "newObjectId": 902});
    let merged = hubspot.read(&json!([event("company.merge", 900, 2_000, ids)]));
    assert_eq!(merged.records.len(), 1);
    assert_eq!((last(&merged, "account_id"), last(&merged, "deleted")), (&json!("hubspot:901"), &json!(true)));
    let after = hubspot.read(&json!([change(902, 3_000, "plan", "enterprise")]));
    assert_eq!((last(&after, "account_id"), last(&after, "source_id")), (&json!("acme"), &json!("902")));
    let old = hubspot.read(&json!([event("company.deletion", 900, 2_001, json!({}))]));
    assert!(old.records.is_empty(), "the old id of the one that goes on");
}

#[test]
fn a_deleted_company_is_told_no_more() {
    let mut hubspot = Desk::new("hubspot", "kind: hubspot");
    hubspot.read(&json!([change(5, 1_000, "plan", "pro")]));
    let gone = hubspot.read(&json!([event("company.deletion", 5, 2_000, json!({"changeFlag": "DELETED"}))]));
    assert_eq!((last(&gone, "account_id"), last(&gone, "deleted")), (&json!("hubspot:5"), &json!(true)));
    let late = hubspot.read(&json!([change(5, 1_500, "plan", "late")]));
    assert!(late.records.is_empty());
}

#[test]
fn an_owner_is_named_where_the_name_is_known() {
    use tierline_intake::directory::{Entry, EntryKind, Known};
    let mut hubspot = Desk::new("hubspot", "kind: hubspot");
    let known = Some(Known { name: Some("Sam Ito".into()), ..Known::default() });
    hubspot.directory.put(Entry { source: "hubspot".into(), kind: EntryKind::User, id: "77".into(), known });
    let owned = hubspot.read(&json!([change(900, 1_000, "hubspot_owner_id", "77")]));
    assert_eq!(last(&owned, "set"), &json!({"owner": "Sam Ito"}));
    let other = hubspot.read(&json!([change(900, 2_000, "hubspot_owner_id", "78")]));
    assert_eq!(last(&other, "set"), &json!({"owner": "78"}));
}

#[test]
fn what_is_no_company_is_passed_over() {
    let mut hubspot = Desk::new("hubspot", "kind: hubspot");
    let request = json!({"headers": {"X-HubSpot-Signature-Version": "v3"},
        "body": [event("contact.creation", 1, 1_000, json!({})), event("object.propertyChange", 2, 1_000,
            json!({"objectTypeId": "0-2", "propertyName": "plan", "propertyValue": "pro"}))]});
    let reading = hubspot.read(&request);
    assert_eq!((reading.records.len(), reading.ignored[0].pointer.as_str()), (1, "/body/0"));
    assert_eq!(hubspot.read(&json!([event("contact.creation", 1, 1_000, json!({}))])).ignored.len(), 1);
    assert_eq!(hubspot.read(&json!([])).records.len(), 0);
    assert_eq!(hubspot.read(&json!({"results": []})).records.len(), 0);
    let foreign = hubspot.tried(&json!({"hello": 1}), NOW).unwrap_err();
    assert!(foreign.reason.contains("neither an event of HubSpot's webhooks"), "{foreign}");
}

#[test]
fn a_table_that_is_wrong_is_told_with_what_was_meant() {
    let wrong = built("hubspot", "properties: { pln: tier }").unwrap_err();
    assert!(wrong.contains("an account has no field `pln`") && wrong.contains("plan"), "{wrong}");
    assert!(built("hubspot", "signature: v4").is_err());
    assert!(built("hubspot", "properties: { plan: { values: { a: b } } }").is_err());
}

#[test]
fn an_association_and_a_merge_may_name_no_object() {
    let mut hubspot = Desk::new("hubspot", "kind: hubspot");
    let bare = |kind: &str, more: Value| {
        let mut event = event(kind, 1, 2_000, more);
        event.as_object_mut().unwrap().remove("objectId");
        event
    };
    let ends = json!({"associationType": "COMPANY_TO_CONTACT", "fromObjectId": 900, "toObjectId": 17,
        "associationRemoved": false});
    let associated = hubspot.read(&json!([bare("company.associationChange", ends)]));
    assert_eq!((associated.records.len(), associated.ignored.len()), (0, 1));
    let ends = json!({"fromObjectTypeId": "0-2", "toObjectTypeId": "0-1", "fromObjectId": 900, "toObjectId": 17});
    let associated = hubspot.read(&json!([bare("object.associationChange", ends)]));
    assert_eq!((associated.records.len(), associated.ignored.len()), (0, 1));
    let ids = json!({"primaryObjectId": 900, "mergedObjectIds": [901], "newObjectId": 902});
    let merged = hubspot.read(&json!([bare("company.merge", ids)]));
    assert_eq!((last(&merged, "account_id"), last(&merged, "deleted")), (&json!("hubspot:901"), &json!(true)));
}
